"""What a statement computes: its operands in the dtype of the computation, its operation, the result as stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..loops.ir import Const, Position, Ref, Stmt
from . import complex_ops, floats, ops, special
from .table import REAL, Dtype, real
from .values import COMPARISONS, compare, converted, nonzero, select
from .writer import Writer, llvm_type, number

INT = np.dtype(np.int64)
PRODUCTS = range(-3, 9)  # exponents by which a power is a product: at most 4 ulp


def dtype_of_operand(x: Any) -> Any:
    """What NumPy's promotion takes: a dtype, or a Python number, which adapts."""
    if type(x) is Ref:
        return x.buffer.dtype
    if type(x) is Position:
        return INT
    return x.value if type(x.value) in (int, float, complex, bool) else np.asarray(x.value).dtype


def converted_constant(value: Any, dtype: Dtype | None) -> Any:
    """A constant as text."""
    return number(value, np.asarray(value).dtype if dtype is None else dtype)


def computed(e: Any, stmt: Stmt) -> Any:
    """The value of the right side, in the dtype of the target."""
    out = stmt.target.buffer.dtype
    name = stmt.op
    if name in PLAIN:
        return PLAIN[name](e, stmt, out)
    if name in ops.LOGIC or name in ("logical_not", "nonzero"):
        return logic(e, name, stmt, out)
    dtype = stmt.params.get("computed_in") or np.result_type(*map(dtype_of_operand, stmt.operands))
    if name in COMPARISONS and dtype.kind != "c":
        return converted(e, comparison(e, name, dtype, stmt.operands), ops.BOOL, out)
    values = [e.operand(x, dtype) for x in stmt.operands]
    y, result = apply(e, name, dtype, values, stmt)
    return converted(e, y, result, out)


def apply(e: Writer, name: str, dtype: Dtype, values: list[Any], stmt: Stmt) -> tuple[Any, Dtype]:
    """The operation on values of one dtype, and the dtype of its result."""
    if name == "power" and type(stmt.operands[1]) is Const:
        y = known_power(e, dtype, values[0], stmt.operands[1].value)
        if y is not None:
            return y, dtype
    if name == "round":
        return floats.rounded(e, dtype, values[0], stmt.params["decimals"]), dtype
    if dtype.kind == "c":
        return complex_ops.apply(e, name, dtype, values)
    if name in ops.BOOLEAN_RESULT:
        return REAL[name](e, dtype, *values), ops.BOOL
    if dtype.kind == "b":
        return ops.boolean(e, name, values), dtype
    return real(e, name, dtype, *values), floats.INT32 if name == "exponent" else dtype


# special forms -----------------------------------------------------------------------------------------------------
def copied(e: Any, stmt: Stmt, out: Dtype) -> Any:
    """The operand in the dtype of the target."""
    return e.operand(stmt.operands[0], out)


def chosen(e: Any, stmt: Stmt, out: Dtype) -> Any:
    """where(mask, a, b)."""
    mask, *rest = stmt.operands
    values = [e.operand(x, out) for x in rest]
    return select(e, out, as_mask(e, mask), *values)


def scaled(e: Any, stmt: Stmt, out: Dtype) -> Any:
    """ldexp(x, n)."""
    x, n = stmt.operands
    return floats.ldexp(e, out, e.operand(x, out), e.operand(n, INT))


def place_of(e: Any, stmt: Stmt, out: Dtype) -> Any:
    """The position where x equals the best value, or x is NaN; the length elsewhere."""
    x, best, place, n = stmt.operands
    dtype = x.buffer.dtype  # type: ignore[union-attr]
    a, b = e.operand(x, dtype), e.operand(best, dtype)
    hit = REAL["same"](e, dtype, a, b)
    return select(e, INT, hit, e.operand(place, INT), e.operand(n, INT))


PLAIN: dict[str, Callable[[Any, Stmt, Dtype], Any]] = {
    "copy": copied, "convert": copied, "cast": copied, "where": chosen, "ldexp": scaled, "place_of": place_of,
    "special": special.function,
}  # fmt: skip


# powers ------------------------------------------------------------------------------------------------------------
def known_power(e: Writer, dtype: Dtype, x: Any, exponent: Any) -> Any:
    """x to a power that is known now, where that is a root or a few products; None elsewhere. NumPy's choices."""
    if dtype.kind in "fc" and exponent == 0.5:
        return complex_ops.apply(e, "sqrt", dtype, [x])[0] if dtype.kind == "c" else real(e, "sqrt", dtype, x)
    if isinstance(exponent, complex | np.complexfloating) or not float(exponent).is_integer():
        return None
    n = int(exponent)
    if dtype.kind == "f" and n not in PRODUCTS:
        return None
    if n < 0:
        x, n = real(e, "reciprocal", dtype, x), -n
    return ops.power_of_integer(e, dtype, x, n)


# truth values ------------------------------------------------------------------------------------------------------
def logic(e: Any, name: str, stmt: Stmt, out: Dtype) -> Any:
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


def comparison(e: Any, name: str, dtype: Dtype, operands: Any) -> str:
    """A comparison in this dtype. Integers that it cannot hold are compared as the numbers that they are."""
    if all(is_integer(x) for x in operands) and (dtype.kind == "f" or not all(holds(dtype, x) for x in operands)):
        a, b = (widened(e, x) for x in operands)
        of_integers = COMPARISONS[name][1]
        return e.emit(f"icmp {'' if name in ('equal', 'not_equal') else 's'}{of_integers} i128 {a}, {b}")
    a, b = (e.operand(x, dtype) for x in operands)
    if dtype.kind == "b":
        return e.emit(f"icmp {'' if name in ('equal', 'not_equal') else 'u'}{COMPARISONS[name][1]} i1 {a}, {b}")
    return compare(e, name, dtype, a, b)


def is_integer(x: Any) -> bool:
    """Is an operand an integer (or a truth value)?"""
    return type(x) is Position or (x.buffer.dtype if type(x) is Ref else np.asarray(x.value).dtype).kind in "biuO"


def holds(dtype: Dtype, x: Any) -> bool:
    """Can an integer dtype hold this operand?"""
    if type(x) is not Const or dtype.kind == "b":
        return True
    info = np.iinfo(dtype)
    return bool(info.min <= int(x.value) <= info.max)


def widened(e: Any, x: Any) -> str:
    """An integer operand in 128 bits."""
    if type(x) is Const:
        return str(min(max(int(x.value), -(2**120)), 2**120))
    dtype = x.buffer.dtype if type(x) is Ref else INT
    return e.emit(f"{'sext' if dtype.kind == 'i' else 'zext'} {llvm_type(dtype)} {e.operand(x)} to i128")
