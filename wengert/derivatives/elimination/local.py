"""Local Jacobians of the equations of a tape: their patterns, and their entries as constants or traced values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...core.primitive import Multilinear
from ...core.program import Literal
from ...core.trace import Tracer
from ...core.types import ArrayType, shape_of
from ...errors import MemoryLimitError
from ...primitives.shape import broadcast_to, reshape, transpose
from ...transforms.batch import batch_flat
from ...transforms.tape import LinearEquation, LinearVar, Scaled, Tape, zeros
from ...transforms.transpose import transpose_tape
from .algebra import Algebra, Local
from .coloured import coloured
from .emit import cast, pick

LARGEST = 2**24  # entries of a local Jacobian that is found column by column

Found = tuple[LinearVar, LinearVar, Local, Any]  # from, to, Jacobian, its entries (nnz,) or () where nnz = 1; or None


def local_jacobians(eq: Any, tape: Tape, algebra: Algebra) -> Iterator[Found]:
    """The edges of one equation."""
    if isinstance(eq, Scaled):
        yield from _scaled(eq, algebra)
        return
    sources = {a.index: a for a in eq.args if isinstance(a, LinearVar)}
    for x in sources.values():
        yield from _linear(eq, x, tape, algebra)


def known(value: Any) -> Any:
    """A value that does not depend on the arguments, as a plain array; None where it does."""
    if not isinstance(value, Tracer):
        return np.asarray(value)
    if not value.traced_by.level:
        return np.asarray(value.value)
    return np.asarray(value.data.value) if type(value.data) is Literal else None


# elementwise equations: diagonal matrices ------------------------------------------------------------------------
def _scaled(eq: Scaled, algebra: Algebra) -> Iterator[Found]:
    size = _size(eq)
    rows = np.arange(size)
    diagonal = algebra.pattern(size, size, rows, rows)
    for partial, residuals, x in eq.terms:
        with np.errstate(all="ignore"):
            d = partial(residuals)
        constant = known(d)
        if constant is not None and np.isfinite(constant).all():
            full = np.broadcast_to(constant.astype(float), eq.shape).reshape(-1)
            yield x, eq, algebra.local(diagonal, np.ascontiguousarray(full)), None
        else:
            if shape_of(d) != eq.shape:
                d = broadcast_to(d, shape=eq.shape)
            yield x, eq, algebra.local(diagonal), flat(d, eq.dtype)


def flat(entries: Any, dtype: np.dtype[Any]) -> Any:
    """Entries as a vector of this dtype, one entry as a scalar."""
    entries = cast(entries, dtype)
    n = ArrayType(shape_of(entries), dtype).size
    shape = () if n == 1 else (n,)
    return entries if shape_of(entries) == shape else reshape(entries, shape=shape)


# linear equations ------------------------------------------------------------------------------------------------
def _linear(eq: LinearEquation, x: LinearVar, tape: Tape, algebra: Algebra) -> Iterator[Found]:
    others = [a for a in eq.args if not isinstance(a, LinearVar | ArrayType)]
    if all(known(a) is not None for a in others):
        yield from _constant(eq, x, tape, algebra)
    elif eq.primitive.pointwise and shape_of(x) == eq.outs[0].shape:
        yield from _pointwise(eq, x, algebra)
    else:
        yield from _other(eq, x, tape, algebra)


def _other(eq: LinearEquation, x: LinearVar, tape: Tape, algebra: Algebra) -> Iterator[Found]:
    """A matrix that depends on values: entries are elements of an operand, or found by colours, or by unit vectors."""
    if isinstance(eq.primitive.kind, Multilinear):
        picked = _picked(eq, x, algebra)
        found = None if picked is None else iter([picked])
    else:
        found = coloured(eq, x, algebra, lambda x_dot, args: _applied(eq, x, x_dot, args))
    yield from _by_vectors(eq, x, tape, algebra) if found is None else found


def _applied(eq: LinearEquation, x: LinearVar, x_dot: Any, args: list[Any] | None = None) -> list[Any]:
    """The equation at a tangent of x, where all other tangents are zero."""
    given = eq.args if args is None else args
    full = [
        x_dot if a is x else zeros(ArrayType(a.shape, a.dtype)) if isinstance(a, LinearVar | ArrayType) else a
        for a in given
    ]
    out = eq.primitive(*full, **eq.params)
    return list(out) if eq.primitive.multiple else [out]


def _pulled(eq: LinearEquation, x: LinearVar, tape: Tape, k: int, y_bar: Any) -> Any:
    """The adjoint of x for an adjoint of the k-th result."""
    single = Tape()
    single.count, single.equations = tape.count, [eq]
    return transpose_tape(single, [x], [eq.outs[k]], [y_bar])[0]


def _pointwise(eq: LinearEquation, x: LinearVar, algebra: Algebra) -> Iterator[Found]:
    """One that acts element by element: its diagonal is what it makes of ones."""
    (y,) = eq.outs
    rows = np.arange(_size(y))
    diagonal = algebra.local(algebra.pattern(rows.size, rows.size, rows, rows))
    yield x, y, diagonal, flat(_applied(eq, x, np.ones(x.shape, x.dtype)[()])[0], y.dtype)


def _constant(eq: LinearEquation, x: LinearVar, tape: Tape, algebra: Algebra) -> Iterator[Found]:
    """A matrix of constants. A selection or a spread is seen from numbered elements, without its zeros."""
    plain = [known(a)[()] if isinstance(a, Tracer) else a for a in eq.args]
    eq = LinearEquation(eq.primitive, plain, eq.params, eq.outs)
    for k, y in enumerate(eq.outs):
        yield x, y, _constant_block(eq, x, tape, k, algebra), None


def _constant_block(eq: LinearEquation, x: LinearVar, tape: Tape, k: int, algebra: Algebra) -> Local:
    """The Jacobian of the k-th result."""
    y = eq.outs[k]
    m, n = _size(y), _size(x)
    index = numbering(lambda x_dot: np.asarray(_applied(eq, x, x_dot)[k]), x)
    if index is not None:
        on = index >= 0
        return _ones(algebra, m, n, np.arange(m)[on], index[on])
    index = numbering(lambda y_bar: np.asarray(_adjoint_or_zeros(eq, x, tape, k, y_bar)), y)
    if index is not None:
        on = index >= 0
        rows, cols = index[on], np.arange(n)[on]
        order = np.lexsort((cols, rows))
        return _ones(algebra, m, n, rows[order], cols[order])
    matrix = np.asarray(_columns(eq, x, k) if n <= m else _rows(eq, x, tape, k), float).reshape(m, n)
    rows, cols = np.nonzero(matrix)
    return algebra.local(algebra.pattern(m, n, rows, cols), matrix[rows, cols])


def _ones(algebra: Algebra, m: int, n: int, rows: Any, cols: Any) -> Local:
    return algebra.local(algebra.pattern(m, n, rows, cols), np.ones(rows.size))


def _adjoint_or_zeros(eq: LinearEquation, x: LinearVar, tape: Tape, k: int, y_bar: Any) -> Any:
    found = _pulled(eq, x, tape, k, y_bar)
    return np.zeros(x.shape, x.dtype) if found is None else found


def numbering(apply: Callable[[Any], np.ndarray], x: LinearVar) -> Any:
    """For a linear map that only moves elements: which element each result is (-1: zero); None for other maps.

    The numbers 1, 2, ... are moved, and random numbers to be sure that each result is one of them and not a sum.
    """
    n = _size(x)
    seen = apply((np.arange(n, dtype=x.dtype) + 1).reshape(x.shape)[()]).reshape(-1)
    with np.errstate(all="ignore"):
        index = np.rint(seen).astype(np.int64) - 1
    if index.size and (index.min() < -1 or index.max() >= n):
        return None
    numbers = np.random.default_rng(n).uniform(1.0, 2.0, n).astype(x.dtype)
    moved = apply(numbers.reshape(x.shape)[()]).reshape(-1)
    return index if np.array_equal(np.append(numbers, 0.0)[index], moved) else None


def _picked(eq: LinearEquation, x: LinearVar, algebra: Algebra) -> Found | None:
    """A product with one operand, of whose elements each entry of the matrix is one: nothing is computed."""
    (y,) = eq.outs
    m, n = _size(y), _size(x)
    others = [a for a in eq.args if not isinstance(a, LinearVar | ArrayType)]
    if len(others) != 1 or m * n > LARGEST or any(a is not x for a in eq.args if isinstance(a, LinearVar)):
        return None
    (other,) = others
    type = ArrayType(shape_of(other), x.dtype)

    def matrix(value: np.ndarray) -> np.ndarray:
        args = [value if a is other else a for a in eq.args]
        return _stacked(lambda e: _applied(eq, x, e, args), x, 0, m)

    numbers = matrix(np.arange(1, type.size + 1, dtype=type.dtype).reshape(type.shape))
    rows, cols = np.nonzero(numbers)
    if not np.array_equal(matrix(np.ones(type.shape, type.dtype))[rows, cols], np.ones(rows.size)):
        return None
    pattern = algebra.local(algebra.pattern(m, n, rows, cols))
    return x, y, pattern, pick(flat(other, y.dtype), type.size, np.rint(numbers[rows, cols]).astype(np.int64) - 1)


def _by_vectors(eq: LinearEquation, x: LinearVar, tape: Tape, algebra: Algebra) -> Iterator[Found]:
    """A dense matrix, by unit vectors: columns or rows, whichever are fewer."""
    outs = range(len(eq.outs))
    n, m = _size(x), sum(_size(y) for y in eq.outs)
    columns = _all_columns(eq, x) if n <= m else None
    for k in outs:
        y = eq.outs[k]
        matrix = columns[k] if columns is not None else _rows(eq, x, tape, k)
        yield x, y, algebra.local(algebra.full(_size(y), n)), flat(matrix, y.dtype)


def _columns(eq: LinearEquation, x: LinearVar, k: int) -> Any:
    return _stacked(lambda e: _applied(eq, x, e), x, k, _size(eq.outs[k]))


def _all_columns(eq: LinearEquation, x: LinearVar) -> list[Any]:
    return [
        _turned(y, _size(x), _size(out))
        for y, out in zip(_lanes(lambda e: _applied(eq, x, e), x), eq.outs, strict=True)
    ]


def _rows(eq: LinearEquation, x: LinearVar, tape: Tape, k: int) -> Any:
    y = eq.outs[k]
    rows = _lanes(lambda e: [_adjoint_or_zeros(eq, x, tape, k, e)], y)[0]
    return reshape(rows, shape=(_size(y), _size(x)))


def _stacked(run: Callable[[Any], list[Any]], x: LinearVar, k: int, m: int) -> Any:
    return _turned(_lanes(run, x)[k], _size(x), m)


def _turned(columns: Any, n: int, m: int) -> Any:
    """Columns that were stacked first, as an (m, n) matrix."""
    return transpose(reshape(columns, shape=(n, m)), axes=(1, 0))


def _lanes(run: Callable[[Any], list[Any]], x: LinearVar) -> list[Any]:
    """`run` at all unit vectors of the space of x together, stacked."""
    n = _size(x)
    if n * n > LARGEST:
        raise MemoryLimitError(
            f"elimination needs the local Jacobian of an operation on {n} elements, found by {n} unit vectors",
            why="the Jacobian of this operation is not known to be sparse, and is held as a dense matrix",
            write="wg.jacobian(f), which pushes vectors through the program, or a smaller problem",
        )
    unit = np.eye(n, dtype=x.dtype).reshape(n, *x.shape)
    outs, batched = batch_flat(run, n, [unit], [True])
    return [y if on else broadcast_to(y, shape=(n, *shape_of(y))) for y, on in zip(outs, batched, strict=True)]


def _size(x: Any) -> int:
    return ArrayType(shape_of(x), float).size
