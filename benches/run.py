"""Runs the benchmarks: `make bench`, `make bench-fast`.

python benches/run.py [--fast] [pytest arguments]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import reporting

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Everything in this folder; an hour each is the limit."""
    arguments = ["-q", "--no-header", "--benchmark-enable", "--timeout", "3600", "--rootdir", str(FOLDER.parent)]
    if "--fast" not in sys.argv:
        arguments += ["-m", ""]
    return int(pytest.main([*arguments, str(FOLDER), *sys.argv[1:]], plugins=[reporting]))


if __name__ == "__main__":
    sys.exit(main())
