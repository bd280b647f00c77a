"""Time and memory of a child process, as the operating system counts them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measure:
    """What a child process took."""

    cpu: float
    """User plus system time of the whole process, its start included, in seconds."""

    wall: float
    """Elapsed time, in seconds."""

    anonymous: int
    """Peak of the anonymous resident memory (RssAnon), in bytes: mapped file pages do not count."""


def anonymous_memory(pid: int) -> int:
    """The anonymous resident memory of a process now, in bytes (0 once it has ended)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0)


def measure(command: Sequence[str | Path], *, every: float = 0.01) -> Measure:
    """Runs a command to its end; raises if it fails."""
    peak = 0
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=errors)
        ended = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(every):
                peak = max(peak, anonymous_memory(child.pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        ended.set()
        watcher.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            message = errors.read().decode("utf-8", "replace")
            raise RuntimeError(f"{command[0]} ended with exit code {child.returncode}: {message}")
    return Measure(usage.ru_utime + usage.ru_stime, wall, peak)


def corpuskit(*arguments: str | Path) -> list[str | Path]:
    """The command line of this interpreter's corpuskit."""
    return [sys.executable, "-m", "corpuskit", *arguments]


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder on a memory file system where there is one, so that no disk is measured."""
    shared = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None, prefix="corpuskit-") as name:
        yield Path(name)


def machine() -> str:
    """The machine in words: processor, cores it may use."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores"
