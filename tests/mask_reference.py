"""What transformers says about a conversation, and what of it an independent search finds; run in processes of its own.

No code of corpuskit finds a stretch here: answers are found by marks around what each says, and generation marks by transformers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True)
class Job:
    """Some of the records of a file, to be compared through one template."""

    folder: Path
    template: str | None
    head: str
    end: str
    records: Path
    first: int
    step: int
    wanted: int
    """Records to compare; those that corpuskit refuses do not count."""


@dataclass
class Compared:
    """What was compared; a difference raises instead."""

    same: int = 0
    turns: int = 0
    marks: int = 0
    defects: int = 0
    marked: bool = False
    note: str = ""
    refused: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.same + other.same, self.turns + other.turns, self.marks + other.marks, self.defects + other.defects,
            other.marked, other.note, self.refused + other.refused,
        )  # fmt: skip


class Reference:
    """Transformers' own words about a conversation."""

    def __init__(self, folder: Path, template: str | None) -> None:
        import transformers

        self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(folder))
        if template is not None:
            self.tokenizer.chat_template = template
        self.marked = (
            "{% generation" in self.tokenizer.chat_template or "{%- generation" in self.tokenizer.chat_template
        )

    def text(self, messages: list[Record], tools: Any) -> str:
        text: str = self.tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
        return text

    def tokens(self, messages: list[Record], tools: Any) -> tuple[list[int], list[Span], list[bool] | None]:
        """Ids, the characters of each, and transformers' assistant mask where the template has generation marks."""
        made = self.tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=True, return_dict=True, return_assistant_tokens_mask=self.marked,
            tokenizer_kwargs={"return_offsets_mapping": True},
        )  # fmt: skip
        mask = [bool(bit) for bit in made["assistant_masks"]] if self.marked else None
        return list(made["input_ids"]), [tuple(pair) for pair in made["offset_mapping"]], mask

    def turns(self, text: str, messages: list[Record], tools: Any, head: str, end: str) -> list[Span] | None:
        """The stretch of each trained answer; None where a mark changes the rest."""
        answers = [at for at, turn in enumerate(messages) if turn["role"] == "assistant" and turn.get("weight") != 0]
        places = self._said(text, messages, tools, answers)
        if places is None:
            one_by_one = [self._said(text, messages, tools, [at]) for at in answers]
            if any(place is None for place in one_by_one):
                return None
            places = [place for found in one_by_one if found for place in found]
        found = []
        for at, (start, stop) in zip(answers, places, strict=True):
            found.append((text.rindex(head, 0, start) + len(head), text.index(end, stop) + len(end)))
            eos = self.tokenizer.eos_token
            if at + 1 == len(messages) and text.endswith(eos) and found[-1][1] < len(text):
                found.append((len(text) - len(eos), len(text)))
        return found

    def _said(self, text: str, messages: list[Record], tools: Any, answers: list[int]) -> list[Span] | None:
        """Where these answers' words stand, each between two marks of its own that are taken out again."""
        for inner in (False, True):
            changed = list(messages)
            for number, at in enumerate(answers):
                changed[at] = marked(messages[at], chr(0xF0000 + 2 * number), chr(0xF0001 + 2 * number), inner)
            shown = self.text(changed, tools)
            marks = [chr(0xF0000 + number) for number in range(2 * len(answers))]
            places = [shown.find(mark) for mark in marks]
            if sorted(places) == places and (not places or places[0] >= 0):
                bare_text = shown
                for mark in marks:
                    bare_text = bare_text.replace(mark, "", 1)
                if bare_text == text:
                    outside = [place - number for number, place in enumerate(places)]
                    return list(zip(outside[::2], outside[1::2], strict=True))
        return None

    def stretches(self, messages: list[Record], tools: Any) -> tuple[list[Span], bool]:
        """The stretches between the generation marks, and whether the mask's defect bites."""
        from transformers.utils.chat_template_utils import render_jinja_template

        names = {name: value for name, value in self.tokenizer.special_tokens_map.items() if isinstance(value, str)}
        texts, spans = render_jinja_template(
            conversations=[messages], tools=tools, chat_template=self.tokenizer.chat_template,
            return_assistant_tokens_mask=True, **names,
        )  # fmt: skip
        encoded = self.tokenizer(texts[0], add_special_tokens=False)
        ends = [place for start, end in spans[0] for place in (start, end - 1)]
        return spans[0], any(encoded.char_to_token(at) is None for at in ends)


def marked(turn: Record, first: str, last: str, inner: bool) -> Record:
    """The turn with marks around what it says, or (`inner`) inside the white space of that.

    Templates separate words and calls, so where a turn only calls, the marks are around the last name that it calls.
    """
    said = turn.get("content") or ""
    if not said and turn.get("tool_calls"):
        *before, call = turn["tool_calls"]
        function = call.get("function", call)
        named = {**function, "name": f"{first}{function['name']}{last}"}
        return {**turn, "tool_calls": [*before, {**call, "function": named} if "function" in call else named]}
    bare = said.strip()
    if inner and bare:
        return {**turn, "content": said.replace(bare, f"{first}{bare}{last}", 1)}
    return {**turn, "content": f"{first}{said}{last}"}


def labelled(offsets: list[Span], spans: Iterable[Span]) -> list[bool]:
    """Which tokens cover a character of a stretch; both in order."""
    waiting = sorted(span for span in spans if span[0] < span[1])
    found, at = [], 0
    for start, end in offsets:
        while at < len(waiting) and waiting[at][1] <= start:
            at += 1
        found.append(start < end and at < len(waiting) and waiting[at][0] < end)
    return found


def some_records(job: Job) -> Iterator[Record]:
    """The job's share of the records."""
    with job.records.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % job.step == job.first:
                yield json.loads(line)


def compare(job: Job) -> Compared:
    """Compares ids and labels, record by record; raises at the first difference."""
    from corpuskit.tokenise import Tokeniser

    records = list(some_records(job))
    plan = {"tokenise": {"untrainable": "drop"}, "pack": {"length": 1 << 20}, "condition": {"leak_guard": "warn"}}
    made = Tokeniser(job.folder, template=job.template, plan=plan, samples=records[:: len(records) // 64])
    reference = Reference(job.folder, job.template)
    found = Compared(marked=reference.marked, note=made.notes[0])
    for record in records:
        if found.same == job.wanted:
            break
        messages, tools, origin = record["messages"], record.get("tools") or None, record["_origin"]
        said = made.record(record)
        if said.shown is None:
            found.refused[said.reason or ""] += 1
            continue
        text = reference.text(messages, tools)
        ids, offsets, expected = reference.tokens(messages, tools)
        assert said.shown["text"] == text, origin
        assert said.shown["ids"] == ids, origin
        found.same += 1
        mask = [False] * len(ids)
        for start, stop in said.shown["supervised"]:
            mask[start:stop] = [True] * (stop - start)
        spans = reference.turns(text, messages, tools, job.head, job.end)
        if spans is not None:
            assert mask == labelled(offsets, spans), origin
            found.turns += 1
        if expected is not None and not any(turn.get("weight") == 0 for turn in messages):
            if mask != expected:
                stretches, defect = reference.stretches(messages, tools)
                assert defect, origin
                assert mask == labelled(offsets, stretches), origin
                found.defects += 1
            found.marks += 1
    return found
