"""S2: the whole of `raw/`, every record accounted for, and a damaged run folder found out (test_schemas.py has the shares)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from support import RunFolder, corpuskit

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def run(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One run of all defaults over everything."""
    out = tmp_path_factory.mktemp("raw") / "out"
    result = corpuskit("process", "raw", "-o", out, "--quiet", cwd=corpora, timeout=1800)
    assert result.returncode == 0, result.stderr
    assert "panicked" not in result.stderr
    return RunFolder(out)


@pytest.mark.point("S2", "conservation")
def test_both_sums_hold_when_counted_again(run: RunFolder, corpora: Path, figure: Figure) -> None:
    kept = len(run.columns())
    lists = {kind: len(run.records(kind)) for kind in ("dropped", "duplicates", "rejected")}
    assert len(list(run.lines())) == kept
    units, records = run.json("report")["units"], run.json("report")["records"]
    assert units["read"] == units["rejected"] + units["empty"] + units["in_records"]
    assert records["records"] == kept + lists["dropped"] + lists["duplicates"]
    assert units["rejected"] == lists["rejected"]
    origins = Counter(row["origin"] for row in run.columns())
    for kind in lists:
        origins.update(row["origin"] for row in run.records(kind))
    assert origins.most_common(1)[0][1] == 1, "an origin stands in two places"
    audit = corpuskit("audit", run.path, cwd=corpora, timeout=600)
    assert audit.returncode == 0, audit.stderr
    figure(f"{units['read']} units, {records['records']} records, {kept} kept, {lists}")


@pytest.mark.point("S2", "damage")
def test_a_flipped_byte_anywhere_fails_the_audit(run: RunFolder, figure: Figure) -> None:
    files = sorted(path for path in run.path.rglob("*") if path.is_file() and path.name != "timings.json")
    for path in files:
        data = bytearray(path.read_bytes())
        if not data:
            continue
        place = len(data) // 2
        data[place] ^= 1
        path.write_bytes(data)
        audit = corpuskit("audit", run.path, timeout=600)
        data[place] ^= 1
        path.write_bytes(data)
        assert audit.returncode == 1, f"{path.name}, byte {place}: exit code {audit.returncode}, {audit.stderr}"
    assert corpuskit("audit", run.path, timeout=600).returncode == 0
    figure(f"a byte flipped in each of {len(files)} files was found")


@pytest.mark.point("S2", "broken files")
def test_files_that_are_broken_by_nature(run: RunFolder, figure: Figure) -> None:
    outcome: dict[str, Counter[str]] = {}
    rows = [(row["origin"], "kept", row["changes"]) for row in run.columns()]
    rows += [(row["origin"], row["reason"], None) for kind in ("dropped", "rejected") for row in run.records(kind)]
    rows += [(row["origin"], "duplicate", None) for row in run.records("duplicates")]
    for origin, verdict, changes in rows:
        repository = origin.split("/")[1]
        counts = outcome.setdefault(repository, Counter())
        counts[verdict] += 1
        counts.update(kind for kind, _ in changes or [])
    trailing = outcome["hikariming__chat-dataset-baseline"]
    assert trailing["kept"] + trailing["duplicate"] > 1000, "the array with a comma too many is read"
    notes = [note for note in run.json("manifest")["notes"] if "hikariming" in note["path"]]
    assert [note["code"] for note in notes] == ["read.trailing_comma"], "and the comma is told, with its byte"
    byte = notes[0]["byte"]
    # NaN becomes null, so these two questions have no answer; the original lines are in `_schema` and the source.
    not_a_number = outcome["night-chen__ToolQA"]
    unanswered = {origin.rpartition(":")[2] for origin, verdict, _ in rows if "ToolQA" in origin and "short" in verdict}
    assert unanswered == {"71", "78"}, "the two lines with NaN are set aside, with their place"
    answered = [
        origin for origin, verdict, _ in rows if "ToolQA" in origin and ".jsonl:" in origin and "short" not in verdict
    ]
    assert len(answered) == 98, "the others are there"
    assert outcome["uberspot__OpenTriviaQA"]["parse.encoding"] > 0, "bytes that are not UTF-8 are decoded and named"
    ragged = outcome["awslabs__multi-domain-goal-oriented-dialogues-dataset"]
    assert ragged.total() > 0
    figure(f"trailing comma at byte {byte}, {dict(trailing)}; NaN {dict(not_a_number)}; ragged TSV {dict(ragged)}")
