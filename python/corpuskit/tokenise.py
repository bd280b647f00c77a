"""From records to tokens: a tokenizer's folder, its chat template, and the token store that training reads."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _core, templates
from corpuskit.errors import CheckError, InputError
from corpuskit.tokens import IGNORED, TokenStore
from corpuskit.verbs import effective

if TYPE_CHECKING:
    from corpuskit._core import EffectivePlan
    from corpuskit._plan_face import AnyPlan
    from corpuskit.pipeline import PathLike

__all__ = ["Tokenised", "Tokeniser", "tokenise"]

Record = Mapping[str, Any]

SAMPLES = 64
"""Records that template and tokenizer are compared on, beside the built-in ones."""

LEDGER = "ledger.json"


@dataclass(frozen=True, slots=True)
class Tokenised:
    """What a record becomes."""

    ids: list[int]
    """The tokens of its first document; empty if it has none."""

    labels: list[int]
    """Each token where it is trained, -100 elsewhere; not shifted."""

    reason: str | None
    """Why there is no document."""

    detail: str
    """What was found."""

    shown: Mapping[str, Any] | None
    """The whole conversation: `text`, `segments` (start, end, what, trained; in bytes), `ids`, `ends`, `supervised`."""

    documents: Sequence[Mapping[str, Any]]
    """Every document: `ids`, `supervised` (stretches), `text` and `ends` (of the tokens, in bytes)."""


class Tokeniser:
    """A tokenizer with its chat template, ready for records.

    Args:
        folder: The folder of a Hugging Face tokenizer (`tokenizer.json`, `tokenizer_config.json` …).
        plan: Its sections `tokenise`, `condition` and `pack` decide.
        template: A chat template to be used in place of the tokenizer's own.
        samples: Records of the corpus; template and tokenizer are compared with the reference on them too.

    Raises:
        InputError: The folder holds no tokenizer or no chat template, or transformers is missing.

    Attributes:
        notes: Which template family and which tokenizer are used, and why.
    """

    def __init__(
        self,
        folder: PathLike,
        *,
        plan: AnyPlan | EffectivePlan = None,
        template: str | None = None,
        samples: Iterable[Record] = (),
    ) -> None:
        self.folder = os.fspath(folder)
        self.tokenizer = templates.load_tokenizer(folder, template)
        found = templates.find_template(self.tokenizer, [dict(record) for record in samples])
        self.template = found
        tokenise, condition, length = _sections(plan)
        self._feed = _core.TokenFeed(
            _backend(self.tokenizer, folder),
            family_name=found.family,
            bos=self.tokenizer.bos_token or "",
            eos=self.tokenizer.eos_token or "",
            marks=found.marks,
            tools=found.tools,
            fallback=found.python,
            settings=(json.dumps(tokenise), json.dumps(condition)),
            length=length,
            samples=found.texts,
        )
        self.notes = [found.note, self._feed.note()]

    @property
    def vocabulary(self) -> int:
        """Tokens that it knows, added ones included."""
        return self._feed.vocabulary()

    @property
    def fast(self) -> bool:
        """Whether the fast backend is used."""
        return self._feed.fast()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts, nothing added."""
        return self._feed.encode(list(texts))

    def record(self, record: Record) -> Tokenised:
        """What a record becomes."""
        found = json.loads(self._feed.show(_line(record)))
        documents = found["documents"]
        ids = documents[0]["ids"] if documents else []
        labels = [IGNORED] * len(ids)
        for start, end in documents[0]["supervised"] if documents else ():
            labels[start:end] = ids[start:end]
        return Tokenised(ids, labels, found["reason"], found["detail"], found["shown"], documents)

    def build(
        self, place: PathLike, key: Mapping[str, Any], shards: Sequence[tuple[str, str]], threads: int
    ) -> Mapping[str, Any]:
        """Builds a token store; `tokenise` is the usual way in."""
        built: dict[str, Any] = json.loads(
            self._feed.build(os.fspath(place), json.dumps(key), list(shards), self.notes[:1], threads)
        )
        return built


