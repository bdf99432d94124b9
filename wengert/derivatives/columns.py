"""Dense Jacobians of flat functions: unit vectors pushed forward or pulled back, so many at a time under vmap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..control import map as each_row
from ..core.trace import Tracer, recording
from ..core.types import ArrayType, Shape, dtype_of, shape_of
from ..primitives import elementwise as ew
from ..primitives.index import along, slice_
from ..primitives.join import concatenate
from ..primitives.shape import broadcast_to, reshape, transpose
from ..transforms.batch import BatchTrace, batch_flat
from ..transforms.jvp import jvp_flat
from ..transforms.linearize import linearize_flat
from ..transforms.program import live_equations
from ..transforms.tape import run_tape
from ..transforms.transpose import transpose_tape
from .mode import Linearised

Blocks = list[list[Any]]  # blocks[i][j] = d y_i / d x_j, of shape (*y_i.shape, *x_j.shape)
Flat = Callable[..., Sequence[Any]]
Run = Callable[[Any], list[Any]]  # one unit vector -> the derivative along it, of each leaf


def linearised(f: Flat, primals: Sequence[Any], owner: Any = None) -> Linearised:
    """Run the function once; its derivative as a tape."""
    values, tape, ins, nodes = linearize_flat(f, primals, owner)
    tape.equations = live_equations(tape, nodes)  # tangents of what no result needs would be computed as well
    return Linearised(primals, values, tape, ins, nodes)


# the two modes ---------------------------------------------------------------------------------------------------
def pushed(f: Flat, primals: Sequence[Any], chunk: int | None, owner: Any = None) -> tuple[list[Any], Blocks]:
    """Column by column: J e_j, running f with the tangents, once for each chunk: nothing is kept for later."""
    columns: list[list[Any]] = []
    values: list[Any] = [] if primals else list(f())
    for j, x in enumerate(primals):

        def push(e: Any, j: int = j) -> list[Any]:
            ys, y_dots = jvp_flat(f, primals, _only(e, j, len(primals)), owner)
            if not values:
                values[:] = ys
            return [zeros_if_none(d, y) for d, y in zip(y_dots, ys, strict=True)]

        columns.append([rows_last(d, x) for d in along_units(push, x, chunk, owner)])
    return values, transposed(columns, len(values))


def columns_of(at: Linearised, chunk: int | None, owner: Any = None) -> Blocks:
    """Column by column: J e_j, by running the linear program."""
    columns = []
    for j, x in enumerate(at.primals):

        def push(e: Any, j: int = j) -> list[Any]:
            with np.errstate(all="ignore"):  # infinite slopes are no news
                y_dots = run_tape(at.tape, at.ins, at.nodes, _only(e, j, len(at.ins)))
            return [zeros_if_none(d, y) for d, y in zip(y_dots, at.values, strict=True)]

        columns.append([rows_last(d, x) for d in along_units(push, x, chunk, owner)])
    return transposed(columns, len(at.values))


def rows_of(at: Linearised, chunk: int | None, owner: Any = None) -> Blocks:
    """Row by row: e_i^T J, by running the linear program backwards."""
    rows = []
    for i, y in enumerate(at.values):

        def pull(e: Any, i: int = i) -> list[Any]:
            x_bars = transpose_tape(at.tape, at.ins, at.nodes, _only(e, i, len(at.values)))
            return [zeros_if_none(x_bar, x) for x_bar, x in zip(x_bars, at.primals, strict=True)]

        pulled = along_units(pull, y, chunk, owner)
        rows.append([reshape(r, shape=(*shape_of(y), *shape_of(r)[1:])) for r in pulled])
    return rows


def _only(e: Any, j: int, n: int) -> list[Any]:
    """The vector e in the j-th leaf, symbolic zeros in the others."""
    return [e if k == j else None for k in range(n)]


def transposed(columns: Sequence[Sequence[Any]], rows: int) -> Blocks:
    """Blocks by argument and result, by result and argument."""
    return [[column[i] for column in columns] for i in range(rows)]


# unit vectors, in chunks -----------------------------------------------------------------------------------------
def along_units(run: Run, like: Any, chunk: int | None, owner: Any = None) -> list[Any]:
    """`run` of each unit vector of the space of `like`, stacked: (n, ...) for each leaf. chunk: so many at a time."""
    n = size_of(like)
    step = n if chunk is None else min(chunk, n)
    if step == n:
        return _at_once(run, units(like, 0, n), owner)
    if recording.get() is not None:
        return _looped(run, like, n, step, owner)
    parts = [_at_once(run, units(like, i, min(step, n - i)), owner) for i in range(0, n, step)]
    return [concatenate(*leaf, axis=0) for leaf in zip(*parts, strict=True)]


def _at_once(run: Run, seeds: Any, owner: Any) -> list[Any]:
    size = shape_of(seeds)[0]
    outs, batched = batch_flat(run, size, [seeds], [True], owner)
    return [y if on else broadcast_to(y, shape=(size, *shape_of(y))) for y, on in zip(outs, batched, strict=True)]


def _looped(run: Run, like: Any, n: int, step: int, owner: Any) -> list[Any]:
    """In a program that is recorded: one loop over the chunks, the last of which may have units too many."""
    place = np.arange(n) - np.arange(step)[:, None]

    def chunk(start: Any) -> list[Any]:
        here = ew.equal(place, broadcast_to(start, shape=(step, n)))
        seeds = reshape(ew.convert(here, dtype=dtype_of(like)), shape=(step, *shape_of(like)))
        return _at_once(run, seeds, owner)

    stacked = each_row(chunk, np.arange(0, n, step))
    flat = [reshape(y, shape=(shape_of(y)[0] * step, *shape_of(y)[2:])) for y in stacked]
    return [slice_(y, index=along(0, shape_of(y), (0, n, 1))) for y in flat]


def units(like: Any, start: int, count: int) -> Any:
    """The unit vectors start, ..., start + count - 1 of the space of `like`, stacked."""
    e = np.zeros((count, size_of(like)), dtype_of(like))
    e[np.arange(count), start + np.arange(count)] = 1
    return e.reshape(count, *shape_of(like))


# pieces ----------------------------------------------------------------------------------------------------------
def size_of(x: Any) -> int:
    """Number of elements."""
    return ArrayType(shape_of(x), float).size


def rows_last(y_dot: Any, x: Any) -> Any:
    """Columns stacked first, (n, *y.shape), as a block (*y.shape, *x.shape)."""
    shape: Shape = shape_of(y_dot)
    if len(shape) > 1:
        y_dot = transpose(y_dot, axes=(*range(1, len(shape)), 0))
    return reshape(y_dot, shape=(*shape[1:], *shape_of(x)))


def zeros_if_none(tangent: Any, like: Any) -> Any:
    """A symbolic zero, materialised because it is part of a result."""
    if tangent is not None:
        return tangent
    return np.zeros(shape_of(like), dtype_of(like) if dtype_of(like).kind in "fc" else float)


def owned(x: Any) -> Any:
    """A result that shares no memory with anything else."""
    if isinstance(x, Tracer) or (isinstance(x, np.ndarray) and x.base is None and x.flags.writeable):
        return x
    return np.array(x)[()]


def lanes_around(xs: Sequence[Any]) -> int:
    """The lanes of the vmaps that are running around these values: each holds tangents of its own."""
    sizes = {}
    for x in xs:
        while isinstance(x, Tracer):
            if isinstance(x.traced_by, BatchTrace):
                sizes[x.traced_by.level] = x.traced_by.size
            x = x.value
    return int(np.prod(list(sizes.values()), dtype=int))
