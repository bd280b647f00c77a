"""S2: the whole of `raw/`, every record accounted for, and a damaged run folder found out."""

from __future__ import annotations

import importlib.util
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support import ROOT, RunFolder, corpuskit

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]
Key = tuple[str, str]
READERS = (
    "toolformer",
    "roleplay",
    "codealpaca",
    "alpaca_cot",
    "smile",
    "synthchat",
    "sealtools",
    "lf",
    "gsm8k",
    "creative",
)
SOURCES = ROOT.parent / "shared" / "data" / "sources.py"


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


def readers(corpora: Path) -> ModuleType:
    """The independent readers that came with the corpora."""
    if not SOURCES.is_file():
        pytest.skip("the readers that come with the corpora (sources.py) are not there")
    os.environ["CK_RAW"] = f"{corpora / 'raw'}/"
    specification = importlib.util.spec_from_file_location("sources", SOURCES)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def plain(text: str) -> str:
    """A text without what normalising may have changed: white space, composition, characters nobody sees."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(
        char for char in text if char.isprintable() and not char.isspace() and unicodedata.category(char) != "Cf"
    )


def call(name: Any, arguments: Any) -> list[Any]:
    """A tool call; arguments given as a string are parsed where they can be."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = plain(arguments)
    return [name, arguments]


def key(text: str | None, calls: list[Any]) -> Key:
    """What the last assistant turn says and calls; a text that is a call counts as one."""
    if text and not calls:
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        found = parsed if isinstance(parsed, list) else [parsed]
        if all(isinstance(item, dict) and {"name", "arguments"} <= set(item) for item in found):
            text, calls = None, [call(item["name"], item["arguments"]) for item in found]
    return plain(text or ""), plain(json.dumps(calls, sort_keys=True, ensure_ascii=False))


def ours(record: dict[str, Any]) -> Key | None:
    """The key of a record of ours."""
    turns = [turn for turn in record["messages"] if turn["role"] == "assistant"]
    if not turns:
        return None
    calls = [
        call(made["function"]["name"], made["function"]["arguments"]) for made in turns[-1].get("tool_calls") or []
    ]
    content = turns[-1].get("content")
    if isinstance(content, list):
        content = "\n".join(part.get("text", "") for part in content)
    return key(content, calls)


@pytest.mark.point("S2", "conversations")
def test_what_the_readers_yield_arrives(run: RunFolder, corpora: Path, figure: Figure) -> None:
    module = readers(corpora)
    arrived: Counter[Key] = Counter()
    for kind in ("data", "dropped", "duplicates"):
        for row in run.records(kind):
            found = ours(row if kind == "data" else row["record"])
            if found:
                arrived[found] += 1
    shares = {}
    for name in READERS:
        wanted: Counter[Key] = Counter()
        for record in module.SRC[name]():
            turns = [turn for turn in record[4] if turn[0] == "assistant"]
            if turns and record[3] != "text":
                calls = [call(made["name"], made["arguments"]) for made in turns[-1][2] or []]
                wanted[key(turns[-1][1], calls)] += 1
        total = wanted.total()
        shares[name] = (wanted & arrived).total() / total if total else None
    figure(", ".join(f"{name} {'absent' if share is None else f'{share:.2%}'}" for name, share in shares.items()))
    assert not {name: share for name, share in shares.items() if share is not None and share < 0.95}


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
    assert trailing["parse.trailing_comma"] + trailing["parse.syntax"] > 0, "and the comma is told"
    not_a_number = outcome["night-chen__ToolQA"]
    assert not_a_number["parse.non_finite"] == 2, "two lines with NaN, repaired and named"
    assert not_a_number.total() - not_a_number["parse.non_finite"] == 100
    assert outcome["uberspot__OpenTriviaQA"]["parse.encoding"] > 0, "bytes that are not UTF-8 are decoded and named"
    ragged = outcome["awslabs__multi-domain-goal-oriented-dialogues-dataset"]
    assert ragged.total() > 0
    figure(f"trailing comma {dict(trailing)}; NaN {dict(not_a_number)}; ragged TSV {dict(ragged)}")
