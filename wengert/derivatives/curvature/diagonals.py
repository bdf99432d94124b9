"""The diagonal of a Hessian and its sum, exactly: second Taylor coefficients along the axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.call import Call, Function
from ...core.types import dtype_of, shape_of
from ...transforms.taylor_programs import taylor_flat
from ..columns import along_units
from ..mode import check_chunk
from ..taylor import own
from .products import _real_call


def hessian_diagonal(fun: Function, x: Any, *, chunk: int | None = None) -> Any:
    """The diagonal of the Hessian, exactly: `d^2 f / dx_i^2`, in the structure of x.

    Each element is twice the second Taylor coefficient along its axis; n series of order 2, `chunk` of them at a time
    (all, unless given). Results that are arrays have one diagonal each: shape `(*y.shape, *x.shape)`. Errors as in
    `wg.taylor`.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.curvature.hessian_diagonal(lambda x: np.sum(x) ** 2 + np.sum(x**3), np.array([1.0, 2.0]))
    array([ 8., 14.])
    """
    call = _real_call(fun, x, "hessian_diagonal")
    columns = [_along(call, j, chunk) for j in range(len(call.leaves))]
    if call.out_tree is None:  # no elements
        call(*call.leaves)
    count = call.out_tree.num_leaves  # type: ignore[union-attr]
    return call.result([call.rebuild([column[i] for column in columns]) for i in range(count)])


def laplacian(fun: Function, x: Any, *, chunk: int | None = None) -> Any:
    """The sum of the unmixed second derivatives, `sum_i d^2 f / dx_i^2`: the trace of the Hessian, exactly.

    Shape of `fun(x)`. Cost and arguments as in `hessian_diagonal`.

    >>> import numpy as np
    >>> import wengert as wg
    >>> print(wg.curvature.laplacian(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0])))
    6.0
    """
    call = _real_call(fun, x, "laplacian")
    total: list[Any] | None = None
    for j, leaf in enumerate(call.leaves):
        rank = len(shape_of(leaf))
        sums = [wnp.sum(d, axis=tuple(range(-rank, 0))) if rank else d for d in _along(call, j, chunk)]
        total = sums if total is None else [a + b for a, b in zip(total, sums, strict=True)]
    return call.result(total if total is not None else [np.zeros(shape_of(y)) for y in call()])


def _along(call: Call, j: int, chunk: int | None) -> list[Any]:
    """Second derivatives along the units of one leaf: of each result an array `(*y.shape, *leaf.shape)`."""
    check_chunk(chunk)

    def second(e: Any) -> list[Any]:
        series = [[e, None] if i == j else [None, None] for i in range(len(call.leaves))]
        values, found = taylor_flat(call, call.leaves, series, 2, call.fun)
        call.check_results("hessian_diagonal", values)
        return [own(cs[1], y) * 2.0 for y, cs in zip(values, found, strict=True)]

    shape = shape_of(call.leaves[j])
    if not math.prod(shape):
        values = call(*call.leaves)
        call.check_results("hessian_diagonal", values)
        return [np.zeros((*shape_of(y), *shape), dtype_of(y)) for y in values]
    rows = along_units(second, call.leaves[j], chunk, call.fun)
    return [wnp.reshape(wnp.moveaxis(r, 0, -1), (*shape_of(r)[1:], *shape))[()] for r in rows]
