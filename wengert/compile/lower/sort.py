"""Sorting: searchsorted is a binary search in registers; orders are NumPy's (call backs)."""

from __future__ import annotations

import numpy as np

from ...core.program import Equation
from ..loops.ir import Axis, Const, Indirect, Ref, Value, View
from .lowering import RULES, Lowering, axes_of, lowers


@lowers("searchsorted")
def searchsorted(low: Lowering, eq: Equation) -> None:
    """How many elements of a sorted row stand before v: steps of halving length, without a branch."""
    a, v = low.view(eq.inputs[0]), low.value(eq.inputs[1])
    if "c" in (a.dtype.kind, v.dtype.kind) or np.result_type(a.dtype, v.dtype).name not in (
        "float64",
        "float32",
        "int64",
    ):
        RULES["callback"](low, eq)
        return
    y = low.result(eq.outputs[0])
    index = axes_of(v.shape)
    n, found = a.shape[-1], low.filled(v.shape, np.intp, np.intp(0))
    for k in reversed(range(n.bit_length())):
        found = advanced(low, eq, a, v, found, index, 2**k)
    low.copy(found, y)


def advanced(low: Lowering, eq: Equation, a: View, v: Value, found: View, index: list[Axis | int], step: int) -> View:
    """The number of elements that stand before v, known to one bit more: is the one `step` further among them?"""
    n, test = a.shape[-1], "precedes" if eq.params["side"] == "left" else "follows"

    def fresh(op: str, dtype: object, *operands: object) -> View:
        y = low.new(v.shape, dtype)
        low.nest(index, y.ref(index), op, operands)  # type: ignore[arg-type]
        return y

    further = fresh("add", np.intp, found.ref(index), Const(step))
    last = fresh("add", np.intp, found.ref(index), Const(step - 1))
    place = fresh("minimum", np.intp, last.ref(index), Const(n - 1))
    inside = fresh("less_equal", bool, further.ref(index), Const(n))
    element = fresh("copy", a.dtype, element_of(a, place.ref(index), index))
    before = fresh(test, bool, element.ref(index), v.ref(index))
    taken = fresh("logical_and", bool, before.ref(index), inside.ref(index))
    return fresh("where", np.intp, taken.ref(index), further.ref(index), found.ref(index))


def element_of(a: View, place: Ref, index: list[Axis | int]) -> Ref:
    """The element at a place of the row that belongs to an index."""
    rows = View(a.buffer, a.shape[:-1], a.const, a.strides[:-1], a.terms)
    return rows.ref(index[: len(a.shape) - 1])._replace(indirect=(Indirect(place, a.strides[-1], a.shape[-1], False),))
