"""`python -m corpuskit._gen [--check]`."""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import sys
from pathlib import Path

from corpuskit import _core
from corpuskit._gen.command_line import command_line_page
from corpuskit._gen.dataclasses_of_plan import plan_module
from corpuskit._gen.pages import plan_page, reasons_page
from corpuskit._gen.stub import core_stub

MENDING = "make gen"
"""The command that writes the mirrors again."""


def mirrors(root: Path) -> dict[Path, str]:
    """Every generated file of the checkout and what has to stand in it."""
    schema = json.loads(_core.plan_schema())
    package = root / "python" / "corpuskit"
    reference = root / "docs" / "reference"
    return {
        package / "plan.py": plan_module(schema),
        package / "plan.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        package / "_core.pyi": core_stub(root),
        reference / "plan.md": plan_page(schema),
        reference / "reasons.md": reasons_page(json.loads(_core.reasons())),
        reference / "command-line.md": command_line_page(),
    }


def stale(path: Path, text: str, root: Path) -> list[str]:
    """The first lines of the difference between a file and what has to stand in it."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == text:
        return []
    name = str(path.relative_to(root))
    lines = difflib.unified_diff(before.splitlines(), text.splitlines(), name, f"{name} (generated)", lineterm="")
    return list(itertools.islice(lines, 20))


def main() -> int:
    """Writes the mirrors; with `--check` says which are stale and how to mend them (exit code 1)."""
    parser = argparse.ArgumentParser(prog="python -m corpuskit._gen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a mirror is stale")
    check = parser.parse_args().check
    root = Path(__file__).resolve().parents[3]
    if not (root / "rust" / "core").is_dir():
        sys.stderr.write("error: not a checkout of corpuskit, so there is nothing to generate\n")
        return 2
    count = 0
    for path, text in mirrors(root).items():
        difference = stale(path, text, root)
        if not difference:
            continue
        count += 1
        if check:
            sys.stderr.write("\n".join(difference) + "\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stderr.write(f"wrote {path.relative_to(root)}\n")
    if check and count:
        sys.stderr.write(f"error: {count} generated file(s) are stale\n\nhint: run `{MENDING}`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
