"""Packs as a data set of `datasets`: what it holds, and that TRL's trainer makes our batches of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import corpuskit
from corpuskit import Pipeline
from corpuskit.errors import PlanError
from labelled import AS_DECLARED, write_records
from stores import store_of_run

numpy = pytest.importorskip("numpy", reason="NumPy is not installed")
pytest.importorskip("datasets", reason="datasets is not installed")

from corpuskit.loader import NumpyPacks, to_hf_dataset

PLAN = {"pack": {"length": 256, "window": 32}}


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A selection of 200 records with their tokens."""
    folder = tmp_path_factory.mktemp("hugging")
    write_records(folder / "in.jsonl", 200)
    Pipeline(AS_DECLARED).process(folder / "in.jsonl", folder / "out")
    store_of_run(folder / "out", folder / "out/tokens/bytes", 256)
    corpuskit.mix(folder / "out", folder / "selection")
    return folder / "selection"


def packs(selection: Path, **more: Any) -> NumpyPacks:
    return NumpyPacks(selection, plan=PLAN, rank=0, **{"world_size": 1} | more)


@pytest.mark.parametrize("streaming", [True, False])
def test_rows_are_packs(selection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streaming: bool) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    rows = list(to_hf_dataset(packs(selection), streaming=streaming))
    expected = list(packs(selection))
    assert len(rows) == len(expected)
    for row, pack in zip(rows, expected, strict=True):
        for name in ("input_ids", "labels", "position_ids", "doc_ref"):
            assert row[name] == pack[name].tolist()
        assert row["seq_lengths"] == numpy.diff(pack["cu_seq_lens"]).tolist()


def test_packs_of_one_of_several_processes_are_refused(selection: Path) -> None:
    with pytest.raises(PlanError, match="world_size: must be 1, got 2"):
        to_hf_dataset(packs(selection, world_size=2))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_trl_makes_our_batches_of_it(selection: Path, tmp_path: Path) -> None:
    """The recipe of docs/loader.md."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("trl", reason="TRL is not installed")
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    from corpuskit.loader import PackedDataset, collate, model_inputs
    from tiny_tokenizer import write_tokenizer

    config = LlamaConfig(
        vocab_size=256, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        pad_token_id=0, eos_token_id=0, bos_token_id=0,
    )  # fmt: skip
    seen: list[dict[str, Any]] = []

    class Watched(SFTTrainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **more: Any) -> Any:
            seen.append(dict(inputs))
            return super().compute_loss(model, inputs, *rest, **more)

    arguments = SFTConfig(
        output_dir=str(tmp_path / "out"),
        dataset_kwargs={"skip_prepare_dataset": True},
        padding_free=True,
        max_length=None,
        per_device_train_batch_size=2,
        max_steps=3,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
    )
    trainer = Watched(
        LlamaForCausalLM(config),
        args=arguments,
        train_dataset=to_hf_dataset(packs(selection)),
        processing_class=AutoTokenizer.from_pretrained(str(write_tokenizer(tmp_path / "tokenizer"))),
    )
    trainer.train()
    ours = list(PackedDataset(selection, plan=PLAN))
    assert len(seen) == 3
    for step, inputs in enumerate(seen):
        batch = model_inputs(collate(ours[2 * step : 2 * step + 2]))
        assert inputs.get("attention_mask") is None
        for name in ("input_ids", "labels", "position_ids", "cu_seq_lens_q"):
            assert torch.equal(inputs[name].cpu().long(), batch[name].long()), name
