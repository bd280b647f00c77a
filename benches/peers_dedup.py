"""Near deduplication by other systems, as their own documentation does it: JSONL in, kept lines out, one thread.

python benches/peers_dedup.py rensa|rensa-shingles|datasketch IN OUT
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

Keep = Callable[[Iterator[tuple[bytes, str]]], Iterator[bytes]]


def texts(path: Path) -> Iterator[tuple[bytes, str]]:
    """Each line and its conversation as one text, without system turns."""
    with path.open("rb") as lines:
        for line in lines:
            messages = orjson.loads(line)["messages"]
            yield line, "\n".join(turn["content"] for turn in messages if turn["role"] != "system" and turn["content"])


def shingles(text: str) -> list[str]:
    """Windows of three words, as most pipelines make them."""
    words = text.lower().split()
    return [" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))]


def rensa(records: Iterator[tuple[bytes, str]], cut: Callable[[str], list[str]]) -> Iterator[bytes]:
    """Rensa's streaming deduplicator in batches, at its defaults."""
    from rensa import RMinHashDeduplicator

    deduplicator = RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True)
    batch: list[tuple[bytes, list[str]]] = []
    number = 0

    def judged() -> Iterator[bytes]:
        kept = deduplicator.add_pairs((str(number - len(batch) + at), tokens) for at, (_, tokens) in enumerate(batch))
        yield from (line for (line, _), keep in zip(batch, kept, strict=True) if keep)
        batch.clear()

    for line, text in records:
        batch.append((line, cut(text)))
        number += 1
        if len(batch) == 1_000:
            yield from judged()
    yield from judged()


def datasketch(records: Iterator[tuple[bytes, str]]) -> Iterator[bytes]:
    """Datasketch's MinHash in bulk and its LSH, at its defaults."""
    import datasketch as library

    index = library.MinHashLSH(threshold=0.8, num_perm=128)
    for number, (line, text) in enumerate(records):
        sketch = library.MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in shingles(text)])
        if not index.query(sketch):
            index.insert(number, sketch)
            yield line


SYSTEMS: dict[str, Keep] = {
    "rensa": lambda records: rensa(records, str.split),
    "rensa-shingles": lambda records: rensa(records, shingles),
    "datasketch": datasketch,
}


def main() -> None:
    """Runs one system."""
    system, source, target = sys.argv[1:]
    with Path(target).open("wb") as out:
        out.writelines(SYSTEMS[system](texts(Path(source))))


if __name__ == "__main__":
    main()
