"""Every exception that corpuskit raises.

All are `CorpuskitError`; each also has the built-in kind that fits (`ValueError` for what the caller
can mend, `RuntimeError` for the rest). What went wrong is in fields, so that nobody has to take a
message apart. A failed system call stays an `OSError` (`FileNotFoundError`, `PermissionError`, …) and
Ctrl-C stays `KeyboardInterrupt`.
"""

from __future__ import annotations

__all__ = [
    "CheckError",
    "CorpuskitError",
    "InputError",
    "InternalError",
    "OutputError",
    "PlanError",
    "StrictError",
]


class CorpuskitError(Exception):
    """The root of corpuskit's exceptions.

    Attributes:
        hint: What to try, or None where nothing is likely to help.

    Example:
        >>> import corpuskit
        >>> try:
        ...     corpuskit.Pipeline({"version": 2})
        ... except corpuskit.CorpuskitError as error:
        ...     print(type(error).__name__)
        PlanError
    """

    hint: str | None = None


class _PlacedError(CorpuskitError, ValueError):
    """An error at a named place: `<place>: <problem>`."""

    def __init__(self, place: str, problem: str, hint: str | None = None) -> None:
        super().__init__(place, problem, hint)
        self._place = place
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self._place}: {self.problem}"


class PlanError(_PlacedError):
    """A setting is wrong; found before the first byte is written.

    Attributes:
        at: The setting (`filter.length.min_chars`) or the place in the file (`plan.yaml:3:5`).
        problem: What is wrong and what was expected.
    """

    @property
    def at(self) -> str:
        """The setting or the place in the plan file."""
        return self._place


class InputError(_PlacedError):
    """An input is missing, unreadable, inside the output, or not what it was.

    Attributes:
        path: The input as the caller named it.
        problem: What is wrong.
    """

    @property
    def path(self) -> str:
        """The input as the caller named it."""
        return self._place


class OutputError(_PlacedError):
    """The output folder cannot be used.

    Attributes:
        path: The output folder or a file in it.
        problem: What is wrong.
    """

    @property
    def path(self) -> str:
        """The output folder or a file in it."""
        return self._place


class StrictError(CorpuskitError, ValueError):
    """A record has a defect whose policy is `strict`, so the run stopped.

    Attributes:
        origin: The record.
        reason: The reason code, as in `docs/reference/reasons.md`.
    """

    def __init__(self, origin: str, reason: str, hint: str | None = None) -> None:
        super().__init__(origin, reason, hint)
        self.origin = origin
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}, and the policy is `strict`"


class CheckError(CorpuskitError, RuntimeError):
    """A sum did not add up, or a file of a run folder is not what the manifest says."""


class InternalError(CorpuskitError, RuntimeError):
    """A broken promise of corpuskit's own code; never the caller's fault."""
