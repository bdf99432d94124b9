"""Minimisation along gradients: descent with several rules for the step, momentum, Nesterov's method, Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .objective import Objective
from .result import Result
from .searches import SEARCHES, Point, unknown_search

Callback = Callable[[int, Any, float], Any]
Rate = float | Callable[[int], float]
Iterates = Iterator[tuple[np.ndarray, float]]
_SHRINK, _GROW, _MAX_TRIALS = 0.9, 2.0, 60  # how the estimate of L moves when a step is accepted or refused


def run(
    objective: Objective, iterates: Iterates, steps: int, target: float = -np.inf, callback: Callback | None = None
) -> Result:
    """Make `steps` steps of a method, which is a stream of (x, f(x)) that ends when no step decreases f."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise ArgumentError(
            f"steps={steps!r} is no number of steps",
            why="the method is run for at most so many steps",
            write="steps=1000",
        )
    x, fun, message = objective.start, np.inf, "no step decreases f any more: the limit of rounding"
    for k, (x_next, value) in enumerate(iterates):
        if k and not np.isfinite(value):
            message = f"diverged: f is {value} after step {k}; take a smaller step"
            break
        objective.record(value)
        x, fun = x_next, value
        if value <= target:
            message = f"target reached after {k} steps"
            break
        if callback is not None and callback(k, objective.tree(x), value):
            message = f"stopped by the callback after {k} steps"
            break
        if k >= steps:
            message = f"all {steps} steps made"
            break
    return objective.result(x, fun, message)


def first_order(objective: Objective, change: Callable, look_ahead: Callable = lambda k, x: x) -> Iterates:
    """x <- x - change(k, gradient); `look_ahead(k, x)` then moves the point of the next gradient."""
    x, k = objective.start, 0
    while True:
        value, gradient = objective.value_and_grad(x)
        yield x, value
        x, k = look_ahead(k, x - change(k, gradient)), k + 1


def lemma(objective: Objective, look: Callable, probe: Callable) -> Iterates:
    """x <- x - p/L: p the gradient or its projection, L the least with f(x - p/L) <= f(x) - |p|^2/(2L).

    The descent lemma holds along any direction, so it judges a step without gradients and without noise.
    look(x) -> f(x) and what else comes with it;  probe(x, f(x), else) -> p
    """
    x, curvature = objective.start, 0.0
    value, more = look(x)
    while True:
        yield x, value
        p = probe(x, value, more)
        square = p @ p
        curvature = curvature or np.sqrt(square) / (1.0 + np.linalg.norm(x))  # first try: as far as |x|
        for _ in range(_MAX_TRIALS if square > 0.0 else 0):
            trial = x - p / curvature
            trial_value, more = look(trial)
            if trial_value <= value - square / (2.0 * curvature):
                break
            curvature *= _GROW
        else:
            return
        x, value, curvature = trial, trial_value, curvature * _SHRINK


def searched(objective: Objective, name: str, c1: float = 1e-4, c2: float = 0.9) -> Iterates:
    """x <- x - a grad f(x), a from a line search that first tries twice the step before."""
    if name not in SEARCHES:
        raise unknown_search(name)
    at = Point(objective.start, *objective.value_and_grad(objective.start))
    first = float((1.0 + np.linalg.norm(at.x)) / (np.linalg.norm(at.gradient) or 1.0))
    while True:
        yield at.x, at.value
        if not np.any(at.gradient):
            return
        found = SEARCHES[name](objective, at, -at.gradient, first, c1, c2)
        if found is None:
            return
        first, at = 2.0 * found[0], found[1]


def _rate(step: Rate) -> Callable[[int], float]:
    return step if callable(step) else lambda k: step


def _default_rate(objective: Objective, step: Rate | None) -> Callable[[int], float]:
    """1/L where no step is given."""
    return _rate(1.0 / (objective.smoothness() or 1.0) if step is None else step)


