"""Rows of alike nests become one nest with more axes: the copies of a window that a program has written one by one.

    for i: y[25 i] = x[i];  for i: y[25 i + 1] = x[i + 1];  ...      ->      for i, k: y[25 i + k] = x[i + k]

The places where they begin go in equal steps, of one level (1, 2, 3 ...) or of several (1, 2, 3, 29, 30, 31 ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..lower.lowering import ordered
from .ir import Axis, Block, Const, Nest, Operand, Position, Ref, Stmt, blocks

FEWEST = 9  # nests: what fewer of them add to neighbours goes through a window, see emit/windows.py

Starts = tuple[int, ...]  # where the references of a nest begin


def reroll(block: Block) -> None:
    """Rewrite a block's nests before they are fused, in place, and those of the blocks in it."""
    nodes: list[Any] = []
    at = 0
    while at < len(block.nodes):
        row = alike_from(block.nodes, at)
        steps = regular([starts(n.stmt) for n in row]) if len(row) >= FEWEST else None
        nest = rolled(row[0], steps) if steps is not None else None
        nodes += row if nest is None else [nest]
        at += len(row)
    block.nodes = nodes
    for node in block.nodes:
        for inner in blocks(node):
            reroll(inner)


def alike_from(nodes: Sequence[Any], at: int) -> list[Any]:
    """The node at a place and those after it that differ from it in nothing but where their references begin."""
    first = nodes[at]
    row = [first]
    if type(first) is Nest and type(first.stmt) is Stmt and independent(first.stmt):
        form = form_of(first)
        for k in range(at + 1, len(nodes)):
            node = nodes[k]
            if type(node) is not Nest or form_of(node) != form:
                break
            row.append(node)
    return row


def independent(stmt: Stmt) -> bool:
    """May a statement for other elements be done before it or after it, if they write other elements or add up?"""
    own = stmt.target.buffer
    return not any(r.buffer is own and r is not stmt.target for r in stmt.refs())


def form_of(nest: Nest) -> tuple[Any, ...]:
    """All of a nest but where its references begin."""
    stmt = nest.stmt
    place = {a: k for k, a in enumerate(nest.axes)}

    def form(x: Operand) -> Any:
        if type(x) is Const:
            return type(x.value), repr(x.value)  # 0.0 is not -0.0
        if type(x) is Position:
            return place.get(x.axis, x.axis), x.offset, x.step
        assert type(x) is Ref
        terms = tuple((place.get(a, a), c) for a, c in x.terms)
        return x.buffer, terms, x.indirect

    extents = tuple(a.extent for a in nest.axes)
    operands = tuple(map(form, (stmt.target, *stmt.operands)))
    return type(stmt), stmt.op, stmt.accumulate, tuple(stmt.params.items()), extents, operands


def starts(stmt: Stmt) -> Starts:
    """Where the references of a statement begin."""
    return tuple(x.const for x in (stmt.target, *stmt.operands) if type(x) is Ref)


def regular(places: Sequence[Starts]) -> list[tuple[int, Starts]] | None:
    """The levels of a regular row of places, outermost first: how many places, and the step from one to the next."""
    if len(places) == 1:
        return []
    step = difference(places[1], places[0])
    n = 1
    while n < len(places) and difference(places[n], places[n - 1]) == step:
        n += 1
    if len(places) % n:
        return None
    for k in range(0, len(places), n):
        if any(difference(places[k + j], places[k + j - 1]) != step for j in range(1, n)):
            return None
    outer = regular(places[::n])
    return None if outer is None else [*outer, (n, step)]


def difference(p: Starts, q: Starts) -> Starts:
    """p - q."""
    return tuple(a - b for a, b in zip(p, q, strict=True))


def rolled(first: Nest, levels: Sequence[tuple[int, Starts]]) -> Nest | None:
    """One nest for all; None where it would write an element more than once."""
    stmt = first.stmt
    axes = [Axis(n) for n, _ in levels]
    begin, levels = forwards(starts(stmt), levels)
    moves, consts = iter(zip(*(step for _, step in levels), strict=True)), iter(begin)

    def moved(x: Operand) -> Operand:
        if type(x) is not Ref:
            return x
        const, terms = next(consts), list(x.terms)
        for axis, c in zip(axes, next(moves), strict=True):
            terms += [(axis, c)] if c else []
        return x._replace(const=const, terms=tuple(terms))

    target, *operands = (moved(x) for x in (stmt.target, *stmt.operands))
    assert type(target) is Ref
    every = [*first.axes, *axes]
    if not stmt.accumulate and not distinct(target, every):
        return None
    made = Stmt(target, stmt.op, operands, params=stmt.params, accumulate=stmt.accumulate, eq=stmt.eq)
    return Nest(ordered(every, made), made)


def forwards(begin: Starts, levels: Sequence[tuple[int, Starts]]) -> tuple[Starts, list[tuple[int, Starts]]]:
    """The same places with the levels whose targets go backwards turned round: adjoints come in reverse."""
    turned = []
    for n, step in levels:
        if step[0] < 0:
            begin = tuple(x + (n - 1) * c for x, c in zip(begin, step, strict=True))
            step = tuple(-c for c in step)
        turned.append((n, step))
    return begin, turned


def distinct(target: Any, axes: Sequence[Axis]) -> bool:
    """Does each combination of the axes' values name another element?"""
    reach = 0
    for size, n in sorted((abs(target.coefficient(a)), a.extent) for a in axes):
        if type(n) is not int or size <= reach:
            return False
        reach += size * (n - 1)
    return not target.indirect
