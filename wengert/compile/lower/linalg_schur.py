"""Eigenvalues of any matrix, Sylvester equations by Schur forms, and A = P L U, by LAPACK as NumPy and SciPy ask it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.program import Equation
from ...core.record import record
from ...core.types import ArrayType
from ...primitives.linalg import mH
from ...transforms.simplify import simplify
from ..emit.library import call
from ..loops.ir import Axis, Indirect, Ref, Value, View
from .linalg import callback_unless_native, prefixed
from .linalg_spectral import EIGENVALUES, real_of
from .lowering import Lowering, lowers
from .matrices import by_columns, columns, lapack, on_matrices, rounds, stop_if

NOT_FINITE = ("not finite",)
WORK = 130  # times n: working memory with which LAPACK goes through a matrix in blocks of 64


def computed(low: Lowering, f: Callable[..., Sequence[Any]], *values: Value) -> list[Value]:
    """The results of a function of arrays that lowering has made."""
    program = simplify(record(f, [ArrayType(x.shape, x.dtype) for x in values]))
    inner = Lowering(program, low.constants)
    made = inner.run(values)
    low.nodes += inner.nodes
    return made


# eigenvalues -------------------------------------------------------------------------------------------------------
@lowers("eig")
@callback_unless_native
def eig(low: Lowering, eq: Equation) -> None:
    """A V = V diag(w); results are complex."""
    for y, value in zip(eq.outputs, general(low, eq, "V"), strict=True):
        low.assign(y, value)


@lowers("eigvals")
@callback_unless_native
def eigvals(low: Lowering, eq: Equation) -> None:
    """The eigenvalues alone."""
    low.assign(eq.outputs[0], general(low, eq, "N")[0])


def general(low: Lowering, eq: Equation, job: str) -> list[Value]:
    """geev on a copy. Of a real matrix, LAPACK gives real and imaginary parts of pairs of vectors side by side."""
    x = low.view(eq.inputs[0])
    finite = all_finite(low, x)
    a = by_columns(low, x)
    *stack, n, _ = a.shape
    dtype, real = a.dtype, real_of(a.dtype)
    padded = columns(low, (*stack, n, n + 2 if job == "V" else 2), dtype)
    low.fill(padded, dtype.type(0))
    v = View(padded.buffer, (*stack, n, n), n, padded.strides) if job == "V" else padded
    parts = [low.new((*stack, n), dtype)] if dtype.kind == "c" else [low.new((*stack, n), real) for _ in range(2)]
    spaces = [low.new((WORK * n,), dtype), *([low.new((2 * n,), real)] if dtype.kind == "c" else [])]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        stop_if(f, f.emit(f"xor i1 {f.load(refs[0])}, true"), NOT_FINITE)
        at, vectors, *values = (f.address(r) for r in refs[2:])
        work, *more = (f.pointer(s.buffer) for s in spaces)
        last = [vectors, 1, vectors, n, work, WORK * n, *more]
        lapack(f, prefixed(dtype, "geev"), EIGENVALUES, "N", job, n, at, n, *values, *last)

    flags = View(finite.buffer, tuple(stack), 0, (0,) * len(stack))
    on_matrices(low, eq, "geev", [flags, a], [a, v, *parts], (0, 2, 2, 2, *(1 for _ in parts)), body, scratch=spaces)
    if dtype.kind == "c":
        return [parts[0], v]
    if job == "N":
        return computed(low, lambda re, im: [re + 1j * im], *parts)
    before, after = (View(v.buffer, v.shape, const, v.strides) for const in (0, 2 * n))
    return computed(low, joined, *parts, before, v, after)


def joined(re: Any, im: Any, before: Any, v: Any, after: Any) -> list[Any]:
    """Complex values and vectors from LAPACK's pairs: the first of a pair has a positive imaginary part."""
    first, second = im[..., None, :] > 0, im[..., None, :] < 0
    parts = wnp.where(second, before, v), wnp.where(first, after, wnp.where(second, -v, 0))
    return [re + 1j * im, parts[0] + 1j * parts[1]]


def all_finite(low: Lowering, x: View) -> View:
    """Are all elements numbers? NumPy refuses others."""
    (found,) = computed(low, lambda x: [wnp.all(wnp.isfinite(x))], x)
    return low.copy(found)


