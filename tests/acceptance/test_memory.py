"""S6: peak anonymous memory (RssAnon), mapped file pages apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import data
from measure import corpuskit, measure

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]
TWO_GB = 2_000_000_000
WITHOUT = "dedup: {exact: false, near: false}\n"


def peak(inputs: Path, folder: Path, plan: str) -> tuple[int, int]:
    """Peak anonymous bytes of a run with two threads, and the records that it kept."""
    (folder / "plan.yaml").write_text(plan, "utf-8")
    out = folder / "out"
    taken = measure(
        corpuskit("process", inputs, "-o", out, "--plan", folder / "plan.yaml", "--threads", "2", "--quiet", "--force")
    )
    kept: int = json.loads((out / "report.json").read_text("utf-8"))["records"]["kept"]
    return taken.anonymous, kept


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Real lines, to be repeated."""
    path = tmp_path_factory.mktemp("block") / "block.jsonl"
    data.write_corpus(path, 100_000)
    return path.read_bytes()


@pytest.mark.point("S6", "2 GB of lines")
def test_two_gigabytes_of_lines(block: bytes, tmp_path: Path, figure: Figure) -> None:
    path = tmp_path / "big.jsonl"
    with path.open("wb") as file:
        while file.tell() < TWO_GB:
            file.write(block)
    anonymous, kept = peak(path, tmp_path, WITHOUT)
    figure(f"{anonymous / 1e6:.0f} MB (at most 300), {kept} records kept")
    assert kept == path.stat().st_size // len(block) * block.count(b"\n")
    assert anonymous <= 300_000_000


@pytest.mark.point("S6", "2 GB in one array")
def test_two_gigabytes_in_one_array(block: bytes, tmp_path: Path, figure: Figure) -> None:
    path = tmp_path / "big.json"
    elements = block.rstrip(b"\n").replace(b"\n", b",\n")
    with path.open("wb") as file:
        file.write(b"[" + elements)
        while file.tell() < TWO_GB:
            file.write(b",\n" + elements)
        file.write(b"]\n")
    anonymous, kept = peak(path, tmp_path, WITHOUT)
    figure(f"{anonymous / 1e6:.0f} MB (at most 300), {kept} records kept")
    assert kept % block.count(b"\n") == 0
    assert kept * len(block) / block.count(b"\n") > TWO_GB * 0.98
    assert anonymous <= 300_000_000


@pytest.mark.point("S6", "dedup")
def test_bytes_a_kept_record_with_dedup(tmp_path: Path, figure: Figure) -> None:
    path = tmp_path / "million.jsonl"
    data.write_corpus(path, 1_000_000)
    without, _ = peak(path, tmp_path, WITHOUT)
    anonymous, kept = peak(path, tmp_path, "")
    each = (anonymous - without) / kept
    figure(f"{each:.0f} bytes a kept record (at most 800) above {without / 1e6:.0f} MB; {kept} of 1,000,000 kept")
    assert each <= 800
