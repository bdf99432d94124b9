"""The functions of the math library to 50 digits by mpmath, where they are sampled, and errors in ulp."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

CONTEXT = mpmath.MPContext()
CONTEXT.prec = 170  # 50 digits
mpf, inf = CONTEXT.mpf, CONTEXT.inf
DIGITS = {64: 53, 32: 24}
LEAST = {64: -1074, 32: -149}
CANCELLING = {"logaddexp", "logaddexp2", "psi"}  # errors in ulp of `units` where the result is smaller
TYPES = {64: (np.float64, np.int64), 32: (np.float32, np.int32)}


# the functions -----------------------------------------------------------------------------------------------------
def power(a: Any, b: Any) -> Any:
    if b == 0 or a == 1:
        return mpf(1)
    if a == 0:
        return mpf(0) if b > 0 else inf
    if a < 0 and b != CONTEXT.floor(b):
        return CONTEXT.nan
    size = CONTEXT.exp(max(mpf(-3000), min(mpf(3000), b * CONTEXT.log(abs(a)))))
    return -size if a < 0 and int(b) % 2 else size


def fmod(a: Any, b: Any) -> Any:
    """By integers: no number of digits would do."""
    if b == 0:
        return CONTEXT.nan
    (p, q), (r, s) = float(a).as_integer_ratio(), float(b).as_integer_ratio()
    rest = mpf(abs(p) * s % (abs(r) * q)) / mpf(q * s)
    return -rest if a < 0 else rest


def remainder(a: Any, b: Any) -> Any:
    rest = fmod(a, b)
    return rest + b if rest and (rest < 0) != (b < 0) else rest


def log1p_exp(x: Any) -> Any:
    """log(1 + e^x) for x <= 0."""
    return CONTEXT.log1p(CONTEXT.exp(x)) if x > -2000 else mpf(0)


def gammaln(x: Any) -> Any:
    if x > 0:
        return CONTEXT.loggamma(x) if x < 1e20 else (x - 0.5) * CONTEXT.log(x) - x
    if x == CONTEXT.floor(x):
        return inf
    return CONTEXT.log(CONTEXT.pi / abs(CONTEXT.sinpi(x))) - CONTEXT.loggamma(1 - x)


def psi(x: Any) -> Any:
    if x <= 0 and x == CONTEXT.floor(x):
        return CONTEXT.nan if x else -inf
    return CONTEXT.digamma(x) if abs(x) < 1e20 else CONTEXT.log(x)


def erfc(x: Any) -> Any:
    return CONTEXT.erfc(x) if abs(x) < 1000 else mpf(0 if x > 0 else 2)


def erfcx(x: Any) -> Any:
    if x > 900:
        t = 1 / (2 * x * x)
        return (1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t * (1 - 9 * t))))) / (x * CONTEXT.sqrt(CONTEXT.pi))
    return CONTEXT.exp(x * x) * erfc(x) if x > -30 else inf


def log_ndtr(x: Any) -> Any:
    if x > 0:
        return CONTEXT.log1p(-erfc(x / CONTEXT.sqrt(2)) / 2)
    return CONTEXT.log(erfcx(-x / CONTEXT.sqrt(2)) / 2) - x * x / 2


def erfcinv(x: Any) -> Any:
    if not 0 <= x <= 2:
        return CONTEXT.nan
    if x > 1:
        return -erfcinv(2 - x)
    return CONTEXT.erfinv(1 - x) if x > 1e-3 else tail_root(-CONTEXT.log(x)) if x else inf


def tail_root(size: Any) -> Any:
    """t with erfc(t) = exp(-size), by Newton's method for the logarithm."""
    t = CONTEXT.sqrt(size)
    for _ in range(30):
        e = CONTEXT.erfc(t)
        step = (CONTEXT.log(e) + size) * e * CONTEXT.exp(t * t) * CONTEXT.sqrt(CONTEXT.pi) / 2
        t = t + step
        if abs(step) < t * mpf(10) ** -40:
            break
    return t


