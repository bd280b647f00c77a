"""Processes that compute references side by side; what they call must stand in a module, not in a test."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def workers() -> ProcessPoolExecutor:
    """A process a core, started afresh: threads of a library do not survive a fork."""
    return ProcessPoolExecutor(cores(), mp_context=get_context("spawn"))
