"""Generates the reference of the command line from the argument parser."""

from __future__ import annotations

from corpuskit._gen.pages import NOTE
from corpuskit.cli.parser import build_parser, verb_parsers


def command_line_page() -> str:
    """The `--help` of every verb."""
    parser = build_parser(width=100)
    rows = [NOTE, "# The command line", "", "```text", parser.format_help().rstrip(), "```", ""]
    for name, verb in verb_parsers(parser):
        rows += [f"## `corpuskit {name}`", "", "```text", verb.format_help().rstrip(), "```", ""]
    return "\n".join(rows).rstrip() + "\n"
