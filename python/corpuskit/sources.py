"""Inputs that are no files: records of Python, data sets, columns of other libraries."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import fcntl
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from corpuskit import _core
from corpuskit.errors import InputError

__all__ = ["Inputs", "Opened", "PathLike", "PathLikes", "Source", "input_list"]

PathLike: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Records that are no file, under a name of their own.

    Origins are `NAME#INDEX`, counted from 0, and `_source` is the name, as of a file. A run over such a source
    cannot be continued after a kill, because nobody knows whether it gives the same records again.

    Args:
        records: What is read once: dicts (a list, a generator, a data set of `datasets`, streaming or not), or columns of any
            library that speaks Arrow (a table or reader of pyarrow, a polars data frame, a duckdb result …).
        name: What origins show.
        licence: What its records are under; a record's own `licence` or `license` wins.

    Example:
        >>> source = Source([{"prompt": "2+2?", "completion": "4"}], name="sums", licence="CC0-1.0")
        >>> from corpuskit import Pipeline
        >>> [(record["_origin"], record["licence"]) for record in Pipeline().iterate(source)]
        [('sums#0', 'CC0-1.0')]
    """

    records: Iterable[Mapping[str, Any]] | Any
    """What is read."""

    name: str = "records"
    """What origins show."""

    licence: str | None = None
    """What its records are under."""


Inputs: TypeAlias = PathLike | Source | Iterable[PathLike | Source] | Iterable[Mapping[str, Any]] | Any
"""A file, folder or glob, `-` for standard input; records or Arrow columns (see `Source`); or a list of paths and sources."""


PathLikes: TypeAlias = PathLike | Iterable[PathLike]
"""A file, folder or glob, `-` for standard input, or several of them."""


def input_list(inputs: PathLikes) -> list[str]:
    """Paths as the core takes them."""
    if isinstance(inputs, str | os.PathLike):
        return [os.fspath(inputs)]
    return [os.fspath(path) for path in inputs]


def _speaks_arrow(records: object) -> bool:
    return hasattr(records, "__arrow_c_stream__") or hasattr(records, "__arrow_c_array__")


def _divided(inputs: Inputs) -> list[str | Source]:
    """Inputs as paths and sources, in order."""
    if isinstance(inputs, str | os.PathLike):
        return [os.fspath(inputs)]
    if isinstance(inputs, Source):
        return [inputs]
    if _speaks_arrow(inputs) or not isinstance(inputs, list | tuple):
        if not _speaks_arrow(inputs) and not isinstance(inputs, Iterable):
            kind = type(inputs).__name__
            raise TypeError(f"inputs are paths, records or Arrow columns, not {kind}")
        if isinstance(inputs, Iterator | set | frozenset) and not _speaks_arrow(inputs):
            inputs, first = _peeked(inputs)
            if isinstance(first, str | os.PathLike):
                return list(input_list(inputs))
        return [Source(inputs)]
    if inputs and all(isinstance(item, Mapping) for item in inputs):
        return [Source(inputs)]
    return [item if isinstance(item, Source) else os.fspath(item) for item in inputs]


def _peeked(items: Iterable[Any]) -> tuple[Iterator[Any], Any]:
    """The items, and the first of them."""
    rest = iter(items)
    first = next(rest, None)

    def again() -> Iterator[Any]:
        if first is not None:
            yield first
        yield from rest

    return again(), first


class _Feed:
    """A thread that writes the records of a source into a pipe."""

    def __init__(self, source: Source, name: str) -> None:
        self.name = name
        self.error: BaseException | None = None
        self.failed: Callable[[str], object] | None = None
        self._source = source
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._read, self._write = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._write, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._thread = threading.Thread(target=self._run, name=f"corpuskit-feed-{name}", daemon=True)

    @property
    def stream(self) -> tuple[str, str]:
        """Name and path, as the core takes them."""
        return self.name, f"/proc/self/fd/{self._read}"

    def start(self) -> None:
        """Lets the records flow."""
        self._thread.start()

    def close(self) -> None:
        """Lets go of the pipe's other end; the thread ends when nobody has it any more."""
        self._closed.set()
        with self._lock:
            if self._read >= 0:
                os.close(self._read)
                self._read = -1

    def _run(self) -> None:
        try:
            for data in _bytes_of(self._source, self.name):
                left = memoryview(data)
                while left:
                    left = left[os.write(self._write, left) :]
        except BrokenPipeError:
            pass  # nobody wants more
        except BaseException as error:
            self.error = error
            if self.failed is not None:
                self.failed(f"{type(error).__name__}: {error}")
            else:
                # Whoever runs the pipeline raises it; until then the pipe stays open, so that the run does not end as if
                # these were all records.
                self._closed.wait()
        finally:
            os.close(self._write)


