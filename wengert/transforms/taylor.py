"""taylor: truncated power series. A tracer's value is the coefficient 0, its data the `Series`; None: it is constant.

Along x(t) = x_0 + x_1 t + x_2 t^2 + ... every value of a program is a series. That of an elementwise primitive follows
from the derivative that it declares: y' = sum_i g_i(x, y) x_i', and with the coefficients of both sides compared,

    k y_k = sum_i sum_(j<k) g_(i,j) (k - j) x_(i,k-j)

where g is a series as well, of which one coefficient less is needed: exp has y' = y x', sin and cos have each other,
tanh has y' = (1 - y^2) x'. So no primitive declares anything for this, and the recurrences are those of Griewank and
Walther, Evaluating Derivatives (2nd ed.), tables 13.1 and 13.2; O(n^2) for n coefficients. Series are lazy: each
coefficient is computed when it is asked for, once. Custom derivatives take part in the same way: y' is the tangent
that their jvp gives for the tangent x'. Loops, branches and calls are in taylor_programs.py.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Elementwise, Linear, Multilinear, Primitive
from ..core.trace import Trace, Tracer, deriving, keep_sources
from ..core.types import dtype_of, is_inexact, type_of
from ..errors import UnsupportedFunctionError
from ..primitives import elementwise as ew
from ..primitives.contract import matmul
from ..primitives.linalg import solve
from .tape import add, scale, zeros

Rule = Callable[[int], Any]  # the coefficient k from those before it; of several results: a list of theirs
FEW = 16  # elements of a constant that is known by their values
Maker = Callable[..., Rule]  # (trace, primitive, args, params, results) -> rule


class Series:
    """The coefficients of one value, each computed when it is first asked for. None is a symbolic zero."""

    __slots__ = ("_slope", "known", "rule")

    def __init__(self, known: Sequence[Any], rule: Rule | None = None) -> None:
        self.known, self.rule = list(known), rule
        self._slope: Series | None = None

    def __getitem__(self, k: int) -> Any:
        while len(self.known) <= k:
            if self.rule is None:
                return None
            self.known.append(self.rule(len(self.known)))
        return self.known[k]

    @property
    def slope(self) -> Series:
        """The derivative in t: (k + 1) y_(k+1)."""
        if self._slope is None:
            if self.rule is None:
                self._slope = Series([times(k, c) for k, c in enumerate(self.known)][1:])
            else:
                self._slope = Series([], lambda k: times(k + 1, self[k + 1]))
        return self._slope

    def finish(self, order: int) -> bool:
        """Compute all coefficients up to an order, and forget how; is any beside the first not zero?"""
        nonzero = [self[k] is not None for k in range(1, order + 1)]
        self.rule = self._slope = None
        return any(nonzero)


def times(number: float, x: Any) -> Any:
    """A multiple of a coefficient."""
    return x if x is None or number == 1 else x * float(number)


def divided(x: Any, number: int) -> Any:
    """A fraction of a coefficient."""
    return x if x is None or number == 1 else x / float(number)


class TaylorTrace(Trace):
    """Computes each value together with its series."""

    __slots__ = ("known", "lazy", "order")
    name = "Taylor series"

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order = order
        self.lazy = False  # inside a rule: series are finished where they are used
        self.known: dict[Any, Any] = {}  # what this rule has applied: (primitive, arguments) -> results, arguments

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Apply the primitive to the values, and its rule to the series."""
        args = tuple([a.snapshot() if isinstance(a, Tracer) and a.traced_by is self else a for a in args])
        if isinstance(primitive.kind, Constant) or not any(map(self.series, args)):
            outs = primitive(*map(self.value, args), **params)
            return [self.lift(y) for y in outs] if primitive.multiple else self.lift(outs)
        if self.lazy:
            return self.applied(primitive, args, params)
        try:
            outs = self.applied(primitive, args, params)
            self.lazy = True
            with np.errstate(all="ignore"):  # infinite slopes are no news
                for y in outs if primitive.multiple else [outs]:
                    self.finish(y, primitive)
        except RecursionError:
            raise too_deep(primitive, self.order) from None
        finally:
            self.lazy = False
            self.known.clear()
        return outs

    def finish(self, y: Any, p: Primitive) -> None:
        """Compute the coefficients of a result."""
        if self.series(y) is not None:
            with deriving(f"series of {p}") if keep_sources.get() else contextlib.nullcontext():
                if not y.data.finish(self.order):
                    y.data = None

    def series(self, a: Any) -> Series | None:
        """The series of an argument, None where it is constant."""
        return a.data if isinstance(a, Tracer) and a.traced_by is self else None

    def value(self, a: Any) -> Any:
        """The coefficient 0 of an argument."""
        return a.value if isinstance(a, Tracer) and a.traced_by is self else a

    def lift(self, y: Any, data: Series | None = None) -> Any:
        """A value with its series; what has no derivative stays plain."""
        return Tracer(self, y, data) if is_inexact(dtype_of(y)) else y

    # one application -------------------------------------------------------------------------------------------
    def applied(self, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """The results, whose series are still to be computed; the same ones for the same arguments."""
        key = (p, tuple(map(self.key, args)), tuple([(k, id(v)) for k, v in params.items()]))
        found = self.known.get(key)
        if found is None:
            y = WHOLE[p](self, p, args, params) if p in WHOLE else self.fresh(p, args, params)
            found = self.known[key] = y, args, params  # ids stay what they are while this is known
        return found[0]

    def key(self, a: Any) -> Any:
        """Equal for arguments that have the same value and the same series."""
        if isinstance(a, Tracer) and a.traced_by is self:
            return constant_key(a.value) if a.data is None else id(a.data)
        return constant_key(a)

    def fresh(self, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply the primitive to values; its results know the rule of their series."""
        outs = p(*map(self.value, args), **params)
        if not p.multiple:
            series = Series([outs])
            y = self.lift(outs, series)
            series.rule = self.rule(p, args, params, y)
            return y
        every = [Series([v]) for v in outs]
        ys = [self.lift(v, s) for v, s in zip(outs, every, strict=True)]
        rule = once(self.rule(p, args, params, ys))
        for i, series in enumerate(every):
            series.rule = lambda k, i=i: rule(k)[i]
        return ys

    def rule(self, p: Primitive, args: Sequence[Any], params: dict[str, Any], y: Any) -> Rule:
        """How the coefficients of y = p(*args) are computed."""
        kind = p.kind
        if p in RECURRENCES:
            return RECURRENCES[p](self, *args, y)
        if type(kind) is Custom:
            active = [i for i, a in enumerate(args) if self.series(a) is not None]
            alone = len(active) == 1 and active[0] < len(kind.transposes) and kind.transposes[active[0]] is not None
            return linear(self, p, args, params, y) if alone else custom(self, p, args, params, y)
        return KINDS[type(kind)](self, p, args, params, y)

    def slope(self, a: Any) -> Any:
        """The tangent of an argument: the derivative of its series."""
        x = self.series(a)
        if x is None:
            return None
        first = x.slope[0]
        return Tracer(self, zeros(type_of(a.value)) if first is None else first, x.slope)

    def coefficient(self, a: Any, k: int) -> Any:
        """The coefficient k of anything: traced, constant, or a symbolic zero (None)."""
        if a is None or k == 0:
            return self.value(a)
        x = self.series(a)
        return None if x is None else x[k]


def constant_key(a: Any) -> Any:
    """A few numbers by value, anything else as itself: jv(v, x) has jv(v - 1, x) in its slope, which is made anew."""
    if type(a) in (int, float, bool):
        return type(a), a or str(a)  # -0.0 is another number than 0.0
    if isinstance(a, np.generic | np.ndarray) and a.size <= FEW:
        return a.shape, a.dtype.str, a.tobytes()
    return id(a)


def too_deep(p: Primitive, order: int) -> UnsupportedFunctionError:
    """The error for a chain of derivatives, each made of the next, that is longer than Python's stack."""
    return UnsupportedFunctionError(
        f"{order} Taylor coefficients of {p}",
        why="each of its derivatives is made of the next one, and so many calls do not fit on Python's stack",
        write="a lower order; or sys.setrecursionlimit(...) with a larger number",
    )


def once(rule: Rule) -> Rule:
    """A rule that several results ask for the same coefficients."""
    known: dict[int, Any] = {}

    def remembered(k: int) -> Any:
        if k not in known:
            known[k] = rule(k)
        return known[k]

    return remembered


# the kinds of derivatives ----------------------------------------------------------------------------------------
def elementwise(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any], y: Any) -> Rule:
    """k y_k = sum_i sum_(j<k) g_(i,j) x'_(i,k-1-j); a product of two needs no slopes."""
    kind: Elementwise = p.kind  # type: ignore[assignment]
    if len(args) > 1 and len(kind.linear_in) == len(args) and not kind.jointly:
        return multilinear(trace, p, args, params, y)
    terms = [(d, trace.series(a)) for d, a in zip(kind.partials, args, strict=False) if d is not None]
    slopes: list[tuple[Any, Series]] = []

    def rule(k: int) -> Any:
        if not slopes:
            slopes.extend((d(d.uses((*args, y))), x) for d, x in terms if x is not None)
        total = None
        for g, x in slopes:
            for j in range(k if trace.series(g) is not None else 1):
                g_j, x_dot = trace.coefficient(g, j), x.slope[k - 1 - j]
                if g_j is not None and x_dot is not None:
                    total = add(total, scale(g_j, x_dot, p))
        return divided(total, k)

    if kind.jointly:  # constant slopes
        numbers = [(d(()), x) for d, x in terms if x is not None]
        return lambda k: functools.reduce(add, [scale(g, x[k], p) for g, x in numbers if x[k] is not None], None)
    return rule


def linear(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any], y: Any) -> Rule:
    """y_k = p(x_k)."""

    def rule(k: int) -> Any:
        x_k = [a if trace.series(a) is None else trace.series(a)[k] for a in args]  # type: ignore[index]
        if all(x is None for a, x in zip(args, x_k, strict=True) if trace.series(a) is not None):
            return [None] * len(y) if p.multiple else None
        full = []
        for i, (a, x) in enumerate(zip(args, x_k, strict=True)):
            constant = trace.series(a) is None
            moves = type(p.kind) is Linear and p.kind.differentiable(i)
            full.append(zeros(type_of(trace.value(a))) if (moves if constant else x is None) else trace.value(x))
        return p(*full, **params)

    return rule


