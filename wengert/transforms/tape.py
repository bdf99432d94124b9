"""The tape: a linear program under construction or finished, and how it is run forwards.

It is a Wengert list of linear equations of two forms:

    Scaled           y_dot = sum_i (dy/dx_i) x_i_dot        from elementwise primitives
    LinearEquation   y_dot = primitive(..., x_i_dot, ...)   from linear and multilinear ones

Partial derivatives are not kept as numbers: a term keeps the values that its expression names (residuals), and the
expression is evaluated where the tape is run, forwards here or backwards in `transpose.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.memory import keep_freed_memory
from ..core.primitive import Partial, Primitive
from ..core.trace import handed_out, keep_sources, located, observer
from ..core.types import ArrayType, dtype_of
from ..errors import Source, user_source
from ..primitives.elementwise import zero_safe_mul

keep_freed_memory()


_NUMBERS = frozenset((float, int, complex, bool))


class LinearVar:
    """A variable of the tape: the tangent of one value, known by shape and dtype."""

    __slots__ = ("dtype", "index", "shape")

    def __init__(self, index: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.index, self.shape, self.dtype = index, shape, dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


Term = tuple[Partial, tuple[Any, ...], LinearVar]


class Scaled(LinearVar):
    """y_dot = sum_i partial_i(*residuals_i) * x_i_dot: an equation that is named by its one output."""

    __slots__ = ("primitive", "source", "terms")

    def __init__(self, index: int, like: Any, primitive: Primitive, terms: list[Term]) -> None:
        self.index = index
        if type(like) is float or type(like) is complex:
            self.shape, self.dtype = (), dtype_of(like)
        else:
            self.shape, self.dtype = like.shape, like.dtype
        self.primitive = primitive
        self.terms = terms
        self.source: Source | None = None


class LinearEquation:
    """y_dot = primitive(*args): args are LinearVars (tangents), ArrayTypes (zero tangents) or plain values."""

    __slots__ = ("args", "outs", "params", "primitive", "source")

    def __init__(
        self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any], outs: Sequence[LinearVar]
    ) -> None:
        self.primitive, self.args, self.params, self.outs = primitive, args, params, outs
        self.source: Source | None = None


class Tape:
    """A linear program under construction, or finished: equations in the order in which they were run."""

    __slots__ = ("count", "equations", "keep_sources", "nested")

    def __init__(self) -> None:
        self.equations: list[Any] = []
        self.count = 0
        self.nested = False  # do residuals hold tracers of an outer transformation?
        self.keep_sources = keep_sources.get()

    def var(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> LinearVar:
        """A fresh variable."""
        i = self.count
        self.count = i + 1
        return LinearVar(i, shape, dtype)

    def like(self, y: Any) -> LinearVar:
        """A fresh variable for the tangent of y."""
        i = self.count
        self.count = i + 1
        if type(y) in _NUMBERS:
            return LinearVar(i, (), dtype_of(y))
        return LinearVar(i, y.shape, y.dtype)

    def scaled(self, y: Any, primitive: Primitive, terms: list[Term]) -> Scaled:
        """Append y_dot = sum_i partial_i x_i_dot; returns the variable of y_dot."""
        i = self.count
        self.count = i + 1
        equation = Scaled(i, y, primitive, terms)
        if self.keep_sources:
            equation.source = user_source()
        self.equations.append(equation)
        return equation

    def append(self, equation: Any) -> None:
        """Add an equation (with the user's line, when debugging asked for it)."""
        if self.keep_sources:
            equation.source = user_source()
        self.equations.append(equation)


def run_tape(
    tape: Tape, ins: Sequence[LinearVar], outs: Sequence[LinearVar | None], tangents: Sequence[Any]
) -> list[Any]:
    """Evaluate the linear program forwards. A tangent that is None is a symbolic zero."""
    env: list[Any] = [None] * tape.count
    for var, t in zip(ins, tangents, strict=True):
        env[var.index] = t
    with located(tape.equations, "tangent") as equations:
        for eq in equations:
            run_equation(env, eq)
    y_dots = [None if var is None else handed_out(env[var.index]) for var in outs]
    watch = observer.get()
    if watch is not None:
        watch.run(tape, ins, outs, tangents, y_dots)
    return y_dots


def run_equation(env: list[Any], eq: Any) -> None:
    """One equation of a tape: from the tangents in env to the tangent that it assigns."""
    if isinstance(eq, Scaled):
        total = None
        for partial, residuals, var in eq.terms:
            x_dot = env[var.index]
            if x_dot is not None:
                total = add(total, scale(partial(residuals), x_dot, eq.primitive))
        env[eq.index] = total
        return
    args = [env[a.index] if isinstance(a, LinearVar) else a for a in eq.args]
    if all(env[a.index] is None for a in eq.args if isinstance(a, LinearVar)):
        return
    full = [zeros(a) if x is None or isinstance(x, ArrayType) else x for a, x in zip(eq.args, args, strict=True)]
    y_dots = eq.primitive(*full, **eq.params)
    for out, y_dot in zip(eq.outs, y_dots if eq.primitive.multiple else [y_dots], strict=True):
        env[out.index] = add(env[out.index], y_dot)


def zeros(type: Any) -> Any:
    """A materialised zero tangent of a type: only for primitives that are linear in several arguments together."""
    if getattr(type, "weak", False):
        return type.dtype.type(0).item()  # beside a Python number the others keep their dtype
    return np.zeros(type.shape, type.dtype)


def add(total: Any, term: Any) -> Any:
    """total + term, where None is a symbolic zero."""
    if total is None:
        return term
    return total if term is None else total + term


def scale(d: Any, x_dot: Any, primitive: Primitive) -> Any:
    """d * x_dot; where the primitive's slope may be infinite, a zero tangent stays zero."""
    if type(d) is int or type(d) is float:
        if d == 1:
            return x_dot
        if d == -1:
            return -x_dot
    if primitive.kind.singular:  # type: ignore[union-attr]
        return zero_safe_mul(d, x_dot)
    return d * x_dot
