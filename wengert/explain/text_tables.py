"""The tables of an explanation as plain text: titles, heads, rows of strings, for whoever prints them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import WengertError
from .graph import short_value
from .methods import Method
from .wengert_list import Node

if TYPE_CHECKING:
    from .explanation import Explanation

ROWS = 60  # of a longer table the first two thirds and the last third of so many
TEXT = 44  # characters of an expression, where text is not wrapped
WIDTH = 120  # columns of a terminal that plain text is made for


class Table(NamedTuple):
    """numbers: the columns that are set to the right; below: what is written under it."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: tuple[int, ...]
    below: tuple[str, ...] = ()


def tables(explanation: Explanation, width: int = WIDTH) -> Iterator[Table]:
    """All tables, in the order in which they are read, for a terminal of so many columns."""
    yield forward_rows(explanation, width)
    yield reverse_rows(explanation)
    yield method_rows(explanation, width)
    yield curve_rows(explanation)
    yield cost_rows(explanation)


def heading(explanation: Explanation) -> str:
    """`f at x1 = 2, x2 = 0.5`."""
    point = explanation.point
    where = [f"{path} = {short_value(x)}" for path, x in zip(point.paths, point.leaves, strict=True)]
    shown = where if len(where) <= 6 else [*where[:5], f"and {len(where) - 5} more arguments"]
    return f"{explanation.name} at {', '.join(shown)}"


# trace tables ----------------------------------------------------------------------------------------------------
def forward_rows(explanation: Explanation, width: int) -> Table:
    """The Wengert list with the tangents of forward mode; the rules where there is room for them."""
    made = explanation.forward
    columns, rules = 3, True
    if any(np.ndim(node.value) for node in explanation.nodes):  # which take more room
        columns, rules = 1, width >= 110
    directions = made.directions[:columns]
    heads = ("node", "expression", "value", *(f"along {d.name}" for d in directions), *(["tangent"] if rules else []))
    rows = []
    for k, row in abridged(made.rows):
        if row is None:
            rows.append((f"... {k} nodes", *[""] * (len(heads) - 1)))
            continue
        tangents = [shown(t) if not row.node.in_loop else "" for t in row.tangents[:columns]]
        cells = [name(row.node), expression(row.node), shown(row.node.value), *tangents]
        rows.append((*cells, row.formula) if rules else tuple(cells))
    more = len(made.directions) - columns
    below = [f"{more} more directions: explanation.forward"] if more > 0 else []
    below += group_notes(explanation.nodes)
    numbers = range(2, 3 + len(directions))
    return Table("Forward mode: values and tangents, downwards", heads, rows, tuple(numbers), tuple(below))


def reverse_rows(explanation: Explanation) -> Table:
    """The adjoints of reverse mode, from the result upwards."""
    rows: list[tuple[str, ...]] = []
    for k, row in abridged(explanation.reverse.rows[::-1]):
        if row is None:
            rows.append((f"... {k} nodes", "", ""))
        elif not row.node.in_loop:
            rows.append((row.node.name, shown(row.adjoint), row.formula))
    below = (f"starts from {explanation.seed_name}",) if explanation.seed_name else ()
    heads = ("node", "adjoint", "sum of what its users send")
    return Table("Reverse mode: adjoints, upwards", heads, rows, (1,), below)


