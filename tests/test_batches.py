"""Records as Arrow columns, and records of Python and of other libraries as inputs; pyarrow is the other side."""

from __future__ import annotations

import datetime
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import corpuskit
from corpuskit import InputError, OutputError, Pipeline, Source
from support import SAMPLE, RunFolder, restored

OFF = {"dedup": {"exact": False, "near": False}}


def turns(question: str, answer: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def records(number: int) -> list[dict[str, Any]]:
    return [{"messages": turns(f"question {n}", f"answer {n}"), "n": n} for n in range(number)]


def table(batches: object) -> list[dict[str, Any]]:
    """What pyarrow reads, as the lines of `data/` have it."""
    return [restored(row) for row in pa.table(batches).to_pylist()]


def without_nulls(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [restored(row) for row in rows]


def test_columns_hold_what_the_iterator_gives() -> None:
    expected = without_nulls(list(Pipeline().iterate(SAMPLE)))
    assert table(Pipeline().batches(SAMPLE)) == expected
    assert table(Pipeline().batches(SAMPLE, threads=1)) == expected


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_finished_run_is_read_as_columns(tmp_path: Path, kind: str) -> None:
    Pipeline({"write": {"format": kind, "shard_bytes": 20_000}}).process(SAMPLE, tmp_path / "out")
    run = corpuskit.read_run(tmp_path / "out")
    expected = list(Pipeline().iterate(SAMPLE))
    assert len(run) == len(expected)
    assert without_nulls(list(run.records())) == without_nulls(expected)
    rows = table(run.batches([]))
    assert rows == without_nulls(expected)
    beside = pa.table(run.batches(["source", "licence", "turns", "changes"]))
    columns = RunFolder(tmp_path / "out").columns()
    assert beside["_source"].to_pylist() == [row["source"] for row in columns]
    assert beside["_licence"].to_pylist() == [row["licence"] for row in columns]
    assert beside["_turns"].to_pylist() == [row["turns"] for row in columns]
    assert beside["_changes"].to_pylist() == [row["changes"] for row in columns]
    assert pa.table(run.columns()).to_pylist() == columns
    assert pa.table(run.columns(["turns"])).column_names == ["turns"]


def test_licence_and_source_stand_beside_any_form(tmp_path: Path) -> None:
    given = [{**record, "license": "mit" if record["n"] % 2 else None, "_source": "x"} for record in records(4)]
    Pipeline({"write": {"form": "openai"}, **OFF}).process(Source(given, name="mine"), tmp_path / "out")
    found = pa.table(corpuskit.read_run(tmp_path / "out").batches())
    assert found["_source"].to_pylist() == ["x"] * 4
    assert found["_licence"].to_pylist() == [None, "mit", None, "mit"]


def test_what_comes_late_is_not_lost() -> None:
    """The first 10,000 records say which columns there are."""
    late: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "p"}]}, *turns("a", "b")[1:]], "n": "text"},
        {"messages": [*turns("a", "b"), {"role": "assistant", "content": "c", "weight": 0}], "n": 1.5, "new": [1, "x"]},
        {"messages": turns("a", "late"), "n": None, "tags": [None, {"a": {"b": 1}}]},
    ]
    given = [{**record, "tags": ["t"]} for record in records(10_100)] + late + records(3)
    expected = without_nulls(list(Pipeline(OFF).iterate(given)))
    assert table(Pipeline(OFF).batches(given)) == expected


def test_nothing_is_copied() -> None:
    for batch in Pipeline(OFF).batches(records(3000)):
        column = pa.record_batch(batch)
        theirs = {buffer.address for array in column.columns for buffer in array.buffers() if buffer is not None}
        assert len(batch) == column.num_rows
        assert len(batch.addresses()) > 5
        assert set(batch.addresses()) <= theirs


def test_readers_begin_anew_but_not_of_a_generator() -> None:
    batches = Pipeline(OFF).batches(records(10))
    assert pa.table(batches) == pa.table(batches)
    once = Pipeline(OFF).batches(iter(records(10)))
    assert pa.table(once).num_rows == 10
    with pytest.raises(InputError, match="read already"):
        pa.table(once)


