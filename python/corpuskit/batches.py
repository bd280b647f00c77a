"""Records as Arrow columns: what polars, pyarrow, duckdb and `datasets` read without a copy."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _extra
from corpuskit.errors import InputError

if TYPE_CHECKING:
    from corpuskit._core import ArrowBatch, BatchReader

__all__ = ["Batches"]


class Batches:
    """Records as columns, read when somebody asks for them, a few thousand rows at a time.

    Any library that speaks Arrow takes it as it is: `polars.DataFrame(batches)`, `pyarrow.table(batches)`, in SQL
    `duckdb.sql("select * from batches")`. Pointers change hands; no value is copied. Each reader begins anew.

    Example:
        >>> import pyarrow
        >>> from corpuskit import Pipeline
        >>> batches = Pipeline().batches([{"prompt": "2+2?", "completion": "4"}])
        >>> [turn["content"] for turn in pyarrow.table(batches)["messages"][0].as_py()]
        ['2+2?', '4']
    """

    __slots__ = ("_again", "_closed", "_first", "_open")

    def __init__(self, open_reader: Callable[[], BatchReader], *, again: bool = True) -> None:
        self._open = open_reader
        self._again = again
        self._first: BatchReader | None = None
        self._closed = False

    def _look(self) -> BatchReader:
        """A reader at its beginning."""
        if self._first is None:
            if self._closed and not self._again:
                hint = "a generator gives its records once; hand over a list or a file to read them again"
                raise InputError("batches", "were read already", hint)
            self._first = self._open()
            self._closed = True
        return self._first

    def _take(self) -> BatchReader:
        reader = self._look()
        self._first = None
        return reader

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """All batches, as a capsule of Arrow's C stream interface."""
        return self._take().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """The types of the columns, as a capsule of Arrow's C data interface."""
        return self._look().__arrow_c_schema__()

    def __iter__(self) -> Iterator[ArrowBatch]:
        """Batch by batch; each has `__arrow_c_array__` and a length."""
        reader = self._take()
        with contextlib.closing(reader):
            while (batch := reader.next_batch()) is not None:
                yield batch

    def to_hf_dataset(self, path: str | os.PathLike[str] | None = None, *, streaming: bool = False) -> Any:
        """The records as a data set of Hugging Face `datasets`.

        Args:
            path: An Arrow file to write, which is then mapped: the data set takes no memory. Held in memory if None.
            streaming: An `IterableDataset` that reads the records when they are asked for, instead of a `Dataset`.

        Raises:
            InputError: `datasets` is not installed.
            FileExistsError: There is a file of that name.

        Example:
            >>> from corpuskit import Pipeline
            >>> records = [{"prompt": "2+2?", "completion": "4"}]
            >>> Pipeline().batches(records).to_hf_dataset()[0]["messages"][1]["content"]
            '4'
        """
        _extra.require("datasets", "datasets", "pyarrow")
        import datasets
        import pyarrow

        if streaming:
            features = datasets.Features.from_arrow_schema(pyarrow.schema(self))
            return datasets.IterableDataset.from_generator(_Rows(self), features=features)
        if path is None:
            return datasets.Dataset(pyarrow.table(self))
        file = Path(path)
        with (
            file.open("xb") as sink,
            pyarrow.RecordBatchReader.from_stream(self) as reader,
            pyarrow.ipc.new_stream(sink, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
        return datasets.Dataset.from_file(str(file))

    def __repr__(self) -> str:
        return "Batches(…)"


class _Rows:
    """The records one by one, in this process: `datasets` pickles what it reads to name it, and gets a name."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._name = uuid.uuid4().hex

    def __call__(self) -> Iterator[dict[str, Any]]:
        import pyarrow

        with pyarrow.RecordBatchReader.from_stream(self._batches) as reader:
            for batch in reader:
                yield from batch.to_pylist()

    def __reduce__(self) -> tuple[Any, ...]:
        return _elsewhere, (self._name,)


def _elsewhere(name: str) -> Any:
    problem = f"{name[:8]} are read in the process that opened them"
    raise InputError("batches", problem, "use `to_hf_dataset(PATH)`, whose file every process maps")
