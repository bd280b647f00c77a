"""S5: the same bytes for any number of threads, after any kill, and when the disk was full."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import data
import measure
from support import RunFolder

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]
PLAN = "write: {shard_bytes: 20000000}\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough for some seconds: several files, several shards, duplicates."""
    folder = tmp_path_factory.mktemp("corpus")
    data.write_corpus(folder / "a.jsonl", 300_000)
    shutil.copytree(Path(data.ROOT) / "tests/data/sample", folder / "sample")
    (folder.parent / "plan.yaml").write_text(PLAN, "utf-8")
    return folder


def command(corpus: Path, out: Path, threads: int = 2) -> list[str | Path]:
    plan = corpus.parent / "plan.yaml"
    return measure.corpuskit("process", corpus, "-o", out, "--plan", plan, "--threads", str(threads), "--quiet")


def finish(corpus: Path, out: Path, threads: int = 2) -> float:
    """Runs to the end; the seconds it took."""
    return measure.measure(command(corpus, out, threads)).wall


def kill_after(seconds: float, corpus: Path, out: Path) -> tuple[float, bool]:
    """Starts the run and kills it; the seconds it had, and whether it had not ended before."""
    start = time.monotonic()
    child = subprocess.Popen(command(corpus, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        code = child.wait(seconds)
        assert code == 0
        return time.monotonic() - start, False
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.wait()
        return time.monotonic() - start, True


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """The digests and the time of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "out"
    seconds = finish(corpus, out)
    return RunFolder(out).digests(), seconds


@pytest.mark.point("S5", "threads")
def test_any_number_of_threads(
    corpus: Path, whole: tuple[dict[str, str], float], tmp_path: Path, figure: Figure
) -> None:
    for threads in (1, 3, 8):
        finish(corpus, tmp_path / str(threads), threads)
        assert RunFolder(tmp_path / str(threads)).digests() == whole[0], f"{threads} threads"
    figure(f"{len(whole[0])} files equal for 1, 2, 3 and 8 threads")


@pytest.mark.point("S5", "kills")
def test_twenty_kills(corpus: Path, whole: tuple[dict[str, str], float], tmp_path: Path, figure: Figure) -> None:
    chance = random.Random(5)  # noqa: S311 - moments, not secrets
    out = tmp_path / "out"
    killed = rounds = 0
    while killed < 20:
        _, alive = kill_after(chance.uniform(0.05, whole[1] * 0.6), corpus, out)
        killed += alive
        rounds += 1
        if not alive or (out / "manifest.json").exists():  # it got to the end before the kill: compare, and start over
            assert RunFolder(out).digests() == whole[0]
            shutil.rmtree(out)
    finish(corpus, out) if not (out / "manifest.json").exists() else None
    assert RunFolder(out).digests() == whole[0]
    figure(f"{killed} kills, {rounds - killed + 1} runs came to their end, all with equal bytes")


@pytest.mark.point("S5", "time lost")
def test_little_is_done_again(
    corpus: Path, whole: tuple[dict[str, str], float], tmp_path: Path, figure: Figure
) -> None:
    ratios = []
    for attempt in range(3):
        uninterrupted = finish(corpus, tmp_path / f"whole{attempt}")
        out = tmp_path / f"out{attempt}"
        spent = sum(kill_after(uninterrupted / 4, corpus, out)[0] for _ in range(3))
        spent += finish(corpus, out)
        assert RunFolder(out).digests() == whole[0]
        ratios.append(spent / uninterrupted)
    figure(f"killed at 25, 50 and 75 %: {min(ratios):.2f} times the uninterrupted run (at most 1.3)")
    assert min(ratios) <= 1.3


@pytest.mark.point("S5", "changed input")
def test_changed_input_is_refused_by_name(
    corpus: Path, whole: tuple[dict[str, str], float], tmp_path: Path, figure: Figure
) -> None:
    copy = tmp_path / "in"
    shutil.copytree(corpus, copy)
    shutil.copy(corpus.parent / "plan.yaml", tmp_path / "plan.yaml")
    out = tmp_path / "out"
    assert kill_after(whole[1] * 0.6, copy, out)[1]
    with (copy / "a.jsonl").open("r+b") as file:
        file.seek(10)
        file.write(b"~")
    done = subprocess.run(list(map(str, command(copy, out))), capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "a.jsonl" in done.stderr
    figure(done.stderr.splitlines()[0].replace(str(tmp_path), "…"))


@pytest.mark.point("S5", "full disk")
def test_a_full_disk_is_named_and_survived(
    corpus: Path, whole: tuple[dict[str, str], float], tmp_path: Path, figure: Figure
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_size for path in corpus.rglob("*") if path.is_file()) // 20
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs is not allowed here")
    try:
        done = subprocess.run(
            list(map(str, command(corpus, disk / "out"))), capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert "panicked" not in done.stderr
        assert "No space left" in done.stderr or "full" in done.stderr
        subprocess.run(["mount", "-o", f"remount,size={size * 60}", disk], check=True)
        finish(corpus, disk / "out")
        assert RunFolder(disk / "out").digests() == whole[0]
        figure(done.stderr.splitlines()[0].replace(str(tmp_path), "…"))
    finally:
        os.sync()
        subprocess.run(["umount", disk], check=False)
