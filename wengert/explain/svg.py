"""Graphs as SVG: boxes as wide as their text, curves between them, colours for light and dark surroundings."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from .fold import Fold, Folded, fold, leaves
from .graph import ADJOINT, PRIMAL, Graph, Label
from .layout import Point, layout
from .measure import text_width

# name: on light paper, on dark. Text has a contrast of 4.5 to 1 or more with what it stands on.
PALETTE = {
    "paper": ("#ffffff", "#15181d"),
    "ink": ("#1c2128", "#e4e8ee"),
    "muted": ("#57606b", "#a3adb9"),
    "rule": ("#d5dae0", "#3a424d"),
    "panel": ("#f5f7f9", "#1d2229"),
    "accent": ("#1a5fb0", "#7db4f5"),
    "primal": ("#1a5fb0", "#7db4f5"),
    "primal-fill": ("#eef5fc", "#1a2838"),
    "tangent": ("#0a6b50", "#5fd3ad"),
    "tangent-fill": ("#e9f7f2", "#17302a"),
    "adjoint": ("#b0361c", "#f7977c"),
    "adjoint-fill": ("#fdf1ed", "#35221d"),
    "given": ("#6b7480", "#8d98a5"),
    "line": ("#6f7a87", "#8a95a2"),
    "saved": ("#808b98", "#77828f"),
    "focus": ("#7a3ec8", "#c9a4ff"),
    "mark": ("#fff3c4", "#4a3f14"),
}
NAME, CODE, VALUE = 13.0, 12.0, 12.0  # sizes of type
PAD, LINE = 11.0, 17.0
WIDE = 250.0  # a first line wider than this is broken before the expression
MARGIN = 8.0
MANY = 300  # equations: a box of more is not marked together with each of their rows


class Line(NamedTuple):
    """A line of text in a box: spans of (class, text)."""

    spans: list[tuple[str, str]]

    @property
    def text(self) -> str:
        """Without classes."""
        return "".join(text for _, text in self.spans)

    @property
    def width(self) -> float:
        """In pixels, at most."""
        sizes = {"name": (NAME, False), "code": (CODE, True)}
        return sum(text_width(text, *sizes.get(kind, (VALUE, False))) for kind, text in self.spans)


class Picture:
    """A graph drawn. `svg()` is the picture alone, as a file or a notebook shows it; `save` writes it."""

    def __init__(self, graph: Graph | Folded, description: str = "") -> None:
        self.folded = graph if isinstance(graph, Folded) else fold(graph)
        self.graph = self.folded.graph
        self.title = self.graph.title
        self.description = description or described(self.graph)

    @functools.cached_property
    def lines(self) -> list[list[Line]]:
        """What is written in each box."""
        return [lines_of(node, self.graph.label(node)) for node in self.graph.nodes]

    @functools.cached_property
    def sizes(self) -> list[tuple[float, float]]:
        """Width and height of each box."""
        return [box_size(node, lines) for node, lines in zip(self.graph.nodes, self.lines, strict=True)]

    def svg(self, prefix: str = "wg", links: dict[int, str] | None = None, alone: bool = True) -> str:
        """The picture. prefix: of all ids; links: for a box the id that it leads to; alone: with its colours in it."""
        nodes = self.graph.nodes
        upward = [self._upward(a, b) for a, b in self.graph.edges]
        downwards = [(b, a) if up else (a, b) for (a, b), up in zip(self.graph.edges, upward, strict=True)]
        plan = layout(self.sizes, downwards, [node.half for node in nodes])
        width, height = plan.width + 2 * MARGIN, plan.height + 2 * MARGIN
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="wg-graph" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.0f} {height:.0f}" role="{"img" if alone else "group"}" '
            f'aria-labelledby="{prefix}-t {prefix}-d">',
            f'<title id="{prefix}-t">{escape(self.title)}</title>',
            f'<desc id="{prefix}-d">{escape(self.description)}</desc>',
        ]
        if alone:
            parts.append(f"<style>{standalone_style()}</style>")
        for (a, b), up, path in zip(self.graph.edges, upward, plan.paths, strict=True):
            kind = "saved" if nodes[a].half != nodes[b].half else ("adjoint" if up else "primal")
            points = path[::-1] if up else path
            parts.append(f'<g class="wg-edge wg-{kind}" data-from="{a}" data-to="{b}">{arrow(points)}</g>')
        for k, (x, y) in enumerate(plan.centres):
            parts.append(self._box(k, x, y, prefix, (links or {}).get(k)))
        return "".join([*parts, "</svg>"])

    def _upward(self, a: int, b: int) -> bool:
        nodes = self.graph.nodes
        return bool(nodes[a].half == ADJOINT and nodes[b].half == ADJOINT)

    def _box(self, k: int, x: float, y: float, prefix: str, link: str | None) -> str:
        node, lines, (w, h) = self.graph.nodes[k], self.lines[k], self.sizes[k]
        classes = f"wg-node wg-{'adjoint' if node.half else 'primal'} wg-{node.kind}" + " wg-output" * node.output
        radius = h / 2 if node.weight == 0 else 7
        rect = f'<rect x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius:.1f}"/>'
        if isinstance(node, Fold) or (node.equation is not None and node.equation.programs):  # it opens
            rect = rect.replace("<rect", '<rect class="wg-behind" transform="translate(4 4)"') + rect
        rows, says = [], " ".join(escape(line.text) for line in lines)
        for row, line in enumerate(lines):
            base = y + (row - (len(lines) - 1) / 2) * LINE + 4.3
            spans = "".join(f'<tspan class="wg-{kind}">{escape(text)}</tspan>' for kind, text in line.spans)
            rows.append(f'<text x="{x:.1f}" y="{base:.1f}">{spans}</text>')
        rows_of = " ".join(map(str, self.table_rows(node)))
        attributes = f'data-box="{k}"' + (f' data-nodes="{rows_of}"' if rows_of else "")
        inner = f"<title>{escape(self.graph.label(node).long)}</title>{rect}{' '.join(rows)}"
        if link is not None:
            says += ": opens a picture below"
            return f'<a href="#{link}" class="{classes}" {attributes} aria-label="{says}">{inner}</a>'
        return f'<g class="{classes}" {attributes} role="img" aria-label="{says}">{inner}</g>'

    def table_rows(self, node: Any) -> list[int]:
        """The rows of the tables that a box stands for."""
        if isinstance(node, Fold) and node.weight > MANY:
            return []
        whole = self.folded.whole
        return list(dict.fromkeys(row for leaf in leaves(node) for row in whole.rows(leaf)))

    def opening(self) -> list[tuple[int, Folded]]:
        """The boxes that open, with what is in them."""
        found = []
        for k, node in enumerate(self.graph.nodes):
            if isinstance(node, Fold):
                found.append((k, self.folded.open(node)))
            else:
                found += [(k, fold(body)) for body in self.graph.bodies(node)]
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg())

    def _repr_svg_(self) -> str:
        return self.svg()


# boxes -----------------------------------------------------------------------------------------------------------
def lines_of(node: Any, label: Label) -> list[Line]:
    """`name = expression` in one line or in two; the value; tangent and adjoint, where they are known."""
    name = [("name", label.name)] if label.name else []
    code = [("code", label.expression)] if label.expression and node.kind != "outer" else []
    equals = [("plain", " = ")] if name and code else []
    lines = [Line([*name, *equals, *code])]
    if equals and lines[0].width > WIDE:
        lines = [Line(name), Line([("plain", "= "), *code])]
    lines += [Line([("value", label.value)])] if label.value else []
    derivatives = [("dot", label.tangent), ("bar", label.adjoint)]
    return lines + [Line([(kind, text)]) for kind, text in derivatives if text]


def box_size(node: Any, lines: Sequence[Line]) -> tuple[float, float]:
    """Room for the text; more at the round ends of a given value."""
    height = len(lines) * LINE + 12
    room = PAD + (height * 0.18 if node.weight == 0 else 0)
    return max(50.0, max(line.width for line in lines) + 2 * room), height


def arrow(points: Sequence[Point]) -> str:
    """A smooth curve through these points, vertical in each, with a head at its end."""
    (x, y), (xe, ye) = points[0], points[-1]
    down = 1 if ye > y else -1
    path = [f"M{x:.1f} {y:.1f}"]
    for x1, y1 in [*points[1:-1], (xe, ye - 6 * down)]:
        middle = (y + y1) / 2
        path.append(
            f"V{y1:.1f}" if abs(x1 - x) < 0.05 else f"C{x:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
        )
        x, y = x1, y1
    head = f"M{xe - 4:.1f} {ye - 7 * down:.1f}L{xe:.1f} {ye:.1f}L{xe + 4:.1f} {ye - 7 * down:.1f}Z"
    return f'<path d="{"".join(path)}"/><path class="wg-head" d="{head}"/>'


def described(graph: Graph) -> str:
    """What a reader who does not see the picture is told."""
    given = [graph.label(n).name for n in graph.nodes if n.kind == "input" and n.half == PRIMAL]
    results = [graph.label(n).name for n in graph.nodes if n.output]
    count = sum(n.weight for n in graph.nodes)
    shown = f"{count:,} equations" + (f" in {len(graph.nodes)} boxes" if count > len(graph.nodes) else "")
    text = f"Graph of {shown}, from inputs {', '.join(given[:8]) or 'none'} to {', '.join(results[:8]) or 'none'}."
    if graph.extended:
        text += " The function's half is on the left and flows downwards; adjoints are on the right and flow upwards."
    return text


# colours ---------------------------------------------------------------------------------------------------------
def asset(name: str) -> str:
    """A text that comes with the package."""
    return (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")


def variables(dark: bool) -> str:
    """The palette as CSS variables."""
    return "".join(f"--wg-{name}:{colours[dark]};" for name, colours in PALETTE.items())


@functools.cache
def standalone_style() -> str:
    """The rules of pictures with colours written out, for programs that know no CSS variables; dark where asked for."""
    rules = re.sub(r"/\*.*?\*/|\n\s*", "", asset("graph.css"), flags=re.DOTALL)

    def written(dark: bool) -> str:
        return re.sub(r"var\(--wg-([a-z-]+)\)", lambda m: PALETTE[m[1]][dark], rules)

    return f"{written(False)}@media (prefers-color-scheme:dark){{{written(True)}}}"
