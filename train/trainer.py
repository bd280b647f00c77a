"""The training of a run: preparation, steps, evaluation, checkpoints, end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import adapter
import checkpoint
import folder
import isolation
import model as models
import operations
from corpuskit.errors import CheckError, InputError
from evaluate import evaluate
from guard import Watch, suspects
from logs import Log, Progress
from loss import Loss
from phases import estimated_steps, rate
from routing import Router
from settings import Settings
from step import Outcome, run_step
from windows import Window, only_group, windows
from workers import Workers

if TYPE_CHECKING:
    from corpus import Corpus


class Trainer:
    """One run.

    Args:
        settings: All of them.
        corpus: What is trained on.
        workers: The processes.
        resume: Continue from the last whole checkpoint.
        force: Start again in a folder that holds a run.
    """

    def __init__(self, settings: Settings, corpus: Corpus, workers: Workers, *, resume: bool, force: bool) -> None:
        self.settings, self.corpus, self.workers = settings, corpus, workers
        self.resume, self.force = resume, force
        self.folder = settings.output
        self.names = adapter.names(settings.adapters)
        self.step = 0
        self.done = {phase.name: 0.0 for phase in corpus.phases}
        """Supervised tokens behind us, by phase."""
        self.tokens = 0
        self.stream: dict[str, Any] = {"state": None, "used": 0, "number": 0}
        self.seen: dict[str, dict[str, int]] = {
            name: {"documents": 0, "supervised": 0, "steps": 0} for name in self.names
        }
        """What each adapter was trained on."""
        self.evaluated: set[str] = set()
        self.watch = Watch(settings.guard)
        self.saved_at = time.monotonic()
        self.phase: int | None = None
        """The phase that is going on."""
        self.log: Log | None = None

    def prepare(self) -> None:
        """Loads, checks and proves everything before the first step.

        Raises:
            InputError: The model is missing or does not fit the corpus.
            IsolationError: Documents would touch.
            OutputError: The folder holds a run already.
        """
        settings, workers = self.settings, self.workers
        start_from = folder.claim(self.folder, workers, resume=self.resume, force=self.force)
        if (size := models.vocabulary(settings.model.path)) is not None:
            self.corpus.check_vocabulary(size, settings.model.path)
        base = models.load(settings.model, workers.precision, workers.device)
        self.corpus.check_vocabulary(base.get_input_embeddings().weight.shape[0], settings.model.path)
        self.model = adapter.attach(base, settings.adapters, settings.seed)
        with workers.autocast():
            self.finding = isolation.prove(self.model, use_cache=settings.model.use_cache)
        self.router = Router(self.model, settings.adapters.groups, self.names) if len(self.names) > 1 else None
        if settings.model.compile:
            models.compile_layers(self.model)
        self.loss = Loss(self.model, use_cache=settings.model.use_cache)
        with workers.autocast():
            difference = self.loss.choose_head(isolation.probe_batch(self.corpus.vocabulary, workers.device))
        train = settings.train
        self.parameters = {name: list(adapter.parameters(self.model, name).values()) for name in self.names}
        self.optimizer = torch.optim.AdamW(
            [{"params": parameters} for parameters in self.parameters.values()],
            lr=0.0, betas=train.betas, eps=train.epsilon, weight_decay=train.weight_decay, fused=workers.device.type == "cuda",
        )  # fmt: skip
        self.operations = operations.count(self.model)
        self.peak, self.peak_source = operations.peak(workers.device, workers.precision)
        if start_from is not None:
            self.continue_from(start_from)
        self.steps = sum(estimated_steps(phase, train.batch.unit, train.batch.target) for phase in self.corpus.phases)
        self.progress = Progress(self.steps, sum(phase.tokens for phase in self.corpus.phases), quiet=not workers.main)
        self.progress.say(str(self.finding))
        if not self.loss.sliced:
            self.progress.say("the head is not a plain frozen matrix: the model's own is used, at supervised positions")
        if workers.main:
            folder.write_card(self, difference)
            keep = self.written_before if start_from else None
            self.log = Log(self.folder, tensorboard=settings.tensorboard, step=self.step, keep=keep)

    def continue_from(self, path: Path) -> None:
        """Puts everything where a checkpoint says."""
        state = checkpoint.read_state(path)
        now = folder.identity(self.settings, self.corpus.identity)
        if state["identity"] != now:
            changed = [key for key, value in now.items() if state["identity"].get(key) != value]
            raise InputError(
                str(path),
                f"belongs to another run: {', '.join(changed)} changed",
                "use the settings it was made with, or another output",
            )
        checkpoint.restore(path, self.model, self.optimizer, self.names)
        self.step, self.tokens, self.done = state["step"], state["tokens"], state["done"]
        self.stream, self.seen, self.evaluated = state["stream"], state["seen"], set(state["evaluated"])
        self.phase = state["phase"]
        self.watch.restore(state["watch"])

    def written_before(self, row: dict[str, Any]) -> bool:
        """Whether a line of the log was written before the checkpoint; later ones are made again."""
        if row["event"] == "eval":
            return row["key"] in self.evaluated
        return bool(row["step"] <= self.step and row["event"] != "end")

    def train(self) -> bool:
        """Runs all steps; False if it was asked to stop before the end.

        Raises:
            CheckError: The loss stayed broken.
            OutputError: A checkpoint could not be written.
        """
        settings, workers = self.settings, self.workers
        workers.listen()
        source = self.corpus.source(workers.rank, workers.world, self.stream["state"])
        cut = False
        for window in windows(
            source, settings.train.batch, rank=workers.rank, world=workers.world, device=workers.device, groups=len(self.names),
            group_of=self.router.group_of if self.router else only_group, used=self.stream["used"], number=self.stream["number"],
        ):  # fmt: skip
            cut = settings.train.max_steps is not None and self.step >= settings.train.max_steps
            if cut:
                break
            if self.phase is not None and self.phase != window.phase:
                self.end_phase(self.phase)
            self.phase = window.phase
            self.one_step(window)
            if workers.agree(workers.stopping):
                self.save()
                self.progress.say(f"stopped after step {self.step:,}; continue with `--resume auto`")
                return False
            if self.due():
                self.save()
        if self.phase is not None:
            self.end_phase(self.phase, f"step {self.step}" if cut else "end")
        self.save()
        folder.export(self)
        return True

    def one_step(self, window: Window) -> None:
        """One optimizer step, its log line, and evaluation when it is due."""
        settings, workers = self.settings, self.workers
        phase = self.corpus.phases[window.phase]
        start = time.perf_counter()
        middle = self.done[phase.name] + 0.5 * window.supervised
        lr = rate(self.corpus.phases, window.phase, middle / max(1, phase.supervised), settings.train)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        outcome = run_step(self, window)
        verdict = self.watch.judge(outcome.totals.loss, outcome.norm)
        skip = self.watch.skips(verdict)
        if not skip:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += outcome.totals.tokens
        self.done[phase.name] += window.supervised
        for name, row in outcome.totals.seen.items():
            for key, value in row.items():
                self.seen[name][key] += value
        state, used, number = window.after
        self.stream = {"state": state, "used": used, "number": number}
        if workers.device.type == "cuda":
            torch.cuda.synchronize(workers.device)
        seconds = time.perf_counter() - start + window.waited
        row = folder.row(self, window, outcome, lr, seconds)
        if self.log is not None:
            self.log.write("step", **row)
            self.progress.show(row, self.tokens)
        if verdict != "fine":
            self.report(verdict, skip, outcome)
        if settings.evaluate.per_phase:
            due = int(self.done[phase.name] / max(1, phase.supervised) * settings.evaluate.per_phase)
            if 0 < due < settings.evaluate.per_phase:
                self.evaluate(window.phase, f"{phase.name}:{due}")

    def report(self, verdict: str, skip: bool, outcome: Outcome) -> None:
        """Names the documents of a broken step.

        Raises:
            CheckError: It is one too many in a row.
        """
        mine = suspects(outcome.details, self.corpus.origin)
        rows = [row for part in self.workers.gather(mine) for row in part]
        rows.sort(key=lambda row: (row["loss"] is not None, -(row["loss"] or 0.0), row["origin"]))
        if self.log is not None:
            self.log.write(
                "guard",
                self.step,
                verdict=verdict,
                skipped=skip,
                loss=outcome.totals.loss,
                norm=outcome.norm,
                documents=rows[:20],
            )
        worst = f", worst in {rows[0]['origin']}" if rows else ""
        self.progress.say(
            f"step {self.step:,}: loss {outcome.totals.loss:.3g} is {'a leap' if verdict == 'spike' else 'no number'}{worst}{'; step left out' if skip else ''}"
        )
        if self.watch.skipped >= self.settings.guard.patience:
            self.save()
            error = CheckError(f"guard: {self.watch.skipped} steps in a row had to be left out{worst}")
            error.hint = f"the documents are named in {self.folder / 'log.jsonl'} (event `guard`); a lower `train.lr_scale` may help too"
            raise error

    def evaluate(self, phase: int, key: str) -> None:
        """Loss by category on the validation split, once for each key."""
        if key in self.evaluated:
            return
        self.evaluated.add(key)
        start = time.perf_counter()
        workers = self.workers
        found = evaluate(
            self.loss, self.corpus.validation(workers.rank, workers.world), self.corpus.collate, self.corpus.categories,
            workers.device, workers.autocast, self.router.direct if self.router else None,
        )  # fmt: skip
        total, count = (sum(pair[place] for pair in found.values()) for place in (0, 1))
        if not count:
            return
        losses = {category: summed / tokens for category, (summed, tokens) in found.items()}
        if self.log is not None:
            name = self.corpus.phases[phase].name
            tokens = {category: int(pair[1]) for category, pair in found.items()}
            self.log.write(
                "eval",
                self.step,
                key=key,
                phase=name,
                loss=total / count,
                loss_by_category=losses,
                tokens_by_category=tokens,
                seconds=time.perf_counter() - start,
            )
        self.progress.say(
            f"validation after step {self.step:,}: {total / count:.3f}  "
            + "  ".join(f"{name} {value:.3f}" for name, value in sorted(losses.items()))
        )

    def end_phase(self, phase: int, key: str = "end") -> None:
        """Evaluates at the end of a phase, or where a run is cut short in it; after the end, what its losses were like is forgotten."""
        if self.settings.evaluate.per_phase:
            self.evaluate(phase, f"{self.corpus.phases[phase].name}:{key}")
        if key == "end":
            self.watch.forget()

    def due(self) -> bool:
        """Whether it is time for a checkpoint; all processes agree."""
        every = self.settings.checkpoint
        if every.steps is not None:
            return self.step % every.steps == 0
        return self.workers.agree(time.monotonic() - self.saved_at > 60 * every.minutes)

    def save(self) -> None:
        """Writes a checkpoint."""
        self.saved_at = time.monotonic()
        folder.save(self)

    def finish(self) -> None:
        """Closes the log."""
        if self.log is not None:
            self.log.close()
