"""What came out goes in again: nothing is left to change, to drop or to double, for any number of threads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import ROOT, SAMPLE, RunFolder, corpuskit


def process(*arguments: object, out: Path) -> RunFolder:
    result = corpuskit("process", *arguments, "-o", out, "--quiet", cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return RunFolder(out)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return process(SAMPLE.relative_to(ROOT), "--threads", 1, out=tmp_path_factory.mktemp("again") / "first")


def test_a_second_pass_finds_nothing_to_do(first: RunFolder, tmp_path: Path) -> None:
    second = process(first.path / "data", out=tmp_path / "second")
    assert [record["_origin"] for record in second.records("dropped")] == []
    assert [(row["origin"], row["of"]) for row in second.records("duplicates")] == []
    assert [row["origin"] for row in second.records("rejected")] == []
    assert [(row["origin"], row["changes"]) for row in second.columns() if row["changes"]] == []
    assert [record["messages"] for record in second.records()] == [record["messages"] for record in first.records()]


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_changes_no_byte(first: RunFolder, tmp_path: Path, threads: int) -> None:
    other = process(SAMPLE.relative_to(ROOT), "--threads", threads, out=tmp_path / "other")
    assert other.digests() == first.digests()


def test_a_finished_folder_is_not_overwritten_unasked(first: RunFolder) -> None:
    before = first.digests()
    result = corpuskit("process", SAMPLE.relative_to(ROOT), "-o", first.path, "--quiet", cwd=ROOT)
    assert result.returncode == 2
    assert "--force" in result.stderr
    assert first.digests() == before


def test_audit_finds_a_flipped_byte_in_every_file(first: RunFolder) -> None:
    assert corpuskit("audit", first.path, cwd=ROOT).returncode == 0
    for name in first.digests():
        path = first.path / name
        sound = path.read_bytes()
        if sound:
            path.write_bytes(sound[:-2] + bytes([sound[-2] ^ 1]) + sound[-1:])
            assert corpuskit("audit", first.path, cwd=ROOT).returncode == 1, name
            path.write_bytes(sound)
    assert corpuskit("audit", first.path, cwd=ROOT).returncode == 0


def test_every_line_of_the_lists_names_where_it_came_from(first: RunFolder) -> None:
    for kind in ("dropped", "duplicates", "rejected"):
        for line in first.lines(kind):
            row = json.loads(line)
            path = row["origin"].rpartition(":")[0] or row["origin"]
            assert (
                (ROOT / path.rpartition("#")[0]).exists() or (ROOT / path).exists() or (ROOT / row["origin"]).exists()
            )
