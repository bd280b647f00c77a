"""The verbs beside `process` as functions."""

from __future__ import annotations

from corpuskit import _core, _plan_face
from corpuskit._plan_face import AnyPlan

__all__ = ["normalise_text"]


def normalise_text(text: str, plan: AnyPlan = None) -> str:
    """A text as the stage `normalise` would leave it.

    Args:
        text: Any text.
        plan: Its section `normalise` decides; the default plan if None.

    Returns:
        The text, itself if nothing had to be changed.

    Raises:
        PlanError: The plan is wrong.

    Example:
        >>> normalise_text("Itâ€™s\\u200b here  \\r\\n")
        'It’s here\\n'
    """
    changed, _ = _core.normalise_text(text, _plan_face.resolve(plan))
    return changed
