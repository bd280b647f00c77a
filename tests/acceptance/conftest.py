"""One line a point: `S5 crash: figure ... ok | FAIL | skipped: reason`.

A test names its point by `@pytest.mark.point("S5", "crash")` and gives what it measured to the `figure` fixture:

    @pytest.mark.point("S9", "import")
    def test_import_is_light(figure): figure(f"import corpuskit takes {seconds:.2f} s (at most 0.2)")
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from side_by_side import workers

LINES: list[tuple[str, str]] = []
FIGURES = pytest.StashKey[list[str]]()

Figure = Callable[[str], None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Records what was measured; several calls are joined by semicolons."""
    figures: list[str] = request.node.stash.setdefault(FIGURES, [])
    return figures.append


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes for references that take long."""
    with workers() as found:
        yield found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every acceptance test has a point."""
    for item in items:
        if "acceptance" in item.path.parts and item.get_closest_marker("point") is None:
            raise pytest.UsageError(f"{item.nodeid}: name its point: @pytest.mark.point('S5', 'crash')")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the line of a finished test."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        marker = item.get_closest_marker("point")
        number, subject = marker.args if marker else ("-", item.name)
        if report.outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            verdict = "skipped: " + reason.removeprefix("Skipped: ")
        else:
            verdict = "ok" if report.outcome == "passed" else "FAIL"
        measured: list[str] = item.stash.get(FIGURES, [])
        figures = "; ".join(measured)
        LINES.append((number, f"{number} {subject}: {figures + ' ' if figures else ''}{verdict}"))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the lines, by point."""
    terminalreporter.section("acceptance")
    for _, line in sorted(LINES, key=lambda pair: (pair[0][:1], int(pair[0][1:] or 0) if pair[0][1:].isdigit() else 0)):
        terminalreporter.write_line(line)
