"""Parquet and Arrow files in, Parquet out; pyarrow is the other reader and writer."""

from __future__ import annotations

import datetime
import decimal
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit import Pipeline
from support import RunFolder

OFF = {"dedup": {"exact": False, "near": False}}

ROWS: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "user", "content": f"How much is {n} + {n}?", "name": None},
            {"role": "assistant", "content": f'It is {2 * n}. \u4f60\u597d "q"\n', "name": "calc" if n % 2 else None},
        ],
        "score": n / 7,
        "count": n,
        "flag": None if n % 3 == 0 else n % 2 == 0,
        "tags": [] if n % 4 == 0 else [f"t{n}", None],
        "meta": {"lang": "en", "deep": {"n": n, "none": None}} if n % 5 else None,
        "nothing": None,
    }
    for n in range(300)
]


def write(path: Path, rows: list[dict[str, Any]], kind: str, **options: Any) -> Path:
    """Writes rows as a file of columns."""
    table = pa.Table.from_pylist(rows)
    if kind == "parquet":
        pq.write_table(table, path, **options)
    else:
        make = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with make(path, table.schema, **options) as writer:
            writer.write_table(table, max_chunksize=37)
    return path


def kept(path: Path) -> list[dict[str, Any]]:
    """The records of a run, without what we add."""
    own = ("_origin", "_source", "_schema")
    return [{key: value for key, value in record.items() if key not in own} for record in RunFolder(path).records()]


@pytest.mark.parametrize("kind", ["parquet", "many pages", "file", "stream"])
def test_every_value_arrives(tmp_path: Path, kind: str) -> None:
    """With `keep`, what Python reads from the columns is what it reads from the lines."""
    options: dict[str, Any] = {"row_group_size": 50} if kind == "parquet" else {}
    if kind == "many pages":
        kind, options = "parquet", {"data_page_size": 256, "write_batch_size": 16}
    path = write(tmp_path / "in.bin", ROWS, kind, **options)
    plan = {"read": {"null_members": "keep"}, **OFF}
    report = Pipeline(plan).process(path, tmp_path / "out")
    assert report.records["kept"] == len(ROWS)
    assert kept(tmp_path / "out") == ROWS
    origins = [record["_origin"] for record in RunFolder(tmp_path / "out").records()]
    assert origins == [f"{path}#{index}" for index in range(len(ROWS))]


def test_null_members_are_left_out(tmp_path: Path) -> None:
    """Members that only other objects of the column have do not become noise; columns keep their nulls."""
    path = write(tmp_path / "in.parquet", ROWS, "parquet")
    Pipeline(OFF).process(path, tmp_path / "out")
    first = kept(tmp_path / "out")[0]
    assert [sorted(message) for message in first["messages"]] == [["content", "role"], ["content", "role"]]
    assert "nothing" in first
    assert first["nothing"] is None


def test_there_and_back(tmp_path: Path) -> None:
    """Parquet to lines to Parquet keeps every value, nested and null ones too."""
    path = write(tmp_path / "in.parquet", ROWS, "parquet")
    keep = {"read": {"null_members": "keep"}}
    Pipeline({**keep, **OFF}).process(path, tmp_path / "lines")
    plan = {"write": {"format": "parquet", "shard_bytes": 20_000}, **OFF}
    Pipeline(plan).process(tmp_path / "lines" / "data", tmp_path / "columns")
    shards = sorted((tmp_path / "columns" / "data").glob("part-*.parquet"))
    assert len(shards) > 1
    tables = [pq.read_table(shard) for shard in shards]
    assert len({str(table.schema) for table in tables}) == 1
    rows = pa.concat_tables(tables).to_pylist()
    assert [{key: row[key] for key in ROWS[0]} for row in rows] == ROWS


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_bytes(tmp_path: Path, threads: int) -> None:
    """Parquet shards do not depend on the number of threads."""
    path = write(tmp_path / "in.parquet", ROWS, "parquet", row_group_size=64)
    plan = {"write": {"format": "parquet", "shard_bytes": 20_000}, **OFF}
    Pipeline(plan).process(path, tmp_path / "a", threads=2)
    Pipeline(plan).process(path, tmp_path / "b", threads=threads)
    assert RunFolder(tmp_path / "a").digests() == RunFolder(tmp_path / "b").digests()


def test_types_without_a_json_of_their_own(tmp_path: Path) -> None:
    """Decimals, dates, bytes and numbers that JSON lacks are spelled as the guide says."""
    row = {
        "prompt": "p",
        "completion": "c",
        "price": decimal.Decimal("12.50"),
        "day": datetime.date(2024, 5, 1),
        "at": datetime.datetime(2024, 5, 1, 12, 34, 56, 789000, tzinfo=datetime.UTC),
        "wall": datetime.datetime(2024, 5, 1, 12, 34, 56, 789000),
        "raw": b"\xff\x00",
        "text": b"plain",
        "nan": float("nan"),
    }
    path = write(tmp_path / "in.parquet", [row], "parquet")
    Pipeline(OFF).process(path, tmp_path / "out")
    found = kept(tmp_path / "out")[0]
    assert found["price"] == "12.50"
    assert found["day"] == "2024-05-01"
    assert found["at"] == "2024-05-01T12:34:56.789000Z"
    assert found["wall"] == "2024-05-01T12:34:56.789000"
    assert found["raw"] == {"base64": "/wA="}
    assert found["text"] == "plain"
    assert found["nan"] == "NaN"


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
@pytest.mark.parametrize("codec", ["none", "zstd", "lz4"])
def test_damaged_files_have_a_reason(tmp_path: Path, kind: str, codec: str) -> None:
    """Cut off or with bytes turned over, a file is rejected in part or whole, and the sums hold."""
    options: dict[str, Any] = {"compression": codec} if kind == "parquet" else {}
    if kind != "parquet":
        options = {"options": pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec)}
    whole = write(tmp_path / "in.bin", ROWS, kind, **options).read_bytes()
    damaged = [whole[: len(whole) * part // 7] for part in range(1, 7)]
    for place in range(9, len(whole), max(1, len(whole) // 40)):
        damaged.append(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        damaged.append(whole[:place] + b"\xff\xff\xff\x7f" + whole[place + 4 :])
    folder = tmp_path / "damaged"
    folder.mkdir()
    for index, data in enumerate(damaged):
        (folder / f"{index:03}.bin").write_bytes(data)
    report = Pipeline(OFF).process(folder, tmp_path / "out")
    assert report.holds
    reasons = {json.loads(line)["reason"] for line in RunFolder(tmp_path / "out").lines("rejected")}
    assert "read.broken" in reasons
