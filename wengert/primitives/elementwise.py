"""Elementwise primitives: a table. A line holds the name, NumPy's function, the partial derivatives, the domain.

A partial is an expression in the inputs (x, or a, b, c) and the output y, by these names. Conventions at singular
points: abs'(0) = sign(0) = 0; at a tie maximum and minimum give half to each; d(a^b)/db = 0 at a = 0 <= b.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Elementwise, Linear, Primitive, Sample
from ..core.types import ArrayType

Interval = tuple[float, float]
REAL: Interval = (-2.0, 2.0)
POSITIVE: Interval = (0.3, 3.0)
UNIT: Interval = (-0.9, 0.9)


def sampler(*domains: Interval) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Samples of each shape from boxes; complex ones are left to the tests of complex arithmetic."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in [(), (3,), (2, 3), (0,)]:
            yield Sample(tuple(np.asarray(rng.uniform(lo, hi, shape)) for lo, hi in domains))

    return samples


def unary(name: str, impl: Any, partial: Any, domain: Interval = REAL, singular: bool = False) -> Primitive:
    """A function of one variable, y = f(x)."""
    kind = Elementwise(partial, singular=singular)
    return Primitive(name, impl, kind, pointwise=True, samples=sampler(domain))


def binary(name: str, impl: Any, da: Any, db: Any, domains: tuple[Interval, Interval], **kind: Any) -> Primitive:
    """A function of two variables, y = f(a, b)."""
    return Primitive(name, impl, Elementwise(da, db, **kind), pointwise=True, samples=sampler(*domains))


def constant(name: str, impl: Any, *domains: Interval) -> Primitive:
    """A function whose derivative is zero wherever it exists."""
    return Primitive(name, impl, Constant(), pointwise=True, samples=sampler(*(domains or (REAL,))))


def _python_numbers(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """NumPy's function, except that Python numbers give a Python number (weakly typed, as NEP 50 has it)."""

    def impl(a: Any, b: Any) -> Any:
        y = f(a, b)
        if type(a) in _PYTHON and type(b) in _PYTHON:
            return y.item()
        return y

    impl.__name__ = f.__name__
    return impl


_PYTHON = (int, float, complex, bool)


# arithmetic ------------------------------------------------------------------------------------------------------
add = binary("add", operator.add, 1, 1, (REAL, REAL), linear_in=(0, 1), jointly=True)
sub = binary("sub", operator.sub, 1, -1, (REAL, REAL), linear_in=(0, 1), jointly=True)
mul = binary("mul", operator.mul, lambda b: b, lambda a: a, (REAL, REAL), linear_in=(0, 1))
neg = Primitive(
    "neg", operator.neg, Elementwise(-1, linear_in=(0,), jointly=True), pointwise=True, samples=sampler(REAL)
)


def _zero_safe_mul(d: Any, t: Any) -> Any:
    with np.errstate(all="ignore"):
        y = d * t
        if not np.isfinite(y).all():
            y = np.where(np.equal(t, 0), y.dtype.type(0), y)[()]
    return y


zero_safe_mul = binary(
    "zero_safe_mul", _zero_safe_mul, lambda b: b, lambda a: a, (REAL, REAL), linear_in=(0, 1), singular=True
)
div = binary(
    "div",
    _python_numbers(np.true_divide),
    lambda b: 1.0 / b,
    lambda b, y: -y / b,
    (REAL, POSITIVE),
    linear_in=(0,),
    singular=True,
)


def _power_da(a: Any, b: Any) -> Any:
    """d(a^b)/da = b a^(b-1), and 0 where b = 0."""
    if type(b) in _PYTHON or isinstance(b, np.generic):
        if b == 0:
            return 0.0
        if b == 1:
            return 1.0
        return b * a if b == 2 else b * power(a, b - 1)
    return b * power(a, where(b == 0, 1.0, b - 1))


def _power_db(a: Any, b: Any, y: Any) -> Any:
    """d(a^b)/db = a^b log a, and 0 where a = 0 <= b."""
    return y * log(where(a == 0, 1.0, a)) if not is_number(a) else (y * np.log(a) if a != 0 else y * 0.0)


