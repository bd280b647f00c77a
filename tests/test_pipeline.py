"""Pipeline from Python: the same answer as the command line, no lock held, clean ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import corpuskit
from corpuskit import InputError, Pipeline, PlanError, StrictError
from support import SAMPLE, RunFolder

LINE = '{{"messages":[{{"role":"user","content":"question {0}"}},{{"role":"assistant","content":"answer {0} {1}"}}]}}\n'


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of 60,000 records, each its own."""
    path = tmp_path / "many.jsonl"
    path.write_text("".join(LINE.format(number, "word " * (number % 50)) for number in range(60_000)), "utf-8")
    return path


def test_iterate_gives_what_process_keeps(tmp_path: Path) -> None:
    plan = {"dedup": {"exact": True}}
    report = Pipeline(plan).process(SAMPLE, tmp_path / "out")
    kept = RunFolder(tmp_path / "out").records()
    with Pipeline(plan).iterate(SAMPLE) as records:
        assert list(records) == kept
    assert len(kept) == report.records["kept"]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_iterate_is_in_input_order_for_any_number_of_threads(many: Path, threads: int) -> None:
    with Pipeline().iterate(many, threads=threads, limit=30_000) as records:
        questions = [record["messages"][0]["content"] for record in records]
    assert questions == [f"question {number}" for number in range(30_000)]


def test_iterate_can_be_left_early(many: Path) -> None:
    before = threading.active_count()
    with Pipeline().iterate(many) as records:
        assert next(records)["messages"][0]["content"] == "question 0"
    assert list(records) == []
    records.close()
    assert threading.active_count() == before


def test_an_iterator_that_is_forgotten_ends_its_threads(many: Path) -> None:
    def alive() -> list[str]:
        tasks = Path("/proc/self/task")
        if not tasks.is_dir():
            pytest.skip("no /proc to list threads in")
        names = [(task / "comm").read_text("utf-8").strip() for task in tasks.iterdir()]
        return [name for name in names if name.startswith("corpuskit")]

    records = Pipeline().iterate(many)
    next(records)
    assert alive()
    del records
    deadline = time.monotonic() + 10
    while alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert alive() == []


def test_a_slow_reader_holds_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(150):
            file.write(LINE.format(number, "x" * 1_000_000))
    code = (
        "import sys, corpuskit\n"
        "def anonymous():\n"
        "    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('RssAnon'))\n"
        "import time\n"
        "peak = 0\n"
        "for record in corpuskit.Pipeline().iterate(sys.argv[1], threads=2):\n"
        "    time.sleep(0.01)\n"
        "    peak = max(peak, anonymous())\n"
        "print(peak)\n"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc to read memory from")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 140_000, "kilobytes, of a file of 150,000"


def test_the_lock_is_released(many: Path, tmp_path: Path) -> None:
    turns = 0
    over = threading.Event()

    def count() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        start, before = time.monotonic(), turns
        Pipeline().process(many, tmp_path / "out")
        seconds, counted = time.monotonic() - start, turns - before
    finally:
        over.set()
        thread.join()
    # Were it held, the other thread would not turn at all.
    assert counted >= seconds * 20


def test_progress_is_called_on_this_thread_and_ends_at_the_total(many: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = Pipeline().process(
        many, tmp_path / "out", progress=lambda state: seen.append((threading.get_ident(), state.records))
    )
    assert {thread for thread, _ in seen} == {threading.get_ident()}
    assert seen[-1][1] == report.records["records"] == 60_000
    assert [count for _, count in seen] == sorted(count for _, count in seen)


def test_what_progress_raises_stops_the_run_and_the_same_call_continues(many: Path, tmp_path: Path) -> None:
    class Enough(Exception):  # noqa: N818
        pass

    def stop(_: Any) -> None:
        raise Enough

    with pytest.raises(Enough):
        Pipeline().process(many, tmp_path / "out", progress=stop)
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert Pipeline().process(many, tmp_path / "out").records["kept"] == 60_000


@pytest.mark.parametrize(
    "work",
    ["corpuskit.Pipeline().process(sys.argv[1], sys.argv[2])", "list(corpuskit.Pipeline().iterate(sys.argv[1]))"],
)
def test_ctrl_c_is_heard_within_a_moment(tmp_path: Path, work: str) -> None:
    # A pipe that nobody writes to: the run waits for input, so it cannot be over before the signal.
    pipe = tmp_path / "input"
    code = (
        "import sys, os, signal, threading, time, corpuskit\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "start = time.monotonic()\n"
        f"try:\n    {work}\n"
        "except KeyboardInterrupt:\n    print(time.monotonic() - start)\n"
    )
    with pipe.open("w", encoding="utf-8") as file:
        file.writelines(LINE.format(number, "word " * 50) for number in range(400_000))
    done = subprocess.run(
        [sys.executable, "-c", code, str(pipe), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout, f"it was over before the signal, or it did not hear it: {done.stderr}"
    assert float(done.stdout) < 2


def test_a_fork_can_run_a_pipeline_of_its_own(tmp_path: Path) -> None:
    list(Pipeline().iterate(SAMPLE / "gsm8k"))
    child = os.fork()
    if child == 0:
        kept = sum(1 for _ in Pipeline().iterate(SAMPLE / "gsm8k"))
        os._exit(0 if kept else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_iterator_does_not_cross_a_fork(many: Path) -> None:
    records = Pipeline().iterate(many)
    next(records)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            for _ in records:
                pass
        except InputError as error:
            os._exit(0 if "fork" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    records.close()


def test_errors_are_raised_where_the_records_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(LINE.format(1, "") + "broken\n", "utf-8")
    with Pipeline({"parse": {"syntax": "strict"}}).iterate(path) as records, pytest.raises(StrictError) as caught:
        list(records)
    assert (caught.value.origin, caught.value.reason) == (f"{path}:2", "parse.syntax")
    with pytest.raises(InputError, match="nowhere"):
        list(Pipeline().iterate(tmp_path / "nowhere.jsonl"))


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    report = Pipeline().process(SAMPLE, None, dry_run=True)
    assert report.output is None
    assert report.digest is None
    assert report.holds
    assert report.records == Pipeline().process(SAMPLE, tmp_path / "out").records
    with pytest.raises(PlanError, match="output"):
        Pipeline().process(SAMPLE, None)


def test_a_report_is_a_table_and_json(tmp_path: Path) -> None:
    report = Pipeline().process(SAMPLE, tmp_path / "out")
    assert "sums hold" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["report"] == RunFolder(tmp_path / "out").json("report")


def test_threads_must_be_a_number_from_one(many: Path) -> None:
    with pytest.raises(PlanError, match="threads"):
        Pipeline().process(many, None, dry_run=True, threads=0)


def test_peek_convert_and_normalise_are_functions(tmp_path: Path) -> None:
    found = corpuskit.peek(SAMPLE)
    assert found["records"]["count"] == Pipeline().process(SAMPLE, None, dry_run=True).records["records"]
    done = corpuskit.convert(SAMPLE / "gsm8k", tmp_path / "out.jsonl", to="alpaca")
    assert done.units == done.empty + done.written + sum(done.refused.values())
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == done.written > 0
    assert corpuskit.normalise_text("already clean") == "already clean"
