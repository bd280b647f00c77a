"""S7: deduplication against the oracle of its rule, on real records and on cases made to break it."""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from support import ROOT, RunFolder, corpuskit

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import dedup_oracle as oracle

Record = dict[str, Any]
Figure = Callable[[str], None]

# Toolset-Training has versions of one data set side by side, GPTeacher cleaned and uncleaned ones; the others bring
# templates, tools, Chinese, code and dialogues.
SOURCES = [
    "ProfSynapse__Toolset-Training",
    "teknium1__GPTeacher",
    "hiyouga__LLaMA-Factory",
    "qiuhuachuan__smile",
    "openai__grade-school-math",
    "PhoebusSi__Alpaca-CoT",
    "LianjiaTech__BELLE",
]
LEAST_RECORDS = 30_000
MOST_RECORDS = 40_000


def process(inputs: list[Path], folder: Path, dedup: object) -> RunFolder:
    """Runs the command line with these settings for deduplication."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    plan = folder.with_suffix(".plan.yaml")
    plan.write_text(json.dumps({"dedup": dedup, "write": {"compression": "none"}}), "utf-8")
    finished = corpuskit("process", *inputs, "-o", folder, "--plan", plan, "--quiet", timeout=3600)
    assert finished.returncode == 0, finished.stderr
    return RunFolder(folder)


def run_lines(lines: Iterable[str], folder: Path, dedup: object) -> RunFolder:
    """The same for records given as lines."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "in.jsonl"
    source.write_text("".join(line + "\n" for line in lines), "utf-8")
    return process([source], folder / "out", dedup)


def conversation(prompt: str, response: str) -> Record:
    """A record of two turns."""
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]}


def verdicts(run: RunFolder) -> dict[str, tuple[Any, ...]]:
    """Of each duplicate: whom it doubles, how, and both overlaps."""

    def pair(value: Any) -> tuple[int, int] | None:
        return (int(value[0]), int(value[1])) if value is not None else None

    return {
        d["origin"]: (d["of"], d["kind"], pair(d["prompt"]), pair(d["response"])) for d in run.records("duplicates")
    }


def differences(origins: list[str], expected: list[oracle.Judged], run: RunFolder) -> list[str]:
    """Every record of which the run and the oracle say different things."""
    found = verdicts(run)
    kept = {json.loads(line)["_origin"] for line in run.lines()}
    wrong = []
    for origin, judged in zip(origins, expected, strict=True):
        if judged.of is None:
            if origin not in kept or origin in found:
                wrong.append(f"{origin}: kept by the rule, but {found.get(origin)}")
            continue
        wanted = (origins[judged.of], "exact" if judged.exact else "near", judged.prompt, judged.response)
        if found.get(origin) != wanted:
            wrong.append(f"{origin}: {wanted} by the rule, but {found.get(origin)}")
    assert len(kept) + len(found) == len(origins)
    return wrong


@pytest.fixture(scope="module")
def real(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[Record]]:
    """Canonical records made from real files, their origins, and the file."""
    folder = tmp_path_factory.mktemp("dedup")
    inputs = [corpora / "raw" / source for source in SOURCES]
    run = process(inputs, folder / "canonical", {"exact": False, "near": False})
    lines = list(run.lines())[:MOST_RECORDS]
    assert len(lines) >= LEAST_RECORDS
    path = folder / "records.jsonl"
    # Origins are given anew, so that they name this file's lines.
    path.write_text("".join(strip(line) + "\n" for line in lines), "utf-8")
    again = process([path], folder / "again", {"exact": False, "near": False})
    records = [oracle.load(line) for line in again.lines()]
    assert len(records) == len(lines), "every canonical record is read again"
    return path, [record["_origin"] for record in records], records


def strip(line: str) -> str:
    """A canonical record without what the run added."""
    record = oracle.load(line)
    return oracle.dump(
        {key: value for key, value in record.items() if key not in {"_origin", "_schema", "_source", "_parent"}}
    )


@pytest.mark.slow
@pytest.mark.point("S7", "oracle")
@pytest.mark.parametrize("threshold", [7_000, 8_000, 9_000])
def test_real_records_as_the_oracle_says(
    real: tuple[Path, list[str], list[Record]], threshold: int, tmp_path: Path, figure: Figure
) -> None:
    path, origins, records = real
    expected = oracle.judge(records, threshold)
    run = process([path], tmp_path / "out", {"near": {"threshold": threshold / 10_000}})
    wrong = differences(origins, expected, run)
    exact = sum(judged.exact for judged in expected)
    near = sum(judged.of is not None for judged in expected) - exact
    figure(
        f"threshold {threshold / 10_000}: {len(records)} records, {exact} exact and {near} near duplicates, {len(wrong)} differences"
    )
    assert near > 100
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.slow
@pytest.mark.point("S7", "modes")
@pytest.mark.parametrize("mode", ["prompt", "response", "conversation"])
def test_other_modes_as_the_oracle_says(
    real: tuple[Path, list[str], list[Record]], mode: str, tmp_path: Path, figure: Figure
) -> None:
    path, origins, records = real
    expected = oracle.judge(records, 8_000, 3, mode)
    wrong = differences(origins, expected, process([path], tmp_path / "out", {"near": {"mode": mode}}))
    figure(f"mode {mode}: {sum(judged.of is not None for judged in expected)} duplicates, {len(wrong)} differences")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.point("S7", "hard negatives")
