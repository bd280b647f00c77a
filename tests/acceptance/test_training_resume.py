"""The tiny run over the real loader, killed, stopped, and spread over processes: it ends as if nothing had been."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

for package in ("torch", "transformers", "peft", "accelerate"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

from train_launch import CONFIG, PROGRAM, environment, log, make_place, steady_log, torchrun, train
from train_packs import sha256

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]
Figure = Callable[[str], None]
STEPS = 60
PRODUCT = "adapter/adapter_model.safetensors"


def words(output: str, steps: int = STEPS) -> list[str]:
    """The tiny run, cut short, with many checkpoints."""
    pairs = (f"output=out/{output}", f"train.max_steps={steps}", "checkpoint.steps=7", "tensorboard=false")
    return [word for pair in pairs for word in ("--set", pair)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's run folder, the model, and one run that nobody disturbed."""
    folder = make_place(tmp_path_factory.mktemp("place"))
    done = train(*words("whole"), cwd=folder)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.mark.point("6-S3", "the tiny run, killed")
def test_the_tiny_run_continues_after_a_kill(place: Path, figure: Figure) -> None:
    whole = place / "out/whole"
    chance = random.Random(6)  # noqa: S311
    points = []
    for number, kind in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        output = place / f"out/killed{number}"
        at, later = chance.randrange(2, STEPS - 8), chance.random() * 0.3
        command = [sys.executable, str(PROGRAM), "--config", str(CONFIG), *words(output.name)]
        process = subprocess.Popen(command, cwd=place, stderr=subprocess.DEVNULL, env=environment())
        while len(log(output)) < at:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(later)
        process.send_signal(kind)
        assert process.wait(120) == (-kind if kind == signal.SIGKILL else 130)
        assert not (output / "adapter").exists()
        done = train(*words(output.name), "--resume", "auto", cwd=place)
        assert done.returncode == 0, done.stderr[-4000:]
        for event in ("step", "eval"):
            assert steady_log(output, event) == steady_log(whole, event)
        assert sha256(output / PRODUCT) == sha256(whole / PRODUCT)
        points.append(f"{kind.name} after {at}")
    figure(f"{', '.join(points)} of {STEPS} steps: every loss, every digest and the adapter's SHA-256 as without")


@pytest.mark.point("6-S3", "the tiny run, 1, 2, 1 processes")
def test_the_tiny_run_keeps_its_packs_on_other_processes(place: Path, figure: Figure) -> None:
    third = STEPS // 3
    first = train(*words("spread", third), cwd=place)
    assert first.returncode == 0, first.stderr[-4000:]
    second = torchrun(2, *words("spread", 2 * third), "--resume", "auto", cwd=place)
    assert second.returncode == 0, second.stderr[-4000:]
    assert json.loads((place / "out/spread/run.json").read_text("utf-8"))["processes"] == 2
    last = train(*words("spread"), "--resume", "auto", cwd=place)
    assert last.returncode == 0, last.stderr[-4000:]
    found, whole = steady_log(place / "out/spread"), steady_log(place / "out/whole")
    for key in ("step", "packs", "digest", "examples", "rows", "tokens", "supervised", "lr"):
        assert [row[key] for row in found] == [row[key] for row in whole], key
    apart = max(abs(mine["loss"] - theirs["loss"]) for mine, theirs in zip(found, whole, strict=True))
    figure(
        f"{len(whole)} steps on 1, 2 and 1 processes: the same packs and digest chain, losses differ by {apart:.1e} (at most 1e-4)"
    )
    assert apart <= 1e-4
