"""The command line's arguments."""

from __future__ import annotations

import argparse
import difflib
import functools
from collections.abc import Iterator
from typing import NoReturn

from corpuskit import __version__
from corpuskit.cli import (
    adapters,
    audit,
    convert,
    count,
    generate,
    inspect,
    mix,
    peek,
    plan,
    process,
    report,
    rules,
    why,
)
from corpuskit.errors import PlanError

VERBS = (process, peek, plan, audit, why, convert, count, inspect, mix, rules, generate, adapters, report)
"""The verbs, one module each, in the order of the help."""

EPILOG = "Exit codes: 0 done, 1 done but a check failed, 2 not run, 130 interrupted."


class UsageError(PlanError):
    """The command line cannot be understood."""

    def __str__(self) -> str:
        return self.problem


class Parser(argparse.ArgumentParser):
    """A parser whose messages read like all others."""

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage and leaving."""
        problem, hint = message.replace("'", "`"), f"run `{self.prog} --help`"
        raise UsageError(self.prog, problem, hint)


def build_parser(width: int | None = None) -> Parser:
    """The parser of `corpuskit`.

    Args:
        width: Columns of the help; the terminal's if None.
    """
    formatter = functools.partial(argparse.RawDescriptionHelpFormatter, width=width, max_help_position=28)
    about = "Raw instruction and chat data in; a clean, deduplicated corpus and a full account out."
    parser = Parser(prog="corpuskit", description=about, epilog=EPILOG, formatter_class=formatter)
    parser.add_argument("--version", action="version", version=f"corpuskit {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for module in VERBS:
        verb = verbs.add_parser(
            module.NAME,
            help=module.HELP,
            description=f"{module.HELP}\n\n{module.DETAILS}".rstrip(),
            formatter_class=formatter,
        )
        module.add_arguments(verb)
    return parser


def verb_parsers(parser: Parser) -> Iterator[tuple[str, Parser]]:
    """Every verb's name and parser, `plan`'s own verbs included."""
    for action in parser._subparsers._group_actions if parser._subparsers else ():
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield name, below
                yield from ((f"{name} {inner}", deeper) for inner, deeper in verb_parsers(below))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parses the arguments.

    Raises:
        UsageError: They cannot be understood.
    """
    parser = build_parser()
    names = [module.NAME for module in VERBS]
    if not arguments:
        raise UsageError("corpuskit", f"no verb given, expected {either(names)}", "run `corpuskit --help`")
    verb = arguments[0]
    if not verb.startswith("-") and verb not in names:
        near = difflib.get_close_matches(verb, names, n=1)
        hint = f"did you mean `corpuskit {near[0]}`?" if near else "run `corpuskit --help`"
        raise UsageError("corpuskit", f"unknown verb `{verb}`, expected {either(names)}", hint)
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        raise UsageError(f"corpuskit {options.verb}", "nothing to do", f"run `corpuskit {options.verb} --help`")
    return options


def either(names: list[str]) -> str:
    """Names in backticks with "or" before the last."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
