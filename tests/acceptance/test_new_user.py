"""A new user's path: an unknown schema in a file, peek, a field map, process, why, and the records in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support import corpuskit

polars = pytest.importorskip("polars", reason="polars is not installed (`pip install polars`)")

PLAN = """\
parse:
  schemas:
    - name: ticket
      turns:
        - {role: user, path: ticket.body}
        - {role: assistant, path: replay}
"""


def tickets(folder: Path) -> Path:
    """A file in a schema that nobody knows: every fifth a copy, one line broken."""
    path = folder / "tickets.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(200):
            name = f"device {number % 160}"
            record = {
                "id": number,
                "ticket": {"body": f"My {name} does not start, what can I do?", "priority": number % 3},
                "reply": f"Unplug the {name}, wait a minute, and plug it in again.",
            }
            file.write(json.dumps(record) + "\n")
        file.write('{"id": 200, "ticket": \n')
    return path


@pytest.mark.point("4-S8", "a new user's path")
def test_from_an_unknown_schema_to_polars(tmp_path: Path, figure: Callable[[str], None]) -> None:
    tickets(tmp_path)

    seen = corpuskit("peek", "tickets.jsonl", cwd=tmp_path)
    assert seen.returncode == 0
    assert "201 units, 0 records, 0 empty, 201 rejected" in seen.stdout
    assert (
        "an object with `id` (a number), `ticket` (an object), `reply` (a string), expected a known schema"
        in seen.stdout
    )

    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.replace("turns:", "turn:"), "utf-8")
    typo = corpuskit("peek", "tickets.jsonl", "--plan", "plan.yaml", cwd=tmp_path)
    assert typo.returncode == 2
    assert "turn" in typo.stderr
    assert "turns" in typo.stderr
    assert "plan.yaml:4" in typo.stderr

    plan.write_text(PLAN, "utf-8")
    misses = corpuskit("peek", "tickets.jsonl", "--plan", "plan.yaml", cwd=tmp_path)
    assert "schema `ticket` of the plan needs `replay`" in misses.stdout

    plan.write_text(PLAN.replace("replay", "reply"), "utf-8")
    fits = corpuskit("peek", "tickets.jsonl", "--plan", "plan.yaml", cwd=tmp_path)
    assert "201 units, 200 records, 0 empty, 1 rejected" in fits.stdout
    assert "user      My device 0 does not start, what can I do?" in fits.stdout

    done = corpuskit(
        "process", "tickets.jsonl", "-o", "out", "--plan", "plan.yaml", "--set", "write.compression=none", cwd=tmp_path
    )
    assert done.returncode == 0
    assert "mapped.ticket" in done.stdout
    assert "sums hold" in done.stdout
    assert "corpuskit audit out" in done.stdout + done.stderr
    assert corpuskit("audit", "out", cwd=tmp_path).returncode == 0

    kept = corpuskit("why", "out", "tickets.jsonl:1", cwd=tmp_path)
    assert kept.returncode == 0
    assert kept.stdout.startswith("tickets.jsonl:1: kept")
    twin = corpuskit("why", "out", "tickets.jsonl:161", cwd=tmp_path)
    assert "duplicate" in twin.stdout
    assert "tickets.jsonl:1" in twin.stdout
    broken = corpuskit("why", "out", "tickets.jsonl:201", cwd=tmp_path)
    assert "parse.truncated" in broken.stdout
    nobody = corpuskit("why", "out", "tickets.jsonl:999", cwd=tmp_path)
    assert nobody.returncode == 2
    assert "tickets.jsonl:999" in nobody.stderr

    columns = polars.read_parquet(tmp_path / "out" / "columns" / "*.parquet")
    records = polars.read_ndjson(tmp_path / "out" / "data" / "*.jsonl")
    assert columns["origin"].to_list() == records["_origin"].to_list()
    assert records.height == 160
    first = records.select(polars.col("messages").list.last().struct.field("content")).item(0, 0)
    assert first == "Unplug the device 0, wait a minute, and plug it in again."
    figure("6 steps, each message as expected; 160 of 200 kept")
