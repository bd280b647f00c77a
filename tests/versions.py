"""Runs the tests that touch foreign packages with the lowest and with the highest versions that pyproject.toml allows.

python tests/versions.py [lowest | highest]     (wants `uv`, a built core, and the package index; two environments, removed at the end)

Prints one line each: the versions, and how many tests passed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOUCHING = [
    "tests/test_again.py",
    "tests/test_batches.py",
    "tests/test_columns_in_out.py",
    "tests/test_docs.py",
    "tests/test_json.py",
    "tests/test_loader.py",
    "tests/test_loader_hugging.py",
    "tests/test_mix.py",
    "tests/test_pipeline.py",
    "tests/test_tag.py",
    "tests/test_tokens.py",
    "tests/acceptance/test_arrow.py",
    "tests/acceptance/test_new_user.py",
]
"""The tests that hand data to other packages, take it from them, or compare with them."""
EXTRAS = {
    "dev": None,
    "datasets": None,
    "train": {"tokenizers", "transformers", "pyyaml", "safetensors"},
    "bench": None,
}
"""What is installed: of `train` what needs no PyTorch."""
BROUGHT = ["jinja2>=3.1"]
"""What PyTorch would bring along: transformers renders templates with it."""
TOOLS = {"maturin", "mypy", "ruff"}
"""They build and judge the code; its tests do not import them."""
RESOLUTION = {"lowest": "lowest-direct", "highest": "highest"}


def requirements() -> list[str]:
    """The packages with their bounds, as pyproject.toml has them."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    found: dict[str, str] = {}
    for extra, only in EXTRAS.items():
        for requirement in extras[extra]:
            name = re.split(r"[<>=!~\[ ]", requirement, maxsplit=1)[0]
            if name not in TOOLS and (only is None or name in only):
                found.setdefault(name, requirement)
    return sorted([*found.values(), *BROUGHT])


def uv() -> str:
    """The program that can resolve to the lowest versions."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        sys.exit("`uv` is not installed (`pip install uv`): pip cannot take the lowest versions")
    return found


def run(which: str, folder: Path) -> bool:
    """One environment, its line, and whether all passed."""
    python = folder / which / "bin" / "python"
    subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, str(folder / which)], check=True)
    wanted = ["--resolution", RESOLUTION[which], *requirements()]
    subprocess.run([uv(), "pip", "install", "--quiet", "--python", str(python), *wanted], check=True)
    listed = subprocess.run(
        [uv(), "pip", "freeze", "--python", str(python)], check=True, capture_output=True, text=True
    ).stdout.split()
    names = {re.split(r"[<>=!~\[ ]", requirement, maxsplit=1)[0] for requirement in requirements()}
    versions = [line.replace("==", " ") for line in listed if line.partition("==")[0] in names]
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    tests = [test for test in TOUCHING if (ROOT / test).exists()]
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "python"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout[-6_000:], done.stderr[-2_000:], sep="\n")
    print(f"{which}: {done.stdout.strip().splitlines()[-1]} with {', '.join(versions)}", flush=True)
    return done.returncode == 0


def main() -> int:
    """Both, or the one that is named."""
    with tempfile.TemporaryDirectory() as name:
        passed = [run(which, Path(name)) for which in sys.argv[1:] or RESOLUTION]  # both, also where the first fails
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
