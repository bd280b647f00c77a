"""S1: ids are what `apply_chat_template` gives, labels what an independent search for each turn gives.

Where a template has generation marks, labels are also compared with transformers' assistant mask. That mask has a defect: where
the last character of a stretch belongs to no token, everything up to the end of the conversation is marked. Records where it
bites are told by that and compared with the stretches themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import real_chats

transformers = pytest.importorskip("transformers", reason="compared with transformers, which is not installed")

Figure = Callable[[str], None]
Record = dict[str, Any]
Span = tuple[int, int]
RECORDS = 2_000
HEADS = {
    "phi3": ("<|assistant|>\n", "<|end|>"),
    "phi3_training": ("<|assistant|>\n", "<|end|>\n"),
    "llama3_training": ("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
    "gemma_training": ("<start_of_turn>model\n", "<end_of_turn>\n"),
    "minimind": ("<|im_start|>assistant\n", "<|im_end|>"),
    "qwen2_5": ("<|im_start|>assistant\n", "<|im_end|>"),
    "qwen2_5_training": ("<|im_start|>assistant\n", "<|im_end|>\n"),
    "qwen3_training": ("<|im_start|>assistant\n", "<|im_end|>\n"),
}
"""What stands before what the model says, and what ends it."""


@pytest.fixture(scope="module")
def records(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    out = real_chats.run_folder(corpora, tmp_path_factory.mktemp("run") / "out", real_chats.TALKS)
    found = [record for record in out.records() if record["messages"][0]["role"] != "text"]
    with_tools = [
        record for record in found if record.get("tools") or any(turn.get("tool_calls") for turn in record["messages"])
    ]
    plain = [record for record in found if record not in with_tools[:300]]
    return [*with_tools[:300], *plain[:: max(1, len(plain) // (RECORDS - 250))]][:RECORDS]


class Reference:
    """Transformers' own words about a conversation."""

    def __init__(self, folder: Path, template: str | None) -> None:
        self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(folder))
        if template is not None:
            self.tokenizer.chat_template = template
        self.marked = (
            "{% generation" in self.tokenizer.chat_template or "{%- generation" in self.tokenizer.chat_template
        )

    def text(self, messages: list[Record], tools: Any) -> str:
        text: str = self.tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
        return text

    def turns(self, messages: list[Record], tools: Any, head: str, end: str) -> list[Span] | None:
        """The stretch of each trained answer, found by marks around what it says; None where a mark changes the rest."""
        first, last, text, found = "\ue0f0", "\ue0f1", self.text(messages, tools), []
        for at, turn in enumerate(messages):
            said = turn.get("content") or ""
            if turn["role"] != "assistant" or turn.get("weight") == 0:
                continue
            bare = said.strip()
            inner = said.replace(bare, f"{first}{bare}{last}", 1) if bare else f"{first}{last}"
            for marked in (f"{first}{said}{last}", inner):
                shown = self.text([*messages[:at], {**turn, "content": marked}, *messages[at + 1 :]], tools)
                if shown.count(first) == shown.count(last) == 1 and shown.replace(first, "").replace(last, "") == text:
                    break
            else:
                return None
            start, stop = shown.index(first), shown.index(last) - 1
            found.append((text.rindex(head, 0, start) + len(head), text.index(end, stop) + len(end)))
            eos = self.tokenizer.eos_token
            if at + 1 == len(messages) and text.endswith(eos) and found[-1][1] < len(text):
                found.append((len(text) - len(eos), len(text)))
        return found

    def mask(self, messages: list[Record], tools: Any) -> tuple[list[bool], list[Span], bool]:
        """Transformers' assistant mask, the stretches between the marks, and whether its defect bites."""
        from transformers.utils.chat_template_utils import render_jinja_template

        made = self.tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        names = {name: value for name, value in self.tokenizer.special_tokens_map.items() if isinstance(value, str)}
        texts, spans = render_jinja_template(
            conversations=[messages], tools=tools, chat_template=self.tokenizer.chat_template,
            return_assistant_tokens_mask=True, **names,
        )  # fmt: skip
        encoded = self.tokenizer(texts[0], add_special_tokens=False)
        ends = [place for start, end in spans[0] for place in (start, end - 1)]
        return (
            [bool(bit) for bit in made["assistant_masks"]],
            spans[0],
            any(encoded.char_to_token(at) is None for at in ends),
        )


def labelled(offsets: list[Span], spans: list[Span]) -> list[bool]:
    """Which tokens cover a character of a stretch."""
    return [any(start < stop and begin < end for begin, stop in spans) for start, end in offsets]


def usable(records: list[Record]) -> Iterator[tuple[Record, list[Record], Any]]:
    for record in records:
        if all(isinstance(turn.get("content"), str | None) for turn in record["messages"]):
            yield record, record["messages"], record.get("tools") or None


@pytest.mark.slow
@pytest.mark.point("S1", "masks")
@pytest.mark.parametrize("name", HEADS)
def test_ids_and_labels(corpora: Path, records: list[Record], name: str, figure: Figure) -> None:
    from corpuskit.tokenise import Tokeniser

    folder, template = real_chats.templates(corpora)[name]
    plan = {"tokenise": {"untrainable": "drop"}, "pack": {"length": 1 << 20}, "condition": {"leak_guard": "warn"}}
    made = Tokeniser(folder, template=template, plan=plan, samples=records[:: len(records) // 64])
    reference, (head, end) = Reference(folder, template), HEADS[name]
    same = turns = marks = defects = refused = 0
    for record, messages, tools in usable(records):
        found = made.record(record)
        if found.shown is None:
            refused += 1
            continue
        text = reference.text(messages, tools)
        encoded = reference.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        assert (found.shown["text"], found.shown["ids"]) == (text, encoded["input_ids"]), record["_origin"]
        same += 1
        mask = [False] * len(found.shown["ids"])
        for start, stop in found.shown["supervised"]:
            mask[start:stop] = [True] * (stop - start)
        spans = reference.turns(messages, tools, head, end)
        if spans is not None:
            assert mask == labelled(encoded["offset_mapping"], spans), record["_origin"]
            turns += 1
        if reference.marked and not any(turn.get("weight") == 0 for turn in messages):
            expected, stretches, defect = reference.mask(messages, tools)
            if mask != expected:
                assert (defect, mask) == (True, labelled(encoded["offset_mapping"], stretches)), record["_origin"]
                defects += 1
            marks += 1
    figure(f"{name}: {same:,} records with equal ids; labels of {turns:,} equal to the search for turns")
    if reference.marked:
        figure(f"of {marks:,} to transformers' mask ({defects} where its defect bites)")
    figure(f"{refused} refused")
    assert same >= RECORDS * 0.3
    assert turns >= same * 0.5
