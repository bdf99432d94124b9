"""Functions that are a formula in others: losses, entropies, shares of exponentials, SciPy's values at the ends."""

from __future__ import annotations

import numpy as np

from .floats import finite
from .table import Dtype, do, op, real
from .values import compare, intrinsic, select
from .writer import Writer, number


def cases(w: Writer, dtype: Dtype, otherwise: str, *pairs: tuple[str, str]) -> str:
    """The value that belongs to the first condition that holds."""
    for condition, value in reversed(pairs):
        otherwise = select(w, dtype, condition, value, otherwise)
    return otherwise


def both(w: Writer, a: str, b: str) -> str:
    """Do both conditions hold?"""
    return w.emit(f"and i1 {a}, {b}")


def is_(w: Writer, relation: str, dtype: Dtype, a: str, b: float) -> str:
    """A comparison with a number."""
    return compare(w, relation, dtype, a, number(b, dtype))


@op("finite_or_zero", floats=True)
def finite_or_zero(w: Writer, dtype: Dtype, x: str) -> str:
    """x, and 0 where it is infinite or NaN."""
    return select(w, dtype, finite(w, dtype, intrinsic(w, "fabs", dtype, x)), x, number(0, dtype))


@op("weight", floats=True)
def weight(w: Writer, dtype: Dtype, a: str, y: str) -> str:
    """exp(a - y), the share of exp(a) in exp(y): 1 at inf - inf, 0 at -inf - (-inf)."""
    infinite = is_(w, "equal", dtype, intrinsic(w, "fabs", dtype, a), np.inf)
    end = select(w, dtype, is_(w, "greater", dtype, a, 0), number(1, dtype), number(0, dtype))
    z = real(w, "exp", dtype, do(w, "fsub", dtype, a, y))
    return select(w, dtype, both(w, infinite, compare(w, "equal", dtype, a, y)), end, z)


@op("log_ratio", floats=True)
def log_ratio(w: Writer, dtype: Dtype, x: str, y: str) -> str:
    """log(x/y), exact to rounding also where x and y are close."""
    u = do(w, "fdiv", dtype, do(w, "fsub", dtype, x, y), y)
    near = is_(w, "less", dtype, intrinsic(w, "fabs", dtype, u), 0.5)
    apart = do(w, "fsub", dtype, real(w, "log", dtype, x), real(w, "log", dtype, y))
    return select(w, dtype, near, real(w, "log1p", dtype, u), apart)


@op("excess", floats=True)
def excess(w: Writer, dtype: Dtype, x: str, y: str) -> str:
    """1 - x/y, and 1 where x = 0."""
    z = do(w, "fdiv", dtype, do(w, "fsub", dtype, y, x), y)
    return select(w, dtype, is_(w, "equal", dtype, x, 0), number(1, dtype), z)


@op("harmonic", floats=True)
def harmonic(w: Writer, dtype: Dtype, x: str, y: str) -> str:
    """x y / hypot(x, y), and 0 where one of them is."""
    z = do(w, "fmul", dtype, x, do(w, "fdiv", dtype, y, real(w, "hypot", dtype, x, y)))
    nothing = w.emit(f"or i1 {is_(w, 'equal', dtype, x, 0)}, {is_(w, 'equal', dtype, y, 0)}")
    return select(w, dtype, nothing, number(0, dtype), z)


def _times_log(name: str, log: str) -> None:
    def f(w: Writer, dtype: Dtype, x: str, y: str) -> str:
        """x log(y), and 0 where x = 0, unless y is NaN."""
        z = do(w, "fmul", dtype, x, real(w, log, dtype, y))
        nothing = both(w, is_(w, "equal", dtype, x, 0), do(w, "fcmp ord", dtype, y, y))
        return select(w, dtype, nothing, number(0, dtype), z)

    op(name, floats=True)(f)


_times_log("xlogy", "log")
_times_log("xlog1py", "log1p")


@op("entr", floats=True)
def entr(w: Writer, dtype: Dtype, x: str) -> str:
    """-x log x; 0 at 0, -inf below."""
    z = do(w, "fmul", dtype, do(w, "fneg", dtype, x), real(w, "log", dtype, x))
    zero, low = is_(w, "equal", dtype, x, 0), is_(w, "less", dtype, x, 0)
    return cases(w, dtype, z, (zero, number(0, dtype)), (low, number(-np.inf, dtype)))


@op("huber", floats=True)
def huber(w: Writer, dtype: Dtype, delta: str, r: str) -> str:
    """r^2/2 where |r| <= delta, delta (|r| - delta/2) elsewhere; infinite for negative delta."""
    size = intrinsic(w, "fabs", dtype, r)
    half = number(0.5, dtype)
    inside = do(w, "fmul", dtype, do(w, "fmul", dtype, half, r), r)
    outside = do(w, "fmul", dtype, delta, do(w, "fsub", dtype, size, do(w, "fmul", dtype, half, delta)))
    near, bad = compare(w, "less_equal", dtype, size, delta), is_(w, "less", dtype, delta, 0)
    return cases(w, dtype, outside, (bad, number(np.inf, dtype)), (near, inside))


@op("logit", floats=True)
def logit(w: Writer, dtype: Dtype, x: str) -> str:
    """log(x/(1 - x)); near 1/2 from the distance to it."""
    one = number(1, dtype)
    far = real(w, "log", dtype, do(w, "fdiv", dtype, x, do(w, "fsub", dtype, one, x)))
    s = do(w, "fmul", dtype, number(2, dtype), do(w, "fsub", dtype, x, number(0.5, dtype)))
    near = do(w, "fsub", dtype, real(w, "log1p", dtype, s), real(w, "log1p", dtype, do(w, "fneg", dtype, s)))
    middle = both(w, is_(w, "greater_equal", dtype, x, 0.3), is_(w, "less_equal", dtype, x, 0.65))
    return select(w, dtype, middle, near, far)
