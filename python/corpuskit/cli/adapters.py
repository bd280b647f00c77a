"""`corpuskit adapters`: blend adapters into one, work one into a model."""

from __future__ import annotations

import argparse

from corpuskit.cli.generate import weights
from corpuskit.cli.options import count
from corpuskit.cli.terminal import say
from corpuskit.errors import PlanError

NAME = "adapters"
HELP = "Blend adapters exactly; merge one into its model."
DETAILS = """\
A blend is the weighted sum of what each adapter adds to a layer, for any ranks, with and without
rsLoRA. What has no exact sum (DoRA, adapters with biases) is refused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds blend and merge."""
    verbs = parser.add_subparsers(dest="adapters_verb", metavar="VERB", title="verbs")
    blended = verbs.add_parser(
        "blend", help="one adapter of several", description="Write one adapter that is the weighted sum of several."
    )
    blended.add_argument("weights", metavar="A=W,B=W", help="adapters and weights, e.g. tech_expert=0.7,emotive=0.3")
    blended.add_argument("-o", "--output", required=True, metavar="DIR", help="where to write it")
    blended.add_argument(
        "--compress", type=count, metavar="RANK", help="cut the blend to this rank, and say what is lost"
    )
    blended.set_defaults(run=run_blend)
    merged = verbs.add_parser(
        "merge",
        help="a model with an adapter in it",
        description="Write a plain model folder with an adapter worked in.",
    )
    merged.add_argument("model", metavar="MODEL", help="folder of the base model")
    merged.add_argument("-o", "--output", required=True, metavar="DIR", help="where to write it")
    merged.add_argument("--adapter", metavar="DIR", help="folder of an adapter")
    merged.add_argument("--blend", metavar="A=W,B=W", help="adapters and weights instead")
    merged.set_defaults(run=run_merge)
    for verb in (blended, merged):
        verb.add_argument("--root", metavar="DIR", help="folder of the adapters that are named")


def run_blend(options: argparse.Namespace) -> int:
    """Blends."""
    from corpuskit.adapters import blend

    made = blend(weights(options.weights), root=options.root, output=options.output, compress=options.compress)
    said = f"; {100 * made.lost:.2g} % of the energy was lost" if options.compress else ", exact"
    say(f"{made.folder}: rank {made.rank}{said}")
    return 0


def run_merge(options: argparse.Namespace) -> int:
    """Merges."""
    from corpuskit.adapters import merge

    if (options.adapter is None) == (options.blend is None):
        raise PlanError("corpuskit adapters merge", "expected either --adapter or --blend")
    what = options.adapter if options.blend is None else weights(options.blend)
    say(f"{merge(options.model, what, options.output, root=options.root)}: merged")
    return 0
