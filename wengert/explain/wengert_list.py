"""The Wengert list of a function at a point: one row a node, under the user's names, with its value."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.primitive import Constant
from ..core.program import Equation, Program, Var
from ..core.types import ArrayType, is_inexact, type_of
from ..errors import Source
from .infix import equation_text
from .loops import Body, is_loop
from .names import Naming
from .point import Group, Point
from .scope import Scope

LIMIT = 2000  # rows: of a longer list only the beginning and the end are shown


class Node(NamedTuple):
    """One variable.

    kind: "input", "constant", "equation", or "carry" and "row" (what the round of a loop is given). expression: infix
    mathematics in the names of its inputs. value: in the body of a loop, that of the first round. inputs: names;
    parents: the numbers of their
    nodes. group: what it stands in, the outermost first. output: is it a result of the
    function? active: has it a derivative?
    """

    number: int
    name: str
    kind: str
    expression: str
    value: Any
    type: ArrayType
    primitive: str
    inputs: tuple[str, ...]
    parents: tuple[int, ...]
    group: tuple[Group, ...]
    source: Source | None
    output: bool
    active: bool

    @property
    def line(self) -> str:
        """The user's line."""
        return self.source.text if self.source is not None else ""

    @property
    def in_loop(self) -> bool:
        """Does it stand in the body of a loop?"""
        return any(g.kind == "loop" for g in self.group)


class Entry(NamedTuple):
    """A node before it is written out."""

    scope: Scope
    var: Var
    kind: str
    group: tuple[Group, ...]
    equation: Equation | None = None
    body: Body | None = None


class WengertList:
    """All nodes of a point's straight program, of which `nodes` are shown.

    total: how many there are; omitted: the numbers that are not shown; scope: names, values and nodes of variables.
    """

    def __init__(self, point: Point, limit: int = LIMIT) -> None:
        program = point.straight
        naming = Naming()
        for var, path in zip(program.inputs, point.paths, strict=True):
            naming.give(var, path)
        for (var, _), name in zip(program.constants, constant_names(point), strict=True):
            naming.give(var, name)
        naming.reserve(program.equations)
        naming.results(program, result_name(point))
        self.scope = Scope(naming, point.values)
        self.active = active_variables(point)
        self.outputs = {a for a in program.outputs if isinstance(a, Var)}
        self.key = max((g.key for path in point.groups for g in path), default=0)
        self.entries: list[Entry] = []
        for var in program.inputs:
            self._enter(Entry(self.scope, var, "input", ()))
        for var, _ in program.constants:
            self._enter(Entry(self.scope, var, "constant", ()))
        self._equations(self.scope, program, point.groups, (), 0)
        self.total = len(self.entries)
        head = self.total if self.total <= limit else limit // 2
        tail = max(head, self.total - limit // 2)
        self.omitted = range(head, tail)
        self.nodes = [self._node(k) for k in (*range(head), *range(tail, self.total))]

    def _enter(self, entry: Entry) -> None:
        entry.scope.places[entry.var] = len(self.entries)
        self.entries.append(entry)

    def _node(self, k: int) -> Node:
        scope, var, kind, group, eq, body = self.entries[k]
        inputs = list(dict.fromkeys(a for a in eq.inputs if isinstance(a, Var))) if eq is not None else []
        value = scope.values[var]
        return Node(
            k,
            scope.text(var).text,
            kind,
            expression(scope, var, eq, body),
            value,
            type_of(value),
            eq.primitive.name if eq is not None else "",
            tuple(scope.text(a).text for a in inputs),
            tuple(scope.places[a] for a in inputs if a in scope.places),
            group,
            eq.source if eq is not None else None,
            scope is self.scope and var in self.outputs,
            var in self.active,
        )

    def _equations(
        self, scope: Scope, program: Program, groups: Sequence[tuple[Group, ...]], path: tuple[Group, ...], depth: int
    ) -> None:
        """Name the results of equations, and enter those that somebody uses; after a loop's, the list of its body."""
        used = {a for eq in program.equations for a in eq.inputs} | set(program.outputs)
        bodies = {eq: Body(eq, scope, depth) for eq in program.equations if is_loop(eq)}
        for body in bodies.values():
            body.name_results()
        scope.naming.equations(program.equations)
        for eq, inner in zip(program.equations, groups, strict=True):
            body_of = bodies.get(eq)
            group = (*path, *inner)
            for var in eq.outputs:
                if var in used or len(eq.outputs) == 1:
                    self._enter(Entry(scope, var, "equation", group, eq, body_of))
            if body_of is not None and body_of.program is not None:
                self._body(body_of, group, depth)

    def _body(self, body: Body, path: tuple[Group, ...], depth: int) -> None:
        assert body.program is not None
        self.key += 1
        path = (*path, Group("loop", body.body.name, self.key, body.rounds))
        for var, kind in body.name_inputs().items():
            self._enter(Entry(body.scope, var, kind, path))
        self._equations(body.scope, body.program, body.groups, path, depth + 1)


def active_variables(point: Point) -> set[Var]:
    """The variables of the straight list that have derivatives: those through which an active input acts."""
    found = {v for v, on in zip(point.straight.inputs, point.active, strict=True) if on}
    for eq in point.straight.equations:
        if not isinstance(eq.primitive.kind, Constant) and any(a in found for a in eq.inputs):
            sets = [int(a in found) for a in eq.inputs]
            reached = eq.primitive.flows(True, *sets, **eq.params) if eq.primitive.flows else [1] * len(eq.outputs)
            found.update(v for v, on in zip(eq.outputs, reached, strict=True) if on and is_inexact(v.type.dtype))
    return found


def expression(scope: Scope, var: Var, eq: Equation | None, body: Body | None) -> str:
    """The right-hand side of a node, empty for what is given."""
    if eq is None:
        return ""
    if body is not None:
        return body.expression(var)
    text = equation_text(eq.primitive, [scope.text(a) for a in eq.inputs], eq.params).text
    return f"{text}[{eq.outputs.index(var)}]" if len(eq.outputs) > 1 else text


def result_name(point: Point) -> str:
    """What the function's result is called: like the function, or y."""
    return point.name if point.name.isidentifier() else "y"


def constant_names(point: Point) -> list[str]:
    """What the user calls the arrays that the function closes over; c1, c2, ... where that is not found."""
    try:
        outside = inspect.getclosurevars(point.fun)
        known = {**outside.globals, **outside.nonlocals}
    except (TypeError, ValueError):
        known = {}
    arrays = {name: x for name, x in known.items() if isinstance(x, np.ndarray)}
    found = []
    for k, (_, value) in enumerate(point.straight.constants):
        same = (name for name, x in arrays.items() if x.shape == value.shape and np.array_equal(x, value))
        name = next(same, f"c{k + 1}")
        arrays.pop(name, None)
        found.append(name)
    return found
