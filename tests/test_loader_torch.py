"""Packs in PyTorch: `DataLoader` with any number of workers, `StatefulDataLoader`, accelerate, batches."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import corpuskit
from corpuskit import Pipeline
from labelled import AS_DECLARED, write_records
from stores import store_of_run

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import itertools

from torch.utils.data import DataLoader

from corpuskit.loader import PackedDataset, collate, collate_padded, model_inputs

PLAN = {"pack": {"length": 256, "window": 32}}
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # torchdata's StatefulDataLoader calls what newer torch has taken out, which answers with a warning
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
    # more workers than this machine has cores is what some tests are about
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A selection of 600 records with their tokens."""
    folder = tmp_path_factory.mktemp("loader")
    write_records(folder / "in.jsonl", 600)
    Pipeline(AS_DECLARED).process(folder / "in.jsonl", folder / "out")
    store_of_run(folder / "out", folder / "out/tokens/bytes", 256)
    corpuskit.mix(folder / "out", folder / "selection")
    return folder / "selection"


def first(packs: list[dict[str, Any]]) -> dict[str, Any]:
    """How one pack is taken out of a batch of one."""
    (pack,) = packs
    return pack


def brief(pack: dict[str, Any]) -> tuple[Any, ...]:
    return pack["number"], pack["phase"], pack["digest"], tuple(pack["input_ids"].tolist())


def test_a_pack_is_tensors(selection: Path) -> None:
    pack = next(iter(PackedDataset(selection, plan=PLAN)))
    types = {name: value.dtype for name, value in pack.items() if isinstance(value, torch.Tensor)}
    assert types == {
        "input_ids": torch.int64, "labels": torch.int64, "position_ids": torch.int64, "seq_idx": torch.int32,
        "loss_weight": torch.float32, "cu_seq_lens": torch.int32, "doc_ref": torch.int64,
    }  # fmt: skip
    pack["labels"][0] = 3  # nobody else has it


@pytest.mark.parametrize(("workers", "turn"), [(0, 1), (1, 1), (3, 2)])
def test_workers_change_nothing(selection: Path, workers: int, turn: int) -> None:
    alone = [brief(pack) for pack in PackedDataset(selection, plan=PLAN, rank=1, world_size=2)]
    dataset = PackedDataset(selection, plan=PLAN, rank=1, world_size=2, turn=turn)
    batches = DataLoader(dataset, batch_size=turn, num_workers=workers, collate_fn=list)
    seen: list[Any] = []
    for number, batch in enumerate(batches):
        seen += map(brief, batch)
        if number == 7:
            state = dataset.state_dict(after=seen[-1][0])
    assert seen == alone
    # Another number of workers, and of ranks, goes on from there.
    rest: list[Any] = []
    for rank in range(3):
        after = PackedDataset(selection, plan=PLAN, rank=rank, world_size=3)
        after.load_state_dict(json.loads(json.dumps(state)))
        rest += map(brief, DataLoader(after, batch_size=None, num_workers=workers) if rank == 0 else after)
    whole = [brief(pack) for pack in PackedDataset(selection, plan=PLAN)]
    assert sorted(rest) == whole[2 * 8 * turn :]


@pytest.mark.parametrize(("workers", "stop"), [(0, 5), (2, 1), (2, 9)])
def test_a_stateful_data_loader_goes_on(selection: Path, workers: int, stop: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")

    def new() -> Any:
        dataset = PackedDataset(selection, plan=PLAN)
        return stateful.StatefulDataLoader(dataset, batch_size=1, num_workers=workers, collate_fn=first)

    whole = [brief(pack) for pack in PackedDataset(selection, plan=PLAN)]
    loader = new()
    iterator = iter(loader)
    seen = [brief(next(iterator)) for _ in range(stop)]
    state = loader.state_dict()
    del iterator
    after = new()
    after.load_state_dict(state)
    assert seen + [brief(pack) for pack in after] == whole


def test_accelerate_prepares_it(selection: Path) -> None:
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(DataLoader(PackedDataset(selection, plan=PLAN), batch_size=1, collate_fn=first))
    assert [brief(pack) for pack in loader] == [brief(pack) for pack in PackedDataset(selection, plan=PLAN)]


def test_batches_are_packs_side_by_side(selection: Path) -> None:
    packs = [pack for _, pack in zip(range(3), PackedDataset(selection, plan=PLAN), strict=False)]
    batch = collate(packs)
    assert batch["input_ids"].shape == (1, 3 * 256)
    assert torch.equal(batch["labels"][0, 256:512], packs[1]["labels"])
    borders = batch["cu_seq_lens"].tolist()
    assert borders == sorted(set(borders))
    assert borders[-1] == 768
    assert [batch["position_ids"][0, start].item() for start in borders[:-1]] == [0] * (len(borders) - 1)
    assert batch["seq_idx"][0].tolist() == [
        n for n, (a, b) in enumerate(itertools.pairwise(borders)) for _ in range(b - a)
    ]
    assert len(batch["doc_ref"]) == len(batch["category"]) == len(borders) - 1
    assert "attention_mask" not in model_inputs(batch)


def test_padded_batches_have_a_row_a_document(selection: Path) -> None:
    packs = [
        pack
        for _, pack in zip(
            range(4), PackedDataset(selection, plan={"pack": {"mode": "padded", "length": 256}}), strict=False
        )
    ]
    batch = collate_padded(packs, padding=9)
    sizes = [len(pack["input_ids"]) for pack in packs]
    assert batch["input_ids"].shape == (4, max(sizes))
    assert batch["attention_mask"].sum(1).tolist() == sizes
    for row, (pack, size) in enumerate(zip(packs, sizes, strict=True)):
        assert torch.equal(batch["labels"][row, :size], pack["labels"])
        assert set(batch["input_ids"][row, size:].tolist()) <= {9}
        assert set(batch["labels"][row, size:].tolist()) <= {-100}


def test_a_data_set_can_be_sent_to_another_process(selection: Path) -> None:
    dataset = PackedDataset(selection, plan=PLAN)
    iterator = iter(dataset)
    whole = [brief(pack) for pack in PackedDataset(selection, plan=PLAN)]
    assert [brief(next(iterator)), brief(next(iterator))] == whole[:2]
    dataset.load_state_dict(dataset.state_dict())
    assert [brief(pack) for pack in copy.deepcopy(dataset)] == whole[2:]
