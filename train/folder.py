"""The folder of a run: who may write into it, what stands in it.

RUN/run.json       settings, plan, ledger of tokens, what was proved
RUN/log.jsonl      one line a step, an evaluation, a guarded step
RUN/tensorboard/
RUN/checkpoints/   step-00000120/ …
RUN/adapter/       the product; in grouped mode adapters/NAME/
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import adapter
import checkpoint
from corpuskit.errors import OutputError

if TYPE_CHECKING:
    from settings import Settings
    from step import Outcome
    from trainer import Trainer
    from windows import Window
    from workers import Workers


def claim(folder: Path, workers: Workers, *, resume: bool, force: bool) -> Path | None:
    """Makes the folder, or finds the checkpoint to continue from.

    Raises:
        OutputError: It holds a run, and neither resume nor force was asked for.
    """
    latest = checkpoint.latest(folder / "checkpoints") if resume else None
    problem = None
    if workers.main:
        if (folder / "run.json").exists() and not (resume or force):
            problem = "holds a run already"
        else:
            if force and not resume:
                for name in ("checkpoints", "adapter", "adapters", "tensorboard"):
                    shutil.rmtree(folder / name, ignore_errors=True)
            if latest is None:
                for name in ("log.jsonl", "run.json"):
                    (folder / name).unlink(missing_ok=True)
            (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    problem = workers.gather(problem)[0]
    if problem:
        raise OutputError(str(folder), problem, "continue it with `--resume auto`, or start again with `--force`")
    return latest


def identity(settings: Settings, corpus: dict[str, Any]) -> dict[str, Any]:
    """What a resumed run must have in common with its beginning."""
    plain = asdict(settings)
    for key in ("output", "checkpoint", "tensorboard"):
        plain.pop(key)
    plain["train"].pop("max_steps")
    return {**json.loads(json.dumps(plain, default=str)), "corpus": corpus}


def write_card(trainer: Trainer, difference: float) -> None:
    """Writes `run.json`.

    Args:
        trainer: The run.
        difference: Between the sliced head and the model's own.
    """
    card = {
        "settings": json.loads(json.dumps(asdict(trainer.settings), default=str)),
        "phases": [asdict(phase) for phase in trainer.corpus.phases],
        "corpus": trainer.corpus.identity,
        "ledger": trainer.corpus.ledger,
        "lost": trainer.corpus.lost,
        "refused": trainer.corpus.refused,
        "isolation": {"moved": trainer.finding.moved, "own": trainer.finding.own},
        "head": {"sliced": trainer.loss.sliced, "difference": None if difference != difference else difference},
        "operations": asdict(trainer.operations),
        "peak": {"operations_per_second": trainer.peak, "source": trainer.peak_source},
        "processes": trainer.workers.world,
        "device": str(trainer.workers.device),
    }
    (trainer.folder / "run.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")


def row(trainer: Trainer, window: Window, outcome: Outcome, lr: float, seconds: float) -> dict[str, Any]:
    """The log line of a step."""
    count = trainer.operations.step(window.tokens, sum(outcome.totals.trained.values()), outcome.totals.squares)
    return {
        "step": trainer.step,
        "phase": trainer.corpus.phases[window.phase].name,
        "lr": lr,
        "loss": outcome.totals.loss,
        "loss_by_category": outcome.totals.by_category,
        "trained_by_category": outcome.totals.trained,
        "norm": outcome.norm,
        "examples": window.examples,
        "rows": window.rows,
        "tokens": outcome.totals.tokens,
        "supervised": window.supervised,
        "fill": outcome.totals.tokens / max(1, window.tokens),
        "packs": [window.after[2] - window.rows, window.after[2]],
        "digest": f"{window.digest:016x}",
        "seconds": seconds,
        "waited": window.waited,
        "tokens_per_second": outcome.totals.tokens / max(seconds, 1e-9),
        "mfu": count / max(seconds, 1e-9) / (trainer.peak * trainer.workers.world),
        "memory": trainer.workers.memory(),
    }


def save(trainer: Trainer) -> None:
    """Writes a checkpoint.

    Raises:
        OutputError: It could not be written; the one before is whole.
    """
    problem: OutputError | None = None
    if trainer.workers.main:
        state = {
            "step": trainer.step,
            "phase": trainer.phase,
            "tokens": trainer.tokens,
            "done": trainer.done,
            "stream": trainer.stream,
            "seen": trainer.seen,
            "evaluated": sorted(trainer.evaluated),
            "watch": trainer.watch.state(),
            "identity": identity(trainer.settings, trainer.corpus.identity),
        }
        base, keep = trainer.settings.model.path, trainer.settings.checkpoint.keep
        try:
            checkpoint.write(
                trainer.folder / "checkpoints", trainer.model, trainer.optimizer, trainer.names, base, state, keep
            )
        except OutputError as error:
            problem = error
    if trainer.workers.gather(problem is not None)[0]:
        raise problem or OutputError(str(trainer.folder), "checkpoint not written")


def export(trainer: Trainer) -> None:
    """The finished adapter: `adapter/`, or `adapters/NAME/`, with an account of what it was trained on."""
    if not trainer.workers.main:
        return
    grouped = len(trainer.names) > 1
    for name in trainer.names:
        target = trainer.folder / "adapters" / name if grouped else trainer.folder / "adapter"
        adapter.save(trainer.model, name, target, trainer.settings.model.path)
        account = {"corpus": trainer.corpus.identity, "seen": trainer.seen[name], "steps": trainer.step}
        (target / "trained_on.json").write_text(json.dumps(account, indent=1) + "\n", "utf-8")
    if trainer.log is not None:
        trainer.log.write("end", trainer.step, seen=trainer.seen, tokens=trainer.tokens)
