"""scipy.interpolate.interp1d: lines, steps and splines through samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.types import shape_of
from ...numpy.statistics import is_true_of_any
from .bspline import make_interp_spline
from .common import behind, beside, in_double, interval, knots, outside, placed, samples

__all__ = ["interp1d"]


class interp1d:
    """A function through samples (x, y) along an axis. kind: linear, nearest, nearest-up, previous, next, or a spline:
    zero, slinear, quadratic, cubic, or its degree.

    Outside of the samples: `fill_value`, a number, a pair (below, above) or "extrapolate"; without one, ValueError
    where that is known, and NaN in compiled programs. Differentiated in x, y and the points; steps have slope zero, a
    sample's slope is that of the interval on its right. (SciPy keeps this class, but advises newer ones.)

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = lambda y: wg.scipy.interpolate.interp1d(np.array([0.0, 1.0, 2.0]), y)(1.25)
    >>> wg.grad(f)(np.array([3.0, 5.0, 4.0]))
    array([0.  , 0.75, 0.25])
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: Any = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        x, y = in_double(x), in_double(y)
        self.axis = axis % max(len(shape_of(y)), 1)
        if not assume_sorted:
            order = np.argsort(x)
            x, y = wnp.take(x, order), wnp.take(y, order, axis=self.axis)
        self.x = knots(x, 1 if kind in _STEPS else 2)
        self.y, self.axis = samples(self.x, y, axis)
        degree = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}.get(kind, kind)
        self.kind = kind
        self.spline = make_interp_spline(self.x, self.y, degree) if isinstance(degree, int) and degree > 1 else None
        if degree in (0, 1):
            self.kind = ("zero", "linear")[degree]
        if self.spline is None and self.kind not in ("linear", *_STEPS):
            raise NotImplementedError(f"{kind} is unsupported: Use fitpack routines for other types.")
        if isinstance(fill_value, str) and kind in ("previous", "next"):  # there is no sample on one side
            ends = [np.nan, self.y[-1]] if kind == "previous" else [self.y[0], np.nan]
            fill_value = tuple(ends)
        self.fill_value = fill_value
        self.bounds_error = bounds_error
        if bounds_error is None:
            self.bounds_error = fill_value is np.nan

    def __call__(self, x: Any) -> Any:
        """Values at points of any shape."""
        x = in_double(x)
        first, last = self.x[0], self.x[-1]
        beyond = outside(x, first, last)
        if self.bounds_error and is_true_of_any(beyond):
            raise ValueError("A value in x_new is outside the interpolation range.")
        y = self.spline(x) if self.spline is not None else self._values(x)
        if not isinstance(self.fill_value, str):
            n = len(shape_of(y)) - len(shape_of(x))
            low, high = self.fill_value if isinstance(self.fill_value, tuple) else (self.fill_value,) * 2
            y = np.where(behind(np.less(x, first), n), low, np.where(behind(np.greater(x, last), n), high, y))
        return placed(y, len(shape_of(x)), self.axis)

    def _values(self, x: Any) -> Any:
        n = shape_of(self.x)[0]
        if self.kind in _STEPS:
            return wnp.take(self.y, np.clip(_STEPS[self.kind](self.x, x), 0, n - 1), axis=0)
        j = interval(self.x, x, 0, n - 2)
        slopes = np.diff(self.y, axis=0) / beside(np.diff(self.x), self.y)
        s = behind(x - wnp.take(self.x, j), len(shape_of(self.y)) - 1)
        return wnp.take(self.y, j, axis=0) + wnp.take(slopes, j, axis=0) * s


def _nearest(side: Any) -> Any:
    return lambda x, at: wnp.searchsorted((x[1:] + x[:-1]) / 2, at, side=side)


_STEPS: dict[Any, Any] = {
    "nearest": _nearest("left"),
    "nearest-up": _nearest("right"),
    "previous": lambda x, at: wnp.searchsorted(x, at, side="right") - 1,
    "zero": lambda x, at: wnp.searchsorted(x, at, side="right") - 1,
    "next": lambda x, at: wnp.searchsorted(x, at, side="left"),
}
