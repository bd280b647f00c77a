"""`corpuskit count`: the tokens of a run folder."""

from __future__ import annotations

import argparse
import json

from corpuskit.cli.options import add_plan_arguments, add_tokenizer_arguments, plan_of, template_of
from corpuskit.cli.options import count as options_count
from corpuskit.cli.terminal import complain, say
from corpuskit.count import count

NAME = "count"
HELP = "Count tokens and trained tokens of every record."
DETAILS = """\
Records are rendered with the tokenizer's chat template and tokenised; the counts are written to OUT/counts/,
one row a record, and the tokens to OUT/tokens/, where training reads them. A ledger says what is kept and
what is lost, why, by source. Exit code 1 where the settings call something an error."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", metavar="OUT", help="a finished run folder")
    add_tokenizer_arguments(parser)
    parser.add_argument("--threads", type=options_count, metavar="N", help="threads that tokenise (all cores)")
    parser.add_argument("--json", action="store_true", help="the whole ledger as JSON")
    add_plan_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Counts and shows the ledger."""
    found = count(
        options.folder, options.tokenizer, plan=plan_of(options), template=template_of(options), threads=options.threads
    )
    if options.json:
        say(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        say(ledger_table(found))
    for problem, hint in found["faults"]:
        complain(problem, hint)
    return 1 if found["faults"] else 0


def ledger_table(found: dict[str, object]) -> str:
    """The ledger for people."""
    ledger, notes = found["ledger"], found["notes"]
    assert isinstance(ledger, dict)  # noqa: S101 - what the core wrote
    assert isinstance(notes, list)  # noqa: S101
    lines = list(notes)
    heads = ("records", "documents", "tokens", "trained", "kept", "lost", "trained lost")
    names = ("rows", "documents", "seen", "seen_supervised", "kept", "lost", "lost_supervised")
    rows = [("all", ledger["total"])]
    for kind in ("categories", "sources"):
        rows += [(name, account) for name, account in ledger[kind].items() if name]
    table = [("", *heads), *((name, *(f"{account[key]:,}" for key in names)) for name, account in rows)]
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    for reason, times in ledger["total"]["refused"].items():
        lines.append(f"{reason}: {times:,} records are not trained on")
    return "\n".join(lines)
