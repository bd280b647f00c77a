"""`corpuskit peek`: what is in there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

from corpuskit import verbs
from corpuskit.cli.options import add_plan_arguments, plan_of
from corpuskit.cli.terminal import say, size

NAME = "peek"
HELP = "What is in there: containers, schemas, counts, rejects, samples."
DETAILS = """\
Takes less than five seconds whatever the size: what that does not suffice for is estimated from
samples, and marked with ~."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="file, folder, glob, or - for standard input")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="N", help="time to spend (default: 4)")
    parser.add_argument(
        "--samples", type=int, default=3, metavar="N", help="samples shown of each schema, 0 to 3 (default: 3)"
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    add_plan_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Looks and prints."""
    found = verbs.peek(options.inputs, plan=plan_of(options), seconds=options.seconds)
    if options.json:
        say(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        say("\n".join(table(found, options.samples)))
    return 0


def number(count: dict[str, Any]) -> str:
    """A count, with ~ where it was estimated."""
    return f"{'~' if count['estimated'] else ''}{count['count']:,}"


def table(found: dict[str, Any], samples: int) -> Iterable[str]:
    """The lines of the answer."""
    yield f"{found['files']:,} file{'' if found['files'] == 1 else 's'}, {size(found['bytes'])}: " + ", ".join(
        f"{group['files']:,} {group['name']}" for group in found["containers"]
    )
    packed = [group for group in found["compressions"] if group["name"] != "none"]
    if packed:
        yield "compressed: " + ", ".join(
            f"{group['files']:,} {group['name']} ({size(group['bytes'])})" for group in packed
        )
    yield ", ".join(f"{number(found[key])} {key}" for key in ("units", "records", "empty", "rejected"))
    if not found["exact"]:
        yield f"~ estimated from samples in {found['estimated_files']:,} files" + (
            f"; {found['unseen_files']:,} files were not looked at" if found["unseen_files"] else ""
        )
    names = [f"{schema['family']}.{schema['dialect']}" for schema in found["schemas"]]
    width = max(32, *map(len, names)) if names else 32
    if found["schemas"]:
        yield ""
        yield f"{'schemas':<{width + 2}}{'records':>12}{'files':>8}"
    for name, schema in zip(names, found["schemas"], strict=True):
        yield f"  {name:<{width}}{number(schema['records']):>12}{schema['files']:>8,}"
    if found["rejects"]:
        yield ""
        yield f"{'rejected':<{width + 2}}{'units':>12}"
    for row in found["rejects"]:
        yield f"  {row['reason']:<{width}}{number(row['units']):>12}  first: {row['first']}: {row['detail']}"
    for note in found["notes"]:
        yield f"note: {' '.join(str(value) for value in note.values())}"
    for schema in found["schemas"]:
        for sample in schema["samples"][:samples]:
            yield ""
            yield f"{schema['family']}.{schema['dialect']}  {sample['origin']}"
            yield from turns(sample)


def turns(sample: dict[str, Any]) -> Iterable[str]:
    """The lines of a sample."""
    for turn in sample["turns"]:
        text = " ".join(turn["text"].split())
        calls = f" [{turn['calls']} call{'' if turn['calls'] == 1 else 's'}]" if turn["calls"] else ""
        yield f"  {turn['role']:<10}{(text if len(text) <= 160 else text[:159] + '…')}{calls}".rstrip()
    left = sample["turn_count"] - len(sample["turns"])
    more = [f"{left} more turns"] if left > 0 else []
    more += ["tools"] if sample["tools"] else []
    more += ["a rejected answer"] if sample["rejected"] else []
    more += [f"fields {', '.join(sample['fields'])}"] if sample["fields"] else []
    if more:
        yield f"  + {'; '.join(more)}"
