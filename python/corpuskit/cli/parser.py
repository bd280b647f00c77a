"""The command line's arguments."""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Iterable, Iterator

from corpuskit import __version__
from corpuskit.errors import PlanError

# As `typing` has it, whose import costs more than all that is imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

VERBS = (
    "process",
    "peek",
    "plan",
    "audit",
    "why",
    "convert",
    "count",
    "inspect",
    "mix",
    "rules",
    "tag",
    "generate",
    "adapters",
    "report",
)
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


def build_parser(width: int | None = None, names: Iterable[str] = VERBS) -> Parser:
    """The parser of `corpuskit`.

    Args:
        width: Columns of the help; the terminal's if None.
        names: The verbs that it knows: the modules of others are not imported.
    """
    columns = terminal_width() - 2 if width is None else width
    formatter = functools.partial(argparse.RawDescriptionHelpFormatter, width=columns, max_help_position=28)
    about = "Raw instruction and chat data in; a clean, deduplicated corpus and a full account out."
    parser = Parser(prog="corpuskit", description=about, epilog=EPILOG, formatter_class=formatter)
    parser.add_argument("--version", action="version", version=f"corpuskit {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for name in names:
        module = importlib.import_module(f"corpuskit.cli.{name}")
        verb = verbs.add_parser(
            module.NAME,
            help=module.HELP,
            description=f"{module.HELP}\n\n{module.DETAILS}".rstrip(),
            formatter_class=formatter,
        )
        module.add_arguments(verb)
    return parser


def terminal_width() -> int:
    """Columns of the terminal: as `shutil` finds them, but without its import."""
    width = os.environ.get("COLUMNS", "")
    if width.isdecimal() and int(width) > 0:
        return int(width)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or 80
    except (OSError, ValueError):
        return 80


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
    if not arguments:
        raise UsageError("corpuskit", f"no verb given, expected {either(VERBS)}", "run `corpuskit --help`")
    verb = arguments[0]
    parser = build_parser(names=[verb] if verb in VERBS else VERBS)
    if not verb.startswith("-") and verb not in VERBS:
        import difflib

        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean `corpuskit {near[0]}`?" if near else "run `corpuskit --help`"
        raise UsageError("corpuskit", f"unknown verb `{verb}`, expected {either(VERBS)}", hint)
    options, rest = parser.parse_known_args(arguments)
    prompts = getattr(options, "prompts", None)
    if prompts is not None and not any(word.startswith("-") for word in rest):
        prompts += rest  # argparse takes what follows MODEL as all prompts, and looks no further behind options
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if not hasattr(options, "run"):
        raise UsageError(f"corpuskit {options.verb}", "nothing to do", f"run `corpuskit {options.verb} --help`")
    return options


def either(names: Iterable[str]) -> str:
    """Names in backticks with "or" before the last."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
