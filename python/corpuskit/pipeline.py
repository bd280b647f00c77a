"""Runs a plan: over files into a run folder, or over files as an iterator."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from corpuskit import _core, _effective, _plan_face
from corpuskit._core import EffectivePlan, Progress
from corpuskit._plan_face import AnyPlan
from corpuskit.batches import Batches
from corpuskit.plan import Plan
from corpuskit.report import Report
from corpuskit.sources import Inputs, Opened, PathLike, Source

__all__ = ["Inputs", "PathLike", "Pipeline", "Records"]


class Pipeline:
    """A plan, checked and ready to run.

    Args:
        plan: A `Plan`, a mapping, the path of a YAML file, or None for the default plan.

    Raises:
        PlanError: The plan is wrong; nothing was read or written.

    Example:
        >>> Pipeline({"profile": "companion"}).plan.write.form
        'openai'
    """

    __slots__ = ("_effective",)

    def __init__(self, plan: AnyPlan | EffectivePlan = None) -> None:
        self._effective = plan if isinstance(plan, EffectivePlan) else _effective.resolve(plan)

    @property
    def plan(self) -> Plan:
        """The effective plan, no section None."""
        return _plan_face.from_effective(Plan, self._effective)

    def process(
        self,
        inputs: Inputs,
        output: PathLike | None,
        *,
        threads: int | None = None,
        limit: int | None = None,
        force: bool = False,
        dry_run: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Report:
        r"""Reads the inputs and writes a run folder; an interrupted run is continued by the same call.

        The interpreter lock is released; Ctrl-C stops the run at its next checkpoint.

        Args:
            inputs: Files, folders, globs, `-` for standard input, records or Arrow columns (see `Source`).
            output: The run folder; may be None with `dry_run`.
            threads: Workers; every core if None. The output does not depend on it.
            limit: Only the first so many records.
            force: Overwrite `output` if it is a run folder.
            dry_run: Do everything but write.
            progress: Called about every 50 ms on the calling thread. What it raises stops the run.

        Returns:
            The account, also where a sum does not hold (see `Report.holds`).

        Raises:
            InputError: An input is missing, inside the output, or has changed since the run began.
            OutputError: The folder is finished, or holds something else.
            StrictError: A defect whose policy is `strict`.
            OSError: A file cannot be read or written.
            Exception: What an iterable of records raises comes through.

        Example:
            >>> import pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n' * 2)
            >>> report = Pipeline().process(folder / "in.jsonl", folder / "out")
            >>> report.records["kept"], report.duplicates["exact"], report.holds
            (1, 1, True)
        """
        sources = Opened(inputs)

        def watch(state: Progress) -> None:
            sources.check()
            if progress is not None:
                progress(state)

        try:
            sources.start()
            text = _core.process(
                self._effective,
                sources.arguments,
                None if output is None else os.fspath(output),
                streams=sources.streams,
                threads=threads,
                limit=limit,
                force=force,
                dry_run=dry_run,
                progress=watch if sources else progress,
            )
        finally:
            sources.close()
        return Report.from_json(text, None if dry_run or output is None else Path(output))

    def iterate(self, inputs: Inputs, *, threads: int | None = None, limit: int | None = None) -> Records:
        r"""Reads the inputs and yields the records that a run would keep, in input order.

        Nothing is written but the log of the dedup index, in a temporary file. Memory is bounded (but
        for that index); the interpreter lock is released while a batch is worked on.

        Args:
            inputs: Files, folders, globs, `-` for standard input, records or Arrow columns (see `Source`).
            threads: Workers; every core if None. The records and their order do not depend on it.
            limit: Only the first so many records that are read.

        Returns:
            An iterator of dicts in canonical form; close it, or use it in a `with` statement, to stop early.

        Raises:
            InputError: An input is missing.

        Example:
            >>> import pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "in.jsonl"
            >>> _ = path.write_text('{"prompt": "2+2?", "completion": "4"}\n')
            >>> with Pipeline().iterate(path) as records:
            ...     [record["messages"][1]["content"] for record in records]
            ['4']
        """
        sources = Opened(inputs)
        try:
            stream = _core.RecordStream(
                self._effective, sources.arguments, streams=sources.streams, threads=threads, limit=limit
            )
        finally:
            sources.close()
        sources.start(lambda _: stream.stop())
        return Records(stream, sources)

    def batches(self, inputs: Inputs, *, threads: int | None = None, limit: int | None = None) -> Batches:
        r"""Reads the inputs and gives the records that a run would keep as Arrow columns, in input order.

        The first 10,000 records say which columns there are. What fits into none of them, later, stands as JSON in a column
        `_rest` of its object, so nothing is lost; `read_run(OUT).batches()` has the columns that all records have.

        Args:
            inputs: As of `iterate`. Files and lists are read anew by each reader, generators only once.
            threads: Workers; every core if None.
            limit: Only the first so many records that are read.

        Returns:
            What polars, pyarrow, duckdb and others read by `__arrow_c_stream__`.

        Raises:
            InputError: An input is missing; raised when the batches are read.

        Example:
            >>> import pyarrow
            >>> batches = Pipeline().batches([{"prompt": "2+2?", "completion": "4"}])
            >>> pyarrow.table(batches).column_names
            ['messages', '_origin', '_source', '_schema', '_rest']
        """

        def open_reader() -> _core.BatchReader:
            sources = Opened(inputs)
            try:
                reader = _core.BatchReader.of_inputs(
                    self._effective, sources.arguments, streams=sources.streams, threads=threads, limit=limit
                )
            finally:
                sources.close()
            sources.start(reader.fail)
            return reader

        records = inputs.records if isinstance(inputs, Source) else inputs
        return Batches(open_reader, again=not isinstance(records, Iterator))

    def __repr__(self) -> str:
        return f"Pipeline(profile={json.loads(self._effective.to_json())['profile']!r}, digest={self._effective.digest()[:12]!r})"


class Records(Iterator[dict[str, Any]]):
    r"""The records of `Pipeline.iterate`; `close` stops early.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "in.jsonl"
        >>> _ = path.write_text('{"prompt": "2+2?", "completion": "4"}\n')
        >>> records = Pipeline().iterate(path)
        >>> records.close()
        >>> list(records)
        []
    """

    __slots__ = ("_batch", "_sources", "_stream")

    def __init__(self, stream: _core.RecordStream, sources: Opened | None = None) -> None:
        self._stream: _core.RecordStream | None = stream
        self._sources = sources
        self._batch: Iterator[bytes] = iter(())

    def __next__(self) -> dict[str, Any]:
        """The next record."""
        while self._stream is not None:
            for line in self._batch:
                record: dict[str, Any] = json.loads(line)
                return record
            chunk = self._stream.next_chunk()
            if chunk is None:
                self.close()
                if self._sources is not None:
                    self._sources.check()
            else:
                self._batch = iter(chunk.splitlines())
        raise StopIteration

    def close(self) -> None:
        """Stops; what is left is not read. May be called more than once."""
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._batch = iter(())

    def __enter__(self) -> Records:
        """Gives itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()
