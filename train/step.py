"""The forward and backward passes of one optimizer step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from loss import supervised
from model import to_device
from windows import Window

if TYPE_CHECKING:
    from trainer import Trainer


@dataclass(slots=True)
class Outcome:
    """What a step came to, over all processes."""

    loss: float
    norm: float
    by_category: dict[str, float]
    trained: dict[str, int]
    """Supervised tokens by category."""
    tokens: int
    """Tokens of documents, padding left out."""
    squares: int
    """Sum of the squares of the documents' lengths."""
    seen: dict[str, dict[str, int]]
    """By adapter: documents, supervised tokens, steps."""
    details: list[tuple[Tensor, Tensor, list[int]]] = field(default_factory=list)
    """Of this process: tokens' losses, their documents, references."""


def seed_of(seed: int, number: int) -> int:
    """The seed of a pack's dropout: a function of the run's seed and the pack's number, so nothing has to be saved."""
    return (seed * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9) % 2**63


def run_step(trainer: Trainer, window: Window) -> Outcome:
    """Forward and backward of this process's packs; gradients and sums are those of all processes afterwards.

    Each batch's sum of losses is divided by the number of supervised tokens of the whole step before its gradient is computed, so
    the step's gradient is that of the mean over its tokens, however they are spread over packs and processes. In grouped mode each
    adapter has its own number: that of its own tokens.
    """
    corpus, workers, settings = trainer.corpus, trainer.workers, trainer.settings
    categories = corpus.categories
    number = {category: place for place, category in enumerate(categories)}
    device = workers.device
    sums = torch.zeros(2 * len(categories) + 4 + 2 * len(trainer.names), dtype=torch.float64, device=device)
    losses_at, counts_at = sums[: len(categories)], sums[len(categories) : 2 * len(categories)]
    extra = sums[2 * len(categories) : 2 * len(categories) + 4]  # loss, tokens, squares, weights
    by_adapter = sums[2 * len(categories) + 4 :].view(2, len(trainer.names))
    details = []
    rows = settings.data.rows
    for start in range(0, len(window.packs), rows):
        part = window.packs[start : start + rows]
        batch = to_device(corpus.collate([pack for _, pack in part]), device)
        borders, names = batch["cu_seq_lens"], batch["category"]
        at = supervised(batch)
        if trainer.router is None:
            groups = [0] * len(names)
            at_scaled = at
            divisor = max(window.supervised, 1e-9)
        else:
            groups = trainer.router.direct(names, borders)
            share = torch.tensor(
                [1 / max(total, 1e-9) for total in window.by_group] + [0.0], dtype=torch.float64, device=device
            )
            of_token = torch.tensor([*groups, -1], device=device)[at.documents.clamp(max=len(groups))]
            at_scaled = type(at)(
                at.positions, at.targets, (at.weights * share[of_token]).to(at.weights.dtype), at.documents
            )
            divisor = 1.0
        torch.manual_seed(seed_of(settings.seed, part[0][0]))
        with workers.autocast():
            summed, losses = trainer.loss(batch, at_scaled)
        if summed.requires_grad:  # not where no document of the batch belongs to an adapter
            (summed / divisor).backward()
        weighted = losses.double() * at.weights
        extra[0] += weighted.sum()
        lengths = torch.diff(borders)[: len(names)].double()
        real = torch.tensor([reference >= 0 for reference in batch["doc_ref"].tolist()], device=device)
        extra[1] += (lengths * real).sum()
        extra[2] += (lengths**2).sum()
        extra[3] += at.weights.double().sum()
        place = torch.tensor([*(number.get(name, -1) for name in names), -1], device=device)[
            at.documents.clamp(max=len(names))
        ]
        known = place >= 0
        losses_at.index_add_(0, place[known], losses[known].double())
        counts_at.index_add_(0, place[known], torch.ones_like(losses[known], dtype=torch.float64))
        of_document = torch.tensor(groups[: len(names)], device=device)
        trained = torch.zeros(len(names) + 1, device=device, dtype=torch.float64)
        trained.index_add_(0, at.documents.clamp(max=len(names)), torch.ones_like(losses, dtype=torch.float64))
        for adapter_number in range(len(trainer.names)):
            own = (of_document == adapter_number) & (trained[:-1] > 0)
            by_adapter[0, adapter_number] += own.sum()
            by_adapter[1, adapter_number] += trained[:-1][own].sum()
        details.append((losses, at.documents, batch["doc_ref"].tolist()))
    norm = reduce_gradients(trainer)
    workers.add_up(sums)
    values: list[Any] = sums.tolist()
    n = len(categories)
    trained_by = {category: int(values[n + place]) for category, place in number.items() if values[n + place]}
    means = {category: values[number[category]] / count for category, count in trained_by.items()}
    seen = {
        name: {
            "documents": int(by_adapter[0, place]),
            "supervised": int(by_adapter[1, place]),
            "steps": int(by_adapter[1, place] > 0),
        }
        for place, name in enumerate(trainer.names)
    }
    loss, tokens, squares, weights = values[2 * n : 2 * n + 4]
    return Outcome(loss / max(weights, 1e-9), norm, means, trained_by, int(tokens), int(squares), seen, details)


def reduce_gradients(trainer: Trainer) -> float:
    """Sums gradients over the processes and clips each adapter's norm; returns the greatest norm before clipping."""
    greatest = 0.0
    for parameters in trainer.parameters.values():
        if trainer.workers.world > 1:
            add_up(parameters, trainer)
        with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
        if with_gradient:
            norm = torch.nn.utils.clip_grad_norm_(with_gradient, trainer.settings.train.max_grad_norm)
            value = float(norm)
            greatest = value if not value <= greatest else greatest
    return greatest


def add_up(parameters: list[torch.nn.Parameter], trainer: Trainer) -> None:
    """One exchange for all gradients of an adapter; a process without packs gives zeros."""
    device = trainer.workers.device
    flat = torch.cat(
        [(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in parameters]
        + [torch.tensor([float(any(p.grad is not None for p in parameters))], device=device)]
    )
    trainer.workers.add_up(flat)
    if not float(flat[-1]):
        return
    start = 0
    for parameter in parameters:
        parameter.grad = flat[start : start + parameter.numel()].view_as(parameter).clone()
        start += parameter.numel()
