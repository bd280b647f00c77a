"""The verbs beside `process` as functions."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from corpuskit import _core, _effective
from corpuskit._core import EffectivePlan
from corpuskit._plan_face import AnyPlan
from corpuskit.sources import PathLike, PathLikes, input_list

if TYPE_CHECKING:
    from corpuskit.labelling import Labeller

__all__ = ["Converted", "audit", "convert", "explain_drops", "normalise_text", "peek", "tag", "why"]

Target = Literal["messages", "openai", "alpaca", "sharegpt", "prompt_completion", "own"]
"""What records are converted to; `own` is the schema that each came in."""


def effective(plan: AnyPlan | EffectivePlan) -> EffectivePlan:
    """The effective plan of whatever stands for one."""
    return plan if isinstance(plan, EffectivePlan) else _effective.resolve(plan)


def normalise_text(text: str, plan: AnyPlan | EffectivePlan = None) -> str:
    r"""A text as the stage `normalise` would leave it.

    Args:
        text: Any text.
        plan: Its section `normalise` decides; the default plan if None.

    Returns:
        The text, itself if nothing had to be changed.

    Raises:
        PlanError: The plan is wrong.

    Example:
        >>> normalise_text("Itâ€™s\u200b here  \r\n")
        'It’s here\n'
    """
    changed, _ = _core.normalise_text(text, effective(plan))
    return changed


def peek(inputs: PathLikes, *, plan: AnyPlan | EffectivePlan = None, seconds: float = 4.0) -> dict[str, Any]:
    r"""What is in there: containers, schemas, counts, rejects, three samples of each schema.

    Args:
        inputs: Files, folders, globs, or `-` for standard input.
        plan: Its sections `read` and `parse` decide.
        seconds: Time to spend; what it does not suffice for is estimated, and marked so.

    Returns:
        Plain data; `exact` says whether everything was counted.

    Raises:
        InputError: An input is missing.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "in.jsonl"
        >>> _ = path.write_text('{"prompt": "2+2?", "completion": "4"}\n')
        >>> found = peek(path)
        >>> found["records"]["count"], found["schemas"][0]["family"], found["exact"]
        (1, 'prompt_completion', True)
    """
    found: dict[str, Any] = json.loads(_core.peek(effective(plan), input_list(inputs), seconds=seconds))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What `convert` did: `units = empty + written + the sum of refused`."""

    units: int
    """Units read."""

    empty: int
    """Units of white space."""

    written: int
    """Lines written."""

    refused: Mapping[str, int]
    """Units that were not converted, by reason."""

    shown: tuple[Mapping[str, str], ...]
    """The first of them: origin, reason, detail."""


def convert(
    inputs: PathLikes,
    output: PathLike | None,
    *,
    to: Target,
    plan: AnyPlan | EffectivePlan = None,
    refused: PathLike | None = None,
    force: bool = False,
) -> Converted:
    r"""Writes any input, or the records of a run folder, in another form or in their own schema again.

    Args:
        inputs: Files, folders, globs, run folders, or `-` for standard input.
        output: A JSONL file, or None for standard output.
        to: The form; `own` is the schema that each record came in.
        plan: Its sections `read` and `parse` decide.
        refused: A JSONL file for what cannot be converted: origin, reason, detail.
        force: Overwrite the files.

    Returns:
        The counts. What cannot be converted without loss is refused with a reason, never left out silently.

    Raises:
        InputError: An input is missing.
        OutputError: A file exists already.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n')
        >>> convert(folder / "in.jsonl", folder / "out.jsonl", to="openai").written
        1
    """
    answer = json.loads(
        _core.convert(
            effective(plan),
            input_list(inputs),
            None if output is None else os.fspath(output),
            to=to,
            refused=None if refused is None else os.fspath(refused),
            force=force,
        )
    )
    return Converted(**{**answer, "shown": tuple(answer["shown"])})


