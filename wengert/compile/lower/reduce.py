"""Reductions along axes: an initial value and one accumulating statement; accumulations are loops in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.program import Equation
from ..loops.ir import Axis, Const, Position
from .lowering import RULES, Lowering, axes_of, lowers

_SIMPLE: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "prod": ("mul", lambda dtype: dtype.type(1), "copy"),
    "max": ("max", lambda dtype: lowest(dtype), "copy"),
    "min": ("min", lambda dtype: highest(dtype), "copy"),
    "all": ("and", lambda dtype: np.True_, "nonzero"),
    "any": ("or", lambda dtype: np.False_, "nonzero"),
    "count": ("add", lambda dtype: dtype.type(0), "nonzero"),
}


def lowest(dtype: np.dtype[Any]) -> Any:
    """What every number is at least."""
    if dtype.kind == "b":
        return np.False_
    return dtype.type(-np.inf) if dtype.kind == "f" else np.iinfo(dtype).min


def highest(dtype: np.dtype[Any]) -> Any:
    """What every number is at most."""
    if dtype.kind == "b":
        return np.True_
    return dtype.type(np.inf) if dtype.kind == "f" else np.iinfo(dtype).max


@lowers(*_SIMPLE)
def simple(low: Lowering, eq: Equation) -> None:
    """y = initial; y = y op x."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    op, initial, f = _SIMPLE[eq.primitive.name]
    if x.dtype.kind == "c" and eq.primitive.name in ("max", "min"):
        RULES["callback"](low, eq)
        return
    target = low.result(y)
    low.fill(target, initial(y.type.dtype))
    index = axes_of(x.shape)
    out = [a for d, a in enumerate(index) if d not in eq.params["axis"]]
    low.nest(index, target.ref(out), f, [x.ref(index)], accumulate=op)


@lowers("attained")
def attained(low: Lowering, eq: Equation) -> None:
    """Where an element equals the reduced value, or both are NaN."""
    x, y = map(low.value, eq.inputs)
    (out,) = eq.outputs
    target = low.result(out)
    index = axes_of(x.shape)
    kept = [a for d, a in enumerate(index) if d not in eq.params["axis"]]
    low.nest(index, target.ref(index), "same", [x.ref(index), y.ref(kept)])


@lowers("argmax", "argmin")
def argument(low: Lowering, eq: Equation) -> None:
    """The first place of the extreme value (or of the first NaN): best = extremum; y = min of i where x = best."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    if x.dtype.kind == "c":
        RULES["callback"](low, eq)
        return
    op, start = ("max", lowest) if eq.primitive.name == "argmax" else ("min", highest)
    axis = eq.params["axis"]
    index = axes_of(x.shape)
    kept = [a for d, a in enumerate(index) if d != axis]
    best = low.new(y.type.shape, x.dtype)
    low.fill(best, start(x.dtype))
    low.nest(index, best.ref(kept), "copy", [x.ref(index)], accumulate=op)
    target = low.result(y)
    low.fill(target, np.int64(x.shape[axis]))
    again = axes_of(x.shape)
    kept = [a for d, a in enumerate(again) if d != axis]
    along = again[axis]
    place = Position(along) if isinstance(along, Axis) else Const(np.int64(0))
    operands = [x.ref(again), best.ref(kept), place, Const(np.int64(x.shape[axis]))]
    low.nest(again, target.ref(kept), "place_of", operands, accumulate="min")
