"""S2's share of records that arrive as conversations, and S3's round trips."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from corpus_readers import BUILT, FIRST, OTHERS, read
from corpuskit import _core
from corpuskit.errors import InputError
from family_samples import FAMILIES, assert_comes_back, spelled
from support import RunFolder, corpuskit

# Every text as it came and every record kept: what arrives is what was parsed.
PLAN = """
normalise: {nfc: false, mojibake: false, control: false, zero_width: false, line_ends: false, trailing_space: false, empty_turns: false}
filter: {empty: false, length: {min_chars: 0}}
dedup: {exact: false, near: false}
"""

REAL = [
    "teknium1__GPTeacher/Roleplay/*.json",
    "PhoebusSi__Alpaca-CoT/data/formatted_cot_data/*.json",
    "openai__grade-school-math/**/*.jsonl",
    "daveshap__CreativeWritingCoach/*.jsonl",
    "ProfSynapse__Toolset-Training/Datasets/behavior_datasets/**/*.jsonl",
    "fairyshine__Seal-Tools/Seal-Tools_Dataset/dataset_for_finetune/*.json",
    "hiyouga__LLaMA-Factory/data/*.json*",
    "lm-sys__FastChat/**/*.json*",
    "lm-sys__arena-hard-auto/**/*.jsonl",
    "google-research-datasets__Taskmaster/TM-4-2024/data/*.json",
    "kushalchawla__CaSiNo/data/split/*.json",
    "SmartFlowAI__EmoLLM/datasets/*.json",
    "salesforce__DialogStudio/**/converted_examples.json",
    "iitmnlp__DailyDialog-plusplus/dataset/*.json",
    "google-deepmind__AQuA/*.json",
    "princeton-nlp__LLMBar/Dataset/**/*.json",
    "WeOpenML__PandaLM/data/*.json",
    "LAION-AI__Open-Assistant/**/*.jsonl",
    "LianjiaTech__BELLE/**/*.json",
    "OpenBMB__ToolBench/**/*.json",
    "ShishirPatil__gorilla/**/*.json",
    "google-research-datasets__natural-questions/nq_open/*.jsonl",
    "suzgunmirac__BIG-Bench-Hard/bbh/*.json",
    "anthropics__evals/persona/*.jsonl",
]
"""Files of every family that the corpora have."""


@pytest.fixture(scope="module")
def arrived(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str | None]]:
    """Of each file of raw/ how often its records' last answers say what; a record without an answer counts as `None`."""
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "plan.yaml").write_text(PLAN)
    result = corpuskit(
        "process", "raw", "-o", folder / "out", "--plan", folder / "plan.yaml", "--quiet", cwd=corpora, timeout=1800
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, Counter[str | None]] = {}
    for record in RunFolder(folder / "out").records():
        if record["_schema"]["family"] != "text":
            path = record["_origin"].removeprefix("raw/").partition("#")[0].rpartition(":")
            said = [turn["content"] for turn in record["messages"] if turn["role"] == "assistant"]
            texts = [text for text in said if isinstance(text, str)]
            name = (
                path[0] if path[1] and path[2].isdigit() else record["_origin"].removeprefix("raw/").partition("#")[0]
            )
            found.setdefault(name, Counter())[texts[-1] if texts else None] += 1
    return found


def shares(
    readers: dict[str, Callable[[Path], Iterator[tuple[str, str | None]]]],
    arrived: dict[str, Counter[str | None]],
    raw: Path,
    *,
    count_only: bool = False,
) -> dict[str, tuple[int, int]]:
    """How many records each reader yields, and how many of them arrived as conversations."""
    table = {}
    for name, reader in readers.items():
        left: dict[str, Counter[str | None]] = {
            path: Counter([None] * counts.total()) if count_only else counts.copy() for path, counts in arrived.items()
        }
        yielded = there = 0
        for path, said in reader(raw):
            yielded += 1
            if left.get(path, Counter())[said] > 0:
                left[path][said] -= 1
                there += 1
        table[name] = yielded, there
    return table


def show(table: dict[str, tuple[int, int]], figure: Callable[[str], None]) -> None:
    """One line a source, and the smallest share."""
    present = {name: counts for name, counts in table.items() if counts[0]}
    assert present, "no reader found its files"
    for name, (yielded, there) in present.items():
        print(f"{name:12} {yielded:7} records {there:7} arrived {math.floor(10_000 * there / yielded) / 100:6.2f} %")
    worst = min(present, key=lambda name: present[name][1] / present[name][0])
    yielded, there = present[worst]
    figure(f"{len(present)} readers, smallest share {100 * there / yielded:.2f} % ({worst}; at least 95)")
    assert all(there >= 0.95 * yielded for yielded, there in present.values()), present


@pytest.mark.slow
@pytest.mark.point("S2", "share of the first readers")
def test_the_first_readers_records_arrive(
    arrived: dict[str, Counter[str | None]], corpora: Path, figure: Callable[[str], None]
) -> None:
    show(shares(FIRST, arrived, corpora / "raw"), figure)


@pytest.mark.slow
@pytest.mark.point("S2", "share of the other readers")
def test_the_other_readers_records_arrive(
    arrived: dict[str, Counter[str | None]], corpora: Path, figure: Callable[[str], None]
) -> None:
    raw = corpora / "raw"
    show(shares(OTHERS, arrived, raw) | shares(BUILT, arrived, raw, count_only=True), figure)


@pytest.mark.slow
@pytest.mark.point("S2", "no false conversations")
def test_tables_and_lexicons_are_no_conversations(
    arrived: dict[str, Counter[str | None]], figure: Callable[[str], None]
) -> None:
    others = ("dariusk__corpora", "IBM__KPA", "ninodimontalcino__moralchoice", "microsoft__PythonProgrammingPuzzles")
    false = {path: counts.total() for path, counts in arrived.items() if path.startswith(others)}
    figure(f"{sum(false.values())} records of {len(others)} collections of tables and lexicons taken for conversations")
    assert not false


@pytest.mark.slow
@pytest.mark.point("S3", "real records")
def test_real_records_come_back(corpora: Path, figure: Callable[[str], None]) -> None:
    seen: Counter[str] = Counter()
    for pattern in REAL:
        for path in sorted((corpora / "raw").glob(pattern)):
            for record in read(path)[:200]:
                try:
                    seen[assert_comes_back(json.dumps(record, ensure_ascii=False))] += 1
                except InputError as error:
                    assert "parse.no_schema" in str(error), f"{path}: {error}"  # noqa: PT017
    figure(f"{seen.total()} records of {len(seen)} families, 0 differences")
    missing = set(FAMILIES) - set(seen)
    figure(f"no real record of {', '.join(sorted(missing))}")
    assert seen.total() > 10_000


def tries_of(family: str) -> int:
    """Tries 2,000 random records of a family; how many there were."""
    tries = 0

    @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(FAMILIES[family])
    def holds(value: object) -> None:
        nonlocal tries
        tries += 1
        assert_comes_back(spelled(value), family)

    holds()
    return tries


@pytest.mark.slow
@pytest.mark.point("S3", "random records")
def test_random_records_come_back(figure: Callable[[str], None]) -> None:
    # Ours is in every try; what a plan maps is tried in rust/core/src/stage/parse/mapped_tests.rs.
    assert set(FAMILIES) | {"corpuskit", "mapped"} == set(_core.families())
    tries = {family: tries_of(family) for family in FAMILIES}
    figure(f"{sum(tries.values())} tries over {len(FAMILIES)} families, no counter-example")
    assert min(count for family, count in tries.items() if family != "text") >= 2000, tries
