"""Packed batches for training, with a state from which any number of processes goes on exactly.

`PackedDataset` and `collate` need PyTorch, `NumpyPacks` needs NumPy, `to_hf_dataset` needs `datasets`; none is imported before
it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from corpuskit.loader.corpus import PackedCorpus, Phase

if TYPE_CHECKING:
    from corpuskit.loader.arrays import NumpyPacks, plan_packs
    from corpuskit.loader.batches import collate, collate_padded, model_inputs
    from corpuskit.loader.hugging import to_hf_dataset
    from corpuskit.loader.tensors import PackedDataset

__all__ = [
    "NumpyPacks",
    "PackedCorpus",
    "PackedDataset",
    "Phase",
    "collate",
    "collate_padded",
    "model_inputs",
    "plan_packs",
    "to_hf_dataset",
]

_HOMES = {
    "NumpyPacks": "arrays",
    "plan_packs": "arrays",
    "PackedDataset": "tensors",
    "collate": "batches",
    "collate_padded": "batches",
    "model_inputs": "batches",
    "to_hf_dataset": "hugging",
}


def __getattr__(name: str) -> Any:
    """Imports PyTorch or NumPy where one is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module `corpuskit.loader` has no attribute `{name}`")
    return getattr(importlib.import_module(f"corpuskit.loader.{_HOMES[name]}"), name)
