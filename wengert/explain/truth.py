"""The truth about a derivative, to 50 digits, from the function alone: differences in numbers of 120 digits.

    (f(x + h d) - f(x - h d)) / 2h,  h = 10^-35:  truncation is of the order 1e-70, rounding 1e-85

No rule of the library takes part. Where mpmath has no counterpart of a primitive, or the program is too long for such
numbers, the reference is Ridders' extrapolated differences of the function itself, in longdouble where NumPy has it,
and is called that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Program
from ..core.types import dtype_of
from ..derivatives import numeric
from .cost import cost_at
from .forward import Direction
from .high_precision import DIGITS, Evaluator, NoCounterpart
from .point import Point, silence

STEP = 35  # h = 10^-35, relative to the size of x
SHOWN = 50  # digits that are right
WORK = 40_000  # operations in such numbers: about a second


class Truth(NamedTuple):
    """The derivative along each direction. reference: how it was found; digits: about how many are right; reason: why
    not 50. texts: as decimal numbers."""

    values: tuple[Any, ...]
    texts: tuple[str, ...]
    reference: str
    digits: int
    reason: str

    def error(self, k: int, value: Any) -> float:
        """|value - truth| of direction k; NaN where that has no meaning."""
        value = complex(value) if np.iscomplexobj(value) else float(value)
        return float(abs(self.values[k] - value))


def truth_of(point: Point, seed: Sequence[Any], directions: Sequence[Direction]) -> Truth:
    """The derivative of <seed, f> along each direction."""
    work = 2 * len(directions) * cost_at(point.straight, point.values).operations
    if work > WORK:
        return _by_ridders(point, seed, directions, f"it would take {work:,} operations in numbers of {DIGITS} digits")
    try:
        return _by_mpmath(point, seed, directions)
    except ImportError:
        return _by_ridders(point, seed, directions, "mpmath is not installed")
    except NoCounterpart as error:
        return _by_ridders(point, seed, directions, f"mpmath has no counterpart of {error}")


def _by_mpmath(point: Point, seed: Sequence[Any], directions: Sequence[Direction]) -> Truth:
    evaluator = Evaluator()
    mp = evaluator.mp
    with mp.workdps(DIGITS), np.errstate(all="ignore"):
        values = tuple(_difference(evaluator, point.straight, point.leaves, seed, d) for d in directions)
        texts = tuple(mp.nstr(v, SHOWN) for v in values)
    return Truth(values, texts, f"{SHOWN} digits (differences in mpmath)", SHOWN, "")


def _difference(
    evaluator: Evaluator, program: Program, leaves: Sequence[Any], seed: Sequence[Any], direction: Direction
) -> Any:
    """The central difference of <seed, f>."""
    mp = evaluator.mp
    size = max([1.0, *(float(np.max(np.abs(x), initial=0)) for x in leaves)])
    h = mp.mpf(10) ** (int(np.log10(size)) - STEP)
    sides = []
    for sign in (1, -1):
        moved = [
            evaluator.exact(x) if d is None else evaluator.exact(x) + sign * h * evaluator.exact(d)
            for x, d in zip(leaves, direction.tangents, strict=True)
        ]
        sides.append(_paired(evaluator, seed, evaluator.evaluate(program, [_array(x) for x in moved])))
    return (sides[0] - sides[1]) / (2 * h)


def _array(x: Any) -> Any:
    if isinstance(x, np.ndarray | np.generic | int):
        return x
    made = np.empty((), object)
    made[()] = x
    return made


def _paired(evaluator: Evaluator, seed: Sequence[Any], ys: Sequence[Any]) -> Any:
    """sum of seed times result, over all elements of all results."""
    total = evaluator.mp.mpf(0)
    for s, y in zip(seed, ys, strict=True):
        if s is not None:
            products = np.asarray(evaluator.exact(s)) * np.asarray(y)
            total += np.sum(products) if np.ndim(products) else products
    return total


def _by_ridders(point: Point, seed: Sequence[Any], directions: Sequence[Direction], reason: str) -> Truth:
    wide = np.finfo(np.longdouble).eps < np.finfo(float).eps
    if wide:
        try:
            values = _ridders(point, seed, directions, _wide)
            return Truth(values, _texts(values, 18), "Ridders' differences in longdouble", 15, reason)
        except Exception as error:  # linear algebra and compiled code know no longdouble
            reason += f"; and in longdouble it says: {str(error).splitlines()[0]}"
    values = _ridders(point, seed, directions, lambda x: x)
    return Truth(values, _texts(values, 15), "Ridders' differences in double", 10, reason)


def _wide(x: Any) -> Any:
    kind = dtype_of(x).kind
    return np.asarray(x).astype({"f": np.longdouble, "c": np.clongdouble}.get(kind, dtype_of(x)))[()]


def _ridders(point: Point, seed: Sequence[Any], directions: Sequence[Direction], convert: Any) -> tuple[Any, ...]:
    def f(*leaves: Any) -> Any:
        return paired(seed, point.flat(*leaves))

    leaves = [convert(x) if on else x for x, on in zip(point.leaves, point.active, strict=True)]
    found = []
    for d in directions:
        tangents = tuple(None if t is None else convert(t) for t in d.tangents)
        with np.errstate(all="ignore"), silence():
            found.append(numeric.directional(f, tuple(leaves), tangents, method="ridders"))
    return tuple(found)


def _texts(values: Sequence[Any], digits: int) -> tuple[str, ...]:
    return tuple(str(v) if np.iscomplexobj(v) else np.format_float_scientific(v, digits - 1) for v in values)


def paired(seed: Sequence[Any], ys: Sequence[Any]) -> Any:
    """<seed, y> = sum over all elements: the number whose derivatives are compared."""
    total: Any = 0.0
    for s, y in zip(seed, ys, strict=True):
        if s is not None:
            total = total + np.sum(s * y)
    return total