def is_number(x: Any) -> bool:
    """A Python or NumPy scalar: a constant written in place."""
    return type(x) in _PYTHON or isinstance(x, np.generic)


def _power(a: Any, b: Any) -> Any:
    return a**b if type(a) is np.ndarray else _numeric_power(a, b)


_numeric_power = _python_numbers(np.power)
power = binary("power", _power, _power_da, _power_db, (POSITIVE, REAL), singular=True)

# exponentials and logarithms -------------------------------------------------------------------------------------
exp = unary("exp", np.exp, lambda y: y, singular=True)
exp2 = unary("exp2", np.exp2, lambda y: y * float(np.log(2)), singular=True)
expm1 = unary("expm1", np.expm1, lambda y: y + 1, singular=True)
log = unary("log", np.log, lambda x: 1 / x, POSITIVE, singular=True)
log2 = unary("log2", np.log2, lambda x: float(1 / np.log(2)) / x, POSITIVE, singular=True)
log10 = unary("log10", np.log10, lambda x: float(1 / np.log(10)) / x, POSITIVE, singular=True)
log1p = unary("log1p", np.log1p, lambda x: 1 / (1 + x), (-0.8, 2.0), singular=True)
sqrt = unary("sqrt", np.sqrt, lambda y: 0.5 / y, POSITIVE, singular=True)
cbrt = unary("cbrt", np.cbrt, lambda y: 1 / (3 * (y * y)), POSITIVE, singular=True)
square = unary("square", np.square, lambda x: 2 * x)
reciprocal = unary("reciprocal", np.reciprocal, lambda y: -(y * y), POSITIVE, singular=True)


logaddexp = binary(
    "logaddexp",
    np.logaddexp,
    lambda a, y: exp(a - where(a == y, a, y)),
    lambda b, y: exp(b - where(b == y, b, y)),
    (REAL, REAL),
    singular=True,
)
logaddexp2 = binary(
    "logaddexp2",
    np.logaddexp2,
    lambda a, y: exp2(a - where(a == y, a, y)),
    lambda b, y: exp2(b - where(b == y, b, y)),
    (REAL, REAL),
    singular=True,
)

# trigonometry ----------------------------------------------------------------------------------------------------
sin = unary("sin", np.sin, lambda x: cos(x))
cos = unary("cos", np.cos, lambda x: -sin(x))
tan = unary("tan", np.tan, lambda y: 1 + y * y, UNIT, singular=True)
arcsin = unary("arcsin", np.arcsin, lambda x: 1 / sqrt((1 - x) * (1 + x)), UNIT, singular=True)
arccos = unary("arccos", np.arccos, lambda x: -1 / sqrt((1 - x) * (1 + x)), UNIT, singular=True)
arctan = unary("arctan", np.arctan, lambda x: 1 / (1 + x * x))
sinh = unary("sinh", np.sinh, lambda x: cosh(x), singular=True)
cosh = unary("cosh", np.cosh, lambda x: sinh(x), singular=True)
tanh = unary("tanh", np.tanh, lambda y: 1 - y * y)
arcsinh = unary("arcsinh", np.arcsinh, lambda x: 1 / sqrt(x * x + 1))
arccosh = unary("arccosh", np.arccosh, lambda x: 1 / sqrt((x - 1) * (x + 1)), (1.5, 3.0), singular=True)
arctanh = unary("arctanh", np.arctanh, lambda x: 1 / ((1 - x) * (1 + x)), UNIT, singular=True)
arctan2 = binary(
    "arctan2",
    np.arctan2,
    lambda a, b: b / (a * a + b * b),
    lambda a, b: -a / (a * a + b * b),
    (POSITIVE, POSITIVE),
    singular=True,
)
sinc = unary("sinc", np.sinc, lambda x, y: _sinc_slope(x, y))


def _sinc_slope(x: Any, y: Any) -> Any:
    """(cos(pi x) - sinc(x)) / x, and its limit 0 at x = 0."""
    safe = where(x == 0, 1.0, x)
    return where(x == 0, 0.0, (cos(float(np.pi) * safe) - y) / safe)


