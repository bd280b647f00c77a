"""Parses the command line and runs a verb."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from corpuskit import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="corpuskit", description="Raw chat data in; a clean corpus and a full account out."
    )
    parser.add_argument("--version", action="version", version=f"corpuskit {__version__}")
    parser.parse_args(arguments)
    parser.print_help()
    return 2
