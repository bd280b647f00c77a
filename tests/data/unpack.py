"""Unpacks the real corpora (`raw/`, `split/`, `tokenizers/`) that the deep tests and benchmarks read.

    python tests/data/unpack.py [ARCHIVE] [FOLDER]

ARCHIVE defaults to `../shared/data/corpora.tar.zst` beside the repository, FOLDER to `$CORPUSKIT_DATA` or `data/`.
"""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import zstandard

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Unpacks, unless the folder is already there."""
    archive = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "corpora.tar.zst"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(os.environ.get("CORPUSKIT_DATA") or ROOT / "data")
    if (folder / "raw").is_dir():
        print(f"{folder}: already unpacked")
        return 0
    if not archive.is_file():
        print(f"error: {archive}: not found\n\nhint: name the archive: python {sys.argv[0]} ARCHIVE", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("rb") as compressed,
        zstandard.ZstdDecompressor().stream_reader(compressed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        tar.extractall(folder, filter="data")  # the filter refuses paths that leave the folder
    print(f"{folder}: unpacked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
