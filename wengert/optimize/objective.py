"""A function of any structure as a function of one float64 vector, with its calls counted and its history kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import api
from ..compile.jit import Jit, jit
from ..core.call import check_callable
from ..core.tree import flatten, unflatten
from ..errors import NonDifferentiableInputError, NonFiniteError, NonScalarOutputError, StructureError
from .result import Result

Function = Callable[..., Any]


class Variables:
    """The leaves of a structure as one vector, and back."""

    def __init__(self, x0: Any) -> None:
        leaves, self.structure = flatten(x0)
        if not leaves:
            raise StructureError(
                f"the start x0 is {'None' if x0 is None else 'a structure'} without numbers",
                why="what is searched for has the structure, the shapes and the dtypes of the start",
                write="a number, an array, or a structure of them",
            )
        arrays = [np.asarray(leaf) for leaf in leaves]
        for a in arrays:
            if a.dtype.kind not in "fiu":
                raise NonDifferentiableInputError(
                    f"the start x0 holds values of type {a.dtype}",
                    why="real numbers are minimised over",
                    write="arrays of floats; for complex values, two real arrays",
                )
        self.shapes = [a.shape for a in arrays]
        self.sizes = [a.size for a in arrays]
        self._dtypes = [a.dtype if a.dtype.kind == "f" else np.dtype(float) for a in arrays]
        self._ends = np.cumsum(self.sizes)[:-1]
        self.eps = max((float(np.finfo(d).eps) for d in self._dtypes), default=float(np.finfo(float).eps))
        self.start = self.flat(x0)
        if not np.all(np.isfinite(self.start)):
            raise NonFiniteError(
                "the start x0 holds a NaN or an infinity",
                why="no step leads from there to a finite point",
                write="a finite start",
            )

    def flat(self, tree: Any) -> np.ndarray:
        """The vector of the leaves, one after the other."""
        return np.concatenate([np.zeros(0), *(np.ravel(leaf) for leaf in flatten(tree)[0])])

    def tree(self, x: np.ndarray) -> Any:
        """The structure of x0, with the shapes and float dtypes of its leaves."""
        if len(self.sizes) == 1:  # the usual case, without the search for where leaves end
            return unflatten(self.structure, [x.reshape(self.shapes[0]).astype(self._dtypes[0])[()]])
        parts = zip(np.split(x, self._ends), self.shapes, self._dtypes, strict=False)
        return unflatten(self.structure, [p.reshape(s).astype(d)[()] for p, s, d in parts])

    def matrix(self, rows: Any, sizes: list[int]) -> np.ndarray:
        """A Jacobian as a matrix: `rows` has the structure of x0 at each leaf, of these sizes, of a result."""
        blocks = iter(flatten(rows)[0])
        lines = [[np.reshape(next(blocks), (m, n)) for n in self.sizes] for m in sizes]
        wide = [np.concatenate([np.zeros((m, 0)), *line], axis=1) for m, line in zip(sizes, lines, strict=True)]
        return np.concatenate([np.zeros((0, sum(self.sizes))), *wide])


def derived(fun: Function, transformation: Callable[[Function], Function]) -> Function:
    """A transformation of f; of a compiled f it is compiled as well, and kept with it for the next run."""
    if not isinstance(fun, Jit):
        return transformation(fun)
    kept = vars(fun).setdefault("derived", {})
    if transformation not in kept:
        kept[transformation] = jit(transformation(fun.fun))
    return kept[transformation]


def _product(fun: Function) -> Function:
    return lambda x, v: api.hvp(fun, (x,), (v,))


class Objective(Variables):
    """f and its derivatives on vectors; each call counted, each value that is recorded kept with its cost."""

    def __init__(self, fun: Function, x0: Any, compiled: bool = False) -> None:
        check_callable(fun, "optimize")
        super().__init__(x0)
        self._fun = jit(fun) if compiled and not isinstance(fun, Jit) else fun
        self._value_and_grad = derived(self._fun, api.value_and_grad)
        self._hessian = derived(self._fun, api.hessian)
        self._product = derived(self._fun, _product) if isinstance(self._fun, Jit) else None
        self._linearized: tuple[Any, Any] = (None, None)
        self.evaluations, self.gradients, self.began = 0, 0, time.perf_counter()
        self.history: list[tuple[float, int, int, float]] = []

    def value(self, x: np.ndarray) -> float:
        """f(x): one call."""
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
        """f(x) and its gradient: one call, one gradient."""
        self.evaluations, self.gradients = self.evaluations + 1, self.gradients + 1
        value, gradient = self._value_and_grad(self.tree(x))
        return float(value), self.flat(gradient)

    def hvp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """H(x) v: two gradients. The gradient is linearized once for all the products at one point."""
        self.gradients += 2
        if self._product is not None:
            return self.flat(self._product(self.tree(x), self.tree(v)))
        key = x.tobytes()
        if self._linearized[0] != key:
            self._linearized = key, api.linearize(api.grad(self._fun), self.tree(x))[1]
        return self.flat(self._linearized[1](self.tree(v)))

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """H(x), (n, n): two gradients a column."""
        self.gradients += 2 * x.size
        return self.matrix(self._hessian(self.tree(x)), self.sizes)

    def smoothness(self, rng: np.random.Generator | None = None, iterations: int = 30) -> float:
        """The largest absolute eigenvalue of H at the start, by power iteration."""
        v, largest = (rng or np.random.default_rng(0)).standard_normal(self.start.size), 0.0
        for _ in range(iterations):
            v = self.hvp(self.start, v / np.linalg.norm(v))
            largest = max(largest, float(np.linalg.norm(v)))
            if not np.any(v):
                break
        return largest

    def record(self, value: float) -> None:
        """Keep a value with what has been spent until now."""
        if not self.history and not np.isfinite(value):
            raise NonFiniteError(
                f"the function is {value} at the start",
                why="there is nothing to compare the next values with",
                write="a start where it is finite; wg.debug.nans() shows where it is not",
            )
        self.history.append((value, self.evaluations, self.gradients, time.perf_counter() - self.began))

    def result(self, x: np.ndarray, fun: float, message: str, details: Any = None) -> Result:
        """The end of the run."""
        values, evaluations, gradients, seconds = (np.array(column) for column in zip(*self.history, strict=True))
        return Result(self.tree(x), fun, values, evaluations, gradients, seconds, message, details)


def smoothness(fun: Function, x: Any, rng: np.random.Generator | None = None, iterations: int = 30) -> float:
    """The largest absolute eigenvalue L of the Hessian of f at x, from below, by power iteration `v <- Hv / |Hv|`.

    One Hessian-vector product an iteration, no matrix; the error falls as `(lambda_2/lambda_1)^(2k)` (Golub and
    Van Loan, Matrix Computations, 4th ed., section 8.2.1). `rng` draws the first v; default
    np.random.default_rng(0).

    >>> import numpy as np
    >>> from wengert import optimize
    >>> round(optimize.smoothness(lambda x: x[0]**2 + 5 * x[1]**2, np.ones(2)), 6)
    10.0
    """
    return Objective(fun, x).smoothness(rng, iterations)
