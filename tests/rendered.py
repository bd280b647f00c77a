"""Texts as transformers renders them; run in processes of its own."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Slice:
    """Some lines of a file of records, and the template that they go through."""

    folder: Path
    template: str | None
    records: Path
    first: int
    count: int


def load(folder: Path, template: str | None) -> Any:
    """The tokenizer, with a template in place of its own."""
    import transformers

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(folder))
    tokenizer.chat_template = template or tokenizer.chat_template
    return tokenizer


def texts_of(job: Slice) -> list[str | None]:
    """The text of each record; None where the template refuses it."""
    tokenizer, texts = load(job.folder, job.template), []
    with job.records.open(encoding="utf-8") as lines:
        for line in itertools.islice(lines, job.first, job.first + job.count):
            record = json.loads(line)
            try:
                text = tokenizer.apply_chat_template(record["messages"], tools=record.get("tools"), tokenize=False)
            except Exception:  # a template's own refusal, in whatever form
                text = None
            texts.append(text)
    return texts
