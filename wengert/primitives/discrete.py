"""Elementwise primitives without a derivative, or with derivative zero: comparisons, logic, rounding, bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Primitive, Sample

Domain = tuple[Any, Any]  # of floats, or of integers
REAL: Domain = (-2.0, 2.0)
POSITIVE: Domain = (0.3, 3.0)
UNIT: Domain = (-0.9, 0.9)
BITS: Domain = (0, 7)  # integers

_PYTHON = (float, int, complex, bool)


def is_python(x: Any) -> bool:
    """A Python number: weakly typed, as NEP 50 has it."""
    return type(x) in _PYTHON


def weakly(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """NumPy's function, except that Python numbers give a Python number, as Python's operators do."""

    def impl(a: Any, b: Any) -> Any:
        y = f(a, b)
        if type(a) in _PYTHON and type(b) in _PYTHON:
            return y.item()
        return y

    impl.__name__ = f.__name__
    return impl


def sampler(*domains: Domain) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Samples of each shape from boxes: of floats, or of integers where the bounds are integers."""

    def draw(rng: np.random.Generator, domain: Domain, shape: tuple[int, ...]) -> Any:
        lo, hi = domain
        return np.asarray(rng.integers(lo, hi, shape) if isinstance(lo, int) else rng.uniform(lo, hi, shape))

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in [(), (3,), (2, 3), (0,)]:
            yield Sample(tuple(draw(rng, domain, shape) for domain in domains))

    return samples


def constant(name: str, impl: Any, *domains: Domain) -> Primitive:
    """A function whose derivative is zero wherever it exists."""
    return Primitive(name, impl, Constant(), pointwise=True, samples=sampler(*(domains or (REAL,))))


# comparisons and logic -------------------------------------------------------------------------------------------
greater = constant("greater", np.greater, REAL, REAL)
greater_equal = constant("greater_equal", np.greater_equal, REAL, REAL)
less = constant("less", np.less, REAL, REAL)
less_equal = constant("less_equal", np.less_equal, REAL, REAL)
equal = constant("equal", np.equal, REAL, REAL)
not_equal = constant("not_equal", np.not_equal, REAL, REAL)
logical_and = constant("logical_and", np.logical_and, REAL, REAL)
logical_or = constant("logical_or", np.logical_or, REAL, REAL)
logical_xor = constant("logical_xor", np.logical_xor, REAL, REAL)
logical_not = constant("logical_not", np.logical_not)
isnan = constant("isnan", np.isnan)
isinf = constant("isinf", np.isinf)
isfinite = constant("isfinite", np.isfinite)
signbit = constant("signbit", np.signbit)

# steps -----------------------------------------------------------------------------------------------------------
sign = constant("sign", np.sign)  # of real numbers; complex_sign turns with its argument
floor = constant("floor", np.floor)
ceil = constant("ceil", np.ceil)
trunc = constant("trunc", np.trunc)
rint = constant("rint", np.rint)
floor_divide = constant("floor_divide", weakly(np.floor_divide), REAL, POSITIVE)
spacing = constant("spacing", np.spacing, POSITIVE)
exponent = constant("exponent", lambda x: np.frexp(x)[1], POSITIVE)  # frexp's integer

# bits and integers -----------------------------------------------------------------------------------------------
bitwise_and = constant("bitwise_and", np.bitwise_and, BITS, BITS)
bitwise_or = constant("bitwise_or", np.bitwise_or, BITS, BITS)
bitwise_xor = constant("bitwise_xor", np.bitwise_xor, BITS, BITS)
left_shift = constant("left_shift", np.left_shift, BITS, BITS)
right_shift = constant("right_shift", np.right_shift, BITS, BITS)
gcd = constant("gcd", np.gcd, BITS, BITS)
lcm = constant("lcm", np.lcm, BITS, BITS)
invert = constant("invert", np.invert, BITS)
bitwise_count = constant("bitwise_count", np.bitwise_count, BITS)


def _with_param(name: str, impl: Any, **params: Any) -> Primitive:
    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in [(), (2, 3), (0,)]:
            yield Sample((np.asarray(rng.uniform(*REAL, shape)),), params)

    return Primitive(name, impl, Constant(), pointwise=True, samples=samples)


round_ = _with_param("round", lambda x, *, decimals: np.round(x, decimals), decimals=1)
cast = _with_param(  # to integers or booleans, which have no derivative; `convert` is the one for floats
    "cast", lambda x, *, dtype: np.asarray(x).astype(dtype)[()], dtype=np.dtype(np.int64)
)


# who attains an extremum ---------------------------------------------------------------------------------------
def _wins(a: Any, b: Any) -> Any:
    half = np.result_type(a, b).type(0.5)
    return half * np.greater(a, b) + half * np.greater_equal(a, b)


def _share(a: Any, b: Any, y: Any) -> Any:
    a_is, b_is = np.equal(a, y), np.equal(b, y)
    return a_is * np.where(b_is, np.result_type(a, b).type(0.5), 1)


wins = constant("wins", _wins, REAL, REAL)  # 1 where a > b, 1/2 at a tie, 0 elsewhere
share = constant("share", _share, REAL, REAL, REAL)  # 1 where a = y, 1/2 where also b = y, 0 elsewhere
