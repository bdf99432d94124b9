"""Sparse linear systems, factored by SuperLU: a primitive whose arguments are the entries and the right side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse import linalg

from ...core.primitive import Custom, Primitive, Sample
from ...core.types import shape_of
from ...errors import SingularPointError
from ...primitives import elementwise as ew
from ...primitives.gather import gather, scatter_add
from ...primitives.shape import broadcast_to, reshape, transpose
from .certify import check_condition, check_step
from .krylov import lane_by_lane


class Pattern:
    """Where a square matrix has entries: those of a scipy.sparse matrix in CSR order, each at a place of its own."""

    def __init__(self, matrix: Any) -> None:
        self.n, self.indptr, self.columns = matrix.shape[0], matrix.indptr, matrix.indices
        self.rows = np.repeat(np.arange(self.n), np.diff(matrix.indptr))
        self.key = self.n, self.indptr.tobytes(), self.columns.tobytes()
        self.last: tuple[Any, Any] = (None, None)  # entries, and their factors: the way back asks for the same again

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def transposed_matrix(self, data: np.ndarray) -> Any:
        """A^T, in the form that SuperLU takes: the rows of A are its columns."""
        return sp.csc_array((data, self.columns, self.indptr), shape=(self.n, self.n))

    def factors(self, data: np.ndarray) -> Any:
        """The LU factors of A^T; None where it is singular."""
        known, factors = self.last
        if known is None or not np.array_equal(known, data):
            known = data.copy()
            try:
                factors = linalg.splu(self.transposed_matrix(known))
            except RuntimeError:
                factors = None
            self.last = known, factors
        return factors

    def reciprocal_condition(self, data: np.ndarray) -> float:
        """1 / (|A|_1 |A^-1|_1), estimated from the factors, where rows and columns have largest elements 1."""
        scales, scaled = [], np.abs(data)
        for lines in (self.rows, self.columns):
            largest = np.zeros(self.n, data.dtype)
            np.maximum.at(largest, lines, scaled)
            if not (np.isfinite(largest).all() and largest.all()):
                return 0.0
            scaled = scaled / largest[lines]
            scales.append(largest)
        factors = self.factors(data)
        if factors is None:
            return 0.0
        norm = np.bincount(self.columns, scaled, self.n).max() * linalg.onenormest(inverse_of(factors, *scales))
        return float(1.0 / norm) if np.isfinite(norm) else 0.0

    def product(self, data: Any, x: Any, transposed: bool = False) -> Any:
        """A x, or A^T x; (n,) or (n, k)."""
        into, out = (self.columns, self.rows) if transposed else (self.rows, self.columns)
        parts = gather(x, out, axis=0)
        if len(shape_of(x)) > 1:
            data = broadcast_to(reshape(data, shape=(data.shape[0], 1)), shape=shape_of(parts))
        return scatter_add(ew.mul(data, parts), into, axis=0, shape=tuple(shape_of(x)))


def inverse_of(factors: Any, rows: np.ndarray, columns: np.ndarray) -> Any:
    """The inverse of A with row i divided by rows[i] and column j by columns[j], as an operator."""

    def solve(b: np.ndarray) -> np.ndarray:
        return (factors.solve((b.T * rows).T.astype(rows.dtype), "T").T * columns).T

    def solve_transposed(b: np.ndarray) -> np.ndarray:
        return (factors.solve((b.T * columns).T.astype(rows.dtype), "N").T * rows).T

    ways = {"matvec": solve, "matmat": solve, "rmatvec": solve_transposed, "rmatmat": solve_transposed}
    return linalg.LinearOperator((len(rows), len(rows)), dtype=rows.dtype, **ways)


@dataclass(frozen=True)
class RegularSparse:
    """As `Regular`, of the entries of a sparse Jacobian."""

    what: str
    tol: float
    pattern: Pattern

    def __call__(self, data: np.ndarray, f: np.ndarray, z: np.ndarray) -> None:
        if f.size:
            rcond = self.pattern.reciprocal_condition(data)
            check_condition(rcond, self.pattern.n, data.dtype, self.what)
            check_step(self.pattern.factors(data).solve(f, "T"), f, z, self.what, self.tol, rcond)


# the primitive ---------------------------------------------------------------------------------------------------
def _sparse_solve(data: Any, b: Any, *, pattern: Pattern, transposed: bool) -> list[Any]:
    if not pattern.n:
        return [np.array(b)]
    factors = pattern.factors(np.asarray(data))
    if factors is None:
        raise SingularPointError(
            f"a sparse linear system of {pattern.n} equations is singular",
            why="it has no solution, or many",
            write="another matrix; for least squares, scipy.sparse.linalg.lsqr, or A^T A + c",
        )
    return [factors.solve(np.asarray(b), "N" if transposed else "T")]


def _sparse_solve_jvp(primals: Any, tangents: Any, *, pattern: Pattern, transposed: bool) -> Any:
    """A x = b: A x_dot = b_dot - A_dot x."""
    (data, b), (data_dot, b_dot) = primals, tangents
    (x,) = sparse_solve(data, b, pattern=pattern, transposed=transposed)
    if data_dot is not None:
        moved = pattern.product(data_dot, x, transposed)
        b_dot = ew.neg(moved) if b_dot is None else ew.sub(b_dot, moved)
    return [x], sparse_solve(data, b_dot, pattern=pattern, transposed=transposed)


def _sparse_solve_T(x_bars: Any, data: Any, b: Any, *, pattern: Pattern, transposed: bool) -> list[Any]:
    return [None, *sparse_solve(data, x_bars[0], pattern=pattern, transposed=not transposed)]


def _batch_sparse_solve(size: int, batched: Sequence[bool], data: Any, b: Any, **params: Any) -> Any:
    """Lanes of right sides are columns; lanes of matrices are systems of their own."""
    if batched[0]:
        return lane_by_lane(sparse_solve, size, batched, (data, b), **params)
    _, n, *k = shape_of(b)
    axes = (1, 0, 2)[: len(shape_of(b))]
    (x,) = sparse_solve(data, reshape(transpose(b, axes=axes), shape=(n, size * (k[0] if k else 1))), **params)
    return [transpose(reshape(x, shape=(n, size, *k)), axes=axes)], [True]


def _sparse_solve_samples(rng: np.random.Generator) -> Iterator[Sample]:
    A = sp.csr_array(np.diag([3.0, 4.0, 5.0]) + np.eye(3, k=1))
    pattern = Pattern(A)
    for b in (rng.normal(size=3), rng.normal(size=(3, 2))):
        for transposed in (False, True):
            yield Sample((A.data + rng.normal(size=5) / 5, b), {"pattern": pattern, "transposed": transposed})


sparse_solve: Primitive = Primitive(
    "sparse_solve",  # data, b -> x with A x = b (or A^T x = b), where data are the entries of A in CSR order
    _sparse_solve,
    Custom(_sparse_solve_jvp, together=_sparse_solve_T),
    type_rule=lambda data, b, **params: [b],
    batch=_batch_sparse_solve,
    samples=_sparse_solve_samples,
    multiple=True,
)
