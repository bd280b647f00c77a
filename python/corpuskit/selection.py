"""What of a run folder is trained on, how often, in which order."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from corpuskit import _core
from corpuskit.verbs import effective

if TYPE_CHECKING:
    from corpuskit._core import EffectivePlan
    from corpuskit._plan_face import AnyPlan
    from corpuskit.pipeline import PathLike

__all__ = ["mix", "read_selection"]


def mix(
    folder: PathLike,
    output: PathLike,
    *,
    plan: AnyPlan | EffectivePlan = None,
    tokens: PathLike | None = None,
    materialise: bool = False,
    force: bool = False,
    threads: int | None = None,
) -> dict[str, Any]:
    r"""Selects from a run folder: validation split, phases with replay, order. Reads its columns only.

    Args:
        folder: A finished run folder.
        output: The folder of the selection: `selection.parquet`, `selection.json`.
        plan: Its sections `mix` and `curriculum` decide.
        tokens: A token store to count trained tokens from; else those that `corpuskit count` wrote, else they are
            estimated from characters.
        materialise: Write the records too, a JSONL file a phase, in `data/`.
        force: Replace a selection that is there.
        threads: Threads that read columns; all cores if None.

    Returns:
        `selection.json`: what was asked and achieved, by phase and category; `notes` says what could not be reached.

    Raises:
        PlanError: The plan cannot be met (and says that this is an error), or a phase wants categories and no record has one.
        InputError: The folder is no finished run.
        OutputError: The output is there already.

    Example:
        >>> import pathlib, tempfile
        >>> from corpuskit import Pipeline
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text("".join(f'{{"prompt": "{n}?", "completion": "{n}"}}\n' for n in range(8)))
        >>> _ = Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> asked = {"mix": {"unit": "examples", "split": {"validation": 0.25}}, "curriculum": {"phases": []}}
        >>> account = mix(folder / "out", folder / "selection", plan=asked)
        >>> account["validation"]["records"], account["phases"][0]["records"]
        (2, 6)
    """
    account: dict[str, Any] = json.loads(
        _core.mix(
            effective(plan),
            os.fspath(folder),
            os.fspath(output),
            tokens=None if tokens is None else os.fspath(tokens),
            materialise=materialise,
            force=force,
            threads=threads or os.cpu_count() or 1,
        )
    )
    return account


def read_selection(folder: PathLike) -> dict[str, Any]:
    """`selection.json` of a selection, checked against its digest.

    Raises:
        InputError: It is not a selection of this version.
        CheckError: It was changed.
    """
    account: dict[str, Any] = json.loads(_core.selection_account(os.fspath(folder)))
    return account
