"""
The compiled core of corpuskit; use `corpuskit` instead.
"""

from _typeshed import SupportsGetItem
from typing import Final, final

__all__ = ["DEBUG_BUILD", "VERSION", "EffectivePlan", "plan_schema", "plan_template"]

DEBUG_BUILD: Final[bool]
"""
Whether this is a debug build, ten times slower than a release build.
"""

VERSION: Final[str]
"""
The version, from the workspace manifest.
"""

@final
class EffectivePlan:
    """
    A plan in which no key is missing: what a run does.
    """
    def __new__(
        cls,
        /,
        text: str | None = None,
        *,
        name: str = "plan",
        profile: str | None = None,
        settings: SupportsGetItem[int, str] = ...,
    ) -> EffectivePlan:
        """
        Joins profile, file and single settings, the later ones winning.

        `text` is YAML (or JSON) and `name` what messages call it; `settings` are `section.key=value`.
        """
    def deviations(self, /) -> list[tuple[str, str, str]]:
        """
        Path, value of the profile and value of each setting that is not the profile's; values in JSON.
        """
    def digest(self, /) -> str:
        """
        BLAKE3 of the canonical form, in hexadecimal.
        """
    def to_json(self, /) -> str:
        """
        The plan as a JSON object.
        """
    def to_yaml(self, /) -> str:
        """
        The plan as YAML; keys that deviate from the profile say so.
        """

def plan_schema() -> str:
    """
    The JSON schema of a plan file.
    """

def plan_template(profile: str) -> str:
    """
    The plan of a profile as YAML with every key explained.
    """
