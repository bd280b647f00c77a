"""4-S4: defects that were reproduced in other systems, and that this one has not.

The numbers are those of the list in the field notes. A template of many words, a chain of documents that drift and the
rule for numbers are measured at full size in test_dedup.py; here stands what one run with the defaults does.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpuskit import Plan
from support import ROOT, RunFolder, corpuskit

Figure = Callable[[str], None]
WORDS = [
    f"{first}{second}" for first in ("ba", "ke", "li", "mo", "nu", "sa", "te", "vi", "zo") for second in "bcdfghjkl"
]


def record(prompt: str, answer: str) -> str:
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}, ensure_ascii=False) + "\n"


def kept(folder: Path, content: str | bytes) -> tuple[RunFolder, int]:
    """One run with the defaults; the records that it kept."""
    (folder / "in.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
    run = corpuskit("process", "in.jsonl", "-o", "out", "--quiet", cwd=folder)
    assert run.returncode == 0, run.stderr
    return RunFolder(folder / "out"), json.loads((folder / "out" / "report.json").read_text("utf-8"))["records"]["kept"]


@pytest.mark.point("4-S4", "distinct documents")
def test_distinct_documents_are_all_kept(tmp_path: Path, figure: Figure) -> None:
    # 1. An index taken by `hash & size` instead of modulo dropped 299 of 300 random documents.
    draw = random.Random(1)  # noqa: S311
    lines = [record(" ".join(draw.choices(WORDS, k=40)), " ".join(draw.choices(WORDS, k=40))) for _ in range(300)]
    _, count = kept(tmp_path, "".join(lines))
    figure(f"{count} of 300 random documents kept")
    assert count == 300


@pytest.mark.point("4-S4", "numbers and operators")
def test_numbers_and_operators_make_a_difference(tmp_path: Path, figure: Figure) -> None:
    # 2. Numbers that are normalised away collapse whole sets of mathematics.
    story = "Alice has {} red apples in her old basket and buys {} more of them at the market on her way home. How many has she now?"
    code = "Write a function that takes x and returns x{}1, with a comment that says what it does and why it does so."
    pairs = [record(story.format(a, b), f"She has {a + b} apples now.") for a, b in ((3, 14), (250, 7))]
    pairs += [record(code.format(sign), f"def f(x):\n    # what is asked for\n    return x {sign} 1") for sign in "+-"]
    _, count = kept(tmp_path, "".join(pairs))
    figure(f"{count} of 4 kept")
    assert count == 4


@pytest.mark.point("4-S4", "template")
def test_records_of_one_template_are_kept(tmp_path: Path, figure: Figure) -> None:
    # 3. One of 1,000 survived where only the whole text is compared.
    draw = random.Random(3)  # noqa: S311
    template = " ".join(draw.choices(WORDS, k=120))
    own = [" ".join(draw.choices(WORDS, k=10)) for _ in range(1000)]
    _, count = kept(tmp_path, "".join(record(f"{template} {words}", f"So it is {words}.") for words in own))
    figure(f"{count} of 1,000 kept")
    assert count == 1000


@pytest.mark.point("4-S4", "one bad byte")
def test_one_bad_byte_costs_no_record(tmp_path: Path, figure: Figure) -> None:
    # 5. The file, or all after the byte, was lost in silence.
    lines = [record(f"Question {word}?", f"The answer to {word}.").encode() for word in ("one", "two", "three", "four")]
    lines[1] = lines[1].replace(b"two.", b"tw\xe9.")
    run, count = kept(tmp_path, b"".join(lines))
    changed = [row["origin"] for row in run.columns() if row["changes"]]
    figure(f"{count} of 4 kept, {changed} decoded")
    assert count == 4
    assert changed == ["in.jsonl:2"]


@pytest.mark.point("4-S4", "broken lines")
def test_broken_lines_are_set_aside_alone(tmp_path: Path, figure: Figure) -> None:
    # 6. A missing key ended a worker while "Done!" was printed; a list crashed the task.
    good = [record(f"Question {number} of many?", f"Answer {number}.") for number in range(100)]
    bad = ['{"title": "no text"}\n', '{"messages": [\n', "[1, 2]\n", "null\n", '"text"\n', "{]}\n", '{"messages": 3}\n']
    run, count = kept(tmp_path, "".join(good[:50] + bad + good[50:]))
    reasons = {row["origin"]: row["reason"] for row in run.records("rejected")}
    figure(f"{count} of 100 kept; {sorted(reasons.values())}")
    assert count == 100
    assert sorted(reasons) == sorted(f"in.jsonl:{50 + at}" for at in range(1, len(bad) + 1))


@pytest.mark.point("4-S4", "one of a batch")
def test_a_bad_record_does_not_take_its_batch_along(tmp_path: Path, figure: Figure) -> None:
    # 7. 2,500 in, 2,250 out: the batch of a bad record went with it.
    lines = [record(f"What comes after {number}?", f"After it comes {number + 1}.") for number in range(2500)]
    for place in range(0, 2500, 250):
        lines[place] = lines[place][:40] + "\n"
    _, count = kept(tmp_path, "".join(lines))
    figure(f"{count} of 2,490 good records kept")
    assert count == 2490


@pytest.mark.point("4-S4", "conversion")
def test_conversion_loses_nothing_in_silence(tmp_path: Path, figure: Figure) -> None:
    # 9. A wrong schema gave `{"messages": []}`, counted as converted; calls and all other fields were gone.
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    turns = [
        {"role": "user", "content": "Look it up."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "assistant", "content": "It is 42."},
    ]
    source = {"id": 7, "messages": turns, "licence": "cc0", "score": 1.0}
    (tmp_path / "in.jsonl").write_text(json.dumps(source) + '\n{"a": 1}\n', "utf-8")
    done = corpuskit("convert", "in.jsonl", "--to", "openai", cwd=tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    figure(f"exit code {done.returncode}, {len(lines)} of 1 converted, {done.stderr.splitlines()[0]!r}")
    assert [{key: line[key] for key in source} for line in lines] == [source]
    assert done.returncode == 1
    assert "parse.no_schema 1" in done.stderr


@pytest.mark.point("4-S4", "short records")
def test_short_records_are_records(tmp_path: Path, figure: Figure) -> None:
    # 10. Everything under five tokens was deleted.
    pairs = [("Ready?", "Yes."), ("Ready?", "No."), ("2+2?", "4"), ("你好", "你好！")]
    _, count = kept(tmp_path, "".join(record(*pair) for pair in pairs))
    figure(f"{count} of 4 kept")
    assert count == 4


def choices(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each key of the plan that takes one of some names, and each name."""
    for section, value in schema["properties"].items():
        inside = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
        for key, property_ in inside.get("properties", {}).items():
            named = schema["$defs"].get(property_.get("$ref", "").rpartition("/")[2], {})
            yield from ((f"{section}.{key}", name) for name in named.get("enum", []))
            yield from ((f"{section}.{key}", one["const"]) for one in named.get("oneOf", []) if "const" in one)


