"""4-S5: inputs, plans and packs that mean harm. Each gets a reason or a message, loses nothing else, and stays below 300 MB."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

import test_json
from corpuskit import _core
from measure import corpuskit as command
from measure import measure
from support import ROOT, RunFolder, corpuskit

Figure = Callable[[str], None]
GOOD = '{"messages":[{"role":"user","content":"What is 2 + %d?"},{"role":"assistant","content":"It is %d."}]}\n'
LIMIT = 300_000_000


def good(count: int) -> str:
    return "".join(GOOD % (number, number + 2) for number in range(count))


def outcome(out: Path) -> dict[str, str]:
    """Each origin, and the reason that it was rejected for or its fate."""
    run = RunFolder(out)
    fates = {row["origin"]: "kept" for row in run.columns()}
    fates |= {row["origin"]: row["reason"] for kind in ("dropped", "rejected") for row in run.records(kind)}
    return fates | {row["origin"]: "duplicate" for row in run.records("duplicates")}


def packed(folder: Path, kind: str, head: bytes, fill: int) -> Path:
    """A file of `fill` MiB of blanks inside one value, which takes next to nothing when it is packed."""
    path = folder / f"bomb.jsonl.{kind}"
    blank = b" " * (1 << 20)
    with path.open("wb") as raw:
        stream = (
            gzip.GzipFile(fileobj=raw, mode="wb") if kind == "gz" else zstandard.ZstdCompressor().stream_writer(raw)
        )
        stream.write(good(3).encode())
        stream.write(head)
        for _ in range(fill):
            stream.write(blank)
        stream.write(b'"}\n' + good(5).encode()[len(good(3)) :])
        stream.close()
    return path


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.point("4-S5", "bombs")
def test_a_bomb_is_one_rejected_line(kind: str, tmp_path: Path, figure: Figure) -> None:
    path = packed(tmp_path, kind, b'{"text": "', 1024)
    taken = measure(command("process", path, "-o", tmp_path / "out", "--quiet"))
    fates = outcome(tmp_path / "out")
    figure(
        f"{path.stat().st_size / 1e6:.1f} MB of {kind} that unpack to 1.07 GB: {taken.anonymous / 1e6:.0f} MB (at most 300)"
    )
    assert sorted(fates.values()) == ["kept"] * 5 + ["read.too_long"]
    assert taken.anonymous <= LIMIT


@pytest.mark.point("4-S5", "folders")
def test_links_pipes_and_strange_names_in_a_folder(tmp_path: Path, figure: Figure) -> None:
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    (folder / "deeper" / "loop").symlink_to("..")
    (folder / "nowhere.jsonl").symlink_to("missing.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jsonl")).write_text(good(2), "utf-8")
    (folder / "deeper" / "more.jsonl").write_text(GOOD % (7, 9), "utf-8")
    run = corpuskit("process", "in", "-o", "out", "--quiet", cwd=tmp_path, timeout=60)
    assert run.returncode == 0, run.stderr
    fates = outcome(tmp_path / "out")
    named = [origin for origin in fates if "caf" in origin and origin.endswith(":1")]
    why = corpuskit("why", "out", named[0], cwd=tmp_path)
    figure(f"{dict(sorted(fates.items()))}")
    assert list(fates.values()).count("kept") == 3
    assert {reason for reason in fates.values() if reason != "kept"} <= {"read.unsupported", "read.unreadable"}
    assert why.returncode == 0
    assert "kept" in why.stdout


BOUND = """import ctypes, os, sys
if os.geteuid() == 0:
    for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root read everything, gone with the next exec
        if ctypes.CDLL(None, use_errno=True).prctl(24, right, 0, 0, 0):
            sys.exit("root keeps its rights: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a command as one who is bound by the rights of files, also where that is root."""


def bound(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command that may not read what its owner may not read."""
    arguments = [sys.executable, "-c", BOUND, *map(str, words)]
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.point("4-S5", "unreadable")
def test_a_file_that_may_not_be_read_costs_nothing_else(tmp_path: Path, figure: Figure) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text(good(1), "utf-8")
    (folder / "b.jsonl").write_text(good(2), "utf-8")
    (folder / "a.jsonl").chmod(0)
    tried = bound(sys.executable, "-c", "open('in/a.jsonl')", cwd=tmp_path)
    if "PermissionError" not in tried.stderr:
        pytest.skip(f"this user may read everything: {tried.stderr.strip()[-100:]}")
    run = bound(*command("process", "in", "-o", "out", "--quiet"), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    figure(f"below a folder: exit code {run.returncode}: {outcome(tmp_path / 'out')}")
    assert sorted(outcome(tmp_path / "out").values()) == ["kept", "kept", "read.unreadable"]
    # What is named itself was meant: the run stops before it writes anything.
    named = bound(*command("process", "in/a.jsonl", "in/b.jsonl", "-o", "named", "--quiet"), cwd=tmp_path)
    figure(f"by name: exit code {named.returncode}: {named.stderr.strip()!r}")
    assert (named.returncode, named.stderr) == (2, "error: in/a.jsonl: permission denied\n")
    assert not (tmp_path / "named").exists()


@pytest.mark.point("4-S5", "read error")
def test_a_disk_that_fails_stops_the_run_by_name(tmp_path: Path, figure: Figure) -> None:
    # Nothing is mapped at address 0, so the kernel answers the first read with EIO, as of a bad disk.
    (tmp_path / "a.jsonl").symlink_to("/proc/self/mem")
    (tmp_path / "b.jsonl").write_text(good(2), "utf-8")
    run = corpuskit("process", "a.jsonl", "b.jsonl", "-o", "out", "--quiet", cwd=tmp_path)
    figure(f"exit code {run.returncode}: {run.stderr.strip()!r}")
    assert "panicked" not in run.stderr
    assert run.returncode == 2
    assert run.stderr.startswith("error: a.jsonl: ")
    assert not (tmp_path / "out" / "manifest.json").exists(), "a run that stopped is not finished"


@pytest.mark.point("4-S5", "truncated")
def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path: Path, figure: Figure) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(good(400_000), "utf-8")
    child = subprocess.Popen(
        list(map(str, command("process", path, "-o", tmp_path / "out", "--threads", "1", "--quiet"))),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    os.truncate(path, 1000)
    _, said = child.communicate(timeout=120)
    figure(f"exit code {child.returncode}: {said.strip()[:160]!r}")
    assert "panicked" not in said
    assert child.returncode in (0, 1, 2)
    if child.returncode == 0:
        assert corpuskit("audit", tmp_path / "out").returncode == 0
    else:
        assert "in.jsonl" in said


@pytest.mark.point("4-S5", "depth")
def test_a_million_brackets_are_one_rejected_line(tmp_path: Path, figure: Figure) -> None:
    path = tmp_path / "deep.jsonl"
    lines = ["[" * 1_000_000, "[" * 1_000_000 + "]" * 1_000_000, '{"a":' * 1_000_000 + "1" + "}" * 1_000_000]
    path.write_text(good(2) + "\n".join(lines) + "\n", "utf-8")
    taken = measure(command("process", path, "-o", tmp_path / "out", "--quiet"))
    fates = outcome(tmp_path / "out")
    figure(f"{sorted(fates.values())}, {taken.anonymous / 1e6:.0f} MB (at most 300)")
    assert sorted(fates.values()) == ["kept", "kept", "parse.depth", "parse.depth", "parse.depth"]
    assert taken.anonymous <= LIMIT


@pytest.mark.point("4-S5", "output link")
def test_the_output_does_not_leave_its_folder_by_a_link(tmp_path: Path, figure: Figure) -> None:
    (tmp_path / "in.jsonl").write_text(good(3), "utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.txt").write_text("mine", "utf-8")
    (tmp_path / "out").symlink_to(elsewhere)
    first = corpuskit("process", "in.jsonl", "-o", "out", "--force", "--quiet", cwd=tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "data").symlink_to(elsewhere)
    second = corpuskit("process", "in.jsonl", "-o", "real", "--force", "--quiet", cwd=tmp_path)
    figure(f"exit codes {first.returncode}, {second.returncode}: {second.stderr.strip()[:120]!r}")
    assert (first.returncode, second.returncode) == (2, 2)
    assert [path.name for path in elsewhere.iterdir()] == ["precious.txt"]


PLANS = {
    "aliases": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{to}: &{to} [{', '.join([f'*{by}'] * 9)}]\n" for by, to in zip("abcdefgh", "bcdefghi", strict=True)),
    "nesting": "[" * 100_000,
    "keys": "".join(f"key{number}: 1\n" for number in range(200_000)),
    "number": "dedup: {near: {threshold: " + "9" * 100_000 + "}}\n",
    "file": "parse: {schemas: !include /etc/passwd}\n",
}


@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.point("4-S5", "plans")
def test_a_plan_that_means_harm_is_refused_at_once(kind: str, tmp_path: Path, figure: Figure) -> None:
    (tmp_path / "plan.yaml").write_text(PLANS[kind], "utf-8")
    start = time.monotonic()
    run = corpuskit("plan", "check", "plan.yaml", cwd=tmp_path, timeout=60)
    took = time.monotonic() - start
    figure(f"{kind}: exit code {run.returncode} after {took:.2f} s, {run.stderr.splitlines()[0][:90]!r}")
    assert run.returncode == 2
    assert "root:" not in run.stdout + run.stderr
    assert len(run.stderr) < 4_000
    assert took < 5


PACKS = {
    "states": "(?:a{1000}){1000}",
    "backtracking": "(a+)+x",
    "any": "(.*)*(.*)*(.*)*x",
}


@pytest.mark.parametrize("kind", PACKS)
@pytest.mark.point("4-S5", "packs")
def test_a_pack_cannot_hang(kind: str, tmp_path: Path, figure: Figure) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "evil.toml").write_text(evil(PACKS[kind]), "utf-8")
    start = time.monotonic()
    run = corpuskit("rules", "explain", "a" * 50_000 + "!", "--pack", folder / "evil.toml", timeout=60)
    took = time.monotonic() - start
    figure(f"{PACKS[kind]}: exit code {run.returncode} after {took:.2f} s {run.stderr.strip()[:100]!r}")
    assert "panicked" not in run.stderr
    assert took < 5
    assert run.returncode == 0 or run.stderr.startswith("error: ")


def evil(expression: str) -> str:
    """A pack of one rule."""
    return (
        'name = "evil"\ndescription = "A trap"\ncolumn = "evil"\nmode = "many"\nthreshold = 1.0\ntags = ["trap"]\n\n'
        f'[[rule]]\ntag = "trap"\nname = "trap"\nin = "user"\nregex = [{json.dumps(expression)}]\n'
        'match = ["aax"]\nmiss = ["b"]\n'
    )


@pytest.mark.point("4-S5", "standard input")
def test_an_endless_line_on_standard_input_stays_out_of_memory(tmp_path: Path, figure: Figure) -> None:
    source = f"import sys\nsys.stdout.write({good(2)!r})\nfor _ in range(400): sys.stdout.write('x' * (1 << 20))\n"
    feeder = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
    assert feeder.stdout is not None
    run = subprocess.run(
        list(map(str, command("process", "-", "-o", tmp_path / "out", "--quiet"))),
        stdin=feeder.stdout,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    feeder.stdout.close()
    feeder.wait(10)
    fates = outcome(tmp_path / "out")
    figure(f"exit code {run.returncode}: {sorted(fates.values())}")
    assert run.returncode == 0
    assert sorted(fates.values()) == ["kept", "kept", "read.too_long"]


@pytest.mark.point("4-S5", "JSON corpus")
def test_json_is_judged_as_its_standard_says(figure: Figure) -> None:
    outcomes: Counter[str] = Counter()
    agreed = 0
    for case in test_json.cases():
        text = test_json.document(case)
        reason, _, anew = _core.json_check(text)
        outcome = (reason or "ok").removeprefix("parse.")
        assert outcome == case["outcome"], case["name"]
        outcomes["valid" if outcome == "ok" else outcome] += 1
        reads, value = test_json.python_reads(text)
        # Where Python reads more, a policy of its own decides; where both read, they read the same.
        assert reads or reason is not None, case["name"]
        assert not reads or reason is None or outcome in test_json.STRICTER, case["name"]
        if reason is None:
            assert repr(json.loads(anew)) == repr(value), case["name"]
            agreed += 1
    figure(f"{outcomes.total()} documents: {dict(outcomes.most_common())}; {agreed} read as Python's json reads them")
    assert outcomes.total() >= 300


@pytest.mark.slow
@pytest.mark.point("4-S5", "fuzzers")
def test_ten_minutes_of_fuzzing(figure: Figure) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed: the fuzzers are tests of the Rust workspace")
    done = subprocess.run(
        ["cargo", "test", "--release", "--package", "corpuskit-core", "--test", "fuzz", "--", "--nocapture"],
        cwd=ROOT,
        env={"CORPUSKIT_FUZZ_SECONDS": "600", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if " tries, memory grew by " in line:
            figure(" ".join(line.split()))
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
