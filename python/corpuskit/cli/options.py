"""Arguments that several verbs share."""

from __future__ import annotations

import argparse

from corpuskit._core import EffectivePlan
from corpuskit._effective import resolve


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the plan comes from."""
    group = parser.add_argument_group("plan")
    group.add_argument("--plan", metavar="FILE", help="plan file, YAML (`corpuskit plan init` writes one)")
    group.add_argument("--profile", metavar="NAME", help="emergent (default), persona or companion")
    group.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a single setting, e.g. dedup.near=false or filter.length.min_chars=20; wins over the plan file",
    )


def plan_of(options: argparse.Namespace) -> EffectivePlan:
    """The effective plan that the arguments ask for."""
    return resolve(options.plan, profile=options.profile, settings=options.settings)


def add_tokenizer_arguments(parser: argparse.ArgumentParser) -> None:
    """What makes tokens of records."""
    parser.add_argument("--tokenizer", required=True, metavar="DIR", help="the folder of a Hugging Face tokenizer")
    parser.add_argument("--template", metavar="FILE", help="a chat template in place of the tokenizer's own")


def template_of(options: argparse.Namespace) -> str | None:
    """The chat template that the arguments name."""
    if options.template is None:
        return None
    try:
        with open(options.template, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not imported for this
            return file.read()
    except UnicodeDecodeError as error:
        from corpuskit.errors import InputError

        raise InputError(
            options.template, f"not UTF-8 at byte {error.start}", "a chat template is a text file"
        ) from error


def count(text: str) -> int:
    """A whole number from 1 (`10_000` and `10k` style suffixes are not numbers)."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got `{text}`")
    return number
