"""The symbolic row of the comparison: SymPy differentiates the expression of the recorded function."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..derivatives import symbolic
from ..derivatives.symbolic.package import load
from ..derivatives.symbolic.size import size_text
from ..errors import NoExpressionError
from .forward import Direction
from .point import Point
from .truth import paired

LONGEST = 2000  # operations that the function runs, each of which becomes a SymPy object
LARGEST = 3000  # operations of an expression, written out, times derivatives: SymPy takes about a second


class Symbolic(NamedTuple):
    """The derivative along each direction; operations of its expressions; seconds to make, differentiate, evaluate."""

    values: Sequence[Any]
    operations: int
    seconds: float
    note: str


def differentiated(
    point: Point, seed: Sequence[Any], directions: Sequence[Direction], whole: bool, operations: int
) -> Symbolic:
    """By SymPy: all partial derivatives where the directions are the unit vectors, else d/dt f(x + t d).

    operations: of one evaluation of the function. Raises NoExpressionError where there is no expression, or it is too
    large.
    """
    if operations > LONGEST:
        raise NoExpressionError(
            f"the function runs {operations:,} operations",
            why="an expression holds each of them, and those of what is used twice twice",
            write="wg.grad, whose program grows as the function does",
        )

    def number(*leaves: Any) -> Any:
        return paired(seed, point.flat(*leaves))

    load()  # SymPy itself, whose import is not part of the time
    start = time.perf_counter()
    if whole:
        moving = tuple(k for k, on in enumerate(point.active) if on)
        slope = gradient(number, point.leaves, moving, len(directions))
        values = [v for g in slope(*point.leaves) for v in np.ravel(g)]
        size, note = slope.operations, ""
    else:
        slopes = [
            gradient(lambda t, d=d: number(*_moved(point, d, t)), (0.0,), (0,), len(directions)) for d in directions
        ]
        values, size = [slope(0.0)[0] for slope in slopes], sum(slope.operations for slope in slopes)
        note = "the derivative of f(x + t d) in t at 0, with numbers in the place of x and d"
    return Symbolic(values, size, time.perf_counter() - start, note)


def gradient(fun: Any, leaves: Sequence[Any], moving: tuple[int, ...], derivatives: int) -> Any:
    """The expressions of the partial derivatives, if they can be read at all."""
    shared = symbolic.expression(fun, *leaves, cse=True)
    if shared.expanded_operations * derivatives > LARGEST:
        raise NoExpressionError(
            f"the expression of the function has {size_text(shared.expanded_operations)} operations",
            why="an expression is a tree: each use of an intermediate value, as in a loop, writes it out again",
            write="wg.grad, whose program grows as the function does",
        )
    return symbolic.expression(fun, *leaves).gradient(moving)


def _moved(point: Point, direction: Direction, t: Any) -> list[Any]:
    return [x if d is None else x + t * d for x, d in zip(point.leaves, direction.tangents, strict=True)]
