"""Chat templates: which of the known families a tokenizer's template belongs to, and what renders the others.

A family is taken only if it gives what `apply_chat_template` gives, on conversations made to tell templates apart and on
records of the corpus. Everything else is rendered by transformers, which is slower and said so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _core
from corpuskit.errors import InputError

if TYPE_CHECKING:
    from corpuskit.pipeline import PathLike

__all__ = ["MaskError", "PythonTemplate", "Template", "find_template", "load_tokenizer"]

Messages = list[dict[str, Any]]
Spans = list[tuple[int, int]]

FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "tokenizer.model", "vocab.json", "merges.txt",
)  # fmt: skip
"""The files that decide what a tokenizer does."""

DATE = "26 Jul 2024"
"""What templates that name the day are told: the same record gives the same tokens on any day."""


class MaskError(ValueError):
    """It cannot be told which part of a rendered text a turn is."""

    reason = "tokenise.mask"


def _turns(*turns: str, **last: Any) -> Messages:
    """`"user: hi"` as messages; keywords go to the last."""
    messages: Messages = [dict(zip(("role", "content"), turn.split(": ", 1), strict=True)) for turn in turns]
    messages[-1] |= last
    return messages


_CALL = {"type": "function", "function": {"name": "look", "arguments": {"q": "ü", "n": [1, 2.50, None, True]}}}
_TEXT_CALL = {"type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
_TOOL = {"type": "function", "function": {"name": "look", "description": "Lóoks", "parameters": {"type": "object"}}}

BASIC: list[Messages] = [
    _turns("user: Hi", "assistant: Hello!"),
    _turns("system: Be kind.", "user: Hi", "assistant: Hello!"),
    _turns("user: a", "assistant: b", "user: c", "assistant: d"),
    _turns("system: s", "user: a", "assistant: b", "user: c", "assistant: d", "user: e", "assistant: f"),
]
"""Every family must say these as the template does (or the template must refuse them)."""

ODD: list[Messages] = [
    _turns("user:  lead and trail \n", "assistant: \n\n two \n lines  \n"),
    _turns("system:  s \n", "user:  u ", "assistant:  a "),
    _turns("system: ", "user: a", "assistant: b"),
    _turns("user: ", "assistant: "),
    _turns("system: s", "user: ", "assistant: x"),
    _turns("user: a", "user: b", "assistant: c"),
    _turns("assistant: a", "user: b", "assistant: c"),
    _turns("user: a", "assistant: b", "assistant: c"),
    _turns("user: a", "system: late", "assistant: b"),
    _turns("user: a", "assistant: b", "user: c"),
    _turns("developer: d", "user: a", "assistant: b"),
    _turns("user: a", "assistant: <think>\nwhy\n</think>\n\nb", "user: c", "assistant: <think>\nso\n</think>\n\nd"),
    _turns("user: a", "assistant: b", reasoning_content="why\n"),
    _turns("user: a", "assistant: b</think>\nc"),
    _turns("user: \x1c a\u2003\x85", "assistant: \u00a0b\u3000\x1f"),
]
"""What a family renders of these it must render as the template does."""

TOOLS: list[tuple[Messages, list[Any] | None]] = [
    (_turns("user: a", "assistant: b"), [_TOOL]),
    (_turns("system: s", "user: a", "assistant: b"), [_TOOL, _TOOL]),
    ([*_turns("user: a"), {"role": "assistant", "content": "", "tool_calls": [_CALL]}], [_TOOL]),
    ([*_turns("user: a"), {"role": "assistant", "content": "ok", "tool_calls": [_CALL, _TEXT_CALL]}], [_TOOL]),
    ([*_turns("user: a"), {"role": "assistant", "content": None, "tool_calls": [_CALL]}], None),
    (
        [
            *_turns("user: a"),
            {"role": "assistant", "content": "", "tool_calls": [_CALL]},
            *_turns("tool: r1", "tool: r2", "assistant: done", "user: b", "tool: r3", "assistant: e"),
        ],
        [_TOOL],
    ),
]
"""The same for records with tools; where a family fails these, Python renders such records."""


def load_tokenizer(folder: PathLike, template: str | None = None) -> Any:
    """The tokenizer of a folder as transformers loads it, from files only.

    Raises:
        InputError: transformers is missing, or the folder holds no tokenizer.
    """
    path = os.fspath(folder)
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise InputError(path, "rendering needs transformers", "install the extra: `corpuskit-sft[train]`") from error
    if not (Path(path) / "tokenizer.json").is_file():
        raise InputError(path, "holds no tokenizer.json", "name a folder with a fast tokenizer's files")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except Exception as error:
        raise InputError(path, f"is no tokenizer that transformers can load: {error}", None) from error
    if template is not None:
        tokenizer.chat_template = template
    if not isinstance(tokenizer.chat_template, str):
        raise InputError(path, "its tokenizer has no chat template", "name one with `--template FILE`")
    _check_syntax(tokenizer, path)
    return tokenizer


def _check_syntax(tokenizer: Any, path: str) -> None:
    """A template that cannot be read would refuse every record one by one."""
    from jinja2 import TemplateSyntaxError

    try:
        tokenizer.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False)
    except TemplateSyntaxError as error:
        raise InputError(path, f"its chat template is not Jinja, line {error.lineno}: {error.message}", None) from error
    except Exception:  # a template's refusal of this conversation, in whatever form, is no defect
        return


def tokenizer_digest(folder: PathLike) -> str:
    """The digest of the files that decide what a tokenizer does, and of the version that loads them."""
    from importlib.metadata import PackageNotFoundError, version

    hasher = hashlib.blake2b(digest_size=32)
    for name in FILES:
        path = Path(folder) / name
        if path.is_file():
            data = path.read_bytes()
            hasher.update(f"{name}\n{len(data)}\n".encode() + data)
    try:
        hasher.update(version("transformers").encode())
    except PackageNotFoundError:
        hasher.update(b"none")
    return hasher.hexdigest()


@dataclass
class PythonTemplate:
    """Renders what no family covers, and finds what of it each turn is.

    Masks come from the template's generation marks where it has them. Else from what the template says before a turn
    (with the generation prompt) and after it. Else from marks put around what the turn says, which are taken out again;
    that the rest did not change is checked.
    """

    tokenizer: Any
    marked: bool = field(init=False)

    def __post_init__(self) -> None:
        self.marked = bool(re.search(r"\{%-?\s*generation\b", self.tokenizer.chat_template))
        specials = sorted(
            {*self.tokenizer.all_special_tokens, *self.tokenizer.get_added_vocab()}, key=len, reverse=True
        )
        self._ends = re.compile("|".join(map(re.escape, specials))) if specials else None

    def text(self, messages: Messages, tools: Any = None, prompt: bool = False) -> str:
        """What `apply_chat_template` makes of messages."""
        text: str = self.tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=False, add_generation_prompt=prompt, date_string=DATE
        )
        return text

    def marks(self, messages: Messages, tools: Any = None) -> tuple[str, Spans]:
        """The text and the stretches between generation marks, in characters."""
        from transformers.utils.chat_template_utils import render_jinja_template

        specials = {name: value for name, value in self.tokenizer.special_tokens_map.items() if isinstance(value, str)}
        texts, spans = render_jinja_template(
            conversations=[messages],
            tools=tools,
            chat_template=self.tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            add_generation_prompt=False,
            date_string=DATE,
            **specials,
        )
        return texts[0], [(start, end) for start, end in spans[0]]

    def __call__(self, data: bytes, trained: list[bool]) -> tuple[str, Spans]:
        """The text of a conversation (JSON) and the stretches of the turns whose flag is set."""
        record = json.loads(data)
        messages, tools = record["messages"], record.get("tools")
        if self.marked:
            text, spans = self.marks(messages, tools)
            answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
            if all(trained[at] for at in answers):
                return text, spans
            borders = [self._border(text, messages[: at + 1], tools) for at in range(len(messages))]
            owner = [
                next((at for at, border in enumerate(borders) if start < border), len(borders) - 1)
                for start, _ in spans
            ]
            return text, [span for span, at in zip(spans, owner, strict=True) if trained[at]]
        text = self.text(messages, tools)
        return text, [self.span(text, messages, tools, at) for at, flag in enumerate(trained) if flag]

    def _border(self, text: str, messages: Messages, tools: Any) -> int:
        """How much of the text the first messages make."""
        return len(commonpath([text, self.text(messages, tools)]))

    def span(self, text: str, messages: Messages, tools: Any, at: int) -> tuple[int, int]:
        """The stretch of an answer, its end token included.

        Raises:
            MaskError: It cannot be told.
        """
        try:
            before = self.text(messages[:at], tools, prompt=True)
            end = len(text) if at + 1 == len(messages) else self._border(text, messages[: at + 1], tools)
        except Exception:  # templates refuse beginnings of conversations in their own ways
            return self._marked_span(text, messages, tools, at)
        said = messages[at].get("content")
        if not text.startswith(before) or (isinstance(said, str) and said.strip() not in text[len(before) : end]):
            return self._marked_span(text, messages, tools, at)
        return len(before), self._to_end_token(text, len(before), end)

    def _to_end_token(self, text: str, start: int, end: int) -> int:
        """Without the line break that follows the end token."""
        bare = text[start:end].rstrip()
        if self._ends and any(match.end() == len(bare) for match in self._ends.finditer(bare)):
            return start + len(bare)
        return end

    def _marked_span(self, text: str, messages: Messages, tools: Any, at: int) -> tuple[int, int]:
        said = messages[at].get("content")
        if not isinstance(said, str) or not said.strip():
            raise MaskError(f"it cannot be told which part of the text turn {at + 1} is")
        first, last = "\ue0f0", "\ue0f1"
        lead, trail = said[: len(said) - len(said.lstrip())], said[len(said.rstrip()) :]
        marked = f"{lead}{first}{said.strip()}{last}{trail}"
        rendered = self.text([*messages[:at], {**messages[at], "content": marked}, *messages[at + 1 :]], tools)
        if rendered.count(first) != 1 or rendered.count(last) != 1:
            raise MaskError(f"the template says turn {at + 1} not exactly once")
        start, end = rendered.index(first), rendered.index(last) - 1
        if rendered.replace(first, "").replace(last, "") != text:
            raise MaskError(f"the template says turn {at + 1} in another way if it is marked")
        following = self._ends.search(text, end) if self._ends else None
        if following and (not text[end : following.start()].strip() or messages[at].get("tool_calls")):
            end = following.end()
        return start, end


@dataclass(frozen=True)
class Template:
    """What renders records for a tokenizer."""

    family: str | None
    """The family that does so without Python, if the template belongs to one."""

    marks: tuple[bool, bool]
    """Whether the line breaks before and after what is said are trained, as the template's generation marks say."""

    tools: bool
    """Whether the family also renders tools as the template does."""

    python: PythonTemplate
    """What renders the rest."""

    note: str
    """What was found."""

    texts: list[str]
    """Rendered texts of the probes and samples."""


