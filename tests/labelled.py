"""Records with categories and parents, for tests of what comes after a run."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

CATEGORIES = ["technical", "factual", "analytical", "ethical", "empathetic", "creative", "conversational", None]
AS_DECLARED = {"dedup": {"exact": False, "near": False}, "tag": {"packs": [], "language": False}}
"""No duplicates are looked for, and no labels but those that records declare."""


def write_records(path: Path, count: int, seed: int = 1) -> None:
    """Records with categories (or none) and, a few of them, parents."""
    chance = random.Random(seed)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            turns = [
                {"role": "user", "content": f"question {number}"},
                {"role": "assistant", "content": f"answer {number} " + "word " * chance.randrange(60)},
            ]
            record: dict[str, Any] = {"messages": turns}
            category = chance.choice(CATEGORIES)
            if category:
                record["_category"] = category
            if number and chance.random() < 0.15:
                record["_parent"] = f"{path}:{chance.randrange(number) + 1}"
            file.write(json.dumps(record) + "\n")
