"""corpuskit: raw chat data in; a clean, deduplicated corpus and a full account out."""

from corpuskit._core import VERSION as __version__

__all__ = ["__version__"]
