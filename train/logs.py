"""What a run writes down: one JSON line an event, TensorBoard, and one line on the terminal."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpuskit.cli.terminal import duration, is_terminal


class Log:
    """`log.jsonl` and TensorBoard. Only the main process writes.

    Args:
        folder: The run's folder.
        tensorboard: Whether to write TensorBoard's files too.
        step: The last step that stands.
        keep: On resume, says of an earlier line whether it stays; None at a fresh start.
    """

    def __init__(
        self, folder: Path, *, tensorboard: bool, step: int = 0, keep: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        path = folder / "log.jsonl"
        if keep is not None and path.exists():
            kept = [line for line in path.read_text("utf-8").splitlines() if whole(line) and keep(json.loads(line))]
            draft = path.with_suffix(".part")
            draft.write_text("".join(line + "\n" for line in kept), "utf-8")
            draft.replace(path)
        self.file = path.open("a", encoding="utf-8")
        self.board: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            board = SummaryWriter(str(folder / "tensorboard"), purge_step=None if keep is None else step + 1)
            self.board = board.file_writer

    def write(self, event: str, step: int, **values: Any) -> None:
        """Writes an event; numbers go to TensorBoard too, nested ones as `name/key`."""
        row = {"event": event, "step": step, **values}
        self.file.write(json.dumps(finite(row), ensure_ascii=False) + "\n")
        self.file.flush()
        if self.board is not None and event in ("step", "eval"):
            prefix = "train/" if event == "step" else "eval/"
            self.board.add_summary(scalars(flat(values, prefix)), step)

    def close(self) -> None:
        """Finishes the files."""
        self.file.close()
        if self.board is not None:
            self.board.close()


def scalars(rows: list[tuple[str, float]]) -> Any:
    """TensorBoard's form of many numbers of one step, written at once."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in rows])


def whole(line: str) -> bool:
    """Whether a line was written to its end."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def finite(value: Any) -> Any:
    """JSON knows no NaN: such a number becomes null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Numbers with their names."""
    rows: list[tuple[str, float]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += flat(value, f"{prefix}{key}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            rows.append((prefix + key, float(value)))
    return rows


class Progress:
    """One line on standard error: rewritten on a terminal, now and then elsewhere.

    Args:
        steps: Estimated steps of the whole run.
        tokens: Tokens of the whole run.
        quiet: Whether this process says nothing.
        clock: The time; given by tests.
    """

    def __init__(self, steps: int, tokens: int, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.steps, self.tokens, self.quiet, self.clock = steps, tokens, quiet, clock
        self.live = is_terminal(sys.stderr)
        self.start = clock()
        self.shown = -math.inf
        self.first: int | None = None

    def show(self, row: dict[str, Any], done: int) -> None:
        """Shows a step.

        Args:
            row: As it was logged.
            done: Tokens of the run so far, this step included.
        """
        now = self.clock()
        if self.first is None:
            self.first = done - row["tokens"]
        if self.quiet or (not self.live and now - self.shown < 10 and row["step"] > 1):
            return
        self.shown = now
        text = line(row, self.steps, self.left(done, now))
        sys.stderr.write(f"\r\x1b[K{text}" if self.live else text + "\n")
        sys.stderr.flush()

    def left(self, done: int, now: float) -> float:
        """Seconds that remain, from the speed so far."""
        gone = done - (self.first or 0)
        return (now - self.start) / gone * max(self.tokens - done, 0) if gone > 0 else math.inf

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self.quiet:
            sys.stderr.write(("\r\x1b[K" if self.live else "") + text + "\n")
            sys.stderr.flush()


def line(row: dict[str, Any], steps: int, left: float) -> str:
    """A step on a line."""
    parts = [
        f"{row['phase']:<18}",
        f"step {row['step']:,}/{max(steps, row['step']):,}",
        f"loss {row['loss']:.3f}" if row["loss"] is not None and math.isfinite(row["loss"]) else "loss none",
        f"{row['tokens_per_second']:,.0f} tokens/s",
        f"fill {100 * row['fill']:.1f} %",
        f"wait {100 * row['waited'] / max(row['seconds'], 1e-9):.1f} %",
        f"MFU {100 * row['mfu']:.1f} %",
    ]
    if math.isfinite(left):
        parts.append(f"{duration(left)} left")
    return "  ".join(parts)
