"""Starts `train/run.py` as a user would, and reads what a run wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import ROOT, SAMPLE, corpuskit

CONFIG = ROOT / "train/configs/tiny.yaml"
PROGRAM = ROOT / "train/run.py"
CLOCK = {"seconds", "waited", "tokens_per_second", "mfu", "memory"}
"""What the log says of time and machine."""


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
