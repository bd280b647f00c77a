"""S9: importing corpuskit is quick, light and needs nothing."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys

import corpuskit
from corpuskit import _core

HEAVY = {"torch", "transformers", "datasets", "pyarrow", "numpy", "pandas", "argparse"}


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_import_loads_nothing_heavy() -> None:
    loaded = json.loads(python("import corpuskit, json, sys; print(json.dumps(sorted(sys.modules)))"))
    assert not HEAVY & set(loaded)


def test_import_takes_at_most_a_fifth_of_a_second() -> None:
    code = "import time; start = time.process_time(); import corpuskit; print(time.process_time() - start)"
    # CPU time, the best of five: the machine may be busy with something else.
    assert min(float(python(code)) for _ in range(5)) <= 0.2


def test_nothing_but_the_wheel_is_needed() -> None:
    needed = [line for line in importlib.metadata.requires("corpuskit-sft") or [] if "extra ==" not in line]
    assert needed == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert corpuskit.__version__ == importlib.metadata.version("corpuskit-sft")


def test_every_public_name_is_there_and_documented() -> None:
    for name in corpuskit.__all__:
        item = getattr(corpuskit, name)
        assert isinstance(item, str) or item.__doc__, name


def test_a_debug_build_says_so() -> None:
    code = (
        "import sys, types, warnings\n"
        "import corpuskit._core as core\n"
        "for name in [name for name in sys.modules if name.startswith('corpuskit') and name != 'corpuskit._core']:\n"
        "    del sys.modules[name]\n"
        "debug = types.ModuleType('corpuskit._core')\n"
        "debug.__dict__.update(core.__dict__, DEBUG_BUILD=True)\n"
        "sys.modules['corpuskit._core'] = debug\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import corpuskit\n"
        "print([str(warning.message) for warning in caught])\n"
    )
    assert "built without --release" in python(code)


def test_the_compiled_core_is_a_release_build_here() -> None:
    assert _core.DEBUG_BUILD is False


def test_the_command_says_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "corpuskit", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"corpuskit {corpuskit.__version__}\n"
