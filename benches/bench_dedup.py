"""Near deduplication end to end, JSONL to JSONL on one thread, against rensa and datasketch; the answer is the oracle's."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from measure import Measure, corpuskit, measure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import dedup_oracle as oracle  # noqa: E402 - found by the line above

PEERS = Path(__file__).with_name("peers_dedup.py")
PLAN = "normalise: {nfc: true}\ntag: {packs: [], language: false}\ndedup: {near: {threshold: 0.8}}\nwrite: {compression: none}\n"
# The first step of the speed budget: how many times as fast, by CPU of the whole process.
AT_LEAST = {"rensa-shingles": 3.0, "datasketch": 20.0}
CHECKED = 5_000


def run_near(corpus: Path) -> tuple[Measure, Path]:
    """One run into a fresh folder beside the corpus."""
    out = corpus.parent / "out-near"
    shutil.rmtree(out, ignore_errors=True)
    plan = corpus.parent / "near.yaml"
    plan.write_text(PLAN, "utf-8")
    return measure(corpuskit("process", corpus, "-o", out, "--plan", plan, "--threads", "1", "--quiet")), out


def run_peer(name: str, corpus: Path) -> tuple[Measure, int]:
    """One run of another system; the lines that it kept."""
    kept = corpus.with_name(f"{name}.jsonl")
    taken = measure([sys.executable, PEERS, name, corpus, kept])
    with kept.open("rb") as lines:
        return taken, sum(1 for _ in lines)


def kept_lines(out: Path) -> list[int]:
    """The numbers of the lines that were kept."""
    return [int(json.loads(line)["_origin"].rpartition(":")[2]) for line in lines_of(out)]


def lines_of(out: Path) -> Iterator[str]:
    """The records of a run."""
    for shard in sorted((out / "data").glob("part-*.jsonl")):
        with shard.open(encoding="utf-8", newline="\n") as lines:
            yield from lines


def check(corpus: Path) -> int:
    """The first records alone: exactly what the oracle keeps is kept."""
    head = corpus.with_name("head.jsonl")
    with corpus.open(encoding="utf-8", newline="\n") as lines:
        head.write_text("".join(line for line, _ in zip(lines, range(CHECKED), strict=False)), "utf-8")
    _, bare = run_plain(head)
    records = [oracle.load(line) for line in lines_of(bare)]
    expected = [number for number, judged in enumerate(oracle.judge(records), 1) if judged.of is None]
    _, out = run_near(head)
    assert kept_lines(out) == expected
    return len(expected)


def run_plain(corpus: Path) -> tuple[Measure, Path]:
    """The records as deduplication sees them: normalised, none dropped."""
    out = corpus.parent / "out-plain"
    shutil.rmtree(out, ignore_errors=True)
    plan = corpus.parent / "plain.yaml"
    plan.write_text(
        "tag: {packs: [], language: false}\ndedup: {exact: false, near: false}\nwrite: {compression: none}\n", "utf-8"
    )
    return measure(corpuskit("process", corpus, "-o", out, "--plan", plan, "--quiet")), out


@pytest.mark.parametrize("peer", ["rensa", "rensa-shingles", "datasketch"])
def test_near_dedup_against_peers(
    benchmark: BenchmarkFixture, corpus: Path, peer: str, fast: bool, say: Callable[[str], None]
) -> None:
    pytest.importorskip(peer.partition("-")[0])
    check(corpus)
    rounds = 1 if fast or peer == "datasketch" else 3
    ours, theirs = [], []
    kept, out = 0, corpus
    for _ in range(rounds):
        taken, kept = run_peer(peer, corpus)
        theirs.append(taken.cpu)
        taken, out = run_near(corpus)
        ours.append(taken.cpu)
    benchmark.pedantic(run_near, (corpus,), rounds=1)
    ratio = min(theirs) / min(ours)
    benchmark.extra_info.update(ratio=ratio, cpu=min(ours), peer_cpu=min(theirs))
    say(f"near dedup: {ratio:.1f} times as fast as {peer} (CPU {min(ours):.2f} s against {min(theirs):.2f} s; "
        f"kept {len(kept_lines(out))} against {kept})")  # fmt: skip
    assert fast or ratio >= AT_LEAST.get(peer, 1.0)
