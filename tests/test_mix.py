"""`corpuskit mix`: what is asked is reached, counted again by other code; what cannot be is refused before a byte is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import corpuskit
from corpuskit import CheckError, InputError, OutputError, Pipeline, PlanError
from labelled import AS_DECLARED, write_records
from mix_recount import read_table, recount
from support import RunFolder
from support import corpuskit as command


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of 3,000 records."""
    folder = tmp_path_factory.mktemp("mix")
    write_records(folder / "in.jsonl", 3_000)
    Pipeline(AS_DECLARED).process(folder / "in.jsonl", folder / "out")
    return folder / "out"


PLANS: dict[str, dict[str, Any]] = {
    "default": {},
    "examples": {"mix": {"unit": "examples", "split": {"validation": 0.0333}}},
    "one phase": {"curriculum": {"phases": []}, "mix": {"split": {"validation": 0.2}}},
    "no split": {"mix": {"split": {"validation": 0}, "seed": 9}},
    "much replay": {"mix": {"unit": "examples"}, "curriculum": {"replay": 0.6}},
    "capped": {"mix": {"unit": "examples", "max_epochs_per_record": 2}},
    "unlisted nowhere": {"curriculum": {"unlisted": None}},
    "unlisted first": {"curriculum": {"unlisted": "foundation"}},
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_a_recount_agrees(run: Path, tmp_path: Path, plan: dict[str, Any]) -> None:
    account = corpuskit.mix(run, tmp_path / "selection", plan=plan)
    counted = recount(run, tmp_path / "selection")
    assert account == corpuskit.read_selection(tmp_path / "selection")
    assert sum(records for records, _ in counted["phases"].values()) > 2_000
    if plan.get("mix", {}).get("unit") == "examples" and "capped" not in plan:
        assert all(asked >= got for asked, got in counted["replay"].values())


def test_same_plan_same_bytes_other_seed_other_order(run: Path, tmp_path: Path) -> None:
    first = corpuskit.mix(run, tmp_path / "a", threads=1)
    again = corpuskit.mix(run, tmp_path / "b", threads=4)
    assert first == again
    assert (tmp_path / "a/selection.parquet").read_bytes() == (tmp_path / "b/selection.parquet").read_bytes()
    other = corpuskit.mix(run, tmp_path / "c", plan={"mix": {"seed": 1}})
    assert other["selection"] != first["selection"]
    assert read_table(tmp_path / "a")[1] != read_table(tmp_path / "c")[1]


def test_order_is_shuffled_evenly(run: Path, tmp_path: Path) -> None:
    corpuskit.mix(run, tmp_path / "selection", plan={"curriculum": {"phases": []}})
    ((_, places),) = read_table(tmp_path / "selection")[0]
    rows = [row for _, row in places]
    assert rows != sorted(rows)
    half = len(rows) // 2
    assert abs(sum(rows[:half]) / half - sum(rows[half:]) / (len(rows) - half)) < 150  # of 3,000; the deviation is 32


def test_materialised_lines_are_the_kept_lines_in_order(run: Path, tmp_path: Path) -> None:
    corpuskit.mix(run, tmp_path / "selection", materialise=True)
    kept = list(RunFolder(run).lines())
    phases, held_out = read_table(tmp_path / "selection")
    expected = {f"{number:02}-{name}": places for number, (name, places) in enumerate(phases)} | {
        "validation": held_out
    }
    written = {path.stem: path.read_text("utf-8").splitlines() for path in (tmp_path / "selection/data").iterdir()}
    assert written == {name: [kept[row] for _, row in places] for name, places in expected.items()}


def test_what_cannot_be_met_is_refused_before_a_byte_is_written(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "selection"
    much = {"curriculum": {"replay": 0.9}, "mix": {"on_infeasible": "error"}}
    with pytest.raises(PlanError, match=r"curriculum\.replay.*units of replay"):
        corpuskit.mix(run, output, plan=much)
    for wrong in (
        {"mix": {"split": {"validation": 0.7}}},
        {"mix": {"max_epochs_per_record": 0}},
        {"curriculum": {"phases": [{"name": "a/b"}]}},
        {"curriculum": {"unlisted": "nowhere"}},
    ):
        with pytest.raises(PlanError):
            corpuskit.mix(run, output, plan=wrong)
    with pytest.raises(InputError, match="finished run"):
        corpuskit.mix(tmp_path, output)
    assert not output.exists()
    assert not list(tmp_path.glob("*.partial*"))


def test_records_without_categories_need_another_plan(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n', "utf-8")
    Pipeline(AS_DECLARED).process(tmp_path / "in.jsonl", tmp_path / "out")
    with pytest.raises(PlanError, match="no record has one") as raised:
        corpuskit.mix(tmp_path / "out", tmp_path / "selection")
    assert "curriculum.phases=[]" in str(raised.value.hint)
    account = corpuskit.mix(tmp_path / "out", tmp_path / "selection", plan={"curriculum": {"phases": []}})
    assert account["phases"][0]["records"] == 1
    assert account["notes"] == []


def test_an_empty_run_is_an_empty_selection(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("\n", "utf-8")
    Pipeline().process(tmp_path / "in.jsonl", tmp_path / "out")
    account = corpuskit.mix(tmp_path / "out", tmp_path / "selection", materialise=True)
    assert (account["records"], account["rows"]) == (0, 0)
    assert len(account["notes"]) == 5


def test_nothing_is_overwritten_unasked(run: Path, tmp_path: Path) -> None:
    corpuskit.mix(run, tmp_path / "selection")
    with pytest.raises(OutputError, match="already"):
        corpuskit.mix(run, tmp_path / "selection")
    corpuskit.mix(run, tmp_path / "selection", force=True, plan={"mix": {"seed": 5}})
    recount(run, tmp_path / "selection")
    (tmp_path / "mine").mkdir()
    with pytest.raises(OutputError, match="not a selection"):
        corpuskit.mix(run, tmp_path / "mine", force=True)


def test_a_changed_account_is_noticed(run: Path, tmp_path: Path) -> None:
    corpuskit.mix(run, tmp_path / "selection")
    path = tmp_path / "selection/selection.json"
    path.write_text(path.read_text("utf-8").replace('"records": 3000', '"records": 3001'), "utf-8")
    with pytest.raises(CheckError, match="digest"):
        corpuskit.read_selection(tmp_path / "selection")


def test_the_command_says_what_was_asked_and_achieved(run: Path, tmp_path: Path) -> None:
    done = command("mix", run, "-o", tmp_path / "selection", "--set", "mix.unit=examples")
    assert done.returncode == 0, done.stderr
    account = corpuskit.read_selection(tmp_path / "selection")
    for phase in account["phases"]:
        assert phase["name"] in done.stdout
        assert f"{phase['records']:,}" in done.stdout
    assert account["selection"][:16] in done.stdout
    as_json = command("mix", run, "-o", tmp_path / "again", "--set", "mix.unit=examples", "--json")
    assert json.loads(as_json.stdout)["selection"] == account["selection"]
    refused = command("mix", run, "-o", tmp_path / "selection")
    assert refused.returncode == 2
    assert "--force" in refused.stderr


def test_a_moved_run_is_the_same_run(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "moved")
    assert (
        corpuskit.mix(run, tmp_path / "a")["selection"]
        == corpuskit.mix(tmp_path / "moved", tmp_path / "b")["selection"]
    )
