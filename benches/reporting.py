"""A pytest plugin (`run.py` registers it): corpora made once a session, and the lines that a benchmark run prints at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import data
import measure

LINES: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fast` is for CI: small inputs, every answer checked, ratios printed but only gross ones refused."""
    parser.addoption("--fast", action="store_true", help="small inputs")


@pytest.fixture(scope="session")
def fast(request: pytest.FixtureRequest) -> bool:
    """Whether this is the small form."""
    return bool(request.config.getoption("--fast"))


@pytest.fixture
def say() -> Callable[[str], None]:
    """Adds a line to what the run prints at its end."""
    return LINES.append


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder on a memory file system."""
    with measure.memory_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def corpus(memory: Path, fast: bool) -> Path:
    """Canonical messages, plain JSONL: 200,000 records, in the small form 30,000."""
    path = memory / "corpus.jsonl"
    data.write_corpus(path, 30_000 if fast else 200_000)
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the lines."""
    terminalreporter.section("figures")
    terminalreporter.write_line(f"machine: {measure.machine()}")
    for line in LINES:
        terminalreporter.write_line(line)
