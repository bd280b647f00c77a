"""S1 and S9: a fresh clone works, and the package is light."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support import ROOT

HEAVY = ("torch", "transformers", "datasets", "pyarrow", "numpy", "pandas", "ray")


def clone(folder: Path) -> dict[str, str]:
    """A clean clone, and an environment in which nothing of this checkout is used."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is nothing to clone")
    subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, folder], check=True, timeout=300)
    hidden = {"CARGO_TARGET_DIR", "VIRTUAL_ENV", "PYTHONPATH", "CORPUSKIT_DATA"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


@pytest.mark.slow
@pytest.mark.point("S1", "fresh clone")
def test_the_readmes_commands_and_ci_pass_in_a_fresh_clone(tmp_path: Path, figure: Callable[[str], None]) -> None:
    folder = tmp_path / "clone"
    env = clone(folder)
    start = time.monotonic()
    done = subprocess.run([".ci/run"], cwd=folder, env=env, capture_output=True, text=True, timeout=3000, check=False)
    minutes = (time.monotonic() - start) / 60
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    figure(f".ci/run took {minutes:.1f} min (at most 20) on {len(os.sched_getaffinity(0))} cores")
    passed = re.findall(r"^=*\s*(\d+ passed[^=\n]*?)(?: in [\d.]+s.*)?$", done.stdout, re.MULTILINE)
    figure("pytest: " + " / ".join(passed))
    assert re.search(r"^test result: ok\. \d+ passed", done.stdout, re.MULTILINE), "cargo's summary is printed"
    assert minutes <= 20


@pytest.mark.point("S9", "import")
def test_import_is_quick_and_light(figure: Callable[[str], None]) -> None:
    program = (
        "import time; start = time.perf_counter(); import corpuskit; took = time.perf_counter() - start;"
        f"import sys; print(took, *sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    times = []
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
        times.append(float(out[0]))
        assert out[1:] == [], f"imported with corpuskit: {out[1:]}"
    figure(f"import takes {min(times):.3f} s (at most 0.2)")
    assert min(times) <= 0.2


@pytest.mark.point("S9", "dependencies")
def test_the_base_install_needs_little(figure: Callable[[str], None]) -> None:
    needed = [line for line in importlib.metadata.requires("corpuskit-sft") or [] if "extra ==" not in line]
    figure(f"{len(needed)} run-time dependencies (at most 3)")
    assert len(needed) <= 3


@pytest.mark.slow
@pytest.mark.point("S9", "wheel")
def test_the_wheel_is_small(tmp_path: Path, figure: Callable[[str], None]) -> None:
    command: list[str | Path] = [
        Path(sys.executable).with_name("maturin"),
        "build",
        "--release",
        "--quiet",
        "--out",
        tmp_path,
    ]
    subprocess.run(command, cwd=ROOT, check=True, timeout=1200)
    [wheel] = tmp_path.glob("*.whl")
    figure(f"{wheel.stat().st_size / 1e6:.1f} MB (at most 15), {wheel.name}")
    assert "cp311-abi3" in wheel.name
    assert wheel.stat().st_size <= 15_000_000
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert {"corpuskit/py.typed", "corpuskit/_core.pyi", "corpuskit/plan.schema.json"} <= set(names)
