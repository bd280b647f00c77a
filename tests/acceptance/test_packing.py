"""S2: fill, rows, displacement and speed of packing on real documents, beside TRL's packers."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import real_chats
from support import corpora

numpy = pytest.importorskip("numpy", reason="NumPy is not installed")

from corpuskit.loader import NumpyPacks, PackedCorpus, plan_packs

pytestmark = pytest.mark.slow
Figure = Callable[[str], None]
DOCUMENTS = 150_000
SPARE = 15_000
LENGTHS = [2_048, 8_192]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of real records, nothing dropped, with the tokenizer's folder beside it."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    if not (corpora() / "tokenizers/minimind").is_dir():
        pytest.skip("the tokenizers are not unpacked (`make data`)")
    folder = tmp_path_factory.mktemp("packing")
    plain = real_chats.run_folder(corpora(), folder / "plain")
    talks = (line for line in plain.lines() if json.loads(line)["messages"][0]["role"] != "text")
    # A record of one exchange that is longer than a row has no document, so there are some more.
    lines = list(itertools.islice(talks, DOCUMENTS + SPARE))
    assert len(lines) == DOCUMENTS + SPARE, "every record is a real one"
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    real_chats.run_folder_of(folder / "in.jsonl", out=folder / "out")
    return folder / "out"


def plan(length: int) -> dict[str, Any]:
    return {
        "pack": {"length": length},
        "tokenise": {"overflow": "window", "untrainable": "drop"},
        "condition": {"leak_guard": "warn"},
    }


def corpus(run: Path, length: int) -> PackedCorpus:
    return PackedCorpus(run, tokenizer=corpora() / "tokenizers/minimind", plan=plan(length))


@pytest.mark.point("S2", "packing: fill, rows, each document once")
@pytest.mark.parametrize("length", LENGTHS)
def test_rows_are_full(run: Path, figure: Figure, length: int) -> None:
    found = corpus(run, length)
    packs = NumpyPacks(found, plan=plan(length))
    (phase,) = packs.phases
    assert phase.documents >= DOCUMENTS
    bound = -(-phase.tokens // length)
    assert phase.packs <= bound * 1.001 + 1
    # In the order of the loader, counted from the packs themselves.
    size: dict[int, int] = {}
    seen: list[int] = []
    rows: list[int] = []
    for pack in packs:
        borders, references = pack["cu_seq_lens"].tolist(), pack["doc_ref"].tolist()
        real = [at for at, reference in enumerate(references) if reference >= 0]
        seen += (references[at] for at in real)
        size |= {references[at]: borders[at + 1] - borders[at] for at in real}
        rows.append(borders[real[-1] + 1])
    assert len(seen) == len(set(seen)) == phase.documents
    assert len(rows) == phase.packs
    assert sum(rows) == phase.tokens == sum(size.values())
    # The rows that the end of the phase decides: those of its last window.
    last = 512 * phase.tokens // phase.documents // length + 2
    fill = sum(rows[:-last]) / (len(rows[:-last]) * length)
    figure(
        f"{length}: {phase.documents:,} documents, fill {fill:.4%} (at least 99.9 %), all rows {phase.tokens / phase.slots:.4%}, "
        f"{phase.packs:,} rows for {bound:,} at best"
    )
    assert fill >= 0.999


@pytest.mark.point("S2", "packing: displacement")
@pytest.mark.parametrize("length", LENGTHS)
def test_no_document_moves_far(run: Path, figure: Figure, length: int) -> None:
    lengths = lengths_of(corpus(run, length))
    order, rows = plan_packs(lengths, length=length, window=512)
    assert numpy.array_equal(numpy.sort(order), numpy.arange(len(lengths), dtype=numpy.uint64))
    assert numpy.add.reduceat(lengths[order], rows[:-1].astype(numpy.int64)).max() <= length
    # How far a document is from the oldest one that waited when its row was begun.
    oldest, furthest, is_placed = 0, 0, numpy.zeros(len(lengths) + 1, bool)
    for start, end in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        pack = order[start:end]
        furthest = max(furthest, int(pack.max()) - oldest)
        is_placed[pack] = True
        while is_placed[oldest]:
            oldest += 1
    figure(f"{length}: at most {furthest} places (below 512)")
    assert furthest < 512


def lengths_of(found: PackedCorpus) -> Any:
    return numpy.concatenate([shard.lengths() for shard in found.store.shards]).astype(numpy.uint32)


@pytest.mark.point("S2", "packing: speed of planning")
@pytest.mark.parametrize("length", LENGTHS)
def test_planning_is_fast(run: Path, figure: Figure, length: int) -> None:
    lengths = numpy.tile(lengths_of(corpus(run, length)), 20)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        plan_packs(lengths, length=length, window=512)
        seconds.append(time.process_time() - start)
    speed = len(lengths) / min(seconds)
    figure(f"{length}: {speed / 1e6:.1f} M documents/s a core (at least 5), {len(lengths):,} documents")
    assert speed >= 5e6


@pytest.mark.point("S2", "packing: beside TRL")
@pytest.mark.parametrize("length", LENGTHS)
def test_trl_packs_less(run: Path, figure: Figure, length: int) -> None:
    trl = pytest.importorskip("trl", reason="TRL is not installed")
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    pyarrow = pytest.importorskip("pyarrow")
    # TRL gets whole conversations; what is too long is its own affair.
    whole = corpus(run, 1 << 20).store
    ids = numpy.concatenate([shard.column("ids") for shard in whole.shards])
    sizes = numpy.concatenate([shard.lengths() for shard in whole.shards]).astype(numpy.int64)
    seen = int(sizes.sum())
    offsets = pyarrow.array(numpy.concatenate([[0], numpy.cumsum(sizes)]), pyarrow.int64())
    column = pyarrow.LargeListArray.from_arrays(offsets, pyarrow.array(ids, pyarrow.int32()))
    rows = datasets.Dataset(pyarrow.table({"input_ids": column}))
    packs = NumpyPacks(corpus(run, length), plan=plan(length))
    start = time.perf_counter()
    (phase,) = packs.phases
    seconds = time.perf_counter() - start
    ledger = packs.corpus.store.ledger()["ledger"]["total"]
    kept = (seen - ledger["lost"]) / seen
    table = [("corpuskit", kept, kept, phase.tokens / phase.slots, phase.documents / seconds)]
    for strategy in ("bfd", "wrapped"):
        start = time.perf_counter()
        packed = trl.pack_dataset(rows, length, strategy, {"keep_in_memory": True, "load_from_cache_file": False})
        seconds = time.perf_counter() - start
        tokens = sum(map(len, packed["input_ids"]))
        # What is longer than a row is cut inside a turn; `wrapped` cuts at every border of rows.
        uncut = int(sizes[sizes <= length].sum()) if strategy == "bfd" else 0
        table.append(
            (f"TRL {strategy}", tokens / seen, uncut / seen, tokens / (len(packed) * length), len(sizes) / seconds)
        )
    shown = "; ".join(
        f"{name} keeps {kept:.2%} ({uncut:.2%} in documents of whole turns), fills {fill:.2%}, {speed:,.0f} documents/s"
        for name, kept, uncut, fill, speed in table
    )
    figure(f"{length}, {seen:,} tokens: {shown}")
    ours, bfd, _ = table
    # Cutting inside a turn keeps more tokens than cutting between turns, and trains answers without an end.
    assert ours[1] == ours[2] >= bfd[2]
    assert ours[3] >= bfd[3]


@pytest.mark.point("S4", "loader: speed alone, from the token store")
def test_the_loader_alone(run: Path, figure: Figure) -> None:
    packs = NumpyPacks(corpus(run, 4_096), plan=plan(4_096), prefetch=0)
    start, tokens = time.process_time(), 0
    for pack in packs:
        tokens += len(pack["input_ids"])
    speed = tokens / (time.process_time() - start)
    figure(f"{speed / 1e6:.1f} M tokens/s a core (at least 2), {tokens:,} tokens")
    assert speed >= 2e6
