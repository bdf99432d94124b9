"""transpose: run a linear program (a tape) backwards. Reverse mode is linearize, then transpose.

For each equation, last first, the adjoint of its output is carried to the adjoints of its inputs:

    Scaled           x_i_bar += (dy/dx_i) y_bar
    LinearEquation   x_i_bar += transpose_i(y_bar, ...)

An adjoint that is None is a symbolic zero: it costs nothing and is never materialised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np

from ..core.primitive import Multilinear, Primitive
from ..core.trace import Tracer, concrete, handed_out, located, observer
from ..core.types import ArrayType
from ..primitives.elementwise import zero_safe_mul
from .tape import LinearEquation, LinearVar, Scaled, Tape, scale


class Adjoints:
    """The adjoints of a tape's variables while it is run backwards."""

    __slots__ = ("owned", "values")

    def __init__(self, count: int) -> None:
        self.values: list[Any] = [None] * count
        self.owned = bytearray(count)  # 1: the array was made here and nobody else refers to it

    def add(self, i: int, x_bar: Any, fresh: bool = False) -> None:
        """x_i_bar += x_bar, in place where an array is ours. fresh: x_bar was made for this call alone."""
        values = self.values
        old = values[i]
        if type(x_bar) is not np.ndarray:
            values[i] = x_bar if old is None else old + x_bar
            self.owned[i] = 0
        elif old is None:
            values[i] = x_bar
            self.owned[i] = fresh
        elif self.owned[i]:
            old += x_bar
        elif fresh and type(old) is np.ndarray:
            x_bar += old
            values[i] = x_bar
            self.owned[i] = 1
        else:
            values[i] = old + x_bar
            self.owned[i] = type(values[i]) is np.ndarray

    def into(self, equation: LinearEquation, var: LinearVar, y_bar: Any) -> bool:
        """Accumulate an indexing's transpose into the adjoint in place; False where that is not possible."""
        accumulate = equation.primitive.accumulate
        if accumulate is None or type(y_bar) not in (np.ndarray, np.float64, np.float32):
            return False
        if any(not isinstance(a, LinearVar) and concrete(a) is not a for a in equation.args):
            return False
        if not self.owned[var.index]:
            old = self.values[var.index]
            if old is not None and type(old) is not np.ndarray:
                return False
            self.values[var.index] = np.zeros(var.shape, var.dtype) if old is None else old.copy()
            self.owned[var.index] = 1
        accumulate(self.values[var.index], y_bar, *equation.args, **equation.params)
        return True

    def through(self, equation: LinearEquation, y_bar: Any) -> bool:
        """Carry an assignment's adjoint to what was assigned to in place, taking out that of what was assigned."""
        if type(y_bar) is not np.ndarray:
            return False
        if any(not isinstance(a, LinearVar) and concrete(a) is not a for a in equation.args):
            return False
        out = equation.outs[0].index
        if not self.owned[out]:
            y_bar = y_bar.copy()
        self.values[out] = None
        x_bars = equation.primitive.overwrite(y_bar, *equation.args, **equation.params)  # type: ignore[misc]
        for a, x_bar in zip(equation.args, x_bars, strict=False):
            if isinstance(a, LinearVar):
                self.add(a.index, x_bar, True)
        return True


def transpose_tape(
    tape: Tape,
    ins: Sequence[LinearVar],
    outs: Sequence[LinearVar | None],
    y_bars: Sequence[Any],
    careful: bool = False,
) -> list[Any]:
    """Adjoints of the tape's inputs from adjoints of its outputs. 0 * inf is 0 where an adjoint is exactly zero.

    The product with an infinite slope is NaN for a zero adjoint, though a branch that was not taken contributes
    nothing. So the tape is run at full speed first, and again with the careful product if a NaN came out. careful: with
    the careful product at once, where the result is a program, whose values are not known yet.
    """
    with np.errstate(all="ignore"):
        x_bars = _run_backwards(tape, ins, outs, y_bars, careful)
        for x_bar in x_bars:
            if has_nan(x_bar):
                x_bars = _run_backwards(tape, ins, outs, y_bars, careful=True)
                break
        watch = observer.get()
        if watch is not None:
            watch.transposed(tape, ins, outs, y_bars, x_bars)
    return x_bars


