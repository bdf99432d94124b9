"""Sums of exponentials along axes: row loops of maximum, sum and result; SciPy's conventions at infinities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.program import Equation
from ...primitives.shape import reduced
from ..loops.ir import Value, View
from .lowering import RULES, Lowering, axes_of, lowers


class Rows:
    """An array, and the axes along which it is reduced."""

    def __init__(self, low: Lowering, a: Value, axis: tuple[int, ...]) -> None:
        self.low, self.a, self.axis = low, a, axis
        self.shape, self.row_shape = a.shape, reduced(a.shape, axis)
        self.dtype = a.dtype.type(0).real.dtype

    def ref(self, x: Value, index: list[Any]) -> Any:
        """The element of an array of the operand's shape, of reduced arrays with or without axes of length one."""
        if x.shape == self.shape:
            return x.ref(index)
        if len(x.shape) == len(self.shape):
            return x.ref([0 if d in self.axis else a for d, a in enumerate(index)])
        return x.ref([a for d, a in enumerate(index) if d not in self.axis])

    def each(self, op: str, *xs: Value, target: View | None = None) -> View:
        """op of every element."""
        y = self.low.new(self.shape, self.dtype) if target is None else target
        index = axes_of(self.shape)
        self.low.nest(index, self.ref(y, index), op, [self.ref(x, index) for x in xs])
        return y

    def row(self, op: str, *xs: Value, target: View | None = None) -> View:
        """op of reduced arrays."""
        y = self.low.new(self.row_shape, self.dtype) if target is None else target
        index: list[Any] = axes_of([1 if d in self.axis else n for d, n in enumerate(self.shape)])
        self.low.nest(index, self.ref(y, index), op, [self.ref(x, index) for x in xs])
        return y

    def reduced(self, op: str, x: Value, how: str, start: float) -> View:
        """The reduction of op(x)."""
        y = self.low.filled(self.row_shape, self.dtype, self.dtype.type(start))
        index = axes_of(self.shape)
        self.low.nest(index, self.ref(y, index), op, [x.ref(index)], accumulate=how)
        return y

    def maximum(self) -> View:
        """The largest real part."""
        return self.reduced("real", self.a, "max", -np.inf)

    def total(self, x: Value, op: str) -> View:
        """The sum of op(x)."""
        return self.reduced(op, x, "add", 0.0)


def rows(low: Lowering, eq: Equation) -> Rows:
    """The operand and its axes."""
    return Rows(low, low.value(eq.inputs[0]), eq.params["axis"])


@lowers("shift")
def shift(low: Lowering, eq: Equation) -> None:
    """What is subtracted before exp: the largest real part, and 0 where it is infinite."""
    by = rows(low, eq)
    by.row("finite_or_zero", by.maximum(), target=low.result(eq.outputs[0]))


@lowers("logsumexp", "softmax", "log_softmax")
def softmax(low: Lowering, eq: Equation) -> None:
    """log(sum exp), softmax and its logarithm, of real numbers."""
    if eq.outputs[0].type.dtype.kind != "f" or low.value(eq.inputs[0]).dtype.kind != "f":
        RULES["callback"](low, eq)
        return
    FORMS[eq.primitive.name](low, eq, rows(low, eq))


def logsumexp(low: Lowering, eq: Equation, by: Rows) -> None:
    """y = log(sum exp(a - m)) + m."""
    m = by.row("finite_or_zero", by.maximum())
    y = by.row("log", by.total(by.each("sub", by.a, m), "exp"))
    by.row("add", y, m, target=low.result(eq.outputs[0]))


def quotient(low: Lowering, eq: Equation, by: Rows) -> None:
    """y = e / sum e, e = exp(a - max a)."""
    e = by.each("exp", by.each("sub", by.a, by.maximum()))
    by.each("div", e, by.total(e, "copy"), target=low.result(eq.outputs[0]))


def log_quotient(low: Lowering, eq: Equation, by: Rows) -> None:
    """y = d - log(sum exp(d)), d = a - m."""
    d = by.each("sub", by.a, by.row("finite_or_zero", by.maximum()))
    by.each("sub", d, by.row("log", by.total(d, "exp")), target=low.result(eq.outputs[0]))


FORMS = {"logsumexp": logsumexp, "softmax": quotient, "log_softmax": log_quotient}
