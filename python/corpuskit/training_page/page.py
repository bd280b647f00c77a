"""Puts charts and tables of a run on one page."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpuskit.cli.terminal import duration
from corpuskit.training_page.charts import chart, smooth
from corpuskit.training_page.run import Row, Run, read_run

STYLE = """
:root{color-scheme:light dark;--ink:#1a1a1a;--soft:#666;--paper:#fff;--line:#ddd;--band:#f4f4f7}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#9a9a9a;--paper:#161618;--line:#333;--band:#1f1f23}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:900px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2.2rem}figure{margin:1.2rem 0}figcaption{font-weight:600;margin-bottom:.2rem}
svg{width:100%;height:auto}polyline{fill:none;stroke-width:1.6}.grid{stroke:var(--line)}.band0{fill:var(--band)}.band1{fill:none}
text{font-size:11px;fill:var(--soft)}text.key{fill:revert-layer;font-size:12px}.y{text-anchor:end;dominant-baseline:middle}.x,.phase{text-anchor:middle}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}td,th{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:right}
td:first-child,th:first-child{text-align:left}.cards{display:flex;flex-wrap:wrap;gap:.4rem 2rem}.cards b{display:block;font-size:1.25rem}
.none,small{color:var(--soft)}code{overflow-wrap:anywhere}
"""


def write_page(folder: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Writes the page of a training run.

    Args:
        folder: The run's folder, finished or not.
        output: The file; `report.html` in the folder if None.

    Returns:
        The file.

    Raises:
        InputError: The folder holds no training run.
    """
    run = read_run(folder)
    path = run.folder / "report.html" if output is None else Path(output)
    draft = path.with_name(path.name + ".part")
    draft.write_text("".join(parts(run)), "utf-8")
    draft.replace(path)
    return path


def parts(run: Run) -> Iterator[str]:
    """The page."""
    title = f"Training {run.folder.name}"
    yield f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{html.escape(title)}</title>"
    yield f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>"
    yield from head(run)
    steps = run.steps
    bands = phases_of(steps)
    categories = sorted({name for row in steps for name in row["loss_by_category"]})
    by_step = {"all": series(steps, lambda row: row["loss"])}
    for category in categories:
        by_step[category] = series(steps, lambda row, category=category: row["loss_by_category"].get(category))
    yield chart("Training loss (nats a supervised token, running mean)", by_step, bands)
    tested = sorted({name for row in run.evaluations for name in row["loss_by_category"]})
    lines = {"all": [(row["step"], row["loss"]) for row in run.evaluations]}
    lines |= {name: [(row["step"], row["loss_by_category"].get(name)) for row in run.evaluations] for name in tested}
    yield chart("Validation loss by category", lines, bands)
    yield chart("Learning rate", {"rate": [(row["step"], row["lr"]) for row in steps]}, bands, zero=True)
    yield chart("Tokens a second", {"tokens/s": series(steps, lambda row: row["tokens_per_second"])}, bands, zero=True)
    yield chart("Fill: tokens of documents in a pack, %", {"fill": series(steps, lambda row: 100 * row["fill"])}, bands)
    yield chart(
        "Data wait: share of a step's time, %",
        {"wait": series(steps, lambda row: 100 * row["waited"] / max(row["seconds"], 1e-9))},
        bands,
        zero=True,
    )
    yield chart("Gradient norm before clipping", {"norm": series(steps, lambda row: row["norm"])}, bands, zero=True)
    yield from phase_table(run)
    yield from matrix(run, tested)
    yield from ledger(run.card.get("ledger") or {})
    yield from seen(run)
    yield from guards(run.guards)
    yield f"<h2>Settings</h2><details><summary>all of them</summary><pre>{html.escape(settings_text(run.card['settings']))}</pre></details></html>\n"


def series(steps: Sequence[Row], value: Any) -> list[tuple[float, float | None]]:
    """A smoothed line over steps."""
    return list(zip((row["step"] for row in steps), smooth([value(row) for row in steps]), strict=True))


def phases_of(steps: Sequence[Row]) -> list[tuple[float, float, str]]:
    """First and last step of each phase."""
    found: list[tuple[float, float, str]] = []
    for row in steps:
        if found and found[-1][2] == row["phase"]:
            found[-1] = (found[-1][0], row["step"], row["phase"])
        else:
            found.append((found[-1][1] if found else row["step"], row["step"], row["phase"]))
    return found


