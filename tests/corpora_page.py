"""Writes docs/corpora.md: what share of each public corpus arrives, as it is counted now.

python tests/corpora_page.py [--check]     (CORPUSKIT_DATA names the folder that holds raw/)
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from corpus_shares import FIELD_MAPS, Share, arrived, real, shaped
from support import ROOT, corpora

PAGE = ROOT / "docs" / "corpora.md"

MEANT = {
    "nq": "an answer of several spellings is said with ` \\| ` between them",
    "webquestions": "an answer of several spellings is said with ` \\| ` between them",
    "mathqa": "`answer: true` is said as yes; the facts stay a field",
    "mmlu": "the choices stand in the question, a line each after a letter; the answer is the letter",
    "mutual": "article and options are two user turns; the answer is the letter",
    "apibench": "the text is cut at `###Instruction:` and `###Output:`; where these are missing, `code` is the answer",
    "bfcl": "user turns and tools alone: the file has no answers",
    "taskbench": "a user turn alone: the file has no answers",
    "mdgo": "the rows of an id are a dialogue; who speaks is not said, so the turns alternate, the customer first",
    "casino": "two people bargain: the one who speaks first is the user, the other the assistant",
    "alpaca_zh": "the array ends with a comma too many, which is told and read over",
    "taskmaster": "calls of tools stay in the template; everyone who is not the user is the assistant",
    "text2sql": "the first wording of each query and its first SQL; the variables' names stay in both",
    "jeopardy": "the clue is called `answer` there, and what is asked for `question`: the map turns them round",
    "roc": "of two endings the right one; the other is `rejected`",
    "trainable": "of a turn in several pieces the first; the others stay in the template",
    "mxeval": "where there is no solution, the test is the answer",
    "moss": "conversations of up to twelve exchanges",
    "ed": "the rows of an id are a dialogue",
    "annomi": "the rows of an id are a dialogue; the client is the user",
    "sgd": "calls of services stay in the template",
    "codeio": "task and specification are two user turns",
    "pubmedqa": "question and contexts are two user turns",
}
"""What a reader of the corpus has to know."""

HEAD = """# Public corpora, and what share of them arrives

Readers that were written without corpuskit say how many records a corpus has and what each one's last answer is. Of these, `arrived` came out
of `corpuskit process` as conversations with the same last answer. Where every reader has to make something up (an answer that no file
spells out, or who of two people is the assistant), the record is counted and the last column says how it is meant.

This page is written by `make corpora`. What reads a corpus is a [shipped schema](schemas.md) or, in bold, a field map of the plan below.
"""

BETWEEN = """
## Corpora of which only the shape is known here

A few records of each stand in `tests/corpus_shapes.py`: invented texts in the corpus's own keys, nesting and file names.
"""

TAIL = """
## Field maps

```yaml
{plan}```

Copy what you need into a plan of your own and look at it with [`corpuskit peek FILE --plan PLAN`](own-schema.md).

## What is not read as conversations

- Markdown, HTML, XML and YAML, and files whose lines are parallel to those of another file: such a file is a text or set aside by name. Make records
  of them in Python and hand these to [`Pipeline().process`](first-run.md).
- ESConv as `*.tsv` of a model's inputs: the lines have no columns, and each dialogue stands there once for each of its turns. The JSON form of ESConv is read.
"""


def rows(table: dict[str, Share]) -> Iterator[str]:
    """The table, a line a corpus."""
    yield "| corpus | records | arrived | share | read as | how it is meant |"
    yield "|---|--:|--:|--:|---|---|"
    for name, share in sorted(table.items()):
        schemas = ", ".join(f"**{schema}**" if own(schema) else f"`{schema}`" for schema in share.schemas[:3])
        yield f"| {name} | {share.yielded:,} | {share.there:,} | {share.percent} % | {schemas} | {MEANT.get(name, '')} |"


def own(schema: str) -> bool:
    """Whether it is one of the page's field maps."""
    return f"name: {schema}\n" in FIELD_MAPS.read_text("utf-8").replace(" #", "\n")


def page(there: dict[str, Share], shapes: dict[str, Share]) -> str:
    """The page's text."""
    plan = FIELD_MAPS.read_text("utf-8")
    return "\n".join([HEAD, *rows(there), BETWEEN, *rows(shapes), TAIL.format(plan=plan)])


def count() -> tuple[dict[str, Share], dict[str, Share]]:
    """The shares of what is there, and of what has its shape alone."""
    raw = corpora() / "raw"
    if not raw.is_dir():
        sys.exit(f"{raw} is no folder; `make data` unpacks the corpora, CORPUSKIT_DATA names another place")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        return real(arrived(raw, Path(one)), raw), shaped(Path(two))


def main() -> int:
    """Writes the page, or with `--check` says whether it is current."""
    text = page(*count())
    if "--check" in sys.argv[1:]:
        current = PAGE.read_text("utf-8") == text
        print("docs/corpora.md is current" if current else "docs/corpora.md is stale; `make corpora` writes it")
        return 0 if current else 1
    PAGE.write_text(text, "utf-8")
    print(f"docs/corpora.md: {text.count(' % |')} corpora")
    return 0


if __name__ == "__main__":
    sys.exit(main())