BESIDE = {
    ("dedup.keep", "best"): ", best_by: score",
    ("dedup.keep", "newest"): ", newest_by: date",
    ("dedup.keep", "source-priority"): ", sources: ['a*']",
}
"""What some names need beside them."""


@pytest.mark.point("4-S4", "defaults and names")
def test_every_default_and_every_name_that_is_documented_is_accepted(tmp_path: Path, figure: Figure) -> None:
    # 11. The default name of the tokenizer was not among the names that were accepted.
    for profile in ("emergent", "persona", "companion"):
        written = corpuskit("plan", "init", f"{profile}.yaml", "--profile", profile, cwd=tmp_path)
        checked = corpuskit("plan", "check", f"{profile}.yaml", cwd=tmp_path)
        assert (written.returncode, checked.returncode) == (0, 0), written.stderr + checked.stderr
    schema = json.loads((ROOT / "python/corpuskit/plan.schema.json").read_text("utf-8"))
    tried = list(choices(schema))
    for key, name in tried:
        section, _, own = key.partition(".")
        Plan.from_yaml(f"{section}: {{{own}: {json.dumps(name)}{BESIDE.get((key, name), '')}}}\n")
    figure(f"the written-out defaults of 3 profiles and {len(tried)} names of {len({key for key, _ in tried})} keys")
    assert len(tried) > 30


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.point("4-S4", "lowest and highest versions")
def test_foreign_packages_at_both_ends_of_their_bounds(figure: Figure) -> None:
    # 8. A dependency without a bound made deduplication fail on the day that it was released.
    if shutil.which("uv") is None and not Path(sys.executable).with_name("uv").exists():
        pytest.skip("`uv` is not installed (`pip install uv`), which takes the lowest versions")
    done = subprocess.run([sys.executable, "tests/versions.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith(("lowest: ", "highest: ")):
            figure(line)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
