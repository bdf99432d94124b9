"""Minimisation with and without gradients: descent methods, gradient estimates, and a bridge to SciPy.

Every method takes the start `x0` as an array or any structure of arrays, counts what it asks of the function,
and returns a `Result`. Below, n is the number of real variables in `x0`, and L the smoothness of f: the
largest absolute eigenvalue of its Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import api
from .core.tree import flatten, unflatten
from .errors import NonDifferentiableInputError, NonFiniteError, NonScalarOutputError

Callback = Callable[[int, Any, float], Any]
_SHRINK, _GROW, _MAX_TRIALS = 0.9, 2.0, 60  # how the estimate of L moves when a step is accepted or refused


@dataclass(frozen=True)
class Result:
    """What a minimisation found and what it cost.

    x, fun:       the last iterate, in the structure of x0, and f there
    values:       f at each iterate, the start included
    evaluations:  calls of f, cumulative, when `values[k]` became known; a call that also gives a gradient
                  counts
    gradients:    gradients computed by then, cumulative; a Hessian-vector product counts as two
    message:      why it stopped
    details:      SciPy's own result, from `minimize`
    """

    x: Any
    fun: float
    values: np.ndarray
    evaluations: np.ndarray
    gradients: np.ndarray
    message: str
    details: Any = None


class _Objective:
    """f as a function of one float64 vector, counting its calls and keeping the history."""

    def __init__(self, fun: Callable, x0: Any) -> None:
        leaves, self._structure = flatten(x0)
        arrays = [np.asarray(leaf) for leaf in leaves]
        for a in arrays:
            if a.dtype.kind not in "fiu":
                raise NonDifferentiableInputError(
                    f"the start x0 holds values of type {a.dtype}",
                    why="real numbers are minimised over",
                    write="arrays of floats; for complex values, two real arrays",
                )
        self._shapes = [a.shape for a in arrays]
        self._dtypes = [a.dtype if a.dtype.kind == "f" else np.dtype(float) for a in arrays]
        self._ends = np.cumsum([a.size for a in arrays])[:-1]
        self._fun, self._value_and_grad = fun, api.value_and_grad(fun)
        self.evaluations, self.gradients = 0, 0
        self.history: list[tuple[float, int, int]] = []
        self.start = self.flat(x0)
        if not np.all(np.isfinite(self.start)):
            raise NonFiniteError(
                "the start x0 holds a NaN or an infinity",
                why="no step leads from there to a finite point",
                write="a finite start",
            )

    def flat(self, tree: Any) -> np.ndarray:
        return np.concatenate([np.zeros(0), *(np.ravel(leaf) for leaf in flatten(tree)[0])])

    def tree(self, x: np.ndarray) -> Any:
        parts = zip(np.split(x, self._ends), self._shapes, self._dtypes, strict=False)
        return unflatten(self._structure, [p.reshape(s).astype(d) for p, s, d in parts])

    def value(self, x: np.ndarray) -> float:
        self.evaluations += 1
        value = np.asarray(self._fun(self.tree(x)))
        if value.shape != () or value.dtype.kind not in "fiu":
            raise NonScalarOutputError(
                f"the function returned an array {value.dtype}{list(value.shape)}",
                why="only one real number can be minimised",
                write="return a sum, a mean or a norm",
            )
        return float(value)

    def value_and_grad(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        self.evaluations, self.gradients = self.evaluations + 1, self.gradients + 1
        value, gradient = self._value_and_grad(self.tree(x))
        return float(value), self.flat(gradient)

    def hvp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        self.gradients += 2
        return self.flat(api.hvp(self._fun, (self.tree(x),), (self.tree(v),)))

    def smoothness(self, rng: np.random.Generator | None = None, iterations: int = 30) -> float:
        v, largest = (rng or np.random.default_rng(0)).standard_normal(self.start.size), 0.0
        for _ in range(iterations):
            v = self.hvp(self.start, v / np.linalg.norm(v))
            largest = max(largest, float(np.linalg.norm(v)))
            if not np.any(v):
                break
        return largest

    def record(self, value: float) -> None:
        if not self.history and not np.isfinite(value):
            raise NonFiniteError(
                f"the function is {value} at the start",
                why="there is nothing to compare the next values with",
                write="a start where it is finite; wg.debug.nans() shows where it is not",
            )
        self.history.append((value, self.evaluations, self.gradients))

    def result(self, x: np.ndarray, fun: float, message: str, details: Any = None) -> Result:
        values, evaluations, gradients = (np.array(column) for column in zip(*self.history, strict=True))
        return Result(self.tree(x), fun, values, evaluations, gradients, message, details)


def _collect(
    objective: _Objective,
    iterates: Iterator,
    steps: int,
    target: float = -np.inf,
    callback: Callback | None = None,
) -> Result:
    """Make `steps` steps of a method, which is a stream of (x, f(x)) that ends when no step decreases f."""
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


def _first_order(objective: _Objective, change: Callable, look_ahead: Callable = lambda k, x: x) -> Iterator:
    """x <- x - change(k, gradient); `look_ahead(k, x)` then moves the point of the next gradient."""
    x, k = objective.start, 0
    while True:
        value, gradient = objective.value_and_grad(x)
        yield x, value
        x, k = look_ahead(k, x - change(k, gradient)), k + 1


def _lemma(objective: _Objective, look: Callable, probe: Callable) -> Iterator:
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


def smoothness(fun: Callable, x: Any, rng: np.random.Generator | None = None, iterations: int = 30) -> float:
    """L = max |eigenvalue of the Hessian of f at x|, from below, by power iteration v <- Hv / |Hv|.

    One Hessian-vector product an iteration, no matrix; the error falls as (lambda_2/lambda_1)^(2k) (Golub and
    Van Loan, Matrix Computations, 4th ed., section 8.2.1). `rng` draws the first v; default
    np.random.default_rng(0).

    >>> import numpy as np
    >>> round(smoothness(lambda x: x[0]**2 + 5 * x[1]**2, np.ones(2)), 6)
    10.0
    """
    return _Objective(fun, x).smoothness(rng, iterations)


def gradient_descent(fun: Callable, x0: Any, step: float | None = None, steps: int = 100, **until: Any) -> Result:
    """x_{k+1} = x_k - step * grad f(x_k).

    step:      None takes p/L with p = grad f and L the smallest estimate for which the descent lemma
               f(x - p/L) <= f(x) - |p|^2 / (2L) holds; refused trials are counted too. With the true 1/L and
               f convex, f(x_k) - f* = O(1/k) (Nesterov, Lectures on Convex Optimization, 2018, Corollary
               2.1.2)
    until:     target=t stops once f(x_k) <= t;  callback=c calls c(k, x_k, f(x_k)) and stops if that is true
    Raises NonScalarOutputError; NonDifferentiableInputError (x0 not real); NonFiniteError (at the start).
    Later, a value that is not finite ends the run at the iterate before, with a message.

    >>> import numpy as np
    >>> r = gradient_descent(lambda p: np.sum((p["a"] - 3.0)**2), {"a": np.zeros(2)}, step=0.5, steps=1)
    >>> r.x["a"], r.gradients
    (array([3., 3.]), array([1, 2]))
    """
    objective = _Objective(fun, x0)
    if step is None:
        iterates = _lemma(objective, objective.value_and_grad, lambda x, value, gradient: gradient)
    else:
        iterates = _first_order(objective, lambda k, gradient: step * gradient)
    return _collect(objective, iterates, steps, **until)


def momentum(
    fun: Callable, x0: Any, step: float | None = None, steps: int = 100, *, beta: float = 0.9, **until: Any
) -> Result:
    """x_{k+1} = x_k - step * grad f(x_k) + beta * (x_k - x_{k-1})   (heavy ball; Polyak 1964).

    step None takes 1/L with L = smoothness(fun, x0), counted; on a quadratic, steps below 2(1+beta)/L
    converge. Other arguments and errors as in `gradient_descent`.

    >>> import numpy as np
    >>> bool(momentum(lambda x: np.sum(x**2 * np.array([1.0, 50.0])), np.ones(2), steps=200).fun < 1e-6)
    True
    """
    objective = _Objective(fun, x0)
    rate = 1.0 / objective.smoothness() if step is None else step
    velocity = np.zeros_like(objective.start)

    def change(k: int, gradient: np.ndarray) -> np.ndarray:
        nonlocal velocity
        velocity = beta * velocity + rate * gradient
        return velocity

    return _collect(objective, _first_order(objective, change), steps, **until)


def nesterov(fun: Callable, x0: Any, step: float | None = None, steps: int = 100, **until: Any) -> Result:
    """x_{k+1} = y_k - step * grad f(y_k),  y_{k+1} = x_{k+1} + k/(k+3) * (x_{k+1} - x_k).

    Nesterov 1983; in this form Su, Boyd and Candes, JMLR 17 (2016), eq. (1): O(1/k^2) for convex f. step None
    as in `momentum`. The iterates kept are the y_k, at which gradients are taken.

    >>> import numpy as np
    >>> bool(nesterov(lambda x: np.sum(x**2 * np.array([1.0, 50.0])), np.ones(2), steps=200).fun < 1e-3)
    True
    """
    objective = _Objective(fun, x0)
    rate = 1.0 / objective.smoothness() if step is None else step
    previous = objective.start

    def look_ahead(k: int, x: np.ndarray) -> np.ndarray:
        nonlocal previous
        y, previous = x + k / (k + 3.0) * (x - previous), x
        return y

    iterates = _first_order(objective, lambda k, gradient: rate * gradient, look_ahead)
    return _collect(objective, iterates, steps, **until)


def adam(
    fun: Callable,
    x0: Any,
    step: float = 1e-3,
    steps: int = 1000,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    **until: Any,
) -> Result:
    """x_{k+1} = x_k - step * m / (sqrt(v) + eps),  m and v the running means of grad f and of its square.

    Both means are corrected for their start at zero (Kingma and Ba 2015, Algorithm 1). Other arguments and
    errors as in `gradient_descent`.

    >>> import numpy as np
    >>> float(adam(lambda x: (x - 3.0)**2, 0.0, step=0.1, steps=300).x.round(2))
    3.0
    """
    objective = _Objective(fun, x0)
    m, v = np.zeros_like(objective.start), np.zeros_like(objective.start)

    def change(k: int, gradient: np.ndarray) -> np.ndarray:
        nonlocal m, v
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        return step * (m / (1 - beta1 ** (k + 1))) / (np.sqrt(v / (1 - beta2 ** (k + 1))) + eps)

    return _collect(objective, _first_order(objective, change), steps, **until)


def two_point(
    fun: Callable, x: Any, rng: np.random.Generator, radius: float | None = None, *, central: bool = True
) -> Any:
    """G = n (f(x + r u) - f(x - r u)) / (2r) u, u uniform on the unit sphere: two calls of f.

    E G = grad f + O(r^2), E|G|^2 = n |grad f|^2: the price of seeing one direction. `central=False` takes
    (f(x + r u) - f(x)) / r, error O(r). The default r balances truncation and rounding: eps^(1/3) (central)
    or eps^(1/2) (forward), times max(1, max|x|). Source: Shamir, JMLR 18 (2017), Algorithm 1; with Gaussian
    u, Nesterov and Spokoiny, Found. Comput. Math. 17 (2017), section 3, and Duchi et al., IEEE Trans. Inf.
    Theory 61 (2015).

    >>> import numpy as np
    >>> rng, x = np.random.default_rng(0), np.array([1.0, 2.0])
    >>> mean = np.mean([two_point(lambda x: np.sum(x**2), x, rng) for _ in range(4000)], axis=0)
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
    """G = (n/m) sum_i s_i u_i,  s_i = (f(x + r u_i) - f(x - r u_i)) / (2r),  over m orthonormal u_i.

    directions: m from 1 (`two_point`) to n, in a uniform frame (QR of a Gaussian matrix), with E|G|^2 = (n/m)
    |grad f|^2; None takes the n coordinate axes, needs no rng, and gives grad f + O(r^2). Calls of f: 2m, or
    m + 1 forward. Radius and sources as in `two_point`.

    >>> import numpy as np
    >>> multi_point(lambda x: x[0]**2 * x[1] + x[1] + 2, np.array([3.0, 4.0])).round(6)
    array([24., 10.])
    """
    objective = _Objective(fun, x)
    projection, _ = _Probe(rng, directions, radius, central)(objective, objective.start)
    return objective.tree(objective.start.size / (directions or objective.start.size) * projection)


