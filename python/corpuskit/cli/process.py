"""`corpuskit process`: the main job."""

from __future__ import annotations

import argparse
import json

from corpuskit import _core
from corpuskit.cli.options import add_plan_arguments, count, plan_of
from corpuskit.cli.terminal import say
from corpuskit.errors import PlanError

NAME = "process"
HELP = "Raw data in; a clean, deduplicated corpus and a full account out."
DETAILS = """\
Reads files, folders, globs and standard input (-): JSONL, JSON, CSV, TSV, Parquet, Arrow and text,
plain, gzip or zstd, recognised by content; schemas are detected per record. An interrupted run is
continued by the same command."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="file, folder, glob, or - for standard input")
    parser.add_argument("-o", "--output", metavar="OUT", help="the run folder (not needed with --dry-run)")
    add_plan_arguments(parser)
    parser.add_argument("--threads", type=count, metavar="N", help="worker threads (default: every core)")
    parser.add_argument("--limit", type=count, metavar="N", help="only the first N records")
    parser.add_argument("--dry-run", action="store_true", help="do everything but write")
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it is a run folder")
    parser.add_argument("--quiet", action="store_true", help="no progress and no report")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the job and prints its report."""
    if options.output is None and not options.dry_run:
        raise PlanError("--output", "is required, expected `-o OUT`", "or add `--dry-run` to write nothing")
    line = None
    if not options.quiet:
        from corpuskit.cli.progress import ProgressLine

        line = ProgressLine()
    try:
        # As `Pipeline.process` does it; what a quiet run does not need is not imported.
        text = _core.process(
            plan_of(options),
            options.inputs,
            options.output,
            threads=options.threads,
            limit=options.limit,
            force=options.force,
            dry_run=options.dry_run,
            progress=line,
        )
    finally:
        if line is not None:
            line.close()
    if options.quiet and not options.json:
        return 0 if all(item["holds"] for item in json.loads(text)["report"]["sums"]) else 1
    from pathlib import Path

    from corpuskit.report import Report

    report = Report.from_json(text, None if options.dry_run or options.output is None else Path(options.output))
    say(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if options.json else str(report))
    return 0 if report.holds else 1
