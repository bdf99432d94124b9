"""Quotients by gaps between eigenvalues, and what is refused at singular points: values, and checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ...errors import SingularPointError
from ...primitives.linalg import singular_point
from ...primitives.linalg_gaps import ARBITRARY, ONE_SIDED, rounding, singular_vectors
from ..emit.values import intrinsic, select
from ..emit.writer import number
from ..loops.ir import Axis, Const, Ref, View
from ..machine.failures import fails
from .linalg import callback_unless_native
from .linalg_det import absolute
from .linalg_small import Arithmetic, any_of
from .lowering import RULES, Lowering, axes_of, lowers
from .matrices import along, on_matrices, rounds


@fails("singular point")
def _singular_point(eq: Equation, what: str) -> SingularPointError:
    return singular_point(what)


@fails("singular vectors")
def _singular_vectors(eq: Equation, why: str) -> SingularPointError:
    return singular_vectors(why)


# what is the same ----------------------------------------------------------------------------------------------------
@lowers("directed", "split", "regular")
def unchanged(low: Lowering, eq: Equation) -> None:
    """The first operand: nothing is followed to its limit in a program that was recorded on types."""
    low.assign(eq.outputs[0], low.value(eq.inputs[0]))


@lowers("refused")
def refused(low: Lowering, eq: Equation) -> None:
    """The operand itself, which has to vanish where the matrix is marked as singular."""
    x, singular = (low.view(a) for a in eq.inputs)
    low.assign(eq.outputs[0], x)
    core = len(x.shape) - len(singular.shape)
    inner = x.shape[len(singular.shape) :]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        marked, rx = refs
        m = Arithmetic(f, x.dtype)

        def check(axes: Sequence[Axis]) -> None:
            at = rx._replace(terms=(*rx.terms, *zip(axes, x.strides[len(x.strides) - core :], strict=True)))
            f.fails(moves(m, f.load(at)), ("singular point", eq.params["what"]))

        guarded(f, f.load(marked), lambda: every(f, inner, check))

    if 0 not in x.shape:
        on_matrices(low, eq, "refused", [singular, x], [], (0, core), body)


def moves(m: Arithmetic, x: Any) -> str:
    """Is a value neither 0 nor NaN?"""
    parts = x if m.complex else (x,)
    zero = number(0, m.real)
    found = any_of(m.f, [m.f.emit(f"fcmp une {m.t} {p}, {zero}") for p in parts])
    is_number = m.f.emit(f"fcmp ord {m.t} {parts[0]}, {parts[-1]}")
    return m.f.emit(f"and i1 {found}, {is_number}")


def guarded(f: Any, condition: str, body: Callable[[], None]) -> None:
    """The body, if the condition holds; it writes nothing that is known."""
    inside, on = f.new_label("inside"), f.new_label("on")
    outer = f.known.copy()
    f.branch(condition, inside, on)
    f.begin(inside)
    body()
    f.jump(on)
    f.begin(on)
    f.known = outer


def every(f: Any, shape: Sequence[int], body: Callable[[Sequence[Axis]], None], axes: Sequence[Axis] = ()) -> None:
    """Loops over all elements of a shape, which write no array that is known."""
    if len(axes) == len(shape):
        body(axes)
    else:
        axis = Axis(shape[len(axes)])
        rounds(f, axis, set(), lambda: every(f, shape, body, (*axes, axis)))


# what is negligible ------------------------------------------------------------------------------------------------
@lowers("negligible")
def negligible(low: Lowering, eq: Equation) -> None:
    """Does an element vanish, to rounding, beside the largest of its row?"""
    mark_negligible(low, low.view(eq.inputs[0]), low.result(eq.outputs[0]))


def mark_negligible(low: Lowering, x: View, y: View) -> None:
    """|x| <= n eps max |x|."""
    real = np.dtype(x.dtype.type(0).real.dtype)
    size, bound = low.new(x.shape, real), low.filled(x.shape[:-1], real, real.type(0))
    index = axes_of(x.shape)
    low.nest(index, size.ref(index), "complex_abs" if x.dtype.kind == "c" else "abs", [x.ref(index)])
    low.nest(index, bound.ref(index[:-1]), "copy", [size.ref(index)], accumulate="max")
    scaled = low.new(bound.shape, real)
    rows = axes_of(bound.shape)
    scale = Const(real.type(x.shape[-1] * np.finfo(real).eps))
    low.nest(rows, scaled.ref(rows), "mul", [scale, bound.ref(rows)])
    again = axes_of(x.shape)
    low.nest(again, y.ref(again), "less_equal", [size.ref(again), scaled.ref(again[:-1])])


@lowers("triangle_is_singular")
def triangle_is_singular(low: Lowering, eq: Equation) -> None:
    """Is an element of the diagonal negligible?"""
    x = low.view(eq.inputs[0])
    n = min(x.shape[-2:])
    diagonal = View(x.buffer, (*x.shape[:-2], n), x.const, (*x.strides[:-2], sum(x.strides[-2:])), x.terms)
    marks = low.new(diagonal.shape, bool)
    mark_negligible(low, diagonal, marks)
    y = low.result(eq.outputs[0])
    low.fill(y, np.False_)
    index = axes_of(marks.shape)
    low.nest(index, y.ref(index[:-1]), "copy", [marks.ref(index)], accumulate="or")


# quotients ---------------------------------------------------------------------------------------------------------
@lowers("gaps")
def gaps(low: Lowering, eq: Equation) -> None:
    """g_ij = w_j + sign w_i."""
    w, y = low.value(eq.inputs[0]), low.result(eq.outputs[0])
    index = axes_of(y.shape)
    *stack, i, j = index
    how = "add" if eq.params["sign"] > 0 else "sub"
    low.nest(index, y.ref(index), how, [w.ref([*stack, j]), w.ref([*stack, i])])


@lowers("over_gaps")
@callback_unless_native
def over_gaps(low: Lowering, eq: Equation) -> None:
    """y_ij = p_ij / (w_j + sign w_i), where p is the Hermitian part of x, the skew one, or x."""
    x, w = (low.view(a) for a in eq.inputs)
    sign, hermitian = eq.params["sign"], eq.params["hermitian"]
    if w.dtype.kind == "c":
        RULES["callback"](low, eq)
        return
    diagonal_ignored = sign < 0 and hermitian is not False
    one_sided = sign < 0 and hermitian is False

    def terms(q: Quotient, i: Axis, j: Axis) -> tuple[Any, Any]:
        m, f = q.m, q.f
        p = f.load(q.x_at(i, j))
        if hermitian is not None:
            other = m.conj(f.load(q.x_at(j, i)))
            total = m.add(p, other if hermitian else m.negative(other))
            half = number(0.5, m.real)
            p = tuple(m.do("mul", v, half) for v in total) if m.complex else m.do("mul", total, half)
        a, b = f.load(q.w_at(j)), f.load(q.w_at(i))
        return p, q.real.do("add" if sign > 0 else "sub", a, b)

    quotients(low, eq, x, w, terms, diagonal_ignored, one_sided)


@lowers("over_values")
@callback_unless_native
def over_values(low: Lowering, eq: Equation) -> None:
    """y_ij = x_ij / s_j."""
    x, s = (low.view(a) for a in eq.inputs)
    quotients(low, eq, x, s, lambda q, i, j: (q.f.load(q.x_at(i, j)), q.f.load(q.w_at(j))))


class Quotient:
    """Where the arrays of a quotient are, for one matrix."""

    def __init__(self, f: Any, x: View, w: View, rx: Ref, rw: Ref) -> None:
        self.f, self.m, self.real = f, Arithmetic(f, x.dtype), Arithmetic(f, w.dtype)
        self.x, self.w, self.rx, self.rw = x, w, rx, rw

    def x_at(self, i: Axis, j: Axis) -> Ref:
        """x_ij."""
        return self.rx._replace(terms=(*self.rx.terms, (i, self.x.strides[-2]), (j, self.x.strides[-1])))

    def w_at(self, j: Axis) -> Ref:
        """w_j."""
        return self.rw._replace(terms=(*self.rw.terms, (j, self.w.strides[-1])))

    def largest(self, shape: Sequence[int], size: Callable[[Sequence[Axis]], str]) -> str:
        """The largest of sizes."""
        f, t = self.f, self.real.t
        slot = f.slot(t)
        f.do(f"store {t} {number(0, self.real.dtype)}, ptr {slot}")

        def step(axes: Sequence[Axis]) -> None:
            found = intrinsic(f, "maximum", self.real.dtype, f.emit(f"load {t}, ptr {slot}"), size(axes))
            f.do(f"store {t} {found}, ptr {slot}")

        every(f, shape, step)
        return f.emit(f"load {t}, ptr {slot}")


def quotients(
    low: Lowering,
    eq: Equation,
    x: View,
    w: View,
    terms: Callable[[Quotient, Axis, Axis], tuple[Any, Any]],
    diagonal_ignored: bool = False,
    one_sided: bool = False,
) -> None:
    """y_ij = p / gap; where the gap is zero to rounding it is 0 if p is; else the derivative does not exist."""
    y = low.result(eq.outputs[0])
    eps = np.finfo(w.dtype).eps

    def body(f: Any, refs: Sequence[Ref]) -> None:
        q = Quotient(f, x, w, refs[0], refs[1])
        m, real = q.m, q.real
        size = q.largest(w.shape[-1:], lambda a: absolute(real, f.load(q.w_at(a[0]))))
        biggest = q.largest(x.shape[-2:], lambda a: absolute(m, f.load(q.x_at(a[0], a[1]))))
        bound = real.do("mul", number(rounding(w), w.dtype), size)
        noise = real.do("mul", number(np.sqrt(eps), w.dtype), biggest)
        i, j = Axis(x.shape[-2]), Axis(x.shape[-1])

        def one() -> None:
            p, gap = terms(q, i, j)
            zero = f.emit(f"fcmp ole {real.t} {absolute(real, gap)}, {bound}")
            guarded(f, zero, lambda: refuse(p))
            safe = select(f, w.dtype, zero, number(1, w.dtype), gap)
            value = tuple(m.do("div", v, safe) for v in p) if m.complex else m.do("div", p, safe)
            f.store(along(y, along(y, refs[2], i, -2), j, -1), m.select(zero, m.number(0), value))

        def refuse(p: Any) -> None:
            beside = f.emit(f"icmp ne i64 {f.axes[i]}, {f.axes[j]}")
            wrong = real.larger(absolute(m, p), noise)
            f.fails(f.emit(f"and i1 {wrong}, {beside}") if diagonal_ignored else wrong, ("singular vectors", ARBITRARY))
            if one_sided:
                large = real.larger(absolute(m, f.load(q.x_at(i, j))), noise)
                known = f.emit(f"and i1 {large}, {real.larger(size, number(0, w.dtype))}")
                f.fails(f.emit(f"and i1 {known}, {beside}"), ("singular vectors", ONE_SIDED))

        rounds(f, i, {refs[2].buffer}, lambda: rounds(f, j, {refs[2].buffer}, one))

    on_matrices(low, eq, str(eq.primitive), [x, w], [y], (2, 1, 2), body)
