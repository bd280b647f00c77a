"""The command line: `corpuskit VERB …`."""

from corpuskit.cli.main import main

__all__ = ["main"]
