"""Elementwise primitives: a table. A line holds the name, NumPy's function, the partial derivatives, the domain.

A partial is an expression in the inputs (x, or a, b, c) and the output y, by these names. Convention at a kink: the
mean of the slopes on both sides, which is also the limit of central differences. So abs'(0) = 0, and at a tie maximum
and minimum give half to each operand. Where the limit depends on the direction (arctan2, hypot, |z| and sign(z) at 0)
the slope is 0. d(a^b)/db = 0 at a = 0 <= b.
"""
# ruff: noqa: F403, F405

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Elementwise, Linear, Primitive, Sample
from ..core.types import ArrayType, dtype_of
from .discrete import *  # the other half of the table: comparisons, steps, bits


def unary(name: str, impl: Any, partial: Any, domain: Domain = REAL, **kind: Any) -> Primitive:
    """A function of one variable, y = f(x)."""
    return Primitive(name, impl, Elementwise(partial, **kind), pointwise=True, samples=sampler(domain))


def binary(name: str, impl: Any, da: Any, db: Any, domains: tuple[Domain, Domain], **kind: Any) -> Primitive:
    """A function of two variables, y = f(a, b)."""
    return Primitive(name, impl, Elementwise(da, db, **kind), pointwise=True, samples=sampler(*domains))


def over(a: Any, b: Any) -> Any:
    """a / b, also where b is Python's zero."""
    return np.true_divide(a, b) if is_python(b) and b == 0 else a / b


def nonzero(x: Any) -> Any:
    """x, and 1 where x = 0: a denominator."""
    return where(equal(x, 0), 1.0, x)


def is_number(x: Any) -> bool:
    """A Python or NumPy scalar: a constant written in place."""
    return is_python(x) or isinstance(x, np.generic)


# arithmetic ------------------------------------------------------------------------------------------------------
add = binary("add", operator.add, 1, 1, (REAL, REAL), linear_in=(0, 1), jointly=True)
sub = binary("sub", operator.sub, 1, -1, (REAL, REAL), linear_in=(0, 1), jointly=True)
mul = binary("mul", operator.mul, lambda b: b, lambda a: a, (REAL, REAL), linear_in=(0, 1))
neg = unary("neg", operator.neg, -1, linear_in=(0,), jointly=True)


def _zero_safe_mul(d: Any, t: Any) -> Any:
    with np.errstate(all="ignore"):
        y = d * t
        size = np.vdot(y, y) if type(y) is np.ndarray else y  # a sum of squares is NaN exactly where a term is
        if size != size:
            y = np.where(np.equal(t, 0), 0.0, y)[()]
    return y


zero_safe_mul = binary(
    "zero_safe_mul", _zero_safe_mul, lambda b: b, lambda a: a, (REAL, REAL), linear_in=(0, 1), singular=True
)


def _div(a: Any, b: Any) -> Any:
    return np.true_divide(a, b).item() if is_python(b) and is_python(a) else a / b


div = binary(
    "div", _div, lambda b: over(1.0, b), lambda b, y: over(-y, b), (REAL, POSITIVE), linear_in=(0,), singular=True
)


def _power(a: Any, b: Any) -> Any:
    return np.power(a, b).item() if is_python(b) and is_python(a) else a**b


def _power_da(a: Any, b: Any) -> Any:
    """d(a^b)/da = b a^(b-1), and 0 where b = 0."""
    if is_number(b):
        if b == 0:
            return 0.0
        if b == 1:
            return 1.0
        return b * a if b == 2 else b * power(a, b - 1)
    return b * power(a, where(equal(b, 0), 1.0, b - 1))


def _power_db(a: Any, b: Any, y: Any) -> Any:
    """d(a^b)/db = a^b log a, and 0 where a = 0 <= b."""
    if not is_number(a):
        return y * log(nonzero(a))
    if a == 0:
        return y * 0.0
    return y * np.log(complex(a) if dtype_of(y).kind == "c" else a).item()  # a Python number keeps y's dtype


