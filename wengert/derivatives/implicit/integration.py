"""One initial value problem on plain arrays, by SciPy; and integrals along what it found."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...compile.jit import jit
from ...core.intern import interned
from ...core.program import Program
from ...core.record import record
from ...errors import NotASolutionError
from ..columns import pushed

Path = Callable[[float], np.ndarray]
IMPLICIT = ("Radau", "BDF", "LSODA")
POINTS = {"DOP853": 8}  # of Gauss's rule on a step, whose dense output is a polynomial of order 7; of others, 3 to 5


@dataclass(frozen=True)
class Solver:
    """SciPy's method and tolerances. compiled: is the right side compiled?"""

    method: str
    rtol: float
    atol: float
    compiled: bool = False

    def of(self, f: Program) -> Callable[..., Any]:
        """What evaluates a program with one result: its own interpreter, or machine code."""
        return evaluator(f, self.compiled)

    def path(self, f: Program, before: Sequence[Any], span: Sequence[Any], y0: Any, **more: Any) -> Any:
        """SciPy's result for y' = f(*before, t, *paths, y), where `before` ends with functions of t, the paths."""
        import scipy.integrate  # slow to import: only when asked for

        n, dtype = len(y0), f.in_types[-1].dtype
        consts = [x for x in before if not callable(x)]
        paths = [x for x in before if callable(x)]
        rate, slope = self.of(f), self.of(f.remember(jacobian))
        given = lambda t, y: (*consts, np.float64(t), *(p(t).astype(dtype) for p in paths), y.astype(dtype))
        if self.method in IMPLICIT:
            more["jac"] = lambda t, y: np.asarray(slope(*given(t, y))).reshape(n, n)
        bounds = {"rtol": max(self.rtol, 1e-13), "atol": self.atol}
        with np.errstate(all="ignore"):
            found = scipy.integrate.solve_ivp(lambda t, y: rate(*given(t, y)), span, y0, self.method, **bounds, **more)
        if not found.success or not np.isfinite(found.y).all():
            raise NotASolutionError(
                f"{self.method} stopped at t = {found.t[-1] if len(found.t) else span[0]:g}: {found.message}",
                why="the solution, or a tangent or adjoint beside it, grows without bound, or is stiff",
                write="times before it does; method='Radau', 'BDF' or 'LSODA' for stiff equations",
            )
        return found

    def integral(self, f: Program, before: Sequence[Any], mesh: np.ndarray, y0: Any) -> np.ndarray:
        """y0 + the integral of f(*before, t, *paths, y0), in which y0 has no part, by Gauss's rule between mesh points.

        Between them each path is one polynomial, of the order of the method that found it.
        """
        consts = [x for x in before if not callable(x)]
        paths = [x for x in before if callable(x)]
        rate, total = self.of(f), np.array(y0)
        nodes, weights = np.polynomial.legendre.leggauss(POINTS.get(self.method, 5))
        for a, b in itertools.pairwise(mesh):
            for node, weight in zip(nodes, weights, strict=True):
                t = 0.5 * (a + b) + 0.5 * (b - a) * node
                given = (*consts, np.float64(t), *(p(t).astype(total.dtype) for p in paths), total)
                total = total + (0.5 * (b - a) * weight) * np.asarray(rate(*given)).astype(total.dtype)
        return total


def evaluator(f: Program, compiled: bool) -> Callable[..., Any]:
    """What gives the one result of a program: machine code, or the interpreter."""
    return interned(f).remember(native) if compiled else lambda *xs: f.evaluate(xs)[0]


def native(f: Program) -> Callable[..., Any]:
    """The one result of a program, compiled."""

    def run(*xs: Any) -> Any:
        return f.evaluate(xs)[0]

    run.__name__, run.__wengert_adopted__ = f.name, True  # type: ignore[attr-defined]
    return jit(run)


def jacobian(f: Program) -> Program:
    """The derivative of the one result in the last argument, (m, n)."""

    def run(*xs: Any) -> list[Any]:
        return pushed(lambda y: f.evaluate([*xs[:-1], y]), [xs[-1]], None)[1][0]

    return record(run, f.in_types, f"jacobian of {f.name}")