def abridged(rows: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """The rows; of a long table the first and the last, and None with the number of those between."""
    if len(rows) <= ROWS:
        yield from enumerate(rows)
        return
    head, tail = 2 * ROWS // 3, ROWS // 3
    yield from enumerate(rows[:head])
    yield len(rows) - head - tail, None
    yield from enumerate(rows[-tail:], len(rows) - tail)


def name(node: Node) -> str:
    """A node's name, moved to the right in the bodies of loops."""
    return "  " * sum(g.kind == "loop" for g in node.group) + node.name


def expression(node: Node) -> str:
    """What a node is: its expression, or where it is from."""
    kinds = {"input": "given", "constant": "constant", "carry": "carried over", "row": "row of the round"}
    return node.expression or kinds.get(node.kind, "")


def group_notes(nodes: Sequence[Node]) -> Iterator[str]:
    """What the values of the bodies of loops are."""
    if any(node.in_loop for node in nodes):
        yield "moved to the right: the body of a loop, with the values of its first round"


def shown(value: Any) -> str:
    """A number or an array in a cell; nothing for a zero that was never computed."""
    return "0" if value is None else short_value(value)


# comparisons -----------------------------------------------------------------------------------------------------
def method_rows(explanation: Explanation, width: int) -> Table:
    """Five ways to differentiate."""
    made = explanation.methods
    columns = 1 if width < 100 else 2 if width < 130 else 3
    names = made.directions[:columns]
    heads = ("method", *(f"along {n}" for n in names), "error", "work", "time", "ops")
    rows, below = [], []
    for m in made.rows:
        if m.note:
            below.append(f"{m.scheme or m.kind}: {m.note}")
        if not m.values:
            rows.append((m.scheme or m.kind, *["-"] * (len(heads) - 1)))
            continue
        counts = [work(m), seconds(m.seconds), "" if m.size is None else f"{m.size:,}"]
        rows.append((m.scheme or m.kind, *(full(v) for v in m.values[:columns]), small(m.relative), *counts))
    truth = made.truth
    rows.append(("truth", *(t[:22] + ("..." if len(t) > 22 else "") for t in truth.texts[:columns]), *[""] * 4))
    if len(made.directions) > columns:
        below.append(f"{len(made.directions) - columns} more directions: explanation.methods")
    below.append("calls: of the function; passes: of the function with tangents, or forwards and back")
    below.append("ops: operations of the derivatives' expressions, or of the program of function and derivatives")
    below.append("error: the largest, relative to the largest derivative")
    below.append(f"truth: {truth.reference}" + because(truth.reason))
    return Table("Five ways to differentiate", heads, rows, tuple(range(1, len(heads))), tuple(below))


def because(reason: str) -> str:
    return f", since {reason}" if reason else ""


def curve_rows(explanation: Explanation) -> Table:
    """Where the error of each scheme is smallest."""
    curve = explanation.curve
    rows = []
    below = [f"{line.scheme}: {line.note}" for line in curve.lines if line.note]
    for line in curve.lines:
        if line.errors.size and not np.all(np.isnan(line.errors)):
            step, least = line.best(curve.steps)
            at = [line.errors[int(np.argmin(abs(curve.steps - h)))] for h in (1e-2, 1e-5, 1e-8, 1e-12)]
            rows.append((line.scheme, *map(small, at), small(least), f"{step:.1e}"))
    rows.append(("forward mode", *["-"] * 4, small(curve.forward), "none"))
    rows.append(("reverse mode", *["-"] * 4, small(curve.reverse), "none"))
    heads = ("scheme", "h = 1e-2", "1e-5", "1e-8", "1e-12", "smallest", "at step")
    return Table(f"Error against step, along {curve.direction}", heads, rows, tuple(range(1, 7)), tuple(below))


def cost_rows(explanation: Explanation) -> Table:
    """Operations and bytes, counted."""
    rows = []
    for r in explanation.cost.rows:
        ratios = (f"{r.operations_ratio:.3g}", f"{r.bytes_ratio:.3g}")
        rows.append((r.name, f"{r.passes:,}", f"{r.operations:,}", ratios[0], f"{r.bytes:,}", ratios[1]))
    heads = ("computed", "passes", "operations", "/ function", "bytes", "/ function")
    return Table("Cost, counted", heads, rows, tuple(range(1, 6)), mode_notes(explanation))


def mode_notes(explanation: Explanation) -> tuple[str, ...]:
    """Which mode the Jacobian is computed in, and why."""
    try:
        choice = explanation.mode
    except WengertError as error:
        return (f"Jacobian: {error.what}",)
    return (f"wg.jacobian takes {choice.mode} mode: {choice.reason}",)


def full(value: Any) -> str:
    """All digits of a floating-point number."""
    return repr(value.item() if isinstance(value, np.generic) else value).strip("()")


def small(error: float) -> str:
    """An error: `3.1e-11`; what is beneath the 50 digits of the truth counts as exact."""
    if np.isnan(error):
        return "-"
    return "exact" if error < 1e-40 else f"{error:.1e}"


def work(m: Method) -> str:
    """`3 calls of f`, `1 pass`."""
    if m.passes is not None:
        return f"{m.passes:,} pass{'es' * (m.passes != 1)}"
    return f"{m.evaluations:,} call{'s' * (m.evaluations != 1)}" if m.evaluations else ""


def seconds(t: float) -> str:
    """`12.3 µs`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / 1e-6:.3g} µs"


# plain text ------------------------------------------------------------------------------------------------------
def text(explanation: Explanation) -> str:
    """All tables, one below the other."""
    parts = [heading(explanation), *explanation.notes]
    for table in tables(explanation):
        parts += ["", *lines(table)]
    return "\n".join(parts)


def lines(table: Table) -> Iterator[str]:
    """A table in columns of even width."""
    rows = [tuple(clipped(cell) for cell in row) for row in (table.heads, *table.rows)]
    widths = [max(width(row[k]) for row in rows) for k in range(len(table.heads))]
    yield table.title
    for i, row in enumerate(rows):
        cells = [padded(cell, w, k in table.numbers) for k, (cell, w) in enumerate(zip(row, widths, strict=True))]
        yield ("  " + "  ".join(cells)).rstrip()
        if i == 0:
            yield "  " + "  ".join("-" * w for w in widths)
    for note in table.below:
        yield f"  {note}"


def clipped(cell: str) -> str:
    """A cell of at most TEXT characters."""
    return cell if width(cell) <= TEXT else cell[: TEXT - 3] + "..."


def padded(cell: str, to: int, right: bool) -> str:
    """A cell of this width."""
    space = " " * (to - width(cell))
    return space + cell if right else cell + space


def width(cell: str) -> int:
    """How many columns it takes: accents take none."""
    return sum(not unicodedata.combining(c) for c in cell)
