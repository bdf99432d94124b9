"""Calls of the functions of Fourier transforms, for rows, for columns side by side, and for real rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..emit.fft_real import fold, unfold
from ..emit.writer import llvm_type, number
from ..loops.ir import Axis, Ref, View
from .fft_plan import lanes_of, pairs_table, plan, power_of_two, transform, work_size
from .lowering import Lowering
from .matrices import on_matrices


def real_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of real and imaginary parts."""
    return np.dtype(dtype.type(0).real.dtype)


def rows(low: Lowering, eq: Equation, x: View, y: View, inverse: bool, scale: float) -> None:
    """y = the transforms of contiguous rows."""
    n, real, order = x.shape[-1], real_of(x.dtype), "swapped" if inverse else "complex"
    name, texts = transform(n, real, order, order, False)
    table = low.constants.buffer(plan(n, real, order, order, False).table)
    work = low.new((work_size(n, real, False),), real)

    def body(f: Any, refs: Sequence[Ref]) -> None:
        define(f, texts)
        at, roots, to = (f.address(r) for r in refs)
        run(f, name, real, [at, at, to, to, f.pointer(work.buffer), roots], [1, 1], scale)

    on_matrices(low, eq, f"fft {n}", [x, beside(table, x.shape[:-1])], [y], (1, 1, 1), body, scratch=[work])


def columns(low: Lowering, eq: Equation, x: View, y: View, inverse: bool, scale: float) -> None:
    """y = the transforms of the columns of matrices, as many at a time as a vector has lanes; the last ones are done
    together with some that were done before."""
    n, real, order = x.shape[-2], real_of(x.dtype), "swapped" if inverse else "complex"
    name, texts = transform(n, real, order, order, True)
    table = low.constants.buffer(plan(n, real, order, order, True).table)
    work = low.new((work_size(n, real, True),), real)
    lanes, count = lanes_of(real), x.shape[-1]
    pitches = [x.strides[-2], y.strides[-2]]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        define(f, texts)
        block = Axis(-(-count // lanes))
        at, roots, to = (f.address(r) for r in refs)

        def some() -> None:
            start = f.emit(f"mul i64 {f.axes[block]}, {lanes}")
            inside = f.emit(f"icmp slt i64 {start}, {count - lanes}")
            start = f.emit(f"select i1 {inside}, i64 {start}, i64 {count - lanes}")
            t = f"{{ {llvm_type(real)}, {llvm_type(real)} }}"
            here, there = (f.emit(f"getelementptr {t}, ptr {p}, i64 {start}") for p in (at, to))
            run(f, name, real, [here, here, there, there, f.pointer(work.buffer), roots], pitches, scale)

        f.counted(block, str(block.extent), some, set(), may_be_empty=False)

    cores = (2, 1, 2)
    on_matrices(low, eq, f"fft {n}", [x, beside(table, x.shape[:-2])], [y], cores, body, scratch=[work])


def half_spectra(low: Lowering, eq: Equation, x: View, y: View, scale: float) -> None:
    """y = the half spectra of real rows of even length."""
    h, real = x.shape[-1] // 2, x.dtype
    name, texts = transform(h, real, "complex", "split", False)
    unfolded, text = unfold(real, lanes_of_pairs(h, real))
    tables, work, split_parts = real_memory(low, h, real, x.shape[:-1], ("complex", "split"))

    def body(f: Any, refs: Sequence[Ref]) -> None:
        define(f, [*texts, text])
        at, roots, pairs, to = (f.address(r) for r in refs)
        space, re, im = split_parts(f)
        run(f, name, real, [at, at, re, im, space, roots], [1, 1], 1.0)
        run(f, unfolded, real, [to, re, im, pairs], [h, h // 2], scale / 2)

    on_matrices(low, eq, f"rfft {2 * h}", [x, *tables], [y], (1, 1, 1, 1), body, scratch=[work])


def signals(low: Lowering, eq: Equation, x: View, y: View, scale: float) -> None:
    """y = the real rows of even length whose half spectra are given. What is read exchanged is transformed back."""
    h, real = y.shape[-1] // 2, y.dtype
    name, texts = transform(h, real, "split", "swapped", False)
    folded, text = fold(real, lanes_of_pairs(h, real))
    tables, work, split_parts = real_memory(low, h, real, x.shape[:-1], ("split", "swapped"))

    def body(f: Any, refs: Sequence[Ref]) -> None:
        define(f, [*texts, text])
        at, roots, pairs, to = (f.address(r) for r in refs)
        space, re, im = split_parts(f)
        run(f, folded, real, [at, re, im, pairs], [h, h // 2])
        run(f, name, real, [im, re, to, to, space, roots], [1, 1], scale)

    on_matrices(low, eq, f"irfft {2 * h}", [x, *tables], [y], (1, 1, 1, 1), body, scratch=[work])


def real_memory(
    low: Lowering, h: int, real: np.dtype[Any], stack: Sequence[int], order: tuple[str, str]
) -> tuple[list[View], View, Callable[[Any], tuple[str, str, str]]]:
    """The tables of a real transform; its working memory; where passes work in it, and where parts of Z are."""
    arrays = plan(h, real, *order, False).table, pairs_table(h, real)
    tables = [beside(low.constants.buffer(x), stack) for x in arrays]
    size = work_size(h, real, False)
    work = low.new((size + 2 * h,), real)

    def split_parts(f: Any) -> tuple[str, str, str]:
        p, t = f.pointer(work.buffer), llvm_type(real)
        re, im = (f.emit(f"getelementptr {t}, ptr {p}, i64 {size + k}") for k in (0, h))
        return p, re, im

    return tables, work, split_parts


def lanes_of_pairs(h: int, real: np.dtype[Any]) -> int:
    """How many of the pairs k, h - k are made at a time."""
    return min(lanes_of(real), power_of_two(h // 2))


def beside(buffer: Any, stack: Sequence[int]) -> View:
    """A table, the same for all rows of a stack."""
    return View(buffer, (*stack, buffer.size), 0, (*(0 for _ in stack), 1))


def define(f: Any, texts: Sequence[str]) -> None:
    """Functions of the module, each once."""
    for text in texts:
        f.declare(text)


def run(
    f: Any, name: str, real: np.dtype[Any], pointers: Sequence[str], numbers: Sequence[int], scale: float | None = None
) -> None:
    """A call of one of them."""
    arguments = [*(f"ptr {p}" for p in pointers), *(f"i64 {k}" for k in numbers)]
    if scale is not None:
        arguments.append(f"{llvm_type(real)} {number(scale, real)}")
    f.do(f"call void @{name}({', '.join(arguments)})")
