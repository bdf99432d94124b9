"""The arithmetic of complex numbers: pairs of real values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import mathlib
from .values import intrinsic, predicate, select
from .writer import Writer, llvm_type, number

NAMES = {
    "add", "sub", "mul", "neg", "conj", "real", "imag", "convert", "square", "zero_safe_mul", "where", "equal", "not_equal",
    "complex_abs", "copy", "div", "reciprocal", "same", "logical_not", "isnan", "isfinite", "isinf",
}  # fmt: skip


def supported(name: str, eq: Any) -> bool:
    """Is there native complex arithmetic for this?"""
    return name in NAMES


def part_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of real and imaginary parts."""
    return np.dtype(f"f{dtype.itemsize // 2}")


def apply(w: Writer, name: str, dtype: np.dtype[Any], values: list[Any], stmt: Any) -> tuple[Any, np.dtype[Any]]:
    """The operation on complex values, and the dtype of its result."""
    t, real = llvm_type(dtype), part_of(dtype)
    bool_ = np.dtype(bool)
    a = values[0]
    if name in ("real", "imag"):
        return a[name == "imag"], real
    if name in ("equal", "not_equal"):
        return equality(w, name, t, a, values[1]), bool_
    if name == "same":
        return same(w, dtype, a, values[1]), bool_
    if name in ("isnan", "isfinite", "isinf"):
        x, y = (predicate(w, name, real, p) for p in a)
        return w.emit(f"{'and' if name == 'isfinite' else 'or'} i1 {x}, {y}"), bool_
    if name == "complex_abs":
        w.math.add(("hypot", real.name))
        return w.emit(mathlib.call("hypot", real.name, list(a))), real
    if name == "conj":
        return (a[0], w.emit(f"fneg {t} {a[1]}")), dtype
    if name == "neg":
        return tuple(w.emit(f"fneg {t} {p}") for p in a), dtype
    if name == "square":
        return mul(w, t, a, a), dtype
    if name == "reciprocal":
        return div(w, real, (number(1, real), number(0, real)), a), dtype
    b = values[1]
    if name in ("add", "sub"):
        return tuple(w.emit(f"f{name} {t} {x}, {y}") for x, y in zip(a, b, strict=True)), dtype
    if name == "mul":
        return mul(w, t, a, b), dtype
    if name == "div":
        return div(w, real, a, b), dtype
    return zero_safe(w, dtype, a, b), dtype


def equality(w: Writer, name: str, t: str, a: Any, b: Any) -> str:
    """Both parts equal, or one that is not."""
    how, join = ("oeq", "and") if name == "equal" else ("une", "or")
    x, y = (w.emit(f"fcmp {how} {t} {p}, {q}") for p, q in zip(a, b, strict=True))
    return w.emit(f"{join} i1 {x}, {y}")


def same(w: Writer, dtype: np.dtype[Any], a: Any, b: Any) -> str:
    """Equal, or both NaN."""
    t = llvm_type(dtype)
    nan_a, nan_b = (w.emit(f"fcmp uno {t} {z[0]}, {z[1]}") for z in (a, b))
    return w.emit(f"or i1 {equality(w, 'equal', t, a, b)}, {w.emit(f'and i1 {nan_a}, {nan_b}')}")


def mul(w: Writer, t: str, a: Any, b: Any) -> tuple[str, str]:
    """(a + bi)(c + di) = ac - bd + (ad + bc)i."""
    products = [w.emit(f"fmul {t} {a[i]}, {b[j]}") for i, j in ((0, 0), (1, 1), (0, 1), (1, 0))]
    return w.emit(f"fsub {t} {products[0]}, {products[1]}"), w.emit(f"fadd {t} {products[2]}, {products[3]}")


def div(w: Writer, real: np.dtype[Any], a: Any, b: Any) -> tuple[str, str]:
    """Smith's algorithm, as NumPy's: scaled by the larger part of the divisor."""
    t = llvm_type(real)
    size_re, size_im = (intrinsic(w, "fabs", real, p) for p in b)
    swap = w.emit(f"fcmp olt {t} {size_re}, {size_im}")
    big, small = select(w, real, swap, b[1], b[0]), select(w, real, swap, b[0], b[1])
    ratio = w.emit(f"fdiv {t} {small}, {big}")

    def do(how: str, x: str, y: str) -> str:
        return w.emit(f"f{how} {t} {x}, {y}")

    scale = do("div", number(1, real), do("add", big, do("mul", small, ratio)))
    p, q = select(w, real, swap, a[1], a[0]), select(w, real, swap, a[0], a[1])
    re = do("mul", do("add", p, do("mul", q, ratio)), scale)
    im = do("mul", do("sub", q, do("mul", p, ratio)), scale)
    im = select(w, real, swap, w.emit(f"fneg {t} {im}"), im)
    zero = w.emit(f"fcmp oeq {t} {w.emit(f'fadd {t} {size_re}, {size_im}')}, {number(0, real)}")
    by_zero = [w.emit(f"fdiv {t} {x}, {size_re}") for x in a]
    return select(w, real, zero, by_zero[0], re), select(w, real, zero, by_zero[1], im)


def zero_safe(w: Writer, dtype: np.dtype[Any], d: Any, t: Any) -> Any:
    """d t, and 0 where t = 0."""
    zero = number(0, dtype)
    return select(w, dtype, equality(w, "equal", llvm_type(dtype), t, zero), zero, mul(w, llvm_type(dtype), d, t))


def combined(w: Writer, how: str, dtype: np.dtype[Any], a: Any, b: Any) -> Any:
    """The total with one more term."""
    t = llvm_type(dtype)
    if how == "mul":
        return mul(w, t, a, b)
    return tuple(w.emit(f"fadd reassoc {t} {x}, {y}") for x, y in zip(a, b, strict=True))