class Opened:
    """Inputs whose sources are being read."""

    def __init__(self, inputs: Inputs) -> None:
        self.arguments: list[str] = []
        self._feeds: list[_Feed] = []
        taken: set[str] = set()
        for item in _divided(inputs):
            if isinstance(item, Source):
                name, number = item.name, 1
                while name in taken and item.name == "records":
                    number += 1
                    name = f"records-{number}"
                if name in taken or not name or name == "-":
                    self.close()
                    raise InputError(name, "is the name of two inputs" if name in taken else "is no name for a source")
                self._feeds.append(_Feed(item, name))
                item = name
            taken.add(item)
            self.arguments.append(item)

    @property
    def streams(self) -> list[tuple[str, str]]:
        """Names and what to open, as the core takes them."""
        return [feed.stream for feed in self._feeds]

    def start(self, failed: Callable[[str], object] | None = None) -> None:
        """Lets the records flow. `failed` is called on another thread where a source raises."""
        for feed in self._feeds:
            feed.failed = failed
            feed.start()

    def check(self) -> None:
        """Raises what a source raised."""
        for feed in self._feeds:
            if feed.error is not None:
                raise feed.error

    def close(self) -> None:
        """Lets go of the pipes that the core has opened, or has no use for."""
        for feed in self._feeds:
            feed.close()

    def __bool__(self) -> bool:
        return bool(self._feeds)


def _bytes_of(source: Source, name: str) -> Iterator[bytes]:
    """What the core reads: an Arrow stream, or one JSON array."""
    records = _as_arrow(source.records)
    if _speaks_arrow(records):
        yield from _arrow_bytes(records, source.licence)
        return
    if not isinstance(records, Iterable):
        raise TypeError(f"{name}: records are dicts or Arrow columns, not {type(records).__name__}")
    first = True
    held: list[bytes] = [b"["]
    size = 1
    for index, record in enumerate(records):
        if _speaks_arrow(record) and first:
            raise TypeError(
                f"{name}: batches of columns; hand over a table or a reader of them, with `__arrow_c_stream__`"
            )
        if source.licence is not None and isinstance(record, Mapping) and not {"licence", "license"} & record.keys():
            record = {**record, "licence": source.licence}
        held.append(b"" if first else b",\n")
        held.append(_json(record, f"{name}#{index}"))
        size += len(held[-1])
        first = False
        if size >= 1 << 16:
            yield b"".join(held)
            held, size = [], 0
    held.append(b"]\n")
    yield b"".join(held)


def _arrow_bytes(columns: object, licence: str | None) -> Iterator[bytes]:
    reader = _core.ArrowBytes(columns, licence=licence)
    while (data := reader.next_bytes()) is not None:
        yield data


def _as_arrow(records: Any) -> Any:
    """Data sets of `datasets` as columns, which knows which members an object really has; anything else as it is."""
    if not type(records).__module__.startswith("datasets."):
        return records
    if isinstance(records, Mapping) or not hasattr(records, "with_format"):
        raise InputError("records", "is a dictionary of data sets", "name one of them: `dataset['train']`")
    formatting = getattr(records, "format", None)
    if isinstance(formatting, Mapping) and formatting.get("type") not in (None, "arrow"):
        return records  # a transform of the user's
    import pyarrow  # datasets brings it

    tables = iter(records.with_format("arrow").iter(batch_size=1000))
    first = next(tables, None)
    if first is None:
        return []

    def batches() -> Iterator[Any]:
        yield from first.to_batches()
        for table in tables:
            yield from table.cast(first.schema).to_batches()

    return pyarrow.RecordBatchReader.from_batches(first.schema, batches())


def _json(record: object, origin: str) -> bytes:
    """A record on one line."""
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        try:
            text = json.dumps(_plain(record), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            hint = "select the columns that hold text, numbers, lists and objects"
            raise InputError(origin, f"cannot become JSON: {error}", hint) from error
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), separators=(",", ":")).encode("ascii")  # lone surrogates as escapes


def _plain(value: Any) -> Any:
    """A value as JSON has it; what JSON lacks as the guide to Parquet and Arrow says."""
    if isinstance(value, str | bool | int | type(None)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, bytes | bytearray):
        import base64

        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, datetime.datetime):
        text = (
            value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z" if value.tzinfo else value.isoformat()
        )
        return text
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if hasattr(value, "tolist"):  # arrays and numbers of numpy, tensors
        return _plain(value.tolist())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
