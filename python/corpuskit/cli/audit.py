"""`corpuskit audit`: a finished run folder, counted again."""

from __future__ import annotations

import argparse
import json

from corpuskit import verbs
from corpuskit.cli.terminal import complain, say, size

NAME = "audit"
HELP = "Count a run folder again; check digests and conservation sums."
DETAILS = """\
Every line of data, dropped, duplicates and rejected and every row of columns is counted, every file's
digest compared with the manifest. Exit code 1 where something does not agree."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", metavar="OUT", help="a finished run folder")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Audits and says what does not agree."""
    found = verbs.audit(options.folder)
    problems: list[str] = found["problems"]
    if options.json:
        say(json.dumps(found, ensure_ascii=False, indent=2))
    elif found["holds"]:
        units, records = found["counted"]["units"], found["counted"]["records"]
        say(
            f"{options.folder} is whole: {found['files']:,} files, {size(found['bytes'])}, digests agree\n"
            f"  {units['read']:,} units = {units['in_records']:,} in records + {units['empty']:,} empty "
            f"+ {units['rejected']:,} rejected\n"
            f"  {records['records']:,} records = {records['kept']:,} kept + {records['dropped']:,} dropped "
            f"+ {records['duplicates']:,} duplicates"
        )
    if found["unknown"] and not options.json:
        say(f"not of this run: {', '.join(found['unknown'])}")
    if not found["holds"]:
        listed = "".join(f"\n  {problem}" for problem in problems)
        complain(f"{options.folder}: {len(problems)} thing(s) do not agree{listed}", None)
    return 0 if found["holds"] else 1
