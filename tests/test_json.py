"""The JSON scanner against the corpus of RFC 8259 documents, with Python's `json` as the judge."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import _core

CORPUS = Path(__file__).parent / "data" / "json" / "rfc8259.jsonl"
# What Python's parser lets pass and ours does not: each has a policy of its own.
STRICTER = {"non_finite", "duplicate_key", "lone_surrogate", "depth"}


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def document(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode()


def python_reads(data: bytes) -> tuple[bool, Any]:
    try:
        return True, json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return False, None


def test_the_corpus_is_large_and_says_of_each_document_what_python_makes_of_it() -> None:
    assert len(cases()) >= 300
    for case in cases():
        expected = case.get("python", case["outcome"] == "ok")
        assert python_reads(document(case))[0] == expected, case["name"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_each_document_has_its_outcome_and_says_the_same_as_in_python(case: dict[str, Any]) -> None:
    data = document(case)
    reason, byte, anew = _core.json_check(data)
    assert (reason or "ok").removeprefix("parse.") == case["outcome"]
    assert 0 <= byte <= len(data)
    if reason is None:
        assert repr(json.loads(anew)) == repr(json.loads(data))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from('[]{},:"\\ \n\t0123456789.eE+-truefalsn\u00e9\U0001f600/bu')))
def test_python_agrees_on_any_text(text: str) -> None:
    data = text.encode()
    reason, _, anew = _core.json_check(data)
    reads, value = python_reads(data)
    if reason is None:
        assert reads
        assert repr(json.loads(anew)) == repr(value)
    elif reads:
        assert reason.removeprefix("parse.") in STRICTER