def audit(folder: PathLike) -> dict[str, Any]:
    """Counts a finished run folder again and compares digests and conservation sums with its manifest.

    Args:
        folder: The run folder.

    Returns:
        Plain data: `holds`, `problems` (file first), `files`, `bytes`, `counted`, `unknown` (files that are not the run's).

    Raises:
        OutputError: The folder has no manifest, so the run is not finished.

    Example:
        >>> import pathlib, tempfile
        >>> from corpuskit import Pipeline
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\\n')
        >>> _ = Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> audit(folder / "out")["holds"]
        True
    """
    found: dict[str, Any] = json.loads(_core.audit(os.fspath(folder)))
    return found


def why(folder: PathLike, origin: str) -> dict[str, Any]:
    """The life of one record: where it came from, what changed, the verdict, whom it doubles.

    Args:
        folder: The run folder.
        origin: As `_origin` and the other files name it, e.g. `raw/a.jsonl:7`.

    Returns:
        Plain data: `origin`, `fate` (with its `verdict`), `source` (its state today, and each change run again).

    Raises:
        OutputError: The folder is not a finished run, or knows no such origin.

    Example:
        >>> import pathlib, tempfile
        >>> from corpuskit import Pipeline
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\\n' * 2)
        >>> _ = Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> why(folder / "out", f"{folder}/in.jsonl:2")["fate"]["verdict"]
        'duplicate'
    """
    found: dict[str, Any] = json.loads(_core.why(os.fspath(folder), origin))
    return found


def tag(folder: PathLike, plan: AnyPlan | EffectivePlan = None, *, function: Labeller | None = None) -> dict[str, Any]:
    """Labels a finished run anew, from what its folder holds: the raw input is not needed.

    Columns, report and manifest are replaced (and the records, where labels stand in them) when all is written; rows
    keep their places. A call that is cut short leaves the folder as it was, or is finished by the next one.

    Args:
        folder: The run folder; its records are in form `messages`.
        plan: Its section `tag` counts: the packs, declared sources, language.
        function: Gives labels of its own. It takes a `pyarrow.RecordBatch` of records and returns a mapping, or a batch
            or table, of column to one value a record: a text, a list of texts, or None. They stand in `columns/` only.

    Returns:
        Plain data: `records`, `labels` (kept records by label column and tag), `digest` of the new manifest.

    Raises:
        OutputError: The folder is not a finished run, or holds another form.
        PlanError: A pack cannot be used, or the function fills a column that is filled already.
        InputError: The function returns what are no labels.

    Example:
        >>> import pathlib, tempfile
        >>> from corpuskit import Pipeline
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"prompt": "I feel so lonely", "completion": "Tell me more."}\\n')
        >>> _ = Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> tag(folder / "out", {"tag": {"packs": ["cue"]}})["labels"]["cue"]
        {'emotional': 1}
        >>> def turns(batch):
        ...     return {"length": ["long" if len(turns) > 2 else "short" for turns in batch["messages"].to_pylist()]}
        >>> tag(folder / "out", function=turns)["labels"]["length"]
        {'short': 1}
    """
    chosen = effective(plan)
    if function is None:
        return dict(json.loads(_core.tag(chosen, os.fspath(folder))))
    from corpuskit.finished import read_run
    from corpuskit.labelling import write_labels

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as file:
        own = {**write_labels(read_run(folder), function, file), "path": file.name}
        return dict(json.loads(_core.tag(chosen, os.fspath(folder), json.dumps(own, ensure_ascii=False))))


def explain_drops(folder: PathLike, most: int = 3) -> list[dict[str, Any]]:
    """Examples of what a run did not keep, by reason.

    Args:
        folder: The run folder.
        most: Examples of a reason, the first ones in input order.

    Returns:
        One mapping a reason: `reason`, `count`, `examples` (`origin`, `evidence` as JSON, `text`), dropped records
        before rejected units.

    Raises:
        OutputError: The folder is not a finished run.

    Example:
        >>> import pathlib, tempfile
        >>> from corpuskit import Pipeline
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": ""}\\n')
        >>> _ = Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> [(row["reason"], row["count"]) for row in explain_drops(folder / "out")]
        [('filter.length.short', 1)]
    """
    found: list[dict[str, Any]] = json.loads(_core.drop_examples(os.fspath(folder), most))
    return found
