"""Trace and diagonal of a matrix that is known by its products, estimated with random vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError
from .products import Product

FEWEST = 16  # vectors before a standard error is believed
BATCH = 64  # vectors at a time


class Estimate(NamedTuple):
    """A random estimate: its value, its standard error, and how many products with the matrix it took."""

    value: Any
    error: Any
    products: int


Rows = Callable[[np.ndarray], np.ndarray]  # (k, n) -> (k, n): each row is multiplied by the matrix


def products_of(A: Any) -> tuple[int, Rows]:
    """The size of a symmetric matrix, and products with rows."""
    if isinstance(A, Product):
        return A.n, A.rows
    shape = getattr(A, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != shape[1] or np.dtype(A.dtype).kind not in "fiu":
        raise ArgumentError(
            f"a {type(A).__name__}{f' of shape {shape}' if shape is not None else ''} is no curvature",
            why="estimates need products with a real symmetric matrix",
            write="wg.curvature.hessian(f, x), a scipy.sparse.linalg.LinearOperator, or an (n, n) array",
        )
    return shape[0], lambda V: np.asarray((A @ V.T).T)


def checked(rng: Any, count: Any, name: str = "samples", fewest: int = 1) -> None:
    """The random numbers are the caller's, and their number is positive."""
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(
            f"rng is a {type(rng).__name__}",
            why="random numbers come from a generator that you pass in, so that results can be repeated",
            write="np.random.default_rng(0)",
        )
    if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < fewest:
        raise ArgumentError(
            f"{name}={count!r}",
            why=f"an estimate takes a whole number of random vectors, each through so many steps: at least {fewest}",
            write=f"{name}={max(fewest, 64)}",
        )


def signs(rng: np.random.Generator, k: int, n: int) -> np.ndarray:
    """k vectors of n independent signs (Rademacher): of all distributions the one with the least variance."""
    return rng.integers(0, 2, (k, n)) * 2.0 - 1.0


class Mean:
    """Mean and standard error of numbers or arrays that come in batches (Chan, Golub, LeVeque)."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, np.float64(0), np.float64(0)

    def add(self, values: np.ndarray) -> None:
        """More values, along the first axis."""
        k = len(values)
        mean = np.mean(values, axis=0)
        squares = np.sum((values - mean) ** 2, axis=0)
        total = self.count + k
        self.squares = self.squares + squares + (mean - self.mean) ** 2 * (self.count * k / total)
        self.mean = self.mean + (mean - self.mean) * (k / total)
        self.count = total

    @property
    def error(self) -> Any:
        """The standard error of the mean; infinite for a single value."""
        if self.count < 2:
            return np.full(np.shape(self.mean), np.inf)[()]
        return np.sqrt(self.squares / (self.count - 1) / self.count)


def sampled(values: Callable[[int], np.ndarray], samples: int, tolerance: float | None) -> Mean:
    """Draw batches until all samples are drawn, or the standard error is within the tolerance of the mean."""
    found = Mean()
    while found.count < samples:
        found.add(values(min(BATCH if tolerance is None else FEWEST, samples - found.count)))
        if tolerance is not None and found.count >= FEWEST and np.all(found.error <= tolerance * np.abs(found.mean)):
            break
    return found


# trace -----------------------------------------------------------------------------------------------------------
def trace(
    A: Any, rng: np.random.Generator, *, samples: int = 64, tolerance: float | None = None, method: str = "hutchinson"
) -> Estimate:
    """The trace of a symmetric matrix from products with random vectors.

    method "hutchinson": `tr A = E[v' A v]` for random signs v; the standard error falls as `1 / sqrt(samples)`, and the
    variance of a single term is `2 sum_(i != j) A_ij^2` (Hutchinson 1990). "hutch++": a third of the products finds the
    range of A, whose trace is exact, a third multiplies it, the rest estimates what is left: error of order
    `1 / samples` for matrices with few large eigenvalues (Meyer, Musco, Musco and Woodruff 2021, algorithm 1).

    samples: products at most. tolerance: stop when the standard error is below tolerance times the value (hutchinson).
    Inside `wg.jit` and `wg.grad` (without a tolerance) the vectors are constants, drawn when the function is recorded.
    Raises ArgumentError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> A = np.diag([1.0, 2.0, 3.0])
    >>> wg.curvature.trace(A, np.random.default_rng(0), samples=8)
    Estimate(value=np.float64(6.0), error=np.float64(0.0), products=8)
    """
    n, rows = products_of(A)
    if method == "hutch++":
        if tolerance is not None:
            raise ArgumentError(
                "hutch++ with a tolerance",
                why="it divides a number of products that is known before it begins",
                write="samples= the number of products, or method='hutchinson'",
            )
        checked(rng, samples, fewest=6)
        return _hutch_plus_plus(n, rows, rng, samples)
    if method != "hutchinson":
        raise ArgumentError(
            f"no method {method!r} for a trace",
            why="there are 'hutchinson' and 'hutch++'",
            write="method='hutchinson'",
        )
    checked(rng, samples)

    def values(k: int) -> np.ndarray:
        V = signs(rng, k, n)
        return np.sum(V * rows(V), axis=1)

    found = sampled(values, samples, tolerance)
    return Estimate(found.mean, found.error, found.count)


def _hutch_plus_plus(n: int, rows: Rows, rng: np.random.Generator, samples: int) -> Estimate:
    k = min(samples // 3, n)
    Q = np.linalg.qr(rows(signs(rng, k, n)).T)[0].T  # rows: an orthonormal basis of the range
    exact = np.sum(Q * rows(Q))
    rest = samples - 2 * k
    if k == n:
        return Estimate(exact, np.float64(0), 2 * k)
    V = signs(rng, rest, n)
    V = V - (V @ Q.T) @ Q
    found = Mean()
    found.add(np.sum(V * rows(V), axis=1))
    return Estimate(exact + found.mean, found.error, 2 * k + rest)


def diagonal(A: Any, rng: np.random.Generator, *, samples: int = 64, tolerance: float | None = None) -> Estimate:
    """The diagonal of a symmetric matrix from products with random vectors.

    Law: `A_ii = E[v_i (A v)_i]` for random signs v; the variance of a single term is `sum_(j != i) A_ij^2` (Bekas,
    Kokiopoulou and Saad, "An estimator for the diagonal of a matrix", 2007). value and error are vectors of n elements;
    tolerance: stop when each standard error is below tolerance times the absolute value.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.curvature.diagonal(np.diag([1.0, 2.0]), np.random.default_rng(0), samples=4).value
    array([1., 2.])
    """
    n, rows = products_of(A)
    checked(rng, samples)

    def values(k: int) -> np.ndarray:
        V = signs(rng, k, n)
        return V * rows(V)

    found = sampled(values, samples, tolerance)
    return Estimate(found.mean, found.error, found.count)
