"""Exit codes, and what becomes of an error: one definition for `corpuskit` and for `train/run.py`."""

from __future__ import annotations

import os

from corpuskit.cli.terminal import complain
from corpuskit.errors import CheckError, CorpuskitError

DONE = 0
CHECK_FAILED = 1
NOT_RUN = 2
INTERRUPTED = 130


def explain(error: KeyboardInterrupt | CorpuskitError | OSError, again: str | None) -> int:
    """Says what went wrong and returns the exit code for it.

    Args:
        error: What stopped the command.
        again: How an interrupted command is continued.
    """
    if isinstance(error, KeyboardInterrupt):
        complain("interrupted", again)
        return INTERRUPTED
    if isinstance(error, CorpuskitError):
        complain(str(error), error.hint)
        return CHECK_FAILED if isinstance(error, CheckError) else NOT_RUN
    name = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
    complain(f"{name}{(error.strerror or str(error)).lower()}", None)
    return NOT_RUN
