"""Forward mode as a table: the tangent of each node for each seed direction, by the library's own jvp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Literal, Program, Var
from ..core.tree import flatten_like
from ..core.types import dtype_of, is_inexact, shape_of
from ..errors import StructureError, TangentMismatchError
from ..transforms.jvp import jvp_flat
from .formulas import dotted, tangent_formula
from .point import Point
from .wengert_list import Node, WengertList

FEW = 8  # input elements: so many unit vectors are seeds by default


class Direction(NamedTuple):
    """A seed: the tangents of the leaves of the arguments (None: zero), and what it is called."""

    name: str
    tangents: tuple[Any, ...]


class ForwardRow(NamedTuple):
    """A node, its tangent along each direction (None: zero, and never computed), and the rule: `v̇3 = 2*x1*ẋ1`."""

    node: Node
    tangents: tuple[Any, ...]
    formula: str


class Forward(NamedTuple):
    """The forward trace table. Rows of the bodies of loops have no tangents: they differ from round to round."""

    directions: tuple[Direction, ...]
    rows: tuple[ForwardRow, ...]


def default_directions(point: Point) -> tuple[Direction, ...]:
    """Each unit vector where there are few; else for each argument all of its elements together."""
    leaves = list(zip(point.paths, point.leaves, point.active, strict=True))
    if 0 < sum(np.size(x) for _, x, on in leaves if on) <= FEW:
        return tuple(unit_directions(point))
    together = [_along(point, k, np.ones(shape_of(x)), f"{path} + t") for k, (path, x, on) in enumerate(leaves) if on]
    if len(together) <= FEW:
        return tuple(together)
    tangents = tuple(np.ones(shape_of(x), dtype_of(x))[()] if on else None for _, x, on in leaves)
    return (Direction("everything + t", tangents),)


def unit_directions(point: Point) -> list[Direction]:
    """One direction for each element of the arguments that have derivatives."""
    found = []
    for k, (path, x, on) in enumerate(zip(point.paths, point.leaves, point.active, strict=True)):
        for i in np.ndindex(*shape_of(x)) if on else ():
            e = np.zeros(shape_of(x))
            e[i] = 1
            found.append(_along(point, k, e, path + (str(list(i)) if i else "")))
    return found


def _along(point: Point, k: int, tangent: Any, name: str) -> Direction:
    e = np.asarray(tangent, dtype_of(point.leaves[k]))[()]
    return Direction(name, tuple(e if j == k else None for j in range(len(point.leaves))))


def given_directions(point: Point, directions: Any) -> tuple[Direction, ...]:
    """Directions from the user: `{name: arguments' tangents}`, or a sequence of them; each like the arguments."""
    named = directions.items() if isinstance(directions, dict) else enumerate(directions, 1)
    return tuple(_given(point, str(name) if isinstance(name, str) else f"d{name}", d) for name, d in named)


def _given(point: Point, name: str, direction: Any) -> Direction:
    if len(point.traced) == 1 and not isinstance(direction, tuple):
        direction = (direction,)
    if not isinstance(direction, tuple):
        raise StructureError(
            f"direction {name} is a {type(direction).__name__}",
            why="it gives each argument a tangent",
            write="a tuple of tangents, one for each argument, in the arguments' structures",
        )
    tangents = flatten_like(point.tree, (direction, {}), f"direction {name}")
    tangents = [t for t, on in zip(tangents, point.traced, strict=True) if on]
    for path, t, x in zip(point.paths, tangents, point.leaves, strict=True):
        if shape_of(t) != shape_of(x):
            raise TangentMismatchError(
                f"direction {name} has shape {shape_of(t)} for {path}, which has shape {shape_of(x)}",
                why="a tangent has the shape of its primal",
                write="a direction with the shapes of the arguments",
            )
    return Direction(
        name,
        tuple(
            np.asarray(t, dtype_of(x))[()] if on else None
            for t, x, on in zip(tangents, point.leaves, point.active, strict=True)
        ),
    )


def forward_table(point: Point, made: WengertList, directions: Sequence[Direction]) -> Forward:
    """The tangents of all nodes, one run of forward mode for each direction."""
    shown = {made.entries[n.number].var for n in made.nodes if not n.in_loop}
    dots = [tangents(point.straight, point.leaves, d.tangents, shown) for d in directions]
    rows = []
    for node in made.nodes:
        entry = made.entries[node.number]
        here = not node.in_loop
        formula = ""
        if here and entry.equation is not None and entry.var in made.active:
            formula = f"{dotted(node.name)} = {tangent_formula(entry.scope, entry.equation, entry.var, made.active)}"
        rows.append(ForwardRow(node, tuple(d.get(entry.var) if here else None for d in dots), formula))
    return Forward(tuple(directions), tuple(rows))


def tangents(program: Program, leaves: Sequence[Any], x_dots: Sequence[Any], shown: set[Var]) -> dict[Var, Any]:
    """The tangents of these variables of a straight program; those that are zero are left out."""
    variables = [v for v in shown if is_inexact(v.type.dtype)]

    def f(*xs: Any) -> list[Any]:
        env: dict[Any, Any] = dict(program.constants)
        env.update(zip(program.inputs, xs, strict=True))
        for eq in program.equations:
            values = [a.value if isinstance(a, Literal) else env[a] for a in eq.inputs]
            outs = eq.primitive(*values, **eq.params)
            env.update(zip(eq.outputs, outs if eq.primitive.multiple else [outs], strict=True))
        return [env[v] for v in variables]

    with np.errstate(all="ignore"):
        _, y_dots = jvp_flat(f, leaves, x_dots)
    return {v: d for v, d in zip(variables, y_dots, strict=True) if d is not None}
