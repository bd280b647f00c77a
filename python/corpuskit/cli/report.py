"""`corpuskit report`: the picture of a training run."""

from __future__ import annotations

import argparse

from corpuskit.cli.terminal import say

NAME = "report"
HELP = "Draw a training run: one HTML page."
DETAILS = """\
Loss by category and phase, validation, learning rate, tokens a second, fill, data wait, and where
tokens were lost. The page loads nothing from elsewhere. Works while the run is going on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder."""
    parser.add_argument("run_folder", metavar="RUN", help="the output folder of train/run.py")
    parser.add_argument("-o", "--output", metavar="FILE", help="the page (default: RUN/report.html)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the page."""
    from corpuskit.training_page import write_page

    say(str(write_page(options.run_folder, options.output)))
    return 0
