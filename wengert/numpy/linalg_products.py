"""The products of numpy.linalg: multi_dot, and those that numpy has under the same or another name."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ..primitives.contract import einsum as einsum_pair
from ..primitives.contract import matmul as matmul_pair
from ..primitives.shape import reshape
from . import products
from .dispatch import implements
from .products import arrays
from .ufuncs import deliver

__all__ = [
    "cross", "diagonal", "matmul", "matrix_transpose", "multi_dot", "outer", "tensordot", "trace", "vecdot",
]  # fmt: skip


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """A B C ...: the product in the order that costs least. The first and the last may be vectors."""
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    xs = products.arrays(*arrays)
    if any(len(x.shape) != 2 for x in xs[1:-1]) or any(len(x.shape) not in (1, 2) for x in (xs[0], xs[-1])):
        raise LinAlgError("multi_dot needs matrices; the first and the last operand may be vectors")
    row, column = len(xs[0].shape) == 1, len(xs[-1].shape) == 1
    if row:
        xs[0] = reshape(xs[0], shape=(1, *xs[0].shape))
    if column:
        xs[-1] = reshape(xs[-1], shape=(*xs[-1].shape, 1))
    for a, b in itertools.pairwise(xs):
        if a.shape[1] != b.shape[0]:
            raise products.misfit("multi_dot", "neighbours must fit: (m, k), (k, n)", a.shape, b.shape)
    y = _chain(xs)
    shape = y.shape[1:] if row else y.shape
    return deliver(reshape(y, shape=shape[:-1] if column else shape) if row or column else y, True, out)


def _chain(matrices: Sequence[Any]) -> Any:
    """Dynamic programming over the splits of the chain (Cormen et al., Introduction to algorithms, 14.2)."""
    n = len(matrices)
    sizes = [m.shape[0] for m in matrices] + [matrices[-1].shape[1]]
    best = {(i, i + 1): (0, i) for i in range(n)}  # (first, last): multiplications, where to split
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k, j][0] + sizes[i] * sizes[k] * sizes[j], k) for k in range(i + 1, j)
            )

    def product(i: int, j: int) -> Any:
        k = best[i, j][1]
        return matrices[i] if j == i + 1 else matmul_pair(product(i, k), product(k, j))

    return product(0, n)


@implements(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    """y_ij = a_i b_j of vectors."""
    a, b = arrays(x1, x2)
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise ValueError(f"Input arrays must be one-dimensional, but they are {len(a.shape)}- and {len(b.shape)}-d")
    return einsum_pair(a, b, subscripts="i,j->ij")


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """sum_i conj(a_i) b_i over an axis."""
    return products.vecdot(x1, x2, axis=axis)


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    """The matrix product."""
    return products.matmul(x1, x2)


@implements(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """sum over pairs of axes."""
    return products.tensordot(x1, x2, axes=axes)


@implements(np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes swapped."""
    return np.swapaxes(x, -1, -2)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of matrices."""
    return np.diagonal(x, offset, axis1=-2, axis2=-1)


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sum of a diagonal of each matrix."""
    return np.trace(x, offset, axis1=-2, axis2=-1, dtype=dtype)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The vector product in three dimensions."""
    a, b = arrays(x1, x2)
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ValueError(f"Both input arrays must be 3-dimensional vectors, found shapes {a.shape} and {b.shape}")
    return np.cross(a, b, axis=axis)
