"""Every schema family comes back as it was, whatever else a record holds; tables are no conversations."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit import _core
from corpuskit.errors import CorpuskitError
from family_samples import FAMILIES, assert_comes_back, spelled
from support import ROOT


@pytest.mark.parametrize("family", FAMILIES)
def test_records_come_back_as_they_were(family: str) -> None:
    @given(FAMILIES[family])
    def holds(value: object) -> None:
        assert_comes_back(spelled(value), family)

    holds()


def test_every_family_is_tried_and_explained() -> None:
    known = set(_core.families())
    # records of a finished run are canonical lines already: test_convert has them; those of a plan's own schemas are
    # described by it: tests/cases/parse_schemas.md has them
    assert known == set(FAMILIES) | {"corpuskit", "mapped"}
    page = (ROOT / "docs" / "schemas.md").read_text("utf-8")
    assert known - {"corpuskit"} == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


@given(
    st.dictionaries(st.sampled_from(["name", "value", "label", "score", "topic", "names", "url"]), st.text(max_size=5))
)
def test_tables_and_lexicons_are_no_conversations(row: dict[str, str]) -> None:
    with pytest.raises(CorpuskitError, match=r"parse\.no_schema"):
        _core.convert_line(json.dumps(row).encode(), "messages")


def test_forms_and_lines_that_do_not_exist_are_named() -> None:
    with pytest.raises(CorpuskitError, match="unknown form `yaml`, expected"):
        _core.convert_line(b"{}", "yaml")
    with pytest.raises(CorpuskitError, match=r"parse\.truncated"):
        _core.convert_line(b'{"text": "a', "messages")
