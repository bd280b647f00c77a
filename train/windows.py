"""Cuts the stream of packs into optimizer steps, the same steps for any number of processes.

Packs come in rounds: each process takes its next pack, and all learn how many documents and supervised tokens the round holds. A
step is closed at the pack that brings it nearest to the asked size, and at the end of a phase. A pack that was fetched but belongs
to a later step waits; where the stream continues after a stop is therefore "the loader's state before the round, and how many packs
of it are used up".
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from settings import Batch as BatchSize

Pack = dict[str, Any]


class Source(Protocol):
    """What a loader must be able to do; `corpus.py` makes one."""

    def position(self) -> dict[str, Any]:
        """The loader's state, from which `seek` continues with the next pack of this round."""

    def take(self) -> Pack | None:
        """This process's next pack; None at the end of the stream."""


@dataclass(slots=True)
class Summary:
    """What all processes know of a pack."""

    examples: int
    supervised: float
    """Sum of the weights of its supervised tokens."""
    tokens: int
    phase: int
    by_group: tuple[float, ...]
    """`supervised` by adapter."""
    digest: int = 0
    """The loader's digest chain over all packs up to this one."""


@dataclass(slots=True)
class Window:
    """One optimizer step."""

    phase: int
    packs: list[tuple[int, Pack]] = field(default_factory=list)
    """This process's packs with their numbers in the whole stream."""
    rows: int = 0
    examples: int = 0
    supervised: float = 0.0
    tokens: int = 0
    by_group: tuple[float, ...] = ()
    digest: int = 0
    """The digest chain after the last pack: two runs that agree in it have seen the same packs."""
    waited: float = 0.0
    """Seconds that this process waited for data."""
    after: tuple[dict[str, Any], int, int] = field(default_factory=lambda: ({}, 0, 0))
    """Where the stream goes on: state, packs of it that are used up, number of the next pack."""


def only_group(_: str) -> int:
    """The group of every category where there is one adapter."""
    return 0


def summarise(pack: Pack, groups: int, group_of: Callable[[str], int]) -> Summary:
    """What the other processes need to know of a pack."""
    labels = pack["labels"]
    counted = pack["loss_weight"].double() * (labels != -100)
    counted[0] = 0.0
    by_group = [0.0] * groups
    if groups > 1:
        edges = pack["cu_seq_lens"].tolist()
        for number, category in enumerate(pack["category"]):
            group = group_of(category)
            if group >= 0:
                by_group[group] += float(counted[edges[number] : edges[number + 1]].sum())
    else:
        by_group[0] = float(counted.sum())
    documents = sum(reference >= 0 for reference in pack["doc_ref"].tolist())
    return Summary(documents, sum(by_group), len(labels), int(pack["phase"]), tuple(by_group), int(pack["digest"], 16))


def share(own: Summary | None, groups: int, world: int, device: torch.device) -> list[Summary | None]:
    """Every process's summary of its pack of the round, in the order of the packs."""
    if world == 1:
        return [own]
    numbers = [0.0] * (7 + groups)
    if own is not None:
        halves = divmod(own.digest, 2**32)  # each of them is exact as a float
        numbers = [1.0, own.examples, own.supervised, own.tokens, own.phase, *halves, *own.by_group]
    mine = torch.tensor(numbers, dtype=torch.float64, device=device)
    everybody = [torch.empty_like(mine) for _ in range(world)]
    torch.distributed.all_gather(everybody, mine)
    rows = [row.tolist() for row in everybody]
    return [
        Summary(int(r[1]), r[2], int(r[3]), int(r[4]), tuple(r[7:]), int(r[5]) * 2**32 + int(r[6])) if r[0] else None
        for r in rows
    ]


def windows(
    source: Source, size: BatchSize, *, rank: int, world: int, device: torch.device,
    groups: int = 1, group_of: Callable[[str], int] = only_group, used: int = 0, number: int = 0,
) -> Iterator[Window]:  # fmt: skip
    """Cuts the stream into steps.

    Args:
        source: This process's packs.
        size: Section `train.batch`.
        rank: This process.
        world: Number of processes.
        device: For the exchange between processes.
        groups: Number of adapters.
        group_of: The number of a category's adapter, or -1.
        used: Packs of the first round that are used up (after a stop).
        number: The number of the first pack that is not.
    """
    waiting: deque[tuple[Summary, Pack | None, tuple[dict[str, Any], int]]] = deque()
    waited = 0.0
    ended = False

    def fill() -> bool:
        nonlocal waited, ended, used
        while not waiting and not ended:
            state = source.position()
            start = time.perf_counter()
            pack = source.take()
            waited += time.perf_counter() - start
            own = summarise(pack, groups, group_of) if pack is not None else None
            for place, summary in enumerate(share(own, groups, world, device)):
                if summary is None:
                    ended = True
                elif used:
                    used -= 1
                else:
                    waiting.append((summary, pack if place == rank else None, (state, place)))
        return bool(waiting)

    while fill():
        window = Window(waiting[0][0].phase)
        while fill() and waiting[0][0].phase == window.phase:
            summary = waiting[0][0]
            now, then = amount(window, size.unit), amount(window, size.unit) + unit(summary, size.unit)
            if window.rows and abs(now - size.target) <= abs(then - size.target):
                break
            _, pack, _ = waiting.popleft()
            if pack is not None:
                window.packs.append((number, pack))
            add(window, summary)
            number += 1
        window.waited, waited = waited, 0.0
        state, used_up = waiting[0][2] if fill() else (source.position(), 0)
        window.after = (state, used_up, number)
        yield window


def unit(summary: Summary, name: str) -> int:
    """What a pack adds to a step."""
    return {"examples": summary.examples, "rows": 1, "tokens": summary.tokens}[name]


def amount(window: Window, name: str) -> int:
    """What a step has so far."""
    return {"examples": window.examples, "rows": window.rows, "tokens": window.tokens}[name]


def add(window: Window, summary: Summary) -> None:
    """Counts a pack into a step."""
    window.rows += 1
    window.examples += summary.examples
    window.supervised += summary.supervised
    window.tokens += summary.tokens
    window.digest = summary.digest
    before = window.by_group or (0.0,) * len(summary.by_group)
    window.by_group = tuple(a + b for a, b in zip(before, summary.by_group, strict=True))
