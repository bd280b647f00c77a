"""A training folder, read: `run.json` and `log.jsonl`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.errors import InputError

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a training run wrote down."""

    folder: Path
    card: Row
    """`run.json`: settings, phases, ledger, what was proved."""
    steps: list[Row]
    evaluations: list[Row]
    guards: list[Row]
    """Steps that were broken, with their documents."""
    end: Row | None
    """None while the run is not finished."""


def read_run(folder: str | os.PathLike[str]) -> Run:
    """Reads a training folder.

    Args:
        folder: The output of `train/run.py`, finished or not.

    Raises:
        InputError: It is none.
    """
    path = Path(folder)
    card, log = path / "run.json", path / "log.jsonl"
    if not (card.is_file() and log.is_file()):
        hint = "`report.html` in it is the report of `corpuskit process`" if (path / "report.html").exists() else None
        raise InputError(str(path), "is no training folder: it has no run.json and log.jsonl", hint)
    rows = []
    for number, line in enumerate(log.read_text("utf-8").splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            if number < len(log.read_text("utf-8").splitlines()):
                raise InputError(f"{log}:{number}", "is no JSON line") from error
    kinds = {kind: [row for row in rows if row["event"] == kind] for kind in ("step", "eval", "guard", "end")}
    return Run(
        folder=path,
        card=json.loads(card.read_text("utf-8")),
        steps=kinds["step"],
        evaluations=kinds["eval"],
        guards=kinds["guard"],
        end=kinds["end"][-1] if kinds["end"] else None,
    )