def test_records_of_python(tmp_path: Path) -> None:
    given = records(500)
    report = Pipeline(OFF).process(iter(given), tmp_path / "out")
    assert report.records["kept"] == 500
    found = RunFolder(tmp_path / "out").records()
    assert [record["_origin"] for record in found] == [f"records#{n}" for n in range(500)]
    assert [(record["messages"], record["n"]) for record in found] == [(r["messages"], r["n"]) for r in given]
    assert corpuskit.audit(tmp_path / "out")["holds"]
    assert corpuskit.why(tmp_path / "out", "records#7")["fate"]["verdict"] == "kept"


def test_paths_and_sources_together(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(records(1)[0]) + "\n", "utf-8")
    inputs = [
        Source(records(2), name="a", licence="mit"),
        path,
        Source(pa.Table.from_pylist(records(2)), licence="cc0"),
    ]
    found = list(Pipeline(OFF).iterate(inputs))
    assert [record["_origin"] for record in found] == ["a#0", "a#1", f"{path}:1", "records#0", "records#1"]
    assert [record["_source"] for record in found] == ["a", "a", "in.jsonl", "records", "records"]
    assert [record.get("licence") for record in found] == ["mit", "mit", None, "cc0", "cc0"]
    assert list(Pipeline(OFF).iterate(path for path in [path])) == list(Pipeline(OFF).iterate(path))
    with pytest.raises(InputError, match="two inputs"):
        Pipeline().iterate([Source([], name="a"), Source([], name="a")])


@pytest.mark.parametrize("number", [0, 1, 2, 70_000])
def test_any_number_of_records(number: int) -> None:
    given = Source(records(number))
    found = [record["n"] for record in Pipeline(OFF).iterate(given)]
    assert found == list(range(number))
    assert pa.table(Pipeline(OFF).batches(given)).num_rows == number


def test_an_array_of_turns_is_one_record_only_in_a_file() -> None:
    odd: list[Any] = [*turns("a", "b"), ["a list"], "a text", 7]
    report = Pipeline().process(Source(odd), None, dry_run=True)
    assert (report.units["read"], report.holds) == (5, True)


@pytest.mark.parametrize("shape", ["table", "reader", "batch", "ours"])
def test_columns_of_another_library(shape: str) -> None:
    given = records(9000)
    whole = pa.Table.from_pylist(given)
    columns = {
        "table": whole,
        "reader": whole.to_reader(max_chunksize=1000),
        "batch": whole.combine_chunks().to_batches()[0],
        "ours": Pipeline(OFF).batches(given),
    }[shape]
    found = list(Pipeline(OFF).iterate(columns))
    assert [(record["messages"], record["n"]) for record in found] == [(r["messages"], r["n"]) for r in given]
    assert found[-1]["_origin"] in ("records#8999",)


def test_what_json_lacks() -> None:
    record = {
        "prompt": "p",
        "completion": "c",
        "at": datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 5, 1),
        "raw": b"\xff\x00",
        "nan": float("nan"),
        "pair": (1, 2),
        "lone": "\ud800",
    }
    found = next(iter(Pipeline(OFF).iterate([record])))
    assert found["at"] == "2024-05-01T12:00:00Z"
    assert found["day"] == "2024-05-01"
    assert found["raw"] == {"base64": "/wA="}
    assert found["nan"] == "NaN"
    assert found["pair"] == [1, 2]
    with pytest.raises(InputError, match="records#1: cannot become JSON"):
        list(Pipeline().iterate([record, {"prompt": object()}]))


class BrokenError(Exception):
    pass


def broken(number: int) -> Iterator[dict[str, Any]]:
    yield from records(number)
    raise BrokenError("the source is gone")


