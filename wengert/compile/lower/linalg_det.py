"""Determinants: written out for small matrices, from LAPACK's LU factors for others; cofactors of small matrices."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from .. import mathlib
from ..emit.values import intrinsic, select
from ..emit.writer import number
from ..loops.ir import Const, Position, Ref, View
from .linalg import Factors, callback_unless_native, factored, flipped, is_small, loaded, stored
from .linalg_small import LU, Arithmetic, Rows, Value, lu, odd
from .lowering import Lowering, axes_of, lowers
from .matrices import is_by_columns, on_matrices

EXPANDED = 4  # rows of the largest matrices whose cofactors are written out


def small_factors(f: Any, ref: Ref, a: View) -> tuple[Arithmetic, LU]:
    """The factors of one matrix, by rows where it is by rows, as those of a system of equations."""
    m = Arithmetic(f, a.dtype)
    return m, lu(m, loaded(f, ref, a))


def in_order(a: View) -> View:
    """The matrices or their transposes: by rows."""
    return flipped(a) if is_by_columns(a) else a


# det ---------------------------------------------------------------------------------------------------------------
@lowers("det")
@callback_unless_native
def det(low: Lowering, eq: Equation) -> None:
    """The product of the diagonal of U, with the sign of the permutation; as NumPy, sign exp(log), if it is long."""
    (a,) = (low.view(x) for x in eq.inputs)
    (y,) = eq.outputs
    if not a.shape[-1]:
        low.fill(low.result(y), a.dtype.type(1))
    elif is_small(a):
        small_det(low, eq, in_order(a), low.result(y))
    else:
        sign, log = signs_and_logs(low, factored(low, eq, eq.inputs[0]))
        target = low.result(y)
        size = low.new(log.shape, log.dtype)
        index = axes_of(log.shape)
        low.nest(index, size.ref(index), "exp", [log.ref(index)])
        low.nest(index, target.ref(index), "mul", [sign.ref(index), size.ref(index)])


def small_det(low: Lowering, eq: Equation, a: View, y: View) -> None:
    """The same, written out."""

    def body(f: Any, refs: Sequence[Ref]) -> None:
        m, factors = small_factors(f, refs[0], a)
        values = [factors.rows[i][i] for i in range(a.shape[-1])]
        while len(values) > 1:  # the largest pivots, which come first, with the smallest: that keeps within range
            half = len(values) // 2
            pairs = [m.mul(values[i], values[-1 - i]) for i in range(half)]
            values = pairs + values[half : len(values) - half]
        product = m.select(odd(m, factors.swaps), m.negative(values[0]), values[0])
        f.store(refs[1], m.select(factors.singular, m.number(0), product))

    on_matrices(low, eq, "det", [a], [y], (2, 0), body)


# slogdet -----------------------------------------------------------------------------------------------------------
@lowers("slogdet")
@callback_unless_native
def slogdet(low: Lowering, eq: Equation) -> None:
    """The sign (phase) of the determinant, and the logarithm of its size: 0 and -inf at singular matrices."""
    (a,) = (low.view(x) for x in eq.inputs)
    if not a.shape[-1]:
        for y, value in zip(eq.outputs, (1, 0), strict=True):
            low.fill(low.result(y), y.type.dtype.type(value))
    elif is_small(a):
        small_slogdet(low, eq, in_order(a))
    else:
        factors = factored(low, eq, eq.inputs[0])
        for y, found in zip(eq.outputs, signs_and_logs(low, factors), strict=True):
            low.assign(y, found)


def small_slogdet(low: Lowering, eq: Equation, a: View) -> None:
    """The same, written out."""
    sign, log = (low.result(y) for y in eq.outputs)

    def body(f: Any, refs: Sequence[Ref]) -> None:
        m, factors = small_factors(f, refs[0], a)
        values = [factors.rows[i][i] for i in range(a.shape[-1])]
        phase = m.number(1)
        total = None
        for v in values:
            size = absolute(m, v)
            term = logarithm(m, size)
            total = term if total is None else m.do("add", total, term)
            phase = m.mul(phase, direction(m, v, size))
        phase = m.select(odd(m, factors.swaps), m.negative(phase), phase)
        f.store(refs[1], m.select(factors.singular, m.number(0), phase))
        f.store(refs[2], select(f, m.real, factors.singular, number(-np.inf, m.real), total))

    on_matrices(low, eq, "slogdet", [a], [sign, log], (2, 0, 0), body)


def absolute(m: Arithmetic, x: Value) -> str:
    """|x|."""
    if not m.complex:
        return intrinsic(m.f, "fabs", m.real, x)
    return m.f.emit(mathlib.call("hypot", m.real.name, list(x)))


def logarithm(m: Arithmetic, x: str) -> str:
    """log x."""
    return m.f.emit(mathlib.call("log", m.real.name, [x]))


def direction(m: Arithmetic, x: Value, size: str) -> Value:
    """x / |x|: the sign, where x is real."""
    if not m.complex:
        return intrinsic(m.f, "copysign", m.real, number(1, m.real), x)
    return tuple(m.do("div", part, size) for part in x)


def signs_and_logs(low: Lowering, factors: Factors) -> tuple[View, View]:
    """The phase of det, and log |det|, from LAPACK's factors."""
    a, n = factors.lu, factors.lu.shape[-1]
    stack = a.shape[:-2]
    diagonal = View(a.buffer, (*stack, n), a.const, (*a.strides[:-2], n + 1), a.terms)
    real = np.dtype(a.dtype.type(0).real.dtype)
    sign, log = low.filled(stack, a.dtype, a.dtype.type(1)), low.filled(stack, real, real.type(0))
    index = axes_of((*stack, n))
    outer, k = index[:-1], index[-1]
    size, term, turn, odd_ = (low.new((*stack, n), t) for t in (real, real, a.dtype, real))
    unmoved = low.new((*stack, n), bool)
    at = [x.ref(index) for x in (size, term, turn, odd_, unmoved)]
    low.nest(index, at[0], "complex_abs" if a.dtype.kind == "c" else "abs", [diagonal.ref(index)])
    low.nest(index, at[1], "log", [at[0]])
    low.nest(index, log.ref(outer), "copy", [at[1]], accumulate="add")
    phase(low, index, diagonal.ref(index), at[0], at[2])
    place = Position(k, 1) if not isinstance(k, int) else Const(np.int64(1))
    low.nest(index, at[4], "equal", [factors.pivots.ref(index), place])
    low.nest(index, at[3], "where", [at[4], Const(real.type(1)), Const(real.type(-1))])
    low.nest(index, sign.ref(outer), "copy", [at[2]], accumulate="mul")
    low.nest(index, sign.ref(outer), "copy", [at[3]], accumulate="mul")
    return sign, log


