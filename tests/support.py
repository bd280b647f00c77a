"""What the tests share: running the command line, and reading a run folder without corpuskit's own code."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet
import zstandard

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "data" / "sample"


def corpora() -> Path:
    """The folder that holds raw/, split/ and tokenizers/ (`CORPUSKIT_DATA`, or data/ in the repository)."""
    return ROOT / (os.environ.get("CORPUSKIT_DATA") or "data")


def corpuskit(
    *arguments: object, cwd: Path | None = None, stdin: bytes | None = None, timeout: float = 600, **env: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a user would, in a child process, and returns what it said."""
    process = subprocess.run(
        [sys.executable, "-m", "corpuskit", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **env},
        check=False,
    )
    return subprocess.CompletedProcess(
        process.args, process.returncode, process.stdout.decode("utf-8"), process.stderr.decode("utf-8")
    )


def read_bytes(path: Path) -> bytes:
    """A file's content, decompressed as its name says."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        with (
            path.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream,
        ):
            return bytes(stream.read())
    return path.read_bytes()


JSON_COLUMNS = {"_schema", "tools", "functions", "arguments"}
"""Members that columns hold as JSON; docs/arrow.md says so."""


def restored(value: Any) -> Any:
    """A row of columns as the line that it was made of, but for nulls: what docs/arrow.md says, without our code."""
    if isinstance(value, list):
        return [restored(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for key, member in value.items():
        if member is None:
            continue
        if key == "_rest" and isinstance(member, str):
            out.update(restored(json.loads(member)))
        elif key.endswith("_json") and key.removesuffix("_json") in value:
            out[key.removesuffix("_json")] = restored(json.loads(member))
        elif key in JSON_COLUMNS and isinstance(member, str):
            try:
                out[key] = restored(json.loads(member))
            except ValueError:
                out[key] = member  # a text that the record has in that place
        else:
            out[key] = restored(member)
    return out


@dataclass(frozen=True)
class RunFolder:
    """A run folder, read by independent readers."""

    path: Path

    def lines(self, kind: str = "data") -> Iterator[str]:
        """The lines of `data`, `dropped`, `duplicates` or `rejected`, in order, as they stand."""
        # str.splitlines() would also cut at U+2028 and the like, which may stand in a string
        for shard in sorted((self.path / kind).glob("part-*")):
            yield from filter(None, read_bytes(shard).decode("utf-8").split("\n"))

    def records(self, kind: str = "data") -> list[dict[str, Any]]:
        """The same lines, parsed."""
        return [json.loads(line) for line in self.lines(kind)]

    def columns(self) -> list[dict[str, Any]]:
        """The column file, one dictionary a kept record."""
        shards = sorted((self.path / "columns").glob("part-*.parquet"))
        return [row for shard in shards for row in pyarrow.parquet.read_table(shard).to_pylist()]

    def json(self, name: str) -> dict[str, Any]:
        """`report`, `manifest` or `timings`."""
        content: dict[str, Any] = json.loads((self.path / f"{name}.json").read_text("utf-8"))
        return content

    def digests(self) -> dict[str, str]:
        """SHA-256 of every file but `timings.json`, by relative path."""
        files = sorted(path for path in self.path.rglob("*") if path.is_file() and path.name != "timings.json")
        return {str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def origin_order(origin: str) -> tuple[str, int, str]:
    """Sorts `PATH:LINE` and `PATH#INDEX` by number within a path."""
    for mark in (":", "#"):
        path, found, place = origin.rpartition(mark)
        if found and place.isdigit():
            return path, int(place), ""
    return origin, 0, origin
