"""Labels by a Python function over Arrow batches, beside those of the rule packs."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from corpuskit import _extra
from corpuskit.errors import InputError, PlanError
from corpuskit.finished import Run

__all__ = ["Labeller", "find_function", "write_labels"]

Labeller = Callable[[Any], Any]
"""Takes a `pyarrow.RecordBatch` of records; returns a mapping (or a batch or table) of column to one value a record: a
text, a list of texts, or None."""


class Column:
    """The tags of a column, numbered in the order in which they first come."""

    __slots__ = ("name", "one", "tags")

    def __init__(self, name: str) -> None:
        self.name = name
        self.one: bool | None = None
        self.tags: dict[str, int] = {}

    def numbers(self, value: Any, function: str) -> Iterator[int]:
        """The numbers of a record's tags.

        Raises:
            InputError: The value is no label.
        """
        if value is None:
            return
        one = isinstance(value, str)
        tags = [value] if one else value
        if not one and not isinstance(value, (list, tuple, set, frozenset)):
            raise InputError(function, f"`{self.name}` holds {value!r}, expected a text, a list of texts or None")
        if self.one is None:
            self.one = one
        if self.one != one:
            raise InputError(function, f"`{self.name}` holds texts and lists, expected one of them in all records")
        for tag in tags if one or isinstance(value, (list, tuple)) else sorted(tags, key=repr):
            if not isinstance(tag, str) or not tag:
                raise InputError(function, f"`{self.name}` holds the tag {tag!r}, expected a text that is not empty")
            yield self.tags.setdefault(tag, len(self.tags))


def write_labels(run: Run, function: Labeller, file: IO[str]) -> dict[str, Any]:
    """Calls the function on all records of a run and writes a line of column and tag numbers for each.

    Args:
        run: A finished run.
        function: See `Labeller`.
        file: Where the lines go.

    Returns:
        What the core needs to read them: `by`, `manifest`, `columns`.

    Raises:
        InputError: pyarrow is not installed, or the function returns what are no labels.
    """
    _extra.require("arrow", "pyarrow")
    import pyarrow

    name = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', type(function).__qualname__)}"
    columns: dict[str, Column] = {}
    digest = run.manifest["digest"]
    for batch in run.batches():
        records = pyarrow.record_batch(batch)
        answer = columns_of(function(records), records.num_rows, name)
        for column in answer:
            columns.setdefault(column, Column(column))
        order = {column: number for number, column in enumerate(columns)}
        for row in range(records.num_rows):
            pairs = [
                (order[column], tag)
                for column, values in answer.items()
                for tag in columns[column].numbers(values[row], name)
            ]
            file.write(json.dumps(pairs, separators=(",", ":")) + "\n")
    file.flush()
    described = [{"name": c.name, "one": c.one is not False, "tags": list(c.tags)} for c in columns.values()]
    return {"by": name, "manifest": digest, "columns": described}


def columns_of(answer: Any, rows: int, function: str) -> dict[str, list[Any]]:
    """What a function returned as lists, one value a record.

    Raises:
        InputError: It is no mapping of columns, or has more or fewer values than there are records.
    """
    import pyarrow

    if hasattr(answer, "__arrow_c_stream__") or hasattr(answer, "__arrow_c_array__"):
        answer = pyarrow.table(answer).to_pydict()
    if not isinstance(answer, Mapping):
        raise InputError(function, f"returned {type(answer).__name__}, expected a mapping of column to values")
    found = {}
    for column, values in answer.items():
        if not isinstance(column, str) or not isinstance(values, Iterable) or isinstance(values, str):
            raise InputError(function, f"`{column}` holds {type(values).__name__}, expected one value a record")
        found[column] = values.to_pylist() if hasattr(values, "to_pylist") else list(values)
        if len(found[column]) != rows:
            raise InputError(function, f"`{column}` has {len(found[column]):,} values for {rows:,} records")
    return found


def find_function(name: str) -> Labeller:
    """The function that `labels.py:mood` or `package.module:mood` names.

    Raises:
        PlanError: There is none.
    """
    place, _, wanted = name.rpartition(":")
    if not place or not wanted:
        raise PlanError("--with", f"names no function: `{name}`", "write FILE.py:NAME or MODULE:NAME")
    try:
        if place.endswith(".py"):
            path = Path(place)
            found = importlib.util.spec_from_file_location(path.stem, path)
            if found is None or found.loader is None or not path.is_file():
                raise PlanError("--with", f"`{place}` is not a file")
            module = importlib.util.module_from_spec(found)
            sys.modules.setdefault(path.stem, module)
            found.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
    except ImportError as error:
        raise PlanError("--with", f"`{place}` cannot be imported: {error}") from error
    function = getattr(module, wanted, None)
    if not callable(function):
        raise PlanError("--with", f"`{place}` has no function `{wanted}`")
    return function  # type: ignore[no-any-return]
