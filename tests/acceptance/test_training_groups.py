"""Five adapters from one corpus of real records: each saw its own categories and nothing else, counted from the packs again."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

for package in ("torch", "transformers", "peft", "accelerate"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

import settings as configuration
from corpuskit import adapters
from corpuskit.loader import NumpyPacks, PackedCorpus
from corpuskit.plan import CATEGORIES
from loading import plan_of
from support import RunFolder, corpuskit
from test_adapters import worst
from train_launch import CONFIG, log, make_place, train

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]
Figure = Callable[[str], None]
SETTINGS = ["output=out/grouped", "data.run=out/labelled", "adapters.mode=grouped", "curriculum={}"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's records with categories that are declared: files in turn, so that each category has real texts of its own."""
    folder = make_place(tmp_path_factory.mktemp("place"))
    records = RunFolder(folder / "out/sample").records()
    sources = sorted({record["_source"] for record in records})
    of_source = dict(zip(sources, itertools.cycle(CATEGORIES), strict=False))
    with (folder / "labelled.jsonl").open("w", encoding="utf-8") as file:
        for record in records:
            plain = {key: record[key] for key in ("messages", "tools", "text") if key in record}
            file.write(json.dumps({**plain, "_category": of_source[record["_source"]]}) + "\n")
    done = corpuskit("process", "labelled.jsonl", "-o", "out/labelled", "--set", "dedup.near=false", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    """A grouped run in the seed's five phases."""
    done = train(*(word for pair in SETTINGS for word in ("--set", pair)), cwd=place)
    assert done.returncode == 0, done.stderr[-4000:]
    return place / "out/grouped"


def recount(place: Path, run: Path) -> dict[str, dict[str, Counter[str]]]:
    """By phase and category, from the packs themselves: documents with something trained, and trained tokens."""
    chosen = configuration.load(CONFIG, SETTINGS)
    plan = plan_of(chosen)
    corpus = PackedCorpus(run / "selection", tokenizer=place / "out/tiny-model", run=place / "out/labelled", plan=plan)
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for pack in NumpyPacks(corpus, plan=plan, seed=chosen.seed, rank=0, world_size=1):
        phase = chosen.curriculum.phases[pack["phase"]].name
        for (start, end), category in zip(itertools.pairwise(pack["cu_seq_lens"]), pack["category"], strict=True):
            trained = int((pack["labels"][start:end] != -100).sum())
            found[phase][category].update(documents=int(trained > 0), supervised=trained)
    return found


@pytest.mark.point("6-S5", "five groups of real records")
def test_each_adapter_saw_its_own_categories_and_nothing_else(place: Path, run: Path, figure: Figure) -> None:
    chosen = configuration.load(CONFIG, SETTINGS)
    counted = recount(place, run)
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for categories in counted.values():
        for category, sums in categories.items():
            if category in chosen.adapters.groups:
                expected[chosen.adapters.groups[category]] += sums
    names = sorted(path.name for path in (run / "adapters").iterdir())
    assert names == sorted({"tech_expert", "analytic", "emotive", "creative", "esoteric"})
    for name in names:
        seen = json.loads((run / "adapters" / name / "trained_on.json").read_text("utf-8"))["seen"]
        assert {key: seen[key] for key in ("documents", "supervised")} == expected[name], name
    made = adapters.blend({"tech_expert": 0.7, "emotive": 0.3}, root=run / "adapters")
    apart = worst(
        made.folder, {run / "adapters/tech_expert": 0.7, run / "adapters/emotive": 0.3}, place / "out/tiny-model"
    )
    said = ", ".join(f"{name} {expected[name]['supervised']:,}" for name in names)
    figure(f"trained tokens {said}: as counted from the packs; 0.7 and 0.3 blended: {apart:.1e} (at most 1e-5)")
    assert apart <= 1e-5


@pytest.mark.point("6-S5", "phases of real records")
def test_each_phase_trains_its_categories_and_replays_earlier_ones(place: Path, run: Path, figure: Figure) -> None:
    chosen = configuration.load(CONFIG, SETTINGS)
    counted = recount(place, run)
    logged: dict[str, Counter[str]] = defaultdict(Counter)
    for row in log(run):
        logged[row["phase"]].update(row["trained_by_category"])
    replayed = []
    for phase in chosen.curriculum.phases:
        sums = Counter({category: count["supervised"] for category, count in counted[phase.name].items()})
        assert logged[phase.name] == +sums, phase.name
        if phase.include == "all":
            continue
        own = sum(sums[category] for category in phase.include)
        rest = sum(sums.values()) - own
        replayed.append(f"{phase.name} {100 * rest / (own + rest):.1f} %")
        earlier = {name for before in chosen.curriculum.phases[: len(replayed) - 1] for name in before.include}
        assert {name for name, count in sums.items() if count} <= earlier | set(phase.include), phase.name
    figure(f"replayed {', '.join(replayed)} (asked 15 after the first); the log's tokens by category are the packs'")
    shares = [float(words.split()[1]) for words in replayed]
    assert shares[0] == 0
    assert all(abs(share - 15) <= 1 for share in shares[1:]), "in whole records"