# piecewise -------------------------------------------------------------------------------------------------------
sign = constant("sign", np.sign)
floor = constant("floor", np.floor)
ceil = constant("ceil", np.ceil)
trunc = constant("trunc", np.trunc)
rint = constant("rint", np.rint)
absolute = unary("abs", np.absolute, lambda x: sign(x))


def _wins(a: Any, b: Any) -> Any:
    return np.where(a > b, 1, np.where(a == b, 0.5, 0)).astype(np.result_type(a, b))[()]


wins = constant("wins", _wins, REAL, REAL)  # 1 where a > b, 1/2 at a tie, 0 elsewhere
maximum = binary("maximum", np.maximum, lambda a, b: wins(a, b), lambda a, b: wins(b, a), (REAL, REAL))
minimum = binary("minimum", np.minimum, lambda a, b: wins(b, a), lambda a, b: wins(a, b), (REAL, REAL))
remainder = binary("remainder", np.remainder, 1, lambda a, b: -floor(a / b), (REAL, POSITIVE))
fmod = binary("fmod", np.fmod, 1, lambda a, b: -trunc(a / b), (REAL, POSITIVE))
hypot = binary(
    "hypot",
    np.hypot,
    lambda a, y: a / where(y == 0, 1.0, y),
    lambda b, y: b / where(y == 0, 1.0, y),
    (POSITIVE, REAL),
)

# without derivative ----------------------------------------------------------------------------------------------
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
floor_divide = constant("floor_divide", np.floor_divide, REAL, POSITIVE)


# choice, conversion, complex numbers -----------------------------------------------------------------------------
def _where_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(), (3,), (2, 3), (0,)]:
        mask = np.asarray(rng.uniform(size=shape) > 0.5)
        yield Sample((mask, np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=shape))))


def _where(mask: Any, a: Any, b: Any) -> Any:
    return np.where(mask, a, b)[()]


where = Primitive(
    "where",
    _where,
    Linear(
        None,
        lambda y_bar, mask, a, b: where(mask, y_bar, 0.0),
        lambda y_bar, mask, a, b: where(mask, 0.0, y_bar),
    ),
    pointwise=True,
    samples=_where_samples,
)


def _convert(x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype) if isinstance(x, np.ndarray | np.generic) else np.dtype(dtype).type(x)


def _convert_T(y_bar: Any, x: Any, *, dtype: Any) -> Any:
    if np.dtype(dtype).kind == "c" and x.dtype.kind == "f":
        y_bar = real(y_bar)
    return convert(y_bar, dtype=x.dtype)


def _convert_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for dtype in ("float64", "complex128"):
        yield Sample((rng.normal(size=(2, 3)),), {"dtype": np.dtype(dtype)})


def _convert_kind_type(x: ArrayType, *, dtype: Any) -> ArrayType:
    return ArrayType(x.shape, dtype)


convert = Primitive(
    "convert",
    _convert,
    Linear(_convert_T),
    type_rule=_convert_kind_type,
    pointwise=True,
    samples=_convert_samples,
)


def _complex_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(), (2, 3)]:
        yield Sample((rng.normal(size=shape) + 1j * rng.normal(size=shape),))


def _imag_T(y_bar: Any, x: Any) -> Any:
    """<y_bar, imag(x)> = Re(-i y_bar x): the adjoint convention pairs without conjugation."""
    return -1j * convert(y_bar, dtype=x.dtype)


real = Primitive(
    "real",
    lambda x: np.real(x)[()],
    Linear(lambda y_bar, x: convert(y_bar, dtype=x.dtype)),
    pointwise=True,
    samples=_complex_samples,
)
imag = Primitive("imag", lambda x: np.imag(x)[()], Linear(_imag_T), pointwise=True, samples=_complex_samples)
conj = Primitive("conj", np.conj, Linear(lambda y_bar, x: conj(y_bar)), pointwise=True, samples=_complex_samples)


def _complex_abs_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """|z|_dot = Re(conj(z/|z|) z_dot), and 0 at z = 0."""
    (z,), (z_dot,) = primals, tangents
    return complex_abs(z), real(mul(conj(sign(z)), z_dot))


complex_abs = Primitive(
    "complex_abs", np.absolute, Custom(_complex_abs_jvp), pointwise=True, samples=_complex_samples
)
