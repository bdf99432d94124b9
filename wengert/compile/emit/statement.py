"""What a statement computes: its operands in the dtype of the computation, its operation, the result as it is stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import mathlib
from ..ir import Const, Position, Ref, Stmt
from . import complex_ops, ops
from .values import COMPARISONS, compare, converted, nonzero, select
from .writer import Writer, llvm_type, number

INT = np.dtype(np.int64)
SMALL_POWER = 16  # an exponent up to which a power is a product


def dtype_of_operand(x: Any) -> Any:
    """What NumPy's promotion takes: a dtype, or a Python number, which adapts."""
    if type(x) is Ref:
        return x.buffer.dtype
    if type(x) is Position:
        return INT
    return x.value if type(x.value) in (int, float, complex, bool) else np.asarray(x.value).dtype


def converted_constant(value: Any, dtype: np.dtype[Any] | None) -> Any:
    """A constant as text."""
    return number(value, np.asarray(value).dtype if dtype is None else dtype)


def computed(e: Any, stmt: Stmt) -> Any:
    """The value of the right side, in the dtype of the target."""
    out = stmt.target.buffer.dtype
    name = stmt.op
    if name == "copy":
        return e.operand(stmt.operands[0], out)
    if name == "place_of":
        return place_of(e, stmt)
    if name == "where":
        mask, *rest = stmt.operands
        values = [e.operand(x, out) for x in rest]
        return select(e, out, as_mask(e, mask), *values)
    if name in ops.LOGIC or name in ("logical_not", "nonzero"):
        return logic(e, name, stmt, out)
    if name in ("convert", "cast"):
        return e.operand(stmt.operands[0], out)
    dtype = np.result_type(*map(dtype_of_operand, stmt.operands))
    values = [e.operand(x, dtype) for x in stmt.operands]
    y, result = apply(e, name, dtype, values, stmt)
    return converted(e, y, result, out)


def apply(e: Writer, name: str, dtype: np.dtype[Any], values: list[Any], stmt: Stmt) -> tuple[Any, np.dtype[Any]]:
    """The operation on values of one dtype, and the dtype of its result."""
    if dtype.kind == "c":
        return complex_ops.apply(e, name, dtype, values, stmt)
    if name in COMPARISONS:
        return (boolean_comparison if dtype.kind == "b" else compare)(e, name, dtype, *values), ops.BOOL
    if name in ops.BOOLEAN_RESULT:
        return ops.REAL[name](e, dtype, *values), ops.BOOL
    if name in ("real", "conj"):
        return values[0], dtype
    if name == "imag":
        return number(0, dtype), dtype
    if name == "power" and type(stmt.operands[1]) is Const:
        exponent = stmt.operands[1].value
        if float(exponent).is_integer() and abs(exponent) <= SMALL_POWER:
            return product_power(e, dtype, values[0], int(exponent)), dtype
    if dtype.kind == "b":
        return boolean(e, name, values), dtype
    if name in mathlib.NAMES and name not in ops.REAL:
        return mathematics(e, name, dtype, values), dtype
    return ops.REAL[name](e, dtype, *values), dtype


def mathematics(e: Writer, name: str, dtype: np.dtype[Any], values: list[Any]) -> str:
    """A function of the math library."""
    e.math.add((name, dtype.name))
    return e.emit(mathlib.call(name, dtype.name, values))


def product_power(e: Writer, dtype: np.dtype[Any], x: str, n: int) -> str:
    """x^n by repeated squaring; 1/x^|n| where n < 0."""
    if n < 0:
        return e.emit(f"fdiv {llvm_type(dtype)} {number(1, dtype)}, {product_power(e, dtype, x, -n)}")
    y, square = None, x
    while n:
        if n & 1:
            y = square if y is None else ops.REAL["mul"](e, dtype, y, square)
        n >>= 1
        if n:
            square = ops.REAL["mul"](e, dtype, square, square)
    return number(1, dtype) if y is None else y


def logic(e: Any, name: str, stmt: Stmt, out: np.dtype[Any]) -> Any:
    """Logic on truth values, of any dtype."""
    masks = [as_mask(e, x) for x in stmt.operands]
    if name == "nonzero":
        return converted(e, masks[0], ops.BOOL, out)
    if name == "logical_not":
        return e.emit(f"xor i1 {masks[0]}, true")
    return e.emit(f"{ops.LOGIC[name]} i1 {masks[0]}, {masks[1]}")


def as_mask(e: Any, x: Any) -> str:
    """Is an operand nonzero?"""
    if type(x) is Const:
        return "true" if x.value else "false"
    return nonzero(e, e.operand(x), x.buffer.dtype if type(x) is Ref else INT)


def boolean(e: Writer, name: str, values: list[str]) -> str:
    """Arithmetic of truth values: a sum is `or`, a product is `and`."""
    if name == "invert":
        return e.emit(f"xor i1 {values[0]}, true")
    how = {"add": "or", "maximum": "or", "bitwise_or": "or", "bitwise_xor": "xor"}.get(name, "and")
    return e.emit(f"{how} i1 {values[0]}, {values[1]}")


def boolean_comparison(e: Writer, name: str, dtype: np.dtype[Any], a: str, b: str) -> str:
    """A comparison of truth values, False < True."""
    return e.emit(f"icmp {'u' if name not in ('equal', 'not_equal') else ''}{COMPARISONS[name][1]} i1 {a}, {b}")


def place_of(e: Any, stmt: Stmt) -> str:
    """The position where x equals the best value, or x is NaN; the length elsewhere."""
    x, best, place, n = stmt.operands
    dtype = x.buffer.dtype  # type: ignore[union-attr]
    a, b = e.operand(x, dtype), e.operand(best, dtype)
    hit = ops.REAL["same"](e, dtype, a, b) if dtype.kind != "b" else e.emit(f"icmp eq i1 {a}, {b}")
    return select(e, INT, hit, e.operand(place, INT), e.operand(n, INT))  # type: ignore[no-any-return]
