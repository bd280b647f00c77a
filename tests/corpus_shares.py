"""What share of each public corpus arrives as conversations, counted against readers written without corpuskit."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import corpus_shapes
from corpus_readers import BUILT, FIRST, OTHERS
from support import ROOT, RunFolder, corpuskit

Readers = dict[str, Callable[[Path], Iterator[tuple[str, str | None]]]]

# Every text as it came and every record kept: what arrives is what was parsed.
AS_IT_CAME = """
normalise: {nfc: false, mojibake: false, control: false, zero_width: false, line_ends: false, trailing_space: false, empty_turns: false}
filter: {empty: false, length: {min_chars: 0}}
dedup: {exact: false, near: false}
tag: {packs: [], language: false}
"""
FIELD_MAPS = ROOT / "tests" / "data" / "corpora.yaml"
"""The plan that maps what no shipped schema reads as it is meant."""


@dataclass
class Arrived:
    """Of one file: how often its records' last answers say what (`None`: no answer), and how they were read."""

    answers: Counter[str | None] = field(default_factory=Counter)
    schemas: Counter[str] = field(default_factory=Counter)


def arrived(folder: Path, scratch: Path, plan: str = "") -> dict[str, Arrived]:
    """Processes `folder` and tells what became of each of its files."""
    (scratch / "plan.yaml").write_text(AS_IT_CAME + plan, "utf-8")
    arguments = ("process", folder.name, "-o", scratch / "out", "--plan", scratch / "plan.yaml", "--quiet")
    result = corpuskit(*arguments, cwd=folder.parent, timeout=1800)
    if result.returncode != 0:
        sys.exit(result.stderr)
    found: dict[str, Arrived] = {}
    for record in RunFolder(scratch / "out").records():
        schema = record["_schema"]
        if schema["family"] == "text":
            continue
        place = record["_origin"].removeprefix(f"{folder.name}/").partition("#")[0]
        path, colon, line = place.rpartition(":")
        file = found.setdefault(path if colon and line.isdigit() else place, Arrived())
        said = [turn["content"] for turn in record["messages"] if turn["role"] == "assistant"]
        texts = [text for text in said if isinstance(text, str)]
        file.answers[texts[-1] if texts else None] += 1
        file.schemas[schema["dialect"] if schema["family"] == "mapped" else schema["family"]] += 1
    return found


@dataclass(frozen=True)
class Share:
    """How many records a reader yields, how many of them arrived, and what read them."""

    yielded: int
    there: int
    schemas: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether it is 95 %."""
        return self.there >= 0.95 * self.yielded

    @property
    def percent(self) -> str:
        """The share in per cent, rounded down, so that 100 means all."""
        return f"{10_000 * self.there // self.yielded / 100:.2f}"


def shares(readers: Readers, found: dict[str, Arrived], raw: Path, *, count_only: bool = False) -> dict[str, Share]:
    """The share of each reader whose files are there. `count_only`: the text need not be equal."""
    table = {}
    for name, reader in readers.items():
        left: dict[str, Counter[str | None]] = {
            path: Counter([None] * file.answers.total()) if count_only else file.answers.copy()
            for path, file in found.items()
        }
        yielded = there = 0
        paths: set[str] = set()
        for path, said in reader(raw):
            yielded += 1
            paths.add(path)
            if left.get(path, Counter())[said] > 0:
                left[path][said] -= 1
                there += 1
        schemas: Counter[str] = Counter()
        for path in paths & found.keys():
            schemas += found[path].schemas
        if yielded:
            table[name] = Share(yielded, there, tuple(name for name, _ in schemas.most_common()))
    return table


def real(found: dict[str, Arrived], raw: Path) -> dict[str, Share]:
    """The shares of all corpora that are there."""
    return shares({**FIRST, **OTHERS}, found, raw) | shares(BUILT, found, raw, count_only=True)


def shaped(scratch: Path) -> dict[str, Share]:
    """The shares of the corpora of which only the shape is here, with the field maps."""
    raw = scratch / "shapes"
    corpus_shapes.write(raw)
    found = arrived(raw, scratch, FIELD_MAPS.read_text("utf-8"))

    def reader(shape: corpus_shapes.Shape) -> Callable[[Path], Iterator[tuple[str, str | None]]]:
        return lambda _: iter([(shape.path, answer) for answer in shape.answers])

    equal = {name: reader(shape) for name, shape in corpus_shapes.SHAPES.items() if not shape.built}
    made = {name: reader(shape) for name, shape in corpus_shapes.SHAPES.items() if shape.built}
    return shares(equal, found, raw) | shares(made, found, raw, count_only=True)
