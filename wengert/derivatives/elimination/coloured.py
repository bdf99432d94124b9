"""Local Jacobians of loops, branches and other operations that run programs: sparse, in as few products as colours.

Which results of the linear equation depend on which elements of a tangent is known by the rules of sparse derivatives;
columns without a common row are pushed through together (Curtis, Powell and Reid, 1974). So a loop that works element
by element has a diagonal Jacobian, found by one product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...core.record import record
from ...core.trace import Tracer
from ...core.types import ArrayType, shape_of, type_of
from ...errors import MemoryLimitError
from ...primitives.shape import broadcast_to, reshape
from ...transforms.batch import batch_flat
from ...transforms.tape import LinearEquation, LinearVar
from ..sparse.dependence import first_order
from ..sparse.rules import UNKNOWN
from ..sparse.structure import Structure
from .algebra import Algebra, Local
from .emit import cast, pick

Apply = Callable[[Any, list[Any]], list[Any]]  # (tangent of x, arguments of the equation) -> results


def coloured(
    eq: LinearEquation, x: LinearVar, algebra: Algebra, apply: Apply
) -> Iterator[tuple[LinearVar, LinearVar, Local, Any]] | None:
    """The edges from x, by colours; None where unit vectors are as few."""
    sizes = [ArrayType(y.shape, float).size for y in eq.outs]
    n, m = ArrayType(x.shape, float).size, sum(sizes)
    if min(n, m) < 2:
        return None
    try:
        found = structure_of(eq, x, apply)
    except MemoryLimitError:
        return None
    if 2 * found.nnz > n * m:  # no two columns would have one colour
        return None
    structure = Structure(found)
    colours = structure.colouring("columns").way.columns
    k = int(colours.max(initial=-1)) + 1
    if k >= min(n, m):
        return None
    products = compressed(eq, x, apply, colours, k)
    return edges(eq, x, algebra, structure.pattern, colours, products)


def structure_of(eq: LinearEquation, x: LinearVar, apply: Apply) -> Any:
    """A sparse boolean matrix: results by elements of x, whatever the traced values in the equation are."""
    traced = [a for a in eq.args if isinstance(a, Tracer)]

    def f(x_dot: Any, *values: Any) -> list[Any]:
        given = dict(zip(map(id, traced), values, strict=True))
        return apply(x_dot, [given.get(id(a), a) for a in eq.args])

    types = [ArrayType(x.shape, x.dtype), *map(type_of, traced)]
    active = [True] + [False] * len(traced)
    return first_order(record(f, types), active, [UNKNOWN] * len(types))


def compressed(eq: LinearEquation, x: LinearVar, apply: Apply, colours: Any, k: int) -> list[Any]:
    """For each result, the products with the sums of the unit vectors of each colour: (k, *y.shape)."""
    seeds = np.zeros((k, colours.size), x.dtype)
    used = np.flatnonzero(colours >= 0)
    seeds[colours[used], used] = 1
    outs, on = batch_flat(lambda e: apply(e, list(eq.args)), k, [seeds.reshape(k, *x.shape)], [True])
    return [y if b else broadcast_to(y, shape=(k, *shape_of(y))) for y, b in zip(outs, on, strict=True)]


def edges(
    eq: LinearEquation, x: LinearVar, algebra: Algebra, pattern: Any, colours: Any, products: list[Any]
) -> Iterator[tuple[LinearVar, LinearVar, Local, Any]]:
    """Each result's entries, picked from its products."""
    start = 0
    for y, product in zip(eq.outs, products, strict=True):
        m, k = ArrayType(y.shape, float).size, shape_of(product)[0]
        rows, cols = pattern[start : start + m].nonzero()
        start += m
        order = np.lexsort((cols, rows))
        rows, cols = rows[order].astype(np.int64), cols[order].astype(np.int64)
        flat = cast(reshape(product, shape=(k * m,)), y.dtype)
        yield (
            x,
            y,
            algebra.local(algebra.pattern(m, pattern.shape[1], rows, cols)),
            pick(flat, k * m, colours[cols] * m + rows),
        )