power = binary("power", _power, _power_da, _power_db, (POSITIVE, REAL), singular=True)
remainder = binary(
    "remainder", weakly(np.remainder), 1, lambda a, b: -floor_divide(a, b), (REAL, POSITIVE), singular=True
)
fmod = binary("fmod", np.fmod, 1, lambda a, b, y: -rint((a - y) / b), (REAL, POSITIVE), singular=True)
fraction = unary("fraction", lambda x: np.modf(x)[0], 1)  # modf's first result
ldexp = Primitive(
    "ldexp",
    np.ldexp,
    Linear(lambda y_bar, x, n: ldexp(y_bar, n), None),
    pointwise=True,
    samples=sampler(REAL, (-2, 3)),
)

# exponentials and logarithms -------------------------------------------------------------------------------------
LOG2, LOG10 = float(np.log(2)), float(np.log(10))  # Python numbers: they leave float32 as it is

exp = unary("exp", np.exp, lambda y: y, singular=True)
exp2 = unary("exp2", np.exp2, lambda y: LOG2 * y, singular=True)
expm1 = unary("expm1", np.expm1, lambda x: exp(x), singular=True)
log = unary("log", np.log, lambda x: over(1.0, x), POSITIVE, singular=True)
log2 = unary("log2", np.log2, lambda x: over(1 / LOG2, x), POSITIVE, singular=True)
log10 = unary("log10", np.log10, lambda x: over(1 / LOG10, x), POSITIVE, singular=True)
log1p = unary("log1p", np.log1p, lambda x: over(1.0, 1 + x), (-0.8, 2.0), singular=True)
sqrt = unary("sqrt", np.sqrt, lambda y: 0.5 / y, POSITIVE, singular=True)
root_of_squares = unary(  # the root of a sum of squares, which is 0 only where they are: slope 0 there, as |x| has
    "root_of_squares", np.sqrt, lambda y: where(equal(y, 0), 0.0, 0.5 / nonzero(y)), POSITIVE
)
cbrt = unary("cbrt", np.cbrt, lambda y: 1 / (3 * (y * y)), POSITIVE, singular=True)
square = unary("square", np.square, lambda x: 2 * x)
reciprocal = unary("reciprocal", np.reciprocal, lambda y: -(y * y), POSITIVE, singular=True)


def _log_share(power: Any, a: Any, b: Any, y: Any) -> Any:
    """The part of a in log(e^a + e^b): e^(a - y), and where y is infinite the limit: all, half or nothing."""
    finite = isfinite(y)
    return where(finite, power(a - where(finite, y, a)), wins(a, b))


logaddexp = binary(
    "logaddexp",
    np.logaddexp,
    lambda a, b, y: _log_share(exp, a, b, y),
    lambda a, b, y: _log_share(exp, b, a, y),
    (REAL, REAL),
    singular=True,
)
logaddexp2 = binary(
    "logaddexp2",
    np.logaddexp2,
    lambda a, b, y: _log_share(exp2, a, b, y),
    lambda a, b, y: _log_share(exp2, b, a, y),
    (REAL, REAL),
    singular=True,
)

# trigonometry ----------------------------------------------------------------------------------------------------
DEGREE = float(np.pi) / 180

sin = unary("sin", np.sin, lambda x: cos(x))
cos = unary("cos", np.cos, lambda x: -sin(x))
tan = unary("tan", np.tan, lambda y: 1 + y * y, UNIT, singular=True)
arcsin = unary("arcsin", np.arcsin, lambda x: 1 / sqrt((1 - x) * (1 + x)), UNIT, singular=True)
arccos = unary("arccos", np.arccos, lambda x: -1 / sqrt((1 - x) * (1 + x)), UNIT, singular=True)
arctan = unary("arctan", np.arctan, lambda x: over(1.0, 1 + x * x))
sinh = unary("sinh", np.sinh, lambda x: cosh(x), singular=True)
cosh = unary("cosh", np.cosh, lambda x: sinh(x), singular=True)
tanh = unary("tanh", np.tanh, lambda y: 1.0 - y * y)
arcsinh = unary("arcsinh", np.arcsinh, lambda x: over(1.0, _root_of_one_plus_square(x)))
arccosh = unary("arccosh", np.arccosh, lambda x: 1 / (sqrt(x - 1) * sqrt(x + 1)), (1.5, 3.0), singular=True)
arctanh = unary("arctanh", np.arctanh, lambda x: over(1.0, (1 - x) * (1 + x)), UNIT, singular=True)
deg2rad = unary("deg2rad", np.deg2rad, DEGREE, linear_in=(0,), jointly=True)
rad2deg = unary("rad2deg", np.rad2deg, 1 / DEGREE, linear_in=(0,), jointly=True)


