"""Readers of the ten repositories that the categories are tested on, and of what language is tested on.

The repositories were fixed before any rule was written, and no rule is tuned on them. Each reader yields conversations
as lists of (role, text); they are written without corpuskit.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from corpus_readers import read, rows, text

Turns = list[tuple[str, str]]

MOST = 1_500
"""Conversations of a repository, at most: those with the smallest digests of their place."""


def pair(question: str, answer: str) -> Turns:
    """A question and its answer."""
    return [("user", question), ("assistant", answer)]


def evol_teacher(raw: Path) -> Iterator[Turns]:
    """Instructions to write code."""
    for record in read(raw / "nickrosh__evol-teacher/converted_alpaca_2k.json"):
        given = f"\n\n{record['input']}" if record.get("input") else ""
        yield pair(text(record["instruction"]) + given, text(record["output"]))


def llmbar(raw: Path) -> Iterator[Turns]:
    """Instructions with the better of two answers."""
    for path in sorted(raw.glob("princeton-nlp__LLMBar/**/dataset.json")):
        for record in read(path):
            answer = record[f"output_{record['label']}"] if "output_1" in record else ""
            yield pair(text(record["input"]), text(answer))


def aqua(raw: Path) -> Iterator[Turns]:
    """Sums with options and a rationale."""
    for path in sorted(raw.glob("google-deepmind__AQuA/*.json")):
        for record in read(path):
            options = "\n".join(record["options"])
            yield pair(f"{record['question']}\n{options}", f"{record['rationale']}\n{record['correct']}")


def casino(raw: Path) -> Iterator[Turns]:
    """Two campers bargain."""
    for path in sorted(raw.glob("kushalchawla__CaSiNo/data/split/*.json")):
        for record in read(path):
            logs = record["chat_logs"]
            yield [("user" if turn["id"].endswith("1") else "assistant", turn["text"]) for turn in logs]


def counsel_chat(raw: Path) -> Iterator[Turns]:
    """Questions to therapists."""
    for row in rows(raw / "nbertagnolli__counsel-chat/data/20200325_counsel_chat.csv"):
        yield pair(f"{text(row['questionTitle'])}\n{text(row['questionText'])}", text(row["answerText"]))


def writing_coach(raw: Path) -> Iterator[Turns]:
    """Drafts and a coach's remarks."""
    for path in sorted(raw.glob("daveshap__CreativeWritingCoach/*.jsonl")):
        for record in read(path):
            yield pair(text(record["prompt"]), text(record["completion"]))


def seal_tools(raw: Path) -> Iterator[Turns]:
    """Requests and the calls that meet them."""
    for path in sorted(raw.glob("fairyshine__Seal-Tools/Seal-Tools_Dataset/dataset_for_finetune/*.json")):
        for record in read(path):
            turns = record.get("conversations") or []
            yield [("user" if turn["from"] == "human" else "assistant", turn["value"]) for turn in turns]


def trivia(raw: Path) -> Iterator[Turns]:
    """Quiz questions with options."""
    question = re.compile(r"#Q (.*?)\n\^ ([^\n]*)\n((?:[A-D] [^\n]*\n?)+)", re.S)
    for path in sorted(raw.glob("uberspot__OpenTriviaQA/categories/*")):
        for found in question.finditer(path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")):
            if len(found[1]) < 2_000:
                yield pair(f"{found[1]}\n{found[3].strip()}", found[2])


def moral_choice(raw: Path) -> Iterator[Turns]:
    """Situations and two actions."""
    for path in sorted(raw.glob("ninodimontalcino__moralchoice/**/*.csv")):
        for row in rows(path):
            if "context" in row:
                asked = f"{row['context']}\nA. {row['action1']}\nB. {row['action2']}"
                yield pair(asked, row["action1"])


def mts_dialog(raw: Path) -> Iterator[Turns]:
    """A visit to the doctor and the note about it."""
    for path in sorted(raw.glob("abachaa__MTS-Dialog/Main-Dataset/*.csv")):
        for row in rows(path):
            yield pair(text(row["dialogue"]), text(row["section_text"]))


TEST: dict[str, tuple[str, Callable[[Path], Iterator[Turns]]]] = {
    "evol-teacher": ("technical", evol_teacher),
    "LLMBar": ("instructional", llmbar),
    "AQuA": ("analytical", aqua),
    "CaSiNo": ("conversational", casino),
    "counsel-chat": ("empathetic", counsel_chat),
    "CreativeWritingCoach": ("creative", writing_coach),
    "Seal-Tools": ("tool_api", seal_tools),
    "OpenTriviaQA": ("factual", trivia),
    "moralchoice": ("ethical", moral_choice),
    "MTS-Dialog": ("specialized", mts_dialog),
}
"""Repository: its category and its reader."""


def sample(raw: Path, reader: Callable[[Path], Iterator[Turns]]) -> list[Turns]:
    """At most `MOST` conversations of a repository in which something is said."""
    found = [turns for turns in reader(raw) if any(said for _, said in turns)]
    digest = lambda pair: hashlib.sha256(f"{pair[0]}".encode()).digest()  # noqa: E731
    return [turns for _, turns in sorted(enumerate(found), key=digest)[:MOST]]


def line(turns: Turns, **fields: Any) -> str:
    """The conversation as a line of JSON."""
    messages = [{"role": role, "content": said} for role, said in turns]
    return json.dumps({"messages": messages, **fields}, ensure_ascii=False) + "\n"


LANGUAGES = {"": "en", ".de": "de", ".es": "es", ".fr": "fr", ".it": "it", ".pt_BR": "pt"} | {
    ".zh": "zh",
    ".ja": "ja",
    ".ru": "ru",
    ".ko": "ko",
}
"""tldr's folders of pages, and their languages."""


def tldr(raw: Path) -> Iterator[tuple[str, str]]:
    """Language and prose of every tldr page: what stands behind `>` and `-`, without the commands."""
    for suffix, language in LANGUAGES.items():
        for path in sorted(raw.glob(f"tldr-pages__tldr/pages{suffix}/**/*.md")):
            lines = path.read_text("utf-8", errors="replace").split("\n")
            prose = [row.lstrip(">- ") for row in lines if row.startswith((">", "-"))]
            # Commands, options and addresses are of no language.
            prose = [re.sub(r"`[^`]*`|<[^>]*>|https?://\S+", " ", row) for row in prose]
            if any(prose):
                yield language, "\n".join(prose)


csv.field_size_limit(1 << 30)