def multilinear(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any], y: Any) -> Rule:
    """y_k = sum_j p(a_j, b_(k-j)): Cauchy's product."""

    def rule(k: int) -> Any:
        total = None
        for shares in itertools.product(range(k + 1), repeat=len(args) - 1):
            if sum(shares) <= k:
                factors = [trace.coefficient(a, j) for a, j in zip(args, (*shares, k - sum(shares)), strict=True)]
                if all(f is not None for f in factors):
                    total = add(total, p(*factors, **params))
        return total

    return rule


def custom(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any], y: Any) -> Rule:
    """y' is what the jvp makes of the tangent x'."""
    slopes: list[Any] = []

    def rule(k: int) -> Any:
        if not slopes:
            _, y_dots = p.kind.jvp(list(args), [trace.slope(a) for a in args], **params)  # type: ignore[union-attr]
            slopes.extend(y_dots if p.multiple else [y_dots])
        y_k = [divided(trace.coefficient(d, k - 1), k) for d in slopes]
        return y_k if p.multiple else y_k[0]

    return rule


KINDS: dict[type, Maker] = {Elementwise: elementwise, Linear: linear, Multilinear: multilinear}


# where a recurrence is shorter than the one of the slopes, or these would never end --------------------------------
def quotient(trace: TaylorTrace, a: Any, b: Any, y: Any) -> Rule:
    """y = a / b: y_k = (a_k - sum_(j>0) b_j y_(k-j)) / b_0."""

    def rule(k: int) -> Any:
        total = trace.coefficient(a, k)
        for j in range(1, k + 1):
            b_j, y_j = trace.coefficient(b, j), trace.coefficient(y, k - j)
            if b_j is not None and y_j is not None:
                total = -(b_j * y_j) if total is None else total - b_j * y_j
        return None if total is None else ew.div(total, trace.value(b))

    return rule


