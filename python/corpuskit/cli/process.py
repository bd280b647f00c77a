"""`corpuskit process`: the main job."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from corpuskit import _core
from corpuskit.cli.options import add_plan_arguments, count, plan_of
from corpuskit.cli.terminal import say
from corpuskit.errors import PlanError

# As `typing` has it, whose import costs more than all that is imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
    parser.add_argument(
        "--explain-drops", type=count, metavar="N", help="afterwards, N examples of every reason for not keeping"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress and no report")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the job and prints its report."""
    if options.output is None and not options.dry_run:
        raise PlanError("--output", "is required, expected `-o OUT`", "or add `--dry-run` to write nothing")
    if options.explain_drops and options.dry_run:
        raise PlanError("--explain-drops", "needs a run folder, and `--dry-run` writes none")
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
    holds = all(item["holds"] for item in json.loads(text)["report"]["sums"])
    reasons = None
    if options.explain_drops:
        from corpuskit.verbs import explain_drops

        reasons = explain_drops(options.output, options.explain_drops)
    if options.json or not options.quiet:
        from pathlib import Path

        from corpuskit.report import Report

        report = Report.from_json(text, None if options.dry_run or options.output is None else Path(options.output))
        if options.json:
            whole = report.to_dict() if reasons is None else {**report.to_dict(), "examples": reasons}
            say(json.dumps(whole, ensure_ascii=False, indent=2))
        else:
            say(str(report))
    if reasons is not None and not options.json:
        say("\n".join(examples(reasons)))
    return 0 if holds else 1


def examples(reasons: list[dict[str, Any]]) -> Iterator[str]:
    """Every reason with its examples; nothing was lost where there is none."""
    if not reasons:
        yield "nothing was dropped or rejected"
    for reason in reasons:
        yield f"{reason['reason']}: {reason['count']:,}"
        for example in reason["examples"]:
            evidence = f"  {example['evidence']}" if example["evidence"] else ""
            yield f"  {example['origin']}{evidence}"
            yield f"    {example['text']}"
