"""Rule packs: labels as data. A pack is a TOML file; `docs/rules.md` tells how to write one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from typing import Any

from corpuskit import _core

SHIPPED = ("builtin",)
"""What is loaded where no pack is named: every shipped one."""


def check_rules(packs: Sequence[str] = SHIPPED) -> list[dict[str, Any]]:
    """Loads packs, runs their own examples, and tells what is in them.

    Args:
        packs: `builtin` for all shipped packs, a shipped pack's name, or the path of a TOML file.

    Returns:
        One mapping a pack: `pack`, `version`, `column`, `one`, `tags`, `rules` and `slow`, the rules whose
        expressions run on every turn.

    Raises:
        PlanError: A pack cannot be read or used, or a rule does not do what its own examples say.

    Example:
        >>> [pack["tags"] for pack in check_rules(["cue"])]
        [['emotional', 'technical', 'creative', 'ethical', 'tool']]
    """
    overview: list[dict[str, Any]] = json.loads(_core.rules_overview(list(packs)))
    return overview


def explain_rules(text: str, packs: Sequence[str] = SHIPPED, *, role: str = "user") -> list[dict[str, Any]]:
    """The labels that packs give a text, and the places that earned them.

    Args:
        text: Taken for the only turn of a conversation.
        packs: As for `check_rules`.
        role: Who says it: `system`, `user`, `assistant`, `tool` or `text`.

    Returns:
        One mapping a label: `pack`, `column`, `tag`, `score` and `places` (`rule`, `start` and `end` in bytes of
        UTF-8, `text`).

    Raises:
        PlanError: As for `check_rules`, or the role is unknown.

    Example:
        >>> [(label["tag"], label["places"][0]["text"]) for label in explain_rules("I feel so lonely", ["cue"])]
        [('emotional', 'lonely')]
        >>> explain_rules("Define the word lonely", ["cue"])
        []
    """
    labels: list[dict[str, Any]] = json.loads(_core.rules_explain(list(packs), text, role))
    return labels


def bench_rules(inputs: Sequence[str | PathLike[str]], packs: Sequence[str] = SHIPPED) -> dict[str, Any]:
    """What packs cost on real records: nanoseconds of CPU a record, the best of five rounds.

    Args:
        inputs: Files, folders or globs; the first 4,000 records of them count.
        packs: As for `check_rules`.

    Returns:
        `together`, `language`, `signing` (shingling and MinHash of the same records) and `ratio`, and under
        `packs` each pack and each rule alone, the dearest first; `slow` names those of 100 ns or more.

    Raises:
        PlanError: As for `check_rules`.
        InputError: The inputs hold no record.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "in.jsonl"
        >>> _ = path.write_text('{"messages":[{"role":"user","content":"I feel lonely"}]}')
        >>> [pack["pack"] for pack in bench_rules([path], ["cue"])["packs"]]
        ['cue']
    """
    cost: dict[str, Any] = json.loads(_core.rules_bench(list(packs), [str(path) for path in inputs]))
    return cost
