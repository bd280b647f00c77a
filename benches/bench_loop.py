"""`corpuskit process` against the orjson loop (DESIGN: a Python loop of orjson.loads and orjson.dumps, one thread)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from compare_loop import compare, run_process
from measure import measure

# The first step of the speed budget; small inputs are half start-up, so there only gross ratios are refused.
AT_MOST = {"normalise": 0.6, "deduplicated": 3.0, "whole": 3.0}
# Labels are far above their budget (benches/LOG.md); a run that gets even slower is refused.
AT_MOST_FAST = {"normalise": 1.8, "deduplicated": 9.0, "whole": 14.0}


@pytest.mark.parametrize("plan", AT_MOST)
def test_against_the_loop(
    benchmark: BenchmarkFixture, corpus: Path, plan: str, fast: bool, say: Callable[[str], None]
) -> None:
    comparison = compare(corpus, plan, rounds=2 if fast else 5)
    benchmark.pedantic(run_process, (corpus, plan), rounds=1)
    benchmark.extra_info.update(ratio=comparison.ratio, loop_cpu=comparison.loop.cpu, cpu=comparison.ours.cpu)
    say(comparison.line(plan))
    assert comparison.ratio <= (AT_MOST_FAST if fast else AT_MOST)[plan]


def test_against_polars(benchmark: BenchmarkFixture, corpus: Path, fast: bool, say: Callable[[str], None]) -> None:
    """The same file, read and written by both, one thread each; what both hold is compared."""
    pytest.importorskip("polars", reason="polars is not installed")
    script, copy = Path(__file__).with_name("polars_loop.py"), corpus.with_name("polars.jsonl")
    theirs, ours = [], []
    for _ in range(1 if fast else 3):
        theirs.append(measure(["env", "POLARS_MAX_THREADS=1", sys.executable, script, corpus, copy]))
        taken, out = run_process(corpus, "normalise")
        ours.append(taken)
    with copy.open("rb") as first, corpus.open("rb") as second:
        rows = sum(same_messages(a, b) for a, b in zip(first, second, strict=True))
    benchmark.pedantic(run_process, (corpus, "normalise"), rounds=1)
    one, other = min(taken.cpu for taken in ours), min(taken.cpu for taken in theirs)
    memory = max(taken.anonymous for taken in theirs) / max(taken.anonymous for taken in ours)
    benchmark.extra_info.update(ratio=one / other)
    say(
        f"normalise: {one / other:.2f} of polars' read_ndjson and write_ndjson (CPU {one:.2f} s against {other:.2f} s, "
        f"{rows} records; polars takes {memory:.1f} times the memory)"
    )
    assert out.exists()


def same_messages(line: bytes, other: bytes) -> bool:
    """Whether polars kept the record; members that only other objects have are null there."""
    first, second = json.loads(line)["messages"], json.loads(other)["messages"]
    kept = [{key: value for key, value in turn.items() if value is not None} for turn in first]
    assert kept == second
    return True


def test_two_threads_against_one(
    benchmark: BenchmarkFixture, corpus: Path, fast: bool, say: Callable[[str], None]
) -> None:
    one: list[float] = []
    two: list[float] = []
    for _ in range(1 if fast else 3):
        for threads, taken in ((1, one), (2, two)):
            measured, out = run_process(corpus, "whole", threads)
            taken.append(measured.wall)
    outputs = [(out.with_name(f"out-whole-{threads}") / "data") for threads in (1, 2)]
    contents = [b"".join(path.read_bytes() for path in sorted(folder.iterdir())) for folder in outputs]
    assert contents[0] == contents[1]
    speedup = min(one) / min(two)
    benchmark.pedantic(run_process, (corpus, "whole", 2), rounds=1)
    benchmark.extra_info.update(speedup=speedup)
    say(f"2 threads against 1: {speedup:.2f} times as fast (wall {min(two):.2f} s against {min(one):.2f} s)")
    assert fast or speedup >= 1.6
