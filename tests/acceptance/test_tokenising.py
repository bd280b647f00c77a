"""S4: tokens of 150,000 real records against `tokenizers.encode_batch_fast` with the same threads; memory."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import real_chats
from measure import corpuskit, measure, memory_folder
from support import RunFolder

transformers = pytest.importorskip("transformers", reason="compared with tokenizers, which is not installed")

Figure = Callable[[str], None]
RECORDS = 150_000
PLAN = {
    "tokenise": {"untrainable": "drop", "overflow": "drop"},
    "pack": {"length": 1 << 20},
    "condition": {"leak_guard": "warn"},
}


@pytest.fixture(scope="module")
def run(corpora: Path) -> Iterator[RunFolder]:
    """Real records; all corpora again and again until there are enough."""
    with memory_folder() as folder:
        plain = real_chats.run_folder(corpora, folder / "plain")
        lines = [line for line in plain.lines() if json.loads(line)["messages"][0]["role"] != "text"]
        source = folder / "records.jsonl"
        source.write_text("\n".join(itertools.islice(itertools.cycle(lines), RECORDS)) + "\n", "utf-8")
        yield real_chats.run_folder_of(source, out=folder / "out")


def compare(run: RunFolder, folder: Path, template: str | None, place: Path) -> tuple[float, float, int, list[str]]:
    """Seconds from JSONL to the token store, seconds of `encode_batch_fast` alone, and tokens; ids are compared."""
    from corpuskit.tokenise import tokenise

    start = time.perf_counter()
    store: Any = tokenise(run.path, folder, template=template, plan=PLAN, cache=place)
    ours = time.perf_counter() - start
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(folder))
    tokenizer.chat_template = template or tokenizer.chat_template
    backend = tokenizer.backend_tokenizer
    texts, rows = [], []
    for row, record in enumerate(run.records()):
        document = store.document(0, row)
        if document is not None:
            texts.append(tokenizer.apply_chat_template(record["messages"], tools=record.get("tools"), tokenize=False))
            rows.append(document.ids)
    theirs = 0.0
    differing = 0
    for at in range(0, len(texts), 10_000):
        start = time.perf_counter()
        encoded = backend.encode_batch_fast(texts[at : at + 10_000], add_special_tokens=False)
        theirs += time.perf_counter() - start
        differing += sum(one.ids != ids.tolist() for one, ids in zip(encoded, rows[at : at + 10_000], strict=True))
    assert differing == 0
    assert len(texts) > 0.9 * RECORDS
    return ours, theirs, sum(map(len, rows)), store.meta["notes"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.point("S4", "tokenising")
@pytest.mark.parametrize(("name", "least"), [("minimind", 3.0), ("phi3", 0.0)])
def test_against_encode_batch_fast(
    corpora: Path, run: RunFolder, tmp_path: Path, name: str, least: float, figure: Figure
) -> None:
    folder, template = real_chats.templates(corpora)[name]
    ours, theirs, tokens, notes = compare(run, folder, template, tmp_path)
    ratio = theirs / ours
    threads = len(os.sched_getaffinity(0))
    figure(
        f"{name}: {tokens:,} tokens, 0 differing ids; JSONL to token store {ours:.1f} s, encode_batch_fast alone {theirs:.1f} s"
    )
    figure(f"{ratio:.1f} times as fast with {threads} threads (at least {least:g}); {notes[-1]}")
    assert ratio >= least


@pytest.mark.slow
@pytest.mark.point("S4", "every character")
@pytest.mark.parametrize("name", ["minimind", "phi3"])
def test_every_character_of_unicode(corpora: Path, name: str, figure: Figure) -> None:
    """Classes of characters decide where words end; the wheel's regular expressions are another engine than ours."""
    from corpuskit.tokenise import Tokeniser

    folder, template = real_chats.templates(corpora)[name]
    made = Tokeniser(folder, template=template)
    backend = transformers.AutoTokenizer.from_pretrained(str(folder)).backend_tokenizer
    characters = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    differing: list[str] = []
    for at in range(0, len(characters), 1 << 16):
        texts = [f"x{c}y 1{c}{c} {c} !{c}" for c in characters[at : at + (1 << 16)]]
        expected = [one.ids for one in backend.encode_batch_fast(texts, add_special_tokens=False)]
        differing += [
            text[1] for text, ids, want in zip(texts, made.encode(texts), expected, strict=True) if ids != want
        ]
    figure(f"{name}: {len(characters):,} characters among others, {len(differing)} differ")
    assert made.fast
    assert differing == []


@pytest.mark.slow
@pytest.mark.point("S4", "memory")
def test_memory_does_not_grow(corpora: Path, run: RunFolder, tmp_path: Path, figure: Figure) -> None:
    folder = corpora / "tokenizers" / "minimind"
    peaks = []
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "version: 1\ntokenise: {untrainable: drop, overflow: drop}\ncondition: {leak_guard: warn}\n", "utf-8"
    )
    for count in (RECORDS // 5, RECORDS):
        source = tmp_path / f"{count}.jsonl"
        source.write_text("\n".join(itertools.islice(run.lines(), count)) + "\n", "utf-8")
        out = real_chats.run_folder_of(source, out=tmp_path / f"run-{count}")
        peaks.append(measure(corpuskit("count", out.path, "--tokenizer", folder, "--plan", plan)).anonymous)
    figure(
        f"count peaks at {peaks[0] / 1e6:.0f} MB for {RECORDS // 5:,} records and {peaks[1] / 1e6:.0f} MB for {RECORDS:,}"
    )
    assert peaks[1] - peaks[0] < 64e6
