"""S8: CPU of the whole process against the orjson loop and other near deduplication, and two threads against one.

In short what benches/bench_loop.py and benches/bench_dedup.py do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bench_dedup
import data
from compare_loop import compare, run_process
from measure import memory_folder

# What the tool is made for; with fewer records the start of the interpreter is a part of the answer.
RECORDS = 1_000_000
# Other deduplication takes minutes for more.
FEWER = 200_000


def made(records: int) -> Iterator[Path]:
    with memory_folder() as folder:
        path = folder / "corpus.jsonl"
        data.write_corpus(path, records)
        yield path


@pytest.fixture(scope="module")
def corpus() -> Iterator[Path]:
    yield from made(RECORDS)


@pytest.fixture(scope="module")
def fewer() -> Iterator[Path]:
    yield from made(FEWER)


@pytest.mark.slow
@pytest.mark.point("S8", "normalise only")
def test_normalise_only_against_the_loop(corpus: Path, figure: Callable[[str], None]) -> None:
    comparison = compare(corpus, "normalise", rounds=5)
    figure(comparison.line("normalise and re-emit") + ", at most 0.6")
    assert comparison.ratio <= 0.6


@pytest.mark.slow
@pytest.mark.point("S8", "two threads")
def test_two_threads_against_one(corpus: Path, figure: Callable[[str], None]) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core only")
    walls = {threads: min(run_process(corpus, "whole", threads)[0].wall for _ in range(3)) for threads in (1, 2)}
    figure(f"{walls[1] / walls[2]:.2f} times as fast as one thread (at least 1.6)")
    assert walls[1] / walls[2] >= 1.6


@pytest.mark.slow
@pytest.mark.point("S8", "near dedup")
@pytest.mark.parametrize("peer", sorted(bench_dedup.AT_LEAST))
def test_near_dedup_against_others(fewer: Path, peer: str, figure: Callable[[str], None]) -> None:
    pytest.importorskip(peer.partition("-")[0])
    bench_dedup.check(fewer)
    theirs = min(bench_dedup.run_peer(peer, fewer)[0].cpu for _ in range(1 if peer == "datasketch" else 3))
    ours = min(bench_dedup.run_near(fewer)[0].cpu for _ in range(3))
    at_least = bench_dedup.AT_LEAST[peer]
    figure(
        f"{theirs / ours:.1f} times as fast as {peer} (CPU {ours:.2f} s against {theirs:.2f} s; at least {at_least:.0f})"
    )
    assert theirs / ours >= at_least
