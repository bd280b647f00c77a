"""Writes misread.tsv: sentences.txt read through the wrong encodings, by Python's own codecs.

Run from this folder: python3 make.py
"""

import pathlib
from collections.abc import Callable

HERE = pathlib.Path(__file__).parent


def browser_cp1252(data: bytes) -> str:
    """cp1252, the five undefined bytes as latin-1 reads them."""
    return "".join(bytes([byte]).decode("latin-1" if byte in b"\x81\x8d\x8f\x90\x9d" else "cp1252") for byte in data)


READERS: dict[str, Callable[[bytes], str]] = {
    "cp1252": browser_cp1252,
    "latin-1": lambda data: data.decode("latin-1"),
    "mac_roman": lambda data: data.decode("mac_roman"),
}
CHAINS = [
    *([name] for name in READERS),
    ["cp1252", "cp1252"],
    ["latin-1", "latin-1"],
    ["mac_roman", "mac_roman"],
    ["mac_roman", "cp1252"],
    ["cp1252", "mac_roman"],
    ["cp1252", "cp1252", "cp1252"],
]


def main() -> None:
    rows = []
    for line in (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines():
        language, text = line.split("\t")
        for chain in CHAINS:
            misread = text
            for name in chain:
                misread = READERS[name](misread.encode("utf-8"))
            # Escaped, because misread text holds line ends and control characters.
            escaped = misread.encode("unicode_escape").decode("ascii")
            rows.append("\t".join([language, "+".join(chain), text, escaped]))
    (HERE / "misread.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
