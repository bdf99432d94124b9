"""Fourier transforms as passes of small butterflies, one function for each length; and crop_or_pad.

Rows are transformed where they are contiguous; many columns side by side as lanes of vectors. Lengths with a prime
factor above 13 are convolutions of other lengths (fft_chirp.py). Very long ones are NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.program import Equation
from ..loops.ir import View
from .composed import compose
from .fft_calls import columns, half_spectra, real_of, rows, signals
from .fft_chirp import TRANSFORMS, convolved_length
from .fft_plan import lanes_of, radices
from .index import part
from .lowering import RULES, Lowering, Rule, axes_of, lowers

LONGEST = 2**18  # elements: passes of longer transforms wait for memory, and tables as long would be kept


# crop_or_pad -------------------------------------------------------------------------------------------------------
@lowers("crop_or_pad")
def crop_or_pad(low: Lowering, eq: Equation) -> None:
    """The common part of x, zeros beyond it; a view where nothing is added."""
    x, y = low.view(eq.inputs[0]), eq.outputs[0]
    common = tuple((0, min(n, m), 1) for n, m in zip(x.shape, y.type.shape, strict=True))
    if all(n >= m for n, m in zip(x.shape, y.type.shape, strict=True)):
        low.assign(y, part(x, common))
    else:
        low.copy(part(x, common), part(low.zeros(y), common))


# the four primitives -----------------------------------------------------------------------------------------------
def callback_unless_native(rule: Rule) -> Rule:
    """The rule for the lengths that we transform ourselves; an empty result needs no work."""

    def checked(low: Lowering, eq: Equation) -> None:
        if 0 in eq.outputs[0].type.shape:
            low.zeros(eq.outputs[0])
        elif any((n if radices(n) else convolved_length(n)) > LONGEST for n in lengths(eq)):
            RULES["callback"](low, eq)
        elif all(radices(n) for n in lengths(eq)):
            rule(low, eq)
        else:
            compose(low, eq, TRANSFORMS[eq.primitive.name])

    return checked


def lengths(eq: Equation) -> list[int]:
    """The lengths of an equation's transforms."""
    if eq.primitive.name == "irfft":
        return [eq.params["n"]]
    shape = eq.inputs[0].type.shape
    return [shape[d] for d in eq.params.get("axes", (eq.params.get("axis"),))]


@lowers("fft", "ifft")
@callback_unless_native
def fft(low: Lowering, eq: Equation) -> None:
    """One axis after the other."""
    (x,), (y,) = map(low.view, eq.inputs), eq.outputs
    axes = sorted((d % len(x.shape) for d in eq.params["axes"]), reverse=True)
    inverse = eq.primitive.name == "ifft"
    if x.dtype != y.type.dtype and x.dtype.kind != "c":
        x = of_real_signal(low, in_dtype(low, x, real_of(y.type.dtype)), axes.pop(0), eq, inverse)
    for k, d in enumerate(axes):
        x = along_axis(low, eq, x, d, inverse, final=k == len(axes) - 1)
    low.assign(y, x)


@lowers("rfft")
@callback_unless_native
def rfft(low: Lowering, eq: Equation) -> None:
    """The spectrum of a real signal."""
    (x,), (y,) = map(low.view, eq.inputs), eq.outputs
    axis = eq.params["axis"] % len(x.shape)
    x = in_dtype(low, x, real_of(y.type.dtype))
    low.assign(y, half_spectrum(low, eq, x, axis, factor(eq, x.shape[axis], False), final=True))


@lowers("irfft")
@callback_unless_native
def irfft(low: Lowering, eq: Equation) -> None:
    """The real signal of a half spectrum."""
    (x,), (y,) = map(low.view, eq.inputs), eq.outputs
    n, axis = eq.params["n"], eq.params["axis"] % len(x.shape)
    if x.dtype.kind != "c":
        x = by_element(low, x, "convert", np.result_type(y.type.dtype, np.complex64))
    if n % 2 == 0:
        half = in_rows(low, moved(x, axis))
        found = memory(low, eq, (*half.shape[:-1], n), y.type.dtype, axis, True)
        signals(low, eq, half, found, factor(eq, n, True))
        low.assign(y, put_back(found, axis))
        return
    z = along_axis(low, eq, mirrored(low, x, axis, n), axis, True)
    low.assign(y, by_element(low, z, "real", y.type.dtype))


def factor(eq: Equation, n: int, inverse: bool) -> float:
    """What results are multiplied by."""
    norm = eq.params["norm"]
    if norm == "ortho":
        return float(1 / np.sqrt(n))
    return 1 / n if (norm == "backward") == inverse else 1.0


