"""Starts `train/run.py` as a user would, and reads what a run wrote."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ROOT, SAMPLE, corpuskit

CONFIG = ROOT / "train/configs/tiny.yaml"
PROGRAM = ROOT / "train/run.py"
CLOCK = {"seconds", "waited", "tokens_per_second", "mfu", "memory"}
"""What the log says of time and machine."""

SEVEN = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
RATES = {"foundation": 2e-5, "analytical": 1.5e-5, "empathic_creative": 1e-5, "mixed": 5e-6, "fine_tuning": 3e-6}
"""The seed's modules and rates; `tiny.yaml` takes ten times the rates."""


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: it finds this checkout's package."""
    path = os.pathsep.join([str(ROOT / "python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, **more}


def python(*words: object, cwd: Path, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """A Python program in a folder."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=environment(), check=False
    )


def launch(*words: object, cwd: Path, config: Path = CONFIG) -> subprocess.CompletedProcess[str]:
    """`accelerate launch train/run.py`, on one process without asking back."""
    launcher = ["-m", "accelerate.commands.launch", "--num_processes", "1", "--num_machines", "1"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    return python(*launcher, PROGRAM, "--config", config, *words, cwd=cwd)


def train(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The program by itself; under accelerate every exit code but 0 becomes 1."""
    return python(PROGRAM, "--config", CONFIG, *words, cwd=cwd)


def torchrun(processes: int, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same on several processes, which talk by gloo."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    return python(*launcher, PROGRAM, "--config", CONFIG, *words, cwd=cwd)


def make_place(folder: Path) -> Path:
    """A folder with the run folder of the sample data and a tiny random model."""
    made = corpuskit("process", SAMPLE, "-o", "out/sample", cwd=folder)
    assert made.returncode == 0, made.stderr
    tiny = python(ROOT / "train/tiny.py", "out/tiny-model", SAMPLE, cwd=folder)
    assert tiny.returncode == 0, tiny.stderr
    return folder


def log(folder: Path, kind: str = "step") -> list[dict[str, Any]]:
    """The lines of a run's log of one kind; none where there is no log yet."""
    path = folder / "log.jsonl"
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    return [row for row in map(json.loads, lines) if row["event"] == kind]


def steady_log(folder: Path, kind: str = "step") -> list[dict[str, Any]]:
    """The same without what the clock decides."""
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in log(folder, kind)]


@dataclass(frozen=True)
class TinyRun:
    """What the tiny run came to."""

    steps: int
    first: float
    """Mean loss of the first tenth."""
    last: float
    """Mean loss of the last tenth."""
    rates: dict[str, float]
    """The highest rate of each phase."""


def tiny_run(folder: Path) -> TinyRun:
    """Holds a finished run of `tiny.yaml` to what it must be: learnt, five phases with their rates, the seed's adapter."""
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
    seed = {"r": 32, "lora_alpha": 64, "lora_dropout": 0.05, "bias": "none", "task_type": "CAUSAL_LM"}
    assert {key: config[key] for key in seed} == seed
    assert set(config["target_modules"]) == SEVEN
    written = {path.name for path in folder.iterdir()}
    assert written >= {"adapter", "checkpoints", "log.jsonl", "run.json", "tensorboard"}
    assert math.isfinite(last)
    assert first - last >= 0.2, f"loss {first:.2f} -> {last:.2f}"
    assert sum(row["seconds"] for row in rows) < 120
    return TinyRun(len(rows), first, last, rates)
