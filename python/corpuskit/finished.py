"""A finished run folder, read again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpuskit import _core
from corpuskit.batches import Batches
from corpuskit.errors import OutputError
from corpuskit.pipeline import Records
from corpuskit.sources import PathLike

__all__ = ["Run", "read_run"]


class Run:
    """A finished run folder; see `read_run`."""

    __slots__ = ("_manifest", "path")

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        try:
            self._manifest: dict[str, Any] = json.loads((self.path / "manifest.json").read_text("utf-8"))
        except FileNotFoundError:
            hint = "run the same `process` command again to finish it"
            raise OutputError(os.fspath(path), "has no manifest.json, so it is not a finished run", hint) from None

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run was: plan, inputs, files, digests."""
        return self._manifest

    @property
    def report(self) -> dict[str, Any]:
        """Its account, as `report.json` has it."""
        report: dict[str, Any] = json.loads((self.path / "report.json").read_text("utf-8"))
        return report

    def __len__(self) -> int:
        """How many records were kept."""
        return sum(file["rows"] for file in self._manifest["files"] if file["path"].startswith("data/"))

    def batches(self, columns: Sequence[str] = ("source", "licence"), *, threads: int | None = None) -> Batches:
        r"""The kept records as Arrow columns, in order.

        The columns are those that the records have, as `write.format: parquet` would write them.

        Args:
            columns: Columns of `columns/` to add, each called `_NAME`; a record's own member of that name stands for it.
            threads: Threads that look at the records beforehand to find their columns; every core if None.

        Raises:
            InputError: There is no such column.
            CheckError: A file is missing or not what the manifest says.

        Example:
            >>> import pathlib, tempfile, corpuskit
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4", "license": "mit"}\n')
            >>> _ = corpuskit.Pipeline().process(folder / "in.jsonl", folder / "out")
            >>> import pyarrow
            >>> pyarrow.table(corpuskit.read_run(folder / "out").batches(["licence", "turns"])).select(["_licence", "_turns"]).to_pylist()
            [{'_licence': 'mit', '_turns': 2}]
        """
        path, names = os.fspath(self.path), list(columns)
        return Batches(lambda: _core.BatchReader.of_run(path, names, threads=threads))

    def columns(self, names: Sequence[str] = ()) -> Batches:
        r"""The rows of `columns/`: one a kept record, without the records themselves.

        Args:
            names: Which columns; all of them if none are named.

        Raises:
            InputError: There is no such column.

        Example:
            >>> import pathlib, tempfile, corpuskit
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n')
            >>> _ = corpuskit.Pipeline().process(folder / "in.jsonl", folder / "out")
            >>> import pyarrow
            >>> pyarrow.table(corpuskit.read_run(folder / "out").columns(["source", "characters"])).to_pylist()
            [{'source': 'in.jsonl', 'characters': 1}]
        """
        path, wanted = os.fspath(self.path), list(names)
        return Batches(lambda: _core.BatchReader.of_columns(path, wanted))

    def records(self) -> Records:
        r"""The kept records as dicts, in order, as they stand in `data/`.

        Example:
            >>> import pathlib, tempfile, corpuskit
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n')
            >>> _ = corpuskit.Pipeline().process(folder / "in.jsonl", folder / "out")
            >>> [record["_source"] for record in corpuskit.read_run(folder / "out").records()]
            ['in.jsonl']
        """
        return Records(_core.RecordStream.of_run(os.fspath(self.path)))

    def to_hf_dataset(
        self,
        path: PathLike | None = None,
        *,
        columns: Sequence[str] = ("source", "licence"),
        streaming: bool = False,
    ) -> Any:
        """The kept records as a data set of Hugging Face `datasets`; see `Batches.to_hf_dataset`.

        Args:
            path: An Arrow file to write, which is then mapped; held in memory if None.
            columns: Columns of `columns/` to add, each called `_NAME`.
            streaming: An `IterableDataset` instead of a `Dataset`.
        """
        return self.batches(columns).to_hf_dataset(path, streaming=streaming)

    def __repr__(self) -> str:
        return f"Run({os.fspath(self.path)!r}, records={len(self)})"


def read_run(folder: PathLike) -> Run:
    r"""Opens a finished run folder.

    Args:
        folder: The run folder.

    Raises:
        OutputError: The folder has no manifest, so the run is not finished.

    Example:
        >>> import pathlib, tempfile, corpuskit
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n')
        >>> _ = corpuskit.Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> len(corpuskit.read_run(folder / "out"))
        1
    """
    return Run(folder)
