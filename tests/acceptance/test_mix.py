"""S6 of mix: 100,000 real records, counted again by plain Python and by polars; five million rows in seconds."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import corpuskit
import data
from corpuskit import Pipeline
from labelled import AS_DECLARED
from mix_recount import recount

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]
CATEGORIES = ["technical", "instructional", "analytical", "conversational", "empathetic", "creative", "factual", None]


def label(path: Path, labelled: Path) -> None:
    """Gives each record a category (or none), and each tenth a parent among the records before it."""
    with path.open("rb") as lines, labelled.open("w", encoding="utf-8") as out:
        for number, line in enumerate(lines):
            chance = int.from_bytes(hashlib.blake2b(line, digest_size=8).digest(), "big")
            record = json.loads(line)
            category = CATEGORIES[chance % len(CATEGORIES)]
            if category is not None:
                record["_category"] = category
            if number and chance // 8 % 10 == 0:
                record["_parent"] = f"{labelled}:{chance // 80 % number + 1}"
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 100,000 real records, nothing dropped."""
    folder = tmp_path_factory.mktemp("mix")
    data.write_corpus(folder / "in.jsonl", 100_000)
    label(folder / "in.jsonl", folder / "labelled.jsonl")
    report = Pipeline(AS_DECLARED).process(folder / "labelled.jsonl", folder / "out")
    assert report.records["kept"] == 100_000
    return folder / "out"


def polars_totals(polars: Any, run: Path, selection: Path, unit: str) -> dict[str, dict[str | None, tuple[int, int]]]:
    """Records and amount by phase and category."""
    shards = sorted((run / "columns").glob("part-*.parquet"))
    frames = [
        polars.read_parquet(path, columns=["category", "characters"])
        .with_row_index("row")
        .with_columns(polars.lit(number, polars.Int32).alias("shard"), polars.col("row").cast(polars.Int32))
        for number, path in enumerate(shards)
    ]
    amount = polars.lit(1) if unit == "examples" else (polars.col("characters") + 3) // 4
    joined = polars.read_parquet(selection / "selection.parquet").join(
        polars.concat(frames).with_columns(amount.alias("amount")), on=["shard", "row"], how="left"
    )
    assert joined["amount"].null_count() == 0
    found: dict[str, dict[str | None, tuple[int, int]]] = {}
    counted = joined.group_by("phase", "category").agg(polars.len().alias("records"), polars.col("amount").sum())
    for phase, category, records, total in counted.iter_rows():
        found.setdefault(phase or "validation", {})[category] = (records, int(total))
    return found


@pytest.mark.point("S6", "mix: phases, replay and split, counted again")
@pytest.mark.parametrize("unit", ["examples", "trained_tokens"])
def test_a_recount_agrees(run: Path, tmp_path: Path, figure: Figure, unit: str) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    plan = {"mix": {"unit": unit, "split": {"validation": 0.02}}}
    account = corpuskit.mix(run, tmp_path / "selection", plan=plan)
    counted = recount(run, tmp_path / "selection")
    by_polars = polars_totals(polars, run, tmp_path / "selection", unit)
    for phase in account["phases"]:
        assert by_polars[phase["name"]] == {name or None: tuple(total) for name, total in phase["categories"].items()}
    held = by_polars["validation"].values()
    assert (sum(n for n, _ in held), sum(n for _, n in held)) == counted["validation"]
    asked = {name: f"{got:,} of {wanted:,}" for name, (wanted, got) in counted["replay"].items() if wanted}
    split = account["validation"]
    figure(
        f"{unit}: validation {split['achieved']:,} of {split['asked']:,}, replay {asked}, "
        f"{account['families']:,} families of several records, 0 parted"
    )
    if unit == "examples":
        assert split["achieved"] == split["asked"]
        assert all(wanted == got for wanted, got in counted["replay"].values())
    else:
        assert split["achieved"] >= 0.999 * split["asked"]
        assert all(got >= 0.999 * wanted for wanted, got in counted["replay"].values())


@pytest.mark.point("S6", "mix: five million rows")
def test_five_million_rows_take_seconds(tmp_path: Path, figure: Figure) -> None:
    record = (
        '{{"messages":[{{"role":"user","content":"{0}"}},{{"role":"assistant","content":"{0}"}}],"_category":"{1}"}}\n'
    )
    names = [name for name in CATEGORIES if name]
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as file:
        for number in range(5_000_000):
            file.write(record.format(number, names[number * 2_654_435_761 % 4_294_967_296 % len(names)]))
    Pipeline(AS_DECLARED).process(tmp_path / "in.jsonl", tmp_path / "out")
    start = time.perf_counter()
    account = corpuskit.mix(tmp_path / "out", tmp_path / "selection", threads=2)
    seconds = time.perf_counter() - start
    assert account["records"] == 5_000_000
    figure(f"5,000,000 rows in {seconds:.1f} s, {account['rows']:,} rows selected (at most 20)")
    assert seconds <= 20
