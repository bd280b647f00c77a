"""Columns in and out: nothing is lost on the way, nothing is copied, four other libraries agree, kills change no byte."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import corpuskit
import data
import measure
from corpuskit import Pipeline
from support import SAMPLE, RunFolder, restored

Figure = Callable[[str], None]
RECORDS = 100_000
OFF = {"dedup": {"exact": False, "near": False}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 100,000 kept records."""
    folder = tmp_path_factory.mktemp("arrow")
    data.write_corpus(folder / "in.jsonl", RECORDS)
    report = Pipeline(OFF).process(folder / "in.jsonl", folder / "out")
    assert report.records["kept"] == RECORDS
    return folder / "out"


@pytest.fixture(scope="module")
def lines(run: Path) -> list[tuple[Any, ...]]:
    """What the JSONL says of each record: origin, turns, source."""
    return [simple(record) for record in RunFolder(run).records()]


def simple(record: dict[str, Any]) -> tuple[Any, ...]:
    turns = tuple((turn["role"], turn["content"]) for turn in record["messages"])
    return record["_origin"], turns, record["_source"]


@pytest.mark.point("4-S2", "Parquet to JSONL to Parquet")
def test_every_value_comes_back(tmp_path: Path, figure: Figure) -> None:
    """Real records, and one of each kind of value, nested and null."""
    Pipeline().process(SAMPLE, tmp_path / "first")
    rows = [restored(record) for record in RunFolder(tmp_path / "first").records()]
    own = ("_origin", "_source", "_schema", "_parent")
    rows = [{key: value for key, value in row.items() if key not in own} for row in rows]
    # A chat that has a field of the name of one of ours carries it in `_schema`, which is left out here.
    rows = [row for row in rows if "rejected" not in row]
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    deep = {"none": None, "list": [None, [], [1, None]], "object": {"x": None, "y": [{"z": None}, None]}, "text": ""}
    typed = pa.Table.from_pylist([{"messages": turns, "deep": deep, "big": 2**63 - 1, "real": 0.1, "no": None}] * 3)
    pq.write_table(typed, tmp_path / "typed.parquet")
    plan = {"read": {"null_members": "keep"}, **OFF}
    values = 0
    for name in ("typed.parquet", "real.jsonl"):
        path = tmp_path / name
        if name == "real.jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        Pipeline({**plan, "write": {"format": "parquet"}}).process(path, tmp_path / f"{name}.a")
        Pipeline(plan).process(tmp_path / f"{name}.a" / "data", tmp_path / f"{name}.b")
        Pipeline({**plan, "write": {"format": "parquet"}}).process(
            tmp_path / f"{name}.b" / "data", tmp_path / f"{name}.c"
        )
        first, last = (pq.read_table(tmp_path / f"{name}.{end}" / "data").to_pylist() for end in "ac")
        drop = ("_origin", "_source", "_schema")
        strip = [[{k: v for k, v in row.items() if k not in drop} for row in side] for side in (first, last)]
        assert strip[0] == strip[1]
        values += sum(count(row) for row in strip[0])
        if name == "typed.parquet":
            assert [{key: row[key] for key in typed.column_names} for row in last] == typed.to_pylist()
        else:
            lines = [restored(record) for record in RunFolder(tmp_path / f"{name}.b").records()]
            assert [{k: v for k, v in line.items() if k not in own} for line in lines] == rows
    figure(f"{values:,} values of {len(rows) + 3:,} records, nested and null ones too, are the same")


def count(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list) else 1


@pytest.mark.point("4-S7", "hand-over")
def test_handing_over_is_cheap_and_copies_nothing(run: Path, figure: Figure) -> None:
    held = list(corpuskit.read_run(run).batches())
    rows = sum(map(len, held))
    assert rows == RECORDS
    best = min(timed(held) for _ in range(5))
    shared = 0
    for batch in held:
        theirs = set(addresses(pa.record_batch(batch)))
        ours = batch.addresses()
        assert len(ours) >= 5
        assert set(ours) <= theirs
        shared += len(ours)
    figure(f"{best / rows * 1e9:.1f} ns a record (at most 150); all {shared} buffers at the same addresses in pyarrow")
    assert best / rows <= 150e-9


def timed(held: list[Any]) -> float:
    """Seconds of the calling thread to hand all batches to pyarrow."""
    start = time.perf_counter()
    tables = [pa.record_batch(batch) for batch in held]
    seconds = time.perf_counter() - start
    assert len(tables) == len(held)
    return seconds


def addresses(batch: pa.RecordBatch) -> Iterator[int]:
    for column in batch.columns:
        for buffer in column.buffers():
            if buffer is not None:
                yield buffer.address


@pytest.mark.point("4-S7", "four libraries")
@pytest.mark.parametrize("library", ["pyarrow", "polars", "duckdb", "datasets"])
def test_other_libraries_agree_with_the_lines(
    run: Path, lines: list[tuple[Any, ...]], library: str, figure: Figure
) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    batches = corpuskit.read_run(run).batches()
    start = time.perf_counter()
    if library == "pyarrow":
        table = module.table(batches)
    elif library == "polars":
        table = module.DataFrame(batches).to_arrow()
    elif library == "duckdb":
        found = module.connect().sql("select * from batches")
        table = pa.table(found)
    else:
        table = batches.to_hf_dataset().data.table
    seconds = time.perf_counter() - start
    assert [simple(row) for row in table.select(["_origin", "messages", "_source"]).to_pylist()] == lines
    figure(f"{library} {module.__version__} reads {len(lines):,} records in {seconds:.2f} s, all as in the JSONL")


@pytest.mark.slow
@pytest.mark.point("4-S7", "kills with Parquet in and out")
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_kills_change_no_byte(tmp_path: Path, kind: str, figure: Figure) -> None:
    data.write_corpus(tmp_path / "in.jsonl", 150_000)
    with (tmp_path / "in.jsonl").open(encoding="utf-8") as file:
        table = pa.Table.from_pylist([{"messages": json.loads(line)["messages"]} for line in file])
    source = tmp_path / f"in.{kind}"
    if kind == "parquet":
        pq.write_table(table, source, row_group_size=20_000)
    else:
        with pa.ipc.new_file(source, table.schema) as writer:
            writer.write_table(table, max_chunksize=5_000)
    plan = tmp_path / "plan.yaml"
    plan.write_text("write: {format: parquet, shard_bytes: 20000000}\n", "utf-8")

    def command(out: Path) -> list[str | Path]:
        return measure.corpuskit("process", source, "-o", out, "--plan", plan, "--threads", "2", "--quiet")

    seconds = measure.measure(command(tmp_path / "whole")).wall
    whole = RunFolder(tmp_path / "whole").digests()
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    out = tmp_path / "out"
    kills = 0
    for part in (0.3, 0.3, 0.2, 0.2, 0.15, 0.15, 0.1, 0.1):
        child = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert child.wait(seconds * part * chance.uniform(0.7, 1.3)) == 0
            break
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
    if not (out / "manifest.json").exists():
        assert measure.measure(command(out)).wall > 0
    assert RunFolder(out).digests() == whole
    assert kills >= 2
    figure(f"{kind} in, Parquet out: {kills} kills, {len(whole)} files with equal bytes")
