"""What the batches of one optimizer step came to: kept as tensors until its end, then summed once, over all processes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from loss import Supervised
from workers import Workers

Details = list[tuple[Tensor, Tensor, list[int]]]


@dataclass(slots=True)
class Totals:
    """The sums of a step, over all processes."""

    loss: float
    """Mean over its supervised tokens, each with its weight."""
    by_category: dict[str, float]
    trained: dict[str, int]
    """Supervised tokens by category."""
    tokens: int
    """Tokens of documents, padding left out."""
    squares: int
    """Sum of the squares of the documents' lengths, padding included."""
    seen: dict[str, dict[str, int]]
    """By adapter: documents, supervised tokens, steps."""


@dataclass(slots=True)
class Account:
    """This process's batches of a step."""

    losses: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    documents: list[Tensor] = field(default_factory=list)
    """Of each supervised token, the number of its document within the step."""
    categories: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    references: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def add(self, batch: dict[str, Any], at: Supervised, losses: Tensor, groups: Sequence[int]) -> None:
        """Takes note of a batch.

        Args:
            batch: As the loader joined it, before it went to the device.
            at: Its supervised positions.
            losses: Of each of them.
            groups: The number of each document's adapter, -1 for none.
        """
        names = batch["category"]
        self.losses.append(losses)
        self.weights.append(at.weights)
        self.documents.append(at.documents + len(self.categories))
        edges = batch["cu_seq_lens"].tolist()[: len(names) + 1]
        self.lengths += [end - start for start, end in itertools.pairwise(edges)]
        self.references += batch["doc_ref"].tolist()
        self.categories += names
        self.groups += groups[: len(names)]

    def details(self) -> Details:
        """Losses of tokens, their documents, references: for tracing a leap to its lines."""
        if not self.losses:
            return []
        return [(torch.cat(self.losses), torch.cat(self.documents), self.references)]

    def by_document(self) -> list[list[float]]:
        """Of each document: the sum of its losses, of its weighted losses, of its weights, and its supervised tokens."""
        if not self.losses:
            return [[], [], [], []]
        losses, weights = torch.cat(self.losses).double(), torch.cat(self.weights).double()
        rows = torch.stack([losses, losses * weights, weights, torch.ones_like(losses)])
        sums = torch.zeros(4, len(self.categories), dtype=torch.float64, device=rows.device)
        found: list[list[float]] = sums.index_add_(1, torch.cat(self.documents), rows).tolist()
        return found

    def totals(self, categories: Sequence[str], adapters: Sequence[str], workers: Workers) -> Totals:
        """The sums over all processes.

        Args:
            categories: All categories of the corpus, in a fixed order; documents of others count for the step only.
            adapters: The adapters, in the order of their numbers.
            workers: The processes.
        """
        losses, weighted, weights, counts = self.by_document()
        number = {category: place for place, category in enumerate(categories)}
        whole = [sum(weighted), sum(weights), 0.0, float(sum(length**2 for length in self.lengths))]
        by_category = [[0.0] * len(categories), [0.0] * len(categories)]
        by_adapter = [[0.0] * len(adapters), [0.0] * len(adapters)]
        for place, name in enumerate(self.categories):
            whole[2] += self.lengths[place] if self.references[place] >= 0 else 0
            if (category := number.get(name, -1)) >= 0:
                by_category[0][category] += losses[place]
                by_category[1][category] += counts[place]
            if counts[place] and (group := self.groups[place]) >= 0:
                by_adapter[0][group] += 1
                by_adapter[1][group] += counts[place]
        if workers.world > 1:
            flat = [*whole, *itertools.chain(*by_category, *by_adapter)]
            rest = iter(workers.add_up(torch.tensor(flat, dtype=torch.float64, device=workers.device)).tolist())
            whole, by_category, by_adapter = (
                list(itertools.islice(rest, len(whole))),
                [list(itertools.islice(rest, len(row))) for row in by_category],
                [list(itertools.islice(rest, len(row))) for row in by_adapter],
            )
        trained = {name: int(by_category[1][place]) for name, place in number.items() if by_category[1][place]}
        return Totals(
            loss=whole[0] / max(whole[1], 1e-9),
            by_category={name: by_category[0][number[name]] / count for name, count in trained.items()},
            trained=trained,
            tokens=int(whole[2]),
            squares=int(whole[3]),
            seen={
                name: {"documents": int(documents), "supervised": int(tokens), "steps": int(tokens > 0)}
                for name, documents, tokens in zip(adapters, *by_adapter, strict=True)
            },
        )