@dataclass(frozen=True)
class _Probe:
    """Differences of f along a frame of orthonormal directions."""

    rng: np.random.Generator | None
    directions: int | None
    radius: float | None
    central: bool

    def __call__(self, objective: _Objective, x: np.ndarray, value: Any = None) -> tuple[np.ndarray, float]:
        """sum_i s_i u_i, and f(x): as given; else the mean over the pairs (central) or called for."""
        frame, r = self._frame(x.size), self.radius
        if r is None:
            r = np.finfo(float).eps ** (1 / 3 if self.central else 1 / 2) * np.max(np.abs(x), initial=1.0)
        if self.central:
            pairs = np.array([(objective.value(x + r * u), objective.value(x - r * u)) for u in frame])
            value = float(np.mean(pairs)) if value is None else value
            with np.errstate(invalid="ignore"):  # inf - inf: whoever keeps the books finds `value` infinite
                return (pairs[:, 0] - pairs[:, 1]) @ frame / (2.0 * r), value
        value = objective.value(x) if value is None else value
        return np.array([objective.value(x + r * u) - value for u in frame]) @ frame / r, value

    def _frame(self, n: int) -> np.ndarray:
        """Orthonormal rows, uniform; for `directions` None the coordinate axes."""
        m = self.directions
        if m is None:
            return np.eye(n)
        if not 1 <= m <= n:
            raise ValueError(f"directions must be from 1 to the number of variables, {n}, and is {m}")
        if self.rng is None:
            raise TypeError("random directions need a generator: rng=np.random.default_rng(seed)")
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
    **until: Any,
) -> Result:
    """x_{k+1} = x_k - step * G_k,  G_k the estimate of `multi_point` along m = `directions` fresh directions.

    step:  in theory m/(nL), the minimum over h of E f(x_{k+1}) <= f - h |grad f|^2 + (L/2) h^2 (n/m) |grad
           f|^2: gradient descent's progress divided by n/m, hence O(n/k) instead of O(1/k) for convex f
           (Nesterov and Spokoiny 2017, Theorem 8, with h = 1/(4(n+4)L) for Gaussian u). None takes p/L as in
           `gradient_descent`, p = (m/n) G; it follows the curvature along p, often far below L, at one call a
           trial
    rng:   default np.random.default_rng(0)
    values are exact forward or with step None; else means over the pairs, off by L r^2 / 2, and cost no call.
    Other arguments and errors as in `gradient_descent` and `multi_point`.

    >>> import numpy as np
    >>> r = zeroth_order_descent(lambda x: np.sum((x - 3.0)**2), np.zeros(4), step=0.125, steps=200)
    >>> r.x.round(3), int(r.evaluations[-1]), int(r.gradients[-1])
    (array([3., 3., 3., 3.]), 402, 0)
    """
    objective = _Objective(fun, x0)
    probe = _Probe(rng or np.random.default_rng(0), directions, radius, central)

    def fixed(h: float) -> Iterator:
        x = objective.start
        while True:
            projection, value = probe(objective, x)
            yield x, value
            x = x - h * projection

    if step is None:
        look = lambda x: (objective.value(x), None)
        iterates = _lemma(objective, look, lambda x, value, _: probe(objective, x, value)[0])
    else:
        iterates = fixed(step * objective.start.size / (directions or objective.start.size))
    return _collect(objective, iterates, steps, **until)


