"""A benchmark corpus of any size from real records: canonical messages, one conversation a line, always the same bytes.

    python benches/data.py OUT [--records 200000]

The base is every conversation that plain readers find in the unpacked corpora (`make data`), or in `tests/data/sample`
where those are missing. Past the size of the base, records are made by putting sentences of other records in.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parents[1]
Turns = list[dict[str, str]]
ROLES = {"human": "user", "user": "user", "client": "user", "gpt": "assistant", "assistant": "assistant",
         "counselor": "assistant", "system": "system"}  # fmt: skip
ASKED = ("instruction", "question", "prompt", "query")
ANSWERED = ("output", "response", "answer", "completion")
SENTENCE = re.compile(r"(?<=[.!?。！？])(\s*)")


def draw(*parts: object) -> int:
    """A number from a digest: the only source of chance here."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def to_turns(record: Any) -> Turns | None:
    """The conversation of a record of the common families, by a reader of our own."""
    if isinstance(record, list):
        turns = [(ROLES.get(str(turn.get("role"))), turn.get("content")) for turn in record if isinstance(turn, dict)]
    elif isinstance(record.get("messages") or record.get("conversations"), list):
        chat = record.get("messages") or record["conversations"]
        if not all(isinstance(turn, dict) for turn in chat):
            return None
        turns = [
            (ROLES.get(turn.get("from") or turn.get("role")), turn.get("value") or turn.get("content")) for turn in chat
        ]
    elif isinstance(record.get("conversation"), list):
        rounds = [(turn.get("input"), turn.get("output")) for turn in record["conversation"] if isinstance(turn, dict)]
        turns = [pair for asked, answered in rounds for pair in (("user", asked), ("assistant", answered))]
    else:
        asked = next((record[key] for key in ASKED if isinstance(record.get(key), str)), None)
        answered = next((record[key] for key in ANSWERED if isinstance(record.get(key), str)), None)
        if asked and record.get("input"):
            asked = f"{asked}\n\n{record['input']}"
        turns = [("user", asked), ("assistant", answered)]
    sound = [{"role": role, "content": text} for role, text in turns if role and isinstance(text, str) and text.strip()]
    return sound if len(sound) == len(turns) >= 2 and sound[-1]["role"] == "assistant" else None


def records_of(path: Path) -> Iterator[Any]:
    """The JSON records of a file, however they are kept; nothing of a file that is not JSON."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    text = data.decode("utf-8-sig", "replace")
    try:
        whole = json.loads(text)
    except ValueError:
        for line in text.split("\n"):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue
        return
    if isinstance(whole, list) and whole and isinstance(whole[0], dict) and "role" in whole[0]:
        yield whole
    elif isinstance(whole, list):
        yield from whole


def base() -> list[Turns]:
    """The distinct conversations, in a drawn order."""
    corpora = ROOT / (os.environ.get("CORPUSKIT_DATA") or "data") / "raw"
    folder = corpora if corpora.is_dir() else ROOT / "tests" / "data" / "sample"
    found: dict[str, Turns] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and set(path.suffixes) & {".json", ".jsonl"}:
            for record in records_of(path):
                turns = to_turns(record) if isinstance(record, dict | list) else None
                if turns:
                    text = "\n".join(turn["content"] for turn in turns)
                    if len(text) < 20_000 and not re.search("[\ud800-\udfff]", text):
                        found[text] = turns
    return [found[text] for text in sorted(found, key=draw)]


def mixed(turns: Turns, others: list[Turns], number: int) -> Turns:
    """The conversation with every third sentence of a turn replaced by one of another record."""
    made = []
    for place, turn in enumerate(turns):
        # Every other piece is the white space between two sentences, which stays as it was.
        pieces = SENTENCE.split(turn["content"])
        for index in range(draw(number, place) % 3 * 2, len(pieces), 6):
            donor = others[draw(number, place, index) % len(others)][-1]["content"]
            pieces[index] = SENTENCE.split(donor)[0]
        made.append({"role": turn["role"], "content": "".join(pieces)})
    return made


def write_corpus(path: Path, records: int, *, repeated: float = 0.15) -> None:
    """Writes `records` lines, of which a share of `repeated` are exact copies of earlier ones."""
    conversations = base()
    with path.open("w", encoding="utf-8") as file:
        lines: list[str] = []
        for number in range(records):
            if number > 100 and draw("repeat", number) % 10_000 < repeated * 10_000:
                file.write(lines[draw("which", number) % len(lines)])
                continue
            turns = conversations[number % len(conversations)]
            if number >= len(conversations):
                turns = mixed(turns, conversations, number)
            line = json.dumps({"messages": turns, "id": number}, ensure_ascii=False) + "\n"
            if len(lines) < 50_000:
                lines.append(line)
            file.write(line)


def main() -> None:
    """Writes a corpus for use by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--records", type=int, default=200_000)
    arguments = parser.parse_args()
    write_corpus(arguments.out, arguments.records)
    print(f"{arguments.out}: {arguments.records} records, {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
