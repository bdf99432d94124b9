"""Eigenvalues of a matrix that is known by its products: their distribution, log-determinant, and extreme ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, SingularPointError
from .estimates import Estimate, Mean, Rows, checked, products_of, sampled, signs
from .products import MEMORY


class Basis:
    """Lanczos' method from one vector: an orthonormal basis, and the tridiagonal matrix of A in it.

    Each new vector is orthogonalised twice against all before it (Parlett, The Symmetric Eigenvalue Problem, "twice is
    enough"). It ends where the span of the vectors is invariant, or after so many steps.
    """

    def __init__(self, v: np.ndarray, steps: int) -> None:
        self.vectors = np.zeros((steps, v.size))
        self.diagonal, self.off = list[float](), list[float]()
        self.vectors[0] = v / np.linalg.norm(v)
        self.size, self.ended = 0.0, False

    @property
    def last(self) -> np.ndarray:
        """The vector that is to be multiplied next."""
        return np.asarray(self.vectors[len(self.diagonal)])

    def add(self, w: np.ndarray) -> None:
        """Take in the product of A with the last vector."""
        k = len(self.diagonal) + 1
        self.diagonal.append(float(self.last @ w))
        self.size = max(self.size, float(np.linalg.norm(w)))
        for _ in range(2):
            w = w - (self.vectors[:k] @ w) @ self.vectors[:k]
        length = float(np.linalg.norm(w))
        self.ended = k == len(self.vectors) or length <= 1e-12 * self.size * math.sqrt(w.size)
        if not self.ended:
            self.off.append(length)
            self.vectors[k] = w / length

    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Gauss' quadrature for the spectral measure of v: `v' f(A) v = |v|^2 sum_k w_k f(node_k)`.

        Golub and Welsch (1969): the nodes are the eigenvalues of T, the weights squares of first components.
        """
        T = np.diag(self.diagonal) + np.diag(self.off, 1) + np.diag(self.off, -1)
        nodes, vectors = np.linalg.eigh(T)
        return nodes, vectors[0] ** 2


def bases(rows: Rows, V: np.ndarray, steps: int) -> list[Basis]:
    """Lanczos' method from each row of V: all of them advance together, so that their products are one batch."""
    found = [Basis(v, steps) for v in V]
    while going := [basis for basis in found if not basis.ended]:
        products = np.asarray(rows(np.stack([basis.last for basis in going])), dtype=float)
        for basis, w in zip(going, products, strict=True):
            basis.add(w)
    return found


def lanczos(rows: Rows, v: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The tridiagonal matrix of Lanczos' method with full reorthogonalisation: diagonal and off-diagonal.

    `V' A V = T` with an orthonormal basis V of span(v, A v, ..., A^(steps - 1) v); it ends early where the span is
    invariant. rows: `(k, n) -> (k, n)`, products with rows.
    """
    (basis,) = bases(rows, v[None], steps)
    return np.array(basis.diagonal), np.array(basis.off)


def quadratures(rows: Rows, V: np.ndarray, steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Nodes and weights for each row of V, so many rows at a time as memory allows their bases."""
    k = max(1, MEMORY // (8 * V.shape[1] * steps))
    return [basis.quadrature() for i in range(0, len(V), k) for basis in bases(rows, V[i : i + k], steps)]


class Spectrum:
    """The distribution of the eigenvalues of a matrix, estimated: nodes with weights that sum to 1.

    nodes, weights: all of them. density(t, width): smoothed by a Gaussian. below(t): the part of the eigenvalues that
    is less than t. mean(f): the mean of f over all eigenvalues, with its standard error.
    """

    def __init__(self, n: int, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        self.n, self._parts = n, parts
        self.nodes = np.concatenate([nodes for nodes, _ in parts])
        self.weights = np.concatenate([weights for _, weights in parts]) / len(parts)

    def mean(self, f: Callable[[np.ndarray], np.ndarray]) -> Estimate:
        """`(1/n) tr f(A)`, the mean of f over the eigenvalues. f: of an array, element by element.

        The standard error is that of the random vectors: `mean(np.square)`, `mean(lambda t: t < 0)`.
        """
        found = Mean()
        found.add(np.array([weights @ np.asarray(f(nodes), dtype=float) for nodes, weights in self._parts]))
        return Estimate(found.mean, found.error, self.nodes.size)

    def density(self, t: Any, width: float | None = None) -> np.ndarray:
        """The density at t, of the shape of t. width: standard deviation of the Gaussian, in units of eigenvalues.

        Without width: a fiftieth of the range of the nodes.
        """
        if width is None:
            width = float(np.ptp(self.nodes)) / 50 or 1e-3
        u = (np.asarray(t, dtype=float)[..., None] - self.nodes) / width
        return np.asarray(np.exp(-u * u / 2) @ self.weights / (width * math.sqrt(2 * math.pi)))[()]

    def below(self, t: Any) -> Any:
        """The part of the eigenvalues below t."""
        return np.asarray((self.nodes < np.asarray(t, dtype=float)[..., None]) @ self.weights)[()]


def spectral_density(A: Any, rng: np.random.Generator, *, samples: int = 10, steps: int = 80) -> Spectrum:
    """The distribution of all eigenvalues of a symmetric matrix, by stochastic Lanczos quadrature.

    Law: `(1/n) sum_i f(lambda_i) = E[sum_k w_k f(node_k)]` for the Gauss quadratures of random vectors;
    `samples * steps` products. (Lin, Saad and Yang, SIAM Review 58 (2016); Ghorbani, Krishnan and Xiao, ICML 2019.)

    >>> import numpy as np
    >>> import wengert as wg
    >>> found = wg.curvature.spectral_density(np.diag([-1.0, 2.0, 2.0, 2.0]), np.random.default_rng(0))
    >>> print(found.below(0.0))
    0.25
    """
    n, rows = products_of(A)
    checked(rng, samples)
    checked(rng, steps, "steps")
    _not_empty(n)
    return Spectrum(n, quadratures(rows, signs(rng, samples, n), min(steps, n)))


def log_determinant(
    A: Any, rng: np.random.Generator, *, samples: int = 32, steps: int = 50, tolerance: float | None = None
) -> Estimate:
    """log det A of a symmetric positive definite matrix: the trace of its logarithm, by stochastic Lanczos quadrature.

    Law: `log det A = tr log A = E[n sum_k w_k log(node_k)]` (Ubaru, Chen and Saad, SIAM J. Matrix Anal. 38 (2017)). The
    standard error is that of the random vectors; `steps` of about the square root of the condition number leave none
    beside it. samples: vectors at most; tolerance: stop when the standard error is below tolerance times the absolute
    value. Raises SingularPointError where a node is not positive: then A is not positive definite.

    >>> import numpy as np
    >>> import wengert as wg
    >>> found = wg.curvature.log_determinant(np.diag([1.0, 2.0, 4.0]), np.random.default_rng(0))
    >>> print(np.exp(found.value).round(6))
    8.0
    """
    n, rows = products_of(A)
    checked(rng, samples)
    checked(rng, steps, "steps")
    if n == 0:
        return Estimate(np.float64(0), np.float64(0), 0)
    count = 0

    def values(k: int) -> np.ndarray:
        nonlocal count
        found = quadratures(rows, signs(rng, k, n), min(steps, n))
        count += sum(nodes.size for nodes, _ in found)
        return np.array([n * (weights @ np.log(_positive(nodes))) for nodes, weights in found])

    found = sampled(values, samples, tolerance)
    return Estimate(found.mean, found.error, count)


def _positive(nodes: np.ndarray) -> np.ndarray:
    if nodes[0] <= 0:
        raise SingularPointError(
            f"the log-determinant of a matrix that has an eigenvalue at or below {nodes[0]:.3g}",
            why="only of positive definite matrices the logarithm is real",
            write="a Gauss-Newton or Fisher matrix with a multiple of the identity added, or spectral_density",
        )
    return nodes


def eigenpairs(
    A: Any, k: int = 1, which: str = "largest", *, rng: np.random.Generator | None = None, tolerance: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The k extreme eigenvalues of a symmetric matrix and their eigenvectors, by `scipy.sparse.linalg.eigsh`.

    which: "largest", "smallest", or "magnitude", by absolute value. Values in ascending order, (k,); vectors are the
    columns of an (n, k) array, as in `np.linalg.eigh`; `product.tree(column)` gives one the structure of x. tolerance:
    relative accuracy (0: that of the machine). rng draws the starting vector; without one it is the vector of ones.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.curvature.eigenpairs(np.diag([1.0, 5.0, 2.0, -7.0]), 2)[0].round(10)
    array([2., 5.])
    """
    names = {"largest": "LA", "smallest": "SA", "magnitude": "LM"}
    n, rows = products_of(A)
    if which not in names or not isinstance(k, int | np.integer) or isinstance(k, bool) or not 1 <= k <= n:
        raise ArgumentError(
            f"eigenpairs with k={k!r}, which={which!r} of a matrix of order {n}",
            why=f"1 to {n} eigenvalues can be asked for, the {' or '.join(names)}",
            write="wg.curvature.eigenpairs(A, 3, 'largest')",
        )
    if n <= max(2 * k, 20):
        return _of_small(rows(np.eye(n)), k, which)
    from scipy.sparse.linalg import LinearOperator, eigsh  # slow to import: only when asked for

    def many(V: Any) -> np.ndarray:
        return rows(np.asarray(V, dtype=float).reshape(n, -1).T).T

    operator = LinearOperator((n, n), matvec=lambda v: many(v)[:, 0], matmat=many, dtype=float)
    start = np.ones(n) if rng is None else rng.standard_normal(n)
    values, vectors = eigsh(operator, k, which=names[which], v0=start, tol=tolerance)
    order = np.argsort(values)
    return values[order], vectors[:, order]


def _of_small(A: np.ndarray, k: int, which: str) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh((A + A.T) / 2)
    rank = {"largest": -values, "smallest": values, "magnitude": -np.abs(values)}[which]
    chosen = np.sort(np.argsort(rank, kind="stable")[:k])
    return values[chosen], vectors[:, chosen]


def _not_empty(n: int) -> None:
    if n == 0:
        raise ArgumentError(
            "the spectrum of a matrix without rows",
            why="it has no eigenvalues",
            write="a function of at least one number",
        )
