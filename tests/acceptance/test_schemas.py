"""The share of records that arrive as conversations, and S3's round trips."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from corpora_page import PAGE, page
from corpus_readers import FIRST, read
from corpus_shapes import SHAPES
from corpus_shares import Arrived, Share, arrived, real, shaped, shares
from corpuskit import _core
from corpuskit.errors import InputError
from family_samples import FAMILIES, assert_comes_back, spelled

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
def found(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Arrived]:
    """What became of each file of raw/, with the defaults."""
    return arrived(corpora / "raw", tmp_path_factory.mktemp("schemas"))


def show(table: dict[str, Share], figure: Callable[[str], None]) -> None:
    """One line a source, and the smallest share."""
    assert table, "no reader found its files"
    for name, share in table.items():
        print(f"{name:12} {share.yielded:7} records {share.there:7} arrived {share.percent:>6} %")
    worst = min(table, key=lambda name: table[name].there / table[name].yielded)
    figure(f"{len(table)} readers, smallest share {table[worst].percent} % ({worst}; at least 95)")
    assert all(share.enough for share in table.values()), table


@pytest.mark.slow
@pytest.mark.point("S2", "share of the first readers")
def test_the_first_readers_records_arrive(
    found: dict[str, Arrived], corpora: Path, figure: Callable[[str], None]
) -> None:
    show(shares(FIRST, found, corpora / "raw"), figure)


@pytest.mark.slow
@pytest.mark.point("4-S1", "share of every reader whose corpus is here")
def test_the_records_of_every_reader_arrive(
    found: dict[str, Arrived], corpora: Path, figure: Callable[[str], None]
) -> None:
    show(real(found, corpora / "raw"), figure)


@pytest.mark.point("4-S1", "share of the other readers, by their shapes")
def test_the_shapes_of_the_other_corpora_arrive(tmp_path: Path, figure: Callable[[str], None]) -> None:
    table = shaped(tmp_path)
    assert set(table) == set(SHAPES)
    show(table, figure)


@pytest.mark.slow
@pytest.mark.point("4-S1", "the page of shares")
def test_the_page_of_shares_is_current(
    found: dict[str, Arrived], corpora: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    text = page(real(found, corpora / "raw"), shaped(tmp_path))
    figure(f"docs/corpora.md lists {text.count(' % |')} corpora")
    assert text == PAGE.read_text("utf-8"), "`make corpora` writes it"


@pytest.mark.slow
@pytest.mark.point("S2", "no false conversations")
def test_tables_and_lexicons_are_no_conversations(found: dict[str, Arrived], figure: Callable[[str], None]) -> None:
    others = ("dariusk__corpora", "IBM__KPA", "ninodimontalcino__moralchoice", "microsoft__PythonProgrammingPuzzles")
    false = {path: file.answers.total() for path, file in found.items() if path.startswith(others)}
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
