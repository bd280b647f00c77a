"""What is written to the terminal: messages, numbers, emphasis."""

from __future__ import annotations

import os
import sys

# As `typing` has it, whose import costs more than all that is imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def complain(problem: str, hint: str | None) -> None:
    """Writes `error: …` and, after a blank line, `hint: …` to standard error."""
    red, cyan, plain = ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") if colours(sys.stderr) else ("", "", "")
    text = f"{red}error{plain}: {problem}\n"
    if hint:
        text += f"\n{cyan}hint{plain}: {hint}\n"
    sys.stderr.write(text)


def say(text: str) -> None:
    """Writes data to standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colours(stream: TextIO) -> bool:
    """Whether colour is wanted (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def size(count: float) -> str:
    """Bytes as people say them (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
