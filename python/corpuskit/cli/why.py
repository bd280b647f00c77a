"""`corpuskit why`: the life of one record."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

from corpuskit import verbs
from corpuskit.cli.terminal import say

NAME = "why"
HELP = "The life of one record: where from, what changed, verdict, whom it doubles."
DETAILS = """\
Runs the per-record stages again on the source, shows what each of them changes (mended JSON, renamed roles, cleaned
text), and says so if the source has changed."""

SHOWN = 20  # mended places, roles, changed turns, each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", metavar="OUT", help="a finished run folder")
    parser.add_argument("origin", metavar="ORIGIN", help="as `_origin` names it, e.g. raw/a.jsonl:7")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tells it."""
    found = verbs.why(options.folder, options.origin)
    say(json.dumps(found, ensure_ascii=False, indent=2) if options.json else "\n".join(story(found)))
    return 0


def story(found: dict[str, Any]) -> Iterable[str]:
    """The lines of the answer."""
    fate, source = found["fate"], found["source"]
    yield f"{found['origin']}: {fate['verdict']}"
    yield from verdict(fate)
    yield f"  source: {source['state']}"
    if source["text"] is not None:
        yield f"    {shortened(source['text'])}"
    for mend in source["mends"][:SHOWN]:
        place = "" if mend["byte"] is None else f", byte {mend['byte']}"
        yield f"  {mend['change']}{place}: `{shortened(mend['before'])}` -> `{shortened(mend['after'])}`"
    yield from more(source["mends"], "mended places")
    for role in source["roles"][:SHOWN]:
        side = " of the rejected answer" if role["rejected"] else ""
        yield f"  normalise.role, turn {role['turn']}{side}: {shortened(role['given'])} -> {role['role']}"
    yield from more(source["roles"], "roles")
    for step in source["steps"][:SHOWN]:
        name = step["change"] or "all changes together"
        yield f"  {name}, turn {step['turn']} ({step['role']})"
        yield f"    - {shortened(step['before'])}"
        yield f"    + {'(removed)' if step['after'] is None else shortened(step['after'])}"
    yield from more(source["steps"], "changed turns")
    if source["reproduced"] is not None:
        same = "gives the same record" if source["reproduced"] else "does NOT give the same record"
        yield f"  running the stages again {same}"


def more(items: list[Any], what: str) -> Iterable[str]:
    """How many there are past those that are shown."""
    if len(items) > SHOWN:
        yield f"  and {len(items) - SHOWN:,} more {what} (`--json` has them)"


def verdict(fate: dict[str, Any]) -> Iterable[str]:
    """What became of it, by verdict."""
    if fate["verdict"] == "kept":
        yield f"  {fate['shard']}, line {fate['row'] + 1}"
    elif fate["verdict"] == "dropped":
        yield f"  {fate['reason']} {json.dumps(fate['evidence'], ensure_ascii=False)}"
    elif fate["verdict"] == "duplicate":
        sides = [
            f"{side} {fate[side][0]} of {fate[side][1]} shingles" for side in ("prompt", "response") if fate.get(side)
        ]
        yield f"  {fate['kind']} duplicate of {fate['of']}" + (f" ({', '.join(sides)})" if sides else "")
        if fate["kept"] is not None:
            yield f"    kept: {shortened(json.dumps(fate['kept'], ensure_ascii=False))}"
    elif fate["verdict"] == "rejected":
        line = fate["line"]
        place = f" at byte {line['byte']}" if "byte" in line else ""
        yield f"  {line['reason']}{place}" + (f": {line['detail']}" if line.get("detail") else "")
    yield from (f"  changed: {kind} {times}" for kind, times in fate.get("changes", ()))
    if "record" in fate:
        yield f"    {shortened(json.dumps(fate['record'], ensure_ascii=False))}"


def shortened(text: str) -> str:
    """A text on one line of at most 200 characters, white space made visible."""
    line = text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    return line if len(line) <= 200 else line[:199] + "…"
