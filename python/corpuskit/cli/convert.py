"""`corpuskit convert`: records in another form."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from corpuskit import verbs
from corpuskit._core import convert_targets
from corpuskit.cli.options import add_plan_arguments, plan_of
from corpuskit.cli.terminal import complain, say

NAME = "convert"
HELP = "Write records in another form, or in their own schema again."
DETAILS = """\
Takes any input that `process` takes, and run folders. Nothing is normalised, filtered or
deduplicated. What cannot be converted without loss is refused with a reason (exit code 1)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="file, folder, glob, run folder, or - for standard input"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="JSONL file (default: standard output)")
    parser.add_argument("--to", required=True, metavar="FORM", help=", ".join(convert_targets()))
    parser.add_argument("--refused", metavar="FILE", help="JSONL file for what cannot be converted")
    parser.add_argument("--force", action="store_true", help="overwrite the files")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("--json", action="store_true", help="the counts as JSON (needs -o)")
    add_plan_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Converts and says what was refused."""
    done = verbs.convert(
        options.inputs,
        options.output,
        to=options.to,
        plan=plan_of(options),
        refused=options.refused,
        force=options.force,
    )
    if options.json and options.output is not None:
        say(json.dumps({**asdict(done), "output": options.output}, ensure_ascii=False, indent=2))
    elif not options.quiet and options.output is not None:
        sys.stderr.write(f"wrote {done.written:,} of {done.units - done.empty:,} records to {options.output}\n")
    count = sum(done.refused.values())
    if count:
        reasons = ", ".join(f"{reason} {times:,}" for reason, times in sorted(done.refused.items()))
        shown = "".join(f"\n  {row['origin']}: {row['reason']}: {row['detail']}" for row in done.shown)
        hint = None if options.refused else "`--refused FILE` writes all of them down"
        complain(f"{count:,} not converted: {reasons}{shown}", hint)
    return 1 if count else 0
