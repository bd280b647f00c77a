"""The deduplication rule once more, in plain Python, written from its text and not from the Rust code.

`judge` takes canonical records (lines of a run's `data/`, read by `load`) and says of each what it doubles. It finds
candidates by a prefix filter, which leaves nothing out: two sets of n and m shingles with |A∩B| >= t·|A∪B| share at least
ceil(t·n) shingles, so in any fixed order the first n-ceil(t·n)+1 of the one and the first m-ceil(t·m)+1 of the other
have one in common (`tests/test_dedup_oracle.py` checks it against the comparison of all pairs).

Unicode: the rule is pinned to version 14.0, that of Python 3.11; a newer Python gives other answers only for
characters that were assigned later.
"""

import json
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeGuard

ROLES_PROMPT = {"user", "tool", "function"}
ROLES_RESPONSE = {"assistant", "text"}
UNSPACED = [
    (0x2E80, 0x2FDF), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F), (0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC),
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F),
]  # fmt: skip
SIGNS = set("#%&*/\\@()[]{}")
OPERATORS = set("+-*/%^=<>")


class Number(str):
    """A JSON number by its spelling."""

    __slots__ = ()


def load(line: str) -> dict[str, Any]:
    """Reads one record; numbers keep their spelling."""
    record: dict[str, Any] = json.loads(line, parse_int=Number, parse_float=Number, parse_constant=Number)
    return record


def dump(value: Any) -> str:
    """As `json.dumps(value, ensure_ascii=False)`, with numbers as they were spelled."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(json.dumps(key, ensure_ascii=False) + ": " + dump(item) for key, item in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def whole(text: str) -> str:
    """The text with halves of surrogate pairs replaced, as parse repairs them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def texts(message: dict[str, Any]) -> Iterator[str]:
    """The texts of a message's content."""
    content = message.get("content")
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            text = part_text(part)
            if text is not None:
                yield text


def part_text(part: Any) -> str | None:
    """The text of a content part: a bare string, `text` of a text part (or one of no type), `value` of a text part."""
    if isinstance(part, dict):
        kind = part.get("type") if is_string(part.get("type")) else None
        if kind in (None, "text", "input_text", "output_text") and is_string(part.get("text")):
            part = part["text"]
        elif kind == "text":
            part = part.get("value")
    return part if is_string(part) else None


def is_string(value: Any) -> TypeGuard[str]:
    """Whether this is a JSON string."""
    return isinstance(value, str) and not isinstance(value, Number)


def calls(message: dict[str, Any]) -> Iterator[str]:
    """Name and arguments of each call of a message."""
    listed = [*(message.get("tool_calls") or []), *([message["function_call"]] if message.get("function_call") else [])]
    for call in listed:
        if not isinstance(call, dict):
            continue
        inner = next((call[key] for key in ("function", "custom") if isinstance(call.get(key), dict)), call)
        name = inner.get("name")
        if is_string(name):
            yield name
        arguments = inner.get("arguments", inner.get("input"))
        if is_string(arguments):
            try:
                value = load(arguments)
            except (ValueError, RecursionError):
                value = None
            yield whole(dump(value)) if isinstance(value, dict) else arguments
        elif arguments is not None:
            yield dump(arguments)


def sides(record: dict[str, Any]) -> tuple[str, str]:
    """Rule 2: what the model is given and what it says."""
    prompt: list[str] = []
    response: list[str] = []
    for message in record["messages"]:
        if message["role"] in ROLES_PROMPT:
            prompt += texts(message)
        elif message["role"] in ROLES_RESPONSE:
            response += texts(message)
            if isinstance(message.get("reasoning_content"), str):
                response.append(message["reasoning_content"])
            response += calls(message)
    return "\n".join(filter(None, prompt)), "\n".join(filter(None, response))


@lru_cache(None)
def kind(character: str) -> str:
    """Rule 3: `w`ord, `s`ingle or separator (empty)."""
    category = unicodedata.category(character)
    point = ord(character)
    if category[0] == "S" or character in SIGNS:
        return "s"
    if category[0] in "LMN":
        return "s" if any(low <= point <= high for low, high in UNSPACED) else "w"
    return "w" if character == "_" else ""


