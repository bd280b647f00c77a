"""Docs are tests: every block of the README and of docs/ is run or compared, and every link leads somewhere.

`sh` blocks of the README: the first is run by CI itself; its output, in the `text` block below it, must be what the command
prints now (`--update` writes it). `python` blocks are run in an empty folder that has `raw/` (the sample data).
`sh` blocks of docs/ are run, line by line, there as well. A page with `<!-- needs: train -->` is run where PyTorch and its like are installed, with
the repository's `train/` in that folder and on PYTHONPATH. Where a block is followed by "It prints:" and a `text` block, that is
compared with what it prints: of `sh` blocks without times, of `python` blocks without the numbers (`--update` writes it).
"""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import corpuskit as corpuskit_package
from support import ROOT, SAMPLE, corpuskit
from train_launch import tiny_run

GUIDES = [
    pytest.param(page, marks=pytest.mark.early) if page.name == "training.md" else page
    for page in sorted((ROOT / "docs").glob("*.md"))
]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


SHOWN = re.compile(r"\n+[^\n]*[Ii]t prints:\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    return [match[2] for match in BLOCK.finditer(path.read_text("utf-8")) if match[1] == language]


def shown(path: Path, language: str) -> list[str | None]:
    """What each block is said to print."""
    text = path.read_text("utf-8")
    after = [SHOWN.match(text, match.end()) for match in BLOCK.finditer(text) if match[1] == language]
    return [match and match[1] for match in after]


def steady(text: str) -> str:
    """A report without what depends on the clock and the machine."""
    text = re.sub(r"\d+(\.\d+)? (s|ms|min)\b", "N s", text)
    return re.sub(r"\d[\d,.]*( ?[kMG]?B)?/s|\d[\d,.]* records/s", "N/s", text)


def without_numbers(text: str) -> str:
    """What is printed where the last digits are the processor's."""
    return re.sub(r"\d+(\.\d+)?", "N", text)


def compare(page: Path, said: str | None, printed: str, update: bool, plain: Callable[[str], str]) -> None:
    """Holds a page to what its block prints; with `--update` the page is changed."""
    if said is None or plain(said) == plain(printed):
        return
    assert update, f"{page.name} shows\n{said}\nand the command prints\n{printed}\nmend by `--update`"
    page.write_text(page.read_text("utf-8").replace(said, printed, 1), "utf-8")


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder as the docs presume it: `raw/` holds the sample data."""
    shutil.copytree(SAMPLE, tmp_path / "raw")
    (tmp_path / "train").symlink_to(ROOT / "train")
    return tmp_path


def trains(page: Path) -> bool:
    """Whether the page's blocks need PyTorch; skips where they do and something is missing."""
    needs = re.search(r"<!-- needs: ([\w, ]+) -->", page.read_text("utf-8"))
    if needs is None:
        return False
    for name in needs[1].replace("train", "torch, transformers, peft, accelerate").split(", "):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed (`pip install -e '.[dev,train]' trl`)")
    return True


def test_the_first_two_blocks_are_what_ci_runs() -> None:
    first, second = blocks(ROOT / "README.md", "sh")[:2]
    ci = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    for block in (first, second):
        assert block.count("\n") == 1, "one line each"
        assert block.strip() in ci


def test_the_readme_shows_what_the_first_command_prints(tmp_path: Path, update: bool) -> None:
    path = ROOT / "README.md"
    command = blocks(path, "sh")[0].split("&&")[-1].split()
    arguments = [str(tmp_path / "sample") if word == "out/sample" else word for word in command[1:]]
    result = corpuskit(*arguments, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    printed = (result.stdout + result.stderr).replace(str(tmp_path / "sample"), "out/sample")
    shown = blocks(path, "text")[0]
    if update and steady(shown) != steady(printed):
        path.write_text(path.read_text("utf-8").replace(shown, printed, 1), "utf-8")
        return
    assert steady(shown) == steady(printed), "mend by `.venv/bin/pytest tests/test_docs.py --update`"


TORCH_ONLY = {"corpuskit.loader.tensors", "corpuskit.loader.batches"}
"""Modules that begin with `import torch`; others import it inside functions."""


def modules() -> Iterator[ModuleType]:
    """The public modules, those that are made of torch only where it is."""
    for module in pkgutil.walk_packages(corpuskit_package.__path__, "corpuskit."):
        if module.name.startswith(("corpuskit._", "corpuskit.cli")):
            continue
        if module.name in TORCH_ONLY and importlib.util.find_spec("torch") is None:
            continue
        yield importlib.import_module(module.name)


EXAMPLES = [example for module in modules() for example in doctest.DocTestFinder().find(module) if example.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_of_docstrings_run(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word, package in (("to_hf_dataset", "datasets"), ("polars", "polars")):
        if word in example.name:
            pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    assert not doctest.DocTestRunner().run(example, out=report.append).failed, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_python_blocks_run(page: Path, workplace: Path, update: bool) -> None:
    strict, env = ["-W", "error"], dict(os.environ)
    if trains(page):  # its packages warn each other
        strict, env["PYTHONPATH"] = [], os.pathsep.join([str(ROOT / "train"), *filter(None, [env.get("PYTHONPATH")])])
    said = shown(page, "python")
    for number, block in enumerate(blocks(page, "python"), 1):
        result = subprocess.run(
            [sys.executable, *strict, "-c", block], cwd=workplace, capture_output=True, text=True, timeout=120, env=env
        )
        assert result.returncode == 0, f"{page.name}, python block {number}: {result.stderr}"
        compare(page, said[number - 1], result.stdout, update, without_numbers)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", GUIDES, ids=lambda path: path.name)
def test_sh_blocks_of_the_docs_run(page: Path, workplace: Path, update: bool) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    limit = 250 if trains(page) else 120
    said = shown(page, "sh")
    for number, block in enumerate(blocks(page, "sh"), 1):
        result = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", block],
            cwd=workplace,
            env={**os.environ, "PATH": path, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=limit,
        )
        assert result.returncode == 0, f"{page.name}, sh block {number}: {result.stdout}{result.stderr}"
        compare(page, said[number - 1], result.stdout, update, steady)
    if page.name == "training.md":
        tiny_run(workplace / "out/tiny-run")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", BLOCK.sub("", page.read_text("utf-8")))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_make_targets_named_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))) <= targets
