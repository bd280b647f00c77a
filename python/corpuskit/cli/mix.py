"""`corpuskit mix`: what of a run folder is trained on."""

from __future__ import annotations

import argparse
import json
from typing import Any

from corpuskit.cli.options import add_plan_arguments, count, plan_of
from corpuskit.cli.terminal import say
from corpuskit.selection import mix

NAME = "mix"
HELP = "Select what is trained on: validation split, phases with replay, order."
DETAILS = """\
Reads the columns of a finished run folder, not its records, and writes SELECTION/selection.parquet (phase,
position, split, shard, row) and selection.json, which says what was asked and what was achieved."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", metavar="OUT", help="a finished run folder")
    parser.add_argument("-o", "--output", required=True, metavar="SELECTION", help="the folder of the selection")
    parser.add_argument(
        "--tokens", metavar="STORE", help="a token store to count from (default: OUT/counts/, else an estimate)"
    )
    parser.add_argument("--materialise", action="store_true", help="write the records too, one JSONL file a phase")
    parser.add_argument("--force", action="store_true", help="replace a selection")
    parser.add_argument("--threads", type=count, metavar="N", help="threads that read columns (default: all cores)")
    parser.add_argument("--json", action="store_true", help="the whole account as JSON")
    add_plan_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Selects and says what came of it."""
    account = mix(
        options.folder,
        options.output,
        plan=plan_of(options),
        tokens=options.tokens,
        materialise=options.materialise,
        force=options.force,
        threads=options.threads,
    )
    say(json.dumps(account, ensure_ascii=False, indent=2) if options.json else overview(account, options.output))
    return 0


def overview(account: dict[str, Any], output: str) -> str:
    """The account for people: asked against achieved."""
    unit = "records" if account["unit"] == "examples" else "trained tokens"
    marked = " (estimated from characters)" if account["estimated"] else ""
    lines = [f"{account['records']:,} records, {account['amount']:,} {unit}{marked}", ""]
    rows = [("", "records", unit, "replay asked", "achieved", "rate")]
    for phase in account["phases"]:
        asked = phase["account"]
        replay = (f"{asked['replay_asked']:,}", f"{asked['replay_achieved']:,}") if asked["replay_asked"] else ("", "")
        rows.append((phase["name"], f"{phase['records']:,}", f"{phase['amount']:,}", *replay, f"{phase['lr']:g}"))
    split = account["validation"]
    rows.append(("validation", f"{split['records']:,}", f"{split['achieved']:,}", "", "", ""))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(["", row[0].ljust(widths[0]), *cells]).rstrip())
    lines += [
        "",
        f"validation: {split['asked']:,} {unit} asked ({split['asked_share']:.2%}), {split['achieved']:,} achieved; "
        f"{account['families']:,} families of several records, none parted",
        *(f"note: {note}" for note in account["notes"]),
        f"wrote {account['rows']:,} rows to {output}/selection.parquet, digest {account['selection'][:16]}",
    ]
    return "\n".join(lines)
