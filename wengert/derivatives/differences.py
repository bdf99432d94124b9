"""Formulas of numerical differentiation along a line, phi(t) = f(x + t d): the derivative at t = 0 and its error.

A formula gets phi, the step h, and on which side of 0 it may look: 0 for both, 1 or -1 for one (where x is at the edge
of the domain). It knows nothing of functions, structures or arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, UnsupportedFunctionError


class Line:
    """phi(t), all results in one vector; `zero()` is phi(0); the largest value that each element had."""

    def __init__(self, phi: Callable[[Any], np.ndarray], zero: Callable[[], np.ndarray]) -> None:
        self.phi, self.zero, self.largest = phi, zero, np.zeros(())

    def __call__(self, t: Any) -> np.ndarray:
        y = self.phi(t)
        self.largest = np.fmax(self.largest, abs(y))
        return y

    @property
    def base(self) -> np.ndarray:
        """phi(0)."""
        y = self.zero()
        self.largest = np.fmax(self.largest, abs(y))
        return y

    def rounding(self, h: Any) -> np.ndarray:
        """What rounding of the values makes of a difference over h: 2 eps max |phi| / h."""
        eps = np.finfo(self.largest.dtype).eps if self.largest.dtype.kind == "f" else np.finfo(float).eps
        return 2 * eps * self.largest / abs(h)


Formula = Callable[[Line, Any, int], np.ndarray]


# one step --------------------------------------------------------------------------------------------------------
def forward(phi: Line, h: Any, side: int = 0) -> np.ndarray:
    """(phi(h) - phi(0)) / h; on the left, (phi(0) - phi(-h)) / h."""
    if side < 0:
        return (phi.base - phi(-h)) / h
    return (phi(h) - phi.base) / h


def central(phi: Line, h: Any, side: int = 0) -> np.ndarray:
    """(phi(h) - phi(-h)) / 2h; on one side, (4 phi(h) - phi(2h) - 3 phi(0)) / 2h, of the same order."""
    if side == 0:
        return (phi(h) - phi(-h)) / (2 * h)
    h = side * h
    return (4 * phi(h) - phi(2 * h) - 3 * phi.base) / (2 * h)


def complex_step(phi: Line, h: Any, side: int = 0) -> np.ndarray:
    """Im phi(i h) / h: no difference is taken, so nothing cancels."""
    return complex_part(phi(1j * h)) / h


def complex_part(y: np.ndarray) -> np.ndarray:
    """The imaginary part of values at complex arguments; refused where the function dropped it."""
    if y.dtype.kind != "c":
        raise UnsupportedFunctionError(
            "the function returned real numbers for complex arguments",
            why="the complex step reads the derivative off the imaginary part, which abs, real or a conversion drops",
            write='use method="central", or write the function with operations that take complex numbers',
        )
    return y.imag


# many steps ------------------------------------------------------------------------------------------------------
class Estimate(NamedTuple):
    """A derivative, and about how far it is from the true one."""

    value: np.ndarray
    error: np.ndarray


def extrapolated(phi: Line, h: Any, side: int, levels: int, ratio: int) -> Estimate:
    """Neville's extrapolation of differences at h, h/ratio, h/ratio^2, ... to step 0.

    Central differences have errors in h^2, h^4, ...; on one side they are forward differences, with errors in h, h^2,
    .... Each element of the result is the entry of the tableau that agrees best with its neighbours (C. J. F. Ridders,
    Adv. Eng. Software 4 (1982) 75); entries that are not finite, since a step left the domain, are passed over.
    """
    step: Formula = forward if side else central
    power = ratio if side else ratio**2
    previous: list[np.ndarray] = []
    best: Any = None
    for level in range(levels):
        size = h / ratio**level
        row = [step(phi, size, side)]
        noise = phi.rounding(size) / 2
        if best is None:
            best, least = row[0], np.full(row[0].shape, np.inf)
        for older in previous:
            factor = power ** len(row)
            with np.errstate(invalid="ignore"):
                row.append((factor * row[-1] - older) / (factor - 1))
                error = np.maximum(np.maximum(abs(row[-1] - row[-2]), abs(row[-1] - older)), noise)
            best = np.where(error < least, row[-1], best)
            least = np.fmin(error, least)
        best = np.where(np.isfinite(best), best, row[0])
        previous = [np.where(np.isfinite(entry), entry, row[0]) for entry in row]
    return Estimate(best, least)


def with_error(formula: Formula, order: int, phi: Line, h: Any, side: int) -> Estimate:
    """A formula and its error, from the same one at twice the step: |D_2h - D_h| / (2^p - 1), and rounding."""
    value, coarse = formula(phi, h, side), formula(phi, 2 * h, side)
    truncation = abs(coarse - value) / (2**order - 1)
    if formula is complex_step:
        return Estimate(value, truncation + np.finfo(value.dtype).eps * abs(value))
    return Estimate(value, truncation + phi.rounding(h))


# the table -------------------------------------------------------------------------------------------------------
class Method(NamedTuple):
    """A formula of one step with its order of accuracy, or an extrapolation of several; eps^exponent is its step."""

    exponent: float
    formula: Formula | None = None
    order: int = 0
    levels: int = 0
    ratio: int = 2

    def __call__(self, phi: Line, h: Any, side: int, error: bool) -> Estimate:
        """The derivative; its error where that is asked for or comes by itself."""
        if self.formula is None:
            return extrapolated(phi, h, side, self.levels, self.ratio)
        if error:
            return with_error(self.formula, self.order, phi, h, side)
        return Estimate(self.formula(phi, h, side), np.zeros(()))


METHODS = {
    "forward": Method(1 / 2, forward, 1),
    "central": Method(1 / 3, central, 2),
    "complex": Method(2.0, complex_step, 2),
    "ridders": Method(1 / 8, levels=8, ratio=2),
    "automatic": Method(1 / 26, levels=12, ratio=8),
}

SIDES = {"both": 0, "right": 1, "left": -1}


def method(name: str) -> Method:
    """The method of this name."""
    if not isinstance(name, str) or name not in METHODS:
        raise ArgumentError(
            f"there is no numerical method {name!r}",
            why="each method is a formula of differences with steps of its own",
            write=f"one of {', '.join(map(repr, METHODS))}",
        )
    return METHODS[name]


def side_of(name: str) -> int:
    """0, 1 or -1 for "both", "right", "left"."""
    if not isinstance(name, str) or name not in SIDES:
        raise ArgumentError(
            f"there is no side {name!r}",
            why="differences look to both sides of the point, or to one where it is at the edge of the domain",
            write=f"side= one of {', '.join(map(repr, SIDES))}",
        )
    return SIDES[name]


def check_step(step: Any) -> float | None:
    """A step: a positive number, or None for the automatic one."""
    if step is None:
        return None
    if np.ndim(step) or not isinstance(step, int | float | np.integer | np.floating) or not 0 < step < np.inf:
        raise ArgumentError(
            f"step={step!r} is no step",
            why="a derivative is approached by differences over a small positive distance",
            write="a positive number, or None for the automatic step; side= says to which side",
        )
    return step  # type: ignore[return-value]
