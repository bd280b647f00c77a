"""Runs `corpuskit process` and the orjson loop side by side on one file, and checks what came out of both."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import Measure, corpuskit, measure

PLANS = {
    # Cleaning and writing again, and nothing else.
    "normalise": "tag: {packs: [], language: false}\ndedup: {exact: false, near: false}\nwrite: {compression: none}\n",
    # Exact and near duplicates besides.
    "deduplicated": "tag: {packs: [], language: false}\nwrite: {compression: none}\n",
    # Everything that a run does by default: all shipped packs, language, exact and near duplicates.
    "whole": "write: {compression: none}\n",
}
LOOP = Path(__file__).with_name("loop.py")


@dataclass(frozen=True)
class Comparison:
    """The best of several alternating runs each."""

    loop: Measure
    ours: Measure
    records: int

    @property
    def ratio(self) -> float:
        """CPU of the whole process, in loops."""
        return self.ours.cpu / self.loop.cpu

    def line(self, name: str) -> str:
        """What the benchmark prints."""
        return (
            f"{name}: {self.ratio:.2f} loops (CPU {self.ours.cpu:.2f} s against {self.loop.cpu:.2f} s, "
            f"{self.records} records, {self.records / self.ours.cpu:,.0f} records/s a core)"
        )


def run_process(corpus: Path, plan: str, threads: int = 1) -> tuple[Measure, Path]:
    """One run into a fresh folder beside the corpus."""
    out = corpus.parent / f"out-{plan}-{threads}"
    shutil.rmtree(out, ignore_errors=True)
    settings = corpus.parent / f"{plan}.yaml"
    settings.write_text(PLANS[plan], "utf-8")
    command = corpuskit("process", corpus, "-o", out, "--plan", settings, "--threads", str(threads), "--quiet")
    return measure(command), out


def compare(corpus: Path, plan: str, rounds: int = 3) -> Comparison:
    """Alternates the two, `rounds` times, and keeps the least CPU of each; the last output is checked."""
    looped, processed = [], []
    for _ in range(rounds):
        looped.append(measure([sys.executable, LOOP, corpus, corpus.with_name("loop.jsonl")]))
        taken, out = run_process(corpus, plan)
        processed.append(taken)
    records = check(corpus, out, deduplicated=plan != "normalise")
    key = lambda taken: taken.cpu  # noqa: E731
    return Comparison(min(looped, key=key), min(processed, key=key), records)


def check(corpus: Path, out: Path, *, deduplicated: bool) -> int:
    """Every input line came out once, in order, equal as JSON unless its trace names a change; returns the lines."""
    changed = changed_origins(out)
    lines = corpus.read_bytes().split(b"\n")[:-1]
    origins: set[int] = set()
    for path in sorted((out / "data").glob("part-*.jsonl")):
        last = 0
        for text in path.read_bytes().split(b"\n")[:-1]:
            record = json.loads(text)
            number = int(record["_origin"].rpartition(":")[2])
            assert number > last, f"line {number} stands after line {last}"
            last = number
            origins.add(number)
            source = json.loads(lines[number - 1])
            if record["_origin"] not in changed:
                assert record["messages"] == source["messages"], f"line {number} was changed without a trace"
            assert record["id"] == source["id"]
    if deduplicated:
        assert set(exact_firsts(lines)) >= origins, "a later copy of an earlier conversation was kept"
        assert len(origins) > len(lines) // 3
    else:
        assert origins == set(range(1, len(lines) + 1))
    return len(lines)


def exact_firsts(lines: list[bytes]) -> list[int]:
    """The line numbers of the first of each set of equal conversations."""
    seen: set[str] = set()
    firsts = []
    for number, line in enumerate(lines, 1):
        key = json.dumps(json.loads(line)["messages"])
        if key not in seen:
            seen.add(key)
            firsts.append(number)
    return firsts


def changed_origins(out: Path) -> set[str]:
    """The origins whose trace names a change."""
    import pyarrow.parquet

    changed: set[str] = set()
    for path in sorted((out / "columns").glob("part-*.parquet")):
        table = pyarrow.parquet.read_table(path, columns=["origin", "changes"]).to_pylist()
        changed |= {row["origin"] for row in table if row["changes"]}
    return changed
