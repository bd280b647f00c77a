"""S3: the loader killed at 100 random points, other numbers of ranks and workers; packs and digest chain stay the same."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import corpuskit
import data
from corpuskit import Pipeline
from stores import store_of_run

numpy = pytest.importorskip("numpy", reason="NumPy is not installed")

from corpuskit.loader import NumpyPacks

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]
CHILD = Path(__file__).with_name("loader_child.py")
LENGTH = 1_024
PLAN = {"pack": {"length": LENGTH}}
KILLS = 100


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A selection of 20,000 real records; their tokens are their bytes."""
    folder = tmp_path_factory.mktemp("resume")
    data.write_corpus(folder / "in.jsonl", 20_000)
    Pipeline({"dedup": {"exact": False, "near": False}}).process(folder / "in.jsonl", folder / "out")
    store_of_run(folder / "out", folder / "out/tokens/bytes", LENGTH)
    phases = {"phases": [{"name": "first", "lr": 2e-5}, {"name": "second", "lr": 1e-5}], "unlisted": None}
    corpuskit.mix(folder / "out", folder / "selection", plan={"curriculum": phases})
    return folder / "selection"


@pytest.fixture(scope="module")
def whole(selection: Path) -> list[list[Any]]:
    """Every pack of the uninterrupted stream, as the child writes it down."""
    packs = NumpyPacks(selection, plan=PLAN, epochs=2)
    return [brief(p) for p in packs]


def brief(pack: dict[str, Any]) -> list[Any]:
    """A pack as the child writes it down."""
    return [pack["number"], pack["digest"], pack["doc_ref"].tolist(), int(pack["input_ids"].sum())]


@pytest.mark.point("S3", "resume: killed at 100 random points")
def test_killed_at_random_points(selection: Path, whole: list[list[Any]], tmp_path: Path, figure: Figure) -> None:
    chance = random.Random(1)  # noqa: S311
    state, log = tmp_path / "state.json", tmp_path / "log.jsonl"
    command = [sys.executable, str(CHILD), str(selection), str(LENGTH), str(state), str(log)]
    kills, most, ended = 0, 0, False
    while not ended:
        before = log.stat().st_size if log.exists() else 0
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            if kills < KILLS:
                # Killed anywhere between two packs or within one, once it has begun.
                while child.poll() is None and (log.stat().st_size if log.exists() else 0) == before:
                    time.sleep(0.001)
                time.sleep(chance.random() * 0.02)
                child.kill()
                kills += 1
            said = child.communicate()[0]
        ended = said.strip() == "end"
        if not ended and state.exists():
            most = max(most, state.stat().st_size)
            # What was written after the last state is done again: that is what a checkpoint means.
            behind = json.loads(state.read_text("utf-8"))["cursor"]["packs"]
            lines = log.read_bytes().split(b"\n")[:behind]
            assert len(lines) == behind
            log.write_bytes(b"".join(line + b"\n" for line in lines))
        assert ended or kills < 10 * KILLS
    found = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert found == whole
    documents = Counter(reference for _, _, references, _ in found for reference in references if reference >= 0)
    account = corpuskit.read_selection(selection)
    trained = account["records"] - account["validation"]["records"]
    assert len(documents) == trained
    assert set(documents.values()) == {4}, "two phases, two passes"
    figure(
        f"{kills} kills, {len(whole):,} packs, last digest {found[-1][1]} as without; no record of {trained:,} lost or doubled; "
        f"state at most {most / 1024:.1f} KB (at most 64)"
    )
    assert kills >= KILLS
    assert most <= 65_536


@pytest.mark.point("S3", "resume: ranks 1, 2, 4, 1")
def test_ranks_change(selection: Path, whole: list[list[Any]], figure: Figure) -> None:
    chance = random.Random(2)  # noqa: S311
    seen: list[list[Any]] = []
    state: dict[str, Any] | None = None
    stages = [1, 2, 4, 1]
    for world in stages:
        steps = chance.randrange(100, 300) if world != 1 or state is None else len(whole)
        states = []
        for rank in range(world):
            packs = NumpyPacks(selection, plan=PLAN, epochs=2, rank=rank, world_size=world)
            if state is not None:
                packs.load_state_dict(state)
            taken = [pack for _, pack in zip(range(steps), packs, strict=False)]
            seen += [brief(p) for p in taken]
            states.append(packs.state_dict())
        assert all(found == states[0] for found in states), "one state for all ranks"
        state = json.loads(json.dumps(states[0]))
    assert sorted(seen) == whole
    figure(f"{' → '.join(map(str, stages))}: {len(seen):,} packs, the same ones")


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning", "ignore::DeprecationWarning")
@pytest.mark.point("S3", "resume: workers 0, 1, 3")
def test_workers_change(selection: Path, whole: list[list[Any]], figure: Figure) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch.utils.data import DataLoader

    from corpuskit.loader import PackedDataset

    for workers in (0, 1, 3):
        dataset = PackedDataset(selection, plan=PLAN, epochs=2)
        iterator = iter(DataLoader(dataset, batch_size=None, num_workers=workers))
        # A tensor of a worker's holds a file open, so none is kept.
        seen = [brief(pack) for _, pack in zip(range(500), iterator, strict=False)]
        del iterator
        after = PackedDataset(selection, plan=PLAN, epochs=2)
        after.load_state_dict(dataset.state_dict(after=seen[-1][0]))
        seen += map(brief, DataLoader(after, batch_size=None, num_workers=3 - workers))
        assert seen == whole, workers
    figure(f"0, 1, 3, stopped after 500 packs and taken up by 3, 2, 0: {len(whole):,} packs, the same ones")
