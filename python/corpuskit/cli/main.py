"""Runs a verb and turns what goes wrong into a message and an exit code.

Exit codes: 0 done, 1 done but a check failed, 2 not run, 130 interrupted. A closed pipe is 0.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from corpuskit.cli import parser as command_line
from corpuskit.cli.codes import DONE, NOT_RUN, explain
from corpuskit.errors import CorpuskitError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: Without the program's name; the process's own if None.

    Returns:
        0 done, 1 done but a check failed, 2 not run, 130 interrupted.

    Example:
        >>> main(["plan", "check", "--set", "parse.max_depth=9"])
        the plan is valid
        0
    """
    try:
        code = run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def run(arguments: list[str]) -> int:
    """Parses, runs, and explains what went wrong."""
    try:
        options = command_line.parse(arguments)
        return int(options.run(options))
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, CorpuskitError, OSError) as error:
        return explain(error, "run the same command again to continue" if "process" in arguments[:1] else None)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else NOT_RUN
