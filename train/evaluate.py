"""Loss by category on the validation split: the same packs each time, each token counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from loss import Loss, supervised
from model import to_device

Pack = dict[str, Any]
Collate = Callable[[Sequence[Pack]], dict[str, Any]]


def evaluate(
    loss: Loss, packs: Iterable[Pack], collate: Collate, categories: Sequence[str], device: torch.device, autocast: Callable[[], Any],
    direct: Callable[[Sequence[str], Tensor], Any] | None = None,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Sums the loss by category.

    Args:
        loss: Of the model.
        packs: This process's share of the validation packs.
        collate: The loader's.
        categories: All categories, in a fixed order.
        device: The model's.
        autocast: The context in which the model runs.
        direct: In grouped mode, sends documents to adapters.

    Returns:
        Of each category the sum of its tokens' losses and their number, over all processes.
    """
    training = loss.model.training
    loss.model.eval()
    sums = torch.zeros(2, len(categories), dtype=torch.float64, device=device)
    number = {category: place for place, category in enumerate(categories)}
    with torch.no_grad():
        for pack in packs:
            batch = to_device(collate([pack]), device)
            if direct is not None:
                direct(batch["category"], batch["cu_seq_lens"])
            at = supervised(batch)
            with autocast():
                _, losses = loss(batch, at)
            by_document = torch.tensor(
                [number.get(category, -1) for category in batch["category"]] + [-1], device=device
            )
            place = by_document[at.documents.clamp(max=len(by_document) - 1)]
            known = place >= 0
            sums[0].index_add_(0, place[known], losses[known].double())
            sums[1].index_add_(0, place[known], torch.ones_like(losses[known], dtype=torch.float64))
    loss.model.train(training)
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(sums)
    total, count = sums.tolist()
    return {category: (total[place], count[place]) for category, place in number.items() if count[place]}
