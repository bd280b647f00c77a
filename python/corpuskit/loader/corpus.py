"""What a loader reads: the tokens of a run folder, of a selection, or of any records."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _core
from corpuskit.errors import InputError
from corpuskit.selection import read_selection
from corpuskit.tokens import TokenStore
from corpuskit.verbs import effective

if TYPE_CHECKING:
    from corpuskit._core import EffectivePlan
    from corpuskit._plan_face import AnyPlan
    from corpuskit.pipeline import PathLike

__all__ = ["PackedCorpus", "Phase", "Source"]

Source = "PathLike | TokenStore | Iterable[Mapping[str, Any]]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """A phase of the stream, in one pass."""

    name: str
    lr: float | None
    """The learning rate that the curriculum gives it; None where there is no curriculum."""
    packs: int
    documents: int
    tokens: int
    supervised: int
    """Tokens that are learnt."""
    slots: int
    """Tokens that the model computes on; `tokens / slots` is the fill."""
    categories: Mapping[str, int]
    """Learnt tokens by category (empty: without)."""


class PackedCorpus:
    """Documents in phases, as tokens; shared by any number of streams, sent to other processes by name.

    Args:
        source: The folder of a selection (`corpuskit mix`), a finished run folder (every record, in its order), a token
            store or its folder, or records as dictionaries.
        tokenizer: The folder of a Hugging Face tokenizer; may be left out where the run has one token store.
        tokens: The token store, where it is not in the run folder.
        run: The run folder of a selection, where it has moved.
        plan: Its sections `tokenise`, `condition` and `pack` decide what a document is.
        template: A chat template to be used in place of the tokenizer's own.
        validation: The validation split of a selection in place of the training split.

    Raises:
        InputError: Something is missing, or the parts do not belong together.
    """

    def __init__(
        self,
        source: PathLike | TokenStore | Iterable[Mapping[str, Any]],
        *,
        tokenizer: PathLike | None = None,
        tokens: PathLike | None = None,
        run: PathLike | None = None,
        plan: AnyPlan | EffectivePlan = None,
        template: str | None = None,
        validation: bool = False,
    ) -> None:
        self._run: str | None = None
        self._selection: str | None = None
        self._validation = validation
        self.account: dict[str, Any] | None = None
        """`selection.json`, where a selection is read."""
        if isinstance(source, TokenStore):
            self._store = source.folder
        elif isinstance(source, str | os.PathLike):
            self._open_folder(Path(source), tokenizer, tokens, run, plan, template)
        else:
            self._store = self._tokenise(source, tokenizer, plan, template)
        self._map()

    def _map(self) -> None:
        self._core = _core.PackCorpus(
            self._store, run=self._run, selection=self._selection, validation=self._validation
        )
        self.store = TokenStore(self._store)
        self.categories: list[str] = self._core.categories()
        """Sorted."""

    def _open_folder(
        self,
        folder: Path,
        tokenizer: PathLike | None,
        tokens: PathLike | None,
        run: PathLike | None,
        plan: AnyPlan | EffectivePlan,
        template: str | None,
    ) -> None:
        if (folder / "store.json").is_file():
            self._store = os.fspath(folder)
            return
        if (folder / "selection.json").is_file():
            self.account = read_selection(folder)
            self._selection = os.fspath(folder)
            folder = Path(run if run is not None else self.account["run"])
        if not (folder / "manifest.json").is_file():
            hint = "say where it is (`run=`)" if self._selection else "name a run, a selection or a token store"
            raise InputError(os.fspath(folder), "is no finished run folder", hint)
        self._run = os.fspath(folder)
        self._store = os.fspath(tokens) if tokens is not None else _store_of_run(folder, tokenizer, plan, template)

    def _tokenise(
        self,
        records: Iterable[Mapping[str, Any]],
        tokenizer: PathLike | None,
        plan: AnyPlan | EffectivePlan,
        template: str | None,
    ) -> str:
        if tokenizer is None:
            raise InputError("records", "have no tokens yet", "name the folder of a tokenizer (`tokenizer=`)")
        from corpuskit.tokenise import tokenise

        place = tempfile.mkdtemp(prefix="corpuskit-packs-")
        self._removed = weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        return tokenise(records, tokenizer, plan=plan, template=template, cache=place).folder

    @property
    def digest(self) -> str:
        """What identifies the tokens and what is selected of them."""
        return self._core.digest()

    @property
    def identity(self) -> dict[str, Any]:
        """The digests of everything that decides the packs."""
        key = self.store.meta["key"]
        found = {"corpus": self.digest, "tokenizer": key["tokenizer"], "template": key["template"]}
        if self.account is not None:
            found |= {"selection": self.account["digest"], "manifest": self.account["manifest"]}
        return found

    @property
    def vocabulary(self) -> int:
        """Tokens that the tokenizer knows; every id is below it."""
        return int(self.store.meta["vocabulary"])

    def origin(self, reference: int) -> str:
        """Where the record of a `doc_ref` came from: its `PATH:LINE`; `records#N` where it never had a file."""
        return self._core.origin(int(reference))

    def phases(self, settings: str) -> list[Phase]:
        """What a stream with these settings holds, by phase."""
        rates = {phase["name"]: phase["lr"] for phase in self.account["phases"]} if self.account else {}
        return [
            Phase(lr=rates.get(phase["name"]), **phase) for phase in json.loads(self._core.summary(settings))["phases"]
        ]

    def __getstate__(self) -> dict[str, Any]:
        kept = ("_store", "_run", "_selection", "_validation", "account")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._map()


def stream_settings(
    plan: AnyPlan | EffectivePlan, *, seed: int | None, shuffle: bool, epochs: int, categories: Sequence[str]
) -> str:
    """How packs are made, as the core takes it."""
    whole = json.loads(effective(plan).to_json())
    settings = {
        "pack": whole["pack"],
        "seed": whole["mix"]["seed"] if seed is None else seed,
        "shuffle": shuffle,
        "epochs": epochs,
        "categories": list(categories),
    }
    return json.dumps(settings)


def _store_of_run(folder: Path, tokenizer: PathLike | None, plan: AnyPlan | EffectivePlan, template: str | None) -> str:
    if tokenizer is not None:
        from corpuskit.tokenise import tokenise

        return tokenise(folder, tokenizer, plan=plan, template=template).folder
    stores = sorted(path.parent for path in (folder / "tokens").glob("*/store.json"))
    if len(stores) != 1:
        found = f"has {len(stores)} token stores, expected one where no tokenizer is named"
        raise InputError(
            os.fspath(folder), found, "name the folder of a tokenizer (`tokenizer=`), or a store (`tokens=`)"
        )
    return os.fspath(stores[0])
