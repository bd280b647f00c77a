"""Packs: what is in them, their order, and going on from a state; without PyTorch (see test_loader_torch.py)."""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import corpuskit
from corpuskit import CheckError, InputError, Pipeline, PlanError
from labelled import AS_DECLARED, write_records
from stores import document_of, store_of_run, write_store
from support import RunFolder

numpy = pytest.importorskip("numpy", reason="NumPy is not installed")

from corpuskit.loader import NumpyPacks, PackedCorpus, plan_packs
from corpuskit.verbs import effective

PLAN = {"pack": {"length": 512, "window": 64}}
TABLES = ("input_ids", "labels", "position_ids", "seq_idx", "loss_weight")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of 2,000 records with `tokens/` and a selection beside it."""
    folder = tmp_path_factory.mktemp("loader")
    write_records(folder / "in.jsonl", 2_000)
    Pipeline(AS_DECLARED).process(folder / "in.jsonl", folder / "out")
    store_of_run(folder / "out", folder / "out/tokens/bytes", 512)
    corpuskit.mix(folder / "out", folder / "selection", plan={"mix": {"split": {"validation": 0.05}}})
    return folder / "out"


def brief(pack: dict[str, Any]) -> tuple[Any, ...]:
    """What makes a pack the same."""
    return pack["number"], pack["phase"], pack["digest"], references(pack), pack["input_ids"].tobytes()


def references(pack: dict[str, Any]) -> tuple[int, ...]:
    """Its documents without padding."""
    return tuple(reference for reference in pack["doc_ref"].tolist() if reference >= 0)


def documents(pack: dict[str, Any]) -> Iterator[tuple[int, slice]]:
    """Reference and place of each document that is not padding."""
    borders = pack["cu_seq_lens"].tolist()
    for at, reference in enumerate(pack["doc_ref"].tolist()):
        if reference >= 0:
            yield reference, slice(borders[at], borders[at + 1])


@pytest.mark.parametrize("mode", ["packed", "padding_free", "padded"])
def test_every_record_once_as_it_was_written(run: Path, mode: str) -> None:
    packs = NumpyPacks(run, plan={"pack": {**PLAN["pack"], "mode": mode}})
    origins = {record["_origin"]: document_of(record, 512) for record in RunFolder(run).records()}
    seen: Counter[str] = Counter()
    for pack in packs:
        size = len(pack["input_ids"])
        assert all(len(pack[name]) == size for name in TABLES)
        assert size == 512 if mode == "packed" else size <= 512
        assert len(pack["cu_seq_lens"]) == len(pack["doc_ref"]) + 1 == len(pack["category"]) + 1
        assert int(pack["cu_seq_lens"][-1]) == size
        assert pack["max_seq_len"] == max(numpy.diff(pack["cu_seq_lens"]))
        assert pack["supervised"] == int((pack["labels"] != -100).sum())
        if mode == "padded":
            assert len(pack["doc_ref"]) == 1
        for number, (reference, place) in enumerate(documents(pack)):
            origin = packs.origin(reference)
            seen[origin] += 1
            ids, learnt = origins[origin]
            assert pack["input_ids"][place].tolist() == list(ids)
            expected = [
                token if wanted and at else -100 for at, (token, wanted) in enumerate(zip(ids, learnt, strict=True))
            ]
            assert pack["labels"][place].tolist() == expected
            assert pack["loss_weight"][place].tolist() == [float(label != -100) for label in expected]
            assert pack["position_ids"][place].tolist() == list(range(len(ids)))
            assert set(pack["seq_idx"][place].tolist()) == {number}
    assert seen == Counter(dict.fromkeys(origins, 1))


def test_no_document_moves_far_and_rows_are_full(run: Path) -> None:
    plan = {"pack": {"length": 2_048, "window": 64}}
    packs = NumpyPacks(run, plan=plan, shuffle=False)
    order = [reference for pack in packs for reference, _ in documents(pack)]
    place = {reference: at for at, reference in enumerate(sorted(order))}
    opened = [min(place[reference] for reference, _ in documents(pack)) for pack in packs]
    moved = [place[r] - first for pack, first in zip(packs, opened, strict=True) for r, _ in documents(pack)]
    assert max(moved) < 64
    (phase,) = packs.phases
    assert phase.documents == len(order) == 2_000
    assert phase.packs <= -(-phase.tokens // 2_048) * 1.01 + 1


def test_a_selection_is_followed(run: Path) -> None:
    folder = run.parent / "selection"
    account = corpuskit.read_selection(folder)
    packs = NumpyPacks(folder, plan=PLAN)
    phases = packs.phases
    assert [phase.name for phase in phases] == [phase["name"] for phase in account["phases"]]
    assert [phase.lr for phase in phases] == [phase["lr"] for phase in account["phases"]]
    assert [phase.documents for phase in phases] == [phase["records"] for phase in account["phases"]]
    by_origin = {record["_origin"]: record.get("_category", "") for record in RunFolder(run).records()}
    counted: dict[int, Counter[str]] = {}
    last = 0
    for pack in packs:
        assert pack["phase"] >= last
        last = pack["phase"]
        for at, (reference, place) in enumerate(documents(pack)):
            assert pack["category"][at] == by_origin[packs.origin(reference)]
            learnt = int((pack["labels"][place] != -100).sum())
            counted.setdefault(last, Counter())[pack["category"][at]] += learnt
    # The first token of a document is never learnt; here it never was to be.
    assert counted == {number: Counter(phase.categories) for number, phase in enumerate(phases)}
    held = NumpyPacks(folder, plan=PLAN, validation=True)
    kept = {held.origin(reference) for pack in held for reference, _ in documents(pack)}
    trained = {packs.origin(reference) for pack in packs for reference, _ in documents(pack)}
    assert len(kept) == account["validation"]["records"]
    assert not kept & trained
    assert kept | trained == set(by_origin)


def test_stops_and_other_numbers_of_ranks_change_nothing(run: Path) -> None:
    def new(rank: int, world: int) -> NumpyPacks:
        return NumpyPacks(run, plan=plan, epochs=2, rank=rank, world_size=world, prefetch=chance.randrange(3))

    plan = effective(PLAN)  # once, for some hundred loaders: it compiles the rule packs
    chance = random.Random(5)  # noqa: S311
    whole = [brief(pack) for pack in new(0, 1)]
    for _ in range(10):
        seen: list[Any] = []
        state: dict[str, Any] | None = None
        while True:
            world = chance.choice([1, 2, 4])
            states, ended = [], False
            steps = chance.randrange(1, 40)
            for rank in range(world):
                packs = new(rank, world)
                if state is not None:
                    packs.load_state_dict(state)
                taken = [brief(pack) for _, pack in zip(range(steps), packs, strict=False)]
                ended |= len(taken) < steps
                seen += taken
                states.append(packs.state_dict())
            assert all(found == states[0] for found in states)
            state = json.loads(json.dumps(states[0]))
            assert len(json.dumps(state)) < 65_536
            if ended:
                break
        assert sorted(seen) == whole


def test_the_second_iteration_begins_anew(run: Path) -> None:
    packs = NumpyPacks(run, plan=PLAN)
    first = [brief(pack) for pack in packs]
    state = packs.state_dict()
    assert [brief(pack) for pack in packs] == first
    packs.load_state_dict(state)
    assert list(packs) == []
    assert [brief(pack) for pack in packs] == first


def test_passes_differ_and_seeds_differ(run: Path) -> None:
    two = [brief(pack)[3] for pack in NumpyPacks(run, plan=PLAN, epochs=2)]
    one = [brief(pack)[3] for pack in NumpyPacks(run, plan=PLAN)]
    other = [brief(pack)[3] for pack in NumpyPacks(run, plan=PLAN, seed=1)]
    assert two[: len(one)] == one
    assert two[len(one) :] != one != other
    assert Counter(sum(one, ())) == Counter(sum(two[len(one) :], ())) == Counter(sum(other, ()))


def test_categories_can_be_picked(run: Path) -> None:
    packs = NumpyPacks(run, plan=PLAN, categories=["technical", "ethical"])
    names = {
        name
        for pack in packs
        for name, reference in zip(pack["category"], pack["doc_ref"], strict=True)
        if reference >= 0
    }
    assert names == {"technical", "ethical"}
    with pytest.raises(PlanError, match="no record has category `nonsense`"):
        NumpyPacks(run, plan=PLAN, categories=["nonsense"])


def test_wrong_states_are_refused(run: Path) -> None:
    packs = NumpyPacks(run, plan=PLAN)
    next(iter(packs))
    state = packs.state_dict()
    other = NumpyPacks(run, plan=PLAN, seed=3)
    with pytest.raises(InputError, match="other tokens, another selection or other settings"):
        other.load_state_dict(state)
    assert next(iter(other))["number"] == 0
    damaged = json.loads(json.dumps(state))
    damaged["cursor"]["packs"] += 1
    with pytest.raises(InputError, match="damaged"):
        packs.load_state_dict(damaged)
    with pytest.raises(InputError):
        packs.load_state_dict({"next": 3})


def test_what_does_not_belong_together_is_refused(run: Path, tmp_path: Path) -> None:
    other = write_store(tmp_path / "store", [("part-00000", [[([1, 2], [False, True])]])], ["ab" * 32])
    with pytest.raises(InputError, match="tokens of other records"):
        PackedCorpus(run, tokens=other)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/manifest.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match="expected one where no tokenizer is named"):
        PackedCorpus(tmp_path / "out")
    with pytest.raises(InputError, match="no finished run folder"):
        PackedCorpus(tmp_path)
    with pytest.raises(InputError, match="have no tokens yet"):
        PackedCorpus([{"messages": []}])
    with pytest.raises(PlanError, match="no validation split"):
        PackedCorpus(run, validation=True)
    long = write_store(tmp_path / "long", [("part-00000", [[([1] * 513, [True] * 513)]])], [])
    with pytest.raises(PlanError, match=r"pack\.length: must be at least 513"):
        list(NumpyPacks(long, plan=PLAN))
    (other / "part-00000.ids").write_bytes(b"")
    with pytest.raises(CheckError, match="0 bytes, expected 4"):
        PackedCorpus(other)


def test_a_store_without_a_run_numbers_its_records(tmp_path: Path) -> None:
    rows = [[([7], [False])], [], [([8, 9], [False, True])]]
    store = write_store(tmp_path / "store", [("part-00000", rows), ("part-00001", rows)], ["ab" * 32] * 2)
    packs = NumpyPacks(store, plan=PLAN, shuffle=False)
    (pack,) = packs
    assert [packs.origin(r) for r, _ in documents(pack)] == ["records#0", "records#2", "records#3", "records#5"]
    assert pack["supervised"] == 2
    assert packs.categories == []
    with pytest.raises(PlanError, match="no document"):
        packs.origin(1 << 40)


def test_packs_made_ahead_end_with_the_iteration(run: Path) -> None:
    before = threading.active_count()
    iterator = iter(NumpyPacks(run, plan=PLAN, prefetch=8))
    next(iterator)
    assert threading.active_count() > before
    del iterator
    gc.collect()
    assert threading.active_count() == before


def test_nothing_heavy_is_imported_unasked() -> None:
    code = "import sys, corpuskit.loader; print(*(name for name in ('torch', 'numpy') if name in sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_plans_are_right_on_any_lengths() -> None:
    chance = random.Random(3)  # noqa: S311
    for _ in range(200):
        budget, window = chance.choice([8, 100, 2_048]), chance.choice([1, 2, 16, 512])
        lengths = [
            chance.randint(1, chance.choice([budget, max(1, budget // 6)])) for _ in range(chance.randrange(300))
        ]
        order, rows = plan_packs(lengths, length=budget, window=window)
        assert sorted(order.tolist()) == list(range(len(lengths)))
        oldest = 0
        placed = set()
        for start, end in zip(rows.tolist(), rows.tolist()[1:], strict=False):
            pack = order[start:end].tolist()
            assert sum(lengths[number] for number in pack) <= budget
            assert all(number - oldest < window for number in pack)
            placed |= set(pack)
            while oldest in placed:
                oldest += 1
    with pytest.raises(PlanError, match="document 1 has 9 tokens"):
        plan_packs([1, 9], length=8)
