"""Known edits and known defects of real records, for `make_sample.py`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]


def turns(record: Record) -> tuple[str, str]:
    """Question and answer of a qa or alpaca record."""
    question = record.get("question") or "\n\n".join(
        part for part in (record["instruction"], record.get("input")) if part
    )
    return question, record.get("answer") or record["response"]


def typo(text: str) -> str:
    """Swaps two letters of every ninth long word."""
    words = text.split(" ")
    for index in range(8, len(words), 9):
        word = words[index]
        if len(word) > 5 and word.isalpha():
            words[index] = word[:2] + word[3] + word[2] + word[4:]
    return " ".join(words)


def edited_records(sources: list[Record]) -> Iterator[Record]:
    """Each eighth source record again, edited in one of nine ways; `_edit` names the way and `_of` the source's number.

    `numbers` and `answer` are hard negatives: they must not be taken for duplicates of their source.
    """
    for number in range(0, len(sources), 8):
        question, answer = turns(sources[number])
        way = ("same", "schema", "spaces", "markup", "cut", "opening", "typo", "numbers", "answer")[number // 8 % 9]
        edited: Record = {"question": question, "answer": answer}
        if way == "schema":
            edited = {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        elif way == "spaces":
            edited = {"question": question + "  ", "answer": answer.replace("\n", "\r\n")}
        elif way == "markup":
            edited = {"question": question, "answer": "<p>" + html.escape(answer).replace("\n", "</p><p>") + "</p>"}
        elif way == "cut":
            edited = {"question": question, "answer": answer[: len(answer) * 9 // 10]}
        elif way == "opening":
            edited = {"prompt": question, "completion": "Sure! " + answer}
        elif way == "typo":
            edited = {"question": typo(question), "answer": typo(answer)}
        elif way == "numbers":
            edited = {
                "question": re.sub(r"\d+", lambda match: str(int(match[0]) + 7), question),
                "answer": re.sub(r"\d+", lambda match: str(int(match[0]) + 7), answer),
            }
        elif way == "answer":
            edited = {"question": question, "answer": turns(sources[(number + 3) % len(sources)])[1]}
        yield {**edited, "_edit": way, "_of": number}


def broken_lines(sources: list[bytes]) -> bytes:
    """Real lines, each with one defect; byte order mark first, CRLF and empty lines among them."""
    of = iter(sources)

    def line() -> bytes:
        return next(of)

    quoted = b'"answer": "'
    broken = [
        line(),  # sound
        line()[:200],  # cut off in the middle
        line()[:-1],  # the last brace is missing
        line()[:-1] + b",}",  # a comma too many
        line()[:-1] + b', "score": NaN, "loss": -Infinity}',
        line()[:-1] + b', "answer": "The second of two equal keys."}',
        line().replace(quoted, quoted + rb"\ud83d half of a pair. "),
        line().replace(quoted, quoted + b"caf\xe9 na\xefve \x93quoted\x94 "),  # cp1252
        line().replace(quoted, quoted + b"half destroyed \xe2\x80 "),  # UTF-8 with a byte missing
        line().replace(quoted, quoted + "Itâ€™s fine. ".encode()),  # UTF-8 read as cp1252
        line().replace(quoted, quoted + "dÃ©jÃ  vu. ".encode()),  # UTF-8 read as latin-1
        line().replace(quoted, quoted + "‚Äúwell‚Äù, it said. ".encode()),  # UTF-8 read as MacRoman
        line().replace(quoted, quoted + b"bell\x07 and tab\t raw. "),  # raw control characters
        line().replace(quoted, quoted + rb"nul \u0000 and zero\u200bwidth. "),
        line()[:-1] + b', "nested": ' + b"[" * 2000 + b"]" * 2000 + b"}",  # too deep
        line()[:-1]
        + b', "big": 18446744073709551616, "float": 1.0, "power": 1e2, "minus": -0}',  # spellings to be kept
        line() + b" " + line(),  # two records on one line
        b"[1, 2, 3]",  # JSON, but no record
        b'"only a string"',
        b'{"unknown": "schema", "of": ["nobody"]}',
        b'{"question": "What is left when everything is taken away?", "answer": ""}',
        b'{"messages": []}',
        b'{"messages": [{"role": "user", "content": 7}]}',
        b'{"messages": [{"role": "wizard", "content": "Who am I?"}, {"role": "assistant", "content": "A role unknown."}]}',
        b"",
        b"   ",
        b"not JSON at all",
        line() + b"\r",
    ]
    return b"\xef\xbb\xbf" + b"\n".join(broken) + b"\n" + line()  # no line end after the last line
