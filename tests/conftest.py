"""Fixtures for every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

import support

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Matrices of tiny models are multiplied several times as slowly by threads that wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

hypothesis.settings.register_profile("default", deadline=None, max_examples=100)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites what the case files and snapshots expect; look at the diff before you commit it."""
    parser.addoption("--update", action="store_true", help="rewrite expected output in place")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test of minutes that came last would have its process run on alone: with several it begins first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("early") is None)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether expected output is to be rewritten."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the real corpora; the test is skipped where they are not unpacked."""
    folder = support.corpora()
    if not (folder / "raw").is_dir():
        pytest.skip(f"no real corpora in {folder.name}/ (`make data`, or set CORPUSKIT_DATA)")
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample data that ships."""
    return support.SAMPLE
