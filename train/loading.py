"""Opens a run folder or a selection for training: selects, tokenises, counts, and hands out packs.

What is named in the configuration and not there yet is made once: the tokens (`corpuskit count`) in the run folder, the selection
(`corpuskit mix`) in the output folder. Both are found again by the next start. A record whose text holds a label stops here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpuskit.errors import InputError, PlanError
from corpuskit.loader import PackedCorpus, PackedDataset, collate
from corpuskit.selection import mix, read_selection
from corpuskit.tokenise import tokenise
from corpuskit.verbs import effective
from phases import PhasePlan
from settings import Settings

Pack = dict[str, Any]
NOBODY = "uncategorised"
"""The category of documents that have none, so that their loss is logged too."""


def plan_of(settings: Settings) -> dict[str, Any]:
    """The sections of the plan that decide the packs, as the training configuration says them."""
    phases = [
        {"name": phase.name, "lr": phase.lr, "include": "all" if phase.include == "all" else list(phase.include)}
        for phase in settings.curriculum.phases
    ]
    return {
        "mix": {
            "seed": settings.seed,
            "max_epochs_per_record": settings.curriculum.max_epochs_per_record,
            "split": {"validation": settings.data.validation},
        },
        "curriculum": {
            "phases": phases,
            "replay": settings.curriculum.replay,
            "unlisted": settings.curriculum.unlisted,
        },
        "tokenise": {"overflow": settings.data.overflow, "untrainable": settings.data.untrainable},
        "condition": {"leak_guard": settings.data.leak_guard},
        "pack": {"length": settings.data.length},
    }


class Source:
    """One process's packs, from a state on."""

    def __init__(self, dataset: PackedDataset) -> None:
        self.dataset = dataset
        self.packs = iter(dataset)
        self.start: dict[str, Any] | None = dataset.state_dict()

    def position(self) -> dict[str, Any]:
        """The loader's state."""
        return self.dataset.state_dict() if self.start is None else self.start

    def take(self) -> Pack | None:
        """The next pack."""
        pack = next(self.packs, None)
        self.start = None
        return pack


class OpenCorpus:
    """A corpus as `train/corpus.py` describes it, over `corpuskit.loader`.

    Args:
        settings: Sections `data` and `curriculum` decide.
        main: Whether this process makes what is missing; the others come after it.
        force: Whether a run that is in the output folder will be replaced.

    Raises:
        CorpuskitError: Run, selection and tokenizer are missing or do not belong together, or a record must not be trained on.
    """

    def __init__(self, settings: Settings, *, main: bool = True, force: bool = False) -> None:
        self.settings, self.plan = settings, plan_of(settings)
        chosen = settings.data.selection or settings.output / "selection"
        if settings.data.selection is None and main:
            self.select(chosen, force=force)
        self.check_selection(read_selection(chosen))
        where: dict[str, Any] = {"tokenizer": settings.data.tokenizer, "run": settings.data.run, "plan": self.plan}
        self.corpus = PackedCorpus(chosen, **where)
        self.held_out = PackedCorpus(chosen, validation=True, **where) if settings.data.validation else None
        self.lr = {phase.name: phase.lr * settings.train.lr_scale for phase in settings.curriculum.phases}
        self.phases = self.described()
        self.categories = [*self.corpus.categories, NOBODY]
        self.vocabulary = self.corpus.vocabulary
        ledger = self.corpus.store.ledger()["ledger"]
        self.ledger: dict[str, Any] = {
            name or NOBODY: {"seen": row["seen"], "kept": row["kept"], "lost": {"tokens": row["lost"]}}
            for name, row in ledger["categories"].items()
        }
        self.lost: dict[str, int] = {"tokens": ledger["total"]["lost"], "trained": ledger["total"]["lost_supervised"]}
        self.refused: dict[str, int] = ledger["total"]["refused"]
        self.identity = self.corpus.identity

    def select(self, folder: Path, *, force: bool) -> None:
        """Makes the selection, unless the one that is there is the same.

        Raises:
            PlanError: A run stands in the folder that was trained on another selection.
        """
        if (folder / "selection.json").is_file() and not force:
            account = read_selection(folder)
            sections = json.loads(effective(self.plan).to_json())
            same = all(account["plan"][name] == sections[name] for name in ("mix", "curriculum"))
            started = (self.settings.output / "run.json").exists()
            if started and not same:
                raise PlanError(
                    "curriculum, data.validation, seed",
                    f"{self.settings.output} holds a run with another selection",
                    "take the settings it was made with, another output, or `--force`",
                )
            manifest = self.settings.data.run / "manifest.json"
            if started or (same and json.loads(manifest.read_text("utf-8")).get("digest") == account["manifest"]):
                return
        # what is replayed is a share of trained tokens, so they are counted first
        store = tokenise(self.settings.data.run, self.settings.data.tokenizer, plan=self.plan)
        mix(self.settings.data.run, folder, plan=self.plan, tokens=store.folder, force=True)

    def check_selection(self, account: dict[str, Any]) -> None:
        """A selection that was made before must have the phases of the configuration.

        Raises:
            PlanError: It has others.
        """
        made = [phase["name"] for phase in account["phases"]]
        asked = [phase.name for phase in self.settings.curriculum.phases]
        if made != asked:
            raise PlanError(
                "curriculum.phases",
                f"are {', '.join(asked)}, and the selection has {', '.join(made)}",
                "name the phases of the selection, or leave `data.selection` out",
            )

    def described(self) -> list[PhasePlan]:
        """The phases as they will be trained."""
        return [
            PhasePlan(
                name=phase.name, lr=self.lr[phase.name], supervised=phase.supervised, tokens=phase.tokens, packs=phase.packs,
                documents=phase.documents, categories={name or NOBODY: count for name, count in phase.categories.items()},
            )
            for phase in self.dataset(self.corpus, 0, 1).phases
        ]  # fmt: skip

    def dataset(self, corpus: PackedCorpus, rank: int, world: int) -> PackedDataset:
        """The packs of a process."""
        return PackedDataset(corpus, plan=self.plan, rank=rank, world_size=world, seed=self.settings.seed, prefetch=8)

    def source(self, rank: int, world: int, state: dict[str, Any] | None) -> Source:
        """The packs of a process, from the beginning or from where a state says."""
        dataset = self.dataset(self.corpus, rank, world)
        if state is not None:
            dataset.load_state_dict(state)
        return Source(dataset)

    def validation(self, rank: int, world: int) -> Sequence[Pack]:
        """This process's share of the packs that are kept for evaluation."""
        if self.held_out is None:
            return []
        packs = []
        for pack in self.dataset(self.held_out, rank, world):
            if pack["number"] >= self.settings.evaluate.packs:
                break
            packs.append(pack)
        return packs

    def collate(self, packs: Sequence[Pack]) -> Pack:
        """Packs joined to one row."""
        batch = collate(packs)
        batch["category"] = [name or NOBODY for name in batch["category"]]
        return batch

    def origin(self, reference: int) -> str:
        """The `path:line` of a document."""
        return self.corpus.origin(reference)

    def check_vocabulary(self, size: int, where: str) -> None:
        """Refuses a model with fewer embeddings than the tokenizer has tokens.

        Raises:
            InputError: It has.
        """
        if size < self.vocabulary:
            raise InputError(
                where,
                f"has {size:,} embeddings, and the tokenizer {self.settings.data.tokenizer} {self.vocabulary:,} tokens",
                "use the tokenizer that belongs to the model",
            )
