"""Convolution of sequences: by a short one written out, the ends of the result apart; by a long one added up."""

from __future__ import annotations

from ...core.program import Equation
from ..loops.ir import UNROLL, Axis, View
from .index import part
from .lowering import Lowering, axes_of, lowers


def flipped(v: View) -> View:
    """The last axis backwards."""
    n, step = v.shape[-1], v.strides[-1]
    return View(v.buffer, v.shape, v.const + (n - 1) * step, (*v.strides[:-1], -step), v.terms)


def piece(x: View, start: int, count: int) -> View:
    """A part of the last axis."""
    return part(x, (*((0, n, 1) for n in x.shape[:-1]), (start, count, 1)))


def slide(low: Lowering, a: View, v: View, y: View) -> None:
    """y_k += sum_j a_(k+j) v_j."""
    lead, (k,), (j,) = (axes_of(s) for s in (y.shape[:-1], y.shape[-1:], v.shape[-1:]))
    moved = View(a.buffer, (*a.shape[:-1], *y.shape[-1:], *v.shape[-1:]), a.const, (*a.strides, a.strides[-1]), a.terms)
    operands = [moved.ref([*lead, k, j]), v.ref([*lead, j])]
    low.nest([*lead, k, j], y.ref([*lead, k]), "mul", operands, accumulate="add")


def spread(low: Lowering, a: View, v: View, y: View) -> None:
    """y_(k+j) += a_k v_j: for each j along all k."""
    for j in range(v.shape[-1]) if v.shape[-1] <= UNROLL else (None,):
        lead, (k,) = axes_of(a.shape[:-1]), axes_of(a.shape[-1:])
        at: Axis | int = Axis(v.shape[-1]) if j is None else j
        shape = (*y.shape[:-1], *v.shape[-1:], *a.shape[-1:])
        moved = View(y.buffer, shape, y.const, (*y.strides, y.strides[-1]), y.terms)
        operands = [a.ref([*lead, k]), v.ref([*lead, at])]
        low.nest([*lead, at, k], moved.ref([*lead, at, k]), "mul", operands, accumulate="add")


def operands_of(low: Lowering, eq: Equation) -> tuple[View, View]:
    """Both sequences in memory."""
    a, v = (low.view(x) for x in eq.inputs)
    return a, v


@lowers("correlate")
def correlate(low: Lowering, eq: Equation) -> None:
    """y_k = sum_j a_(k+j) v_j."""
    a, v = operands_of(low, eq)
    slide(low, a, v, low.zeros(eq.outputs[0]))


@lowers("convolve")
def convolve(low: Lowering, eq: Equation) -> None:
    """y_k = sum_j a_(k-j) v_j."""
    a, v = operands_of(low, eq)
    if a.shape[-1] < v.shape[-1]:
        a, v = v, a
    n, m = a.shape[-1], v.shape[-1]
    y = low.zeros(eq.outputs[0])
    if m > UNROLL:
        spread(low, a, v, y)
        return
    backwards = flipped(v)
    slide(low, a, backwards, piece(y, m - 1, n - m + 1))
    for k in range(m - 1):
        slide(low, piece(a, 0, k + 1), piece(backwards, m - 1 - k, k + 1), piece(y, k, 1))
        slide(low, piece(a, n - 1 - k, k + 1), piece(backwards, 0, k + 1), piece(y, n + m - 2 - k, 1))
