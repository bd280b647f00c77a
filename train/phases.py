"""Learning rates: each phase climbs to its own rate and comes down again along a cosine, driven by supervised tokens.

A packed stream has no fixed number of steps, but the number of its supervised tokens is known before training. The rate of a step
is the schedule's at the middle of the step's tokens, so it depends neither on the number of processes nor on where a run was
interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from settings import Train


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """One phase as it will be trained."""

    name: str
    lr: float
    """Its highest rate, `lr_scale` included."""
    supervised: int
    """Supervised tokens of all its packs."""
    tokens: int
    packs: int
    documents: int
    categories: dict[str, int]
    """Supervised tokens by category: the realised mixture."""


def rate(phases: Sequence[PhasePlan], number: int, done: float, train: Train) -> float:
    """The learning rate.

    Args:
        phases: All phases.
        number: Which one.
        done: Share of its supervised tokens that lies behind, 0 to 1.
        train: Section `train`.

    Returns:
        During the warm-up a straight line from where the phase before ended (0 at first), then the scheduler's curve.
    """
    top = phases[number].lr
    if train.scheduler == "constant":
        end_before = 0.0 if number == 0 else phases[number - 1].lr
    else:
        end_before = 0.0 if number == 0 else phases[number - 1].lr * train.final_ratio
    done = min(max(done, 0.0), 1.0)
    if done < train.warmup_ratio:
        return end_before + (top - end_before) * done / train.warmup_ratio
    if train.scheduler == "constant":
        return top
    progress = (done - train.warmup_ratio) / (1 - train.warmup_ratio)
    low = top * train.final_ratio
    return low + (top - low) * 0.5 * (1 + math.cos(math.pi * progress))


def estimated_steps(phase: PhasePlan, unit: str, target: int) -> int:
    """How many optimizer steps a phase takes, about: packs are not cut to fit a step."""
    if phase.packs == 0:
        return 0
    amount = {"examples": phase.documents, "rows": phase.packs, "tokens": phase.tokens}[unit]
    return max(1, min(phase.packs, round(amount / target)))
