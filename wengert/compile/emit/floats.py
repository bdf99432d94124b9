"""Floating-point numbers as bits and parts: exponents, neighbours, rounding to decimals, floor division."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import Dtype, do, op, real
from .values import compare, converted, intrinsic, select
from .writer import Writer, llvm_type, number

MANTISSA = {8: 52, 4: 23}  # bits, by the size in bytes
BIAS = {8: 1023, 4: 127}
INT32 = np.dtype(np.int32)


def bits_of(dtype: Dtype) -> Dtype:
    """The integers that hold the bits of a number."""
    return np.dtype(f"i{dtype.itemsize}")


def as_bits(w: Writer, dtype: Dtype, x: str) -> str:
    """The bits of a number."""
    return w.emit(f"bitcast {llvm_type(dtype)} {x} to {llvm_type(bits_of(dtype))}")


def from_bits(w: Writer, dtype: Dtype, x: str) -> str:
    """The number of these bits."""
    return w.emit(f"bitcast {llvm_type(bits_of(dtype))} {x} to {llvm_type(dtype)}")


# exponents ---------------------------------------------------------------------------------------------------------
@op("exponent", floats=True)
def exponent(w: Writer, dtype: Dtype, x: str) -> str:
    """frexp's integer e, x = m 2^e with 1/2 <= |m| < 1; 0 where x is 0, infinite or NaN."""
    ints, mantissa, bias = bits_of(dtype), MANTISSA[dtype.itemsize], BIAS[dtype.itemsize]
    size = intrinsic(w, "fabs", dtype, x)
    small = compare(w, "less", dtype, size, number(np.finfo(dtype).tiny, dtype))
    lift = mantissa + 2
    lifted = select(w, dtype, small, do(w, "fmul", dtype, size, number(2.0**lift, dtype)), size)
    e = do(w, "lshr", ints, as_bits(w, dtype, lifted), str(mantissa))
    e = do(w, "sub", ints, e, select(w, ints, small, str(bias - 1 + lift), str(bias - 1)))
    zero = compare(w, "equal", dtype, size, number(0, dtype))
    ends = w.emit(f"or i1 {zero}, {w.emit(f'xor i1 {finite(w, dtype, size)}, true')}")
    return converted(w, select(w, ints, ends, "0", e), ints, INT32)


def finite(w: Writer, dtype: Dtype, size: str) -> str:
    """Is an absolute value finite?"""
    return compare(w, "less", dtype, size, number(np.inf, dtype))


def ldexp(w: Writer, dtype: Dtype, x: str, n: str) -> str:
    """x 2^n, rounded once; n is an int64. Steps that are exact, the last one aside (musl's scalbn)."""
    if dtype.itemsize == 4:
        wide = np.dtype(float)
        return converted(w, ldexp(w, wide, converted(w, x, dtype, wide), n), wide, dtype)
    ints = bits_of(dtype)
    for _ in range(2):
        for relation, limit, step in (("sgt", 1023, 1023), ("slt", -1022, -969)):
            far = do(w, f"icmp {relation}", ints, n, str(limit))
            factor = select(w, dtype, far, number(2.0**step, dtype), number(1, dtype))
            x = do(w, "fmul", dtype, x, factor)
            n = do(w, "sub", ints, n, select(w, ints, far, str(step), "0"))
    n = intrinsic(w, "smax", ints, intrinsic(w, "smin", ints, n, "1023"), "-1022")
    power = from_bits(w, dtype, do(w, "shl", ints, do(w, "add", ints, n, "1023"), "52"))
    return do(w, "fmul", dtype, x, power)


@op("fraction", floats=True)
def fraction(w: Writer, dtype: Dtype, x: str) -> str:
    """modf's first result: x - trunc(x) with the sign of x, and 0 for infinite x."""
    y = do(w, "fsub", dtype, x, intrinsic(w, "trunc", dtype, x))
    infinite = compare(w, "equal", dtype, intrinsic(w, "fabs", dtype, x), number(np.inf, dtype))
    return intrinsic(w, "copysign", dtype, select(w, dtype, infinite, number(0, dtype), y), x)


