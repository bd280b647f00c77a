"""The main job on the sample data, counted again by independent readers."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest

from support import ROOT, SAMPLE, RunFolder, corpuskit, read_bytes


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One run of all defaults, started at the top of the repository so that origins read as in the README."""
    out = tmp_path_factory.mktemp("sample") / "out"
    result = corpuskit("process", SAMPLE.relative_to(ROOT), "-o", out, "--quiet", cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return RunFolder(out)


def units(path: Path) -> int:
    """How many lines, rows, elements or whole files there are, by Python's own readers."""
    data = read_bytes(path)
    if path.suffix in {".md", ".xml"}:
        return 1
    text = data.decode("utf-8-sig", "replace")
    if path.suffix == ".csv":
        return sum(1 for _ in csv.DictReader(io.StringIO(text, newline="")))
    try:
        whole = json.loads(text)
    except ValueError:
        return sum(1 for line in data.split(b"\n") if line.strip())
    if isinstance(whole, dict):
        [records] = [value for value in whole.values() if isinstance(value, list)]
        return len(records)
    return 1 if "role" in whole[0] else len(whole)


def path_of(origin: str) -> str:
    """The file of an origin."""
    path = origin if (ROOT / origin).is_file() else origin.rpartition("#")[0] or origin
    return path if (ROOT / path).is_file() else origin.rpartition(":")[0]


def test_every_unit_of_every_file_is_accounted_for(run: RunFolder) -> None:
    found = Counter(path_of(row["origin"]) for row in run.columns())
    for kind in ("dropped", "duplicates", "rejected"):
        found.update(path_of(row["origin"]) for row in run.records(kind))
    expected = {str(path.relative_to(ROOT)): units(path) for path in sorted(SAMPLE.rglob("*")) if path.is_file()}
    assert dict(found) == expected


def test_there_are_eight_families_and_more(run: RunFolder) -> None:
    families = Counter(record["_schema"]["family"] for record in run.records())
    assert len(families) >= 8, families


def test_only_the_broken_and_the_unread_are_rejected(run: RunFolder) -> None:
    rejected = Counter(Path(path_of(row["origin"])).parent.name for row in run.records("rejected"))
    assert set(rejected) <= {"broken", "medquad"}
    assert rejected["medquad"] == 1


def test_edits_are_told_from_hard_negatives(run: RunFolder) -> None:
    verdict = dict.fromkeys((row["origin"] for row in run.columns()), "kept")
    verdict |= {row["origin"]: row["kind"] for row in run.records("duplicates")}
    edits = [json.loads(line) for line in read_bytes(SAMPLE / "edited/edits.jsonl.gz").decode().split("\n") if line]
    told = Counter(
        (edit["_edit"], verdict[f"tests/data/sample/edited/edits.jsonl.gz:{number}"])
        for number, edit in enumerate(edits, 1)
    )
    # The folder `edited` stands before `gpteacher` and `gsm8k`, so the edit is kept and its source is the duplicate.
    assert not [key for key in told if key[0] in {"numbers", "answer"} and key[1] != "kept"]


def test_a_kept_record_says_what_its_source_says(run: RunFolder) -> None:
    source = read_bytes(SAMPLE / "gsm8k/train.jsonl").decode().split("\n")
    changed = {row["origin"] for row in run.columns() if row["changes"]}
    seen = 0
    for record in run.records():
        path, _, line = record["_origin"].rpartition(":")
        if path.endswith("gsm8k/train.jsonl") and record["_origin"] not in changed:
            given = json.loads(source[int(line) - 1])
            assert [turn["content"] for turn in record["messages"]] == [given["question"], given["answer"]]
            seen += 1
    assert seen > 300
