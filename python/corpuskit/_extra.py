"""Optional packages: a clear message where one is missing."""

from __future__ import annotations

import importlib.util

from corpuskit.errors import InputError


def require(extra: str, *modules: str) -> None:
    """Says which extra to install where a module is missing.

    Args:
        extra: Its name in pyproject.toml.
        modules: What is about to be imported.

    Raises:
        InputError: One of them is not installed.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise InputError(
                module, "is not installed", f"install the extra `{extra}`: pip install 'corpuskit-sft[{extra}]'"
            )
