"""Watches the loss: no step is taken on numbers that are none, and a leap is traced to the documents that made it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from settings import Guard as Settings

Verdict = Literal["fine", "spike", "not finite"]
SHOWN = 20
"""Documents that are named of a step."""


class Watch:
    """Remembers recent losses and judges the next.

    Args:
        settings: Section `guard`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.recent: deque[float] = deque(maxlen=settings.memory)
        self.skipped = 0
        """Skipped steps in a row."""

    def judge(self, loss: float, norm: float) -> Verdict:
        """What to think of a step, before the optimizer moves.

        Args:
            loss: Mean loss of the step, over all processes.
            norm: Norm of its gradient.
        """
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return "not finite"
        verdict: Verdict = "fine"
        if len(self.recent) >= min(10, self.settings.memory):
            mean = sum(self.recent) / len(self.recent)
            deviation = math.sqrt(sum((value - mean) ** 2 for value in self.recent) / len(self.recent))
            # a run so calm that its deviation is next to nothing must not call everything a leap
            if loss > mean + self.settings.spike * max(deviation, 0.01 * abs(mean)):
                verdict = "spike"
        if verdict == "fine":
            self.recent.append(loss)
        return verdict

    def skips(self, verdict: Verdict) -> bool:
        """Whether the step is left out; counts those in a row."""
        skip = verdict == "not finite" or (verdict == "spike" and self.settings.on_spike == "skip")
        self.skipped = self.skipped + 1 if skip else 0
        return skip

    def forget(self) -> None:
        """At the start of a phase: another mixture has another loss."""
        self.recent.clear()

    def state(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"recent": list(self.recent), "skipped": self.skipped}

    def restore(self, state: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.recent = deque(state["recent"], maxlen=self.settings.memory)
        self.skipped = int(state["skipped"])


def suspects(losses: list[tuple[Tensor, Tensor, list[int]]], origin: Callable[[int], str]) -> list[dict[str, Any]]:
    """The documents of a step with the worst loss, those that are no number first.

    Args:
        losses: Of each batch: tokens' losses, number of each token's document in the batch, references of the documents.
        origin: The line that a reference stands for.

    Returns:
        `origin`, `loss` (mean; None where it is no number) and `tokens` of each.
    """
    rows: list[dict[str, Any]] = []
    for values, documents, references in losses:
        count = torch.zeros(len(references) + 1, device=values.device).index_add_(0, documents, torch.ones_like(values))
        total = torch.zeros_like(count).index_add_(0, documents, values.to(count.dtype))
        for number, reference in enumerate(references):
            if count[number]:
                mean = float(total[number] / count[number])
                rows.append(
                    {
                        "origin": origin(reference),
                        "loss": mean if math.isfinite(mean) else None,
                        "tokens": int(count[number]),
                    }
                )
    rows.sort(key=lambda row: (row["loss"] is not None, -(row["loss"] or 0.0), row["origin"]))
    return rows[:SHOWN]
