"""The effective plan of whatever stands for one. The command line begins here, so nothing costly is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from corpuskit._core import EffectivePlan

# As `typing` has it, whose import costs more than all that is imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corpuskit._plan_face import AnyPlan


def resolve(plan: AnyPlan, *, profile: str | None = None, settings: Iterable[str] = ()) -> EffectivePlan:
    """The effective plan of whatever stands for one."""
    text: str | None = None
    name = "plan"
    if isinstance(plan, str | os.PathLike):
        name = os.fspath(plan)
        try:
            text = _read(plan)
        except UnicodeDecodeError as error:
            from corpuskit.errors import PlanError

            raise PlanError(name, f"not UTF-8 at byte {error.start}", "a plan is a YAML file") from error
    elif plan is not None:
        import json

        # One line a key, so that a message can show the line.
        text = json.dumps(plan if isinstance(plan, Mapping) else plain(plan), indent=2, ensure_ascii=False)
    return EffectivePlan(text, name=name, profile=profile, settings=list(settings))


def _read(path: str | os.PathLike[str]) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not imported for this
        return file.read()


def plain(value: Any) -> Any:
    """Dataclasses as dicts, sections that are None left out."""
    if hasattr(value, "__dataclass_fields__"):
        import dataclasses

        from corpuskit.plan import Plan

        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain(item) for name, item in fields if item is not None or not isinstance(value, Plan)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
