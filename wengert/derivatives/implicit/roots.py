"""root, fixed_point: what SciPy, or a solver of your own, finds, with its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.call import adopted
from ...core.options import whole
from .arguments import applied, check_method, checked_sizes
from .equations import Function, Vector, equations_of
from .solution import Given, Solution, Solver
from .solvers import found_fixed_point, found_root
from .systems import TOL, system_of

METHODS = (
    *("newton", "hybr", "lm", "broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing"),
    *("krylov", "df-sane"),
)


def root(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    method: str | None = None,
    solver: Solver | None = None,
    options: dict[str, Any] | None = None,
    linear: Any = "dense",
    sparsity: Any = None,
    tol: float = TOL,
) -> Any:
    """The solution y of `F(y, *args) = 0`, which moves with whatever F depends on.

    Law: `y_dot = -(dF/dy)^-1 dF/dargs args_dot` (implicit function theorem), in both modes and to any order.

    x0 is any structure of numbers; the result has it too, and F returns as many numbers. F may close over values
    that are differentiated; args are a convenience. The start has derivative zero.

    solver: yours, `solver(f, x0) -> y`, where f is F of y alone, its results in the structure of y. It is never
    differentiated. It sees plain arrays; where a program is recorded (`wg.jit`) it becomes a part of the program if it
    can be, otherwise the program calls back to it. Without one, scipy.optimize.root with the exact Jacobian, `method`
    ("hybr") and `options` (its keywords: tol, options, ...), then Newton steps as long as they help; or
    method="newton" (options: tol, maxiter), Newton's method with halved steps, which solves linear systems as `linear`
    says, and is the method where that is not "dense".

    linear: how systems with dF/dy are solved: "dense" (the matrix, n columns in forward mode); "sparse" (its entries,
    by a colouring of its structure, and sparse LU factors); or by products alone: "gmres", "bicgstab", "cg", "minres",
    or a `wg.implicit.Krylov` with a tolerance and a preconditioner. sparsity: the structure for "sparse", found from F
    unless given: what `wg.sparse.pattern(F)(y0)` returns, its colouring, or a scipy.sparse matrix.

    tol: a derivative is given where a Newton step from y is at most `tol (1 + |y|)`; up to a thousand times that, with
    an InaccurateSolutionWarning; beyond, NotASolutionError. Where 1 / condition number of dF/dy (rows and columns
    scaled; not known from products) is less than the square root of the rounding unit, IllConditionedWarning; where it
    is less than n rounding units, SingularPointError. Raises also ShapeError (as many equations as unknowns are
    needed), ArgumentError.

    >>> import wengert as wg
    >>> square_root = lambda a: wg.implicit.root(lambda y: y**2 - a, 1.0)
    >>> square_root(4.0), wg.grad(square_root)(4.0), wg.grad(wg.grad(square_root))(4.0)
    (np.float64(2.0), np.float64(0.25), np.float64(-0.03125))
    """
    unknowns = Vector(x0, "the start x0")
    equations = equations_of(applied(fun, args), [unknowns], "root", unknowns.size)
    system = system_of(equations, linear, tol, sparsity)
    name = method or ("hybr" if linear == "dense" else "newton")
    check_method(name, METHODS, "root")

    def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return found_root(*equations.at(consts), system.steps(consts), z0, name, options or {})

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: unknowns.whole(equations(*consts, unknowns.flat(y)))

    given = find if solver is None else Given(solver, seen, unknowns)
    return unknowns.whole(Solution(equations, system, given)(unknowns.flat(x0)))


def fixed_point(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    solver: Solver | None = None,
    xtol: float | None = None,
    maxiter: int | None = None,
    linear: Any = "dense",
    sparsity: Any = None,
    tol: float = TOL,
) -> Any:
    """The fixed point `y = g(y, *args)`.

    Law: `(1 - dg/dy) y_dot = dg/dargs args_dot`.

    Found by `y <- g(y)` from x0, until a round moves y by at most `xtol (1 + |y|)` (xtol: four roundings unless given),
    in at most maxiter rounds (10,000); or by `solver(g, x0) -> y`. All else as in `root`.

    >>> import numpy as np
    >>> import wengert as wg
    >>> kepler = lambda e, M: wg.implicit.fixed_point(lambda E: M + e * np.sin(E), M)
    >>> E = kepler(0.3, 1.0)
    >>> abs(wg.grad(kepler)(0.3, 1.0) - np.sin(E) / (1 - 0.3 * np.cos(E))) < 1e-12
    np.True_
    """
    unknowns = Vector(x0, "the start x0")
    g = applied(fun, args)
    if maxiter is not None:
        whole(maxiter, "maxiter", 1)

    def moves(y: Any) -> Any:
        new, old = unknowns.flat(adopted(g)(y)), unknowns.flat(y)
        return checked_sizes(new, old, fun) - old

    equations = equations_of(moves, [unknowns], "fixed_point", unknowns.size)

    def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return found_fixed_point(lambda z: z + equations(*consts, z), z0, xtol, maxiter)

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: unknowns.whole(unknowns.flat(y) + equations(*consts, unknowns.flat(y)))

    given = find if solver is None else Given(solver, seen, unknowns)
    return unknowns.whole(Solution(equations, system_of(equations, linear, tol, sparsity), given)(unknowns.flat(x0)))
