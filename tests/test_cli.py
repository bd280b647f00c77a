"""The command line: exit code, standard output and standard error of every verb and every kind of error."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from corpuskit.cli import parser
from corpuskit.cli.main import main
from corpuskit.errors import CheckError, InternalError
from support import RunFolder, corpuskit

GOOD = '{"prompt":"What is 2 + 2?","completion":"It is 4."}\n'
OTHER = '{"prompt":"And 3 + 3?","completion":"That is 6."}\n'
VERBS = list(parser.VERBS)
KNOWN = parser.either(VERBS)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one input of two records, a duplicate and a broken line."""
    (tmp_path / "in.jsonl").write_text(GOOD + OTHER + GOOD + '{"prompt"\n', "utf-8")
    return tmp_path


def outcome(place: Path, *arguments: object, **more: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error, without what depends on the clock."""
    done = corpuskit(*arguments, cwd=place, **more)
    steady = re.sub(r"in [\d.]+ s \([\d,]+ records/s\)", "in N s (N records/s)", done.stdout)
    return done.returncode, steady, done.stderr


REPORT = """\
3 records in N s (N records/s)

units               4
  in records        3  75.0 %
  empty             0   0.0 %
  rejected          1  25.0 %   parse.truncated 1
records             3
  kept              2  66.7 %
  dropped           0   0.0 %
  duplicates        1  33.3 %   exact 1

labels (share of kept records)
  category      conversational 50.0 %, factual 50.0 %
  language      en 100.0 %

schemas                                 records     kept     dropped  duplicates
  prompt_completion.prompt/completion         3        2           0           1

sums hold: units = in records + empty + rejected; records = kept + dropped + duplicates

out/ has data, columns, dropped, duplicates, rejected, report.json, manifest.json
next: corpuskit audit out
"""


def test_process_prints_its_report(place: Path) -> None:
    assert outcome(place, "process", "in.jsonl", "-o", "out") == (0, REPORT, "")
    assert len(RunFolder(place / "out").records()) == 2


def test_quiet_says_nothing_and_json_says_all(place: Path) -> None:
    assert outcome(place, "process", "in.jsonl", "-o", "out", "--quiet") == (0, "", "")
    code, out, err = outcome(place, "process", "in.jsonl", "--dry-run", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["report"] == RunFolder(place / "out").json("report")
    assert json.loads(out)["output"] is None


def test_standard_input_is_an_input(place: Path) -> None:
    code, out, _ = outcome(place, "process", "-", "-o", "out", stdin=GOOD.encode())
    assert code == 0
    assert out.startswith("1 record in ")
    assert RunFolder(place / "out").records()[0]["_origin"] == "-:1"


PLAN_ERROR = """\
error: plan.yaml:2:3: unknown key `header_row` in `read`, expected `max_unit_bytes`, `header`, `join_dialogues` or `null_members`
  |
2 |   header_row: true
  |   ^^^^^^^^^^
"""

ERRORS: dict[str, tuple[dict[str, str], list[str], int, str]] = {
    "plan": (
        {"plan.yaml": "read:\n  header_row: true\n"},
        ["process", "in.jsonl", "-o", "out", "--plan", "plan.yaml"],
        2,
        PLAN_ERROR,
    ),
    "plan, hint": (
        {},
        ["process", "in.jsonl", "-o", "out", "--set", "parse.encoding=repare"],
        2,
        "error: --set parse.encoding=repare: unknown value `repare` of `parse.encoding`, expected `strict`, `repair` or `reject`\n\n"
        "hint: did you mean `repair`?\n",
    ),
    "profile": (
        {},
        ["plan", "show", "--profile", "personal"],
        2,
        "error: profile: unknown profile `personal`, expected `emergent`, `persona` or `companion`\n\n"
        "hint: did you mean `persona`?\n",
    ),
    "plan file missing": (
        {},
        ["process", "in.jsonl", "-o", "out", "--plan", "no.yaml"],
        2,
        "error: no.yaml: no such file or directory\n",
    ),
    "no verb": (
        {},
        [],
        2,
        f"error: no verb given, expected {KNOWN}\n\nhint: run `corpuskit --help`\n",
    ),
    "unknown verb": (
        {},
        ["proces"],
        2,
        f"error: unknown verb `proces`, expected {KNOWN}\n\nhint: did you mean `corpuskit process`?\n",
    ),
    "no input": (
        {},
        ["process", "-o", "out"],
        2,
        "error: the following arguments are required: IN\n\nhint: run `corpuskit process --help`\n",
    ),
    "no output": (
        {},
        ["process", "in.jsonl"],
        2,
        "error: --output: is required, expected `-o OUT`\n\nhint: or add `--dry-run` to write nothing\n",
    ),
    "threads": (
        {},
        ["process", "in.jsonl", "-o", "out", "--threads", "0"],
        2,
        "error: argument --threads: expected a whole number of at least 1, got `0`\n\nhint: run `corpuskit process --help`\n",
    ),
    "strict": (
        {},
        ["process", "in.jsonl", "-o", "out", "--set", "parse.syntax=strict"],
        2,
        "error: in.jsonl:4: parse.truncated, and the policy is `strict`\n",
    ),
    "form": (
        {},
        ["convert", "in.jsonl", "--to", "opnai"],
        2,
        "error: to: unknown form `opnai`, expected `messages`, `openai`, `alpaca`, `sharegpt`, `prompt_completion` or `own`\n\n"
        "hint: did you mean `openai`?\n",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_worded_so(place: Path, name: str) -> None:
    files, arguments, code, message = ERRORS[name]
    for path, text in files.items():
        (place / path).write_text(text, "utf-8")
    assert outcome(place, *arguments) == (code, "", message)
    assert not (place / "out" / "manifest.json").exists()


def test_plan_init_is_checked_and_shown(place: Path) -> None:
    assert outcome(place, "plan", "init", "plan.yaml", "--profile", "companion") == (0, "wrote plan.yaml\n", "")
    assert outcome(place, "plan", "check", "plan.yaml") == (
        0,
        "plan.yaml is valid, profile companion with 0 deviations\n",
        "",
    )
    code, _, err = outcome(place, "plan", "init", "plan.yaml")
    assert (code, err) == (2, "error: plan.yaml: exists already\n\nhint: add `--force` to overwrite it\n")
    code, out, _ = outcome(place, "plan", "show", "plan.yaml", "--set", "filter.length.min_chars=3")
    assert code == 0
    assert "    min_chars: 3  # profile: 20\n" in out
    code, out, _ = outcome(place, "plan", "show", "plan.yaml", "--set", "filter.length.min_chars=3", "--json")
    assert json.loads(out)["deviations"] == [{"path": "filter.length.min_chars", "profile": 20, "value": 3}]
    code, out, _ = outcome(place, "plan", "schema")
    assert json.loads(out)["title"] == "corpuskit plan"


def test_peek_shows_schemas_and_samples(place: Path) -> None:
    code, out, err = outcome(place, "peek", "in.jsonl")
    assert (code, err) == (0, "")
    assert "4 units, 3 records, 0 empty, 1 rejected" in out
    assert "  user      What is 2 + 2?\n  assistant It is 4." in out
    code, out, _ = outcome(place, "peek", "in.jsonl", "--json")
    assert json.loads(out)["records"] == {"count": 3, "estimated": False}


def test_convert_writes_a_file_or_standard_output(place: Path) -> None:
    (place / "good.jsonl").write_text(GOOD + OTHER, "utf-8")
    code, out, err = outcome(place, "convert", "good.jsonl", "--to", "own")
    assert (code, out, err) == (0, GOOD + OTHER, "")
    assert outcome(place, "convert", "good.jsonl", "--to", "alpaca", "-o", "out.jsonl") == (
        0,
        "",
        "wrote 2 of 2 records to out.jsonl\n",
    )
    code, _, err = outcome(place, "convert", "good.jsonl", "--to", "alpaca", "-o", "out.jsonl")
    assert (code, err.splitlines()[0]) == (2, "error: out.jsonl: exists already")
    code, _, err = outcome(
        place, "convert", "in.jsonl", "--to", "openai", "-o", "some.jsonl", "--refused", "refused.jsonl"
    )
    assert code == 1
    assert "1 not converted: parse.truncated 1" in err
    assert json.loads((place / "refused.jsonl").read_text("utf-8"))["origin"] == "in.jsonl:4"
    assert not list(place.glob("*.partial"))


def test_a_closed_pipe_is_no_error(place: Path) -> None:
    with (place / "in.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(GOOD.replace("4", str(number)) for number in range(20_000))
    command = [sys.executable, "-m", "corpuskit", "convert", "in.jsonl", "--to", "openai"]
    child = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(30) == 0


def test_ctrl_c_is_130_and_the_same_command_continues(place: Path) -> None:
    with (place / "in.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(GOOD.replace("4", str(number) * 40) for number in range(400_000))
    command = [sys.executable, "-m", "corpuskit", "process", "in.jsonl", "-o", "out"]
    child = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (place / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, "")
    assert err == "error: interrupted\n\nhint: run the same command again to continue\n"
    assert not (place / "out" / "manifest.json").exists()
    code, out, _ = outcome(place, "process", "in.jsonl", "-o", "out")
    assert code == 0
    assert "sums hold" in out


def test_a_finished_folder_is_not_overwritten(place: Path) -> None:
    assert outcome(place, "process", "in.jsonl", "-o", "out", "--quiet")[0] == 0
    before = RunFolder(place / "out").digests()
    code, out, err = outcome(place, "process", "in.jsonl", "-o", "out")
    assert (code, out) == (2, "")
    assert err.startswith("error: out: ")
    assert "--force" in err
    assert RunFolder(place / "out").digests() == before
    assert outcome(place, "process", "in.jsonl", "-o", "out", "--quiet", "--force") == (0, "", "")
    assert RunFolder(place / "out").digests() == before


def test_a_missing_input_is_named(place: Path) -> None:
    code, out, err = outcome(place, "process", "nowhere.jsonl", "-o", "out")
    assert (code, out) == (2, "")
    assert err.startswith("error: nowhere.jsonl: ")
    assert not (place / "out").exists()


def test_an_output_that_is_a_file_is_named(place: Path) -> None:
    (place / "out").write_text("mine", "utf-8")
    code, out, err = outcome(place, "process", "in.jsonl", "-o", "out", "--force")
    assert (code, out) == (2, "")
    assert err.startswith("error: out: ")
    assert (place / "out").read_text("utf-8") == "mine"


def test_an_output_that_may_not_be_written_is_named(place: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (place / "shut").mkdir(mode=0o500)
    code, out, err = outcome(place, "process", "in.jsonl", "-o", "shut/out")
    assert (code, out, err) == (2, "", "error: shut/out: permission denied\n")


@pytest.mark.parametrize(
    ("error", "code"), [(CheckError("1 is not 2"), 1), (InternalError("internal error: x; please report it"), 2)]
)
def test_kinds_that_no_input_provokes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr("corpuskit.cli.peek.verbs.peek", fail)
    assert main(["peek", "in.jsonl"]) == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_every_verb_has_help() -> None:
    for verb in VERBS:
        code, out, err = outcome(Path.cwd(), verb, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"usage: corpuskit {verb}")


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from corpuskit.cli import terminal

    class Terminal:
        def isatty(self) -> bool:
            return True

    screen: Any = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.colours(screen)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.colours(screen)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.colours(screen)


def test_audit_counts_again_and_finds_a_flipped_byte(place: Path) -> None:
    assert outcome(place, "process", "in.jsonl", "-o", "out", "--quiet") == (0, "", "")
    code, out, err = outcome(place, "audit", "out")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        "  4 units = 3 in records + 0 empty + 1 rejected",
        "  3 records = 2 kept + 0 dropped + 1 duplicates",
    ]
    shard = next((place / "out" / "data").iterdir())
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    code, _, err = outcome(place, "audit", "out")
    assert code == 1
    assert err.startswith("error: out: ")
    assert shard.name in err


def test_audit_of_an_unfinished_folder_is_refused(place: Path) -> None:
    (place / "out").mkdir()
    code, out, err = outcome(place, "audit", "out")
    assert (code, out) == (2, "")
    assert err.startswith("error: out: has no manifest")
    assert "hint: " in err


def test_why_tells_the_life_of_each_kind(place: Path) -> None:
    assert outcome(place, "process", "in.jsonl", "-o", "out", "--quiet") == (0, "", "")
    code, out, err = outcome(place, "why", "out", "in.jsonl:1")
    assert (code, err) == (0, "")
    assert out.startswith("in.jsonl:1: kept\n")
    assert "running the stages again gives the same record" in out
    assert "exact duplicate of in.jsonl:1" in outcome(place, "why", "out", "in.jsonl:3")[1]
    assert "parse.truncated at byte " in outcome(place, "why", "out", "in.jsonl:4")[1]
    code, out, err = outcome(place, "why", "out", "in.jsonl:99")
    assert (code, out) == (2, "")
    assert err.startswith("error: out: has no unit `in.jsonl:99`")
    (place / "in.jsonl").write_text(OTHER, "utf-8")
    assert "source: changed" in outcome(place, "why", "out", "in.jsonl:1")[1]


def test_prompts_may_stand_behind_options() -> None:
    words = ["generate", "MODEL", "first", "--preset", "code", "second", "third"]
    assert parser.parse(words).prompts == ["first", "second", "third"]
    with pytest.raises(parser.UsageError, match="unrecognized arguments: second --wrong"):
        parser.parse(["generate", "MODEL", "--preset", "code", "second", "--wrong"])
    with pytest.raises(parser.UsageError, match="unrecognized arguments: second"):
        parser.parse(["report", "RUN", "--output", "page.html", "second"])
