"""
The compiled core of corpuskit.
"""

from typing import Final

__all__ = ["VERSION"]

VERSION: Final[str]
"""
The version, from the workspace manifest.
"""