def squared(trace: TaylorTrace, x: Any, y: Any) -> Rule:
    """y = x^2: every product of two different coefficients comes twice."""

    def rule(k: int) -> Any:
        total = None
        for j in range((k + 1) // 2):
            if x.data[j] is not None and x.data[k - j] is not None:
                total = add(total, x.data[j] * x.data[k - j])
        total = times(2, total)
        middle = None if k % 2 else x.data[k // 2]
        return total if middle is None else add(total, middle * middle)

    return rule


def solution(trace: TaylorTrace, a: Any, b: Any, y: Any) -> Rule:
    """A y = b: A_0 y_k = b_k - sum_(j>0) A_j y_(k-j)."""

    def rule(k: int) -> Any:
        total = trace.coefficient(b, k)
        for j in range(1, k + 1):
            a_j, y_j = trace.coefficient(a, j), trace.coefficient(y, k - j)
            if a_j is not None and y_j is not None:
                term = matmul(a_j, y_j)
                total = -term if total is None else total - term
        return None if total is None else solve(trace.value(a), total)

    return rule


RECURRENCES: dict[Primitive, Callable[..., Rule]] = {ew.div: quotient, ew.square: squared, solve: solution}
WHOLE: dict[Primitive, Callable[..., Any]] = {}  # for what runs programs, from taylor_programs.py
