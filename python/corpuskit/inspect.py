"""Records as coloured tokens: what is trained, what is not, where documents begin."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _core
from corpuskit.tokenise import Tokenised, Tokeniser, shards_of

if TYPE_CHECKING:
    from corpuskit._core import EffectivePlan
    from corpuskit._plan_face import AnyPlan
    from corpuskit.pipeline import PathLike

__all__ = ["Inspected", "inspect", "page", "terminal"]


Token = tuple[str, int, bool]
"""Text, number, and whether it is trained; the text of a token that is no whole character is empty or `�`."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A record and what becomes of it."""

    origin: str
    """Where it came from."""

    tokens: Sequence[Token]
    """The whole conversation, token by token; empty where it cannot be rendered."""

    documents: Sequence[Sequence[Token]]
    """Every document that it becomes: one, none, or several where the overflow policy cuts it."""

    reason: str | None
    """Why there is none."""

    detail: str
    """What was found."""


def inspect(
    folder: PathLike,
    tokenizer: PathLike,
    *,
    plan: AnyPlan | EffectivePlan = None,
    template: str | None = None,
    limit: int = 10,
    origins: Iterable[str] = (),
) -> tuple[list[Inspected], list[str]]:
    """Some records of a run folder as tokens.

    Args:
        folder: A finished run folder.
        tokenizer: The folder of a Hugging Face tokenizer.
        plan: Its sections `tokenise`, `condition` and `pack` decide.
        template: A chat template to be used in place of the tokenizer's own.
        limit: Records to show.
        origins: These records; the first ones if none is named.

    Returns:
        The records, and which template and tokenizer are used.

    Raises:
        InputError: The run folder or the tokenizer cannot be used.
    """
    shards = shards_of(Path(folder))
    wanted = set(origins)
    lines = list(_lines(shards, limit, wanted))
    samples = [record for _, record in lines if isinstance(record.get("messages"), list)]
    made = Tokeniser(tokenizer, plan=plan, template=template, samples=samples)
    return [_inspected(record, made.record(record)) for _, record in lines], made.notes


def _lines(shards: Sequence[tuple[str, str]], limit: int, wanted: set[str]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    shown = 0
    for _, path in shards:
        for line in _core.first_lines(path, 2**62 if wanted else limit - shown):
            record = json.loads(line)
            if not wanted or record.get("_origin") in wanted:
                yield line, record
                shown += 1


def _inspected(record: Mapping[str, Any], made: Tokenised) -> Inspected:
    whole = _tokens(made.shown) if made.shown is not None else []
    origin = record.get("_origin") or "record"
    return Inspected(origin, whole, [_tokens(each) for each in made.documents], made.reason, made.detail)


def _tokens(shown: Mapping[str, Any]) -> list[Token]:
    text = shown["text"].encode()
    trained = [False] * len(shown["ids"])
    for start, end in shown["supervised"]:
        trained[start:end] = [True] * (end - start)
    tokens, start = [], 0
    for number, end, flag in zip(shown["ids"], shown["ends"], trained, strict=True):
        tokens.append((text[start:end].decode("utf-8", "replace"), number, flag))
        start = end
    return tokens


def _parts(record: Inspected) -> list[tuple[str, Sequence[Token]]]:
    """What is shown of a record: its documents with a heading each, or all of it where it becomes none or one."""
    if len(record.documents) < 2 and not (record.documents and len(record.documents[0]) != len(record.tokens)):
        return [("", record.tokens)]
    count = len(record.documents)
    return [(f"document {at} of {count}: {_amount(tokens)}", tokens) for at, tokens in enumerate(record.documents, 1)]


def _amount(tokens: Sequence[Token]) -> str:
    return f"{len(tokens):,} tokens, {sum(flag for _, _, flag in tokens):,} trained"


def _verdict(record: Inspected) -> str:
    said = _amount(record.tokens)
    if record.reason:
        return f"{said}; not trained on: {record.reason}: {record.detail}"
    return said if len(record.documents) == 1 else f"{said}; {len(record.documents)} documents"


def terminal(records: Iterable[Inspected], colour: bool) -> str:
    """Records for a terminal: trained tokens on green, the others dim, borders of tokens by shade.

    Args:
        records: What `inspect` gave.
        colour: Without, trained stretches stand between `⟦` and `⟧`.
    """
    out = []
    for record in records:
        out.append(f"── {_visible(record.origin)} ── {_verdict(record)}")
        for heading, tokens in _parts(record):
            if heading:
                out.append(f"┄┄ {heading}")
            out.append(_coloured(tokens) if colour else _bracketed(tokens))
    return "\n".join(out)


def _coloured(tokens: Sequence[Token]) -> str:
    line = []
    for at, (text, _, trained) in enumerate(tokens):
        style = ("30;42" if at % 2 else "30;102") if trained else ("2" if at % 2 else "2;4")
        parts = _visible(text).replace("\n", "⏎\n").split("\n")
        line.append("\n".join(f"\x1b[{style}m{part}\x1b[0m" if part else "" for part in parts))
    return "".join(line)


def _bracketed(tokens: Sequence[Token]) -> str:
    line, before = [], False
    for text, _, trained in [*tokens, ("", 0, False)]:
        line.append("⟦" if trained and not before else "⟧" if before and not trained else "")
        line.append(_visible(text).replace("\n", "⏎\n"))
        before = trained
    return "".join(line)


def _visible(text: str) -> str:
    """Without what would command a terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else "�" for c in text)


STYLE = """
:root{color-scheme:light dark;font:15px/1.6 system-ui,sans-serif}body{max-width:70rem;margin:2rem auto;padding:0 1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.9 ui-monospace,monospace;border:1px solid #8886;border-radius:6px;padding:1rem}
h2{font-size:1rem;margin:2rem 0 .3rem}h3{font-size:.9rem;font-weight:400;margin:.8rem 0 .2rem}p{margin:.3rem 0}
span{border-radius:3px;padding:1px 0}.t{background:#3a5}.t:nth-child(even){background:#2a8a4acc}.m{opacity:.6;background:#8881}
.m:nth-child(even){background:#8883}.refused{color:#c33}
"""


def page(records: Iterable[Inspected], notes: Sequence[str], title: str) -> str:
    """Records as one HTML page without scripts; nothing in a record can become markup."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><h1>{html.escape(title)}</h1>",
        "<p><span class=t>trained</span> <span class=m>not trained</span>; shades change from token to token.</p>",
        *(f"<p>{html.escape(note)}</p>" for note in notes),
    ]
    for record in records:
        refused = " class=refused" if record.reason else ""
        parts.append(f"<h2>{html.escape(record.origin)}</h2><p{refused}>{html.escape(_verdict(record))}</p>")
        for heading, tokens in _parts(record):
            parts.append(f"<h3>{heading}</h3><pre>" if heading else "<pre>")
            for text, number, trained in tokens:
                shown = html.escape(_visible(text)).replace("\n", "⏎\n")
                parts.append(f"<span class={'t' if trained else 'm'} title={number}>{shown}</span>")
            parts.append("</pre>")
    return "".join(parts) + "</html>\n"
