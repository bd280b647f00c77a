"""S7: a packed batch through a tiny llama gives each token the loss that it has in its document alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import data
from corpuskit import Pipeline
from stores import store_of_run

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

import itertools

from corpuskit.loader import PackedDataset, collate, collate_padded, model_inputs

Figure = Callable[[str], None]
LENGTH = 512
LEARNT = 300
"""So many learnt tokens are compared, and two packs at least."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 400 real records; their tokens are their bytes."""
    folder = tmp_path_factory.mktemp("loss")
    data.write_corpus(folder / "in.jsonl", 400)
    Pipeline({"dedup": {"exact": False, "near": False}}).process(folder / "in.jsonl", folder / "out")
    store_of_run(folder / "out", folder / "out/tokens/bytes", 300)
    return folder / "out"


def token_losses(model: Any, inputs: dict[str, Any]) -> Any:
    """The loss of every token, by place; a token's own is that of being said after those before it."""
    labels = inputs.pop("labels")
    logits = model(**inputs).logits.float()
    losses = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="none")
    return torch.nn.functional.pad(losses.view(labels.shape[0], -1), (1, 0))


@pytest.mark.point("S7", "loss: packed as alone")
@pytest.mark.parametrize("mode", ["packed", "padding_free", "padded"])
def test_a_packed_batch_has_the_loss_of_its_documents(run: Path, figure: Figure, mode: str) -> None:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=LENGTH,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    dataset = PackedDataset(run, plan={"pack": {"length": LENGTH, "mode": mode}})
    packs: list[dict[str, Any]] = []
    for pack in dataset:
        packs.append(pack)
        if len(packs) >= 2 and sum(pack["supervised"] for pack in packs) > LEARNT:
            break
    batch = (collate_padded if mode == "padded" else collate)(packs)
    worst, compared = 0.0, 0
    with torch.no_grad():
        together = token_losses(model, model_inputs(batch)).flatten()
        width = batch["input_ids"].shape[1]
        start = 0
        for number, pack in enumerate(packs):
            borders = pack["cu_seq_lens"].tolist()
            for a, b in itertools.pairwise(borders):
                alone = {
                    "input_ids": pack["input_ids"][None, a:b],
                    "labels": pack["labels"][None, a:b],
                    "use_cache": False,
                }
                at = number * width + a if mode == "padded" else start + a
                losses = token_losses(model, alone)[0]
                worst = max(worst, float((together[at : at + b - a] - losses).abs().max()))
                compared += int((pack["labels"][a:b] != -100).sum())
            start += borders[-1]
    figure(
        f"{mode}: {compared:,} learnt tokens of {len(batch['doc_ref'])} documents, difference at most {worst:.1e} (1e-5)"
    )
    assert compared > LEARNT
    assert worst <= 1e-5