def head(run: Run) -> Iterator[str]:
    """The run in a few numbers."""
    card, steps = run.card, run.steps
    model = card["settings"]["model"]["path"]
    apart = card.get("isolation") or {}
    yield f"<p>{html.escape(str(card['settings']['data']['run']))} → <code>{html.escape(str(model))}</code>, {card['processes']} process(es) on {html.escape(card['device'])}. "
    yield "Finished. " if run.end else "<b>Not finished.</b> "
    if apart:
        yield f"Documents are apart: exchanging one moved its own logits by {apart['own']:.3g}, its neighbours' by {apart['moved']:.3g}."
    yield "</p>"
    if not steps:
        return
    seconds = sum(row["seconds"] for row in steps)
    tokens = sum(row["tokens"] for row in steps)
    tenth = max(1, len(steps) // 10)

    def mean(rows: Sequence[Row]) -> float:
        values = [row["loss"] for row in rows if row["loss"] is not None]
        return float(sum(values) / max(1, len(values)))

    room = sum(row["tokens"] / max(row["fill"], 1e-9) for row in steps)
    cards = {
        "steps": f"{len(steps):,}",
        "tokens": f"{tokens:,}",
        "time in steps": duration(seconds),
        "tokens/s": f"{tokens / max(seconds, 1e-9):,.0f}",
        "loss, first tenth": f"{mean(steps[:tenth]):.3f}",
        "loss, last tenth": f"{mean(steps[-tenth:]):.3f}",
        "fill": f"{100 * tokens / room:.2f} %",
        "data wait": f"{100 * sum(row['waited'] for row in steps) / max(seconds, 1e-9):.2f} %",
        "MFU": f"{100 * sum(row['mfu'] * row['seconds'] for row in steps) / max(seconds, 1e-9):.1f} %",
    }
    yield (
        "<div class=cards>" + "".join(f"<span>{name}<b>{value}</b></span>" for name, value in cards.items()) + "</div>"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An HTML table; text is escaped here."""
    head_row = "".join(f"<th>{html.escape(name)}" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}" for cell in row) for row in rows)
    return f"<table><tr>{head_row}{body}</table>"


def phase_table(run: Run) -> Iterator[str]:
    """Phases as planned and as they came."""
    rows = []
    for phase in run.card["phases"]:
        own = [row for row in run.steps if row["phase"] == phase["name"]]
        rate = max((row["lr"] for row in own), default=0.0)
        trained = sum(row["supervised"] for row in own)
        seconds = sum(row["seconds"] for row in own)
        rows.append([
            phase["name"], f"{phase['lr']:.3g}", f"{rate:.3g}", f"{phase['documents']:,}", f"{phase['tokens']:,}",
            f"{phase['supervised']:,}", f"{trained:,.0f}", f"{len(own):,}", duration(seconds),
        ])  # fmt: skip
    yield "<h2>Phases</h2>" + table(
        ["phase", "rate", "highest", "records", "tokens", "to train", "trained", "steps", "time"], rows
    )


def matrix(run: Run, categories: Sequence[str]) -> Iterator[str]:
    """Validation loss at the end of each phase, by category."""
    last = {row["phase"]: row for row in run.evaluations}
    if not last:
        return
    rows = [
        [
            phase,
            f"{row['loss']:.3f}",
            *(f"{row['loss_by_category'].get(name, float('nan')):.3f}" for name in categories),
        ]
        for phase, row in last.items()
    ]
    yield "<h2>Validation loss at the end of each phase</h2>" + table(["phase", "all", *categories], rows)


def ledger(accounts: Row) -> Iterator[str]:
    """Where tokens went before training: by category, what was kept and what was lost to which reason."""
    if not accounts:
        return
    reasons = sorted({reason for row in accounts.values() for reason in row.get("lost", {})})
    rows = [
        [
            name,
            f"{row['seen']:,}",
            f"{row['kept']:,}",
            *(f"{row.get('lost', {}).get(reason, 0):,}" for reason in reasons),
        ]
        for name, row in sorted(accounts.items())
    ]
    total = [sum(row[key] for row in accounts.values()) for key in ("seen", "kept")]
    lost = [sum(row.get("lost", {}).get(reason, 0) for row in accounts.values()) for reason in reasons]
    rows.append(["all", *(f"{value:,}" for value in (*total, *lost))])
    yield "<h2>Ledger of tokens</h2>" + table(
        ["category", "seen", "kept", *(f"lost: {reason}" for reason in reasons)], rows
    )


def seen(run: Run) -> Iterator[str]:
    """What each adapter was trained on."""
    accounts = (run.end or {}).get("seen")
    if accounts:
        rows = [
            [name, f"{row['documents']:,}", f"{row['supervised']:,}", f"{row['steps']:,}"]
            for name, row in sorted(accounts.items())
        ]
        yield "<h2>Adapters</h2>" + table(["adapter", "records", "trained tokens", "steps"], rows)


def guards(rows: Sequence[Row]) -> Iterator[str]:
    """Broken steps and their documents."""
    if not rows:
        return
    yield "<h2>Steps that the guard reported</h2>"
    for row in rows:
        loss = "none" if row["loss"] is None else f"{row['loss']:.3f}"
        worst = [
            [item["origin"], "none" if item["loss"] is None else f"{item['loss']:.3f}", item["tokens"]]
            for item in row["documents"][:5]
        ]
        yield (
            f"<p>step {row['step']:,}: {html.escape(row['verdict'])}, loss {loss}{', left out' if row['skipped'] else ''}</p>"
            + table(["record", "loss", "tokens"], worst)
        )


def settings_text(settings: Row, indent: int = 0) -> str:
    """Settings as indented lines."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            lines.append(f"{'  ' * indent}{key}:\n{settings_text(value, indent + 1)}")
        else:
            lines.append(f"{'  ' * indent}{key}: {value}")
    return "\n".join(lines)
