"""Elementwise primitives: one statement for all elements. Their arithmetic is in emit/ops.py."""

from __future__ import annotations

import numpy as np

from ...core.primitive import REGISTRY
from ...core.program import Equation, Literal
from ...core.types import DYNAMIC
from ..emit.support import computed_in
from ..loops.ir import Splat, Value
from .contract import by_library
from .lowering import ADDING, RULES, Lowering, axes_of, lowers


@lowers("elementwise")
def elementwise(low: Lowering, eq: Equation) -> None:
    """y[i] = f(a[i], b[i], ...), scalars everywhere the same."""
    dtype = computed_in(eq)
    if dtype is None:
        RULES["callback"](low, eq)
        return
    (y,) = eq.outputs
    if DYNAMIC in y.type.shape:
        RULES["rows"](low, eq)
        return
    operands = [low.value(a) for a in eq.inputs]
    target = low.result(y)
    index = axes_of(y.type.shape)
    refs = [x.ref(index if x.shape else ()) for x in operands]
    low.nest(index, target.ref(index), eq.primitive.name, refs, {**eq.params, "computed_in": dtype})


for _primitive in REGISTRY.values():
    if _primitive.pointwise:
        RULES[_primitive.name] = elementwise


@lowers("stop_gradient")
def stop_gradient(low: Lowering, eq: Equation) -> None:
    """The same array."""
    low.assign(eq.outputs[0], low.value(eq.inputs[0]))


@lowers("convert")
def convert(low: Lowering, eq: Equation) -> None:
    """The same array where it has the dtype already."""
    (x,), (y,) = eq.inputs, eq.outputs
    value = low.value(x)
    if value.dtype == y.type.dtype:
        low.assign(y, value)
    elif isinstance(value, Splat):
        with np.errstate(all="ignore"):
            low.assign(y, Splat(np.asarray(value.value).astype(y.type.dtype)[()], value.shape, y.type.dtype))
    else:
        elementwise(low, eq)


@lowers("add")
def add(low: Lowering, eq: Equation) -> None:
    """Where a term scatters, or is a product, it is added to the other term in place."""
    terms = [k for k, a in enumerate(eq.inputs) if not isinstance(a, Literal) and a in low.deferred]
    if not terms:
        elementwise(low, eq)
        return
    k = terms[-1]
    if repeats(low.value(eq.inputs[1 - k])) and by_library(low, low.deferred[eq.inputs[k]]):  # type: ignore[index]
        elementwise(low, eq)  # a loop after the product, which fuses, rather than one before it
        return
    term, other = low.deferred.pop(eq.inputs[k]), eq.inputs[1 - k]  # type: ignore[arg-type]
    total = low.overwritten(other, eq.outputs[0], term.inputs)
    dead, low.dead = low.dead, ()
    ADDING[term.primitive.name](low, term, total)
    low.dead = dead


def repeats(x: Value) -> bool:
    """Does an array hold the same elements again and again, as one that is broadcast?"""
    return isinstance(x, Splat) or any(n > 1 and not s for n, s in zip(x.shape, x.strides, strict=True))
