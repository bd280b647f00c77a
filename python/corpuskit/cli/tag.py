"""`corpuskit tag`: a finished run, labelled anew."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from corpuskit import verbs
from corpuskit.cli.options import add_plan_arguments, plan_of
from corpuskit.cli.terminal import say

NAME = "tag"
HELP = "Label a finished run anew, without the raw input."
DETAILS = """\
The section `tag` of the plan says how. Columns, report and manifest are replaced, and the records where labels stand
in them; rows keep their places. Cut short, the folder stays as it was, or the same command finishes it."""

SHOWN = 5  # tags of a column


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", metavar="OUT", help="a finished run folder, its records in form messages")
    add_plan_arguments(parser)
    parser.add_argument(
        "--with", dest="function", metavar="FILE.py:NAME", help="labels by a Python function over Arrow batches as well"
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Labels, and says how many records have which label."""
    function = None
    if options.function is not None:
        from corpuskit.labelling import find_function

        function = find_function(options.function)
    done = verbs.tag(options.folder, plan_of(options), function=function)
    say(json.dumps(done, ensure_ascii=False, indent=2) if options.json else "\n".join(lines(done)))
    return 0


def lines(done: dict[str, Any]) -> Iterator[str]:
    """The counts, the most frequent tags of each column first."""
    yield f"{done['records']:,} records labelled"
    for column, tags in done["labels"].items():
        ordered = sorted(tags.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{tag} {count:,}" for tag, count in ordered[:SHOWN])
        more = f", {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
        yield f"  {column}: {listed}{more}"