def find_template(tokenizer: Any, samples: Sequence[dict[str, Any]] = ()) -> Template:
    """The family of a tokenizer's chat template, found by comparing what comes out.

    Args:
        tokenizer: As `load_tokenizer` gives it.
        samples: Records to compare on, beside the built-in conversations.
    """
    python = PythonTemplate(tokenizer)
    plain = [*((messages, None) for messages in [*BASIC, *ODD])]
    basic = len(BASIC)
    for record in samples:
        if not record.get("tools") and all(_is_plain(message) for message in record["messages"]):
            plain.append((record["messages"], None))
    texts = [text for messages, tools in plain if (text := _attempt(python.text, messages, tools)) is not None]
    found: Template | None = None
    for name in _core.template_families():
        for marks in (
            [(False, False), (False, True), (True, True), (True, False)] if python.marked else [(False, False)]
        ):
            compare = _Comparison(python, name, marks)
            if not all(compare.same(messages, tools, must=at < basic) for at, (messages, tools) in enumerate(plain)):
                continue
            tools = all(compare.same(messages, tools, must=False) for messages, tools in TOOLS)
            said = f"template family {name}, equal to apply_chat_template on {compare.compared} conversations"
            if tools:
                return Template(name, marks, tools, python, said, texts)
            said += "; records with tools are rendered by transformers, which is slower"
            found = found or Template(name, marks, tools, python, said, texts)
    if found is not None:
        return found
    note = "the chat template belongs to no known family and is rendered by transformers, which is slower"
    return Template(None, (False, False), False, python, note, texts)


