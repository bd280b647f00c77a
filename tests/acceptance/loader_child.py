"""Reads packs until it is killed: a line a pack into LOG, then the state into STATE, both on the disk before the next.

python loader_child.py SELECTION LENGTH STATE LOG
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from corpuskit.loader import NumpyPacks


def main() -> None:
    """Goes on from STATE where there is one."""
    selection, length, state, log = sys.argv[1:]
    packs = NumpyPacks(selection, plan={"pack": {"length": int(length)}}, epochs=2)
    path = Path(state)
    if path.exists():
        packs.load_state_dict(json.loads(path.read_text("utf-8")))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for pack in packs:
        line = json.dumps([pack["number"], pack["digest"], pack["doc_ref"].tolist(), int(pack["input_ids"].sum())])
        os.write(descriptor, line.encode() + b"\n")
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(packs.state_dict()), "utf-8")
        partial.replace(path)
    sys.stdout.write("end\n")


if __name__ == "__main__":
    main()
