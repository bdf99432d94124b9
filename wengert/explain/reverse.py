"""Reverse mode as a table: the adjoint of each node as the sum of what each of its users sends to it.

The list is gone through from the last equation to the first. Each equation is linearized and transposed by the
library, one input at a time, so that what it sends to each is seen alone:

    x̄1 = v̄1*2*x1 + f̄*v4        the adjoint of x1: from v1 = x1**2, and from f = x1*v4
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from ..core.call import Call, check_tangent
from ..core.program import Equation, Literal, Var
from ..core.tree import flatten_like
from ..core.types import dtype_of, is_inexact, shape_of
from ..errors import ArgumentError, NonScalarOutputError
from ..transforms.linearize import linearize_flat
from ..transforms.transpose import transpose_tape
from .formulas import adjoint_formula, barred
from .infix import SUM, Text
from .point import Point
from .wengert_list import Node, WengertList

TERMS = 12  # contributions that are written out in a sum


class Contribution(NamedTuple):
    """What one user sends. user: the name of its (first) result, "" for the seed; node: its number; position: among the
    user's inputs; formula: `v2*f̄`; value: an array like the node's."""

    user: str
    node: int
    position: int
    formula: str
    value: Any


class ReverseRow(NamedTuple):
    """A node, its adjoint (None: zero, and never computed) and the contributions whose sum it is."""

    node: Node
    adjoint: Any
    contributions: tuple[Contribution, ...]
    formula: str


class Reverse(NamedTuple):
    """The reverse trace table, rows in the order of the list (read it from the end). seed: adjoints of the results."""

    seed: tuple[Any, ...]
    rows: tuple[ReverseRow, ...]
    gradient: tuple[Any, ...]


def seed_of(point: Point, seed: Any = None, output: Any = None) -> tuple[tuple[Any, ...], str]:
    """Adjoints of the flat results, and what they are: given, one result, or ones where there are several."""
    types = [a.value if isinstance(a, Literal) else point.values[a] for a in point.straight.outputs]
    if seed is not None and output is not None:
        raise ArgumentError(
            "explain got both output and seed",
            why="output=k is the seed that is 1 at one element of the results and 0 elsewhere",
            write="one of them",
        )
    if seed is not None:
        assert point.out_tree is not None
        leaves = flatten_like(point.out_tree, seed, "the seed")
        call = Call(point.fun, (), (), {}, False)
        checked = [check_tangent(s, y, "adjoint", k, call) for k, (s, y) in enumerate(zip(leaves, types, strict=True))]
        return tuple(checked), "the seed given"
    if output is not None:
        return _one(point, types, output)
    seeds = tuple(np.ones(shape_of(y), dtype_of(y))[()] if is_inexact(dtype_of(y)) else None for y in types)
    if all(s is None for s in seeds):
        raise NonScalarOutputError(
            f"{point.name} has no floating-point result",
            why="integers and booleans have no derivative",
            write="return what they were computed from",
        )
    return seeds, "" if sum(np.size(s) for s in seeds if s is not None) == 1 else "the sum of all results"


def _one(point: Point, values: Sequence[Any], output: Any) -> tuple[tuple[Any, ...], str]:
    """The seed that is 1 at one element of the results, counted through all of them."""
    sizes = [int(np.size(y)) for y in values]
    k = output if isinstance(output, int) and not isinstance(output, bool) else -1
    if not 0 <= k < sum(sizes):
        raise ArgumentError(
            f"output={output!r} is no element of the results of {point.name}, of which there are {sum(sizes)}",
            why="output is the number of an element, counted from 0 through all results",
            write=f"output between 0 and {sum(sizes) - 1}, or seed= with the structure of the result",
        )
    seeds: list[Any] = []
    for y, size in zip(values, sizes, strict=True):
        e = np.zeros(size, dtype_of(y))
        if 0 <= k < size:
            e[k] = 1
        seeds.append(e.reshape(shape_of(y))[()] if is_inexact(dtype_of(y)) else None)
        k -= size
    return tuple(seeds), f"element {output} of the results"


def reverse_table(point: Point, made: WengertList, seed: Sequence[Any]) -> Reverse:
    """Adjoints and contributions of all nodes that are shown."""
    program = point.straight
    sent: dict[Var, list[tuple[Equation | None, int, Any]]] = {}
    adjoints: dict[Var, Any] = {}

    def send(atom: Any, eq: Equation | None, position: int, x_bar: Any) -> None:
        if x_bar is None or atom not in made.active:
            return
        sent.setdefault(atom, []).append((eq, position, x_bar))
        adjoints[atom] = x_bar if atom not in adjoints else adjoints[atom] + x_bar

    with np.errstate(all="ignore"):
        for k, (atom, y_bar) in enumerate(zip(program.outputs, seed, strict=True)):
            send(atom, None, k, y_bar)
        for eq in reversed(program.equations):
            y_bars = [adjoints.get(v) for v in eq.outputs]
            if any(b is not None for b in y_bars):
                for position, x_bar in contributions(point.values, eq, y_bars, made.active):
                    send(eq.inputs[position], eq, position, x_bar)
    rows = [_row(node, made, sent, adjoints) for node in made.nodes]
    gradient = tuple(adjoints.get(v) for v in program.inputs)
    return Reverse(tuple(seed), tuple(rows), gradient)


def contributions(
    values: dict[Var, Any], eq: Equation, y_bars: Sequence[Any], active: Set[Var]
) -> list[tuple[int, Any]]:
    """What an equation sends to each of its inputs: each operand is a variable of its own, also where two are one."""
    xs = [a.value if isinstance(a, Literal) else values[a] for a in eq.inputs]
    moving = [k for k, a in enumerate(eq.inputs) if a in active]

    def apply(*moved: Any) -> list[Any]:
        full = list(xs)
        for k, x in zip(moving, moved, strict=True):
            full[k] = x
        outs = eq.primitive(*full, **eq.params)
        return list(outs) if eq.primitive.multiple else [outs]

    _, tape, ins, nodes = linearize_flat(apply, [xs[k] for k in moving])
    x_bars = transpose_tape(
        tape, ins, nodes, [b if n is not None else None for b, n in zip(y_bars, nodes, strict=True)]
    )
    return list(zip(moving, x_bars, strict=True))


def _row(node: Node, made: WengertList, sent: dict[Var, Any], adjoints: dict[Var, Any]) -> ReverseRow:
    entry = made.entries[node.number]
    if node.in_loop or entry.var not in adjoints:
        return ReverseRow(node, None, (), "")
    scope, parts = entry.scope, []
    terms = []
    for eq, position, x_bar in reversed(sent[entry.var]):
        if eq is None:
            text = Text(_seed_text(x_bar))
            parts.append(Contribution("", -1, position, text.text, x_bar))
        else:
            outs = [v for v in eq.outputs if v in adjoints]
            text = adjoint_formula(scope, eq, position, outs)
            user = scope.text(outs[0]).text
            parts.append(Contribution(user, scope.places.get(outs[0], -1), position, text.text, x_bar))
        terms.append(text)
    written = [t.inside(SUM) if len(terms) > 1 else t.text for t in terms[:TERMS]]
    total = " + ".join(written) + (f" + ... ({len(terms) - TERMS} more)" if len(terms) > TERMS else "")
    return ReverseRow(node, adjoints[entry.var], tuple(parts), f"{barred(node.name)} = {total}")


def _seed_text(y_bar: Any) -> str:
    if np.ndim(y_bar) == 0:
        return f"{y_bar:.6g}"
    return "1" if np.all(np.asarray(y_bar) == 1) else "seed"
