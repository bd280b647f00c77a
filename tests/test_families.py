"""Every schema family comes back as it was, whatever else a record holds; tables are no conversations."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit import _core
from corpuskit.errors import CorpuskitError
from family_samples import FAMILIES, assert_comes_back, spelled


@pytest.mark.parametrize("family", FAMILIES)
def test_records_come_back_as_they_were(family: str) -> None:
    @given(FAMILIES[family])
    def holds(value: object) -> None:
        assert_comes_back(spelled(value), family)

    holds()


def test_every_family_is_tried() -> None:
    """A family that this file forgets would never be tested: the reference page lists them all."""
    samples = {
        "corpuskit": None,  # records of a finished run: canonical lines themselves, tested with `convert`
    }
    known = set(_core.families())
    assert known == set(FAMILIES) | set(samples)


@given(st.dictionaries(st.sampled_from(["name", "value", "label", "score", "topic", "names", "url"]), st.text(max_size=5)))
def test_tables_and_lexicons_are_no_conversations(row: dict[str, str]) -> None:
    with pytest.raises(CorpuskitError, match=r"parse\.no_schema"):
        _core.convert_line(json.dumps(row).encode(), "messages")


def test_forms_and_lines_that_do_not_exist_are_named() -> None:
    with pytest.raises(CorpuskitError, match="`yaml` is no form, expected messages"):
        _core.convert_line(b"{}", "yaml")
    with pytest.raises(CorpuskitError, match=r"parse\.truncated"):
        _core.convert_line(b'{"text": "a', "messages")
