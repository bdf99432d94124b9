"""Shapes: broadcast_to, reshape and transpose move nothing; a reshape of what is not contiguous copies. sum adds up."""

from __future__ import annotations

from ...core.program import Equation
from ..loops.ir import Splat, View, row_major
from .lowering import Lowering, axes_of, lowers


@lowers("broadcast_to")
def broadcast_to(low: Lowering, eq: Equation) -> None:
    """Axes that are added or stretched have stride zero."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    shape = y.type.shape
    if isinstance(x, Splat):
        low.assign(y, Splat(x.value, shape, x.dtype))
        return
    lead = len(shape) - len(x.shape)
    strides = [0 if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)]
    low.assign(y, View(x.buffer, shape, x.const, [0] * lead + strides, x.terms))


@lowers("transpose")
def transpose(low: Lowering, eq: Equation) -> None:
    """The strides in another order."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    axes = eq.params["axes"]
    if isinstance(x, Splat):
        low.assign(y, Splat(x.value, y.type.shape, x.dtype))
    else:
        low.assign(y, View(x.buffer, y.type.shape, x.const, [x.strides[a] for a in axes], x.terms))


@lowers("reshape")
def reshape(low: Lowering, eq: Equation) -> None:
    """Other strides where one set of them describes the array, a copy where none does."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    shape = y.type.shape
    if isinstance(x, Splat):
        low.assign(y, Splat(x.value, shape, x.dtype))
        return
    strides = restrided(x, shape)
    if strides is None:
        x = low.copy(x)
        strides = row_major(shape)
    low.assign(y, View(x.buffer, shape, x.const, strides, x.terms))


def restrided(x: View, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides of a view under another shape, or None where there are none: groups of axes that were merged
    or split must be contiguous among themselves."""
    if x.contiguous or x.size == 0:
        return row_major(shape)
    old = [(n, s) for n, s in zip(x.shape, x.strides, strict=True) if n != 1]
    strides = [0] * len(shape)
    new = [d for d, n in enumerate(shape) if n != 1]
    i = j = 0
    while i < len(old) and j < len(new):
        first, start = i, j
        a, b = old[i][0], shape[new[j]]
        while a != b:
            if a < b:
                i += 1
                a *= old[i][0]
            else:
                j += 1
                b *= shape[new[j]]
        if any(old[k][1] != old[k + 1][1] * old[k + 1][0] for k in range(first, i)):
            return None
        step = old[i][1]
        for d in reversed(new[start : j + 1]):
            strides[d] = step
            step *= shape[d]
        i, j = i + 1, j + 1
    return tuple(strides)


@lowers("sum")
def sum_(low: Lowering, eq: Equation) -> None:
    """y = 0; y += x."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    target = low.zeros(y)
    index = axes_of(x.shape)
    out = [a for d, a in enumerate(index) if d not in eq.params["axis"]]
    low.nest(index, target.ref(out), "copy", [x.ref(index)], accumulate="add")
