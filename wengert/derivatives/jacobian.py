"""Dense Jacobians of flat functions: basis vectors pushed forward or pulled back, all at once under vmap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import dtype_of, shape_of
from ..primitives.shape import broadcast_to, reshape, transpose
from ..transforms.batch import batch_flat
from ..transforms.jvp import jvp_flat
from ..transforms.linearize import linearize_flat
from ..transforms.tape import run_tape
from ..transforms.transpose import transpose_tape

Blocks = list[list[Any]]  # blocks[i][j] = d y_i / d x_j, of shape (*y_i.shape, *x_j.shape)
Flat = Callable[..., Sequence[Any]]


def size_of(x: Any) -> int:
    """Number of elements."""
    return int(np.prod(shape_of(x), dtype=int))


def basis(x: Any) -> Any:
    """All unit vectors of the space of x, stacked: (n,) + x.shape."""
    n = size_of(x)
    return np.eye(n, dtype=dtype_of(x)).reshape(n, *shape_of(x))


def forward(f: Flat, primals: Sequence[Any], owner: Any = None) -> tuple[list[Any], Blocks]:
    """Column by column: J e_j for every unit vector e_j. Cost: about one evaluation of f per input element."""
    columns: list[list[Any]] = []
    values: list[Any] = []
    for j, x in enumerate(primals):

        def push(e: Any, j: int = j) -> list[Any]:
            nonlocal values
            values, y_dots = jvp_flat(f, primals, [e if k == j else None for k in range(len(primals))], owner)
            return [zeros_if_none(d, y) for d, y in zip(y_dots, values, strict=True)]

        outs, batched = batch_flat(push, size_of(x), [basis(x)], [True], owner)
        columns.append([move_last(d, on, size_of(x), x) for d, on in zip(outs, batched, strict=True)])
    return values, [list(row) for row in zip(*columns, strict=True)]


def reverse(f: Flat, primals: Sequence[Any], owner: Any = None) -> tuple[list[Any], Blocks]:
    """Row by row: e_i^T J for every unit vector e_i. Cost: a few evaluations of f per output element."""
    values, tape, ins, nodes = linearize_flat(f, primals, owner)
    return values, _pull_back(values, primals, tape, ins, nodes)


def cheapest(f: Flat, primals: Sequence[Any], owner: Any = None) -> tuple[list[Any], Blocks]:
    """One linearization, then pushed forward where there are no more inputs than outputs, else pulled back."""
    values, tape, ins, nodes = linearize_flat(f, primals, owner)
    if sum(map(size_of, primals)) > sum(map(size_of, values)):
        return values, _pull_back(values, primals, tape, ins, nodes)
    columns = []
    for j, x in enumerate(primals):

        def push(e: Any, j: int = j) -> list[Any]:
            y_dots = run_tape(tape, ins, nodes, [e if k == j else None for k in range(len(ins))])
            return [zeros_if_none(d, y) for d, y in zip(y_dots, values, strict=True)]

        outs, batched = batch_flat(push, size_of(x), [basis(x)], [True], owner)
        columns.append([move_last(d, on, size_of(x), x) for d, on in zip(outs, batched, strict=True)])
    return values, [list(row) for row in zip(*columns, strict=True)]


def _pull_back(values: Sequence[Any], primals: Sequence[Any], tape: Any, ins: Any, nodes: Any) -> Blocks:
    rows = []
    for i, y in enumerate(values):

        def pull(e: Any, i: int = i) -> list[Any]:
            x_bars = transpose_tape(tape, ins, nodes, [e if k == i else None for k in range(len(values))])
            return [zeros_if_none(x_bar, x) for x_bar, x in zip(x_bars, primals, strict=True)]

        outs, batched = batch_flat(pull, size_of(y), [basis(y)], [True])
        rows.append(
            [
                reshape(first(r, on, size_of(y)), shape=(*shape_of(y), *shape_of(x)))
                for r, on, x in zip(outs, batched, primals, strict=True)
            ]
        )
    return rows


def first(x: Any, batched: bool, size: int) -> Any:
    """A result with the batch axis first, also where all lanes agree."""
    return x if batched else broadcast_to(x, shape=(size, *shape_of(x)))


def move_last(y_dot: Any, batched: bool, size: int, x: Any) -> Any:
    """Columns stacked first, (n, *y.shape), as a Jacobian block (*y.shape, *x.shape)."""
    y_dot = first(y_dot, batched, size)
    shape = shape_of(y_dot)
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
