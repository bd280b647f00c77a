"""Packs as arrays of bytes, and as NumPy arrays; without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy

from corpuskit import _core
from corpuskit.loader.stream import ARRAYS, PackStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NumpyPacks", "plan_packs"]


class NumpyPacks(PackStream):
    """Packs as NumPy arrays: for JAX, for looking at them, or as the source of a `datasets.IterableDataset`."""

    __doc__ = f"{__doc__}\n\n{(PackStream.__doc__ or '').partition(chr(10))[2].strip()}"

    def _convert(self, pack: _core.Pack) -> dict[str, Any]:
        return {name: numpy.frombuffer(array_bytes(pack, name), dtype) for name, dtype in ARRAYS.items()}


def array_bytes(pack: _core.Pack, name: str) -> bytearray:
    """The bytes of an array, which nobody else has."""
    found = pack.array(name)
    assert found is not None, name  # noqa: S101 - the names are the core's own
    return found


def plan_packs(
    lengths: Sequence[int] | NDArray[Any], *, length: int = 4096, window: int = 512
) -> tuple[NDArray[numpy.uint64], NDArray[numpy.uint64]]:
    """Which documents share a row, planned over their lengths alone, millions a second.

    Args:
        lengths: Tokens of each document, 1 to `length`.
        length: Most tokens of a row.
        window: No document moves as many places as this.

    Returns:
        The numbers of the documents, row after row, and where each row starts in them, the end last.

    Raises:
        PlanError: A document is empty or longer than a row.

    Example:
        >>> order, rows = plan_packs([6, 5, 4, 3, 2], length=10)
        >>> [order[start:end].tolist() for start, end in zip(rows[:-1], rows[1:])]
        [[0, 2], [1, 3, 4]]
    """
    order, rows = _core.plan_packs(numpy.asarray(lengths, numpy.uint32).tobytes(), length=length, window=window)
    return numpy.frombuffer(order, numpy.uint64), numpy.frombuffer(rows, numpy.uint64)