# Sylvester equations -----------------------------------------------------------------------------------------------
@lowers("sylvester")
@callback_unless_native
def sylvester(low: Lowering, eq: Equation) -> None:
    """A X + X B = Q. With A = U R U^H, B^H = V S V^H and X = U Y V^H it is R Y + Y S^H = U^H Q V."""
    a, b, q = (low.view(x) for x in eq.inputs)
    (adjoint,) = computed(low, lambda b: [mH(b)], b)
    (r, u), (s, v) = schur(low, eq, a), schur(low, eq, adjoint)
    (right,) = computed(low, lambda u, q, v: [mH(u) @ q @ v], u, q, v)
    y = by_columns(low, right)
    scale = low.new(y.shape[:-2], real_of(y.dtype))
    m, n = y.shape[-2:]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, to, factor = (f.address(r) for r in (*refs[:2], refs[4]))
        both, info = f.address(refs[3]), f.slot("i32")
        adjoint = "C" if y.dtype.kind == "c" else "T"
        call(f, f"lapack.{prefixed(y.dtype, 'trsyl')}", "N", adjoint, 1, m, n, at, m, to, n, both, m, factor, info)

    on_matrices(low, eq, "trsyl", [r, s, y], [y, scale], (2, 2, 2, 2, 0), body)
    (x,) = computed(low, lambda u, y, scale, v: [u @ (y / scale[..., None, None]) @ mH(v)], u, y, scale, v)
    low.assign(eq.outputs[0], x)


def schur(low: Lowering, eq: Equation, x: Value) -> tuple[View, View]:
    """T and Z with X = Z T Z^H, T triangular, or with blocks of two rows on the diagonal where X is real."""
    t = by_columns(low, x)
    n, dtype, real = t.shape[-1], t.dtype, real_of(t.dtype)
    z = columns(low, t.shape, dtype)
    values = [low.new((n,), dtype)] if dtype.kind == "c" else [low.new((n,), real) for _ in range(2)]
    spaces = [low.new((WORK * n,), dtype), *([low.new((n,), real)] if dtype.kind == "c" else [])]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, vectors = (f.address(r) for r in refs[1:])
        found, unused = f.slot("i32"), f.slot("i32")
        w, (work, *more) = ([f.pointer(s.buffer) for s in spaces_] for spaces_ in (values, spaces))
        last = [vectors, n, work, WORK * n, *more, unused]
        lapack(f, prefixed(dtype, "gees"), EIGENVALUES, "V", "N", unused, n, at, n, found, *w, *last)

    on_matrices(low, eq, "gees", [t], [t, z], (2, 2, 2), body, scratch=[*values, *spaces])
    return t, z


# A = P L U ---------------------------------------------------------------------------------------------------------
@lowers("lu")
@callback_unless_native
def lu(low: Lowering, eq: Equation) -> None:
    """getrf on a copy; its exchanges of rows, done one after the other, are the permutation."""
    a = by_columns(low, low.value(eq.inputs[0]))
    *stack, m, n = a.shape
    pivots, order = low.new((*stack, min(m, n)), np.int32), low.new((*stack, m), np.int64)
    low.copy(computed(low, lambda: [wnp.broadcast_to(np.arange(m), (*stack, m))])[0], order)

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, found, info = f.address(refs[1]), f.address(refs[2]), f.slot("i32")
        call(f, f"lapack.{prefixed(a.dtype, 'getrf')}", m, n, at, m, found, info)
        f.forget_all({pivots.buffer})
        exchange(f, refs[2], refs[3], min(m, n), m)

    on_matrices(low, eq, "getrf", [a], [a, pivots, order], (2, 2, 1, 1), body)
    for y, value in zip(eq.outputs, computed(low, permutation_and_triangles, a, order), strict=True):
        low.assign(y, value)


def exchange(f: Any, pivots: Ref, order: Ref, count: int, rows: int) -> None:
    """For each k in turn, elements k and pivot k change places; LAPACK counts from 1."""
    k = Axis(count)
    here = order._replace(terms=(*order.terms, (k, 1)))
    pivot = Indirect(pivots._replace(terms=(*pivots.terms, (k, 1))), 1, rows + 1, False)
    there = order._replace(const=order.const - 1, indirect=(pivot,))

    def swap() -> None:
        a, b = f.load(here), f.load(there)
        f.store(here, b)
        f.store(there, a)

    rounds(f, k, {order.buffer}, swap)


def permutation_and_triangles(a: Any, order: Any) -> list[Any]:
    """P, L and U of LAPACK's factors and the order of rows."""
    m, n = a.shape[-2:]
    k = min(m, n)
    p = wnp.asarray(order[..., None, :] == np.arange(m)[:, None], dtype=a.dtype)
    return [p, wnp.tril(a[..., :k], -1) + np.eye(m, k, dtype=a.dtype), wnp.triu(a[..., :k, :])]