TRUTH: dict[str, Callable[..., Any]] = {
    "arccos": CONTEXT.acos,
    "arccosh": CONTEXT.acosh,
    "arcsin": CONTEXT.asin,
    "arcsinh": CONTEXT.asinh,
    "arctan": CONTEXT.atan,
    "arctan2": CONTEXT.atan2,
    "arctanh": CONTEXT.atanh,
    "cbrt": lambda x: CONTEXT.sign(x) * CONTEXT.cbrt(abs(x)),
    "erfc": erfc,
    "erfcinv": erfcinv,
    "erfcx": erfcx,
    "erfinv": lambda x: CONTEXT.erfinv(x) if abs(x) < 0.999 else CONTEXT.sign(x) * erfcinv(1 - abs(x)),
    "exp2": lambda x: mpf(2) ** x,
    "expit": lambda x: 1 / (1 + CONTEXT.exp(-x)),
    "fmod": fmod,
    "gammaln": gammaln,
    "hypot": lambda a, b: CONTEXT.sqrt(a * a + b * b),
    "log10": lambda x: CONTEXT.log(x) / CONTEXT.log(10),
    "log2": lambda x: CONTEXT.log(x) / CONTEXT.log(2),
    "log_expit": lambda x: min(x, mpf(0)) - CONTEXT.log1p(CONTEXT.exp(-abs(x))),
    "log_ndtr": log_ndtr,
    "logaddexp": lambda a, b: max(a, b) + log1p_exp(-abs(a - b)),
    "logaddexp2": lambda a, b: max(a, b) + log1p_exp(-abs(a - b) * CONTEXT.ln2) / CONTEXT.ln2,
    "logit": lambda x: CONTEXT.log(x) - CONTEXT.log1p(-x),
    "ndtr": lambda x: erfc(-x / CONTEXT.sqrt(2)) / 2,
    "ndtri": lambda x: -erfcinv(2 * x) * CONTEXT.sqrt(2),
    "power": power,
    "psi": psi,
    "remainder": remainder,
    "xlog1py": lambda a, b: a * CONTEXT.log1p(b) if a else mpf(0),
    "xlogy": lambda a, b: a * CONTEXT.log(b) if a else mpf(0),
}


def truth(name: str) -> Callable[..., Any]:
    return TRUTH.get(name) or getattr(CONTEXT, name)


# where they are sampled --------------------------------------------------------------------------------------------
def patterns(bits: int, count: int) -> np.ndarray:
    """Positive numbers of all exponents: equidistant as bits."""
    real, integer = TYPES[bits]
    top = np.array(np.inf, real).view(integer)
    return np.linspace(0, float(top), count, endpoint=False).astype(integer).view(real)


@functools.cache
def samples(bits: int) -> np.ndarray:
    """All exponents, the neighbourhoods of 0, 1 and the multiples of pi/2, and where branches meet."""
    rng = np.random.default_rng(7)
    near = [rng.uniform(-20, 20, 200), rng.uniform(-2, 2, 200), 1 + rng.uniform(-1e-3, 1e-3, 50)]
    steps = [k * math.pi / 2 + rng.uniform(-1e-9, 1e-9, 3) for k in (*range(-8, 9), 1000, 123456, 10**6)]
    logs = [math.log(2) / 2 * k + rng.uniform(-1e-9, 1e-9, 2) for k in range(-9, 10)]
    ends = [709.0, 709.78, 710.4, -708.0, -708.5, -745.0, 88.7, 89.4, -87.3, -103.5, 2.0**-28, 2.0**-54, 1e9, 2e9]
    branches = [0.41421356, 2.41421356, 0.8, 1.0, 0.5, 6.0, 26.5, 27.2, 9.1, 2.0**28, 2.0**14, math.sqrt(0.5)]
    worst = [6381956970095103 * 2.0**797, 5.0e22, 2.0**20 * math.pi / 2]  # next to a multiple of pi/2 (Muller)
    x = np.concatenate([*near, *steps, *logs, ends, branches, worst])
    with np.errstate(over="ignore"):
        x = x.astype(TYPES[bits][0])
    x = x[np.isfinite(x)]
    every = patterns(bits, 300)[1:]  # 0 is a special value
    return np.concatenate([x, np.nextafter(x, -x), every, -every])


