"""Derivatives by SymPy, through named intermediate values by the chain rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ...errors import NoExpressionError
from .names import intermediate_names, symbol
from .package import load
from .shorten import Assignments
from .translate import is_atom


class Derivatives:
    """Derivatives of expressions with respect to symbols, where some symbols stand for expressions.

    dv/ds of each assignment v = e(s, u) is de/ds + sum_u de/du du/ds, under a name of its own: without assignments,
    this is SymPy's derivative; with all of them, forward mode.
    """

    def __init__(self, assignments: Assignments, symbols: Sequence[Any], taken: Collection[Any]) -> None:
        self.sp = load()
        self.assignments = list(assignments)
        self.slopes: dict[Any, dict[Any, Any]] = {}  # s -> the names whose value depends on it, and their slopes
        self.known: dict[Any, dict[Any, Any]] = {}  # the partial derivatives of an expression
        names = intermediate_names(taken)
        for s in symbols:
            slopes: dict[Any, Any] = {}
            self.slopes[s] = slopes
            for v, e in assignments:
                slope = self.of(e, s)
                if slope != 0 and not is_atom(self.sp, slope):
                    name = symbol(next(names), bool(v.is_real and s.is_real))
                    self.assignments.append((name, slope))
                    slope = name
                if slope != 0:
                    slopes[v] = slope

    def of(self, e: Any, s: Any) -> Any:
        """de/ds."""
        slopes = self.slopes[s]
        total = self.sp.Integer(0)
        for u in sorted(e.free_symbols, key=str):
            if u == s:
                total += self.partial(e, u)
            elif u in slopes:
                total += self.partial(e, u) * slopes[u]
        return total

    def partial(self, e: Any, u: Any) -> Any:
        """de/du where all other symbols are held fixed; computed once."""
        known = self.known.setdefault(e, {})
        if u not in known:
            known[u] = derivative(e, u)
        return known[u]


def derivative(e: Any, s: Any) -> Any:
    """SymPy's derivative, in which steps have slope 0 (jumps are not seen); refused where SymPy leaves it undone."""
    sp = load()
    steps = {step: sp.Dummy(real=True) for step in e.atoms(sp.floor, sp.ceiling, sp.sign, sp.Heaviside)}
    d = e.xreplace(steps).diff(s).xreplace({dummy: step for step, dummy in steps.items()})
    if d.has(sp.Derivative, sp.Subs):
        raise NoExpressionError(
            f"SymPy has no derivative of {e} with respect to {s}",
            why="it has none in this parameter, or the function (conjugate, re, im) is not holomorphic",
            write="hold that parameter fixed; real arguments instead of complex ones; or wg.grad",
        )
    return d