# neighbours --------------------------------------------------------------------------------------------------------
@op("spacing", floats=True)
def spacing(w: Writer, dtype: Dtype, x: str) -> str:
    """The distance to the next number away from zero, with the sign of x; the least number at zero."""
    ints = bits_of(dtype)
    size = intrinsic(w, "fabs", dtype, x)
    outside = from_bits(w, dtype, do(w, "add", ints, as_bits(w, dtype, size), "1"))
    y = intrinsic(w, "copysign", dtype, do(w, "fsub", dtype, outside, size), x)
    least = number(np.finfo(dtype).smallest_subnormal, dtype)
    y = select(w, dtype, compare(w, "equal", dtype, size, number(0, dtype)), least, y)
    return select(w, dtype, finite(w, dtype, size), y, number(np.nan, dtype))


@op("nextafter", floats=True)
def nextafter(w: Writer, dtype: Dtype, x: str, y: str) -> str:
    """The next number from x towards y."""
    ints = bits_of(dtype)
    bits = as_bits(w, dtype, x)
    up = compare(w, "less", dtype, x, y)
    outwards = w.emit(f"icmp eq i1 {up}, {compare(w, 'greater', dtype, x, number(0, dtype))}")
    there = from_bits(w, dtype, do(w, "add", ints, bits, select(w, ints, outwards, "1", "-1")))
    least = intrinsic(w, "copysign", dtype, number(np.finfo(dtype).smallest_subnormal, dtype), y)
    z = select(w, dtype, compare(w, "equal", dtype, x, number(0, dtype)), least, there)
    z = select(w, dtype, compare(w, "equal", dtype, x, y), y, z)
    nan = w.emit(f"fcmp uno {llvm_type(dtype)} {x}, {y}")
    return select(w, dtype, nan, do(w, "fadd", dtype, x, y), z)


# rounding and division ---------------------------------------------------------------------------------------------
def rounded(w: Writer, dtype: Dtype, x: Any, decimals: int) -> Any:
    """x to so many decimals, as NumPy does it: scaled, rounded to even, scaled back."""
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        return tuple(rounded(w, part, p, decimals) for p in x)
    if dtype.kind != "f":
        return x if decimals >= 0 else rounded_integer(w, dtype, x, decimals)
    if decimals == 0:
        return intrinsic(w, "rint", dtype, x)
    factor = number(10.0 ** abs(decimals), dtype)
    first, last = ("fmul", "fdiv") if decimals > 0 else ("fdiv", "fmul")
    return do(w, last, dtype, intrinsic(w, "rint", dtype, do(w, first, dtype, x, factor)), factor)


def rounded_integer(w: Writer, dtype: Dtype, x: str, decimals: int) -> Any:
    """An integer to tens or hundreds: computed in double precision."""
    double = np.dtype(float)
    return converted(w, rounded(w, double, converted(w, x, dtype, double), decimals), double, dtype)


def floor_divide(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """npy_floor_divide: from the exact remainder, rounded to the nearest integer below."""
    zero = number(0, dtype)
    mod = real(w, "fmod", dtype, a, b)
    div = do(w, "fdiv", dtype, do(w, "fsub", dtype, a, mod), b)
    inexact = compare(w, "not_equal", dtype, mod, zero)
    differ = w.emit(f"xor i1 {compare(w, 'less', dtype, b, zero)}, {compare(w, 'less', dtype, mod, zero)}")
    down = w.emit(f"and i1 {inexact}, {differ}")
    div = select(w, dtype, down, do(w, "fsub", dtype, div, number(1, dtype)), div)
    whole = intrinsic(w, "floor", dtype, div)
    more = compare(w, "greater", dtype, do(w, "fsub", dtype, div, whole), number(0.5, dtype))
    whole = select(w, dtype, more, do(w, "fadd", dtype, whole, number(1, dtype)), whole)
    quotient = do(w, "fdiv", dtype, a, b)
    signed = intrinsic(w, "copysign", dtype, zero, quotient)
    y = select(w, dtype, compare(w, "not_equal", dtype, div, zero), whole, signed)
    return select(w, dtype, compare(w, "equal", dtype, b, zero), quotient, y)


@op("sinc", floats=True)
def sinc(w: Writer, dtype: Dtype, x: str) -> str:
    """sin(pi x)/(pi x), and 1 at 0."""
    z = do(w, "fmul", dtype, x, number(np.pi, dtype))
    y = do(w, "fdiv", dtype, real(w, "sin", dtype, z), z)
    return select(w, dtype, compare(w, "equal", dtype, z, number(0, dtype)), number(1, dtype), y)
