"""Eigenvalues of Hermitian matrices and singular values, by LAPACK, as NumPy asks for them; results are by columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..loops.ir import Ref, View
from ..machine.lapack import workspace
from .linalg import callback_unless_native, prefixed
from .lowering import RULES, Lowering, lowers
from .matrices import by_columns, columns, lapack, on_matrices

EIGENVALUES, SVD = ("eigenvalues",), ("svd",)


def real_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of absolute values."""
    return np.dtype(dtype.type(0).real.dtype)


# Hermitian matrices ------------------------------------------------------------------------------------------------
@lowers("eigh")
@callback_unless_native
def eigh(low: Lowering, eq: Equation) -> None:
    """A = V diag(w) V^H."""
    w = low.result(eq.outputs[0])
    v = hermitian(low, eq, "V", w)
    low.assign(eq.outputs[1], v)


@lowers("eigvalsh")
@callback_unless_native
def eigvalsh(low: Lowering, eq: Equation) -> None:
    """The eigenvalues alone."""
    hermitian(low, eq, "N", low.result(eq.outputs[0]))


def hermitian(low: Lowering, eq: Equation, job: str, w: View) -> View:
    """syevd or heevd on a copy, which becomes the eigenvectors."""
    v = by_columns(low, low.value(eq.inputs[0]))
    n, dtype = v.shape[-1], v.dtype
    triangle = "L" if eq.params["lower"] else "U"
    values = w if w.strides[-1] == 1 or n == 1 else low.new(w.shape, w.dtype)
    name = prefixed(dtype, "heevd" if dtype.kind == "c" else "syevd")
    spaces = [low.new((size,), t) for size, t in zip(*hermitian_work(job, n, dtype), strict=True)]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, to = f.address(refs[1]), f.address(refs[2])
        work = [x for space in spaces for x in (f.pointer(space.buffer), space.size)]
        lapack(f, name, EIGENVALUES, job, triangle, n, at, n, to, *work)

    on_matrices(low, eq, name, [v], [v, values], (2, 2, 1), body, scratch=spaces)
    if values is not w:
        low.copy(values, w)
    return v


def hermitian_work(job: str, n: int, dtype: np.dtype[Any]) -> tuple[list[int], list[Any]]:
    """The sizes of working memory, as LAPACK's documentation has them with blocks of 64, and their dtypes."""
    integers = 3 + 5 * n if job == "V" else 1
    if dtype.kind == "c":
        own = 2 * n + n * n if job == "V" else n + 1
        real = 1 + 5 * n + 2 * n * n if job == "V" else n
        return [max(own, 65 * n), real, integers], [dtype, real_of(dtype), np.int32]
    own = 1 + 6 * n + 2 * n * n if job == "V" else 2 * n + 1
    return [max(own, 66 * n), integers], [dtype, np.int32]


# singular values ---------------------------------------------------------------------------------------------------
@lowers("svd")
@callback_unless_native
def svd(low: Lowering, eq: Equation) -> None:
    """A = U diag(s) V^H."""
    if eq.params["hermitian"]:
        RULES["hermitian svd"](low, eq)
        return
    u, s, vh = eq.outputs
    left, right = (columns(low, v.type.shape, v.type.dtype) for v in (u, vh))
    singular_values(low, eq, "A" if eq.params["full"] else "S", low.result(s), left, right)
    low.assign(u, left)
    low.assign(vh, right)


@lowers("svdvals")
@callback_unless_native
def svdvals(low: Lowering, eq: Equation) -> None:
    """The singular values alone."""
    if eq.params["hermitian"]:
        RULES["hermitian svdvals"](low, eq)
        return
    singular_values(low, eq, "N", low.result(eq.outputs[0]))


def singular_values(low: Lowering, eq: Equation, job: str, s: View, *vectors: View) -> None:
    """gesdd on a copy."""
    a = by_columns(low, low.value(eq.inputs[0]))
    m, n = a.shape[-2:]
    k, dtype = min(m, n), a.dtype
    values = s if s.strides[-1] == 1 or k == 1 else low.new(s.shape, s.dtype)
    name = prefixed(dtype, "gesdd")
    size = workspace(name, job, m, n)
    work, integers = low.new((size,), dtype), low.new((8 * k,), np.int32)
    spaces = [work, integers]
    if dtype.kind == "c":
        largest = max(m, n)
        real = 7 * k if job == "N" else k * max(5 * k + 7, 2 * largest + 2 * k + 1)
        spaces.append(low.new((real,), real_of(dtype)))

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, to, *out = (f.address(r) for r in refs[1:])
        u, vh = out or (to, to)
        ldu, ldvh = (m, vectors[1].shape[-2]) if vectors else (1, 1)
        reals = [f.pointer(x.buffer) for x in spaces[2:]]
        space = [f.pointer(work.buffer), size, *reals, f.pointer(integers.buffer)]
        lapack(f, name, SVD, job, m, n, at, m, to, u, ldu, vh, ldvh, *space)

    cores = (2, 2, 1, *(2 for _ in vectors))
    on_matrices(low, eq, name, [a], [a, values, *vectors], cores, body, scratch=spaces)
    if values is not s:
        low.copy(values, s)