def tokenise(
    records: PathLike | Iterable[Record],
    tokenizer: PathLike,
    *,
    plan: AnyPlan | EffectivePlan = None,
    template: str | None = None,
    cache: PathLike | None = None,
    threads: int | None = None,
    check: bool = True,
) -> TokenStore:
    """The token store of a run folder or of any records; made once, then opened.

    Args:
        records: A finished run folder, or records as dictionaries.
        tokenizer: The folder of a Hugging Face tokenizer.
        plan: Its sections `tokenise`, `condition` and `pack` decide.
        template: A chat template to be used in place of the tokenizer's own.
        cache: Where stores are kept; `tokens/` in the run folder, or a temporary folder, if None.
        threads: Threads that tokenise; all cores if None.
        check: Raise where the settings call something an error (`tokenise.untrainable`, `tokenise.overflow` …).

    Returns:
        The store. What became of every token is in its `ledger()`.

    Raises:
        CheckError: Records cannot be trained on, and the settings say that this is an error.
        InputError: The run folder or the tokenizer cannot be used.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(records, str | os.PathLike):
            folder = Path(records)
            shards, digests = _shards_of_run(folder)
            place = Path(cache) if cache is not None else folder / "tokens"
        else:
            spool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpuskit-")))
            shards, digests = _spooled(records, spool)
            place = Path(cache) if cache is not None else Path(tempfile.mkdtemp(prefix="corpuskit-tokens-"))
        key = _key(digests, tokenizer, template, plan)
        target = place / _core.store_digest(json.dumps(key))[:16]
        if not (target / "store.json").is_file():
            made = Tokeniser(tokenizer, plan=plan, template=template, samples=_samples(shards))
            made.build(target, key, shards, threads or os.cpu_count() or 1)
    store = TokenStore(target)
    if check:
        _raise(store)
    return store


def _raise(store: TokenStore) -> None:
    faults = store.ledger()["faults"]
    if faults:
        problems = "\n  ".join(problem for problem, _ in faults)
        hints = "; ".join(dict.fromkeys(hint for _, hint in faults))
        raise CheckError(f"not every record can be trained on:\n  {problems}\n  hint: {hints}")


def _sections(plan: AnyPlan | EffectivePlan) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The sections `tokenise` and `condition`, and the longest document."""
    whole = json.loads(effective(plan).to_json())
    return whole["tokenise"], whole["condition"], whole["pack"]["length"]


def _backend(tokenizer: Any, folder: PathLike) -> str:
    """`tokenizer.json` as transformers uses it: it may build some tokenizers anew."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    text: str = backend.to_str() if backend is not None else (Path(folder) / "tokenizer.json").read_text("utf-8")
    return text


def _key(
    digests: Sequence[str], tokenizer: PathLike, template: str | None, plan: AnyPlan | EffectivePlan
) -> dict[str, Any]:
    tokenise, condition, length = _sections(plan)
    if not Path(tokenizer).is_dir():
        raise InputError(os.fspath(tokenizer), "is no folder", "name the folder of a tokenizer")
    return {
        "version": _core.TOKENS_VERSION,
        "records": list(digests),
        "tokenizer": templates.tokenizer_digest(tokenizer),
        "template": _core.digest_of((template or "").encode()),
        "settings": {"tokenise": tokenise, "condition": condition, "length": length},
    }


def shards_of(folder: Path) -> list[tuple[str, str]]:
    """The data shards of a finished run folder: name and path, in order."""
    return _shards_of_run(folder)[0]


def _shards_of_run(folder: Path) -> tuple[list[tuple[str, str]], list[str]]:
    path = folder / "manifest.json"
    if not path.is_file():
        raise InputError(str(folder), "is no finished run folder", "run `corpuskit process` first")
    files = [file for file in json.loads(path.read_text("utf-8"))["files"] if file["path"].startswith("data/")]
    if any(".jsonl" not in file["path"] for file in files):
        raise InputError(str(folder), "its data is not JSONL", "write it with `write.compression` and without Parquet")
    shards = [(Path(file["path"]).name.split(".")[0], str(folder / file["path"])) for file in files]
    return shards, [file["digest"] for file in files]


def _spooled(records: Iterable[Record], folder: Path) -> tuple[list[tuple[str, str]], list[str]]:
    path = folder / "part-00000.jsonl"
    hasher = hashlib.blake2b(digest_size=32)
    with path.open("wb") as file:
        for record in records:
            line = _line(record)
            hasher.update(line)
            file.write(line)
    return [("part-00000", str(path))], [hasher.hexdigest()]


def _line(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"


def first_records(shards: Sequence[tuple[str, str]], count: int) -> Iterator[dict[str, Any]]:
    """The first records of each shard, so many in all."""
    each = -(-count // max(1, len(shards)))
    for _, path in shards:
        for line in _core.first_lines(path, each):
            yield json.loads(line)


def _samples(shards: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    found = [record for record in first_records(shards, SAMPLES) if isinstance(record.get("messages"), list)]
    return found[:SAMPLES]


def discard(store: TokenStore) -> None:
    """Removes a store from the disk."""
    shutil.rmtree(store.folder)
