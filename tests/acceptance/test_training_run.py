"""`accelerate launch train/run.py` from raw records to an adapter: the tiny run, and what must stop it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

for package in ("torch", "transformers", "peft", "accelerate"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

from support import ROOT, SAMPLE, corpuskit
from train_launch import environment, launch, log, make_place, python, tiny_run, train

pytestmark = pytest.mark.filterwarnings("default")
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def run(place: Path) -> tuple[Path, float]:
    """The tiny run, and how long it took."""
    start = time.perf_counter()
    done = launch(cwd=place)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr[-4000:]
    return place / "out/tiny-run", seconds


@pytest.mark.slow  # the test command has this run in docs/training.md
@pytest.mark.point("6-S1", "the tiny run")
def test_the_sample_becomes_an_adapter(run: tuple[Path, float], figure: Figure) -> None:
    folder, seconds = run
    found = tiny_run(folder)
    figure(
        f"{found.steps} steps in {seconds:.0f} s (under 120), loss {found.first:.2f} -> {found.last:.2f} (at least 0.2 down), "
        f"rates {', '.join(f'{name} {rate:.1e}' for name, rate in found.rates.items())}"
    )
    assert seconds < 120


@pytest.mark.slow
@pytest.mark.point("6-S6", "data wait")
def test_the_loader_keeps_up(run: tuple[Path, float], figure: Figure) -> None:
    rows = log(run[0])
    share = sum(row["waited"] for row in rows) / sum(row["seconds"] for row in rows)
    figure(f"{100 * share:.2f} % of the steps' time was spent waiting for data (below 1)")
    assert share < 0.01


@pytest.mark.point("6-S7", "a planted label")
def test_a_label_in_the_text_stops_before_the_first_step(place: Path, tmp_path: Path, figure: Figure) -> None:
    lines = [json.dumps({"prompt": f"What is {n} + 1?", "completion": f"It is {n + 1}, of course."}) for n in range(40)]
    lines[17] = json.dumps({"prompt": "Who are you?", "completion": "<persona:code_expert>\nI am one who writes code."})
    (tmp_path / "raw.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    assert corpuskit("process", "raw.jsonl", "-o", "run", "--set", "dedup.near=false", cwd=tmp_path).returncode == 0
    done = train(
        "--set",
        f"data.run={tmp_path}/run",
        "--set",
        f"output={tmp_path}/out",
        "--set",
        "data.leak_guard=error",
        cwd=place,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    assert "raw.jsonl:18" in done.stderr
    assert not (tmp_path / "out/log.jsonl").exists()
    figure("exit code 1, names raw.jsonl:18, nothing trained")


@pytest.mark.point("6-S7", "what does not fit")
def test_what_is_missing_or_does_not_fit_is_named(place: Path, tmp_path: Path, figure: Figure) -> None:
    missing = train("--set", f"output={tmp_path}/a", "--set", "model.path=/nowhere/model", cwd=place)
    assert missing.returncode == 2
    assert "/nowhere/model" in missing.stderr
    assert "nothing is downloaded" in missing.stderr
    small = python(ROOT / "train/tiny.py", tmp_path / "small", SAMPLE, "--vocabulary", 400, cwd=place)
    assert small.returncode == 0, small.stderr
    unfit = train("--set", f"output={tmp_path}/b", "--set", f"model.path={tmp_path}/small", cwd=place)
    assert unfit.returncode == 2
    assert "400 embeddings" in unfit.stderr
    assert not (tmp_path / "b/log.jsonl").exists()
    figure("a missing model and a tokenizer that does not fit: exit code 2, named, nothing trained")


@pytest.mark.slow
@pytest.mark.point("6-S7", "a full disk")
def test_a_full_disk_leaves_the_last_checkpoint_whole(
    place: Path, run: tuple[Path, float], tmp_path: Path, figure: Figure
) -> None:
    import checkpoint

    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    # room for some checkpoints of the tiny model (adapter and moments, less than 1 MiB) and not for nine
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        words = ("--set", f"output={disk}/run", "--set", f"data.selection={run[0]}/selection")
        done = train(
            *words, "--set", "checkpoint.steps=3", "--set", "checkpoint.keep=9", "--set", "tensorboard=false", cwd=place
        )
        assert done.returncode == 2, done.stderr[-2000:]
        assert "no space left on device" in done.stderr.lower()
        last = checkpoint.latest(disk / "run/checkpoints")
        assert last is not None
        assert checkpoint.problem(last) is None
        figure(f"exit code 2, {last.name} is whole")
    finally:
        subprocess.run(["umount", str(disk)], check=False)


@pytest.mark.point("6-S8", "GPU script")
def test_the_gpu_script_says_that_there_is_none(tmp_path: Path, figure: Figure) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU: run train/runs/gpu_check.sh")
    done = subprocess.run(
        [ROOT / "train/runs/gpu_check.sh"],
        cwd=tmp_path, capture_output=True, text=True, env=environment(PYTHON=sys.executable), check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    figure(f"exit code 2: {done.stderr.strip().splitlines()[0]}")
    assert "no GPU" in done.stderr
