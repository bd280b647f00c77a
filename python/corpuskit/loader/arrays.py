"""Packs as arrays of bytes, and as NumPy arrays; without PyTorch."""

from __future__ import annotations

from typing import Any

import numpy

from corpuskit import _core
from corpuskit.loader.stream import ARRAYS, PackStream

__all__ = ["NumpyPacks"]


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
