"""Functions with many results, as vectors of one vector, with their Jacobians and curvature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import api
from .. import numpy as wnp
from ..compile.jit import Jit, jit
from ..core.call import check_callable
from ..core.tree import flatten
from ..errors import NonScalarOutputError, StructureError
from .objective import Variables


class VectorFunction:
    """g: a structure like x0 to a structure of real arrays. As a vector of a vector; its calls are counted."""

    def __init__(self, variables: Variables, fun: Callable, compiled: bool = False) -> None:
        check_callable(fun, "optimize")
        self.variables, self.fun = variables, fun
        made: Callable[[Callable], Callable] = jit if compiled or isinstance(fun, Jit) else lambda f: f
        self._value = made(self._leaves)
        self._jacobian = made(api.jacobian(self._leaves))
        self._hessian = made(api.hessian(self._weighted))
        self.evaluations, self.jacobians = 0, 0

    def _leaves(self, x: Any) -> list[Any]:
        """The results, each as a vector."""
        leaves, _ = flatten(self.fun(x))
        if not leaves:
            raise StructureError(
                "the function returned nothing",
                why="its results are equations, residuals or constraints: numbers",
                write="return a number, an array, or a structure of them",
            )
        return [wnp.ravel(y) for y in leaves]

    def _weighted(self, x: Any, v: Any) -> Any:
        return wnp.sum(wnp.concatenate(self._leaves(x)) * v)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """g(x), all results in one vector: (n,) -> (m,)."""
        self.evaluations += 1
        y = np.concatenate(self._value(self.variables.tree(x)))
        if y.dtype.kind not in "fiub":
            kind = "complex numbers" if y.dtype.kind == "c" else f"an array of {y.dtype}"
            raise NonScalarOutputError(
                f"the function returned {kind}",
                why="equations, residuals and constraints are real",
                write="real numbers; of complex ones both parts: np.stack([y.real, y.imag])",
            )
        return y.astype(float)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """dg_i / dx_j, (m, n)."""
        self.jacobians += 1
        rows = self._jacobian(self.variables.tree(x))
        return self.variables.matrix(rows, [len(flatten(row)[0][0]) for row in rows])

    def weighted_hessian(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """sum_i v_i d^2 g_i / dx^2, (n, n)."""
        return self.variables.matrix(self._hessian(self.variables.tree(x), np.asarray(v)), self.variables.sizes)

    def operator(self, x: np.ndarray) -> Any:
        """The Jacobian as a scipy LinearOperator: a product with a tangent or an adjoint each, no matrix."""
        from scipy.sparse.linalg import LinearOperator  # slow to import: only when asked for

        tree, flat = self.variables.tree, self.variables.flat
        self.jacobians += 1
        values, pull = api.vjp(self._leaves, tree(x))
        _, push = api.linearize(self._leaves, tree(x))
        ends = np.cumsum([y.size for y in values])

        def adjoint(w: np.ndarray) -> np.ndarray:
            parts = np.split(np.ravel(w), ends[:-1])
            return flat(pull([p.astype(y.dtype) for p, y in zip(parts, values, strict=True)])[0])

        return LinearOperator(
            (int(ends[-1]), x.size),
            matvec=lambda v: np.concatenate(push(tree(np.ravel(v)))),
            rmatvec=adjoint,
            dtype=float,
        )
