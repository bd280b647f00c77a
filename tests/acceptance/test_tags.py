"""S3 of the tagging issue (cues, categories, language) and S6 (what labels cost)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import data
from category_readers import TEST, line, sample, tldr
from compare_loop import compare
from corpuskit import bench_rules, explain_rules
from measure import memory_folder
from support import ROOT, RunFolder, corpuskit

Figure = Callable[[str], None]
RECORDS = 200_000

SEED_TABLE = {
    "I'm feeling overwhelmed with everything": "emotional",
    "Debug this code: print(1": "technical",
    "Write a story about a lonely star": "creative",
    "Explain the ethics of eating animals": "ethical",
    "Use the search API to find flights to Oslo": "tool",
}
"""The seed's table of cues, each completed to a prompt."""

HARD = {
    "Write a story about a lonely star": "emotional",
    "The lonely star shone over the hills": "emotional",
    "Define the word overwhelmed": "emotional",
    "My character feels worthless; write her a song": "emotional",
    "What does it mean when a server is overwhelmed?": "emotional",
    "What is the plot of the film Debug?": "technical",
    "Tell me the story of the French Revolution in dates": "creative",
}
"""Prompts that only look as if they held a cue."""


def process(lines: list[str], folder: Path, plan: str) -> RunFolder:
    """Labels the lines; nothing is dropped."""
    (folder / "in.jsonl").write_text("".join(lines), "utf-8")
    (folder / "plan.yaml").write_text(
        plan + "filter: {empty: false, length: {min_chars: 0}}\ndedup: {exact: false, near: false}\n"
    )
    done = corpuskit("process", "in.jsonl", "-o", "out", "--plan", "plan.yaml", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    return RunFolder(folder / "out")


@pytest.fixture(scope="module")
def corpus() -> Iterator[Path]:
    """Real records on a memory file system."""
    with memory_folder() as folder:
        path = folder / "corpus.jsonl"
        data.write_corpus(path, RECORDS)
        yield path


def f1(right: int, wrong: int, missed: int) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * right / (2 * right + wrong + missed) if right else 0.0


@pytest.mark.point("4-S3", "cues")
def test_cues(figure: Figure) -> None:
    def cues(text: str) -> set[str]:
        return {label["tag"] for label in explain_rules(text, ["cue"])}

    found = sum(cue in cues(text) for text, cue in SEED_TABLE.items())
    kept_out = sum(cue not in cues(text) for text, cue in HARD.items())
    figure(f"{found} of {len(SEED_TABLE)} of the seed's table, {kept_out} of {len(HARD)} hard negatives (all)")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    prompts = [json.loads(row) for row in (ROOT / "tests/data/tag/cues.jsonl").read_text("utf-8").splitlines()]
    for row in prompts:
        said, meant = cues(row["text"]), set(row["cues"])
        for cue in said | meant:
            counts[cue]["right" if cue in said & meant else "wrong" if cue in said else "missed"] += 1
    each = {cue: f1(count["right"], count["wrong"], count["missed"]) for cue, count in sorted(counts.items())}
    listed = ", ".join(f"{cue} {score:.2f}" for cue, score in each.items())
    figure(f"F1 on {len(prompts)} labelled prompts: {listed} (at least 0.90)")
    assert (found, kept_out) == (len(SEED_TABLE), len(HARD))
    assert len(prompts) >= 300
    assert min(each.values()) >= 0.9


@pytest.mark.point("4-S3", "categories")
def test_categories(corpora: Path, tmp_path: Path, figure: Figure) -> None:
    lines = [
        line(turns, repository=name, expected=category)
        for name, (category, reader) in TEST.items()
        for turns in sample(corpora / "raw", reader)
    ]
    run = process(lines, tmp_path, "tag: {packs: [category], language: false}\n")
    confusion: dict[str, Counter[str]] = {name: Counter() for name in TEST}
    for record, row in zip(run.records(), run.columns(), strict=True):
        assert record["_origin"] == row["origin"]
        confusion[record["repository"]][row["category"] or "none"] += 1
    scores = {}
    for name, (category, _) in TEST.items():
        right = confusion[name][category]
        wrong = sum(confusion[other][category] for other in TEST if other != name)
        scores[category] = f1(right, wrong, confusion[name].total() - right)
    mean = sum(scores.values()) / len(scores)
    figure(
        f"macro-F1 {mean:.3f} (at least 0.75): " + ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
    )
    for name, counts in confusion.items():
        shown = ", ".join(f"{category} {count}" for category, count in counts.most_common())
        figure(f"{name} ({TEST[name][0]}): {shown}")
    assert all(counts.total() > 100 for counts in confusion.values())
    assert mean >= 0.75


@pytest.mark.point("4-S3", "language")
def test_language(corpora: Path, tmp_path: Path, figure: Figure) -> None:
    texts = list(tldr(corpora / "raw"))
    there = sorted({language for language, _ in texts})
    if not there:
        pytest.skip("raw/ holds no tldr pages")
    halves = {"pages": texts, "short": [(language, row) for language, page in texts for row in page.split("\n")]}
    right: dict[str, dict[str, Counter[str]]] = {}
    for kind, sample_of in halves.items():
        short = [(language, text) for language, text in sample_of if kind == "pages" or 3 <= len(text.split()) < 20]
        short = short[:: max(1, len(short) // 20_000)]
        lines = [line([("text", text)], expected=language) for language, text in short]
        folder = tmp_path / kind
        folder.mkdir()
        run = process(lines, folder, "tag: {packs: [], language: true}\n")
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for record, row in zip(run.records(), run.columns(), strict=True):
            told = row["language"]
            counts[record["expected"]][
                "null" if told is None else "right" if told == record["expected"] else "wrong"
            ] += 1
        right[kind] = counts
    for kind, least in (("pages", 0.97), ("short", 0.92)):
        counts = right[kind]
        share = sum(count["right"] for count in counts.values()) / sum(count.total() for count in counts.values())
        listed = ", ".join(
            f"{language} {count['right'] / count.total():.3f}" for language, count in sorted(counts.items())
        )
        null = sum(count["null"] for count in counts.values())
        figure(f"{kind}: {share:.3f} (at least {least}), null for {null}; {listed}")
        assert share >= least
    figure(f"only {len(there)} of tldr's ten languages are in raw/: {', '.join(there)}")


@pytest.mark.slow
@pytest.mark.point("4-S6", "packs")
def test_packs_cost_no_more_than_signing(corpus: Path, figure: Figure) -> None:
    best = min((bench_rules([corpus]) for _ in range(3)), key=lambda cost: cost["ratio"])
    figure(
        f"all shipped packs {best['together']:,.0f} ns a record of {best['characters']:,.0f} characters, "
        f"{best['ratio']:.2f} of shingling and MinHash (at most 1.0)"
    )
    assert best["ratio"] <= 1.0


PATHOLOGICAL = """name = "slow"
column = "slow"
[[rule]]
tag = "a"
name = "nested"
regex = ['(a+)+$', '(a|aa)*b', '(?:a?){200}a{200}', '\\\\w+\\\\s*\\\\w+\\\\s*\\\\w+\\\\s*!']
most = 100
[[rule]]
tag = "b"
name = "everything"
any = ["aaa*", "the", "of", "and", "to", "in", "is"]
with = ["zzz"]
most = 100
"""


@pytest.mark.point("4-S6", "hang")
def test_a_pathological_pack_cannot_hang(tmp_path: Path, figure: Figure) -> None:
    (tmp_path / "slow.toml").write_text(PATHOLOGICAL)
    sizes, seconds = [1 << 20, 1 << 22], []
    for size in sizes:
        folder = tmp_path / str(size)
        folder.mkdir()
        said = ("a" * 1000 + " the of and to in is " * 50) * (size // 2050)
        run = process([line([("text", said)])], folder, f"tag: {{packs: ['{tmp_path}/slow.toml'], language: false}}\n")
        seconds.append(json.loads((run.path / "timings.json").read_text())["seconds"])
    figure(
        f"nested repeats on one text of 1 MiB: {seconds[0]:.2f} s, of 4 MiB: {seconds[1]:.2f} s (linear: at most 8 times)"
    )
    assert seconds[1] < 30
    assert seconds[1] <= 8 * max(seconds[0], 0.05)


@pytest.mark.slow
@pytest.mark.point("4-S6", "whole")
def test_whole_process_with_all_packs(corpus: Path, figure: Figure) -> None:
    comparison = compare(corpus, "whole", rounds=3)
    figure(comparison.line("all packs, language, exact and near duplicates") + ", at most 3.0")
    assert comparison.ratio <= 3.0
