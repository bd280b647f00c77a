"""A training run over made packs in processes of its own, to be killed, continued and spread over several processes.

python tests/train_child.py MODEL OUTPUT [--resume] [--stop-at STEP] [--rows N] [--gradients FILE] [--slow SECONDS]
torchrun --nproc_per_node 2 tests/train_child.py …
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "train"), str(Path(__file__).resolve().parent)]
warnings.filterwarnings("ignore", category=FutureWarning)

import torch

import settings as configuration
from train_packs import make_corpus, run
from trainer import Trainer
from workers import Workers

PHASES = [("first", 1e-3, ["factual", "technical"]), ("second", 5e-4, ["creative", "empathetic"])]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("output", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--stop-at", type=int, help="ask the run to stop in this step, as SIGTERM does")
    parser.add_argument("--rows", type=int, help="packs a step, instead of 8 examples")
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--gradients", type=Path, help="write the first step's gradients here and end")
    parser.add_argument("--slow", type=float, default=0.0, help="seconds that each step takes more")
    options = parser.parse_args()
    torch.set_num_threads(1)
    batch = configuration.Batch(size=4, accumulate=2)
    if options.rows:
        batch = configuration.Batch(unit="rows", size=options.rows, accumulate=1)
    settings = configuration.Settings(
        output=options.output,
        model=configuration.Model(path=options.model),
        data=configuration.Data(run=options.output, tokenizer=options.output, length=64),
        adapters=configuration.Adapters(lora=configuration.Lora(dropout=options.dropout)),
        train=configuration.Train(precision="fp32", batch=batch, max_grad_norm=1e9 if options.gradients else 1.0),
        checkpoint=configuration.Checkpoint(steps=3, keep=2),
        evaluate=configuration.Evaluate(per_phase=2),
        tensorboard=False,
    )
    corpus = make_corpus(PHASES, documents=options.documents)
    trainer = Trainer(settings, corpus, Workers(settings), resume=options.resume, force=False)
    step = trainer.one_step

    def one_step(window: Any) -> None:
        if options.gradients:
            trainer.optimizer.step = lambda: write_gradients(trainer, options.gradients)
        step(window)
        time.sleep(options.slow)
        if options.gradients:
            trainer.finish()
            trainer.workers.close()
            sys.exit(0)

    trainer.one_step = one_step  # type: ignore[method-assign]
    run(trainer, options.stop_at)
    trainer.workers.close()


def write_gradients(trainer: Trainer, path: Path) -> None:
    from safetensors.torch import save_file

    if trainer.workers.main:
        save_file(
            {name: p.grad.contiguous() for name, p in trainer.model.named_parameters() if p.grad is not None}, path
        )


if __name__ == "__main__":
    main()
