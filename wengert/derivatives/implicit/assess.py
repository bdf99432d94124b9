"""quality: a certificate of a solution, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError
from .arguments import applied
from .equations import Function, Vector, equations_of


class Quality(NamedTuple):
    """How well y solves F(y) = 0, and how well F determines it.

    residual: the largest component of F, without its sign; step: the largest component of a Newton step from y,
    which is how far y is from the solution; condition: that of dF/dy, by its singular values: relative errors are
    that much larger in derivatives.
    """

    residual: float
    step: float
    condition: float


def quality(fun: Function, y: Any, args: Sequence[Any] = ()) -> Quality:
    """The certificate of a solution y of `F(y, *args) = 0`, on plain values; of a minimiser, give its gradient as F.

    condition is infinite, and step NaN, where dF/dy is singular.

    >>> import wengert as wg
    >>> wg.implicit.quality(lambda y, a: y**2 - a, 2.0, (4.0,))
    Quality(residual=0.0, step=0.0, condition=1.0)
    """
    unknowns = Vector(y, "the solution y")
    equations = equations_of(applied(fun, args), [unknowns], "quality", unknowns.size)
    if equations.args:
        raise ArgumentError(
            "quality was asked of traced values",
            why="it is a report on numbers, not a part of a program",
            write="call it outside of the differentiated or compiled function",
        )
    z = unknowns.flat(y)
    value, jac = equations.at(())
    f, A = value(z), jac(z)
    if not (np.isfinite(f).all() and np.isfinite(A).all()):
        return Quality(float("nan"), float("nan"), float("nan"))
    condition = float(np.linalg.cond(A)) if A.size else 1.0
    try:
        step = float(np.abs(np.linalg.solve(A, f)).max(initial=0.0))
    except np.linalg.LinAlgError:
        step, condition = float("nan"), float("inf")
    return Quality(float(np.abs(f).max(initial=0.0)), step, condition)
