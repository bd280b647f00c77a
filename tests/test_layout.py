"""The rules of the tree as code: who may import whom, how long a file may be, what may never be written."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from support import ROOT

CORE = ROOT / "rust" / "core" / "src"
STAGES = sorted(path.name for path in (CORE / "stage").iterdir() if path.is_dir())
FEED = ROOT / "rust" / "feed" / "src"
AFTERWARDS = {"mix": "mix", "curriculum": "mix", "condition": "build", "tokenise": "tokenise", "pack": "pack"}
"""Sections that say what becomes of a run folder, and the folder of rust/feed that does it."""
TOP = {
    "Cargo.toml", "Cargo.lock", "pyproject.toml", "rust", "python", "train", "benches", "tests",
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "docs",
    "clippy.toml", "rustfmt.toml",
}  # fmt: skip


def tracked() -> list[Path]:
    """The files of the repository (of the working tree where there is no git)."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so it is unknown which files belong to the repository")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def sources(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.rglob(f"*{suffix}") if "__pycache__" not in path.parts)


def code(path: Path) -> str:
    """A Rust file without its comments."""
    return re.sub(r"//.*", "", path.read_text("utf-8"))


def generated(path: Path) -> bool:
    head = path.read_text("utf-8")[:400].lower()
    return ("generated" in head and "by hand" in head) or path.name == "_core.pyi"


def test_nothing_else_stands_at_the_top() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix in {".rs", ".py"}
        and not generated(path)
        and path.name != "make_corpus.py"  # a table of documents
        if (lines := path.read_text("utf-8").count("\n")) > 400
    }
    assert not long


def test_stage_folders_are_the_plans_sections() -> None:
    schema = json.loads((ROOT / "python/corpuskit/plan.schema.json").read_text("utf-8"))
    assert sorted(set(schema["properties"]) - {"version", "profile"} - set(AFTERWARDS)) == STAGES
    assert all((FEED / folder).is_dir() for folder in AFTERWARDS.values())


def test_case_files_are_named_by_a_stage() -> None:
    assert {path.stem.split("_")[0] for path in (ROOT / "tests/cases").glob("*.md")} <= set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_other_stage_and_neither_plan_nor_run(stage: str) -> None:
    others = "|".join(name for name in STAGES if name != stage)
    forbidden = re.compile(rf"\b(?:crate::stage::|stage::\{{?|super::super::)(?:{others})\b|\bcrate::(?:plan|run)\b")
    wrong = {
        f"{path.relative_to(CORE)}: {match[0]}"
        for path in sources(CORE / "stage" / stage, ".rs")
        if "test" not in path.stem
        for match in forbidden.finditer(code(path).split("#[cfg(test)]")[0])
    }
    # Arrows of the flow that are types and not calls: parsing starts from what reading hands over, the manifest lists what
    # was read, and a family that can be read knows best how it is written.
    allowed = {("parse", "read"), ("write", "read"), ("write", "parse")}
    assert not {line for line in wrong if (stage, re.split(r"::\{?", line)[-1]) not in allowed}


@pytest.mark.parametrize("module", ["text", "json", "record.rs", "error.rs"])
def test_the_ground_imports_nothing_above_it(module: str) -> None:
    paths = sources(CORE / module, ".rs") if (CORE / module).is_dir() else [CORE / module]
    used = {match[1] for path in paths for match in re.finditer(r"\bcrate::(\w+)", code(path))}
    assert used <= {"text", "json", "record", "error", "Error", "Result"}


def test_only_the_edges_touch_the_file_system() -> None:
    # dedup has its log of kept records there; run, audit, drops, why, peek and convert read or write whole folders
    edges = {
        "stage/read",
        "stage/write",
        "stage/dedup",
        "run",
        "audit",
        "drops",
        "batches",
        "why",
        "peek",
        "convert",
        "digest",
        "plan",
        # they read an open Parquet file, which is not read from its beginning to its end
        "arrow/pages.rs",
        "arrow/parquet_file.rs",
        "rules",
    }
    touching = {
        path.relative_to(CORE).as_posix()
        for path in sources(CORE, ".rs")
        if "test" not in path.stem
        if re.search(r"\bstd::fs\b|\bFile::(open|create)\b", code(path).split("#[cfg(test)]")[0])
    }
    assert not {name for name in touching if not name.startswith(tuple(edges))}


def test_the_core_knows_no_python() -> None:
    assert "pyo3" not in (ROOT / "rust/core/Cargo.toml").read_text("utf-8")


def test_every_pyclass_is_frozen() -> None:
    classes = [
        match[0]
        for path in sources(ROOT / "rust/py/src", ".rs")
        for match in re.finditer(r"#\[pyclass[^\]]*\]", code(path))
    ]
    assert [text for text in classes if "frozen" not in text] == []


def test_heavy_packages_are_imported_inside_functions() -> None:
    heavy = re.compile(
        r"^(?:import|from)\s+(torch|transformers|datasets|peft|accelerate|ray|numpy|pyarrow)\b", re.MULTILINE
    )
    # made of tensors and arrays from end to end, and imported themselves inside functions only
    whole = {"loader/tensors.py", "loader/batches.py", "loader/arrays.py"}
    package = ROOT / "python" / "corpuskit"
    assert not [
        path
        for path in sources(package, ".py")
        if path.relative_to(package).as_posix() not in whole and heavy.search(path.read_text("utf-8"))
    ]


def test_errors_and_plan_import_the_standard_library_only() -> None:
    for name in ("errors.py", "plan.py"):
        text = (ROOT / "python/corpuskit" / name).read_text("utf-8")
        imported = set(re.findall(r"^(?:import|from)\s+([\w.]+)", text, re.MULTILINE))
        assert imported <= {
            "__future__",
            "dataclasses",
            "typing",
            "collections.abc",
            "enum",
            "pathlib",
            "json",
            "math",
        }, name


def test_benches_and_train_use_public_names_and_are_not_imported() -> None:
    for folder in ("benches", "train"):
        for path in sources(ROOT / folder, ".py"):
            assert "corpuskit._core" not in path.read_text("utf-8"), path
    for path in sources(ROOT / "python", ".py"):
        assert not re.search(r"^(?:import|from)\s+(?:benches|train|tests)\b", path.read_text("utf-8"), re.MULTILINE), (
            path
        )


FORBIDDEN = {
    "machine path": r"(?<![\w.])/(?:work|root|tmp/ck)\w*/",
    "unfinished": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
    "wrong package": r"pip install corpus" + r"kit(?!-sft)\b",
    "code from data": r"\bpick" + r"le\.load|\bmarshal\.load|\byaml\.load\(",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_never_written(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    data = (ROOT / "tests/data/sample", ROOT / "tests/data/licences", ROOT / "tests/cases")
    found = []
    for path in tracked():
        if path.name == "LICENSE" or any(folder in path.parents for folder in data) or path.suffix in {".lock", ".so"}:
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert not found