def tokens(text: str) -> list[str]:
    """Rule 3."""
    form = unicodedata.normalize("NFC", text).lower()
    form = "".join(c for c in form if not (0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF))
    found: list[str] = []
    word = ""
    for character in form + " ":
        what = kind(character)
        if what == "w":
            word += character
            continue
        if word:
            found.append(word)
            word = ""
        if what == "s":
            found.append(character)
    return found or ([form.strip()] if form.strip() else [])


def shingles(found: list[str], window: int) -> set[tuple[str, ...]]:
    """Rule 4, without the tag."""
    if not found:
        return set()
    padded = ["\0start"] * (window - 1) + found + ["\0end"] * (window - 1)
    return {tuple(padded[at : at + window]) for at in range(len(padded) - window + 1)}


def numbers(text: str) -> tuple[str, ...]:
    """Rule 5: the matches of `[+\\-*/%^=<>]?\\d+([.,]\\d+)*`."""
    if not any(c.isdigit() for c in text):
        return ()

    def digit(at: int) -> bool:
        return at < len(text) and unicodedata.category(text[at]) == "Nd"

    found = []
    at = 0
    while at < len(text):
        if not digit(at):
            at += 1
            continue
        start = at - 1 if at and text[at - 1] in OPERATORS else at
        while digit(at) or (at < len(text) and text[at] in ".," and digit(at + 1) and digit(at - 1)):
            at += 1
        found.append(text[start:at])
    return tuple(found)


def identity(record: dict[str, Any]) -> tuple[Any, ...]:
    """Rule 8: what two exact duplicates share. Parts that are not text count as well."""
    turns = []
    for message in record["messages"]:
        content = message.get("content")
        other = [dump(part) for part in content if part_text(part) is None] if isinstance(content, list) else []
        tools = [dump(message[key]) for key in ("tool_calls", "function_call") if message.get(key)]
        role = "tool" if message["role"] == "function" else message["role"]
        turns.append(
            (
                role,
                "\n".join(filter(None, texts(message))),
                tuple(other),
                message.get("reasoning_content") or None,
                tuple(tools),
            )
        )
    definitions = record.get("tools")
    return (*turns, dump(definitions) if definitions is not None else None)


@dataclass(frozen=True)
class Judged:
    """One record's verdict: the index of the kept record that it doubles (or none), how, and both overlaps."""

    of: int | None = None
    exact: bool = False
    prompt: tuple[int, int] | None = None
    response: tuple[int, int] | None = None


class Sets:
    """A record as the rule compares it."""

    def __init__(self, record: dict[str, Any], window: int, mode: str) -> None:
        prompt, response = sides(record)
        if mode == "prompt":
            response = ""
        if mode == "response":
            prompt = ""
        self.sides = [shingles(tokens(text), window) for text in (prompt, response)]
        self.numbers = (numbers(prompt), numbers(response))
        if mode == "conversation":
            self.judged = [{(side, s) for side in (0, 1) for s in self.sides[side]}]
            pattern: tuple[bool, ...] = ()
        else:
            self.judged = [{(side, s) for s in self.sides[side]} for side in (0, 1)]
            pattern = tuple(bool(judged) for judged in self.judged)
        # Records of different groups never match: other numbers, or one side empty against one that is not.
        self.group = (self.numbers, pattern)


def overlap(a: set[Any], b: set[Any]) -> tuple[int, int] | None:
    """Intersection and union; none where both are empty."""
    both = len(a & b)
    union = len(a) + len(b) - both
    return (both, union) if union else None


