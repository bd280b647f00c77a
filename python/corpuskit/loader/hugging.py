"""Packs as a data set of Hugging Face's `datasets`, for trainers that take nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from corpuskit import _extra
from corpuskit.errors import PlanError

if TYPE_CHECKING:
    from corpuskit.loader.stream import PackStream

__all__ = ["to_hf_dataset"]

COLUMNS = {
    "input_ids": "int32",
    "labels": "int32",
    "position_ids": "int32",
    "seq_lengths": "int32",
    "doc_ref": "int64",
}


def to_hf_dataset(packs: PackStream, *, streaming: bool = True) -> Any:
    """Packs as a `datasets.IterableDataset`, or written out as a `datasets.Dataset`.

    A row is a pack: `input_ids`, `labels`, `position_ids`, `seq_lengths` (tokens of each document; TRL's collator makes its
    borders of them) and `doc_ref`.

    Args:
        packs: `NumpyPacks` of one process. The trainer that takes the data set deals it out to processes.
        streaming: Rows are made when they are asked for; otherwise all of them are written to a cache of `datasets` first.

    Raises:
        InputError: `datasets` is not installed.
        PlanError: The packs are those of one of several processes.
    """
    if packs.world_size != 1:
        hint = "make them with `rank=0, world_size=1`: the trainer deals a data set out itself"
        raise PlanError("world_size", f"must be 1, got {packs.world_size}", hint)
    _extra.require("datasets", "datasets")
    import datasets

    features = datasets.Features({name: datasets.Sequence(datasets.Value(kind)) for name, kind in COLUMNS.items()})
    kind = datasets.IterableDataset if streaming else datasets.Dataset
    return kind.from_generator(_rows, gen_kwargs={"packs": packs}, features=features)


def _rows(packs: PackStream) -> Iterator[dict[str, Any]]:
    import numpy

    for pack in packs:
        sizes = numpy.diff(numpy.asarray(pack["cu_seq_lens"]))
        yield {name: sizes if name == "seq_lengths" else numpy.asarray(pack[name]) for name in COLUMNS}