def gradient_descent(
    fun: Callable, x0: Any, step: Rate | str | None = None, steps: int = 100, *, jit: bool = False, **until: Any
) -> Result:
    """Gradient descent: `x_{k+1} = x_k - a_k grad f(x_k)`.

    step: a number; a function `k -> a_k`; "armijo" or "wolfe" for a line search along -grad f (see `line_search`),
    which first tries twice the step before. None takes p/L with p = grad f and L the smallest estimate for which the
    descent lemma `f(x - p/L) <= f(x) - |p|^2 / (2L)` holds; refused trials are counted too. jit: compile f with its
    gradient (`wg.jit`); a function that is compiled already needs no jit=True. until: target=t stops once f(x_k) is at
    most t; callback=c calls `c(k, x_k, f(x_k))` and stops if that is true.

    Rates for an L-smooth f with step 1/L (Nesterov, Lectures on Convex Optimization, 2018, section 2.1.5): convex
    `f(x_k) - f* <= 2 L |x_0 - x*|^2 / (k + 4)`; mu-strongly convex `|x_k - x*|^2 <= (1 - mu/L)^k |x_0 - x*|^2`;
    neither: `min_{i<k} |grad f(x_i)|^2 <= 2 L (f(x_0) - f*) / k`.

    Raises NonScalarOutputError; NonDifferentiableInputError (x0 not real); NonFiniteError (at the start);
    ArgumentError. Later, a value that is not finite ends the run at the iterate before, with a message.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> r = optimize.gradient_descent(lambda p: np.sum((p["a"] - 3.0)**2), {"a": np.zeros(2)}, step=0.5, steps=1)
    >>> r.x["a"], r.gradients
    (array([3., 3.]), array([1, 2]))
    """
    objective = Objective(fun, x0, jit)
    if step is None:
        iterates = lemma(objective, objective.value_and_grad, lambda x, value, gradient: gradient)
    elif isinstance(step, str):
        iterates = searched(objective, step)
    else:
        rate = _rate(step)
        iterates = first_order(objective, lambda k, gradient: rate(k) * gradient)
    return run(objective, iterates, steps, **until)


def momentum(
    fun: Callable,
    x0: Any,
    step: Rate | None = None,
    steps: int = 100,
    *,
    beta: float = 0.9,
    jit: bool = False,
    **until: Any,
) -> Result:
    """The heavy ball: `x_{k+1} = x_k - a_k grad f(x_k) + beta (x_k - x_{k-1})`   (Polyak 1964).

    step: None takes 1/L with L = smoothness(fun, x0), counted; on a quadratic, steps below 2(1+beta)/L
    converge. Other arguments and errors as in `gradient_descent`.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> bool(optimize.momentum(lambda x: np.sum(x**2 * np.array([1.0, 50.0])), np.ones(2), steps=200).fun < 1e-6)
    True
    """
    objective = Objective(fun, x0, jit)
    rate, velocity = _default_rate(objective, step), np.zeros_like(objective.start)

    def change(k: int, gradient: np.ndarray) -> np.ndarray:
        nonlocal velocity
        velocity = beta * velocity + rate(k) * gradient
        return velocity

    return run(objective, first_order(objective, change), steps, **until)


def nesterov(
    fun: Callable, x0: Any, step: Rate | None = None, steps: int = 100, *, jit: bool = False, **until: Any
) -> Result:
    """Nesterov's method: `x_{k+1} = y_k - a_k grad f(y_k)`, `y_{k+1} = x_{k+1} + k/(k+3) (x_{k+1} - x_k)`.

    Nesterov 1983; in this form Su, Boyd and Candes, JMLR 17 (2016), eq. (1): for convex f and step 1/L,
    `f(x_k) - f* <= 2 L |x_0 - x*|^2 / (k + 1)^2`. step: None as in `momentum`. The iterates kept are the y_k, at
    which gradients are taken.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> bool(optimize.nesterov(lambda x: np.sum(x**2 * np.array([1.0, 50.0])), np.ones(2), steps=200).fun < 1e-3)
    True
    """
    objective = Objective(fun, x0, jit)
    rate, previous = _default_rate(objective, step), objective.start

    def look_ahead(k: int, x: np.ndarray) -> np.ndarray:
        nonlocal previous
        y, previous = x + k / (k + 3.0) * (x - previous), x
        return y

    iterates = first_order(objective, lambda k, gradient: rate(k) * gradient, look_ahead)
    return run(objective, iterates, steps, **until)


def adam(
    fun: Callable,
    x0: Any,
    step: Rate = 1e-3,
    steps: int = 1000,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    jit: bool = False,
    **until: Any,
) -> Result:
    """Adam: `x_{k+1} = x_k - a_k m / (sqrt(v) + eps)`, m and v the running means of grad f and of its square.

    Both means are corrected for their start at zero (Kingma and Ba 2015, Algorithm 1). Other arguments and
    errors as in `gradient_descent`.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> float(optimize.adam(lambda x: (x - 3.0)**2, 0.0, step=0.1, steps=300).x.round(2))
    3.0
    """
    objective = Objective(fun, x0, jit)
    rate, m, v = _rate(step), np.zeros_like(objective.start), np.zeros_like(objective.start)

    def change(k: int, gradient: np.ndarray) -> np.ndarray:
        nonlocal m, v
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        return rate(k) * (m / (1 - beta1 ** (k + 1))) / (np.sqrt(v / (1 - beta2 ** (k + 1))) + eps)

    return run(objective, first_order(objective, change), steps, **until)