_BLIND = {"nelder-mead", "powell", "cobyla", "cobyqa"}
_PRODUCTS = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
_FULL = {"dogleg", "trust-exact"}


def minimize(fun: Callable, x0: Any, method: str = "L-BFGS-B", **kw: Any) -> Result:
    """min f(x) by scipy.optimize.minimize with our derivatives: `jac`, and `hessp` or `hess`.

    Gradients go to every method that uses one; Hessian-vector products to Newton-CG, trust-ncg, trust-krylov
    and trust-constr; the whole Hessian (n products) to dogleg and trust-exact. Other keywords (tol, bounds,
    options, constraints, callback) are SciPy's own and see the flat vector of n variables, in the order of
    x0's leaves. `values`, `evaluations` and `gradients` have one entry for each evaluation that SciPy made.
    TypeError for a `jac`, `hess` or `hessp` of your own; other errors as in `gradient_descent`.

    >>> import numpy as np
    >>> f = lambda p: (1 - p["x"])**2 + 100 * (p["y"] - p["x"]**2)**2
    >>> r = minimize(f, {"x": -1.2, "y": 1.0}, method="trust-ncg")
    >>> {name: float(v.round(4)) for name, v in r.x.items()}
    {'x': 1.0, 'y': 1.0}
    """
    import scipy.optimize  # slow to import: only when asked for

    if own := {"jac", "hess", "hessp"} & kw.keys():
        raise TypeError(f"minimize() supplies {', '.join(own)}; call scipy.optimize.minimize to give yours")
    objective, kind = _Objective(fun, x0), method.lower()

    def recorded(x: np.ndarray) -> Any:
        if kind in _BLIND:
            value = objective.value(x)
            objective.record(value)
            return value
        value, gradient = objective.value_and_grad(x)
        objective.record(value)
        return value, gradient

    def hess(x: np.ndarray) -> np.ndarray:
        return np.stack([objective.hvp(x, axis) for axis in np.eye(x.size)])

    given: dict[str, Any] = {} if kind in _BLIND else {"jac": True}
    given |= {"hessp": objective.hvp} if kind in _PRODUCTS else {"hess": hess} if kind in _FULL else {}
    found = scipy.optimize.minimize(recorded, objective.start, method=method, **given, **kw)
    return objective.result(found.x, float(found.fun), str(found.message), found)