@pytest.mark.parametrize("threshold", [0.7, 0.8, 0.9])
def test_no_hard_negative_is_merged(threshold: float, tmp_path: Path, figure: Figure) -> None:
    pairs = [
        json.loads(line) for line in (ROOT / "tests/data/dedup/hard_negatives.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(pairs) >= 300
    merged = []
    # Pairs share sentences with other pairs, so the two halves of every pair are compared with their own half alone.
    firsts = run_lines(
        [json.dumps({**pair["a"], "pair": n}) for n, pair in enumerate(pairs)],
        tmp_path / "a",
        {"near": {"threshold": threshold}},
    )
    both = [json.dumps({**pair[half], "pair": n, "half": half}) for n, pair in enumerate(pairs) for half in "ab"]
    run = run_lines(both, tmp_path / "both", {"near": {"threshold": threshold}})
    place = {f"in.jsonl:{n + 1}": n // 2 for n in range(len(both))}
    name = {origin.rsplit("/", 1)[-1]: verdict[0].rsplit("/", 1)[-1] for origin, verdict in verdicts(run).items()}
    for origin, of in name.items():
        texts = [oracle.sides(json.loads(both[int(o.rsplit(":", 1)[1]) - 1])) for o in (origin, of)]
        if place[origin] == place[of] or texts[0] != texts[1]:
            merged.append((origin, of, texts))
    figure(f"threshold {threshold}: {len(pairs)} pairs, {len(merged)} merged")
    assert not merged, merged[:5]
    assert len(firsts.records()) > 100


def other_numbers(text: str, chance: random.Random) -> str:
    """The text with one of its numbers raised."""
    found = list(re.finditer("[0-9]{1,18}(?![0-9])", text))  # of a very long one the last digits
    one = chance.choice(found)
    return text[: one.start()] + str(int(one.group()) + chance.randint(1, 9)) + text[one.end() :]


@pytest.mark.slow
@pytest.mark.point("S7", "numbers in real records")
@pytest.mark.parametrize("threshold", [0.7, 0.9])
def test_real_records_with_other_numbers_are_kept(
    real: tuple[Path, list[str], list[Record]], threshold: float, tmp_path: Path, figure: Figure
) -> None:
    """Each record that has a number, and right behind it the same with one number changed."""
    chance = random.Random(7)  # noqa: S311 - numbers, not secrets
    lines: list[str] = []
    seen: set[tuple[str, str]] = set()
    for record in real[2]:
        said = oracle.sides(record)
        texts = [message for message in record["messages"] if isinstance(message.get("content"), str)]
        numbered = [m for m in texts if m["role"] in ("user", "assistant") and re.search("[0-9]", m["content"])]
        if not numbered or said in seen:
            continue
        seen.add(said)
        one = chance.choice(numbered)
        changed = {**one, "content": other_numbers(one["content"], chance)}
        lines.append(oracle.dump({"messages": record["messages"]}))
        lines.append(oracle.dump({"messages": [changed if m is one else m for m in record["messages"]]}))
    pairs = len(lines) // 2
    run = run_lines(lines, tmp_path, {"near": {"threshold": threshold}})
    place = {origin: int(origin.rsplit(":", 1)[1]) - 1 for origin in verdicts(run)}
    merged = [
        origin
        for origin, verdict in verdicts(run).items()
        if place[origin] // 2 == (int(verdict[0].rsplit(":", 1)[1]) - 1) // 2
    ]
    figure(f"threshold {threshold}: {pairs} records with one number changed, {len(merged)} merged with their base")
    assert pairs > 3_000
    assert not merged, merged[:5]


@pytest.mark.slow
@pytest.mark.point("S7", "numbers")
def test_changed_numbers_are_not_duplicates(bench_corpus: Path, tmp_path: Path, figure: Figure) -> None:
    rows = [line.split("\t") for line in (bench_corpus / "truth.tsv").read_text("utf-8").splitlines()]
    head, rows = rows[0], rows[1:]
    column = {name: index for index, name in enumerate(head)}
    bases = {row[column["cluster"]]: int(row[0]) for row in rows if row[column["kind"]] == "base"}
    run = process([bench_corpus / "corpus-00000.jsonl"], tmp_path / "out", {"near": True})
    of = {
        int(origin.rsplit(":", 1)[1]) - 1: int(verdict[0].rsplit(":", 1)[1]) - 1
        for origin, verdict in verdicts(run).items()
    }
    plain = process([bench_corpus / "corpus-00000.jsonl"], tmp_path / "plain", {"exact": False, "near": False})
    records = {
        int(record["_origin"].rsplit(":", 1)[1]) - 1: oracle.sides(record) for record in map(oracle.load, plain.lines())
    }
    looked_at = merged = unjudged = 0
    for row in rows:
        if row[column["kind"]] != "num":
            continue
        this, base = int(row[0]), bases[row[column["cluster"]]]
        if this not in records or base not in records:
            continue  # its family has no conversation
        doubles = of.get(this) == base or of.get(base) == this
        if [*map(oracle.numbers, records[this])] != [*map(oracle.numbers, records[base])]:
            looked_at += 1
            merged += doubles
        else:
            unjudged += doubles
    figure(
        f"{looked_at} rows with other numbers, {merged} merged with their base ({unjudged} more differ in what is in"
        " neither side, as the system turn, and are duplicates by the rule)"
    )
    assert looked_at > 100
    assert merged == 0


@pytest.fixture(scope="session")
def bench_corpus(corpora: Path) -> Path:
    """What build_bench.py made, if it was run: in the folder that CORPUSKIT_BENCH names, or in `bench/` beside `raw/`."""
    folder = Path(os.environ.get("CORPUSKIT_BENCH", corpora / "bench"))
    if not (folder / "truth.tsv").is_file():
        pytest.skip(f"no truth.tsv in {folder.name}/: build_bench.py --n 100000 --out bench beside raw/ makes it")
    return folder


TEMPLATE = [f"template{n}" for n in range(120)]


@pytest.mark.point("S7", "template")
def test_a_template_does_not_merge_what_differs(tmp_path: Path, figure: Figure) -> None:
    """One template, ten own words each: answers that differ, numbers that differ, or nothing else that differs."""
    records = []
    for n in range(1_000):
        # Letters, for a digit would make the numbers differ.
        own = [f"own{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}{chr(97 + k)}" for k in range(10)]
        scattered = " ".join(
            TEMPLATE[: 5 + n % 3] + [w for pair in zip(own, TEMPLATE[8:18], strict=True) for w in pair] + TEMPLATE[18:]
        )
        together = " ".join([*TEMPLATE[:60], *own, *TEMPLATE[60:]])
        records.append(conversation(scattered, "Yes."))
        records.append(conversation(together, f"The answer is {own[0]} and {own[1]}."))
        records.append(conversation(together, "Yes."))
        records.append(conversation(" ".join(TEMPLATE), f"It is {n}."))
    lines = [json.dumps(record) for record in records]
    expected = oracle.judge(records)
    run = run_lines(lines, tmp_path, {"near": True})
    origins = sorted(
        [r["_origin"] for r in run.records()] + list(verdicts(run)), key=lambda origin: int(origin.rsplit(":", 1)[1])
    )
    wrong = differences(origins, expected, run)
    kept = sum(judged.of is None for judged in expected)
    figure(f"{len(records)} records of one template, {kept} kept as the rule says, {len(wrong)} differences")
    assert kept >= 2_000
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.point("S7", "drift")
def test_a_chain_that_drifts_is_not_swallowed(tmp_path: Path, figure: Figure) -> None:
    """100 documents, each 2 % away from the one before: none is dropped for one that it does not resemble."""
    words = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200)]
    records = []
    for step in range(100):
        for k in range(4):
            words[(step * 4 + k) * 7 % 200] = f"new{chr(97 + step % 26)}{chr(97 + step // 26)}{chr(97 + k)}"
        records.append(conversation("Tell me about it.", " ".join(words)))
    run = run_lines(map(json.dumps, records), tmp_path, {"near": True})
    sets = [oracle.Sets(record, 3, "sides") for record in records]
    found = verdicts(run)
    for origin, (of, *_) in found.items():
        a, b = (sets[int(o.rsplit(":", 1)[1]) - 1] for o in (origin, of))
        assert oracle.similar(a, b, (8_000, 8_000)), (origin, of)
    origins = [f"{next(iter(found)).rsplit(':', 1)[0]}:{n + 1}" for n in range(100)]
    assert not differences(origins, oracle.judge(records), run)
    figure(f"{len(run.records())} of 100 kept, every other one within the threshold of the one it names")
    assert 10 <= len(run.records()) <= 60
