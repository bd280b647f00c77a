"""One process's packs, whatever their arrays are."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from corpuskit import _core
from corpuskit.errors import PlanError
from corpuskit.loader.corpus import PackedCorpus, Phase, stream_settings

if TYPE_CHECKING:
    from corpuskit._core import EffectivePlan
    from corpuskit._plan_face import AnyPlan
    from corpuskit.pipeline import PathLike
    from corpuskit.tokens import TokenStore

__all__ = ["PackStream"]

ARRAYS = {
    "input_ids": "int64",
    "labels": "int64",
    "position_ids": "int64",
    "seq_idx": "int32",
    "loss_weight": "float32",
    "cu_seq_lens": "int32",
    "doc_ref": "int64",
}
"""The arrays of a pack and their types."""


class PackStream(ABC):
    """Packs of a corpus in a fixed order, dealt out to ranks and workers, with a state.

    A pack is a dictionary: `input_ids`, `labels` (not shifted, -100 where nothing is learnt and at each document's first
    token), `position_ids` (from 0 in each document), `seq_idx`, `loss_weight`, one item a token; `cu_seq_lens` (borders of
    documents), `doc_ref` (see `origin`; -1: padding), `category` (names), an item a document; `max_seq_len`, `supervised`,
    and `number`, `epoch`, `phase`, `digest` (the chain over all packs up to this one).

    Args:
        source: A `PackedCorpus`, or what one is made from.
        plan: Its section `pack` decides mode, length and window; `mix.seed` the order.
        rank: Which of the processes that train together this is; PyTorch's, or 0.
        world_size: How many they are; PyTorch's, or 1.
        seed: Decides the order inside blocks of 10,000 records; the plan's `mix.seed` if None.
        shuffle: Whether records change places inside blocks.
        epochs: Passes over all phases.
        categories: Only documents of these.
        prefetch: Packs that are made ahead by a thread of their own.
        turn: Packs that a worker of a `DataLoader` hands out in a row: its `batch_size`.
        **corpus: As `PackedCorpus` takes it (`tokenizer`, `tokens`, `run`, `template`, `validation`).
    """

    def __init__(
        self,
        source: PackedCorpus | PathLike | TokenStore | Iterable[Mapping[str, Any]],
        *,
        plan: AnyPlan | EffectivePlan = None,
        rank: int | None = None,
        world_size: int | None = None,
        seed: int | None = None,
        shuffle: bool = True,
        epochs: int = 1,
        categories: Sequence[str] = (),
        prefetch: int = 4,
        turn: int = 1,
        **corpus: Any,
    ) -> None:
        if epochs < 1 or prefetch < 0 or turn < 1:
            raise PlanError("epochs, prefetch, turn", f"must be at least 1, 0 and 1, got {epochs}, {prefetch}, {turn}")
        self.corpus = source if isinstance(source, PackedCorpus) else PackedCorpus(source, plan=plan, **corpus)
        self._settings = stream_settings(plan, seed=seed, shuffle=shuffle, epochs=epochs, categories=categories)
        found_rank, found_world = self._place()
        self.rank = found_rank if rank is None else rank
        self.world_size = found_world if world_size is None else world_size
        self._prefetch = prefetch
        self._turn = turn
        self._start: str | None = None
        self._resume = False
        self._last: _core.Pack | str | None = None
        self._planner: _core.PackLoader | None = None
        self._new_loader((1, 0))

    def _place(self) -> tuple[int, int]:
        """Rank and number of processes."""
        return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))

    def _worker(self) -> tuple[int, int]:
        """Number of workers and which one this is."""
        return 1, 0

    @abstractmethod
    def _convert(self, pack: _core.Pack) -> dict[str, Any]:
        """The pack's arrays."""

    def _new_loader(self, worker: tuple[int, int]) -> _core.PackLoader:
        turn = self._turn if worker[0] > 1 else 1
        lane = (self.world_size, self.rank, *worker, turn)
        return _core.PackLoader(self.corpus._core, self._settings, lane, self._start)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The packs, from the beginning or (once) from the state that was loaded."""
        if not self._resume:
            self._start = None
        worker = self._worker()
        loader = self._new_loader(worker)
        self._last, self._planner, self._resume = None, None, False
        return self._packs(loader, 0 if worker[0] > 1 else self._prefetch)

    def _packs(self, loader: _core.PackLoader, ahead: int) -> Iterator[dict[str, Any]]:
        def take() -> tuple[_core.Pack, dict[str, Any]] | None:
            pack = loader.take()
            return None if pack is None else (pack, self._finish(self._convert(pack), pack))

        for found in iter(take, None) if ahead == 0 else _ahead(take, ahead):
            self._last, arrays = found
            yield arrays
        self._last = loader.state()

    def _finish(self, arrays: dict[str, Any], pack: _core.Pack) -> dict[str, Any]:
        names = self.corpus.categories
        arrays["category"] = [names[number] if number >= 0 else "" for number in pack.category()]
        arrays |= {"max_seq_len": pack.max_seq_len(), "supervised": pack.supervised(), "number": pack.number}
        arrays |= {"epoch": pack.epoch, "phase": pack.phase, "digest": f"{pack.chain:016x}"}
        return arrays

    def state_dict(self, after: int | None = None) -> dict[str, Any]:
        """Where the stream stands: the packs that were handed out are behind. Plain data, a few kilobytes.

        After whole steps all ranks have the same state, and any number of ranks can go on from it.

        Args:
            after: The number of the last pack that was used, where the workers of a `DataLoader` hand packs out: this
                process does not see how far they are.
        """
        if after is not None:
            text = self._planned(after)
        elif self._last is not None:
            text = self._last if isinstance(self._last, str) else self._last.state()
        else:
            text = self._start if self._start is not None else self._new_loader(self._worker()).state()
        state: dict[str, Any] = json.loads(text)
        return state

    def _planned(self, after: int) -> str:
        if self._planner is None or json.loads(self._planner.state())["cursor"]["packs"] > after:
            self._planner = self._new_loader((1, 0))
        self._planner.pass_by(after)
        return self._planner.state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The next iteration goes on from a state.

        Raises:
            InputError: It is damaged, or of another corpus, selection or settings.
        """
        before, self._start = self._start, json.dumps(state)
        try:
            self._new_loader(self._worker())
        except Exception:
            self._start = before
            raise
        self._last, self._planner, self._resume = None, None, True

    @property
    def phases(self) -> list[Phase]:
        """What the stream holds, by phase, in one pass."""
        return self.corpus.phases(self._settings)

    @property
    def categories(self) -> list[str]:
        """All categories, sorted."""
        return self.corpus.categories

    @property
    def vocabulary(self) -> int:
        """Every token is below it."""
        return self.corpus.vocabulary

    def origin(self, reference: int) -> str:
        """Where the record of a `doc_ref` came from: `PATH:LINE`."""
        return self.corpus.origin(reference)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_last", "_planner")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _last=None, _planner=None)


def _ahead(take: Callable[[], Any], count: int) -> Iterator[Any]:
    """What `take` returns until it returns None, so many calls ahead, in order."""
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="corpuskit-packs") as pool:
        try:
            waiting.extend(pool.submit(take) for _ in range(count))
            while (found := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(take))
                yield found
        finally:
            for future in waiting:
                future.cancel()