def _root_of_one_plus_square(x: Any) -> Any:
    """sqrt(1 + x^2); hypot does not overflow, but knows real numbers only."""
    return sqrt(1 + x * x) if dtype_of(x).kind == "c" else hypot(x, 1.0)


def _turn(a: Any, b: Any, c: Any) -> Any:
    """c / (a^2 + b^2) without overflow, and 0 at the origin."""
    h = nonzero(hypot(a, b))
    return over(over(c, h), h)


hypot = binary("hypot", np.hypot, lambda a, y: over(a, nonzero(y)), lambda b, y: over(b, nonzero(y)), (POSITIVE, REAL))
arctan2 = binary(
    "arctan2",
    np.arctan2,
    lambda a, b: _turn(a, b, b),
    lambda a, b: _turn(a, b, -a),
    (POSITIVE, POSITIVE),
    singular=True,
)


@functools.cache
def _gauss(n: int) -> tuple[Any, Any]:
    """Nodes and weights of Gauss-Legendre quadrature on (0, 1)."""
    t, w = np.polynomial.legendre.leggauss(n)
    return (t + 1) / 2, w / 2


def _sinc_slope(x: Any, n: int) -> Any:
    """sinc^(n)(x) = pi^n S(n), where S(n) = integral_0^1 t^n cos(z t + n pi/2) dt and z = pi x.

    By quadrature where |z| < n + 2; elsewhere by the recurrence z S(n) = sin(z + n pi/2) - n S(n-1), stable there.
    """
    z = float(np.pi) * np.asarray(x)
    near = np.abs(z) < n + 2
    far = np.where(near, n + 2.0, z)
    s = np.sin(far) / far
    for k in range(1, n + 1):
        s = (_quarter_turns(k, far) - k * s) / far
    if near.any():
        t, w = _gauss(n + 20)
        s = np.asarray(s)
        s[near] = _quarter_turns(n + 1, np.multiply.outer(np.asarray(z)[near], t)) @ (w * t**n)
    return (float(np.pi) ** n * s).astype(z.dtype)[()]


def _quarter_turns(n: int, z: Any) -> Any:
    """sin(z + n pi/2), exactly 0 where it is."""
    return (np.sin, np.cos)[n % 2](z) * (1, 1, -1, -1)[n % 4]


sinc = unary("sinc", np.sinc, lambda x: sinc_slope(x, 1))
sinc_slope = Primitive(  # the n-th derivative of sinc; n is a Python integer
    "sinc_slope",
    _sinc_slope,
    Elementwise(lambda x, n: sinc_slope(x, n + 1), None, names="x n"),
    pointwise=True,
    samples=lambda rng: (Sample((rng.normal(size=3), n)) for n in (1, 2)),
)


def _bessel_i(x: Any, n: int) -> Any:
    from scipy.special import iv

    double = np.complex128 if dtype_of(x).kind == "c" else np.float64
    return np.asarray(iv(n, np.asarray(x, double))).astype(dtype_of(x))[()]


i0 = unary("numpy_i0", np.i0, lambda x: bessel_i(x, 1), singular=True)
bessel_i = Primitive(  # I_n(x), modified Bessel function of the first kind; n is a Python integer
    "bessel_i",
    _bessel_i,
    Elementwise(lambda x, n: (bessel_i(x, n - 1) + bessel_i(x, n + 1)) / 2, None, names="x n", singular=True),
    pointwise=True,
    samples=lambda rng: (Sample((rng.normal(size=3), n)) for n in (0, 1)),
)

