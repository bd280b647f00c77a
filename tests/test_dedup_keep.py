"""`dedup.keep`: which of several duplicates stays, against the oracle, for every order, by the command line."""

from __future__ import annotations

import fnmatch
import json
import random
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support import ROOT, RunFolder, corpuskit

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import dedup_oracle as oracle

Record = dict[str, Any]
TEXT = "the quick brown fox jumps over a lazy dog while seven small birds sing in old trees near water"
WORDS = TEXT.split()


def corpus(seed: int, count: int = 400) -> list[Record]:
    """Records in many versions, with everything that an order may ask for, or without it."""
    chance = random.Random(seed)  # noqa: S311 - a corpus, not secrets
    bases = [[chance.choice(WORDS) for _ in range(chance.randint(4, 60))] for _ in range(count // 6)]
    records = []
    for _ in range(count):
        words = list(chance.choice(bases))
        for _ in range(chance.choice([0, 0, 1, 1, 2, 5])):
            words[chance.randrange(len(words))] = chance.choice(WORDS)
        words += [chance.choice(WORDS) for _ in range(chance.choice([0, 0, 0, 1, 2]))]
        record: Record = {
            "messages": [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": " ".join(words)}]
        }
        if chance.random() < 0.8:
            record["score"] = {"quality": chance.choice([0, 1, 2.5, -1, -0.0, "3.5", 1e3, None, "good"])}
        if chance.random() < 0.8:
            record["made"] = chance.choice(["2023-05-01", "2024-02-29T10:00:00", "2024-02-29T10:00:00+02:00", "soon"])
        if chance.random() < 0.8:
            record["_source"] = chance.choice(["forum-a", "forum-b", "reviewed", "web"])
        records.append(record)
    return records


def by_number(record: Record) -> tuple[bool, float]:
    try:
        value = float(record["score"]["quality"])
    except (KeyError, TypeError, ValueError):
        return (True, 0.0)
    return (False, -value)


def by_date(record: Record) -> tuple[bool, float]:
    try:
        made = datetime.fromisoformat(record["made"])
    except (KeyError, ValueError):
        return (True, 0.0)
    return (False, -made.timestamp() if made.tzinfo else -datetime.fromisoformat(record["made"] + "+00:00").timestamp())


SOURCES = ["reviewed", "forum-*"]


def by_source(record: Record) -> int:
    source = record.get("_source", "in.jsonl")
    return next((place for place, glob in enumerate(SOURCES) if fnmatch.fnmatchcase(source, glob)), len(SOURCES))


ORDERS: dict[str, tuple[dict[str, Any], Callable[[Record], Any]]] = {
    "longest": ({}, lambda record: -oracle.assistant_characters(record)),
    "best": ({"best_by": "score.quality"}, by_number),
    "newest": ({"newest_by": "made"}, by_date),
    "source-priority": ({"sources": SOURCES}, by_source),
}


def run(folder: Path, name: str, dedup: Record, threads: int) -> RunFolder:
    plan = folder / "plan.yaml"
    plan.write_text(json.dumps({"dedup": dedup, "write": {"compression": "none", "shard_bytes": 20_000}}), "utf-8")
    out = folder / name
    done = corpuskit("process", folder / "in.jsonl", "-o", out, "--plan", plan, "--threads", str(threads), "--quiet")
    assert done.returncode == 0, done.stderr
    audited = corpuskit("audit", out)
    assert audited.returncode == 0, audited.stderr
    return RunFolder(out)


@pytest.mark.parametrize("keep", ORDERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_one_that_the_order_prefers_is_kept(keep: str, seed: int, tmp_path: Path) -> None:
    settings, rank = ORDERS[keep]
    records = corpus(seed)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    folder = run(tmp_path, "out", {"keep": keep, **settings}, 1)
    expected = oracle.judge_in_order(records, rank)
    found = {
        int(line["origin"].rsplit(":", 1)[1]) - 1: (
            int(line["of"].rsplit(":", 1)[1]) - 1,
            line["kind"],
            line["prompt"],
            line["response"],
        )
        for line in folder.records("duplicates")
    }
    wanted = {
        index: (
            judged.of,
            "exact" if judged.exact else "near",
            judged.prompt and list(judged.prompt),
            judged.response and list(judged.response),
        )
        for index, judged in enumerate(expected)
        if judged.of is not None
    }
    assert found == wanted
    assert any(of > index for index, (of, *_) in found.items()), "somebody gives way to a later record"
    kept = [int(json.loads(line)["_origin"].rsplit(":", 1)[1]) - 1 for line in folder.lines()]
    assert kept == [index for index, judged in enumerate(expected) if judged.of is None], "in input order"
    again = run(tmp_path, "again", {"keep": keep, **settings}, 3)
    assert again.digests() == folder.digests()


@pytest.mark.parametrize(
    ("dedup", "message"),
    [
        ({"keep": "best"}, "dedup.best_by"),
        ({"keep": "newest"}, "dedup.newest_by"),
        ({"keep": "newest", "newest_by": "a..b"}, "no path of a field"),
        ({"keep": "source-priority"}, "dedup.sources"),
        ({"keep": "shortest"}, "source-priority"),
    ],
)
def test_an_order_without_what_it_needs_is_refused(dedup: Record, message: str, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"messages":[{"role":"user","content":"a"}]}\n', "utf-8")
    (tmp_path / "plan.yaml").write_text(json.dumps({"dedup": dedup}), "utf-8")
    done = corpuskit("process", tmp_path / "in.jsonl", "-o", tmp_path / "out", "--plan", tmp_path / "plan.yaml")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_limit_counts_the_records_that_wait(tmp_path: Path) -> None:
    lines = [json.dumps(record) for record in corpus(3, 60)]
    (tmp_path / "in.jsonl").write_text("".join(line + "\n" for line in lines), "utf-8")
    (tmp_path / "plan.yaml").write_text(json.dumps({"dedup": {"keep": "longest"}}), "utf-8")
    done = corpuskit(
        "process", tmp_path / "in.jsonl", "-o", tmp_path / "out", "--plan", tmp_path / "plan.yaml", "--limit", "25"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report["records"]["records"] == 25
