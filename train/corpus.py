"""What training needs to know of a corpus: the contract between `train/` and the loader.

A pack is a dictionary of one-dimensional tensors `input_ids[L]`, `labels[L]` (unshifted, -100 where nothing is trained, the first token
of each document included), `position_ids[L]`, `seq_idx[L]`, `loss_weight[L]`, `cu_seq_lens[D+1]`, `doc_ref[D]` (below 0: padding), and
`max_seq_len`, `phase` (its number), `category[D]` and `digest` (hexadecimal; a chain over all packs up to this one). The packs of a stream are numbered; with W processes, number k is process k mod W's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from phases import PhasePlan
from windows import Source

Pack = dict[str, Any]


class Corpus(Protocol):
    """A packed corpus, opened for training."""

    phases: list[PhasePlan]
    """In the order of the stream."""
    categories: list[str]
    """All categories, in a fixed order."""
    vocabulary: int
    """Token ids are below it."""
    ledger: dict[str, Any]
    """By category: tokens seen, kept, lost by kind."""
    lost: dict[str, int]
    """Tokens lost, by kind."""
    refused: dict[str, int]
    """Records that are not trained on, by reason."""
    identity: dict[str, Any]
    """Digests of the selection, the tokenizer and whatever else decides the packs."""

    def source(self, rank: int, world: int, state: dict[str, Any] | None) -> Source:
        """The packs of a process, from the beginning or from where a state says."""

    def validation(self, rank: int, world: int) -> Sequence[Pack]:
        """This process's share of the packs that are kept for evaluation; the same ones each time."""

    def collate(self, packs: Sequence[Pack]) -> Pack:
        """Packs joined to one row, `[1, n * L]`."""

    def origin(self, reference: int) -> str:
        """The `path:line` that a document came from."""

    def check_vocabulary(self, size: int, where: str) -> None:
        """Refuses a model with fewer embeddings than the tokenizer has tokens (`InputError`)."""
