"""Reads the plan's JSON schema for the generators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A definition that is one of several names."""

    name: str
    description: str
    values: tuple[tuple[str, str], ...]
    """Each name and what it means."""


def definition_name(node: Schema) -> str | None:
    """The name of the definition that a node refers to."""
    reference = node.get("$ref")
    return reference.removeprefix("#/$defs/") if isinstance(reference, str) else None


def resolve(root: Schema, node: Schema) -> Schema:
    """The node, or the definition that it refers to."""
    name = definition_name(node)
    return root["$defs"][name] if name else node


def values_of(node: Schema) -> tuple[tuple[str, str], ...] | None:
    """The names that a node allows and what each means; None if it is not a choice of names."""
    if "enum" in node and node.get("type") == "string":
        return tuple((value, "") for value in node["enum"])
    if isinstance(node.get("const"), str):
        return ((node["const"], node.get("description", "")),)
    options = node.get("oneOf")
    if not options:
        return None
    found: list[tuple[str, str]] = []
    for option in options:
        values = values_of(option)
        if values is None:
            return None
        found.extend(values)
    return tuple(found)


def is_object(node: Schema) -> bool:
    """Whether a node is a struct of settings."""
    return node.get("type") == "object" and "properties" in node


def one_line(text: str) -> str:
    """A description without line breaks."""
    return " ".join(text.split())
