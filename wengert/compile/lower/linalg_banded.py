"""Banded matrices: one loop for each diagonal; systems by LAPACK, which has diagonals as columns of its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ...primitives.linalg_banded import diagonals
from ..loops.ir import Ref, View
from .index import part
from .linalg import SINGULAR, callback_unless_native, prefixed
from .lowering import RULES, Lowering, Rule, axes_of, lowers
from .matrices import by_columns, columns, lapack, on_matrices

NOT_POSITIVE = ("not positive definite",)
MOST = 32  # diagonals, each a loop of its own; matrices with more are NumPy's, which goes through them likewise


def few_diagonals(rule: Rule) -> Rule:
    """The rule for some diagonals, and a call of NumPy for many."""

    def checked(low: Lowering, eq: Equation) -> None:
        few = eq.params["lower"] + eq.params["upper"] < MOST
        (rule if few else RULES["callback"])(low, eq)

    return checked


def rows(x: View, start: int, count: int) -> View:
    """Some rows of matrices."""
    return part(x, (*whole(x, 2), (start, count, 1)))


def diagonal(ab: View, row: int, start: int, count: int) -> View:
    """A part of a row of matrices."""
    return part(ab, (*whole(ab, 2), row, (start, count, 1)))


def whole(x: View, behind: int) -> list[tuple[int, int, int]]:
    """The index of all of a stack."""
    return [(0, n, 1) for n in x.shape[: len(x.shape) - behind]]


@lowers("banded_product")
@few_diagonals
def banded_product(low: Lowering, eq: Equation) -> None:
    """y[i] += A[i, j] x[j], for each diagonal."""
    ab, x = (low.view(a) for a in eq.inputs)
    y = low.zeros(eq.outputs[0])
    for row, i, j, m in diagonals(ab.shape[-1], **eq.params):
        a, source, target = diagonal(ab, row, j, m), rows(x, j, m), rows(y, i, m)
        index = axes_of(target.shape)
        low.nest(index, target.ref(index), "mul", [a.ref(index[:-1]), source.ref(index)], accumulate="add")


@lowers("banded_outer")
@few_diagonals
def banded_outer(low: Lowering, eq: Equation) -> None:
    """A[i, j] = sum_k y[i, k] x[j, k], for each diagonal."""
    y, x = (low.view(a) for a in eq.inputs)
    ab = low.zeros(eq.outputs[0])
    for row, i, j, m in diagonals(ab.shape[-1], **eq.params):
        target, left, right = diagonal(ab, row, j, m), rows(y, i, m), rows(x, j, m)
        index = axes_of(left.shape)
        low.nest(index, target.ref(index[:-1]), "mul", [left.ref(index), right.ref(index)], accumulate="add")


@lowers("banded_transpose")
@few_diagonals
def banded_transpose(low: Lowering, eq: Equation) -> None:
    """Each diagonal moved to its mirror image's place."""
    ab = low.view(eq.inputs[0])
    t = low.zeros(eq.outputs[0])
    for row, i, j, m in diagonals(ab.shape[-1], **eq.params):
        low.copy(diagonal(ab, row, j, m), diagonal(t, t.shape[-2] - 1 - row, i, m))


# systems -----------------------------------------------------------------------------------------------------------
@lowers("solve_banded")
@callback_unless_native
def solve_banded(low: Lowering, eq: Equation) -> None:
    """gtsv for three diagonals, pbsv for positive definite matrices, gbsv for others."""
    ab, b = (low.view(a) for a in eq.inputs)
    if eq.params["positive"]:
        x = positive(low, eq, ab, by_columns(low, b))
    elif eq.params["lower"] == eq.params["upper"] == 1 and ab.shape[-1] > 1:
        x = tridiagonal(low, eq, ab, by_columns(low, b))
    else:
        x = general(low, eq, ab, by_columns(low, b))
    low.assign(eq.outputs[0], x)


def tridiagonal(low: Lowering, eq: Equation, ab: View, x: View) -> View:
    """The three diagonals, which are contiguous, are worked on."""
    work, (n, k) = low.copy(ab), x.shape[-2:]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        upper, main, lower = (f.address(refs[0]._replace(const=refs[0].const + c)) for c in (1, n, 2 * n))
        lapack(f, prefixed(ab.dtype, "gtsv"), SINGULAR, n, k, lower, main, upper, f.address(refs[1]), n)

    on_matrices(low, eq, "gtsv", [work, x], [x, work], (2, 2, 2, 2), body)
    return x


def positive(low: Lowering, eq: Equation, ab: View, x: View) -> View:
    """The main diagonal and those below it."""
    lower, (n, k) = eq.params["lower"], x.shape[-2:]
    work = by_columns(low, rows(ab, eq.params["upper"], lower + 1))

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, to = f.address(refs[0]), f.address(refs[1])
        lapack(f, prefixed(ab.dtype, "pbsv"), NOT_POSITIVE, "L", n, lower, k, at, lower + 1, to, n)

    on_matrices(low, eq, "pbsv", [work, x], [x, work], (2, 2, 2, 2), body)
    return x


def general(low: Lowering, eq: Equation, ab: View, x: View) -> View:
    """Above the diagonals there is room for those that exchanges of rows add."""
    lower, upper, (n, k) = eq.params["lower"], eq.params["upper"], x.shape[-2:]
    *stack, count, _ = ab.shape
    work, pivots = columns(low, (*stack, lower + count, n), ab.dtype), low.new((n,), np.int32)
    low.copy(ab, rows(work, lower, count))

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, to = f.address(refs[0]), f.address(refs[1])
        lapack(
            f,
            prefixed(ab.dtype, "gbsv"),
            SINGULAR,
            n,
            lower,
            upper,
            k,
            at,
            lower + count,
            f.pointer(pivots.buffer),
            to,
            n,
        )

    on_matrices(low, eq, "gbsv", [work, x], [x, work], (2, 2, 2, 2), body, scratch=[pivots])
    return x
