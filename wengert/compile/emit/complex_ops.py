"""The arithmetic of complex numbers: pairs of real values. Functions without a simple form are the C library's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .table import Dtype, do, real
from .values import converted, intrinsic, predicate, select
from .writer import Writer, number

Pair = tuple[str, str]
COMPLEX: dict[str, Callable[..., Any]] = {}
BOOLEAN = {  # results that are truth values
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "same", "isnan", "isfinite", "isinf",
}  # fmt: skip
REAL_PART = {"real", "imag", "complex_abs", "abs"}  # results that are real
DOUBLE = np.dtype(np.complex128)


def op(*names: str) -> Callable[[Any], Any]:
    """Declare the instructions of an operation on complex values."""

    def declare(f: Any) -> Any:
        for name in names:
            COMPLEX[name] = f
        return f

    return declare


def supported(name: str) -> bool:
    """Is there native complex arithmetic for this?"""
    return name in COMPLEX or (name in C_LIBRARY and sys.platform != "win32")  # there pairs are passed in another way


def part_of(dtype: Dtype) -> Dtype:
    """The dtype of real and imaginary parts."""
    return np.dtype(f"f{dtype.itemsize // 2}")


def apply(w: Writer, name: str, dtype: Dtype, values: list[Any]) -> tuple[Any, Dtype]:
    """The operation on complex values, and the dtype of its result."""
    result = np.dtype(bool) if name in BOOLEAN else part_of(dtype) if name in REAL_PART else dtype
    if name in COMPLEX:
        return COMPLEX[name](w, dtype, *values), result
    return library(w, C_LIBRARY[name], dtype, *values), result


# parts -------------------------------------------------------------------------------------------------------------
def parts(w: Writer, how: str, dtype: Dtype, *zs: Pair) -> Pair:
    """One instruction on real parts, and on imaginary parts."""
    re, im = (do(w, how, dtype, *ps) for ps in zip(*zs, strict=True))
    return re, im


op("real")(lambda w, dtype, a: a[0])
op("imag")(lambda w, dtype, a: a[1])
op("conj")(lambda w, dtype, a: (a[0], do(w, "fneg", dtype, a[1])))
op("neg")(lambda w, dtype, a: parts(w, "fneg", dtype, a))
op("add")(lambda w, dtype, a, b: parts(w, "fadd", dtype, a, b))
op("sub")(lambda w, dtype, a, b: parts(w, "fsub", dtype, a, b))
op("rint")(lambda w, dtype, a: tuple(intrinsic(w, "rint", part_of(dtype), p) for p in a))


@op("complex_abs", "abs")
def absolute(w: Writer, dtype: Dtype, a: Pair) -> str:
    """|a|."""
    return real(w, "hypot", part_of(dtype), *a)


@op("complex_sign", "sign")
def sign(w: Writer, dtype: Dtype, a: Pair) -> Pair:
    """a/|a|; 0 at 0; where one part is infinite the direction of that axis, where both are NaN."""
    part = part_of(dtype)
    zero, one, inf = (number(x, part) for x in (0, 1, np.inf))
    size = absolute(w, dtype, a)
    infinite = do(w, "fcmp oeq", part, size, inf)
    nothing = do(w, "fcmp oeq", part, size, zero)
    scale = select(w, part, infinite, inf, size)

    def direction(x: str) -> str:
        own = do(w, "fcmp oeq", part, intrinsic(w, "fabs", part, x), inf)
        end = select(w, part, own, intrinsic(w, "copysign", part, one, x), zero)
        y = select(w, part, infinite, end, do(w, "fdiv", part, x, scale))
        return select(w, part, nothing, zero, y)

    re, im = (direction(x) for x in a)
    both = [do(w, "fcmp oeq", part, intrinsic(w, "fabs", part, x), inf) for x in a]
    lost = w.emit(f"or i1 {w.emit(f'and i1 {both[0]}, {both[1]}')}, {do(w, 'fcmp uno', part, size, size)}")
    nan = number(np.nan, part)
    return select(w, part, lost, nan, re), select(w, part, lost, nan, im)


# products and quotients --------------------------------------------------------------------------------------------
@op("mul")
def mul(w: Writer, dtype: Dtype, a: Pair, b: Pair) -> Pair:
    """(a + bi)(c + di) = ac - bd + (ad + bc)i."""
    products = [do(w, "fmul", dtype, a[i], b[j]) for i, j in ((0, 0), (1, 1), (0, 1), (1, 0))]
    return do(w, "fsub", dtype, *products[:2]), do(w, "fadd", dtype, *products[2:])


op("square")(lambda w, dtype, a: mul(w, dtype, a, a))


@op("div")
def div(w: Writer, dtype: Dtype, a: Pair, b: Pair) -> Pair:
    """Smith's algorithm, as NumPy's: scaled by the larger part of the divisor."""
    part = part_of(dtype)
    sizes = [intrinsic(w, "fabs", part, p) for p in b]
    swap = do(w, "fcmp ult", part, *sizes)
    big, small = select(w, part, swap, b[1], b[0]), select(w, part, swap, b[0], b[1])
    p, q = select(w, part, swap, a[1], a[0]), select(w, part, swap, a[0], a[1])
    ratio = do(w, "fdiv", part, small, big)
    scale = do(w, "fdiv", part, number(1, part), do(w, "fadd", part, big, do(w, "fmul", part, small, ratio)))
    re = do(w, "fmul", part, do(w, "fadd", part, p, do(w, "fmul", part, q, ratio)), scale)
    turned = do(w, "fmul", part, p, ratio)
    u, v = select(w, part, swap, turned, q), select(w, part, swap, q, turned)
    im = do(w, "fmul", part, do(w, "fsub", part, u, v), scale)
    zero = do(w, "fcmp oeq", part, do(w, "fadd", part, *sizes), number(0, part))
    by_zero = [do(w, "fdiv", part, x, sizes[0]) for x in a]
    return select(w, part, zero, by_zero[0], re), select(w, part, zero, by_zero[1], im)


@op("reciprocal")
def reciprocal(w: Writer, dtype: Dtype, a: Pair) -> Pair:
    """1/a, scaled in the same way."""
    part = part_of(dtype)
    keep = do(w, "fcmp ole", part, *(intrinsic(w, "fabs", part, p) for p in (a[1], a[0])))
    big, small = select(w, part, keep, a[0], a[1]), select(w, part, keep, a[1], a[0])
    ratio = do(w, "fdiv", part, small, big)
    below = do(w, "fadd", part, big, do(w, "fmul", part, small, ratio))
    whole, share = do(w, "fdiv", part, number(1, part), below), do(w, "fdiv", part, ratio, below)
    first, second = select(w, part, keep, whole, share), select(w, part, keep, share, whole)
    return first, do(w, "fneg", part, second)


@op("zero_safe_mul")
def zero_safe(w: Writer, dtype: Dtype, d: Pair, t: Pair) -> Any:
    """d t, and 0 where t = 0."""
    zero = number(0, dtype)
    return select(w, dtype, equality(w, "equal", dtype, t, zero), zero, mul(w, dtype, d, t))


def combined(w: Writer, how: str, dtype: Dtype, a: Pair, b: Pair) -> Pair:
    """The total with one more term."""
    return mul(w, dtype, a, b) if how == "mul" else parts(w, "fadd reassoc", dtype, a, b)


# comparisons -------------------------------------------------------------------------------------------------------
def equality(w: Writer, name: str, dtype: Dtype, a: Pair, b: Pair) -> str:
    """Both parts equal, or one that is not."""
    how, join = ("oeq", "and") if name == "equal" else ("une", "or")
    x, y = parts(w, f"fcmp {how}", dtype, a, b)
    return w.emit(f"{join} i1 {x}, {y}")


for _name in ("equal", "not_equal"):
    op(_name)(lambda w, dtype, a, b, name=_name: equality(w, name, dtype, a, b))


def ordered(w: Writer, relation: str, dtype: Dtype, a: Pair, b: Pair) -> str:
    """By real parts, where these are equal by imaginary parts; false with NaN."""
    numbers = do(w, "fcmp ord", dtype, a[1], b[1])
    first = w.emit(f"and i1 {do(w, f'fcmp o{relation[0]}t', dtype, a[0], b[0])}, {numbers}")
    tie = do(w, "fcmp oeq", dtype, a[0], b[0])
    second = w.emit(f"and i1 {tie}, {do(w, f'fcmp o{relation}', dtype, a[1], b[1])}")
    return w.emit(f"or i1 {first}, {second}")


for _name, _relation in (("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge")):
    op(_name)(lambda w, dtype, a, b, relation=_relation: ordered(w, relation, dtype, a, b))


def is_nan(w: Writer, dtype: Dtype, a: Pair) -> str:
    """Is one of the parts NaN?"""
    return do(w, "fcmp uno", dtype, *a)


def extremum(w: Writer, relation: str, dtype: Dtype, a: Pair, b: Pair, which: Pair) -> Any:
    """a where it is in this relation to b or where `which` is NaN; else b."""
    first = w.emit(f"or i1 {is_nan(w, dtype, which)}, {ordered(w, relation, dtype, a, b)}")
    return select(w, dtype, first, a, b)


op("maximum")(lambda w, dtype, a, b: extremum(w, "ge", dtype, a, b, a))
op("minimum")(lambda w, dtype, a, b: extremum(w, "le", dtype, a, b, a))
op("fmax")(lambda w, dtype, a, b: extremum(w, "ge", dtype, a, b, b))
op("fmin")(lambda w, dtype, a, b: extremum(w, "le", dtype, a, b, b))


@op("same")
def same(w: Writer, dtype: Dtype, a: Pair, b: Pair) -> str:
    """Equal, or both NaN."""
    nan = w.emit(f"and i1 {is_nan(w, dtype, a)}, {is_nan(w, dtype, b)}")
    return w.emit(f"or i1 {equality(w, 'equal', dtype, a, b)}, {nan}")


def _predicate(name: str) -> None:
    def f(w: Writer, dtype: Dtype, a: Pair) -> str:
        x, y = (predicate(w, name, part_of(dtype), p) for p in a)
        return w.emit(f"{'and' if name == 'isfinite' else 'or'} i1 {x}, {y}")

    COMPLEX[name] = f


for _name in ("isnan", "isfinite", "isinf"):
    _predicate(_name)


# functions ---------------------------------------------------------------------------------------------------------
C_LIBRARY = {
    "log": "clog", "sqrt": "csqrt", "root_of_squares": "csqrt", "sin": "csin", "cos": "ccos", "tan": "ctan",
    "sinh": "csinh", "cosh": "ccosh", "tanh": "ctanh", "arcsin": "casin", "arccos": "cacos", "arctan": "catan",
    "arcsinh": "casinh", "arccosh": "cacosh", "arctanh": "catanh",
}  # fmt: skip


def library(w: Writer, function: str, dtype: Dtype, *zs: Pair) -> Pair:
    """A function of the C library, in double precision: NumPy calls the same."""
    passed = [f"double {p}" for z in zs for p in converted(w, z, dtype, DOUBLE)]
    w.declare(f"declare {{ double, double }} @{function}({', '.join(['double'] * len(passed))}) nounwind memory(none)")
    y = w.emit(f"call {{ double, double }} @{function}({', '.join(passed)})")
    pair = tuple(w.emit(f"extractvalue {{ double, double }} {y}, {k}") for k in range(2))
    return converted(w, pair, DOUBLE, dtype)


LARGE = {8: 709.0, 4: 88.0}  # whose exponential is finite


@op("exp")
def exp(w: Writer, dtype: Dtype, a: Pair) -> Pair:
    """e^x (cos y + i sin y), where e^x may be infinite and the product not; C's conventions at infinities."""
    part = part_of(dtype)
    (x, y), limit = a, LARGE[part.itemsize]
    zero, one, inf = (number(v, part) for v in (0, 1, np.inf))
    large = do(w, "fcmp ogt", part, x, number(limit, part))
    less = do(w, "fsub", part, x, select(w, part, large, number(limit, part), zero))
    rest = select(w, part, large, number(np.exp(limit), part), one)
    size = real(w, "exp", part, less)
    re, im = (do(w, "fmul", part, do(w, "fmul", part, size, real(w, f, part, y)), rest) for f in ("cos", "sin"))
    astray = w.emit(f"xor i1 {predicate(w, 'isfinite', part, y)}, true")
    up = w.emit(f"and i1 {astray}, {do(w, 'fcmp oeq', part, x, inf)}")
    down = w.emit(f"and i1 {astray}, {do(w, 'fcmp oeq', part, x, number(-np.inf, part))}")
    re = select(w, part, down, zero, select(w, part, up, inf, re))
    im = select(w, part, down, intrinsic(w, "copysign", part, zero, y), im)
    return re, select(w, part, do(w, "fcmp oeq", part, y, zero), y, im)


