"""Runs the acceptance points and prints one line each: `make acceptance`, `make acceptance-fast`.

python tests/acceptance/run.py [pytest arguments]        (-m "not slow": those that take seconds; -k crash: one)
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Slow points included unless the arguments say otherwise; an hour each is the limit."""
    arguments = ["-q", "--no-header", "-m", "", "--timeout", "3600", "--rootdir", str(FOLDER.parents[1]), str(FOLDER)]
    return int(pytest.main([*arguments, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