def _is_plain(message: dict[str, Any]) -> bool:
    return isinstance(message.get("content"), str) and message["role"] != "tool" and not message.get("tool_calls")


def _attempt(render: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return render(*arguments)
    except Exception:  # a template's own refusal, in whatever form
        return None


@dataclass
class _Comparison:
    python: PythonTemplate
    family: str
    marks: tuple[bool, bool]
    compared: int = 0

    def same(self, messages: Messages, tools: Any, must: bool) -> bool:
        """Whether the family says what the template says; one that says nothing leaves the template to Python."""
        expected = _attempt(self.python.marks if self.python.marked else self.python.text, messages, tools)
        record = {"messages": messages} | ({"tools": tools} if tools else {})
        specials = (self.python.tokenizer.bos_token or "", self.python.tokenizer.eos_token or "")
        state, text, spans = _core.template_render(self.family, *specials, self.marks, json.dumps(record).encode())
        if state != "ok":
            return state == "refused" or not must or expected is None
        if expected is None:
            return False
        self.compared += 1
        if not self.python.marked:
            return bool(text == expected)
        return bool(text == expected[0] and _joined(spans) == _joined(expected[1]))


def _joined(spans: Spans) -> Spans:
    """Stretches without empty ones, those that touch joined."""
    found: Spans = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and found[-1][1] >= start:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