def _run_backwards(
    tape: Tape,
    ins: Sequence[LinearVar],
    outs: Sequence[LinearVar | None],
    y_bars: Sequence[Any],
    careful: bool,
) -> list[Any]:
    adjoints = Adjoints(tape.count)
    slowly = careful or tape.nested or tape.keep_sources
    for var, y_bar in zip(outs, y_bars, strict=True):
        if var is not None and y_bar is not None:
            adjoints.add(var.index, y_bar)
            slowly |= isinstance(y_bar, Tracer)
    if slowly:
        product = zero_safe if careful else scale
        with located(reversed(tape.equations), "adjoint") as equations:
            for eq in equations:
                transpose_equation(adjoints, eq, product)
    else:
        values, done = adjoints.values, -1
        for eq in reversed(tape.equations):
            if type(eq) is Scaled:
                _scaled_in_place(adjoints, eq)
            else:
                out = eq.outs[0].index if eq.outs else done
                if out != done:  # a product has an equation for each of its factors; then nobody needs its adjoint
                    if done >= 0:
                        values[done] = None
                    done = out
                _transpose_equation(adjoints, eq)
    return [handed_out(adjoints.values[var.index]) for var in ins]


def transpose_equation(adjoints: Adjoints, eq: Any, product: Callable[[Any, Any, Primitive], Any]) -> None:
    """One equation, backwards: from the adjoint of what it assigns to the adjoints of its variables."""
    if type(eq) is not Scaled:
        return _transpose_equation(adjoints, eq)
    y_bar = adjoints.values[eq.index]
    if y_bar is not None:
        for partial, residuals, var in eq.terms:
            adjoints.add(var.index, product(partial(residuals), y_bar, eq.primitive))


def zero_safe(d: Any, y_bar: Any, primitive: Primitive) -> Any:
    """d * y_bar, and zero where y_bar is."""
    plain = type(d) is int or (type(d) is float and isfinite(d))
    return scale(d, y_bar, primitive) if plain else zero_safe_mul(d, y_bar)


_LARGE = 4096  # elements from which it pays to write over an array rather than to make a new one


def _scaled_in_place(adjoints: Adjoints, eq: Scaled) -> None:
    """The same on plain arrays, reusing the memory of y_bar where it is ours.

    A slope of one passes y_bar on as it is, after all other terms have read it; without one, the last product is
    written over it.
    """
    values, owned = adjoints.values, adjoints.owned
    y_bar = values[eq.index]
    if y_bar is None:
        return
    values[eq.index] = None
    mine = owned[eq.index]
    passed: LinearVar | None = None
    last = eq.terms[-1]
    for term in eq.terms:
        partial, residuals, var = term
        d = partial.law if partial.constant else partial.law(*residuals)
        if partial.constant and d == 1:
            if passed is None:
                passed = var
            else:
                adjoints.add(var.index, y_bar)
                mine = 0
            continue
        if mine and term is last and passed is None and y_bar.size >= _LARGE and fits(d, y_bar):
            y_bar *= d
            product = y_bar
        else:
            product = -y_bar if type(d) is int and d == -1 else d * y_bar
        if values[var.index] is None:
            values[var.index] = product
            owned[var.index] = type(product) is np.ndarray
        else:
            adjoints.add(var.index, product, True)
    if passed is not None:
        adjoints.add(passed.index, y_bar, bool(mine))


def fits(d: Any, y_bar: Any) -> bool:
    """Can y_bar *= d be computed in place?"""
    kind = type(d)
    return kind is float or kind is int or (kind is np.ndarray and d.dtype is y_bar.dtype)


def _transpose_equation(adjoints: Adjoints, eq: LinearEquation) -> None:
    y_bar: Any
    if eq.primitive.multiple:
        y_bar = [adjoints.values[out.index] for out in eq.outs]
        if all(v is None for v in y_bar):
            return
    else:
        y_bar = adjoints.values[eq.outs[0].index]
        if y_bar is None:
            return
    if eq.primitive.overwrite is not None and adjoints.through(eq, y_bar):
        return
    kind: Any = eq.primitive.kind
    if type(kind) is not Multilinear and kind.together is not None:
        x_bars = kind.together(y_bar, *eq.args, **eq.params)
        for out in eq.outs:
            adjoints.values[out.index] = None
        for a, x_bar in zip(eq.args, x_bars, strict=True):
            if isinstance(a, LinearVar) and x_bar is not None:
                adjoints.add(a.index, x_bar)
        return
    in_place = eq.primitive.accumulate is not None
    for a, T in zip(eq.args, kind.transposes, strict=False):
        if isinstance(a, LinearVar) and not (in_place and adjoints.into(eq, a, y_bar)):
            adjoints.add(a.index, T(y_bar, *eq.args, **eq.params))


def has_nan(value: Any) -> bool:
    """Does an array contain a NaN? False where only its type is known."""
    if type(value) is not np.ndarray:
        value = concrete(value)
        if value is None or isinstance(value, ArrayType | LinearVar):
            return False
    norm = np.vdot(value, value)  # a sum of squares is NaN exactly where a term is
    return bool(norm != norm)