@pytest.mark.parametrize("number", [0, 5, 30_000])
def test_what_a_source_raises_comes_through(tmp_path: Path, number: int) -> None:
    with pytest.raises(BrokenError):
        Pipeline().process(broken(number), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()
    with pytest.raises(BrokenError):
        list(Pipeline().iterate(broken(number)))
    with pytest.raises(Exception, match="the source is gone"):
        pa.table(Pipeline().batches(broken(number)))
    with pytest.raises(Exception, match="the source is gone"):
        list(Pipeline().batches(broken(number)))


def test_an_interrupted_run_over_records_is_not_continued(tmp_path: Path) -> None:
    with pytest.raises(BrokenError):
        Pipeline().process(broken(60_000), tmp_path / "out")
    if (tmp_path / "out" / ".run" / "checkpoint.json").exists():
        with pytest.raises(InputError, match="cannot be continued"):
            Pipeline().process(records(60_000), tmp_path / "out")
    assert Pipeline(OFF).process(records(10), tmp_path / "out", force=True).records["kept"] == 10


def forever() -> Iterator[dict[str, Any]]:
    for n in itertools.count():
        yield {"messages": turns(f"question {n}", f"answer {n}"), "n": n}


def test_endless_sources_end_with_their_reader(tmp_path: Path) -> None:
    assert Pipeline().process(forever(), tmp_path / "out", limit=1000).records["kept"] == 1000
    with Pipeline().iterate(forever()) as stream:
        assert next(stream)["n"] == 0
    for batch in Pipeline().batches(forever()):
        assert len(batch) > 0
        break
    reader = pa.RecordBatchReader.from_stream(Pipeline().batches(forever()))
    assert reader.read_next_batch().num_rows > 0
    reader.close()
    del reader
    deadline = time.monotonic() + 20
    while left := [thread for thread in threading.enumerate() if thread.name.startswith("corpuskit-feed")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_unfinished_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no manifest\.json"):
        corpuskit.read_run(tmp_path)
    Pipeline(OFF).process(records(3), tmp_path / "out")
    with pytest.raises(InputError, match="there is no column `nope`, expected one of"):
        list(corpuskit.read_run(tmp_path / "out").batches(["nope"]))
    Pipeline(OFF).process(Source([]), tmp_path / "empty")
    assert pa.table(corpuskit.read_run(tmp_path / "empty").batches()).num_rows == 0


def test_polars_reads_and_is_read() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.DataFrame(Pipeline(OFF).batches(records(5000)))
    assert frame["n"].to_list() == list(range(5000))
    assert [record["n"] for record in Pipeline(OFF).iterate(frame)] == list(range(5000))


def test_duckdb_reads_and_is_read() -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    batches = Pipeline(OFF).batches(list(records(5000)))
    connection = duckdb.connect()
    connection.register("batches", batches)
    assert connection.sql("select count(*), sum(n) from batches").fetchall()[0] == (5000, sum(range(5000)))
    # Our own code asks duckdb, which lets go of the interpreter lock and asks our own code: that crashed.
    for _ in range(3):
        found = connection.sql("select messages, n from batches where n < 10 order by n")
        assert [record["n"] for record in Pipeline(OFF).iterate(found)] == list(range(10))


def test_hugging_face_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    batches = Pipeline(OFF).batches(records(3000))
    held = batches.to_hf_dataset()
    mapped = batches.to_hf_dataset(tmp_path / "mapped.arrow")
    streamed = batches.to_hf_dataset(streaming=True)
    assert held[7]["messages"] == mapped[7]["messages"]
    said = [{key: value for key, value in turn.items() if key != "_rest"} for turn in held[7]["messages"]]
    assert said == turns("question 7", "answer 7")
    assert [row["n"] for row in streamed] == mapped["n"][:] == list(range(3000))
    mixed = records(2)
    mixed[1]["messages"][1]["name"] = "calc"
    given = datasets.Dataset.from_list(mixed)
    for source in (given, given.to_iterable_dataset()):
        found = list(Pipeline(OFF).iterate(Source(source, name="hub")))
        assert [record["messages"] for record in found] == [record["messages"] for record in mixed]
        assert [record["_origin"] for record in found] == ["hub#0", "hub#1"]
    with pytest.raises(InputError, match="dictionary of data sets"):
        list(Pipeline().iterate(datasets.DatasetDict(train=given)))