def phase(low: Lowering, index: Any, x: Ref, size: Ref, y: Ref) -> None:
    """y = x / |x|, and 0 where x = 0."""
    if x.buffer.dtype.kind != "c":
        low.nest(index, y, "sign", [x])
        return
    zero = low.new((y.buffer.size,), bool)
    safe = low.new((y.buffer.size,), size.buffer.dtype)
    at, divisor = (Ref(v.buffer, y.const, y.terms) for v in (zero, safe))
    low.nest(index, at, "equal", [size, Const(size.buffer.dtype.type(0))])
    low.nest(index, divisor, "where", [at, Const(size.buffer.dtype.type(1)), size])
    low.nest(index, y, "div", [x, divisor])


# cofactors ---------------------------------------------------------------------------------------------------------
def small_cofactors(low: Lowering, eq: Equation) -> None:
    """Polynomials in the elements, written out."""
    (a,) = (low.view(x) for x in eq.inputs)
    y = low.result(eq.outputs[0])

    def body(f: Any, refs: Sequence[Ref]) -> None:
        stored(f, refs[1], y, expanded(Arithmetic(f, a.dtype), loaded(f, refs[0], a)))

    on_matrices(low, eq, "cofactors", [a], [y], (2, 2), body)


def expanded(m: Arithmetic, a: Rows) -> Rows:
    """(-1)^(i+j) times the determinant without row i and column j; minors are shared."""
    n = len(a)
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], Value] = {}

    def minor(rows: tuple[int, ...], columns: tuple[int, ...]) -> Value:
        """The determinant of these rows and columns, by its first row."""
        if not rows:
            return m.number(1)
        if len(rows) == 1:
            return a[rows[0]][columns[0]]
        if (rows, columns) not in known:
            total = None
            for k, j in enumerate(columns):
                rest = minor(rows[1:], columns[:k] + columns[k + 1 :])
                x = a[rows[0]][j]
                if total is None:
                    total = m.mul(x, rest)
                else:
                    total = m.less(total, x, rest) if k % 2 else m.add(total, m.mul(x, rest))
            known[rows, columns] = total
        return known[rows, columns]

    every = tuple(range(n))
    y: Rows = [[None] * n for _ in every]
    for i, j in itertools.product(every, every):
        value = minor(every[:i] + every[i + 1 :], every[:j] + every[j + 1 :])
        y[i][j] = m.negative(value) if (i + j) % 2 else value
    return y
