"""The tables of an explanation as HTML: each in a frame of its own that scrolls, and can be reached by keyboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from .formulas import dotted
from .forward import Forward
from .graph import short_value
from .reverse import Contribution, Reverse
from .wengert_list import Node

OPENS = 400  # elements of an array that are shown when it is opened; of a larger one, its corners


class Tables:
    """Writes tables. prefix: of all ids."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.count = prefix, 0

    def table(self, caption: str, heads: Sequence[str], rows: Iterable[str]) -> str:
        """A table in its frame. A head that begins with # is that of numbers. caption, heads, rows: HTML."""
        self.count += 1
        name = f"{self.prefix}-table{self.count}"
        cells = "".join(
            f'<th scope="col" class="wg-number">{h[1:]}</th>' if h.startswith("#") else f'<th scope="col">{h}</th>'
            for h in heads
        )
        return (
            f'<div class="wg-scroll" role="region" aria-labelledby="{name}" tabindex="0"><table>'
            f'<caption id="{name}">{caption}</caption><thead><tr>{cells}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )

    # of a program ------------------------------------------------------------------------------------------------
    def wengert_list(self, nodes: Sequence[Node]) -> str:
        """What is computed, in which order."""
        heads = ["Node", "is", "#Value", "Type", "Line"]
        return self.table(
            f"Wengert list, {counted(len(nodes), 'node')}", heads, grouped(nodes, len(heads), self._list_row)
        )

    def _list_row(self, k: int, node: Node) -> str:
        said = code(node.expression) if node.expression else f'<span class="wg-muted">{given(node)}</span>'
        place = f'<span title="{escape(str(node.source))}">{node.source.line}</span>' if node.source else "–"
        line = f'{place}&ensp;<span class="wg-code wg-muted">{escape(node.line)}</span>' if node.line else place
        kind = code(str(node.type))
        cells = f'<td>{said}</td>{number(node.value)}<td>{kind}</td><td class="wg-line">{line}</td>'
        return row(node, cells, self.prefix)

    def forward(self, table: Forward) -> str:
        """Each node with its tangents."""
        seeds = [d.name for d in table.directions]
        heads = ["Node", "Tangent by the rule", "#Value"]
        heads += [f'#<span class="wg-tan">along {escape(s)}</span>' for s in seeds]
        rows = [r for r in table.rows if not r.node.in_loop]

        def each(k: int, node: Node) -> str:
            entry = rows[k]
            rule = code(entry.formula) if entry.formula else f'<span class="wg-muted">{tangent_of(node)}</span>'
            dots = "".join(number(d, zero="0") for d in entry.tangents)
            return row(node, f"<td>{rule}</td>{number(node.value)}{dots}")

        caption = f"Forward mode, {counted(len(seeds), 'direction')}" + without_loops(table.rows)
        return self.table(caption, heads, grouped([r.node for r in rows], len(heads), each))

    def reverse(self, table: Reverse) -> str:
        """Each node with its adjoint, last first: the sum of what its users send."""
        rows = [r for r in reversed(table.rows) if not r.node.in_loop]
        heads = ["Node", '#<span class="wg-adj">Adjoint</span>', "is the sum of", "#Value"]

        def each(k: int, node: Node) -> str:
            entry = rows[k]
            sums = "".join(f"<li>{contribution(c)}</li>" for c in entry.contributions)
            said = f'<ul class="wg-sum">{sums}</ul>' if sums else f'<span class="wg-muted">{unused(node)}</span>'
            return row(node, f"{number(entry.adjoint, '0')}<td>{said}</td>{number(node.value)}")

        caption = "Reverse mode, from the result to the inputs" + without_loops(table.rows)
        return self.table(caption, heads, grouped([r.node for r in rows], len(heads), each))


# rows ------------------------------------------------------------------------------------------------------------
def grouped(nodes: Sequence[Node], columns: int, each: Any) -> Iterable[str]:
    """The rows of nodes, with a row that says so where they stand in a call, a branch or a loop."""
    here: tuple[Any, ...] = ()
    for k, node in enumerate(nodes):
        if node.group != here and node.group:
            where = " › ".join(g.label for g in node.group)
            yield f'<tr class="wg-group"><td colspan="{columns}">{escape(where)}</td></tr>'
        elif node.group != here:
            yield f'<tr class="wg-group"><td colspan="{columns}">outside again</td></tr>'
        here = node.group
        yield each(k, node)


def row(node: Node, cells: str, prefix: str = "") -> str:
    """A row that is marked together with its node in the pictures."""
    name = f' id="{prefix}-n{node.number}"' if prefix else ""
    kind = ' class="wg-result"' if node.output else ""
    return f'<tr{name}{kind} data-nodes="{node.number}"><th scope="row">{escape(node.name)}</th>{cells}</tr>'


def without_loops(rows: Sequence[Any]) -> str:
    """Said where the bodies of loops are left out: their derivatives differ from round to round."""
    return "; what loops run is in the Wengert list" if any(r.node.in_loop for r in rows) else ""


def given(node: Node) -> str:
    """What a node is that no equation makes."""
    kinds = {
        "input": "given",
        "constant": "constant",
        "carry": "carried from round to round",
        "row": "this round's row",
    }
    return kinds.get(node.kind, node.kind)


def tangent_of(node: Node) -> str:
    """The tangent of a node that no equation makes."""
    return f"{dotted(node.name)} is the seed" if node.kind == "input" and node.active else "no tangent"


def unused(node: Node) -> str:
    """Why a node has no adjoint."""
    return "nothing that the result depends on" if node.active else "no derivative"


def contribution(c: Contribution) -> str:
    """`x̄1*2*x1 = 0.5, from v1`."""
    value = inline(c.value)
    source = f"from {escape(c.user)}" if c.user else "the seed"
    return f'{code(c.formula)} = {value} <span class="wg-muted">{source}</span>'


# cells -----------------------------------------------------------------------------------------------------------
def code(text: str) -> str:
    """Text of a program."""
    return f'<span class="wg-code">{escape(text)}</span>'


def number(value: Any, zero: str = "–") -> str:
    """A cell with a number, or an array that opens; zero: where there is none."""
    return f'<td class="wg-number">{inline(value, zero)}</td>'


def inline(value: Any, zero: str = "–") -> str:
    """A number; an array by its shape and norm, which opens."""
    if value is None:
        return f'<span class="wg-muted">{zero}</span>'
    text = escape(short_value(value))
    if np.ndim(value) == 0 or np.size(value) <= 3:
        return text
    with np.printoptions(precision=6, threshold=OPENS, linewidth=100, suppress=False):
        return f"<details><summary>{text}</summary><pre>{escape(str(np.asarray(value)))}</pre></details>"


def counted(n: int, what: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{n:,} {what}{'s' * (n != 1)}"
