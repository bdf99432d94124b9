"""An explanation as one HTML page that needs nothing else: no network, no program, no file beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from . import comparison_tables as compare
from . import prose
from .fold import Fold, Folded
from .formulas import barred, dotted
from .graph import Derivatives, Graph, extended_graph, list_graph, short_value
from .svg import Picture, asset, variables
from .tables import Tables, code, counted

if TYPE_CHECKING:
    from .explanation import Explanation

DRAWINGS = 40  # pictures of what is in boxes, in one graph
DEPTH = 4
FEW = 4  # arguments and results in the head of the page
STEPS = 400  # a longer list is not stepped through
EXTENDED = 20_000  # equations: the derivative of a longer program is not drawn


def page(explanation: Explanation) -> str:
    """The whole document."""
    name = escape(explanation.name)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} explained</title><style>{style()}</style></head>"
        f'<body class="wengert" id="wg"><a class="wg-skip" href="#wg-main">Skip to the contents</a>'
        f"{Page(explanation, 'wg').html()}</body></html>\n"
    )


def fragment(explanation: Explanation) -> str:
    """The same for a notebook: under ids of its own, beside other explanations."""
    prefix = f"wg{os.urandom(4).hex()}"
    body = Page(explanation, prefix, "div").html()
    rules = style().replace(".wengert ", f"#{prefix} ")  # under an id, they outweigh the notebook's own
    return f'<style>{rules}</style><div class="wengert" id="{prefix}">{body}</div>'


def style() -> str:
    """Colours, pictures, page."""
    light, dark = (f"{variables(on)}color-scheme:{'dark' if on else 'light'}" for on in (False, True))
    notebook = 'body[data-jp-theme-light="{}"] .wengert'
    chosen = ".wengert.wengert[data-theme={}]"  # by the switch: goes before what the notebook says
    return (
        f".wengert{{{light}}}@media(prefers-color-scheme:dark){{.wengert{{{dark}}}}}"
        f"{notebook.format('true')},body.vscode-light .wengert,{chosen.format('light')}{{{light}}}"
        f"{notebook.format('false')},body.vscode-dark .wengert,{chosen.format('dark')}{{{dark}}}"
        + asset("graph.css")
        + asset("style.css")
    )


class Page:
    """The sections of a page. prefix: of all ids; main: the element that holds the sections."""

    def __init__(self, explanation: Explanation, prefix: str, main: str = "main") -> None:
        self.e, self.prefix, self.main = explanation, prefix, main
        self.tables = Tables(prefix)
        self.pictures = 0

    def html(self) -> str:
        """Head, contents, sections, data and script."""
        sections = list(self.sections())
        contents = "".join(f'<li><a href="#{self.prefix}-{key}">{escape(title)}</a></li>' for key, title, _ in sections)
        body = "".join(
            f'<section id="{self.prefix}-{key}" aria-labelledby="{self.prefix}-{key}-h">'
            f'<h2 id="{self.prefix}-{key}-h">{escape(title)}</h2>{html}</section>'
            for key, title, html in sections
        )
        data = json.dumps(self.data()).replace("<", "\\u003c")
        return (
            f'<div class="wg-frame">{self.header()}'
            f'<nav aria-label="Contents"><ol>{contents}</ol></nav>'
            f'<{self.main} id="{self.prefix}-main">{body}</{self.main}></div>'
            f'<script type="application/json" class="wg-data">{data}</script>'
            f'<script>{asset("script.js").strip()}(document.getElementById("{self.prefix}"));</script>'
        )

    def header(self) -> str:
        """The function, the point, the value and the gradient."""
        point, rows = self.e.point, self.e.reverse.gradient
        at = ", ".join(f"{p} = {short_value(x)}" for p, x in list(zip(point.paths, point.leaves, strict=True))[:FEW])
        bars = [(p, g) for p, g in zip(point.paths, rows, strict=True) if g is not None]
        gradient = ", ".join(f"{barred(p)} = {short_value(g)}" for p, g in bars[:FEW])
        results = [n for n in self.e.nodes if n.output]
        value = ", ".join(f"{n.name} = {short_value(n.value)}" for n in results[:FEW])
        more = " …" if len(point.paths) > FEW else ""
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.e.notes)
        return (
            f"<header><div><h1>{code(self.e.name)} and its derivatives</h1>"
            f'<p class="wg-at">at {code(at + more)}</p>'
            f'<p class="wg-at">value {code(value)}<br>adjoints of the inputs '
            f'<span class="wg-adj">{code(gradient + more)}</span></p>'
            + (f'<ul class="wg-notes">{notes}</ul>' if notes else "")
            + '</div><button type="button" class="wg-theme" aria-pressed="false" hidden>Dark colours</button></header>'
        )

    def sections(self) -> Iterator[tuple[str, str, str]]:
        """Key, title and HTML of each."""
        e = self.e
        yield "list", "Wengert list", prose.LIST + self.tables.wengert_list(e.nodes)
        yield "forward", "Forward mode", prose.FORWARD + self.tables.forward(e.forward)
        yield "reverse", "Reverse mode", prose.REVERSE + self.tables.reverse(e.reverse)
        yield "graph", "Graph", self.graph()
        yield "extended", "Extended graph", self.extended()
        yield "methods", "Five methods", prose.METHODS + compare.methods_table(self.tables, e.methods)
        yield "curve", "Error against step", self.curve()
        yield "cost", "Cost", prose.COST + compare.cost_table(self.tables, e.cost)

    # pictures ----------------------------------------------------------------------------------------------------
    def graph(self) -> str:
        """The computational graph."""
        return prose.GRAPH + self.picture(self.e.graph, "g", 0, [DRAWINGS])

    def extended(self) -> str:
        """The graph of the derivative, and the player that goes through it."""
        count = len(self.e.point.straight.equations)
        if count > EXTENDED:
            return f"<p>The function has {count:,} equations; above {EXTENDED:,} its derivative is not drawn here.</p>"
        steps = len(self.steps())
        player = prose.PLAYER.format(steps=steps, start=escape(prose.START)) if steps else ""
        return prose.EXTENDED + legend() + player + self.picture(self.e.extended_graph, "x", 0, [DRAWINGS], " wg-stage")

    def picture(self, picture: Picture, name: str, depth: int, budget: list[int], kind: str = "") -> str:
        """A picture in a frame that scrolls, and after it those of what is in its boxes."""
        self.pictures += 1
        number = self.pictures
        prefix = f"{self.prefix}-{name}"
        inner = picture.opening() if depth < DEPTH else []
        drawn: list[tuple[int, int, Folded]] = []
        for k, folded in inner:
            if budget[0]:
                budget[0] -= 1
                drawn.append((k, len(drawn), folded))
        links = {k: f"{prefix}-{n}" for k, n, _ in reversed(drawn)}
        svg = picture.svg(prefix, links, alone=False)
        label = escape(f"Picture {number}: {picture.title}")
        parts = [f'<div class="wg-scroll wg-drawing{kind}" role="region" aria-label="{label}" tabindex="0">{svg}</div>']
        for k, n, folded in drawn:
            parts.append(self.opened(picture, k, f"{name}-{n}", folded, depth, budget))
        if len(drawn) < len(inner):
            parts.append(f'<p class="wg-muted">{counted(len(inner) - len(drawn), "further box")} not drawn.</p>')
        return "".join(parts)

    def opened(self, picture: Picture, k: int, name: str, folded: Folded, depth: int, budget: list[int]) -> str:
        """What is in a box, folded away."""
        box, title = picture.graph.nodes[k], folded.graph.title
        name_of_box = picture.graph.label(box).name
        text = title if name_of_box in title else f"{name_of_box}: {title}"
        if isinstance(box, Fold):
            text = title[0].upper() + title[1:]
        inner = self.picture(Picture(folded), name, depth + 1, budget)
        return f'<details class="wg-opens" id="{self.prefix}-{name}"><summary>{escape(text)}</summary>{inner}</details>'

    def curve(self) -> str:
        """The chart, its numbers, and what does not apply."""
        if not self.e.directions:
            return "<p>The arguments have no elements: there is no direction to take a step in.</p>"
        curve = self.e.curve
        chart = compare.curve_chart(curve, f"{self.prefix}-chart")
        notes = "".join(f"<li>{escape(f'{x.scheme}: {x.note}')}</li>" for x in curve.lines if x.note)
        return (
            f"{prose.CURVE}<p>Truth: {escape(curve.reference)}.</p>"
            f'<div class="wg-scroll wg-drawing" role="region" aria-label="Chart of errors" tabindex="0">{chart}</div>'
            + (f'<ul class="wg-notes">{notes}</ul>' if notes else "")
            + f'<details class="wg-opens"><summary>The chart’s numbers</summary>'
            f"{compare.curve_table(self.tables, curve)}</details>"
        )

    # for the script ----------------------------------------------------------------------------------------------
    def data(self) -> dict[str, Any]:
        """near: of each node, those that it uses and its users; steps: what the player says."""
        near: dict[int, list[int]] = {}
        for node in self.e.nodes:
            for parent in node.parents:
                near.setdefault(node.number, []).append(parent)
                near.setdefault(parent, []).append(node.number)
        return {"near": near, "steps": self.steps(), "start": prose.START}

    def steps(self) -> list[dict[str, Any]]:
        """Forward through the list, then back; empty where that would be too long."""
        rows = [r for r in self.e.forward.rows if not r.node.in_loop]
        back = [r for r in reversed(self.e.reverse.rows) if r.adjoint is not None]
        if len(rows) + len(back) > STEPS:
            return []
        steps = []
        for k, r in enumerate(rows):
            lines = [f"{r.node.name} = {r.node.expression or 'given'} = {short_value(r.node.value)}"]
            seeds = zip(self.e.directions, r.tangents, strict=True)
            dots = [f"{short_value(t)} along {d.name}" for d, t in seeds if t is not None][:3]
            rule = r.formula or f"{dotted(r.node.name)} is given"
            lines += [f"{rule} = {', '.join(dots)}"] if dots else []
            steps.append(self.step(True, r.node.number, f"Forward, {k + 1} of {len(rows)}", lines))
        for k, r in enumerate(back):
            lines = [f"{r.formula} = {short_value(r.adjoint)}"]
            steps.append(self.step(False, r.node.number, f"Reverse, {k + 1} of {len(back)}", lines))
        return steps

    @staticmethod
    def step(forward: bool, node: int, title: str, lines: list[str]) -> dict[str, Any]:
        """One stop of the player."""
        return {"forward": forward, "node": node, "title": title, "lines": lines}


def function_graph(e: Explanation) -> Graph:
    """The graph of an explanation; in its boxes, where they are few, adjoints, and tangents of an only direction."""
    made = Derivatives({}, {})
    if len(e.nodes) <= 60:
        bars = {r.node.number: r.adjoint for r in e.reverse.rows if r.adjoint is not None}
        rows = e.forward.rows if len(e.directions) == 1 else ()
        dots = {r.node.number: r.tangents[0] for r in rows if r.tangents[0] is not None}
        made = Derivatives(dots, bars)
    return list_graph(e.point, e.wengert_list, f"Computational graph of {e.name}", made)


def derivative_graph(e: Explanation) -> Graph:
    """The extended graph of an explanation."""
    return extended_graph(e.point, e.wengert_list, e.seed, f"{e.name} and its adjoint, the extended graph")


def legend() -> str:
    """What colours and lines of the extended graph mean."""
    pill = '<rect x="1" y="2" width="24" height="12" rx="{r}"/>'
    entries = [
        ("wg-primal wg-input", pill.format(r=6), "given"),
        ("wg-primal", pill.format(r=3), "computed forwards"),
        ("wg-adjoint", pill.format(r=3), "adjoint, computed backwards"),
        ("wg-edge wg-saved", '<path d="M1 8h24"/>', "a value that is saved until the backward half uses it"),
    ]
    shown = "".join(
        f'<li><svg class="wg-graph wg-swatch" width="26" height="16" aria-hidden="true">'
        f'<g class="{kind}">{shape}</g></svg>{text}</li>'
        for kind, shape, text in entries
    )
    return f'<ul class="wg-legend">{shown}</ul>'
