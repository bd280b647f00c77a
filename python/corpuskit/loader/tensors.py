"""Packs as PyTorch tensors."""

from __future__ import annotations

from typing import Any

import torch
import torch.utils.data

from corpuskit import _core
from corpuskit.loader.arrays import array_bytes
from corpuskit.loader.stream import ARRAYS, PackStream

__all__ = ["PackedDataset"]

TYPES = {name: getattr(torch, dtype) for name, dtype in ARRAYS.items()}


class PackedDataset(PackStream, torch.utils.data.IterableDataset[dict[str, Any]]):
    """Packs as tensors: alone, in a `DataLoader` (`batch_size=None`, or `collate_fn=collate`), or in a `StatefulDataLoader`.

    Alone is the fast way: a thread makes packs ahead, in pinned memory where there is CUDA.
    """

    __doc__ = f"{__doc__}\n\n{(PackStream.__doc__ or '').partition(chr(10))[2].strip()}"

    def _place(self) -> tuple[int, int]:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return super()._place()

    def _worker(self) -> tuple[int, int]:
        worker = torch.utils.data.get_worker_info()
        return (1, 0) if worker is None else (worker.num_workers, worker.id)

    def _convert(self, pack: _core.Pack) -> dict[str, Any]:
        tensors = {name: torch.frombuffer(array_bytes(pack, name), dtype=dtype) for name, dtype in TYPES.items()}
        # A worker process cannot pin; its `DataLoader` can.
        if torch.utils.data.get_worker_info() is None and torch.cuda.is_available():
            return {name: tensor.pin_memory() for name, tensor in tensors.items()}
        return dict(tensors)
