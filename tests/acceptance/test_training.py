"""Training on packed batches: documents apart, the right loss, exact blends."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
for package in ("transformers", "peft", "accelerate"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

import adapter
import attention
import isolation
import settings as configuration
from loss import Loss
from model import call_arguments
from test_adapters import CASES, make_adapter, worst
from train_models import make_model, save_model
from train_packs import collate, make_corpus

pytestmark = pytest.mark.filterwarnings("default")
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.mark.point("6-S2", "isolation")
def test_packed_documents_are_what_they_are_alone(figure: Figure) -> None:
    worst_logit = worst_gradient = 0.0
    kinds = ("llama", "qwen3", "mistral", "gemma3_text", "phi3")
    for kind in kinds:
        packed, plain = make_model(kind), make_model(kind, attention="sdpa")
        plain.load_state_dict(packed.state_dict())
        batch = isolation.probe_batch(97, torch.device("cpu"), (23, 1, 40, 17))
        together = packed(**call_arguments(packed, batch)).logits[0]
        edges = batch["cu_seq_lens"].tolist()
        alone = torch.cat(
            [
                plain(input_ids=batch["input_ids"][:, a:b], use_cache=False).logits[0]
                for a, b in itertools.pairwise(edges)
            ]
        )
        worst_logit = max(worst_logit, float((together - alone).detach().abs().max()))
        for logits in (together, alone):
            labels = batch["labels"][0, 1:]
            torch.nn.functional.cross_entropy(logits[:-1], labels, ignore_index=-100).backward()
        for mine, theirs in zip(packed.parameters(), plain.parameters(), strict=True):
            if theirs.grad is not None:
                worst_gradient = max(worst_gradient, float((mine.grad - theirs.grad).abs().max()))
    refused = []
    for kind, backend, cache in (
        ("gpt_oss", "ck_varlen", False), ("falcon", "sdpa", False), ("mamba", "ck_varlen", False), ("llama", "sdpa", None),
    ):  # fmt: skip
        with pytest.raises(attention.IsolationError):
            isolation.prove(make_model(kind, attention=backend).train(), use_cache=cache)
        refused.append(kind if cache is False else f"{kind} on plain {backend} with its cache")
    figure(
        f"{', '.join(kinds)}: logits differ by {worst_logit:.1e}, gradients by {worst_gradient:.1e} (at most 1e-5); refused: {', '.join(refused)}"
    )
    assert worst_logit <= 1e-5
    assert worst_gradient <= 1e-5


@pytest.mark.point("6-S4", "loss against TRL")
def test_the_loss_is_that_of_trl(tmp_path: Path, figure: Figure) -> None:
    pytest.importorskip("trl", reason="trl is not installed (`pip install trl`)")
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    [pack, *_] = make_corpus([("a", 1e-3, ["factual", "creative"])], documents=12).packs
    edges = pack["cu_seq_lens"].tolist()
    documents = [
        {"input_ids": pack["input_ids"][a:b].tolist(), "labels": pack["labels"][a:b].tolist()}
        for (a, b), reference in zip(itertools.pairwise(edges), pack["doc_ref"].tolist(), strict=True)
        if reference >= 0
    ]
    ours, theirs = make_model("llama"), make_model("llama", attention="sdpa")
    theirs.load_state_dict(ours.state_dict())
    theirs.config.use_cache = False
    trainer = SFTTrainer(
        theirs,
        args=SFTConfig(
            output_dir=str(tmp_path), packing=False, report_to=[], use_cpu=True, bf16=False, dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,
        ),
        train_dataset=Dataset.from_list(documents),
        processing_class=tokenizer(tmp_path),
        data_collator=DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True),
    )  # fmt: skip
    batch = trainer.data_collator(documents)
    expected = float(trainer.compute_loss(theirs.train(), dict(batch)).detach())
    loss = Loss(ours.train())
    loss.choose_head(collate([pack]))
    summed, losses = loss(collate([pack]))
    found = float(summed.detach()) / len(losses)
    figure(
        f"{found:.6f} against {expected:.6f} over {len(losses)} supervised tokens of {len(documents)} documents (at most 1e-5 apart)"
    )
    assert abs(found - expected) <= 1e-5


def tokenizer(folder: Path) -> Any:
    """A tokenizer of 97 words, because TRL wants one."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    names = [f"w{number}" for number in range(97)]
    words = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token=names[0]))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token=names[0], eos_token=names[2])


@pytest.mark.point("6-S5", "blends")
def test_blends_are_exact(tmp_path: Path, figure: Figure) -> None:
    from corpuskit import adapters

    found: dict[str, float] = {}
    for case, (left, right) in CASES.items():
        first = make_adapter(tmp_path / case / "a", 1, **left)
        second = make_adapter(tmp_path / case / "b", 2, **right)
        made = adapters.blend({"a": 0.7, "b": 0.3}, root=tmp_path / case)
        found[case] = worst(made.folder, {first: 0.7, second: 0.3})  # read again from the disk
    only = tmp_path / "rslora" / "a"
    alone = worst(adapters.blend({"a": 1.0}, root=only.parent).folder, {only: 1.0})
    figure(
        f"{', '.join(f'{case} {value:.1e}' for case, value in found.items())}; one at weight 1: {alone:.1e} (at most 1e-5)"
    )
    assert max(*found.values(), alone) <= 1e-5


@pytest.mark.point("6-S5", "five groups")
def test_five_adapters_come_out_of_one_corpus(model: Path, tmp_path: Path, figure: Figure) -> None:
    from corpuskit import adapters
    from trainer import Trainer
    from workers import Workers

    groups = {
        "factual": "analytic",
        "technical": "tech_expert",
        "creative": "creative",
        "empathetic": "emotive",
        "specialized": "esoteric",
    }
    corpus = make_corpus([("all", 1e-3, sorted(groups))], documents=60)
    chosen = configuration.Settings(
        output=tmp_path / "run",
        model=configuration.Model(path=str(model)),
        data=configuration.Data(run=tmp_path, tokenizer=tmp_path, length=64),
        adapters=configuration.Adapters(mode="grouped", groups=groups),
        train=configuration.Train(precision="fp32"),
        tensorboard=False,
    )
    trainer = Trainer(chosen, corpus, Workers(chosen), resume=False, force=False)
    trainer.prepare()
    trainer.train()
    trainer.finish()
    assert sorted(path.name for path in (tmp_path / "run/adapters").iterdir()) == sorted(groups.values())
    by_group = {group: corpus.phases[0].categories[category] for category, group in groups.items()}
    seen = {}
    for group in by_group:
        account = json.loads((tmp_path / "run/adapters" / group / "trained_on.json").read_text("utf-8"))
        seen[group] = account["seen"]["supervised"]
    assert seen == by_group, "each adapter saw the supervised tokens of its own categories and no others"
    mixed = adapters.blend({"tech_expert": 0.7, "emotive": 0.3}, root=tmp_path / "run/adapters")
    parts = {tmp_path / "run/adapters/tech_expert": 0.7, tmp_path / "run/adapters/emotive": 0.3}
    assert adapter.SINGLE not in seen
    figure(
        f"{', '.join(f'{group} {count} tokens' for group, count in sorted(seen.items()))}; 0.7 and 0.3 blended: {worst(mixed.folder, parts):.1e}"
    )
    assert worst(mixed.folder, parts) <= 1e-5
