"""`corpuskit inspect`: records as coloured tokens."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from corpuskit.cli.options import add_plan_arguments, add_tokenizer_arguments, count, plan_of, template_of
from corpuskit.cli.terminal import colours, say
from corpuskit.inspect import inspect, page, terminal

NAME = "inspect"
HELP = "Show records as tokens: what is trained and what is not."
DETAILS = """\
Records are rendered with the tokenizer's chat template; trained tokens are coloured, the others dim. Without
colours trained stretches stand between ⟦ and ⟧."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", metavar="OUT", help="a finished run folder")
    parser.add_argument("origins", nargs="*", metavar="ORIGIN", help="these records, e.g. raw/a.jsonl:7")
    add_tokenizer_arguments(parser)
    parser.add_argument("--limit", type=count, default=5, metavar="N", help="records to show (5)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one HTML page")
    add_plan_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Shows records."""
    records, notes = inspect(
        options.folder,
        options.tokenizer,
        plan=plan_of(options),
        template=template_of(options),
        limit=options.limit,
        origins=options.origins,
    )
    if options.html:
        options.html.write_text(page(records, notes, f"Tokens of {options.folder}"), "utf-8")
    else:
        say("\n".join([*notes, terminal(records, colours(sys.stdout))]))
    missing = set(options.origins) - {record.origin for record in records}
    if missing:
        sys.stderr.write(f"not among the kept records: {', '.join(sorted(missing))}\n")
    return 1 if missing else 0
