"""`accelerate launch train/run.py` from raw records to an adapter: the tiny run, and what must stop it."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "transformers", "peft", "accelerate"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

from support import ROOT, SAMPLE, corpuskit
from train_packs import sha256

pytestmark = pytest.mark.filterwarnings("default")
Figure = Callable[[str], None]
CONFIG = ROOT / "train/configs/tiny.yaml"
SEVEN = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
RATES = {"foundation": 2e-5, "analytical": 1.5e-5, "empathic_creative": 1e-5, "mixed": 5e-6, "fine_tuning": 3e-6}


def python(*words: object, cwd: Path, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """A Python program in a folder, as a user would start it."""
    path = os.pathsep.join([str(ROOT / "python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd, capture_output=True, text=True, timeout=timeout, env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip


def launch(*words: object, cwd: Path, config: Path = CONFIG) -> subprocess.CompletedProcess[str]:
    """`accelerate launch train/run.py`."""
    launcher = (
        "-m",
        "accelerate.commands.launch",
        "--num_processes",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--num_machines",
        "1",
    )
    return python(*launcher, ROOT / "train/run.py", "--config", config, *words, cwd=cwd)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run folder of the sample data and the tiny model."""
    folder = tmp_path_factory.mktemp("place")
    assert corpuskit("process", SAMPLE, "-o", "out/sample", cwd=folder).returncode == 0
    made = python(ROOT / "train/tiny.py", "out/tiny-model", SAMPLE, cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> tuple[Path, float]:
    """The tiny run, and how long it took."""
    start = time.perf_counter()
    done = launch(cwd=place)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr[-4000:]
    return place / "out/tiny-run", seconds


def log(folder: Path, kind: str = "step") -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [row for row in rows if row["event"] == kind]


@pytest.mark.point("6-S1", "the tiny run")
def test_the_sample_becomes_an_adapter(run: tuple[Path, float], figure: Figure) -> None:
    folder, seconds = run
    rows = log(folder)
    tenth = max(1, len(rows) // 10)
    first, last = (sum(row["loss"] for row in part) / tenth for part in (rows[:tenth], rows[-tenth:]))
    rates = {
        name: max(row["lr"] for row in rows if row["phase"] == name)
        for name in dict.fromkeys(row["phase"] for row in rows)
    }
    assert list(rates) == list(RATES), "five phases, in their order"
    for name, rate in rates.items():
        # with few steps none of them falls on the very top of the curve
        assert 0.5 * 10 * RATES[name] <= rate <= 10 * RATES[name] * (1 + 1e-9), name
    config = json.loads((folder / "adapter/adapter_config.json").read_text("utf-8"))
    assert (config["r"], config["lora_alpha"], config["lora_dropout"], config["bias"], config["task_type"]) == (
        32,
        64,
        0.05,
        "none",
        "CAUSAL_LM",
    )
    assert set(config["target_modules"]) == SEVEN
    assert {path.name for path in folder.iterdir()} >= {
        "adapter",
        "checkpoints",
        "log.jsonl",
        "run.json",
        "tensorboard",
    }
    figure(
        f"{len(rows)} steps in {seconds:.0f} s (under 120), loss {first:.2f} -> {last:.2f} (at least 0.2 down), rates {', '.join(f'{name} {rate:.1e}' for name, rate in rates.items())}"
    )
    assert math.isfinite(last)
    assert first - last >= 0.2
    assert seconds < 120


@pytest.mark.point("6-S6", "data wait")
def test_the_loader_keeps_up(run: tuple[Path, float], figure: Figure) -> None:
    rows = log(run[0])
    share = sum(row["waited"] for row in rows) / sum(row["seconds"] for row in rows)
    figure(f"{100 * share:.2f} % of the steps' time was spent waiting for data (below 1)")
    assert share < 0.01


@pytest.mark.slow
@pytest.mark.point("6-S3", "the tiny run, killed")
def test_the_tiny_run_continues_after_a_kill(run: tuple[Path, float], place: Path, figure: Figure) -> None:
    whole = run[0]
    output = place / "out/killed"
    words = ["--set", "output=out/killed", "--set", "checkpoint.steps=20"]
    started = [sys.executable, ROOT / "train/run.py", "--config", CONFIG, *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    process = subprocess.Popen([*map(str, started)], cwd=place, stderr=subprocess.DEVNULL, env=env)
    third = len(log(whole)) // 3
    while not (output / "log.jsonl").exists() or len(log(output)) < third:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    done = python(ROOT / "train/run.py", "--config", CONFIG, *words, "--resume", "auto", cwd=place)
    assert done.returncode == 0, done.stderr[-4000:]
    losses, expected = (
        [(row["step"], row["loss"], row["digest"]) for row in log(folder)] for folder in (output, whole)
    )
    assert losses == expected
    name = "adapter/adapter_model.safetensors"
    assert sha256(output / name) == sha256(whole / name)
    figure(f"SIGKILL after step {third}: {len(expected)} losses, digests and the adapter's SHA-256 as without")


@pytest.mark.point("6-S7", "a planted label")
def test_a_label_in_the_text_stops_before_the_first_step(place: Path, tmp_path: Path, figure: Figure) -> None:
    lines = [json.dumps({"prompt": f"What is {n} + 1?", "completion": f"It is {n + 1}, of course."}) for n in range(40)]
    lines[17] = json.dumps({"prompt": "Who are you?", "completion": "<persona:code_expert>\nI am one who writes code."})
    (tmp_path / "raw.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    assert corpuskit("process", "raw.jsonl", "-o", "run", "--set", "dedup.near=false", cwd=tmp_path).returncode == 0
    done = launch(
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
    missing = launch("--set", f"output={tmp_path}/a", "--set", "model.path=/nowhere/model", cwd=place)
    assert missing.returncode == 2
    assert "/nowhere/model" in missing.stderr
    assert "nothing is downloaded" in missing.stderr
    small = python(ROOT / "train/tiny.py", tmp_path / "small", SAMPLE, "--vocabulary", 400, cwd=place)
    assert small.returncode == 0, small.stderr
    unfit = launch("--set", f"output={tmp_path}/b", "--set", f"model.path={tmp_path}/small", cwd=place)
    assert unfit.returncode == 2
    assert "400 embeddings" in unfit.stderr
    assert not (tmp_path / "b/log.jsonl").exists()
    figure("a missing model and a tokenizer that does not fit: exit code 2, named, nothing trained")


@pytest.mark.slow
@pytest.mark.point("6-S7", "a full disk")
def test_a_full_disk_leaves_the_last_checkpoint_whole(place: Path, tmp_path: Path, figure: Figure) -> None:
    import checkpoint

    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    # room for one checkpoint of the tiny model (2 MiB of adapter and moments) and not for three
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        words = ("--set", f"output={disk}/run", "--set", f"data.selection={place}/out/tiny-run/selection")
        done = launch(
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
