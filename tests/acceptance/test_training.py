"""Training on packed batches: documents apart, exact resume, the right loss, exact blends."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
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
from support import ROOT
from test_adapters import CASES, make_adapter, worst
from train_models import make_model, save_model
from train_packs import collate, make_corpus, sha256

pytestmark = pytest.mark.filterwarnings("default")
Figure = Callable[[str], None]
CLOCK = {"seconds", "waited", "tokens_per_second", "mfu", "memory"}
CHILD = ROOT / "tests/train_child.py"


def command(*words: object, processes: int = 1) -> list[str]:
    """A run over made packs, in one or several processes."""
    if processes == 1:
        return [sys.executable, str(CHILD), *map(str, words)]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    return [*launcher, str(CHILD), *map(str, words)]


def child(*words: object, processes: int = 1) -> None:
    """Runs it to its end."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(command(*words, processes=processes), capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0, done.stderr[-4000:]


def log(folder: Path, kind: str = "step") -> list[dict[str, Any]]:
    """The log without what the clock decides."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in rows if row["event"] == kind]


def product(folder: Path) -> str:
    """The digest of the finished adapter."""
    return sha256(folder / "adapter/adapter_model.safetensors")


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


@pytest.mark.slow
@pytest.mark.point("6-S3", "killed and continued")
def test_a_killed_run_ends_with_the_same_adapter(model: Path, tmp_path: Path, figure: Figure) -> None:
    child(model, tmp_path / "whole")
    steps = len(log(tmp_path / "whole"))
    chance = random.Random(6)  # noqa: S311
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "python")}
    points = []
    for number, kind in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        folder = tmp_path / f"killed{number}"
        at, later = chance.randrange(1, steps - 1), chance.random() * 0.1
        process = subprocess.Popen(command(model, folder, "--slow", 0.1), env=env, stderr=subprocess.DEVNULL)
        while not (folder / "log.jsonl").exists() or len(log(folder)) < at:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(later)
        process.send_signal(kind)
        assert process.wait(60) == (-kind if kind == signal.SIGKILL else 0)
        assert not (folder / "adapter").exists()
        child(model, folder, "--resume")
        assert log(folder) == log(tmp_path / "whole")
        assert log(folder, "eval") == log(tmp_path / "whole", "eval")
        assert product(folder) == product(tmp_path / "whole")
        points.append(f"{kind.name} after {at}")
    figure(f"{', '.join(points)} of {steps} steps: every loss and the adapter's SHA-256 as without")


@pytest.mark.slow
@pytest.mark.point("6-S3", "1, 2, 1 processes")
def test_the_number_of_processes_may_change(model: Path, tmp_path: Path, figure: Figure) -> None:
    child(model, tmp_path / "whole", "--dropout", 0)
    whole = log(tmp_path / "whole")
    third = len(whole) // 3
    child(model, tmp_path / "run", "--dropout", 0, "--stop-at", third)
    child(model, tmp_path / "run", "--dropout", 0, "--resume", "--stop-at", 2 * third, processes=2)
    child(model, tmp_path / "run", "--dropout", 0, "--resume")
    found = log(tmp_path / "run")
    card = json.loads((tmp_path / "run/run.json").read_text("utf-8"))
    assert card["processes"] == 1
    for key in ("step", "packs", "digest", "examples", "rows", "supervised", "lr"):
        assert [row[key] for row in found] == [row[key] for row in whole], key
    apart = max(abs(mine["loss"] - theirs["loss"]) for mine, theirs in zip(found, whole, strict=True))
    figure(
        f"{len(whole)} steps with 1, 2 and 1 processes: the same packs and digest chain, losses differ by {apart:.1e}"
    )
    assert apart <= 1e-4


@pytest.mark.slow
@pytest.mark.point("6-S4", "gradient of 2 processes")
def test_the_gradient_of_unequal_processes_is_that_of_one(model: Path, tmp_path: Path, figure: Figure) -> None:
    from safetensors.torch import load_file

    for processes in (1, 2):
        words = ("--rows", 3, "--dropout", 0, "--gradients", tmp_path / f"{processes}.safetensors")
        child(model, tmp_path / f"run{processes}", *words, processes=processes)
        card = json.loads((tmp_path / f"run{processes}/run.json").read_text("utf-8"))
        assert card["processes"] == processes
    one, two = (load_file(tmp_path / f"{processes}.safetensors") for processes in (1, 2))
    assert one.keys() == two.keys()
    apart = max(float((one[name] - two[name]).abs().max()) for name in one)
    size = max(float(tensor.abs().max()) for tensor in one.values())
    figure(
        f"3 packs on 1 and on 2 processes (2 and 1): gradients differ by {apart:.1e} of at most {size:.2g} (at most 1e-5)"
    )
    assert size > 1e-3
    assert apart <= 1e-5


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


@pytest.mark.slow
@pytest.mark.point("6-S6", "what the loop adds")
def test_the_loop_costs_little(tmp_path: Path, figure: Figure) -> None:
    from trainer import Trainer
    from windows import windows
    from workers import Workers

    wide: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16}
    base = save_model(tmp_path / "model", **wide)
    corpus = make_corpus([("all", 1e-4, ["factual", "creative"])], documents=640, length=1024, lengths=(50, 400))
    chosen = configuration.Settings(
        output=tmp_path / "run",
        model=configuration.Model(path=str(base)),
        data=configuration.Data(run=tmp_path, tokenizer=tmp_path, length=1024),
        train=configuration.Train(precision="fp32"),
        evaluate=configuration.Evaluate(per_phase=0),
    )
    trainer = Trainer(chosen, corpus, Workers(chosen), resume=False, force=False)
    trainer.prepare()

    def bare(window: Any) -> None:
        for _, pack in window.packs:
            summed, _ = trainer.loss(collate([pack]))
            (summed / window.supervised).backward()
        trainer.optimizer.step()
        trainer.optimizer.zero_grad(set_to_none=True)

    stream = windows(corpus.source(0, 1, None), chosen.train.batch, rank=0, world=1, device=torch.device("cpu"))
    ratios, times = [], []
    for number in itertools.count():
        spent = {}
        start = time.process_time()  # of all threads: other programs on the machine do not count
        window = next(stream, None)
        cutting = time.process_time() - start
        if window is None:
            break
        for step in (bare, trainer.one_step) if number % 2 else (trainer.one_step, bare):
            start = time.process_time()
            step(window)
            spent[step is bare] = time.process_time() - start
        if number >= 2:
            ratios.append((spent[False] + cutting) / spent[True])
            times.append(spent[True])
    trainer.finish()
    ratios.sort()
    middle = ratios[len(ratios) // 2]
    figure(
        f"{len(ratios)} steps of {1000 * sum(times) / len(times):.0f} ms of processor time: the loop adds {100 * (middle - 1):.1f} % (median; at most 3)"
    )
    assert middle <= 1.03
