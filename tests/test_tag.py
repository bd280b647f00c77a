"""Labels of a run from the outside: columns that another library reads, inline labels that go away again, `corpuskit tag`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import corpuskit as corpuskit_package
from support import ROOT, SAMPLE, RunFolder, corpuskit


def run(*arguments: object, cwd: Path = ROOT) -> str:
    done = corpuskit(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("tag") / "out"
    run("process", SAMPLE.relative_to(ROOT), "-o", out, "--quiet")
    return RunFolder(out)


def texts(record: dict[str, Any]) -> list[str]:
    """The text of every turn, parts joined by line feeds."""
    out = []
    for message in record["messages"]:
        content = message.get("content")
        if isinstance(content, list):
            content = "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))
        out.append(content or "")
    return out


def test_every_place_holds_words_of_the_turn(labelled: RunFolder) -> None:
    earned = 0
    for record, row in zip(labelled.records(), labelled.columns(), strict=True):
        turns = [text.encode() for text in texts(record)]
        for span in row["spans"]:
            words = turns[span["turn"]][span["start"] : span["end"]]
            assert words.strip(), (row["origin"], span)
            words.decode()
            earned += 1
    assert earned > 1_000


def test_the_report_counts_what_the_columns_hold(labelled: RunFolder) -> None:
    report = json.loads((labelled.path / "report.json").read_text("utf-8"))
    counted: dict[str, dict[str, int]] = {}
    for row in labelled.columns():
        for column in report["labels"]:
            tags = row[column] if isinstance(row[column], list) else [row[column]]
            for tag in tags:
                if tag is not None:
                    counts = counted.setdefault(column, {})
                    counts[tag] = counts.get(tag, 0) + 1
    assert counted == report["labels"]
    assert len(counted["category"]) == 10


def test_no_label_is_in_a_record_unless_asked_for(labelled: RunFolder, tmp_path: Path) -> None:
    assert not any({"_labels", "_category"} & set(record) for record in labelled.records() if "_edit" not in record)
    inline = tmp_path / "inline"
    run("process", SAMPLE.relative_to(ROOT), "-o", inline, "--set", "write.labels=inline", "--quiet")
    rows = list(labelled.columns())
    for record, row in zip(RunFolder(inline).records(), rows, strict=True):
        assert record.get("_category") == row["category"]
        assert record.get("_labels", {}).get("language") == row["language"]
        assert record.get("_labels", {}).get("cue", []) == row["cue"]
    own = [tmp_path / "inline.jsonl", tmp_path / "plain.jsonl"]
    for path, folder in zip(own, (inline, labelled.path), strict=True):
        run("convert", folder / "data", "--to", "own", "-o", path)
    assert own[0].read_bytes() == own[1].read_bytes()


def test_tag_labels_anew_and_back(labelled: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("process", SAMPLE.relative_to(ROOT), "-o", out, "--quiet")
    assert RunFolder(out).digests() == labelled.digests()
    data = {path.name: path.read_bytes() for path in (out / "data").iterdir()}
    said = run("tag", out, "--set", "tag.packs=[cue]", "--set", "tag.language=false")
    assert "records labelled" in said
    assert run("audit", out)
    table = pyarrow.parquet.read_table(out / "columns")
    assert "cue" in table.column_names
    assert not {"language", "refusal"} & set(table.column_names)
    assert {path.name: path.read_bytes() for path in (out / "data").iterdir()} == data
    origin = table.column("origin")[0].as_py()
    assert "kept" in run("why", out, origin)
    run("tag", out)
    assert RunFolder(out).digests() == labelled.digests()


def lengths(batch: pyarrow.RecordBatch) -> dict[str, list[Any]]:
    """Labels that no rule gives: a text, a list, nothing."""
    turns = [len(messages) for messages in batch["messages"].to_pylist()]
    return {
        "length": ["long" if count > 4 else None for count in turns],
        "sizes": [["many", "few"][count < 3 :] for count in turns],
    }


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_function_over_arrow_batches_gives_labels(tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    run("process", SAMPLE.relative_to(ROOT), "-o", out, "--quiet", "--set", f"write.format={form}")
    before = RunFolder(out).digests()
    done = corpuskit_package.tag(out, function=lengths)
    table = pyarrow.parquet.read_table(out / "columns").to_pylist()
    assert [row["length"] for row in table] == ["long" if row["turns"] > 4 else None for row in table]
    assert [set(row["sizes"]) for row in table] == [{"few"} if row["turns"] < 3 else {"many", "few"} for row in table]
    assert done["labels"]["length"] == {"long": sum(row["turns"] > 4 for row in table)}
    assert json.loads((out / "manifest.json").read_text("utf-8"))["labelled_by"]["columns"] == ["length", "sizes"]
    run("audit", out)
    run("tag", out)
    assert RunFolder(out).digests() == before


def test_a_function_is_named_on_the_command_line(labelled: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(labelled.path, out)
    (tmp_path / "mine.py").write_text("def kind(batch):\n    return {'kind': ['text'] * batch.num_rows}\nnothing = 1\n")
    said = run("tag", out, "--with", "mine.py:kind", "--set", "tag.packs=[]", cwd=tmp_path)
    assert f"kind: text {len(list(labelled.columns())):,}" in said
    for name, problem in {
        "mine.py:nothing": "no function `nothing`",
        "mine.py": "names no function",
        "missing.py:kind": "not a file",
        "no_such_module:kind": "cannot be imported",
    }.items():
        refused = corpuskit("tag", out, "--with", name, cwd=tmp_path)
        assert refused.returncode == 2
        assert problem in refused.stderr


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "returned NoneType"),
        ({"kind": ["a"]}, "values for"),
        ({"kind": "a"}, "expected one value a record"),
        ({"kind": 7}, "expected one value a record"),
        ({"kind": lambda rows: [7] * rows}, "expected a text, a list of texts or None"),
        ({"kind": lambda rows: ["a", ["b"]] * (rows // 2) + ["a"] * (rows % 2)}, "texts and lists"),
        ({"kind": lambda rows: [[""]] * rows}, "not empty"),
        ({"cue": lambda rows: ["a"] * rows}, "filled already"),
        ({"Kind of": lambda rows: ["a"] * rows}, "cannot be a column"),
        ({"traits": lambda rows: ["a"] * rows}, "a list of texts"),
    ],
)
def test_what_is_no_label_is_refused(labelled: RunFolder, answer: object, problem: str) -> None:
    def function(batch: pyarrow.RecordBatch) -> object:
        if not isinstance(answer, dict):
            return answer
        return {name: made(batch.num_rows) if callable(made) else made for name, made in answer.items()}

    before = labelled.digests()
    with pytest.raises(corpuskit_package.CorpuskitError, match=problem):
        corpuskit_package.tag(labelled.path, function=function)
    assert labelled.digests() == before


def test_drops_are_explained(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--set", "filter.refusal=true", "--set", "filter.length.min_chars=3", "--explain-drops", 2)
    said = run("process", SAMPLE.relative_to(ROOT), "-o", out, "--quiet", *arguments)
    report = json.loads((out / "report.json").read_text("utf-8"))
    for kind in ("dropped", "rejected"):
        for reason, count in report[kind].items():
            assert f"{reason}: {count:,}\n" in said
    reason = said.split("filter.length.short: ")[1].split("\nfilter.")[0]
    assert reason.count('"min_chars":3') == 2
    refused = corpuskit("process", SAMPLE, "--dry-run", "--explain-drops", 2)
    assert refused.returncode == 2
    assert "--dry-run" in refused.stderr