def judge(
    records: Iterable[dict[str, Any]],
    threshold: int | tuple[int, int] = 8000,
    window: int = 3,
    mode: str = "sides",
    exact: bool = True,
    near: bool = True,
) -> list[Judged]:
    """Rule 9 in the order given. Thresholds are in ten-thousandths."""
    records = list(records)
    limits = threshold if isinstance(threshold, tuple) else (threshold, threshold)
    sets = [Sets(record, window, mode) for record in records] if near else []
    frequency = Counter(shingle for each in sets for judged in each.judged for shingle in judged)
    groups: dict[Any, int] = {}
    postings: defaultdict[Any, list[int]] = defaultdict(list)
    equal: dict[Any, int] = {}
    verdicts: list[Judged] = []
    for index, record in enumerate(records):
        key = identity(record) if exact else None
        matches = [equal[key]] if exact and key in equal else []
        prefixes: list[list[Any]] = []
        if near:
            mine = sets[index]
            group = groups.setdefault(mine.group, len(groups))
            found: set[int] | None = None
            for judged, limit in zip(mine.judged, limits, strict=False):
                if not judged:
                    continue
                length = len(judged) - math.ceil(len(judged) * limit / 10_000) + 1
                prefix = [(group, s) for s in sorted(judged, key=lambda s: (frequency[s], s))[:length]]
                prefixes.append(prefix)
                here = {other for item in prefix for other in postings.get(item, ())}
                found = here if found is None else found & here
            matches += [other for other in found or () if similar(mine, sets[other], limits)]
        if matches:
            of = min(matches)
            pair = (
                [overlap(a, b) for a, b in zip(sets[index].sides, sets[of].sides, strict=True)]
                if near
                else [None, None]
            )
            verdicts.append(Judged(of, exact and equal.get(key) == of, *pair))
            continue
        verdicts.append(Judged())
        if exact:
            equal[key] = index
        for prefix in prefixes:
            for item in prefix:
                postings[item].append(index)
    return verdicts


def assistant_characters(record: dict[str, Any]) -> int:
    """Characters of the assistant turns' texts and reasoning."""
    turns = [message for message in record["messages"] if message["role"] in ROLES_RESPONSE]
    reasoning = (message.get("reasoning_content") for message in turns)
    return sum(len(text) for message in turns for text in texts(message)) + sum(
        len(text) for text in reasoning if isinstance(text, str)
    )


def judge_in_order(
    records: Iterable[dict[str, Any]], rank: Callable[[dict[str, Any]], Any], **rule: Any
) -> list[Judged]:
    """Rule 10: rule 9 in the order of `rank` (records of one rank in input order), told in input order."""
    records = list(records)
    order = sorted(range(len(records)), key=lambda index: (rank(records[index]), index))
    told: list[Judged] = [Judged()] * len(records)
    for index, judged in zip(order, judge([records[index] for index in order], **rule), strict=True):
        told[index] = judged if judged.of is None else replace(judged, of=order[judged.of])
    return told


def similar(a: Sets, b: Sets, limits: tuple[int, int]) -> bool:
    """Rule 7, for records of one group of which at least one side is judged."""
    for judged, others, limit in zip(a.judged, b.judged, limits, strict=False):
        pair = overlap(judged, others)
        if pair is not None and pair[0] * 10_000 < limit * pair[1]:
            return False
    return a.group == b.group


def judge_all_pairs(
    records: list[dict[str, Any]],
    threshold: int | tuple[int, int] = 8000,
    window: int = 3,
    mode: str = "sides",
    exact: bool = True,
) -> list[Judged]:
    """The same without any speed-up, for small corpora."""
    limits = threshold if isinstance(threshold, tuple) else (threshold, threshold)
    sets = [Sets(record, window, mode) for record in records]
    identities = [identity(record) for record in records]
    kept: list[int] = []
    verdicts = []
    for index, mine in enumerate(sets):
        for other in kept:
            same = exact and identities[index] == identities[other]
            if same or (any(mine.judged) and similar(mine, sets[other], limits)):
                verdicts.append(
                    Judged(other, same, *(overlap(a, b) for a, b in zip(mine.sides, sets[other].sides, strict=True)))
                )
                break
        else:
            kept.append(index)
            verdicts.append(Judged())
    return verdicts
