"""The GPU script: it says so where there is no GPU, and its arithmetic runs on any device."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
for package in ("transformers", "peft"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

from support import ROOT

SCRIPT = ROOT / "train/runs/gpu_check.py"
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("padded", [False, True])
def test_a_tiny_shape_is_measured(script: Any, padded: bool) -> None:
    row = script.measure("tiny", "way", torch.device("cpu"), 512, 2, padded=padded, compiled=False)
    assert row.tokens > 0
    assert row.mfu > 0
    assert row.fill == 1.0 if not padded else row.fill < 1.0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_and_stops(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 2
    assert "no GPU" in done.stderr
    assert done.stdout == ""
