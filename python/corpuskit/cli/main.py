"""Runs a verb and turns what goes wrong into a message and an exit code.

Exit codes: 0 done, 1 done but a check failed, 2 not run, 130 interrupted. A closed pipe is 0.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from corpuskit.cli import parser as command_line
from corpuskit.cli.terminal import complain
from corpuskit.errors import CheckError, CorpuskitError

DONE = 0
CHECK_FAILED = 1
NOT_RUN = 2
INTERRUPTED = 130


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
    except KeyboardInterrupt:
        complain("interrupted", "run the same command again to continue" if "process" in arguments[:1] else None)
        return INTERRUPTED
    except CheckError as error:
        complain(str(error), error.hint)
        return CHECK_FAILED
    except CorpuskitError as error:
        complain(str(error), error.hint)
        return NOT_RUN
    except BrokenPipeError:
        raise
    except OSError as error:
        name = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        complain(f"{name}{(error.strerror or str(error)).lower()}", None)
        return NOT_RUN
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else NOT_RUN
