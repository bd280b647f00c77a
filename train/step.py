"""The forward and backward passes of one optimizer step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from account import Account, Details, Totals
from loss import Supervised, supervised
from model import to_device
from windows import Window

if TYPE_CHECKING:
    from trainer import Trainer


@dataclass(slots=True)
class Outcome:
    """What a step came to."""

    totals: Totals
    norm: float
    """The greatest norm of an adapter's gradient, before clipping."""
    details: Details
    """Of this process: tokens' losses, their documents, references."""


def seed_of(seed: int, number: int) -> int:
    """The seed of a pack's dropout: a function of the run's seed and the pack's number, so nothing has to be saved."""
    return (seed * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9) % 2**63


def seed(number: int, device: torch.device) -> None:
    """Sets what dropout draws from; `torch.manual_seed` would also ask every kind of device, which takes as long as a small layer."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)


def run_step(trainer: Trainer, window: Window) -> Outcome:
    """Forward and backward of this process's packs; gradients and sums are those of all processes afterwards.

    Each batch's sum of losses is divided by the number of supervised tokens of the whole step before its gradient is computed, so
    the step's gradient is that of the mean over its tokens, however they are spread over packs and processes. In grouped mode each
    adapter has its own number: that of its own tokens.
    """
    corpus, workers, rows = trainer.corpus, trainer.workers, trainer.settings.data.rows
    account = Account()
    for start in range(0, len(window.packs), rows):
        part = window.packs[start : start + rows]
        joined = corpus.collate([pack for _, pack in part])
        batch = to_device(joined, workers.device)
        at = supervised(batch)
        if trainer.router is None:
            groups = [0] * len(joined["category"])
            scaled, divisor = at, max(window.supervised, 1e-9)
        else:
            groups = trainer.router.direct(joined["category"], batch["cu_seq_lens"])
            scaled, divisor = by_group(at, groups, window.by_group), 1.0
        seed(seed_of(trainer.settings.seed, part[0][0]), workers.device)
        with workers.autocast():
            summed, losses = trainer.loss(batch, scaled)
        if summed.requires_grad:  # not where no document of the batch belongs to an adapter
            (summed / divisor).backward()
        account.add(joined, at, losses, groups)
    norm = reduce_gradients(trainer)
    return Outcome(account.totals(corpus.categories, trainer.names, workers), norm, account.details())


def by_group(at: Supervised, groups: Sequence[int], totals: Sequence[float]) -> Supervised:
    """Weights divided by the step's supervised tokens of each token's adapter; 0 where no adapter is trained."""
    device = at.weights.device
    share = torch.tensor([*(1 / max(total, 1e-9) for total in totals), 0.0], dtype=torch.float64, device=device)
    of_token = torch.tensor(groups, device=device)[at.documents]
    weights = (at.weights * share[of_token]).to(at.weights.dtype)
    return Supervised(at.positions, at.targets, weights, at.documents)


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
