"""A chart with logarithmic axes as SVG: lines with marks of different shapes, and a table that says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from .measure import text_width

WIDTH, HEIGHT = 720.0, 420.0
LEFT, RIGHT, TOP = 74.0, 16.0, 14.0
BOTTOM = 50.0
HIGHEST = 2  # power of ten: an error of more is no derivative at all
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Series(NamedTuple):
    """A line of the chart. level: one y, whatever x is, as a dashed line.

    A y of 0 has no logarithm: it is drawn on the lower edge, and one that is too large on the upper.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    level: bool = False


class Axes(NamedTuple):
    """Ranges in powers of ten, and the pixels that they are drawn on."""

    x0: int
    x1: int
    y0: int
    y1: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        px = LEFT + (math.log10(x) - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)
        exponent = math.log10(y) if y > 0 else self.y0
        exponent = min(max(exponent, self.y0), self.y1)
        return px, TOP + (self.y1 - exponent) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)


def log_chart(series: Sequence[Series], title: str, x_label: str, y_label: str, prefix: str = "wg-chart") -> str:
    """The chart, with its legend beneath the axis."""
    axes = axes_of(series)
    rows = legend(series)
    height = HEIGHT + 24 * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="wg-graph wg-chart" width="{WIDTH:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-labelledby="{prefix}-t {prefix}-d">',
        f'<title id="{prefix}-t">{escape(title)}</title>',
        f'<desc id="{prefix}-d">{escape(said(series))}</desc>',
        grid(axes, x_label, y_label),
    ]
    parts += [line(s, k, axes) for k, s in enumerate(series)]
    for row, entries in enumerate(rows):
        y = HEIGHT + 24 * row + 8
        parts += [
            f'<g class="wg-series wg-s{k % 6}{" wg-level" * series[k].level}"><path d="M{x:.0f} {y:.0f}h26"/>'
            f"{'' if series[k].level else mark(k, x + 13, y)}"
            f'<text class="wg-left" x="{x + 34:.0f}" y="{y + 4:.0f}">{escape(series[k].name)}</text></g>'
            for k, x in entries
        ]
    return "".join([*parts, "</svg>"])


def axes_of(series: Sequence[Series]) -> Axes:
    """Whole powers of ten around all that is drawn."""
    xs = [x for s in series if not s.level for x in s.xs if x > 0]
    ys = [y for s in series for y in s.ys if y > 0 and math.isfinite(y)]
    x0, x1 = math.floor(math.log10(min(xs, default=1e-16))), math.ceil(math.log10(max(xs, default=1.0)))
    y0, y1 = math.floor(math.log10(min(ys, default=1e-16))), math.ceil(math.log10(max(ys, default=1.0)))
    if any(y == 0 for s in series for y in s.ys):
        y0 = min(y0 - 1, -17)
    y1 = max(min(y1, HIGHEST), y0 + 1)
    return Axes(x0, max(x1, x0 + 1), y0, y1)


def grid(axes: Axes, x_label: str, y_label: str) -> str:
    """Lines at powers of ten, their labels, and what the axes are."""
    parts = []
    bottom = HEIGHT - BOTTOM
    for e in ticks(axes.x0, axes.x1):
        x, _ = axes.at(10.0**e, 1)
        parts.append(f'<path class="wg-grid" d="M{x:.1f} {TOP:.0f}V{bottom:.0f}"/>')
        parts.append(f'<text class="wg-value" x="{x:.1f}" y="{bottom + 18:.0f}">{power(e)}</text>')
    for e in ticks(axes.y0, axes.y1):
        _, y = axes.at(1.0, 10.0**e)
        parts.append(f'<path class="wg-grid" d="M{LEFT:.0f} {y:.1f}H{WIDTH - RIGHT:.0f}"/>')
        parts.append(f'<text class="wg-value wg-right" x="{LEFT - 8:.0f}" y="{y + 4:.1f}">{power(e)}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12:.0f}">{escape(x_label)}</text>')
    middle = (TOP + bottom) / 2
    parts.append(f'<text x="16" y="{middle:.0f}" transform="rotate(-90 16 {middle:.0f})">{escape(y_label)}</text>')
    return "".join(parts)


def ticks(low: int, high: int) -> range:
    """At most about ten powers of ten."""
    step = max(1, math.ceil((high - low) / 9))
    return range(low, high + 1, step)


def power(e: int) -> str:
    """`10⁻⁸`, and `1`."""
    return "1" if e == 0 else "10" + str(e).translate(_RAISED)


def line(s: Series, k: int, axes: Axes) -> str:
    """One series: a line, and a mark at each point."""
    if s.level:
        (_, y) = axes.at(1.0, s.ys[0])
        return f'<g class="wg-series wg-level wg-s{k % 6}"><path d="M{LEFT:.0f} {y:.1f}H{WIDTH - RIGHT:.0f}"/></g>'
    points = [axes.at(x, y) for x, y in zip(s.xs, s.ys, strict=True) if x > 0 and math.isfinite(y)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    marks = "".join(mark(k, x, y) for x, y in points)
    return f'<g class="wg-series wg-s{k % 6}"><title>{escape(s.name)}</title><path d="M{path}"/>{marks}</g>'


def mark(k: int, x: float, y: float) -> str:
    """A circle, a square, a diamond, a triangle, a cross: which line it is, also without colours."""
    shapes = (
        f"M{x - 3:.1f} {y:.1f}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z",
        f"M{x - 3:.1f} {y - 3:.1f}h6v6h-6Z",
        f"M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4 -4Z",
        f"M{x:.1f} {y - 4:.1f}l4 7h-8Z",
        f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6",
        f"M{x:.1f} {y - 4:.1f}v8m-4 -4h8",
    )
    return f'<path class="wg-mark" d="{shapes[k % len(shapes)]}"/>'


def legend(series: Sequence[Series]) -> list[list[tuple[int, float]]]:
    """Rows of (series, x): as many beside one another as have room."""
    rows: list[list[tuple[int, float]]] = []
    x = WIDTH
    for k, s in enumerate(series):
        width = 34 + text_width(s.name, 12) + 24
        if x + width > WIDTH:
            rows.append([])
            x = LEFT
        rows[-1].append((k, x))
        x += width
    return rows


def said(series: Sequence[Series]) -> str:
    """What a reader who does not see the chart is told: the least value of each line, and where it is."""
    parts = []
    for s in series:
        if s.level:
            parts.append(f"{s.name}: {s.ys[0]:.1e}")
            continue
        y, x = min(((y, x) for x, y in zip(s.xs, s.ys, strict=True) if math.isfinite(y)), default=(math.nan, math.nan))
        parts.append(f"{s.name}: least {y:.1e}, at {x:.1e}")
    return "; ".join(parts) + "."
