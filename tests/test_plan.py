"""The plan from Python: dataclasses, layers, messages, and that the generated mirrors are up to date."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit import Pipeline, Plan, PlanError, _core
from corpuskit.plan import FilterSettings, LengthSettings, ParseSettings
from support import ROOT

SCHEMA: dict[str, Any] = json.loads(_core.plan_schema())
PROFILES = ["emergent", "persona", "companion"]


def test_generated_files_are_up_to_date() -> None:
    if not (ROOT / "rust" / "core").is_dir():
        pytest.skip("not a checkout, so there is nothing to generate from")
    done = subprocess.run(
        [sys.executable, "-m", "corpuskit._gen", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_mirror_is_named_with_the_command_that_mends_it(tmp_path: Path) -> None:
    from corpuskit._gen.__main__ import stale

    path = tmp_path / "plan.py"
    path.write_text("old\n", "utf-8")
    assert stale(path, "new\n", tmp_path) == ["--- plan.py", "+++ plan.py (generated)", "@@ -1 +1 @@", "-old", "+new"]
    assert stale(path, "old\n", tmp_path) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_comes_back_through_the_dataclasses(profile: Any) -> None:
    plan = Plan.of(profile)
    assert plan.deviations() == []
    assert plan.digest() == Plan(profile=profile).digest()
    assert Plan.from_yaml(plan.to_yaml()) == plan
    assert Plan.from_yaml(_core.plan_template(profile)) == plan


def test_a_section_that_is_given_is_taken_whole() -> None:
    plan = Plan(profile="companion", filter=FilterSettings(length=LengthSettings(min_chars=3)))
    assert plan.deviations() == [("filter.length.min_chars", 20, 3)]
    again = dataclasses.replace(Plan.of("companion"), parse=ParseSettings(max_depth=9))
    assert again.deviations() == [("parse.max_depth", 256, 9)]


def test_profiles_set_what_the_seeds_say() -> None:
    companion, persona = Plan.of("companion"), Plan.of("persona")
    assert companion.filter is not None
    assert companion.filter.length.min_chars == 20
    assert companion.write is not None
    assert companion.write.form == "openai"
    assert persona.write is not None
    assert persona.write.labels == "inline"


def test_every_way_to_name_a_plan_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("filter: {length: {min_chars: 7}}\n", "utf-8")
    plans: list[Any] = [
        path,
        str(path),
        {"filter": {"length": {"min_chars": 7}}},
        Plan(filter=FilterSettings(length=LengthSettings(min_chars=7))),
        Plan.load(path),
    ]
    assert len({Pipeline(plan).plan.digest() for plan in plans}) == 1


def test_an_error_has_fields(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("filter:\n  length:\n    min_char: 3\n", "utf-8")
    with pytest.raises(PlanError) as caught:
        Plan.load(path)
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.at == f"{path}:3:5"
    assert error.problem.startswith("unknown key `min_char` in `filter.length`, expected `min_chars`, ")
    assert error.hint == "did you mean `min_chars`?"
    assert str(error) == f"{error.at}: {error.problem}"


def test_a_bound_that_contradicts_another_is_found_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("filter:\n  length:\n    max_chars: 3\n    min_chars: 5\n", "utf-8")
    with pytest.raises(PlanError) as caught:
        Plan.load(path)
    assert caught.value.at == f"{path}:4:5"
    assert caught.value.problem.startswith("`filter.length.min_chars` must be at most `max_chars` (3), got 5")


def test_a_plan_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"# caf\xe9\n")
    with pytest.raises(PlanError, match="not UTF-8 at byte 5"):
        Plan.load(path)


@pytest.mark.parametrize("section", ["score", "adapters", "train", "review", "eval"])
def test_sections_of_later_versions_are_named(section: str) -> None:
    assert section not in SCHEMA["properties"]
    with pytest.raises(PlanError, match=f"section `{section}` is unknown to this version"):
        Plan.from_yaml(f"{section}: {{}}\n")


def leaves(node: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """The settings of the schema that are no sections."""
    if "$ref" in node:
        node = SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")] | {"default": node.get("default")}
    if node.get("type") == "object" and "properties" in node:
        return [
            leaf for key, below in node["properties"].items() for leaf in leaves(below, f"{path}.{key}".lstrip("."))
        ]
    return [(path, node)]


@pytest.mark.parametrize("path", [path for path, _ in leaves(SCHEMA)])
def test_every_setting_can_be_set_and_is_checked(path: str) -> None:
    plan = json.loads(_core.EffectivePlan().to_json())
    value = plan
    for key in path.split("."):
        value = value[key]
    same = _core.EffectivePlan(settings=[f"{path}={json.dumps(value)}"])
    assert same.digest() == _core.EffectivePlan().digest()
    head = path.rsplit(".", 1)[0] + "." if "." in path else ""
    with pytest.raises(PlanError):
        _core.EffectivePlan(settings=[f"{head}no_such_key=1"])


@given(st.text(max_size=200))
def test_any_text_is_a_plan_or_a_plan_error(text: str) -> None:
    with contextlib.suppress(PlanError):
        _core.EffectivePlan(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["filter", "length", "min_chars", "near", "x"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_plan_or_a_plan_error(value: Any) -> None:
    with contextlib.suppress(PlanError):
        _core.EffectivePlan(json.dumps(value))
