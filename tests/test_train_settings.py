"""Settings, schedule and steps of a training run: nothing here needs a model."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

import settings as configuration
import windows as cutting
from corpuskit.errors import PlanError
from corpuskit.plan import CATEGORIES
from phases import PhasePlan, rate
from train_packs import Source, make_corpus

SMALLEST = "output: out\nmodel: {path: m}\ndata: {run: r, tokenizer: t}\n"


def load(tmp_path: Path, text: str, *overrides: str) -> configuration.Settings:
    path = tmp_path / "c.yaml"
    path.write_text(text, "utf-8")
    return configuration.load(path, list(overrides))


def test_defaults_are_the_seeds_values(tmp_path: Path) -> None:
    found = load(tmp_path, SMALLEST)
    lora, train = found.adapters.lora, found.train
    assert (lora.r, lora.alpha, lora.dropout, lora.bias, lora.task_type) == (32, 64, 0.05, "none", "CAUSAL_LM")
    assert lora.target_modules == ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert (train.batch.size, train.batch.accumulate, train.batch.target, train.batch.unit) == (4, 8, 32, "examples")
    assert (train.optimizer, train.scheduler, train.warmup_ratio) == ("adamw", "cosine", 0.03)
    assert (train.max_grad_norm, train.precision, train.lr_scale) == (1.0, "bf16", 1.0)
    assert [phase.lr for phase in found.curriculum.phases] == [2e-5, 1.5e-5, 1e-5, 5e-6, 3e-6]
    assert [phase.name for phase in found.curriculum.phases] == [
        "foundation", "analytical", "empathic_creative", "mixed", "fine_tuning",
    ]  # fmt: skip
    assert found.profile == "emergent"
    assert found.adapters.mode == "single"


def test_groups_and_phases_name_the_categories_of_the_taxonomy() -> None:
    assert set(configuration.FIVE_GROUPS) == set(CATEGORIES)
    phases = [phase.include for phase in configuration.SEED_PHASES if phase.include != "all"]
    assert {name for include in phases for name in include} <= set(CATEGORIES)


def test_the_seeds_spelling_is_understood(tmp_path: Path) -> None:
    text = SMALLEST + "train: {optimizer: AdamW, scheduler: cosine with warmup, epsilon: 1e-8}\n"
    found = load(tmp_path, text, "train.lr_scale=2e1", "adapters.mode=grouped")
    assert (found.train.optimizer, found.train.scheduler) == ("adamw", "cosine")
    assert (found.train.epsilon, found.train.lr_scale) == (1e-8, 20.0)
    assert len(set(found.adapters.groups.values())) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALLEST + "tarin: {}\n", "c.yaml:4:1: unknown key `tarin`"),
        (SMALLEST + "train:\n  warmup: 1\n", "c.yaml:5:3: unknown key `train.warmup`"),
        (SMALLEST + "train: {precision: fp8}\n", "c.yaml:4:20: `train.precision` is `fp8`, expected `bf16` or `fp32`"),
        (
            SMALLEST + "train: {max_grad_norm: much}\n",
            "c.yaml:4:24: `train.max_grad_norm` is `much`, expected a number",
        ),
        (SMALLEST + "train: {warmup_ratio: 1.5}\n", "train.warmup_ratio: must be at least 0 and below 1, got 1.5"),
        ("model: {path: m}\ndata: {run: r, tokenizer: t}\n", "c.yaml:1:1: `output` is missing"),
        (SMALLEST + "curriculum: {phases: [{name: a, lr: 1e-5}, {name: a, lr: 1e-5}]}\n", "curriculum.phases: needs"),
        (SMALLEST + "curriculum: {phases: []}\n", "curriculum.phases: needs"),
        ("a: [\n", "c.yaml:2:1: is not YAML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def phases(*rates: float) -> list[PhasePlan]:
    return [
        PhasePlan(name=str(n), lr=lr, supervised=1000, tokens=2000, packs=10, documents=100, categories={})
        for n, lr in enumerate(rates)
    ]


@given(st.floats(0, 1), st.integers(0, 4), st.sampled_from([0.0, 0.1]))
def test_the_rate_is_a_line_up_and_a_cosine_down(done: float, number: int, final: float) -> None:
    plan = phases(2e-5, 1.5e-5, 1e-5, 5e-6, 3e-6)
    train = configuration.Train(final_ratio=final)
    top = plan[number].lr
    before = 0.0 if number == 0 else plan[number - 1].lr * final
    if done < 0.03:
        expected = before * (1 - done / 0.03) + top * done / 0.03
    else:
        angle = math.pi * (done - 0.03) / 0.97
        expected = top * (final + (1 - final) * (1 + math.cos(angle)) / 2)
    assert rate(plan, number, done, train) == pytest.approx(expected, abs=1e-12)


def cut(world: int, unit: str, size: int, start: tuple[Any, int, int] | None = None) -> list[list[Any]]:
    """The steps of each process, run as threads that exchange summaries."""
    corpus = make_corpus(
        [("a", 1e-3, ["factual"]), ("b", 1e-3, ["creative"])], documents=23, length=48, lengths=(3, 20)
    )
    state, used, number = start or (None, 0, 0)
    barrier = threading.Barrier(world)
    table: list[Any] = [None] * world
    results: list[list[Any]] = [[] for _ in range(world)]

    def work(rank: int) -> None:
        def share(own: Any, groups: int, world: int, device: Any) -> list[Any]:
            table[rank] = own
            barrier.wait()
            found = list(table)
            barrier.wait()
            return found

        own_share[threading.get_ident()] = share
        source = Source(corpus.packs, rank, world, state)
        batch = configuration.Batch(unit=unit, size=size, accumulate=1)  # type: ignore[arg-type]
        results[rank] = list(
            cutting.windows(source, batch, rank=rank, world=world, device=torch.device("cpu"), used=used, number=number)
        )

    own_share: dict[int, Any] = {}
    before = cutting.share
    cutting.share = lambda *arguments: own_share[threading.get_ident()](*arguments)
    try:
        threads = [threading.Thread(target=work, args=(rank,)) for rank in range(world)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        cutting.share = before
    return results


def plan_of(steps: list[list[Any]]) -> list[Any]:
    """Every step as all processes together see it."""
    rows = []
    for parts in zip(*steps, strict=True):
        numbers = sorted(number for part in parts for number, _ in part.packs)
        assert len({(part.phase, part.rows, part.examples, part.supervised, part.tokens) for part in parts}) == 1
        first = parts[0]
        rows.append((first.phase, numbers, first.examples, first.supervised, first.tokens))
    return rows


@pytest.mark.parametrize(("unit", "size"), [("examples", 7), ("rows", 3), ("tokens", 200), ("examples", 1)])
def test_steps_are_the_same_for_any_number_of_processes(unit: str, size: int) -> None:
    alone = plan_of(cut(1, unit, size))
    for world in (2, 3, 5):
        assert plan_of(cut(world, unit, size)) == alone
    assert [number for row in alone for number in row[1]] == list(range(sum(len(row[1]) for row in alone)))
    assert [row[0] for row in alone] == sorted(row[0] for row in alone)


def test_steps_go_on_where_they_stopped_with_another_number_of_processes() -> None:
    alone = cut(1, "examples", 7)
    whole = plan_of(alone)
    for world_before in (1, 2, 3):
        steps = cut(world_before, "examples", 7)
        for stop in range(1, len(whole)):
            after = steps[0][stop - 1].after
            for world in (1, 2):
                assert plan_of(cut(world, "examples", 7, after)) == whole[stop:]


def test_a_step_is_closed_at_the_nearest_pack() -> None:
    corpus = make_corpus(
        [("a", 1e-3, ["factual"]), ("b", 1e-3, ["creative"])], documents=23, length=48, lengths=(3, 20)
    )
    sizes = [(pack["phase"], sum(r >= 0 for r in pack["doc_ref"].tolist())) for pack in corpus.packs]
    expected: list[tuple[int, int]] = []
    for phase, examples in sizes:
        last = expected[-1] if expected else None
        if last and last[0] == phase and abs(last[1] + examples - 7) < abs(last[1] - 7):
            expected[-1] = (phase, last[1] + examples)
        else:
            expected.append((phase, examples))
    assert [(row[0], row[2]) for row in plan_of(cut(1, "examples", 7))] == expected
