"""Minimisation without gradients: estimates of the gradient from two or more values, and descent along them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .descent import Iterates, lemma, run
from .objective import Objective
from .result import Result


def two_point(
    fun: Callable, x: Any, rng: np.random.Generator, radius: float | None = None, *, central: bool = True
) -> Any:
    """The estimate `G = n (f(x + r u) - f(x - r u)) / (2r) u`, u uniform on the unit sphere: two calls of f.

    Law: `E G = grad f + O(r^2)`, `E|G|^2 = n |grad f|^2`: the price of seeing one direction. central=False takes
    `(f(x + r u) - f(x)) / r`, error O(r). radius: the default r balances truncation and rounding: eps^(1/3) (central)
    or eps^(1/2) (forward), times `max(1, max|x|)`, eps that of the dtype of x. Source: Shamir, JMLR 18 (2017),
    Algorithm 1; with Gaussian u, Nesterov and Spokoiny, Found. Comput. Math. 17 (2017), section 3, and Duchi et al.,
    IEEE Trans. Inf. Theory 61 (2015).

    >>> import numpy as np
    >>> from wengert import optimize
    >>> rng, x = np.random.default_rng(0), np.array([1.0, 2.0])
    >>> mean = np.mean([optimize.two_point(lambda x: np.sum(x**2), x, rng) for _ in range(4000)], axis=0)
    >>> bool(np.allclose(mean, [2.0, 4.0], atol=0.2))
    True
    """
    return multi_point(fun, x, rng, 1, radius, central=central)


def multi_point(
    fun: Callable,
    x: Any,
    rng: np.random.Generator | None = None,
    directions: int | None = None,
    radius: float | None = None,
    *,
    central: bool = True,
) -> Any:
    """The estimate `G = (n/m) sum_i s_i u_i`, `s_i = (f(x + r u_i) - f(x - r u_i)) / (2r)`, m orthonormal u_i.

    directions: m from 1 (`two_point`) to n, in a uniform frame (QR of a Gaussian matrix), with
    `E|G|^2 = (n/m) |grad f|^2`; None takes the n coordinate axes, needs no rng, and gives grad f + O(r^2). Calls of f:
    2m, or m + 1 forward. Radius and sources as in `two_point`. Raises ArgumentError (m out of range, no rng).

    >>> import numpy as np
    >>> from wengert import optimize
    >>> optimize.multi_point(lambda x: x[0]**2 * x[1] + x[1] + 2, np.array([3.0, 4.0])).round(6)
    array([24., 10.])
    """
    objective = Objective(fun, x)
    projection, _ = _Probe(rng, directions, radius, central)(objective, objective.start)
    return objective.tree(objective.start.size / (directions or objective.start.size or 1) * projection)


@dataclass(frozen=True)
class _Probe:
    """Differences of f along a frame of orthonormal directions."""

    rng: np.random.Generator | None
    directions: int | None
    radius: float | None
    central: bool

    def __call__(self, objective: Objective, x: np.ndarray, value: Any = None) -> tuple[np.ndarray, float]:
        """sum_i s_i u_i, and f(x): as given; else the mean over the pairs (central) or called for."""
        frame, r = self._frame(x.size), self.radius
        if r is None:
            r = objective.eps ** (1 / 3 if self.central else 1 / 2) * np.max(np.abs(x), initial=1.0)
        if self.central and len(frame):
            pairs = np.array([(objective.value(x + r * u), objective.value(x - r * u)) for u in frame])
            value = float(np.mean(pairs)) if value is None else value
            with np.errstate(invalid="ignore"):  # inf - inf: whoever keeps the books finds `value` infinite
                return (pairs[:, 0] - pairs[:, 1]) @ frame / (2.0 * r), value
        value = objective.value(x) if value is None else value
        return np.array([objective.value(x + r * u) - value for u in frame]) @ frame / r, value

    def _frame(self, n: int) -> np.ndarray:
        """Orthonormal rows, uniform; for `directions` None the coordinate axes."""
        m = self.directions
        if m is None or n == 0:
            return np.eye(n)
        if not 1 <= m <= n:
            raise ArgumentError(
                f"directions must be from 1 to the number of variables, {n}, and is {m}",
                why="directions are orthogonal to one another, and there are no more than variables",
                write="directions=1 for two calls of f a step, None for differences along every axis",
            )
        if self.rng is None:
            raise ArgumentError(
                "random directions need a generator",
                why="which directions are drawn decides about the estimate: you choose the seed",
                write="rng=np.random.default_rng(seed)",
            )
        gaussian = self.rng.standard_normal((n, m))
        return gaussian.T / np.linalg.norm(gaussian) if m == 1 else np.linalg.qr(gaussian)[0].T


def zeroth_order_descent(
    fun: Callable,
    x0: Any,
    step: float | None = None,
    steps: int = 1000,
    *,
    rng: np.random.Generator | None = None,
    directions: int | None = 1,
    radius: float | None = None,
    central: bool = True,
    jit: bool = False,
    **until: Any,
) -> Result:
    """Descent without gradients: `x_{k+1} = x_k - step G_k`, G_k the estimate of `multi_point`, fresh in each step.

    step: in theory m/(nL), the minimum over h of `E f(x_{k+1}) <= f - h |grad f|^2 + (L/2) h^2 (n/m) |grad f|^2`, m the
    number of directions: gradient descent's progress divided by n/m, hence O(n/k) instead of O(1/k) for convex f
    (Nesterov and Spokoiny 2017, Theorem 8, with h = 1/(4(n+4)L) for Gaussian u), and
    `E|x_k - x*|^2 <= (1 - mu m/(nL))^k |x_0 - x*|^2` for strongly convex f. None takes p/L as in `gradient_descent`,
    p = (m/n) G; it follows the curvature along p, often far below L, at one call a trial. rng: default
    np.random.default_rng(0). The values kept are exact forward or with step None; else means over the pairs, off by
    `L r^2 / 2`, and cost no call. Other arguments and errors as in `gradient_descent` and `multi_point`.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> r = optimize.zeroth_order_descent(lambda x: np.sum((x - 3.0)**2), np.zeros(4), step=0.125, steps=200)
    >>> r.x.round(3), int(r.evaluations[-1]), int(r.gradients[-1])
    (array([3., 3., 3., 3.]), 402, 0)
    """
    objective = Objective(fun, x0, jit)
    probe = _Probe(rng or np.random.default_rng(0), directions, radius, central)

    def fixed(h: float) -> Iterates:
        x = objective.start
        while True:
            projection, value = probe(objective, x)
            yield x, value
            x = x - h * projection

    if step is None:
        look = lambda x: (objective.value(x), None)
        iterates = lemma(objective, look, lambda x, value, _: probe(objective, x, value)[0])
    else:
        iterates = fixed(step * objective.start.size / (directions or objective.start.size or 1))
    return run(objective, iterates, steps, **until)