def scaled(w: Writer, dtype: Dtype, a: Pair, factor: float) -> Pair:
    """A real number times a complex one."""
    f = number(factor, part_of(dtype))
    return parts(w, "fmul", dtype, a, (f, f))


op("exp2")(lambda w, dtype, a: exp(w, dtype, scaled(w, dtype, a, np.log(2))))
op("log2")(lambda w, dtype, a: scaled(w, dtype, library(w, "clog", dtype, a), 1 / np.log(2)))
op("log10")(lambda w, dtype, a: scaled(w, dtype, library(w, "clog", dtype, a), 1 / np.log(10)))


@op("expm1")
def expm1(w: Writer, dtype: Dtype, a: Pair) -> Pair:
    """expm1(x) cos y - 2 sin(y/2)^2 + i e^x sin y."""
    part = part_of(dtype)
    half = real(w, "sin", part, do(w, "fmul", part, a[1], number(0.5, part)))
    square = do(w, "fmul", part, do(w, "fmul", part, number(2, part), half), half)
    first = do(w, "fmul", part, real(w, "expm1", part, a[0]), real(w, "cos", part, a[1]))
    second = do(w, "fmul", part, real(w, "exp", part, a[0]), real(w, "sin", part, a[1]))
    return do(w, "fsub", part, first, square), second


@op("log1p")
def log1p(w: Writer, dtype: Dtype, a: Pair) -> Pair:
    """log |1 + a| + i arg(1 + a)."""
    part = part_of(dtype)
    x = do(w, "fadd", part, a[0], number(1, part))
    return real(w, "log", part, real(w, "hypot", part, x, a[1])), real(w, "arctan2", part, a[1], x)


@op("sinc")
def sinc(w: Writer, dtype: Dtype, a: Pair) -> Any:
    """sin(pi a)/(pi a), and 1 at 0."""
    z = scaled(w, dtype, a, np.pi)
    y = div(w, dtype, library(w, "csin", dtype, z), z)
    return select(w, dtype, equality(w, "equal", dtype, z, number(0, dtype)), number(1, dtype), y)
