"""Piecewise polynomials: values, derivatives, antiderivatives and integrals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.types import shape_of
from .common import behind, beside, in_double, interval, knots, outside, placed, within

__all__ = ["PPoly"]


class PPoly:
    """A polynomial on each interval: `y(x) = sum_m c[m, i] (x - x_i)^(k - m)` for `x_i <= x < x_(i+1)`, degree k.

    c: (k + 1, n - 1, ...), x: (n,). extrapolate: True (the outer polynomials go on), False (NaN outside), "periodic".
    Differentiated in c, x and the points. At a break point the interval on its right counts, for values and slopes.
    Names and arguments are SciPy's; `solve` and `roots` are not there.

    >>> import numpy as np
    >>> import wengert as wg
    >>> p = wg.scipy.interpolate.PPoly(np.array([[1.0], [0.0], [2.0]]), np.array([0.0, 3.0]))  # x^2 + 2
    >>> p(2.0), wg.grad(p)(2.0), p.integrate(0.0, 3.0)
    (np.float64(6.0), np.float64(4.0), np.float64(15.0))
    """

    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        self.c, self.x, self.axis = in_double(c), knots(x), axis
        self.extrapolate = True if extrapolate is None else extrapolate
        if len(shape_of(self.c)) < 2 or shape_of(self.c)[1] != shape_of(self.x)[0] - 1:
            raise ValueError(f"c of shape {shape_of(self.c)} must have an interval less than x has break points")

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Values, or nu-th derivatives, at points of any shape."""
        x = in_double(x)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        first, last = self.x[0], self.x[-1]
        if extrapolate == "periodic":
            x = within(x, first, last)
        y = self._values(x, nu)
        if not extrapolate:
            y = np.where(behind(outside(x, first, last), len(shape_of(y)) - len(shape_of(x))), np.nan, y)
        return placed(y, len(shape_of(x)), self.axis)

    def _values(self, x: Any, nu: int) -> Any:
        """Horner's scheme for the derivative of order nu."""
        degree = shape_of(self.c)[0] - 1
        j = interval(self.x, x, 0, shape_of(self.x)[0] - 2)
        s = behind(x - wnp.take(self.x, j), len(shape_of(self.c)) - 2)
        total: Any = 0.0
        for m in range(degree - nu + 1):
            total = total * s + math.perm(degree - m, nu) * wnp.take(self.c[m], j, axis=0)
        return total if degree >= nu else 0 * wnp.take(self.c[0], j, axis=0) * s

    def _with(self, c: Any) -> PPoly:
        return PPoly(c, self.x, self.extrapolate, self.axis)

    def derivative(self, nu: int = 1) -> PPoly:
        """The piecewise polynomial that is the nu-th derivative."""
        if nu < 0:
            return self.antiderivative(-nu)
        c = self.c
        for _ in range(nu):
            degree = shape_of(c)[0] - 1
            c = c[:-1] * beside(np.arange(degree, 0, -1.0), c) if degree else 0 * c
        return self._with(c)

    def antiderivative(self, nu: int = 1) -> PPoly:
        """The continuous one whose nu-th derivative this is, zero at the first break point."""
        if nu < 0:
            return self.derivative(-nu)
        c = self.c
        for _ in range(nu):
            c = c / beside(np.arange(shape_of(c)[0], 0, -1.0), c)
            h = beside(np.diff(self.x), c[0])
            step: Any = 0.0
            for row in c:
                step = (step + row) * h
            before = np.concatenate([np.zeros((1, *shape_of(step)[1:]), step.dtype), np.cumsum(step, axis=0)[:-1]])
            c = np.concatenate([c, before[None]])
        return self._with(c)

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from a to b, differentiated in both."""
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        whole = self.antiderivative()
        if extrapolate != "periodic":
            y = whole(b, extrapolate=extrapolate) - whole(a, extrapolate=extrapolate)
            return y
        start, period = self.x[0], self.x[-1] - self.x[0]
        one = whole(self.x[-1], extrapolate=True)

        def up_to(x: Any) -> Any:
            turns = np.floor((in_double(x) - start) / period)
            return turns * one + whole(x - turns * period, extrapolate=True)

        return up_to(b) - up_to(a)
