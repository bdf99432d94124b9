"""How far to go along a direction: backtracking to sufficient decrease (Armijo), or the strong Wolfe conditions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError
from .objective import Objective

_MAX_HALVINGS = 60


class Step(NamedTuple):
    """Where a line search ended. step: None where it found none, and x, fun are those of the start then."""

    step: float | None
    x: Any
    fun: float
    evaluations: int
    gradients: int


class Point(NamedTuple):
    """A point with its value and its gradient."""

    x: np.ndarray
    value: float
    gradient: np.ndarray


Search = Callable[..., "tuple[float, Point] | None"]


def armijo(objective: Objective, at: Point, d: np.ndarray, first: float, c1: float, c2: float) -> Any:
    """(a, the point there) for the first a = first, first/2, first/4, ... that decreases f enough, or None."""
    slope, a = float(at.gradient @ d), first
    for _ in range(_MAX_HALVINGS):
        x = at.x + a * d
        if objective.value(x) <= at.value + c1 * a * slope:
            return a, Point(x, *objective.value_and_grad(x))
        a /= 2.0
    return None


def wolfe(objective: Objective, at: Point, d: np.ndarray, first: float, c1: float, c2: float) -> Any:
    """(a, the point there) by SciPy's bracketing and zooming, or None. A gradient comes with each value.

    SciPy zooms ten times at most: from a first step that is far too long it begins again with a shorter one.
    """
    import scipy.optimize  # slow to import: only when asked for

    seen: dict[bytes, tuple[float, np.ndarray]] = {at.x.tobytes(): (at.value, at.gradient)}

    def look(x: np.ndarray) -> tuple[float, np.ndarray]:
        if x.tobytes() not in seen:
            seen[x.tobytes()] = objective.value_and_grad(x)
        return seen[x.tobytes()]

    value, slope, descent = lambda x: look(x)[0], lambda x: look(x)[1], at.gradient @ d
    for _ in range(_MAX_HALVINGS):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The line search algorithm|Rounding errors prevent")  # None says it too
            # The first trial is 1: the direction carries the length that is wanted first.
            found = scipy.optimize.line_search(value, slope, at.x, first * d, at.gradient, at.value, None, (), c1, c2)
        if found[0] is not None and found[-1] is not None:
            x = at.x + found[0] * (first * d)
            return float(found[0]) * first, Point(x, *look(x))
        if value(at.x + first * d) <= at.value + c1 * first * descent:
            return None  # too long it was not: f falls without end
        first /= 16.0
    return None


SEARCHES: dict[str, Search] = {"armijo": armijo, "wolfe": wolfe}


def line_search(
    fun: Callable,
    x: Any,
    direction: Any,
    method: str = "wolfe",
    *,
    first: float = 1.0,
    c1: float = 1e-4,
    c2: float = 0.9,
    jit: bool = False,
) -> Step:
    """A step a along a direction d of descent, from x.

    method: "armijo" takes the largest of first, first/2, first/4, ... with `f(x + a d) <= f(x) + c1 a (grad f . d)`
    (Nocedal and Wright, Numerical Optimization, 2nd ed., 2006, Algorithm 3.1); "wolfe" wants that, and
    `|grad f(x + a d) . d| <= c2 |grad f(x) . d|` (their Algorithms 3.5 and 3.6, in scipy.optimize.line_search). jit:
    compile f with its gradient.

    The direction has the structure of x. Result: a `Step`, whose `step` is None where none was found (f falls
    without end, or rounding hides the decrease). Raises ArgumentError where d does not lead downhill.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> f = lambda x: np.sum(x**2)
    >>> found = optimize.line_search(f, np.array([4.0]), np.array([-8.0]))
    >>> found.step, found.x
    (0.5, array([0.]))
    """
    if method not in SEARCHES:
        raise unknown_search(method)
    if not 0.0 < c1 < c2 < 1.0 or not first > 0.0:
        raise ArgumentError(
            f"line_search got c1={c1}, c2={c2}, first={first}",
            why="steps that satisfy both conditions exist for 0 < c1 < c2 < 1, and are positive",
            write="c1=1e-4, c2=0.9, first=1.0",
        )
    objective = Objective(fun, x, jit)
    at, d = Point(objective.start, *objective.value_and_grad(objective.start)), objective.flat(direction)
    if d.shape != at.x.shape or not at.gradient @ d < 0.0:
        raise ArgumentError(
            "the direction of line_search does not lead downhill",
            why=f"it has {d.size} elements, x has {at.x.size}"
            if d.shape != at.x.shape
            else f"the slope of f along it is {at.gradient @ d:.6g}",
            write="a direction d with grad f . d < 0, such as -wg.grad(f)(x)",
        )
    found = SEARCHES[method](objective, at, d, first, c1, c2)
    step, end = found or (None, at)
    return Step(step, objective.tree(end.x), end.value, objective.evaluations, objective.gradients)


def unknown_search(name: str) -> ArgumentError:
    """The error for a line search that there is not."""
    return ArgumentError(
        f"there is no line search {name!r}",
        why="a step is judged by sufficient decrease alone, or by the slope at its end as well",
        write=f"one of {', '.join(map(repr, SEARCHES))}",
    )
