"""What the generated `Plan` delegates to: the core reads and joins, this converts to and from dataclasses."""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from corpuskit._core import EffectivePlan
from corpuskit._effective import plain as plain
from corpuskit._effective import resolve

if TYPE_CHECKING:
    from corpuskit.plan import Plan

AnyPlan = typing.Union["Plan", Mapping[str, Any], str, os.PathLike[str], None]
"""What may stand for a plan: dataclass, mapping, path of a YAML file, or None for the default."""

PlanType = TypeVar("PlanType", bound="Plan")


def load(kind: type[PlanType], path: str | os.PathLike[str], profile: str | None, settings: Iterable[str]) -> PlanType:
    """The effective plan of a file as a dataclass."""
    return from_effective(kind, resolve(path, profile=profile, settings=settings))


def parse(kind: type[PlanType], text: str, name: str, profile: str | None) -> PlanType:
    """The effective plan of a YAML text as a dataclass."""
    return from_effective(kind, EffectivePlan(text, name=name, profile=profile))


def from_effective(kind: type[PlanType], plan: EffectivePlan) -> PlanType:
    """The dataclass of an effective plan, no section None."""
    built: PlanType = build(kind, json.loads(plan.to_json()))
    return built


def effective(plan: Plan) -> EffectivePlan:
    """The effective plan of a dataclass."""
    return resolve(plan)


def deviations(plan: Plan) -> list[tuple[str, Any, Any]]:
    """Path, the profile's value and the plan's value of each deviation."""
    return [(path, json.loads(before), json.loads(after)) for path, before, after in effective(plan).deviations()]


def build(kind: Any, value: Any) -> Any:
    """A JSON value as the annotated type."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        options = [option for option in typing.get_args(kind) if dataclasses.is_dataclass(option)]
        return build(options[0], value) if options and isinstance(value, dict) else value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{name: build(hints[name], item) for name, item in value.items()})
    if origin is tuple:
        return tuple(build(typing.get_args(kind)[0], item) for item in value)
    return value