def in_dtype(low: Lowering, x: View, dtype: np.dtype[Any]) -> View:
    """An array in another dtype."""
    return x if x.dtype == dtype else by_element(low, x, "convert", dtype)


def by_element(low: Lowering, x: View, op: str, dtype: np.dtype[Any]) -> View:
    """An operation on each element, in new memory of a dtype."""
    y = low.new(x.shape, dtype)
    index = axes_of(x.shape)
    low.nest(index, y.ref(index), op, [x.ref(index)])
    return y


# arrays ------------------------------------------------------------------------------------------------------------
def moved(x: View, axis: int, to: int | None = None) -> View:
    """The view with an axis in another place, or last."""
    order = [d for d in range(len(x.shape)) if d != axis]
    order.insert(len(order) if to is None else to, axis)
    return View(x.buffer, tuple(x.shape[d] for d in order), x.const, [x.strides[d] for d in order], x.terms)


def put_back(x: View, axis: int) -> View:
    """The view whose last axis is in its place again."""
    return moved(x, len(x.shape) - 1, axis)


def memory(low: Lowering, eq: Equation, shape: tuple[int, ...], dtype: np.dtype[Any], axis: int, final: bool) -> View:
    """Memory for rows or columns: that of the result where this is its last step and its rows are contiguous."""
    place = low.destinations.get(eq.outputs[0])
    if final and axis == len(shape) - 1 and (place is None or place.strides[-1] == 1):
        return low.result(eq.outputs[0])
    return low.new(shape, dtype)


def along_axis(low: Lowering, eq: Equation, x: View, axis: int, inverse: bool, final: bool = False) -> View:
    """The transform along one axis. final: is it the result?"""
    real, n = real_of(x.dtype), x.shape[axis]
    scale, lanes = factor(eq, n, inverse), lanes_of(real)
    if axis != len(x.shape) - 1 and x.strides[-1] == 1 and x.shape[-1] >= lanes:
        y, behind = memory(low, eq, x.shape, x.dtype, len(x.shape) - 1, final), len(x.shape) - 2
        columns(low, eq, moved(x, axis, behind), moved(y, axis, behind), inverse, scale)
        return y
    x = in_rows(low, moved(x, axis))
    y = memory(low, eq, x.shape, x.dtype, axis, final)
    rows(low, eq, x, y, inverse, scale)
    return put_back(y, axis)


def in_rows(low: Lowering, x: View) -> View:
    """The view, or a copy, in which the last axis is contiguous."""
    return x if x.strides[-1] == 1 or x.shape[-1] == 1 else low.copy(x)


def half_spectrum(low: Lowering, eq: Equation, x: View, axis: int, scale: float, final: bool = False) -> View:
    """The spectrum of real numbers along one axis up to the middle frequency. final: is it the result?"""
    dtype, n = np.result_type(x.dtype, np.complex64), x.shape[axis]
    x = in_rows(low, moved(x, axis))
    if n % 2:
        whole = low.new(x.shape, dtype)
        rows(low, eq, by_element(low, x, "convert", dtype), whole, False, scale)
        return put_back(first_of(whole, n // 2 + 1), axis)
    y = memory(low, eq, (*x.shape[:-1], n // 2 + 1), dtype, axis, final)
    half_spectra(low, eq, x, y, scale)
    return put_back(y, axis)


def first_of(x: View, n: int) -> View:
    """The first elements along the last axis."""
    return View(x.buffer, (*x.shape[:-1], n), x.const, x.strides, x.terms)


def of_real_signal(low: Lowering, x: View, axis: int, eq: Equation, inverse: bool) -> View:
    """The whole spectrum of real numbers: one half is the mirror image of the other."""
    n = x.shape[axis]
    return mirrored(low, half_spectrum(low, eq, x, axis, factor(eq, n, inverse)), axis, n, inverse)


def mirrored(low: Lowering, half: View, axis: int, n: int, conjugate: bool = False) -> View:
    """The spectrum of a real signal, or its conjugate, of which elements 0 to n // 2 are known. The first one, and the
    middle one of an even length, are real for such a signal, and count as real."""
    shape = (*half.shape[:axis], n, *half.shape[axis + 1 :])
    y = low.new(shape, half.dtype)
    k = half.shape[axis]
    for start, count, op in ((0, k, "conj" if conjugate else "copy"), (k, n - k, "copy" if conjugate else "conj")):
        lead = [(0, m, 1) for m in shape[:axis]]
        target = part(y, (*lead, (start, count, 1)))
        source = part(half, (*lead, (0, k, 1) if start == 0 else (n - k, count, -1)))
        index = axes_of(target.shape)
        low.nest(index, target.ref(index), op, [source.ref(index)])
    return y
