"""Labels of a run from the outside: columns that another library reads, inline labels that go away again, `corpuskit tag`."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
import pytest

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


def texts(record: dict) -> list[str]:
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
