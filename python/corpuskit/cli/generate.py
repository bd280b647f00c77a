"""`corpuskit generate`: answers from a model with an adapter or a blend."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from corpuskit.cli.terminal import say
from corpuskit.errors import PlanError

NAME = "generate"
HELP = "Answer prompts with a model and an adapter or a blend."
DETAILS = """\
MODEL is a local folder. Without PROMPT, each line of standard input is one. Presets: code (temperature
0.2), story (0.9), exact (the likeliest token; default), or a TOML file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Model, adapters, prompts, how to draw."""
    parser.add_argument("model", metavar="MODEL", help="folder of the base model")
    parser.add_argument("prompts", nargs="*", metavar="PROMPT", help="what to answer")
    parser.add_argument("--adapter", metavar="DIR", help="folder of an adapter")
    parser.add_argument("--blend", metavar="A=W,B=W", help="adapters and weights, e.g. tech_expert=0.7,emotive=0.3")
    parser.add_argument("--root", metavar="DIR", help="folder of the adapters that --adapter and --blend name")
    parser.add_argument("--preset", default="exact", metavar="NAME", help="code, story, exact, or a TOML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="e.g. temperature=0.5 or max_new_tokens=64",
    )
    parser.add_argument("--system", metavar="TEXT", help="a system turn before each prompt")
    parser.add_argument("--seed", type=int, default=17, metavar="N", help="what randomness starts from (17)")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 (default: cuda if there is one)")
    parser.add_argument("--json", action="store_true", help="a JSON line an answer, with all settings")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the answers."""
    from corpuskit.generate import generate

    prompts = options.prompts or [line.rstrip("\n") for line in sys.stdin if line.strip()]
    found = generate(
        options.model,
        prompts,
        adapter=options.adapter,
        blend=None if options.blend is None else weights(options.blend),
        root=options.root,
        preset=options.preset,
        settings=dict(map(setting, options.settings)),
        system=options.system,
        seed=options.seed,
        device=options.device,
    )
    for place, answer in enumerate(found):
        if options.json:
            row = {
                "prompt": answer.prompt,
                "text": answer.text,
                "tokens": answer.tokens,
                "seed": answer.seed,
                **answer.settings,
            }
            say(json.dumps(row, ensure_ascii=False))
            continue
        if place == 0:
            sys.stderr.write(", ".join(f"{key} {value}" for key, value in answer.settings.items()) + "\n")
        say(answer.text if len(prompts) == 1 else f"> {answer.prompt}\n{answer.text}\n")
    return 0


def weights(text: str) -> dict[str, float]:
    """`a=0.7,b=0.3` as a mapping.

    Raises:
        PlanError: It cannot be understood.
    """
    found = {}
    for part in text.split(","):
        name, equals, value = part.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise PlanError("--blend", f"`{part}` cannot be understood, expected NAME=WEIGHT,NAME=WEIGHT")
    return found


def setting(text: str) -> tuple[str, Any]:
    """`temperature=0.5` as a pair."""
    key, _, value = text.partition("=")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
