"""Readers of the real corpora, written without corpuskit: file -> what its records' last answers say.

Each yields `(path below raw/, last assistant text)`; `None` where the record has no such text, or where the corpus has
no answer of its own and every reader has to make one up (`BUILT`), so that only the record is counted.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Answers = Iterator[tuple[str, str | None]]

csv.field_size_limit(1 << 30)


def read(path: Path) -> list[Any]:
    """A JSON file, whatever its name says: an array, an object, or a line a record; lines that are broken are left out."""
    text = path.read_text("utf-8-sig", errors="replace")
    try:
        whole = json.loads(text)
    except ValueError:
        records = []
        for line in filter(str.strip, text.split("\n")):
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records
    return whole if isinstance(whole, list) else [whole]


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from csv.DictReader(file)


def text(value: object) -> str:
    """A text as it is, nothing for null, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def alpaca(*patterns: str, answer: str = "output") -> Callable[[Path], Answers]:
    """Instruction and answer."""

    def reader(raw: Path) -> Answers:
        for path in (path for pattern in patterns for path in sorted(raw.glob(pattern))):
            for record in read(path):
                if isinstance(record, dict) and record.get("instruction") is not None:
                    said = record.get(answer) or record.get("response") or record.get("output")
                    yield str(path.relative_to(raw)), text(said)

    return reader


def keyed(pattern: str, key: str, *, needs: str, skip: str = "\0", table: bool = False) -> Callable[[Path], Answers]:
    """The answer stands under one key."""

    def reader(raw: Path) -> Answers:
        for path in sorted(raw.glob(pattern)):
            if skip in path.name:
                continue
            for record in rows(path) if table else read(path):
                if needs in record:
                    yield str(path.relative_to(raw)), text(record.get(key))

    return reader


def last_turn(turns: list[dict[str, Any]], who: str, say: str, assistants: set[str]) -> str | None:
    """What the last turn of an assistant says."""
    return next(
        (turn[say] for turn in reversed(turns) if turn.get(who) in assistants and turn.get(say) is not None), None
    )


def turns(pattern: str, lists: tuple[str, ...], who: str, say: str, assistants: set[str]) -> Callable[[Path], Answers]:
    """The turns stand in a list of objects."""

    def reader(raw: Path) -> Answers:
        for path in sorted(raw.glob(pattern)):
            for record in read(path):
                found = next((record[key] for key in lists if record.get(key)), None)
                if found:
                    yield str(path.relative_to(raw)), last_turn(found, who, say, assistants)

    return reader


def smile(raw: Path) -> Answers:
    """A file is one conversation."""
    for path in sorted(raw.glob("qiuhuachuan__smile/data/*.json")):
        yield str(path.relative_to(raw)), last_turn(read(path), "role", "content", {"counselor", "assistant"})


def taskmaster(raw: Path) -> Answers:
    """Everyone who is not the user is the assistant."""
    for path in sorted(raw.glob("google-research-datasets__Taskmaster/TM-4-2024/data/*.json")):
        for record in read(path):
            said = [turn["text"] for turn in record["utterances"] if not turn["speaker"].lower().startswith("user")]
            yield str(path.relative_to(raw)), said[-1] if said else None


def emollm(raw: Path) -> Answers:
    """A list of exchanges."""
    for path in sorted(raw.glob("SmartFlowAI__EmoLLM/datasets/*.json")):
        for record in read(path):
            if record.get("conversation"):
                yield str(path.relative_to(raw)), text(record["conversation"][-1].get("output"))


def built(
    *patterns: str, has: tuple[str, ...], knows: tuple[str, ...] = (), table: bool = False
) -> Callable[[Path], Answers]:
    """Records in which `has` says something, and in which `knows` stands at all, whatever is made of them."""

    def reader(raw: Path) -> Answers:
        for path in (path for pattern in patterns for path in sorted(raw.glob(pattern))):
            for record in rows(path) if table else read(path):
                if isinstance(record, dict) and all(map(record.get, has)) and record.keys() >= set(knows):
                    yield str(path.relative_to(raw)), None

    return reader


