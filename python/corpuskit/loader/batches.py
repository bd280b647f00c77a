"""From packs to batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["collate", "collate_padded", "model_inputs"]

IGNORED = -100
TOKENS = ("input_ids", "labels", "position_ids", "loss_weight")


def collate(packs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Packs joined to one row, `[1, tokens]`, documents numbered through: modes `packed` and `padding_free`.

    There is no attention mask: a mask of ones would make models of transformers forget the borders of documents.

    Args:
        packs: As `PackedDataset` gives them.
    """
    batch: dict[str, Any] = {name: torch.cat([pack[name] for pack in packs])[None] for name in TOKENS}
    documents, tokens = 0, 0
    numbers, borders = [], [torch.zeros(1, dtype=torch.int32)]
    for pack in packs:
        numbers.append(pack["seq_idx"] + documents)
        borders.append(pack["cu_seq_lens"][1:] + tokens)
        documents += len(pack["doc_ref"])
        tokens += len(pack["input_ids"])
    batch["seq_idx"] = torch.cat(numbers)[None]
    batch["cu_seq_lens"] = torch.cat(borders)
    return batch | _joined(packs)


def collate_padded(packs: Sequence[dict[str, Any]], *, padding: int = 0) -> dict[str, Any]:
    """A row a document, `[documents, longest]`, padded on the right: mode `padded`.

    Args:
        packs: As `PackedDataset` gives them, each of one document.
        padding: The token that fills rows up; no model sees it, because of `attention_mask`.
    """
    fill: dict[str, float] = {"input_ids": padding, "labels": IGNORED, "position_ids": 0, "loss_weight": 0}

    def rows(tensors: list[torch.Tensor], value: float) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)

    batch: dict[str, Any] = {name: rows([pack[name] for pack in packs], fill[name]) for name in TOKENS}
    batch["attention_mask"] = rows([torch.ones_like(pack["input_ids"]) for pack in packs], 0)
    return batch | _joined(packs)


def _joined(packs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "max_seq_len": max(pack["max_seq_len"] for pack in packs),
        "doc_ref": torch.cat([pack["doc_ref"] for pack in packs]),
        "category": [category for pack in packs for category in pack["category"]],
        "supervised": sum(pack["supervised"] for pack in packs),
        "phase": [pack["phase"] for pack in packs],
        "number": [pack["number"] for pack in packs],
        "digest": packs[-1]["digest"],
    }


def model_inputs(batch: dict[str, Any]) -> dict[str, Any]:
    """What a model of transformers takes of a batch, borders of documents included.

    Flash attention reads the borders from `cu_seq_lens_q` and its like; the other kinds find them in `position_ids`, but only
    with `use_cache=False`, which stands in here.
    """
    inputs = {name: batch[name] for name in ("input_ids", "labels", "position_ids")}
    if "attention_mask" in batch:
        return inputs | {"attention_mask": batch["attention_mask"], "use_cache": False}
    borders, longest = batch["cu_seq_lens"], batch["max_seq_len"]
    inputs |= {"cu_seq_lens_q": borders, "cu_seq_lens_k": borders, "max_length_q": longest, "max_length_k": longest}
    return inputs | {"use_cache": False}
