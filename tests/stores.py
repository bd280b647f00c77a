"""Writes token stores by the format's own words (`rust/feed/src/store/mod.rs`), without corpuskit's code.

The tokens are bytes: a user's turn is not learnt, an assistant's is. So what a loader gives can be compared with the text.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from support import RunFolder

Document = tuple[Sequence[int], Sequence[bool]]
"""Tokens, and which of them are learnt."""

NOTHING = "0" * 64


def document_of(record: dict[str, Any], longest: int = 1 << 30) -> Document:
    """The bytes of a record's turns."""
    ids: list[int] = []
    learnt: list[bool] = []
    for turn in record["messages"]:
        data = (turn["content"] or "").encode() + b"\n"
        ids += data
        learnt += [turn["role"] == "assistant"] * len(data)
    return ids[:longest], learnt[:longest]


def write_store(
    folder: Path,
    shards: Iterable[tuple[str, Iterable[Sequence[Document]]]],
    records: Sequence[str],
    vocabulary: int = 256,
) -> Path:
    """Writes a store: of each shard its name and, by row, its documents.

    Args:
        folder: The store's folder.
        shards: The shards.
        records: Digests of the data shards.
        vocabulary: Tokens are below it; at most 65,536.
    """
    import numpy

    folder.mkdir(parents=True)
    described = []
    for name, rows in shards:
        per_row = [list(documents) for documents in rows]
        documents = [document for row in per_row for document in row]
        lengths = [len(ids) for ids, _ in documents]
        supervised = [sum(learnt) for _, learnt in documents]
        bits = list(itertools.chain.from_iterable(learnt for _, learnt in documents))
        arrays = {
            "ids": numpy.array(list(itertools.chain.from_iterable(ids for ids, _ in documents)), "<u2"),
            "mask": numpy.packbits(numpy.array(bits, bool), bitorder="little"),
            "documents": numpy.cumsum([0, *lengths], dtype="<u8"),
            "supervised": numpy.array(supervised, "<u4"),
            "weight": numpy.ones(len(documents), "<f4"),
            "rows": numpy.cumsum([0, *map(len, per_row)], dtype="<u8"),
            "fate": numpy.array([0 if row else 1 for row in per_row], "u1"),
            "seen": numpy.array([sum(len(ids) for ids, _ in row) for row in per_row], "<u4"),
            "seen_supervised": numpy.array([sum(sum(learnt) for _, learnt in row) for row in per_row], "<u4"),
        }
        for column, array in arrays.items():
            (folder / f"{name}.{column}").write_bytes(array.tobytes())
        described.append({
            "name": name, "rows": len(per_row), "documents": len(documents), "tokens": sum(lengths),
            "supervised": sum(supervised), "digests": [NOTHING] * len(arrays),
        })  # fmt: skip
    key = {"version": 1, "records": list(records), "tokenizer": NOTHING, "template": NOTHING, "settings": {}}
    meta = {
        "format": 1, "key": key, "vocabulary": vocabulary, "width": "u16", "reasons": ["tokenise.none"],
        "shards": described, "notes": [],
    }  # fmt: skip
    (folder / "store.json").write_text(json.dumps(meta), "utf-8")
    return folder


def store_of_run(run: Path, folder: Path, longest: int = 1 << 30) -> Path:
    """The store of a run folder of one shard."""
    files = [file for file in RunFolder(run).json("manifest")["files"] if file["path"].startswith("data/")]
    assert len(files) == 1, "one shard"
    name = Path(files[0]["path"]).name.split(".")[0]
    rows = [[document_of(record, longest)] for record in RunFolder(run).records()]
    return write_store(folder, [(name, rows)], [file["digest"] for file in files])
