"""`corpuskit plan`: write, read and check plans."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from corpuskit._core import plan_schema, plan_template
from corpuskit.cli.options import add_plan_arguments, plan_of
from corpuskit.cli.terminal import say
from corpuskit.errors import OutputError

NAME = "plan"
HELP = "Write, show and check plans."
DETAILS = """\
A plan is YAML with fixed sections in the order of the flow. A profile sets the defaults; each key
that is written down wins over it and is listed in the manifest as a deviation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds init, show, check and schema."""
    verbs = parser.add_subparsers(dest="plan_verb", metavar="VERB", title="verbs")

    init = verbs.add_parser(
        "init", help="write a plan with every key explained", description="Write a plan with every key explained."
    )
    init.add_argument("file", nargs="?", metavar="FILE", help="where to write it (default: standard output)")
    init.add_argument("--profile", default="emergent", metavar="NAME", help="emergent (default), persona or companion")
    init.add_argument("--force", action="store_true", help="overwrite FILE")
    init.set_defaults(run=run_init)

    show = verbs.add_parser(
        "show",
        help="print the effective plan",
        description="Print the effective plan; keys that deviate from the profile say so.",
    )
    show.add_argument("--json", action="store_true", help="plan, digest and deviations as JSON")
    check = verbs.add_parser("check", help="check a plan", description="Check a plan: every key, type and bound.")
    for verb, run in ((show, run_show), (check, run_check)):
        verb.add_argument("file", nargs="?", metavar="FILE", help="plan file (the same as --plan)")
        add_plan_arguments(verb)
        verb.set_defaults(run=run)

    schema = verbs.add_parser(
        "schema", help="print the JSON schema of plans", description="Print the JSON schema of plans, for editors."
    )
    schema.set_defaults(run=run_schema)


def run_init(options: argparse.Namespace) -> int:
    """Writes the commented plan of a profile."""
    text = plan_template(options.profile)
    if options.file is None:
        say(text)
        return 0
    try:
        with Path(options.file).open("w" if options.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise OutputError(options.file, "exists already", "add `--force` to overwrite it") from error
    say(f"wrote {options.file}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Prints the effective plan."""
    options.plan = options.plan or options.file
    plan = plan_of(options)
    if options.json:
        deviations = [
            {"path": path, "profile": json.loads(before), "value": json.loads(after)}
            for path, before, after in plan.deviations()
        ]
        shown = {"plan": json.loads(plan.to_json()), "digest": plan.digest(), "deviations": deviations}
        say(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        say(plan.to_yaml())
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Checks a plan and says how far it is from its profile."""
    options.plan = options.plan or options.file
    plan = plan_of(options)
    deviations = plan.deviations()
    say(
        f"{options.plan or 'the plan'} is valid"
        + ("" if options.plan is None else f", {describe(len(deviations), plan.to_json())}")
    )
    return 0


def describe(count: int, plan: str) -> str:
    """How many settings are not the profile's."""
    profile = json.loads(plan)["profile"]
    return f"profile {profile} with {count} deviation{'' if count == 1 else 's'}"


def run_schema(_options: argparse.Namespace) -> int:
    """Prints the schema."""
    say(json.dumps(json.loads(plan_schema()), ensure_ascii=False, indent=2))
    return 0
