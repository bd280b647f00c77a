"""The oracle of the deduplication rule against the comparison of all pairs, and against the rule's own examples."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "oracle"))
import dedup_oracle as oracle

WORDS = st.lists(st.sampled_from([*"abcdefgh", "1", "2", "x-3"]), max_size=8)
TEMPLATE = "we would like you to say in your own words what this is about"
TEXTS = st.builds(lambda template, words: " ".join([TEMPLATE] * template + words), st.booleans(), WORDS)
RECORDS = st.builds(
    lambda prompt, response: {
        "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    },
    TEXTS,
    TEXTS,
)


@given(
    records=st.lists(RECORDS, max_size=25),
    threshold=st.sampled_from([5000, 7000, 8000, 9000, 10000, (9000, 6000)]),
    mode=st.sampled_from(["sides", "prompt", "response"]),
    window=st.integers(1, 4),
    exact=st.booleans(),
)
def test_prefixes_leave_nothing_out(
    records: list[dict[str, object]], threshold: int | tuple[int, int], mode: str, window: int, exact: bool
) -> None:
    assert oracle.judge(records, threshold, window, mode, exact) == oracle.judge_all_pairs(
        records, threshold, window, mode, exact
    )


@given(records=st.lists(RECORDS, max_size=25), threshold=st.sampled_from([7000, 9000]))
def test_prefixes_leave_nothing_out_of_conversations(records: list[dict[str, object]], threshold: int) -> None:
    assert oracle.judge(records, threshold, 3, "conversation") == oracle.judge_all_pairs(
        records, threshold, 3, "conversation"
    )


def test_tokens() -> None:
    assert oracle.tokens("C++ isn't C#, ok_1") == ["c", "+", "+", "isn", "t", "c", "#", "ok_1"]
    assert oracle.tokens("x + 1") != oracle.tokens("x - 1")
    assert oracle.tokens("我爱Python ΟΔΟΣ ❤\ufe0f") == ["我", "爱", "python", "οδος", "❤"]
    assert oracle.tokens(" ?! ") == ["?!"]
    assert oracle.tokens(" \n\u3000") == []


def test_numbers() -> None:
    assert oracle.numbers("3-5=x 1,000.50, 1..2 a7. ٣.٤") == ("3", "-5", "1,000.50", "1", "2", "7", "٣.٤")


def test_arguments_have_one_spelling() -> None:
    line = """{"messages": [{"role": "assistant", "tool_calls": [
        {"function": {"name": "f", "arguments": {"a":1.0,"b":[1e2,-0],"c":"\\u00e9"}}},
        {"function": {"name": "g", "arguments": "{\\"a\\":18446744073709551616}"}}, {"name": "h", "arguments": "no json"}]}]}"""
    expected = 'f\n{"a": 1.0, "b": [1e2, -0], "c": "é"}\ng\n{"a": 18446744073709551616}\nh\nno json'
    assert oracle.sides(oracle.load(line)) == ("", expected)


def test_character_classes_are_up_to_date() -> None:
    if unicodedata.unidata_version != "14.0.0":
        pytest.skip(
            f"the classes are those of Unicode 14.0.0 (Python 3.11), this Python has {unicodedata.unidata_version}"
        )
    script = Path(__file__).parent / "oracle" / "make_character_classes.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True)
