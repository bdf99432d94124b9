"""The arithmetic of statements on real numbers: sums, products, rounding, extrema, choice, truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import complex_ops
from .table import Dtype, do, op, real
from .values import COMPARISONS, compare, intrinsic, predicate, select
from .writer import Writer, llvm_type, number

BOOL = np.dtype(bool)
LOGIC = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor"}
PREDICATES = ("isnan", "isinf", "isfinite", "signbit")
BOOLEAN_RESULT = {*COMPARISONS, *LOGIC, *PREDICATES, "logical_not", "nonzero", "same", "within"}
BOOLEAN_RESULT |= {"precedes", "follows", "leads_up", "leads_down"}

# arithmetic of truth values
BOOLEAN = {
    "add": "or", "maximum": "or", "fmax": "or", "bitwise_or": "or", "bitwise_xor": "xor", "mul": "and",
    "minimum": "and", "fmin": "and", "bitwise_and": "and", "zero_safe_mul": "and", "abs": "", "floor": "",
    "ceil": "", "trunc": "", "real": "", "conj": "",
}  # fmt: skip


# tables ------------------------------------------------------------------------------------------------------------
def _two(name: str, of_floats: str, of_integers: str) -> None:
    op(name)(lambda w, dtype, a, b: do(w, of_floats if dtype.kind == "f" else of_integers, dtype, a, b))


for _name, _float, _int in (("add", "fadd", "add"), ("sub", "fsub", "sub"), ("mul", "fmul", "mul")):
    _two(_name, _float, _int)
op("div", floats=True)(lambda w, dtype, a, b: do(w, "fdiv", dtype, a, b))


def _intrinsic(name: str, function: str) -> None:
    op(name, floats=True)(lambda w, dtype, *xs: intrinsic(w, function, dtype, *xs))


for _name, _function in (
    ("sqrt", "sqrt"), ("root_of_squares", "sqrt"), ("fabs", "fabs"), ("rint", "rint"), ("copysign", "copysign"),
):  # fmt: skip
    _intrinsic(_name, _function)


def _whole(name: str) -> None:
    """Rounding, which leaves integers alone."""
    op(name)(lambda w, dtype, x: intrinsic(w, name, dtype, x) if dtype.kind == "f" else x)


for _name in ("floor", "ceil", "trunc"):
    _whole(_name)
for _name in PREDICATES:
    op(_name)(lambda w, dtype, x, name=_name: predicate(w, name, dtype, x))
op("real", "conj")(lambda w, dtype, x: x)
op("imag")(lambda w, dtype, x: number(0, dtype))


# one operand -------------------------------------------------------------------------------------------------------
@op("neg")
def _neg(w: Writer, dtype: Dtype, x: str) -> str:
    return do(w, "fneg", dtype, x) if dtype.kind == "f" else do(w, "sub", dtype, "0", x)


@op("abs")
def _abs(w: Writer, dtype: Dtype, x: str) -> str:
    if dtype.kind == "f":
        return intrinsic(w, "fabs", dtype, x)
    t = llvm_type(dtype)
    return x if dtype.kind == "u" else w.emit(f"call {t} @llvm.abs.{t}({t} {x}, i1 false)")


@op("square")
def _square(w: Writer, dtype: Dtype, x: str) -> str:
    return real(w, "mul", dtype, x, x)


@op("reciprocal", floats=True)
def _reciprocal(w: Writer, dtype: Dtype, x: str) -> str:
    return do(w, "fdiv", dtype, number(1, dtype), x)


@op("deg2rad", floats=True)
def _deg2rad(w: Writer, dtype: Dtype, x: str) -> str:
    return do(w, "fmul", dtype, x, number(np.pi / 180, dtype))


@op("rad2deg", floats=True)
def _rad2deg(w: Writer, dtype: Dtype, x: str) -> str:
    return do(w, "fmul", dtype, x, number(180 / np.pi, dtype))


@op("sign")
def _sign(w: Writer, dtype: Dtype, x: str) -> str:
    zero, one = number(0, dtype), number(1, dtype)
    up = select(w, dtype, compare(w, "greater", dtype, x, zero), one, x if dtype.kind == "f" else zero)
    if dtype.kind == "u":
        return up
    y = select(w, dtype, compare(w, "less", dtype, x, zero), number(-1, dtype), up)
    return select(w, dtype, compare(w, "equal", dtype, x, zero), zero, y) if dtype.kind == "f" else y


def power_of_integer(w: Writer, dtype: Dtype, x: Any, n: int) -> Any:
    """x^n by repeated squaring, n >= 0."""
    multiply = complex_ops.mul if dtype.kind == "c" else lambda w, dtype, a, b: real(w, "mul", dtype, a, b)
    y, square = None, x
    while n:
        if n & 1:
            y = square if y is None else multiply(w, dtype, y, square)
        n >>= 1
        if n:
            square = multiply(w, dtype, square, square)
    return number(1, dtype) if y is None else y


# two operands ------------------------------------------------------------------------------------------------------
@op("zero_safe_mul")
def _zero_safe_mul(w: Writer, dtype: Dtype, d: str, t: str) -> str:
    """d t, and 0 where t = 0."""
    y = real(w, "mul", dtype, d, t)
    if dtype.kind != "f":
        return y
    return select(w, dtype, compare(w, "equal", dtype, t, number(0, dtype)), number(0, dtype), y)


def extremum(w: Writer, name: str, dtype: Dtype, a: str, b: str) -> str:
    """The larger (smaller) of two; NaN where one is NaN."""
    if dtype.kind == "b":
        return do(w, "or" if name == "max" else "and", dtype, a, b)
    if dtype.kind != "f":
        return intrinsic(w, ("s" if dtype.kind == "i" else "u") + name, dtype, a, b)
    relation = "ugt" if name == "max" else "ult"  # true where a is NaN; then b's turn
    first = do(w, f"fcmp {relation}", dtype, a, b)
    y = select(w, dtype, first, a, b)
    return select(w, dtype, do(w, "fcmp uno", dtype, b, b), b, y)


op("maximum")(lambda w, dtype, a, b: extremum(w, "max", dtype, a, b))
op("minimum")(lambda w, dtype, a, b: extremum(w, "min", dtype, a, b))


def _numbers_first(w: Writer, relation: str, dtype: Dtype, a: str, b: str) -> str:
    """The one in this relation; the other one where one is NaN."""
    y = select(w, dtype, compare(w, relation, dtype, a, b), a, b)
    if dtype.kind != "f":
        return y
    return select(w, dtype, do(w, "fcmp uno", dtype, b, b), a, y)


op("fmax")(lambda w, dtype, a, b: _numbers_first(w, "greater_equal", dtype, a, b))
op("fmin")(lambda w, dtype, a, b: _numbers_first(w, "less_equal", dtype, a, b))


@op("wins", floats=True)
def _wins(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """1 where a > b, 1/2 at a tie, 0 elsewhere."""
    tie = select(w, dtype, compare(w, "equal", dtype, a, b), number(0.5, dtype), number(0, dtype))
    return select(w, dtype, compare(w, "greater", dtype, a, b), number(1, dtype), tie)


@op("share", floats=True)
def _share(w: Writer, dtype: Dtype, a: str, b: str, y: str) -> str:
    """1 where a = y, 1/2 where also b = y, 0 elsewhere."""
    both = select(w, dtype, compare(w, "equal", dtype, b, y), number(0.5, dtype), number(1, dtype))
    return select(w, dtype, compare(w, "equal", dtype, a, y), both, number(0, dtype))


@op("heaviside", floats=True)
def _heaviside(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    y = select(w, dtype, compare(w, "less", dtype, a, number(0, dtype)), number(0, dtype), number(1, dtype))
    y = select(w, dtype, compare(w, "equal", dtype, a, number(0, dtype)), b, y)
    return select(w, dtype, do(w, "fcmp uno", dtype, a, a), a, y)


@op("within")
def _within(w: Writer, dtype: Dtype, x: str, r: str) -> str:
    """|x| <= r."""
    return compare(w, "less_equal", dtype, _abs(w, dtype, x), r)


@op("same")
def _same(w: Writer, dtype: Dtype, a: Any, b: Any) -> str:
    """Equal, or both NaN."""
    if dtype.kind == "c":
        return complex_ops.same(w, dtype, a, b)
    equal = compare(w, "equal", dtype, a, b)
    if dtype.kind != "f":
        return equal
    nan = w.emit(f"and i1 {do(w, 'fcmp uno', dtype, a, a)}, {do(w, 'fcmp uno', dtype, b, b)}")
    return w.emit(f"or i1 {equal}, {nan}")


def boolean(w: Writer, name: str, values: list[str]) -> str:
    """Arithmetic of truth values: a sum is `or`, a product is `and`."""
    if name == "invert":
        return w.emit(f"xor i1 {values[0]}, true")
    return w.emit(f"{BOOLEAN[name]} i1 {values[0]}, {values[1]}") if BOOLEAN[name] else values[0]
