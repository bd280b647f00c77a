"""Packs for tests of training, made without the loader: random documents, a phase after the other, next fit.

They have the form that `corpuskit.loader` promises, so `train/` can be tried on hard cases (empty processes, one huge document, a
planted NaN) that real data rarely has.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from phases import PhasePlan
from trainer import Trainer

Pack = dict[str, Any]
CATEGORIES = ["creative", "empathetic", "factual", "technical", "specialized"]


def make_pack(documents: Sequence[tuple[list[int], str, int]], length: int, phase: int = 0, prompt: int = 2) -> Pack:
    """One pack of `(token ids, category, reference)`; the rest is padding, a document of its own without reference.

    Args:
        documents: They fit into `length` together.
        length: Tokens of the pack.
        phase: Its phase.
        prompt: First tokens of each document that are not trained.
    """
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    documents_of: list[int] = []
    borders = [0]
    for number, (tokens, _, _) in enumerate(documents):
        ids += tokens
        masked = min(max(prompt, 1), len(tokens))
        labels += [-100] * masked + tokens[masked:]
        positions += range(len(tokens))
        documents_of += [number] * len(tokens)
        borders.append(len(ids))
    categories = [category for _, category, _ in documents]
    references = [reference for _, _, reference in documents]
    if (rest := length - len(ids)) > 0:
        ids += [0] * rest
        labels += [-100] * rest
        positions += range(rest)
        documents_of += [len(documents)] * rest
        borders.append(length)
        categories.append("")
        references.append(-1)
    return {
        "input_ids": torch.tensor(ids),
        "labels": torch.tensor(labels),
        "position_ids": torch.tensor(positions),
        "seq_idx": torch.tensor(documents_of, dtype=torch.int32),
        "cu_seq_lens": torch.tensor(borders, dtype=torch.int32),
        "max_seq_len": max(b - a for a, b in itertools.pairwise(borders)),
        "doc_ref": torch.tensor(references),
        "loss_weight": torch.ones(length),
        "phase": phase,
        "category": categories,
        "digest": f"{0:016x}",
    }


def collate(packs: Sequence[Pack]) -> Pack:
    """Packs one behind the other in one row."""
    length = len(packs[0]["input_ids"])
    joined: Pack = {
        name: torch.cat([pack[name] for pack in packs])[None]
        for name in ("input_ids", "labels", "position_ids", "loss_weight")
    }
    offsets = [0]
    for pack in packs:
        offsets.append(offsets[-1] + len(pack["doc_ref"]))
    joined["seq_idx"] = torch.cat([pack["seq_idx"] + offset for pack, offset in zip(packs, offsets, strict=False)])[
        None
    ]
    borders = [torch.zeros(1, dtype=torch.int32)]
    borders += [pack["cu_seq_lens"][1:] + place * length for place, pack in enumerate(packs)]
    joined["cu_seq_lens"] = torch.cat(borders).to(torch.int32)
    joined["max_seq_len"] = max(pack["max_seq_len"] for pack in packs)
    joined["doc_ref"] = torch.cat([pack["doc_ref"] for pack in packs])
    joined["category"] = [category for pack in packs for category in pack["category"]]
    return joined


class Source:
    """A process's packs: those whose number leaves its rank when divided by the number of processes."""

    def __init__(self, packs: list[Pack], rank: int, world: int, state: dict[str, Any] | None) -> None:
        self.packs, self.rank, self.world = packs, rank, world
        self.next = 0 if state is None else int(state["next"])

    def position(self) -> dict[str, Any]:
        return {"next": self.next}

    def take(self) -> Pack | None:
        mine = self.next + self.rank
        self.next += self.world
        return self.packs[mine] if mine < len(self.packs) else None


@dataclass
class FakeCorpus:
    """What `train/corpus.py` makes of a selection."""

    packs: list[Pack]
    held_out: list[Pack]
    phases: list[PhasePlan]
    vocabulary: int
    categories: list[str] = field(default_factory=lambda: list(CATEGORIES))
    ledger: dict[str, Any] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=lambda: {"selection": "made by a test"})

    def source(self, rank: int, world: int, state: dict[str, Any] | None) -> Source:
        return Source(self.packs, rank, world, state)

    def validation(self, rank: int, world: int) -> list[Pack]:
        return self.held_out[rank::world]

    def collate(self, packs: Sequence[Pack]) -> Pack:
        return collate(packs)

    def origin(self, reference: int) -> str:
        return f"made.jsonl:{reference + 1}"

    def check_vocabulary(self, size: int, where: str) -> None:
        assert self.vocabulary <= size, where


def make_corpus(
    phases: Sequence[tuple[str, float, Sequence[str]]],
    documents: int = 40,
    length: int = 64,
    vocabulary: int = 97,
    seed: int = 1,
    lengths: tuple[int, int] = (5, 30),
) -> FakeCorpus:
    """A corpus of random documents.

    Args:
        phases: Name, rate and categories of each.
        documents: In each phase.
        length: Tokens a pack.
        vocabulary: Token ids are below it.
        seed: Of everything.
        lengths: The shortest and the longest document.
    """
    chance = random.Random(seed)  # noqa: S311
    packs: list[Pack] = []
    plans = []
    reference = 0
    for number, (name, lr, categories) in enumerate(phases):
        first = len(packs)
        waiting: list[tuple[list[int], str, int]] = []
        for _ in range(documents):
            size = chance.randint(*lengths)
            # a learnable habit: each token is the one before plus a step that depends on the category
            category = chance.choice(list(categories))
            step = 1 + CATEGORIES.index(category)
            start = chance.randrange(vocabulary)
            tokens = [(start + step * place) % vocabulary for place in range(size)]
            if sum(len(tokens) for tokens, _, _ in waiting) + size > length:
                packs.append(make_pack(waiting, length, number))
                waiting = []
            waiting.append((tokens, category, reference))
            reference += 1
        packs.append(make_pack(waiting, length, number))
        own = packs[first:]
        by_category: dict[str, int] = {}
        for pack in own:
            edges = pack["cu_seq_lens"].tolist()
            for place, category in enumerate(pack["category"]):
                if category:
                    trained = int((pack["labels"][edges[place] : edges[place + 1]] != -100).sum())
                    by_category[category] = by_category.get(category, 0) + trained
        real = [sum(reference >= 0 for reference in pack["doc_ref"].tolist()) for pack in own]
        total = sum(int(pack["cu_seq_lens"][count]) for pack, count in zip(own, real, strict=True))
        plans.append(
            PhasePlan(
                name=name, lr=lr, supervised=sum(by_category.values()), tokens=total, packs=len(own), documents=documents, categories=by_category
            )
        )  # fmt: skip
    chain = hashlib.blake2b(digest_size=8)
    for pack in packs:
        chain.update(pack["input_ids"].numpy().tobytes())
        pack["digest"] = chain.hexdigest()
    held = [
        make_pack([([place % vocabulary for place in range(20)], category, 10_000)], length) for category in CATEGORIES
    ]
    return FakeCorpus(packs, held, plans, vocabulary)


def sha256(path: Any) -> str:
    """The digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(trainer: Trainer, stop_at: int | None = None) -> None:
    """Trains; `stop_at` asks the run to stop during that step, as SIGTERM does."""
    step = trainer.one_step

    def one_step(window: Any) -> None:
        step(window)
        if trainer.step == stop_at:
            trainer.workers.stopping = True

    trainer.one_step = one_step  # type: ignore[method-assign]
    try:
        trainer.prepare()
        trainer.train()
    finally:
        trainer.finish()
