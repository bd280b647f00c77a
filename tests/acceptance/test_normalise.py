"""S4: misread UTF-8 is restored exactly, and nothing else is touched. The oracle is Python's codecs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support import RunFolder, corpora, corpuskit

ONLY_MOJIBAKE = """\
parse: {consecutive: keep}
normalise: {nfc: false, mojibake: true, control: false, zero_width: false, line_ends: false, trailing_space: false,
            empty_turns: false}
filter: {empty: false, length: {min_chars: 0}}
dedup: {exact: false, near: false}
"""
NOTHING = ONLY_MOJIBAKE.replace("mojibake: true", "mojibake: false")
SOURCES = {
    "smile": "qiuhuachuan__smile",
    "EmoLLM": "SmartFlowAI__EmoLLM",
    "tldr": "tldr-pages__tldr",
    "GSM8K": "openai__grade-school-math",
}
Figure = Callable[[str], None]


def process(plan: str, folder: Path, name: str, *inputs: Path) -> RunFolder:
    """Runs `corpuskit process` with a plan."""
    (folder / f"{name}.yaml").write_text("version: 1\n" + plan, "utf-8")
    out = folder / name
    done = corpuskit("process", *inputs, "-o", out, "--plan", folder / f"{name}.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    return RunFolder(out)


def texts(folder: RunFolder) -> dict[str, list[str]]:
    """Each record's texts, by origin."""
    return {record["_origin"]: list(strings(record["messages"])) for record in folder.records()}


def strings(value: object) -> list[str]:
    """All strings of a JSON value, in order."""
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in children for text in strings(child)]


def misread(text: str) -> set[str]:
    """What a text looks like that was read through each of the encodings, once or twice."""
    browser = {byte: bytes([byte]).decode("latin-1") for byte in b"\x81\x8d\x8f\x90\x9d"}
    cp1252 = {byte: browser.get(byte) or bytes([byte]).decode("cp1252") for byte in range(256)}

    def read(text: str, name: str) -> str:
        data = text.encode("utf-8")
        return "".join(cp1252[byte] for byte in data) if name == "cp1252" else data.decode(name)

    names = ("cp1252", "latin-1", "mac_roman")
    once = {read(text, name) for name in names}
    return once | {read(known, name) for known in once for name in names}


def is_true(before: str, after: str) -> bool:
    """Whether every stretch that differs is a misreading of what stands there now, by Python's codecs."""
    import difflib

    old, new = before.split("\n"), after.split("\n")
    if len(old) != len(new):
        return False
    for one, other in zip(old, new, strict=True):
        for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
            if kind == "equal":
                continue
            # the matcher may split inside a stretch that shares a character with its misreading
            around = [(one[a - i : b + j], other[c - i : d + j]) for i in range(4) for j in range(4) if min(a, c) >= i]
            if not any(given in misread(repaired) for given, repaired in around if repaired):
                return False
    return True


@pytest.fixture
def seeds() -> Path:
    """The folder of the three seed documents."""
    folder = Path(os.environ.get("CORPUSKIT_SEEDS") or corpora() / "seeds")
    if not folder.is_dir():
        pytest.skip("the seed documents are not here (set CORPUSKIT_SEEDS)")
    return folder


@pytest.mark.point("S4", "seeds")
def test_the_seeds_come_back_as_python_restores_them(seeds: Path, tmp_path: Path, figure: Figure) -> None:
    for number, misread_whole in (("002", True), ("003", True), ("004", False)):
        (path,) = seeds.glob(f"{number}_*.txt")
        given = path.read_bytes()
        wanted = given.decode("utf-8").encode("mac_roman") if misread_whole else given
        if misread_whole:
            assert wanted != given
        (found,) = texts(process(ONLY_MOJIBAKE, tmp_path, number, path)).values()
        assert found[-1].encode("utf-8") == wanted
        figure(f"{number} {'restored' if misread_whole else 'unchanged'}, {len(wanted)} bytes")


@pytest.mark.point("S4", "clean corpora")
@pytest.mark.parametrize("name", SOURCES)
def test_every_repair_in_clean_corpora_is_true(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, figure: Figure
) -> None:
    folder = request.getfixturevalue("corpora") / "raw" / SOURCES[name]
    # the same records, with one misread letter planted: the check must see it
    planted = tmp_path / "planted.jsonl"
    turns = [{"role": "user", "content": "Où?"}, {"role": "assistant", "content": "Au cafÃ© d’à côté…"}]
    planted.write_text(json.dumps({"messages": turns}) + "\n", "utf-8")

    before = texts(process(NOTHING, tmp_path, "before", folder, planted))
    repaired = process(ONLY_MOJIBAKE, tmp_path, "after", folder, planted)
    after = texts(repaired)
    assert before.keys() == after.keys()
    changed = {origin for origin in before if before[origin] != after[origin]}
    listed = {row["origin"] for row in repaired.columns() if "normalise.mojibake" in str(row["changes"])}
    assert changed == listed
    origin = f"{planted}:1"
    assert changed >= {origin}
    assert after[origin][-1] == "Au café d’à côté…"
    for origin in changed:
        for old, new in zip(before[origin], after[origin], strict=True):
            assert is_true(old, new), (origin, old, new)
    figure(f"{name}: {len(changed) - 1} of {len(before) - 1} records repaired, all true")


@pytest.mark.point("S4", "torture table")
def test_the_check_itself_tells_true_from_false() -> None:
    assert is_true("caf√© â€™", "café ’")
    assert not is_true("cafe", "café")
    assert not is_true("it’s", "it's")
