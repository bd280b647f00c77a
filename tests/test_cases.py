"""Runs `tests/cases/<stage>_<what>.md`: prose, a plan, input, and what must come out. `--update` rewrites the latter.

A file holds one case a top-level heading. Blocks of a case, by the words after the fence:

    yaml plan             the plan (none: the defaults)
    jsonl in [NAME]       an input file, `in.jsonl` unless named; several are processed in the order given
    bytes in [NAME]       the same with Python escapes (\\xe9, \\r), for what Markdown cannot hold
    text arguments        more arguments for `corpuskit process`
    jsonl out             the kept records, byte for byte, without `_origin`, `_source`, `_schema`
    jsonl out-full        the kept records, byte for byte
    text verdicts         one line a unit: origin, verdict, evidence
    text changes          the trace of each kept record that was changed: origin, kind, times
    text error            the exit code is 2 and stderr reads so
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support import ROOT, RunFolder, corpuskit, origin_order

CASES = ROOT / "tests" / "cases"
FENCE = re.compile(r"^(`{3,})(.*)$")
EXPECTED = {"out", "out-full", "verdicts", "changes", "error"}


@dataclass
class Block:
    """A fenced block: its words (`jsonl in`), content, and the lines of the file that hold the content."""

    words: list[str]
    content: str
    start: int
    end: int


@dataclass
class Case:
    """A heading and the blocks below it."""

    path: Path
    title: str
    blocks: list[Block] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path.stem}: {self.title}"

    def content(self, word: str) -> str | None:
        """The content of the block with this second word."""
        return next((block.content for block in self.blocks if block.words[1] == word), None)


def load(path: Path) -> list[Case]:
    """The cases of a file."""
    cases: list[Case] = []
    fence, words, start = "", [""], 0
    lines = path.read_text("utf-8").split("\n")
    for number, line in enumerate(lines):
        match = FENCE.match(line)
        if fence:
            if match and match[1] == fence and not match[2]:
                if len(words) > 1:
                    content = "".join(text + "\n" for text in lines[start:number])
                    cases[-1].blocks.append(Block(words, content, start, number))
                fence = ""
        elif match:
            fence, words, start = match[1], match[2].split(), number + 1
        elif line.startswith("# "):
            cases.append(Case(path, line[2:]))
    return cases


ALL = [case for path in sorted(CASES.glob("*.md")) for case in load(path)]


def short(line: str) -> str:
    """A canonical line without the fields that say where it came from (they stand last)."""
    return re.sub(r',?"_origin":.*', "}", line)


def verdicts(run: RunFolder) -> str:
    """One line a unit or record, in input order."""
    found = {row["origin"]: "keep" for row in run.columns()}
    for row in run.records("dropped"):
        found[row["origin"]] = f"{row['reason']} {row['evidence']}".replace("'", '"')
    for row in run.records("duplicates"):
        sides = ", ".join(f"{side} {row[side]}" for side in ("prompt", "response") if row.get(side))
        found[row["origin"]] = f"{row['kind']} duplicate of {row['of']}" + (f" ({sides})" if sides else "")
    for row in run.records("rejected"):
        found[row["origin"]] = f"{row['reason']} at byte {row['byte']}"
    return "".join(f"{origin} {found[origin]}\n" for origin in sorted(found, key=origin_order))


def changes(run: RunFolder) -> str:
    """The trace of each record that was changed."""
    rows = sorted(run.columns(), key=lambda row: origin_order(row["origin"]))
    traces = ((row["origin"], ", ".join(f"{kind} {times}" for kind, times in row["changes"])) for row in rows)
    return "".join(f"{origin} {trace}\n" for origin, trace in traces if trace)


def outcome(case: Case, folder: Path) -> dict[str, str]:
    """Runs the case in `folder` and returns what came of it, by block."""
    inputs = []
    for block in case.blocks:
        if block.words[1] == "in":
            name = block.words[2] if len(block.words) > 2 else "in.jsonl"
            content = block.content.encode()
            if block.words[0] == "bytes":  # one Markdown line an escaped line; its own end counts only if spelled \n
                content = (
                    "".join(block.content.split("\n")).encode("latin-1").decode("unicode_escape").encode("latin-1")
                )
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            inputs.append(name)
    arguments = (case.content("arguments") or "").split()
    if (plan := case.content("plan")) is not None:
        (folder / "plan.yaml").write_text(plan, "utf-8")
        arguments += ["--plan", "plan.yaml"]
    result = corpuskit("process", *inputs, "-o", "out", "--quiet", *arguments, cwd=folder)
    if result.returncode == 2:
        return {"error": result.stderr}
    assert result.returncode == 0, f"exit code {result.returncode}: {result.stderr}"
    run = RunFolder(folder / "out")
    full = "".join(line + "\n" for line in run.lines())
    out = "".join(short(line) + "\n" for line in run.lines())
    return {"out": out, "out-full": full, "verdicts": verdicts(run), "changes": changes(run)}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_case(case: Case, tmp_path: Path, update: bool) -> None:
    expected = [block for block in case.blocks if block.words[1] in EXPECTED]
    assert expected, "the case expects nothing"
    actual = outcome(case, tmp_path)
    if update:
        rewrite(case, expected, actual)
        return
    for block in expected:
        assert block.words[1] in actual, actual.get("error", "the run was expected to be refused, and was not")
        assert actual[block.words[1]] == block.content, f"{block.words[1]} (mend by `make cases UPDATE=1`)"


def rewrite(case: Case, expected: list[Block], actual: dict[str, str]) -> None:
    """Puts what came out where it is expected; earlier cases of the file may have moved the lines."""
    fresh = next(other for other in load(case.path) if other.title == case.title)
    lines = case.path.read_text("utf-8").split("\n")
    for block in sorted(fresh.blocks, key=lambda block: -block.start):
        if block.words[1] in EXPECTED:
            assert block.words[1] in actual, f"{case}: {actual.get('error', 'not refused')}"
            lines[block.start : block.end] = actual[block.words[1]].split("\n")[:-1]
    assert len(expected) == sum(block.words[1] in EXPECTED for block in fresh.blocks)
    case.path.write_text("\n".join(lines), "utf-8")


def test_there_are_cases_for_every_stage() -> None:
    stages = {path.name for path in (ROOT / "rust/core/src/stage").iterdir() if path.is_dir()}
    assert {case.path.stem.split("_")[0] for case in ALL} >= stages
