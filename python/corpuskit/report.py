"""What a run did, as data and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Report"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The account of a run; `str(report)` is the table that the command line prints.

    Example:
        >>> import corpuskit, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "in.jsonl").write_text('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}')
        >>> report = corpuskit.Pipeline().process(folder / "in.jsonl", folder / "out")
        >>> report.records["kept"]
        1
    """

    output: Path | None
    """The run folder; None of a dry run."""

    digest: str | None
    """The digest of the manifest; None of a dry run."""

    continued: bool
    """Whether an unfinished run was continued."""

    seconds: float
    """How long it took, over all parts of a run that was interrupted."""

    units: Mapping[str, int]
    """Units read, rejected, empty, in_records."""

    records: Mapping[str, int]
    """Records in all, kept, dropped, duplicates."""

    rejected: Mapping[str, int]
    """Rejected units by reason."""

    dropped: Mapping[str, int]
    """Dropped records by reason."""

    duplicates: Mapping[str, int]
    """Duplicates by kind: exact, near."""

    changes: Mapping[str, Mapping[str, int]]
    """Kept records changed and changes made, by kind of change."""

    labels: Mapping[str, Mapping[str, int]]
    """Kept records by label column and tag."""

    holds: bool
    """Whether every sum adds up."""

    data: Mapping[str, Any] = field(repr=False)
    """All of `report.json`."""

    @classmethod
    def from_json(cls, text: str, output: Path | None) -> Report:
        """Reads what the core says at the end of a run.

        Args:
            text: The summary as JSON.
            output: The run folder; None of a dry run.
        """
        summary = json.loads(text)
        report = summary["report"]
        return cls(
            output=output,
            digest=summary["digest"],
            continued=summary["continued"],
            seconds=summary["seconds"],
            units=report["units"],
            records=report["records"],
            rejected=report["rejected"],
            dropped=report["dropped"],
            duplicates=report["duplicates"],
            changes=report["changes"],
            labels=report["labels"],
            holds=all(item["holds"] for item in report["sums"]),
            data=report,
        )

    def to_dict(self) -> dict[str, Any]:
        """The report and where the folder is, for JSON."""
        return {
            "output": None if self.output is None else str(self.output),
            "digest": self.digest,
            "continued": self.continued,
            "seconds": self.seconds,
            "report": dict(self.data),
        }

    def __str__(self) -> str:
        return "\n".join(_table(self)) + "\n"


def _table(report: Report) -> Iterable[str]:
    """The lines of the end report."""
    units, records = report.units, report.records
    rate = records["records"] / report.seconds if report.seconds else 0
    plural = "" if records["records"] == 1 else "s"
    yield f"{records['records']:,} record{plural} in {report.seconds:.1f} s ({rate:,.0f} records/s)" + (
        ", continued" if report.continued else ""
    )
    yield ""
    kinds = {kind: count for kind, count in report.duplicates.items() if count}
    width = max(7, len(f"{units['read']:,}"))
    rows = [
        ("units", units["read"], None, {}),
        ("  in records", units["in_records"], units["read"], {}),
        ("  empty", units["empty"], units["read"], {}),
        ("  rejected", units["rejected"], units["read"], report.rejected),
        ("records", records["records"], None, {}),
        ("  kept", records["kept"], records["records"], {}),
        ("  dropped", records["dropped"], records["records"], report.dropped),
        ("  duplicates", records["duplicates"], records["records"], kinds),
    ]
    for name, count, whole, reasons in rows:
        share = "" if whole is None else f"{_share(count, whole):>8}"
        listed = sorted(reasons.items(), key=lambda item: (-item[1], item[0])) or [("", 0)]
        for number, (reason, times) in enumerate(listed):
            head = f"{name:<14}{count:>{width},}{share:<8}" if number == 0 else " " * (14 + width + 8)
            yield f"{head}   {reason} {times:,}".rstrip() if reason else head.rstrip()
    yield from _changes(report)
    yield from _labels(report)
    yield from _schemas(report)
    yield ""
    yield from _sums(report)
    if report.output is not None:
        yield ""
        yield f"{report.output}/ has data, columns, dropped, duplicates, rejected, report.json, manifest.json"
        yield f"next: corpuskit audit {report.output}"


def _share(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f} %" if whole else ""


def _changes(report: Report) -> Iterable[str]:
    if not report.changes:
        return
    yield ""
    width = max(28, *map(len, report.changes))
    yield f"{'changes':<{width + 2}}{'records':>10}{'share':>9}{'times':>12}"
    kept = report.records["kept"]
    for kind, row in report.changes.items():
        yield f"  {kind:<{width}}{row['records']:>10,}{_share(row['records'], kept):>9}{row['times']:>12,}"


def _labels(report: Report) -> Iterable[str]:
    """A line a label column: its most frequent tags, as shares of the kept records."""
    shown = {column: tags for column, tags in report.labels.items() if tags and column != "script"}
    if not shown:
        return
    yield ""
    yield "labels (share of kept records)"
    kept = report.records["kept"]
    width = max(12, *map(len, shown))
    for column, tags in shown.items():
        ordered = sorted(tags.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{tag} {_share(count, kept)}" for tag, count in ordered[:5])
        more = f", {len(ordered) - 5} more" if len(ordered) > 5 else ""
        yield f"  {column:<{width}}  {listed}{more}"


def _schemas(report: Report) -> Iterable[str]:
    families: Mapping[str, Mapping[str, int]] = report.data["families"]
    if not families:
        return
    yield ""
    width = max(28, *map(len, families))
    yield f"{'schemas':<{width + 2}}{'records':>10}{'kept':>9}{'dropped':>12}{'duplicates':>12}"
    for name, row in sorted(families.items(), key=lambda item: (-item[1]["records"], item[0])):
        yield f"  {name:<{width}}{row['records']:>10,}{row['kept']:>9,}{row['dropped']:>12,}{row['duplicates']:>12,}"


def _sums(report: Report) -> Iterable[str]:
    for row in report.data["sums"]:
        if not row["holds"]:
            yield f"DOES NOT HOLD: {row['what']}: {row['left']:,} is not {row['right']:,}"
    if report.holds:
        yield "sums hold: units = in records + empty + rejected; records = kept + dropped + duplicates"