# piecewise -------------------------------------------------------------------------------------------------------
absolute = unary("abs", operator.abs, lambda x: sign(x))
fabs = unary("fabs", np.fabs, lambda x: sign(x))
copysign = binary("copysign", np.copysign, lambda a, y: sign(a) * sign(y), None, (POSITIVE, REAL))
nextafter = binary("nextafter", np.nextafter, 1, None, (REAL, REAL))
heaviside = binary("heaviside", np.heaviside, None, lambda a: equal(a, 0), (REAL, REAL))
heaviside.samples = lambda rng: iter([Sample((np.array([-1.0, 0.0, 1.0]), rng.normal(size=3)), {}, (1,))])
maximum = binary("maximum", np.maximum, lambda a, b: wins(a, b), lambda a, b: wins(b, a), (REAL, REAL))
minimum = binary("minimum", np.minimum, lambda a, b: wins(b, a), lambda a, b: wins(a, b), (REAL, REAL))
fmax = binary("fmax", np.fmax, lambda a, b, y: share(a, b, y), lambda a, b, y: share(b, a, y), (REAL, REAL))
fmin = binary("fmin", np.fmin, lambda a, b, y: share(a, b, y), lambda a, b, y: share(b, a, y), (REAL, REAL))


# choice ----------------------------------------------------------------------------------------------------------
def _where_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(), (3,), (2, 3), (0,)]:
        mask = np.asarray(rng.uniform(size=shape) > 0.5)
        yield Sample((mask, np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=shape))))


where = Primitive(
    "where",
    lambda mask, a, b: np.where(mask, a, b)[()],  # type: ignore[call-overload]
    Linear(
        None,
        lambda y_bar, mask, a, b: where(mask, y_bar, 0.0),
        lambda y_bar, mask, a, b: where(mask, 0.0, y_bar),
    ),
    pointwise=True,
    samples=_where_samples,
)


# conversion and complex numbers ----------------------------------------------------------------------------------
def _convert(x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype) if isinstance(x, (np.ndarray, np.generic)) else np.dtype(dtype).type(x)


def _convert_T(y_bar: Any, x: Any, *, dtype: Any) -> Any:
    if np.dtype(dtype).kind == "c" and x.dtype.kind == "f":
        y_bar = real(y_bar)
    return convert(y_bar, dtype=x.dtype)


def _convert_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for dtype in ("float64", "complex128"):
        yield Sample((rng.normal(size=(2, 3)),), {"dtype": np.dtype(dtype)})


convert = Primitive(
    "convert",
    _convert,
    Linear(_convert_T),
    type_rule=lambda x, *, dtype: ArrayType(x.shape, dtype),
    pointwise=True,
    samples=_convert_samples,
)


def _complex_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(), (2, 3)]:
        yield Sample((rng.normal(size=shape) + 1j * rng.normal(size=shape),))


def _pointwise(name: str, impl: Any, kind: Any) -> Primitive:
    return Primitive(name, impl, kind, pointwise=True, samples=_complex_samples)


def _imag_T(y_bar: Any, x: Any) -> Any:
    """<y_bar, imag(x)> = Re(-i y_bar x): the adjoint convention pairs without conjugation."""
    return -1j * convert(y_bar, dtype=x.dtype)


def _complex_abs_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """|z|_dot = Re(conj(z/|z|) z_dot), and 0 at z = 0."""
    (z,), (z_dot,) = primals, tangents
    return complex_abs(z), real(mul(conj(complex_sign(z)), z_dot))


def _complex_sign_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """w = z/|z| turns: w_dot = i w Im(conj(w) z_dot) / |z|, and 0 at z = 0."""
    (z,), (z_dot,) = primals, tangents
    w = complex_sign(z)
    angle_dot = div(imag(mul(conj(w), z_dot)), nonzero(complex_abs(z)))
    return w, mul(mul(1j, w), convert(angle_dot, dtype=dtype_of(z)))


real = _pointwise("real", lambda x: np.asarray(x).real[()], Linear(lambda y_bar, x: convert(y_bar, dtype=x.dtype)))
imag = _pointwise("imag", lambda x: np.asarray(x).imag[()], Linear(_imag_T))
conj = _pointwise("conj", np.conj, Linear(lambda y_bar, x: conj(y_bar)))
complex_abs = _pointwise("complex_abs", np.absolute, Custom(_complex_abs_jvp))
complex_sign = _pointwise("complex_sign", np.sign, Custom(_complex_sign_jvp))
