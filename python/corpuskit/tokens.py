"""Token stores: the tokens of every record as arrays that are mapped, not read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _core

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from corpuskit.sources import PathLike

__all__ = ["Document", "Shard", "TokenStore"]

IGNORED = -100
"""The label that PyTorch's cross entropy leaves out."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document: what is packed."""

    ids: NDArray[Any]
    """Its tokens, a view."""

    supervised: NDArray[np.bool_]
    """Which of them the model learns to say."""

    weight: float
    """Weight of its loss."""

    def labels(self) -> NDArray[np.int64]:
        """Each token where it is learnt, `IGNORED` elsewhere; not shifted."""
        import numpy

        return numpy.where(self.supervised, self.ids.astype(numpy.int64), IGNORED)


class Shard:
    """The arrays of one data shard, NumPy views without a copy.

    A row is a line of the data shard of the same name. It has one document, none (`fate` says why) or several (windows
    of a conversation that was too long).
    """

    def __init__(self, folder: _core.TokenFolder, number: int, meta: dict[str, Any]) -> None:
        self._folder = folder
        self._number = number
        self.name: str = meta["name"]
        self.rows: int = meta["rows"]
        self.documents: int = meta["documents"]
        self.tokens: int = meta["tokens"]
        self.supervised_tokens: int = meta["supervised"]
        self._columns: dict[str, NDArray[Any]] = {}

    def column(self, name: str) -> NDArray[Any]:
        """An array by its name.

        Args:
            name: `ids`, `mask` (bits, lowest first), `documents` and `rows` (offsets), `supervised`, `weight`, `fate`,
                `seen`, `seen_supervised`.
        """
        import numpy

        if name not in self._columns:
            self._columns[name] = numpy.asarray(self._folder.column(self._number, name))
        return self._columns[name]

    def documents_of(self, row: int) -> range:
        """The numbers of a row's documents."""
        rows = self.column("rows")
        return range(int(rows[row]), int(rows[row + 1]))

    def document(self, number: int) -> Document:
        """A document by its number in the shard."""
        import numpy

        offsets = self.column("documents")
        start, end = int(offsets[number]), int(offsets[number + 1])
        first = start // 8
        bits = numpy.unpackbits(self.column("mask")[first : (end + 7) // 8], bitorder="little")
        supervised = bits[start - first * 8 : end - first * 8].astype(bool)
        return Document(self.column("ids")[start:end], supervised, float(self.column("weight")[number]))

    def lengths(self) -> NDArray[np.uint64]:
        """Tokens of each document."""
        import numpy

        return numpy.diff(self.column("documents"))


class TokenStore:
    """A finished token store.

    Args:
        folder: The folder that holds `store.json`.

    Raises:
        InputError: It is not a token store of this version.
        CheckError: A file has not the size that it should have.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = os.fspath(folder)
        self._folder = _core.TokenFolder(self.folder)
        self.meta: dict[str, Any] = json.loads(self._folder.meta())
        self.shards = [Shard(self._folder, number, meta) for number, meta in enumerate(self.meta["shards"])]

    def document(self, shard: int, row: int) -> Document | None:
        """The first document of a row; None where it has none."""
        numbers = self.shards[shard].documents_of(row)
        return self.shards[shard].document(numbers[0]) if numbers else None

    def reason(self, shard: int, row: int) -> str | None:
        """Why a row has no document; None where it has one."""
        fate = int(self.shards[shard].column("fate")[row])
        return self.meta["reasons"][fate - 1] if fate else None

    def __iter__(self) -> Iterator[Document]:
        """Every document, in the order of shards and rows."""
        for shard in self.shards:
            yield from map(shard.document, range(shard.documents))

    def __len__(self) -> int:
        return sum(shard.documents for shard in self.shards)

    def ledger(self) -> dict[str, Any]:
        """What became of every token: `ledger` (by category and source) and `faults` (what the settings call an error)."""
        path = Path(self.folder) / "ledger.json"
        found: dict[str, Any] = (
            json.loads(path.read_text("utf-8")) if path.is_file() else {"ledger": None, "faults": []}
        )
        return found

    def verify(self) -> None:
        """Compares every file with its digest.

        Raises:
            CheckError: One does not agree.
        """
        self._folder.verify()

    def __getstate__(self) -> str:
        return self.folder

    def __setstate__(self, folder: str) -> None:
        self.__init__(folder)  # type: ignore[misc]
