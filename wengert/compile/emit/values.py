"""Operations that every dtype needs: conversion, comparison, choice, tests; LLVM's own functions."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from .writer import Writer, llvm_type, number

COMPARISONS = {
    "greater": ("ogt", "gt"),
    "greater_equal": ("oge", "ge"),
    "less": ("olt", "lt"),
    "less_equal": ("ole", "le"),
    "equal": ("oeq", "eq"),
    "not_equal": ("une", "ne"),
}


def converted(w: Writer, x: Any, old: np.dtype[Any], new: np.dtype[Any]) -> Any:
    """A value in another dtype, as NumPy's astype; a complex one is a pair."""
    if old == new:
        return x
    if new.kind == "c":
        part = np.dtype(f"f{new.itemsize // 2}")
        if old.kind == "c":
            own = np.dtype(f"f{old.itemsize // 2}")
            return converted(w, x[0], own, part), converted(w, x[1], own, part)
        return converted(w, x, old, part), number(0, part)
    if old.kind == "c":
        return converted(w, x[0], np.dtype(f"f{old.itemsize // 2}"), new) if new.kind != "b" else nonzero(w, x, old)
    a, b = llvm_type(old), llvm_type(new)
    if new.kind == "b":
        return nonzero(w, x, old)
    if old.kind == "f" and new.kind == "f":
        return w.emit(f"{'fpext' if new.itemsize > old.itemsize else 'fptrunc'} {a} {x} to {b}")
    if old.kind == "f":
        return to_integer(w, x, old, new)
    if new.kind == "f":
        return w.emit(f"{'uitofp' if old.kind in 'bu' else 'sitofp'} {a} {x} to {b}")
    if a == b:
        return x
    if old.kind == "b" or new.itemsize > old.itemsize:
        return w.emit(f"{'zext' if old.kind in 'bu' else 'sext'} {a} {x} to {b}")
    return w.emit(f"trunc {a} {x} to {b}")


# What this machine's conversion gives for numbers that are too large, and NaN: the least integer, or the nearest one.
SATURATES = platform.machine().lower() not in ("x86_64", "amd64")


def to_integer(w: Writer, x: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
    """A float towards zero, as NumPy converts it on this machine: small integers by way of larger ones."""
    a, b = llvm_type(old), llvm_type(new)
    if SATURATES:
        return w.emit(f"call {b} @llvm.fpto{'u' if new.kind == 'u' else 's'}i.sat.{b}.f{8 * old.itemsize}({a} {x})")
    if new.itemsize == 8 and new.kind == "u":
        high = w.emit(f"fcmp oge {a} {x}, {number(2.0**63, old)}")
        less = w.emit(f"fsub {a} {x}, {number(2.0**63, old)}")
        y = in_range(w, select(w, old, high, less, x), old, 64)
        return w.emit(f"select i1 {high}, i64 {w.emit(f'xor i64 {y}, {-(2**63)}')}, i64 {y}")
    bits = 64 if new.itemsize == 8 or new.name == "uint32" else 32
    y = in_range(w, x, old, bits)
    return y if b == f"i{bits}" else w.emit(f"trunc i{bits} {y} to {b}")


def in_range(w: Writer, x: str, old: np.dtype[Any], bits: int) -> str:
    """A float towards zero as a signed integer; the least one where it is out of range, or NaN."""
    a, limit = llvm_type(old), 2.0 ** (bits - 1)
    relation, low = ("ogt", -limit - 1) if old.itemsize == 8 and bits == 32 else ("oge", -limit)
    fits = w.emit(f"fcmp {relation} {a} {x}, {number(low, old)}")
    fits = w.emit(f"and i1 {fits}, {w.emit(f'fcmp olt {a} {x}, {number(limit, old)}')}")
    y = w.emit(f"fptosi {a} {select(w, old, fits, x, number(0, old))} to i{bits}")
    return w.emit(f"select i1 {fits}, i{bits} {y}, i{bits} {-(2 ** (bits - 1))}")


def nonzero(w: Writer, x: Any, dtype: np.dtype[Any]) -> str:
    """x != 0."""
    if dtype.kind == "b":
        return str(x)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        return w.emit(f"or i1 {nonzero(w, x[0], part)}, {nonzero(w, x[1], part)}")
    compare = "fcmp une" if dtype.kind == "f" else "icmp ne"
    return w.emit(f"{compare} {llvm_type(dtype)} {x}, {number(0, dtype)}")


def compare(w: Writer, name: str, dtype: np.dtype[Any], a: str, b: str) -> str:
    """A comparison of two real values."""
    of_floats, of_integers = COMPARISONS[name]
    if dtype.kind == "f":
        return w.emit(f"fcmp {of_floats} {llvm_type(dtype)} {a}, {b}")
    sign = "" if name in ("equal", "not_equal") else ("s" if dtype.kind == "i" else "u")
    return w.emit(f"icmp {sign}{of_integers} {llvm_type(dtype)} {a}, {b}")


def select(w: Writer, dtype: np.dtype[Any], mask: str, a: Any, b: Any) -> Any:
    """a where the mask is set, else b."""
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        return select(w, part, mask, a[0], b[0]), select(w, part, mask, a[1], b[1])
    t = llvm_type(dtype)
    return w.emit(f"select i1 {mask}, {t} {a}, {t} {b}")


def intrinsic(w: Writer, function: str, dtype: np.dtype[Any], *xs: str) -> str:
    """A call of one of LLVM's own functions, such as llvm.sqrt.f64."""
    t = llvm_type(dtype)
    suffix = f"f{8 * dtype.itemsize}" if dtype.kind == "f" else t
    return w.emit(f"call {t} @llvm.{function}.{suffix}({', '.join(f'{t} {x}' for x in xs)})")


def predicate(w: Writer, name: str, dtype: np.dtype[Any], x: str) -> str:
    """isnan, isinf, isfinite, signbit."""
    t = llvm_type(dtype)
    if dtype.kind != "f":
        if name == "signbit" and dtype.kind == "i":
            return w.emit(f"icmp slt {t} {x}, 0")
        return "true" if name == "isfinite" else "false"
    if name == "isnan":
        return w.emit(f"fcmp uno {t} {x}, {x}")
    if name == "signbit":
        bits = w.emit(f"bitcast {t} {x} to i{8 * dtype.itemsize}")
        return w.emit(f"icmp slt i{8 * dtype.itemsize} {bits}, 0")
    size = intrinsic(w, "fabs", dtype, x)
    return w.emit(f"fcmp {'oeq' if name == 'isinf' else 'olt'} {t} {size}, {number(np.inf, dtype)}")