def grouped(pattern: str, key: str) -> Callable[[Path], Answers]:
    """A table with a turn a row: a record for each value of a column. Quotes are letters like any other here."""

    def reader(raw: Path) -> Answers:
        for path in sorted(raw.glob(pattern)):
            lines = path.read_text("utf-8", errors="replace").split("\n")
            place = lines[0].split("\t").index(key)
            for _ in dict.fromkeys(cells[place] for line in lines[1:] if len(cells := line.split("\t")) > 4):
                yield str(path.relative_to(raw)), None

    return reader


def trailing_comma(raw: Path) -> Answers:
    """An array with a comma too many, which JSON does not know."""
    for path in sorted(raw.glob("hikariming__*/history/翻译后的中文数据/*.json")):
        for record in json.loads(re.sub(r",\s*\]\s*$", "]", path.read_text("utf-8-sig"))):
            yield str(path.relative_to(raw)), text(record.get("output"))


lamp = "hiyouga__LLaMA-Factory/data/glaive_toolcall_*.json"
FIRST: dict[str, Callable[[Path], Answers]] = {
    "toolformer": alpaca("teknium1__GPTeacher/Toolformer/toolformer-dedupe-only-dataset.json", answer="response"),
    "roleplay": alpaca("teknium1__GPTeacher/Roleplay/*.json", answer="response"),
    "codealpaca": alpaca("sahil280114__codealpaca/data/*.json", "nickrosh__evol-teacher/converted_alpaca_2k.json"),
    "alpaca_cot": alpaca("PhoebusSi__Alpaca-CoT/data/formatted_cot_data/*.json"),
    "smile": smile,
    "synthchat": turns(
        "ProfSynapse__Toolset-Training/Datasets/**/*.jsonl",
        ("conversations", "messages"),
        "role",
        "content",
        {"assistant"},
    ),
    "sealtools": turns(
        "fairyshine__Seal-Tools/Seal-Tools_Dataset/dataset_for_finetune/*.json",
        ("conversations",),
        "from",
        "value",
        {"gpt"},
    ),
    "lf": turns(lamp, ("conversations",), "from", "value", {"gpt", "function_call"}),
    "gsm8k": keyed("openai__grade-school-math/**/*.jsonl", "answer", needs="question", skip="solutions"),
    "creative": keyed("daveshap__CreativeWritingCoach/*.jsonl", "completion", needs="prompt"),
}
"""The readers of which 95 % must arrive first."""

OTHERS: dict[str, Callable[[Path], Answers]] = {
    "alpaca_zh": trailing_comma,
    "taskmaster": taskmaster,
    "counsel": keyed(
        "nbertagnolli__counsel-chat/data/20200325_counsel_chat.csv", "answerText", needs="answerText", table=True
    ),
    "emollm": emollm,
    "antevals": keyed("anthropics__evals/**/*.jsonl", "answer_matching_behavior", needs="question"),
    "medical": keyed("abachaa__MTS-Dialog/Main-Dataset/*.csv", "section_text", needs="dialogue", table=True),
}

BUILT: dict[str, Callable[[Path], Answers]] = {
    "nq": built("google-research-datasets__natural-questions/nq_open/*.jsonl", has=("question", "answer")),
    "mathqa": built("eladsegal__strategyqa/data/strategyqa/train.json", has=("question", "facts")),
    "mmlu": built("HaeChan0305__*/data/mmlu/*/*.csv", has=("question",), table=True),
    "apibench": built("ShishirPatil__gorilla/data/apibench/*.json", has=("code",)),
    "bfcl": built("ShishirPatil__gorilla/berkeley*/bfcl_eval/data/BFCL*.json", has=("question",), knows=("function",)),
    "casino": built("kushalchawla__CaSiNo/data/split/*.json", has=("chat_logs",)),
    "mdgo": grouped("awslabs__*/data/paper_splits/splits_annotated_at_turn_level/*/*.tsv", "conversationId"),
}
"""Corpora whose answers or roles every reader has to make up."""
