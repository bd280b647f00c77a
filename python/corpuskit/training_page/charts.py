"""Line charts as SVG text."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 860, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 150, 14, 26
COLOURS = (
    "#1f77b4",
    "#d62728",
    "#2ca02c",
    "#9467bd",
    "#ff7f0e",
    "#17becf",
    "#8c564b",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
    "#111111",
)
POINTS = 800
"""A line has at most so many points: more cannot be seen."""

Line = Sequence[tuple[float, float | None]]


def smooth(values: Sequence[float | None], share: float = 0.02) -> list[float | None]:
    """A running mean over a share of all values; gaps stay gaps."""
    reach = max(1, int(len(values) * share))
    out: list[float | None] = []
    recent: list[float] = []
    for value in values:
        if value is not None:
            recent = [*recent[-(reach - 1) :], value] if reach > 1 else [value]
        out.append(sum(recent) / len(recent) if value is not None else None)
    return out


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between two."""
    if not math.isfinite(low) or not math.isfinite(high) or high <= low:
        return [low]
    raw = (high - low) / count
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    first = math.ceil(low / step) * step
    return [first + step * number for number in range(int((high - first) / step + 1e-9) + 1)]


def label(value: float) -> str:
    """A number on an axis."""
    if value and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.3g}"
    return f"{value:,.6g}"


def chart(
    title: str, lines: Mapping[str, Line], bands: Sequence[tuple[float, float, str]] = (), *, zero: bool = False
) -> str:
    """A chart of several lines.

    Args:
        title: Above it, and what a screen reader says.
        lines: Name to points; None is a gap.
        bands: Phases: first step, last step, name.
        zero: Whether the vertical axis starts at 0.
    """
    kept = {name: thin(line) for name, line in lines.items()}
    points = [(x, y) for line in kept.values() for x, y in line if y is not None]
    if not points:
        return f"<figure><figcaption>{html.escape(title)}</figcaption><p class=none>nothing to show yet</p></figure>"
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    if zero:
        y_low = min(0.0, y_low)
    margin = 0.05 * (y_high - y_low) or 0.05 * abs(y_high) or 1.0
    y_high += margin
    y_low -= 0.0 if zero else margin
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> str:
        return f"{LEFT + across * (x - x_low) / ((x_high - x_low) or 1):.1f},{TOP + up * (1 - (y - y_low) / (y_high - y_low)):.1f}"

    parts = [
        f'<figure><figcaption>{html.escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">'
    ]
    for number, (first, last, name) in enumerate(bands):
        x0, x1 = (float(at(min(max(x, x_low), x_high), y_low).split(",")[0]) for x in (first, last))
        parts.append(
            f'<rect x="{x0:.1f}" y="{TOP}" width="{max(0.0, x1 - x0):.1f}" height="{up}" class="band{number % 2}"/>'
        )
        parts.append(f'<text x="{(x0 + x1) / 2:.1f}" y="{TOP + 11}" class="phase">{html.escape(name)}</text>')
    for value in ticks(y_low, y_high):
        y = at(x_low, value).split(",")[1]
        parts.append(
            f'<line x1="{LEFT}" x2="{LEFT + across}" y1="{y}" y2="{y}" class="grid"/><text x="{LEFT - 6}" y="{y}" class="y">{label(value)}</text>'
        )
    for value in ticks(x_low, x_high, 8):
        parts.append(f'<text x="{at(value, y_low).split(",")[0]}" y="{HEIGHT - 8}" class="x">{label(value)}</text>')
    for number, (name, line) in enumerate(kept.items()):
        colour = COLOURS[number % len(COLOURS)]
        for piece in pieces(line):
            drawn = " ".join(at(x, y) for x, y in piece)
            if len(piece) == 1:
                x, y = drawn.split(",")
                parts.append(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>')
            else:
                parts.append(f'<polyline points="{drawn}" stroke="{colour}"/>')
        parts.append(
            f'<text x="{LEFT + across + 10}" y="{TOP + 14 + 15 * number}" fill="{colour}" class="key">{html.escape(name)}</text>'
        )
    return "".join(parts) + "</svg></figure>"


def thin(line: Line) -> Line:
    """At most `POINTS` points, evenly taken, the last one kept."""
    step = max(1, math.ceil(len(line) / POINTS))
    return [point for place, point in enumerate(line) if place % step == 0 or place == len(line) - 1]


def pieces(line: Line) -> list[list[tuple[float, float]]]:
    """Cuts a line at its gaps."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in line:
        if y is None:
            if found[-1]:
                found.append([])
        else:
            found[-1].append((x, y))
    return [piece for piece in found if piece]
