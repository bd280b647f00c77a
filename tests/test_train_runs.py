"""Whole small runs: exact resume, guard, checkpoints, groups."""

from __future__ import annotations

import dataclasses
import errno
import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
for package in ("transformers", "peft", "accelerate"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

import adapter
import checkpoint
import settings as configuration
from corpuskit.errors import CheckError, InputError, OutputError, PlanError
from corpuskit.training_page import read_run, write_page
from logs import Log
from train_launch import CLOCK
from train_models import save_model
from train_packs import FakeCorpus, make_corpus, run, sha256
from trainer import Trainer
from workers import Workers

pytestmark = pytest.mark.filterwarnings("default")
PHASES = [("first", 1e-3, ["factual", "technical"]), ("second", 5e-4, ["creative", "empathetic"])]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


def settings(model: Path, output: Path, **changes: Any) -> configuration.Settings:
    usual: dict[str, Any] = {
        "output": output,
        "model": configuration.Model(path=str(model)),
        "data": configuration.Data(run=output, tokenizer=output, length=64),
        "train": configuration.Train(precision="fp32", batch=configuration.Batch(size=4, accumulate=2)),
        "checkpoint": configuration.Checkpoint(steps=3, keep=2),
        "evaluate": configuration.Evaluate(per_phase=2),
        "tensorboard": False,
    }
    return configuration.Settings(**{**usual, **changes})


def train(
    chosen: configuration.Settings, corpus: FakeCorpus, *, stop_at: int | None = None, **options: bool
) -> Trainer:
    """A run; `stop_at` asks it to stop during that step, as SIGTERM does."""
    trainer = Trainer(chosen, corpus, Workers(chosen), **{"resume": False, "force": False, **options})
    run(trainer, stop_at)
    return trainer


def log(folder: Path) -> list[dict[str, Any]]:
    """The log without what the clock decides."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in rows]


def test_an_interrupted_run_ends_with_the_same_log_and_the_same_adapter(model: Path, tmp_path: Path) -> None:
    corpus = make_corpus(PHASES, documents=30)
    whole = train(settings(model, tmp_path / "whole"), corpus)
    losses = [row["loss"] for row in log(tmp_path / "whole") if row["event"] == "step"]
    assert losses[-1] < losses[0]
    first_phase = sum(row["phase"] == "first" for row in log(tmp_path / "whole") if row["event"] == "step")
    for stop in (1, first_phase, whole.step - 1):
        folder = tmp_path / f"stopped{stop}"
        assert train(settings(model, folder), corpus, stop_at=stop).step == stop
        assert not (folder / "adapter").exists()
        train(settings(model, folder), corpus, resume=True)
        assert log(folder) == log(tmp_path / "whole")
        assert sha256(folder / "adapter/adapter_model.safetensors") == sha256(
            tmp_path / "whole/adapter/adapter_model.safetensors"
        )
        assert sha256(folder / "adapter/adapter_config.json") == sha256(tmp_path / "whole/adapter/adapter_config.json")
    assert write_page(tmp_path / "whole").read_text("utf-8").count("<svg") == 7
    assert read_run(tmp_path / "whole").end is not None
    again = train(settings(model, tmp_path / "whole"), corpus, resume=True)
    assert again.step == whole.step, "a finished run has nothing left to do"


def test_a_damaged_checkpoint_is_passed_over(model: Path, tmp_path: Path) -> None:
    corpus = make_corpus(PHASES, documents=30)
    train(settings(model, tmp_path / "whole"), corpus)
    train(settings(model, tmp_path / "cut"), corpus, stop_at=7)
    newest, older = sorted((tmp_path / "cut/checkpoints").iterdir(), reverse=True)
    tensors = newest / "optimizer.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1])
    assert checkpoint.latest(tmp_path / "cut/checkpoints") == older
    train(settings(model, tmp_path / "cut"), corpus, resume=True)
    assert log(tmp_path / "cut") == log(tmp_path / "whole")


def test_another_run_is_neither_overwritten_nor_continued(model: Path, tmp_path: Path) -> None:
    corpus = make_corpus(PHASES, documents=12)
    chosen = settings(model, tmp_path / "run")
    train(chosen, corpus)
    with pytest.raises(OutputError, match="holds a run already"):
        train(chosen, corpus)
    with pytest.raises(InputError, match="belongs to another run: seed changed"):
        train(dataclasses.replace(chosen, seed=18), corpus, resume=True)
    other = dataclasses.replace(corpus, identity={"selection": "another"})
    with pytest.raises(InputError, match="belongs to another run: corpus changed"):
        train(chosen, other, resume=True)
    train(dataclasses.replace(chosen, seed=18), corpus, force=True)


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(PHASES, documents=30)
    write = checkpoint.save_optimizer
    calls = 0

    def full(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        write(*arguments)
        if calls == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_optimizer", full)
    with pytest.raises(OutputError, match=r"no space left on device.*the last whole checkpoint is step-00000003"):
        train(settings(model, tmp_path / "run"), corpus)
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["step-00000003"]
    train(settings(model, tmp_path / "run"), corpus, resume=True)
    train(settings(model, tmp_path / "whole"), corpus)
    assert log(tmp_path / "run") == log(tmp_path / "whole")


BROKEN = 96
"""A token whose embedding is no number in `broken_model`; the corpus of those tests does not draw it by itself."""


@pytest.fixture
def broken_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that one token breaks, and a probe that does not stumble over it."""
    from safetensors.torch import load_file, save_file

    import isolation

    folder = save_model(tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"][BROKEN] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    prove = isolation.prove
    monkeypatch.setattr(isolation, "prove", lambda model, **named: prove(model, **{**named, "vocabulary": 90}))
    return folder


def test_a_loss_that_is_no_number_is_traced_to_its_line_and_left_out(broken_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    corpus = make_corpus(PHASES, documents=30, vocabulary=90)
    pack = corpus.packs[4]
    pack["input_ids"][2] = BROKEN
    train(settings(broken_model, tmp_path / "run"), corpus)
    [row] = [row for row in log(tmp_path / "run") if row["event"] == "guard"]
    assert row["verdict"] == "not finite"
    assert row["skipped"]
    assert row["documents"][0]["origin"] == f"made.jsonl:{int(pack['doc_ref'][0]) + 1}"
    assert row["documents"][0]["loss"] is None
    assert all(item["loss"] is not None for item in row["documents"][1:]), "documents do not break their neighbours"
    tensors = load_file(tmp_path / "run/adapter/adapter_model.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())


def test_too_many_broken_steps_stop_the_run(broken_model: Path, tmp_path: Path) -> None:
    corpus = make_corpus(PHASES, documents=30, vocabulary=90)
    for pack in corpus.packs[3:]:
        pack["input_ids"][2] = BROKEN
    with pytest.raises(CheckError, match="guard: 3 steps in a row"):
        train(settings(broken_model, tmp_path / "run"), corpus)


def grouped(**groups: str) -> configuration.Adapters:
    return configuration.Adapters(mode="grouped", groups=groups, lora=configuration.Lora(r=4, dropout=0.0))


def test_groups_are_trained_as_if_each_were_alone(model: Path, tmp_path: Path) -> None:
    corpus = make_corpus([("all", 1e-3, ["factual", "technical", "creative"])], documents=40)
    # The schedule follows the tokens of all groups together, so a group alone would see other rates.
    steady = configuration.Train(
        precision="fp32", batch=configuration.Batch(size=4, accumulate=2), scheduler="constant", warmup_ratio=0.0
    )
    chosen = settings(
        model, tmp_path / "both", train=steady, adapters=grouped(factual="facts", technical="facts", creative="tales")
    )
    together = train(chosen, corpus)
    assert sorted(path.name for path in (tmp_path / "both/adapters").iterdir()) == ["facts", "tales"]
    trained = sum(phase.supervised for phase in corpus.phases)
    assert sum(row["supervised"] for row in together.seen.values()) == trained
    assert sum(row["documents"] for row in together.seen.values()) == 40
    for name, categories in (("facts", ("factual", "technical")), ("tales", ("creative",))):
        # The same packs and steps, but for one group only: what belongs to another is not trained at all.
        groups = dict.fromkeys(categories, name)
        alone = Trainer(
            settings(model, tmp_path / name, train=steady, adapters=grouped(**groups, empathetic="zz")),
            corpus,
            Workers(chosen),
            resume=False,
            force=False,
        )
        alone.prepare()
        alone.train()
        alone.finish()
        mine = {key.replace(f".{name}.", "."): value for key, value in adapter.parameters(together.model, name).items()}
        theirs = {key.replace(f".{name}.", "."): value for key, value in adapter.parameters(alone.model, name).items()}
        assert mine.keys() == theirs.keys()
        assert max(float((mine[key] - theirs[key]).detach().abs().max()) for key in mine) <= 1e-5
        assert alone.seen[name] == together.seen[name]


def test_a_group_alone_is_the_single_adapter(model: Path, tmp_path: Path) -> None:
    """One group of all categories must be what mode `single` trains; only the first values differ, so they are copied."""
    corpus = make_corpus(PHASES, documents=20)
    lora = configuration.Lora(r=4, dropout=0.0)
    single = settings(model, tmp_path / "single", adapters=configuration.Adapters(lora=lora))
    alone = Trainer(single, corpus, Workers(single), resume=False, force=False)
    everything = dict.fromkeys(("factual", "technical", "creative", "empathetic"), "one") | {"ethical": "other"}
    many = settings(model, tmp_path / "many", adapters=grouped(**everything))
    routed = Trainer(many, corpus, Workers(many), resume=False, force=False)
    alone.prepare()
    routed.prepare()
    with torch.no_grad():
        pairs = list(
            zip(
                adapter.parameters(alone.model, "default").values(),
                adapter.parameters(routed.model, "one").values(),
                strict=True,
            )
        )
        for mine, theirs in pairs:
            theirs.copy_(mine)
    alone.train()
    routed.train()
    alone.finish()
    routed.finish()
    assert max(float((mine - theirs).detach().abs().max()) for mine, theirs in pairs) <= 1e-5


def test_a_model_without_the_modules_is_refused(model: Path, tmp_path: Path) -> None:
    lora = configuration.Lora(target_modules=("q_proj", "query_key_value"))
    with pytest.raises(PlanError, match=r"LlamaForCausalLM has no query_key_value, expected some of .*q_proj"):
        train(
            settings(model, tmp_path / "run", adapters=configuration.Adapters(lora=lora)),
            make_corpus(PHASES, documents=5),
        )


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere/at-all", "no such model folder, and nothing is downloaded unasked"), ("empty", "is no model folder")],
)
def test_a_missing_model_is_a_clear_message(
    tmp_path: Path, path: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        train(settings(Path(path), tmp_path / "run"), make_corpus(PHASES, documents=5))


def test_tensorboard_gets_every_number(tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    log = Log(tmp_path, tensorboard=True)
    log.write("step", 3, loss=2.5, loss_by_category={"creative": 1.5}, phase="first")
    log.write("eval", 3, loss=2.25)
    log.close()
    found = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    values = {name: [(row.step, row.value) for row in found.Scalars(name)] for name in found.Tags()["scalars"]}
    assert values == {
        "train/loss": [(3, 2.5)],
        "train/loss_by_category/creative": [(3, 1.5)],
        "eval/loss": [(3, 2.25)],
    }