@functools.cache
def pairs(name: str, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of all sizes, of alike sizes, and such that the result is finite."""
    rng = np.random.default_rng(11)
    real = TYPES[bits][0]
    every = np.concatenate([s * patterns(bits, 211) for s in (1, -1)])
    a = np.concatenate([every, samples(bits)[:450]])
    b = rng.permutation(a)
    ratio = np.exp2(rng.uniform(-3, 3, a.size)) * rng.choice([-1, 1], a.size)
    with np.errstate(all="ignore"):
        alike = (a * ratio).astype(real)
        reach = rng.uniform(-700, 700, a.size) if bits == 64 else rng.uniform(-85, 85, a.size)
        exponent = (reach / np.log(abs(a).astype(float))).astype(real)
    whole = rng.integers(-9, 10, a.size).astype(real)
    first, second = [a, a], [b, alike]
    if name == "power":
        first, second = [a, abs(a), a], [b, exponent, whole]
    x, y = np.concatenate(first), np.concatenate(second)
    kept = np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
    return x[kept], y[kept]


@functools.cache
def arguments(name: str, count: int, bits: int) -> tuple[np.ndarray, ...]:
    return (samples(bits),) if count == 1 else pairs(name, bits)


@functools.cache
def true_values(name: str, count: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """As sums of two float64 numbers."""
    f, high, low = truth(name), [], []
    for xs in zip(*(x.tolist() for x in arguments(name, count, bits)), strict=True):
        try:
            y = f(*map(mpf, xs))
        except (ValueError, ZeroDivisionError):
            y = CONTEXT.nan
        y = y if isinstance(y, mpf) else CONTEXT.nan
        high.append(float(y))
        low.append(float(y - high[-1]) if math.isfinite(high[-1]) else 0.0)
    return np.array(high), np.array(low)


def units(name: str, xs: tuple[np.ndarray, ...]) -> np.ndarray:
    """What errors are measured by where the result is smaller: the larger of the terms that cancel."""
    if name in ("logaddexp", "logaddexp2"):
        return np.maximum(*xs).astype(float)
    if name == "psi":
        with np.errstate(all="ignore"):
            reflection = np.pi / np.tan(np.pi * (xs[0] - np.rint(xs[0])))
        return np.where(xs[0] < 0, np.nan_to_num(abs(reflection), posinf=0) + np.log1p(abs(xs[0])), 0)
    return np.zeros(xs[0].size)


# errors ------------------------------------------------------------------------------------------------------------
def errors(y: np.ndarray, true: tuple[np.ndarray, np.ndarray], scale: np.ndarray, bits: int) -> np.ndarray:
    """|y - true| in units of the last place of the true value, or of `scale` where that is larger."""
    high, low = true
    largest = 2.0 ** (127 if bits == 32 else 1023)  # infinity is the number after the largest one: twice this
    low = np.where(abs(high) < largest, low, 0.0)
    half = [np.clip(v / 2, -largest, largest) for v in (y.astype(float), high)]
    size = np.maximum(np.minimum(abs(high), 1.99 * largest), abs(scale))
    exponent = np.maximum(np.frexp(size)[1] - DIGITS[bits], LEAST[bits])
    e = np.ldexp(abs((half[0] - half[1]) - low / 2), 1 - exponent)
    e[(y == high) & np.isinf(high)] = 0.0
    e[np.isnan(y) & np.isnan(high)] = 0.0
    return np.where(np.isnan(e), np.inf, e)
