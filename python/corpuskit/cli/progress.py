"""The progress of a run: one line that is rewritten on a terminal, a plain line every ten seconds elsewhere."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from corpuskit._core import Progress
from corpuskit.cli.terminal import duration, is_terminal, size

EVERY_ON_TERMINAL = 0.2
"""Seconds between two states of the line."""

EVERY_ELSEWHERE = 10.0
"""Seconds between two lines in a log."""


class ProgressLine:
    """Shows the progress of a run; call it with each `Progress`.

    Args:
        stream: Where to write; standard error if None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = is_terminal(self._stream)
        self._next = EVERY_ON_TERMINAL if self._terminal else EVERY_ELSEWHERE
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        """Shows the state if it is time to."""
        if progress.seconds < self._next:
            return
        self._next = progress.seconds + (EVERY_ON_TERMINAL if self._terminal else EVERY_ELSEWHERE)
        line = describe(progress)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[K" + line[:width])
            self._shown = True
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Takes the line off the terminal."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def describe(progress: Progress) -> str:
    """The progress in one line: how far, how fast, what becomes of the records, time left.

    Example:
        >>> from types import SimpleNamespace
        >>> describe(SimpleNamespace(
        ...     bytes=50_000_000, bytes_total=200_000_000, records=1000, kept=900, dropped=0, duplicates=100,
        ...     rejected=1, seconds=2.0, rate=500.0, phase="process",
        ... ))
        '25 %  50.0 MB of 200 MB  1,000 records  500/s  kept 90.0 %  duplicates 10.0 %  rejected 1  6.0 s left'
    """
    parts: list[str] = []
    total = progress.bytes_total
    if total:
        parts.append(f"{min(progress.bytes / total, 1):.0%}".replace("%", " %"))
        parts.append(f"{size(progress.bytes)} of {size(total)}")
    else:
        parts.append(size(progress.bytes))
    parts.append(f"{progress.records:,} records")
    parts.append(f"{progress.rate:,.0f}/s")
    for name, count in (("kept", progress.kept), ("dropped", progress.dropped), ("duplicates", progress.duplicates)):
        if count:
            parts.append(f"{name} {100 * count / max(progress.records, 1):.1f} %")
    if progress.rejected:
        parts.append(f"rejected {progress.rejected:,}")
    if progress.phase == "finish":
        parts.append("closing the shards")
    elif total and progress.bytes and progress.seconds:
        parts.append(f"{duration((total - progress.bytes) * progress.seconds / progress.bytes)} left")
    return "  ".join(parts)
