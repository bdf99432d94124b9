"""Sliding windows are views; they are added up place by place in the window, along all windows at once."""

from __future__ import annotations

import itertools
import math

from ...core.program import Equation
from ..loops.ir import View
from .index import part
from .lowering import Lowering, adds, axes_of, lowers

Ints = tuple[int, ...]
MOST = 32  # places, each a loop of its own; larger windows are looped over


def windowed(x: View, size: Ints, stride: Ints, dilation: Ints, count: Ints) -> View:
    """x through windows: an axis of windows moves by stride, one inside of them by dilation."""
    lead = len(x.shape) - len(size)
    last = x.strides[lead:]
    steps = [s * k for s, k in zip(last, stride, strict=True)], [s * k for s, k in zip(last, dilation, strict=True)]
    return View(x.buffer, (*x.shape[:lead], *count, *size), x.const, (*x.strides[:lead], *steps[0], *steps[1]), x.terms)


@lowers("windows")
def windows(low: Lowering, eq: Equation) -> None:
    """A view."""
    y = eq.outputs[0]
    n = len(eq.params["size"])
    count = y.type.shape[len(y.type.shape) - 2 * n : len(y.type.shape) - n]
    low.assign(y, windowed(low.view(eq.inputs[0]), **eq.params, count=count))


@adds("overlap_add")
def overlap_add(low: Lowering, eq: Equation, total: View) -> None:
    """total += y, for each place in the window."""
    y = low.view(eq.inputs[0])
    n = len(eq.params["extent"])
    shape = y.shape
    count, size = shape[len(shape) - 2 * n : len(shape) - n], shape[len(shape) - n :]
    target = windowed(total, size, eq.params["stride"], eq.params["dilation"], count)
    if 0 in shape:
        return
    places = itertools.product(*map(range, size)) if math.prod(size) <= MOST else [()]
    for place in places:
        here = (*((0, m, 1) for m in shape[: len(shape) - len(place)]), *place)
        a, b = part(target, here), part(y, here)
        index = axes_of(b.shape)
        low.nest(index, a.ref(index), "copy", [b.ref(index)], accumulate="add")
