"""`corpuskit rules`: look at rule packs, check them, try them on a text."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from corpuskit.cli.terminal import say
from corpuskit.rules import SHIPPED, bench_rules, check_rules, explain_rules

NAME = "rules"
HELP = "Look at rule packs, check them, try them on a text."
DETAILS = """\
A rule pack is a TOML file of words, expressions and measures that earn a label, with examples that
are run whenever the pack is loaded. PACK is the name of a shipped pack or the path of a file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds list, check and explain."""
    verbs = parser.add_subparsers(dest="rules_verb", metavar="VERB", title="verbs")
    shown = verbs.add_parser("list", help="the shipped packs", description="List the shipped packs and their tags.")
    shown.set_defaults(run=run_check, packs=list(SHIPPED))
    check = verbs.add_parser(
        "check", help="check packs", description="Check packs: every key, every expression, every rule's own examples."
    )
    check.add_argument("packs", nargs="+", metavar="PACK", help="a shipped pack's name or a TOML file")
    check.set_defaults(run=run_check)
    explain = verbs.add_parser(
        "explain", help="the labels of a text, and why", description="Print the labels of a text and what earned them."
    )
    explain.add_argument("text", metavar="TEXT", help="the text, or - to read it from standard input")
    explain.add_argument(
        "--pack", action="append", dest="packs", metavar="PACK", help="a pack; may be repeated (default: all shipped)"
    )
    explain.add_argument(
        "--role", default="user", metavar="ROLE", help="system, user (default), assistant, tool or text"
    )
    explain.set_defaults(run=run_explain)
    cost = verbs.add_parser(
        "bench",
        help="what packs and rules cost",
        description="Measure what each pack and each rule costs on real records, and name the slow ones.",
    )
    cost.add_argument("inputs", nargs="+", metavar="IN", help="file, folder or glob; the first 4,000 records count")
    cost.add_argument(
        "--pack", action="append", dest="packs", metavar="PACK", help="a pack; may be repeated (default: all shipped)"
    )
    cost.set_defaults(run=run_bench)
    for verb in (shown, check, explain, cost):
        verb.add_argument("--json", action="store_true", help="everything as JSON")


def run_check(options: argparse.Namespace) -> int:
    """Checks and lists."""
    packs = check_rules(options.packs)
    say(json.dumps(packs, ensure_ascii=False, indent=2) if options.json else "\n".join(map(line, packs)))
    return 0


def line(pack: dict[str, Any]) -> str:
    """One pack on a line; its slow rules are named."""
    many = "one of" if pack["one"] else "any of"
    slow = f"; slow: {', '.join(pack['slow'])}" if pack["slow"] else ""
    return f"{pack['pack']:<12} {pack['rules']:>3} rules  {many} {', '.join(pack['tags'])}{slow}"


def run_explain(options: argparse.Namespace) -> int:
    """Explains."""
    text = sys.stdin.read() if options.text == "-" else options.text
    labels = explain_rules(text, options.packs or SHIPPED, role=options.role)
    say(json.dumps(labels, ensure_ascii=False, indent=2) if options.json else "\n".join(explanation(labels)))
    return 0


def run_bench(options: argparse.Namespace) -> int:
    """Measures."""
    cost = bench_rules(options.inputs, options.packs or SHIPPED)
    say(json.dumps(cost, ensure_ascii=False, indent=2) if options.json else "\n".join(costs(cost)))
    return 0


def costs(cost: dict[str, Any]) -> Iterator[str]:
    """The cost of all, of each pack, and of the slow rules and the dearest three of each pack."""
    yield f"{cost['records']:,} records of {cost['characters']:,.0f} characters; nanoseconds of CPU a record"
    yield f"{'all packs together':<28}{cost['together']:>8,.0f}   {cost['ratio']:.2f} of shingling and MinHash"
    yield f"{'  of it finding the words':<28}{cost['words']:>8,.0f}"
    yield f"{'language and script':<28}{cost['language']:>8,.0f}"
    yield f"{'shingling and MinHash':<28}{cost['signing']:>8,.0f}"
    for pack in cost["packs"]:
        yield ""
        yield f"{pack['pack']:<28}{pack['alone']:>8,.0f}"
        for number, rule in enumerate(pack["rules"]):
            if rule["slow"] or number < 3:
                yield f"  {rule['rule']:<26}{rule['alone']:>8,.0f}{'   slow' if rule['slow'] else ''}"


def explanation(labels: list[dict[str, Any]]) -> Iterator[str]:
    """The labels, each with the places that earned it."""
    if not labels:
        yield "no label"
    for label in labels:
        yield f"{label['column']}: {label['tag']}  {label['score']:g}"
        for place in label["places"]:
            yield f"  {place['rule']}: {place['text']!r} at byte {place['start']}"
