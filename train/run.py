"""Trains one LoRA adapter (or one a group of categories) on a packed corpus.

    accelerate launch train/run.py --config train/configs/emergent.yaml [--resume auto] [--dry-run] [--set section.key=value …]

From top to bottom: read the settings, open the corpus, show the plan, load the model, prove that documents stay apart, train phase
by phase, save the adapter. Exit codes: 0 done, 1 a check failed (isolation, a label in the text, a loss that stays broken), 2 not
run, 130 interrupted; `accelerate launch` makes 1 of all but 0. An interrupted run continues with `--resume auto` and ends with the
same adapter, bit by bit.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import settings as configuration
from corpuskit.cli.codes import DONE, INTERRUPTED, explain
from corpuskit.cli.terminal import say
from corpuskit.errors import CorpuskitError


def arguments_of(words: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train/run.py", description="Trains one LoRA adapter on a packed corpus.")
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="settings, YAML (see train/configs/)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one setting; wins over the file"
    )
    parser.add_argument("--resume", choices=["auto"], help="continue from the last whole checkpoint, if there is one")
    parser.add_argument("--force", action="store_true", help="start again in a folder that holds a run")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop before the model is loaded")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Runs, and turns what goes wrong into a message and an exit code."""
    options = arguments_of(words)
    # peft and transformers warn each other's callers about names that move
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|peft")
    try:
        settings = configuration.load(options.config, options.set)
        from description import describe
        from loading import OpenCorpus  # torch is loaded from here on
        from trainer import Trainer
        from workers import Workers

        workers = Workers(settings)
        corpus = workers.main_first(lambda: OpenCorpus(settings, main=workers.main, force=options.force))
        if options.dry_run:
            if workers.main:
                say(describe(settings, corpus))
            return DONE
        trainer = Trainer(settings, corpus, workers, resume=options.resume == "auto", force=options.force)
        try:
            trainer.prepare()
            finished = trainer.train()
        finally:
            trainer.finish()
        workers.close()
        return DONE if finished else INTERRUPTED
    except (KeyboardInterrupt, CorpuskitError, OSError) as error:
        return explain(error, "run the same command with `--resume auto` to continue")


if __name__ == "__main__":
    sys.exit(main())
