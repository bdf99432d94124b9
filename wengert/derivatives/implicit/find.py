"""root, fixed_point, minimize, least_squares: what SciPy, or a solver of your own, finds, with its derivatives."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.call import adopted, check_callable, name_of
from ...core.types import shape_of
from ...errors import ArgumentError, NonScalarOutputError, ShapeError
from .equations import Equations, Function, Vector, equations_of
from .solution import TOL, How, Solution, Solver
from .solvers import check_method, found_fit, found_fixed_point, found_minimum, found_root

ROOT_METHODS = (
    *("hybr", "lm", "broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing", "krylov"),
    "df-sane",
)
MINIMIZE_METHODS = (
    *("CG", "BFGS", "L-BFGS-B", "TNC", "Newton-CG", "dogleg", "trust-ncg", "trust-exact", "trust-krylov"),
)


def root(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    method: str = "hybr",
    solver: Solver | None = None,
    options: dict[str, Any] | None = None,
    linear: str = "dense",
    tol: float = TOL,
) -> Any:
    """The solution y of `F(y, *args) = 0`, which moves with whatever F depends on.

    Law: `y_dot = -(dF/dy)^-1 dF/dargs args_dot` (implicit function theorem), in both modes and to any order.

    x0 is any structure of real numbers; the result has it too, and F returns as many numbers. F may close over values
    that are differentiated; args are a convenience. The start has derivative zero.

    solver: yours, `solver(f, x0) -> y`, where f is F of y alone, its results in the structure of y. It is never
    differentiated. It sees plain arrays; where a program is recorded (`wg.jit`) it becomes a part of the program if it
    can be, otherwise the program calls back to it. Without one, scipy.optimize.root with the exact Jacobian, `method`
    and `options` (its keywords: tol, options, ...), then Newton steps as long as they help.

    linear: how systems with dF/dy are solved: "dense" (the matrix, n columns in forward mode), or by products alone:
    "gmres", "bicgstab", "cg". tol: a derivative is given where a Newton step from y is at most `tol (1 + |y|)`.
    Raises NotASolutionError (nothing found; not a solution), SingularPointError (dF/dy singular), ShapeError (as many
    equations as unknowns are needed), ArgumentError.

    >>> import wengert as wg
    >>> square_root = lambda a: wg.implicit.root(lambda y: y**2 - a, 1.0)
    >>> square_root(4.0), wg.grad(square_root)(4.0), wg.grad(wg.grad(square_root))(4.0)
    (np.float64(2.0), np.float64(0.25), np.float64(-0.03125))
    """
    unknowns = Vector(x0, "the start x0")
    equations = equations_of(applied(fun, args), [unknowns], "root", unknowns.size)
    check_method(method, ROOT_METHODS, "root")

    def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return found_root(*equations.at(consts), z0, method, options or {})

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: unknowns.whole(equations(*consts, unknowns.flat(y)))

    return Solution(equations, unknowns, How(linear, tol), find, seen, solver)(x0)


def fixed_point(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    solver: Solver | None = None,
    xtol: float | None = None,
    maxiter: int | None = None,
    linear: str = "dense",
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

    def moves(y: Any) -> Any:
        new, old = unknowns.flat(adopted(g)(y)), unknowns.flat(y)
        return checked_sizes(new, old, fun) - old

    equations = equations_of(moves, [unknowns], "fixed_point", unknowns.size)

    def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return found_fixed_point(lambda z: z + equations(*consts, z), z0, xtol, maxiter)

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: unknowns.whole(unknowns.flat(y) + equations(*consts, unknowns.flat(y)))

    return Solution(equations, unknowns, How(linear, tol), find, seen, solver)(x0)


def minimize(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    method: str = "BFGS",
    solver: Solver | None = None,
    options: dict[str, Any] | None = None,
    linear: str = "dense",
    tol: float = TOL,
) -> Any:
    """The minimiser y of `f(y, *args)`, a function with one real result, without constraints.

    Law: `f_yy y_dot = -f_yx x_dot`, the theorem applied to the gradient, which vanishes at y.

    Found by scipy.optimize.minimize with exact gradient (and Hessian, for methods that use it), then Newton steps on
    the gradient as long as they help; or by `solver(f, x0) -> y`. linear="cg" differentiates without the Hessian's
    matrix. All else as in `root`. The derivative of the minimum itself, f at y, needs none of this: it is that of f
    with y fixed.

    >>> import numpy as np
    >>> import wengert as wg
    >>> A, b = np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([1.0, 1.0])
    >>> ridge = lambda c: wg.implicit.minimize(lambda w: np.sum((A @ w - b)**2) + c * np.sum(w**2), np.zeros(2))
    >>> wg.jacobian(ridge)(1.0)  # -A^T b / (a^2 + c)^2, element by element
    array([-0.08      , -0.01384083])
    """
    check_method(method, MINIMIZE_METHODS, "minimize")
    unknowns = Vector(x0, "the start x0")
    f = equations_of(applied(fun, args), [unknowns], "minimize")
    check_scalar(f)
    equations = f.gradient()

    def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return found_minimum(lambda z: float(f(*consts, z)[0]), *equations.at(consts), z0, method, options or {})

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: f(*consts, unknowns.flat(y))[0]

    return Solution(equations, unknowns, How(linear, tol), find, seen, solver)(x0)


def least_squares(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    solver: Solver | None = None,
    options: dict[str, Any] | None = None,
    linear: str = "dense",
    tol: float = TOL,
) -> Any:
    """The minimiser y of `|r(y, *args)|^2 / 2`.

    Law: the theorem applied to `J^T r = 0`, with the exact second derivatives: `(J^T J + sum_i r_i r_i'') y_dot =
    -d(J^T r)/dargs args_dot`. For linear residuals `np.linalg.lstsq` is differentiated directly.

    r returns any structure. Found by scipy.optimize.least_squares with exact Jacobian and its keywords in `options`; or
    by `solver(r, x0) -> y`, whose r returns one vector. All else as in `root`. Where J loses rank the minimiser is not
    isolated, and a derivative raises SingularPointError: say which you mean by a ridge.

    >>> import numpy as np
    >>> import wengert as wg
    >>> t = np.linspace(0.0, 1.0, 20)
    >>> rate = lambda data: wg.implicit.least_squares(lambda k: np.exp(-k * t) - data, 1.0)
    >>> data = np.exp(-2.0 * t)
    >>> rate(data).round(9), wg.grad(rate)(data).shape
    (np.float64(2.0), (20,))
    """
    unknowns = Vector(x0, "the start x0")
    r = equations_of(applied(fun, args), [unknowns], "least_squares")
    equations = r.gradient(half_squares=True)

    def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return found_fit(*r.at(consts), equations.at(consts), z0, options or {})

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: r(*consts, unknowns.flat(y))

    return Solution(equations, unknowns, How(linear, tol), find, seen, solver)(x0)


class Quality(NamedTuple):
    """How well y solves F(y) = 0, and how well F determines it.

    residual: the largest component of F, without its sign; step: the largest component of a Newton step from y,
    which is how far y is from the solution; condition: that of dF/dy, by its singular values: relative errors are
    that much larger in derivatives.
    """

    residual: float
    step: float
    condition: float


def quality(fun: Function, y: Any, args: Sequence[Any] = ()) -> Quality:
    """The certificate of a solution y of `F(y, *args) = 0`, on plain values; of a minimiser, give its gradient as F.

    condition is infinite, and step NaN, where dF/dy is singular.

    >>> import wengert as wg
    >>> wg.implicit.quality(lambda y, a: y**2 - a, 2.0, (4.0,))
    Quality(residual=0.0, step=0.0, condition=1.0)
    """
    unknowns = Vector(y, "the solution y")
    equations = equations_of(applied(fun, args), [unknowns], "quality", unknowns.size)
    if equations.args:
        raise ArgumentError(
            "quality was asked of traced values",
            why="it is a report on numbers, not a part of a program",
            write="call it outside of the differentiated or compiled function",
        )
    z = unknowns.flat(y)
    value, jac = equations.at(())
    f, A = value(z), jac(z)
    condition = float(np.linalg.cond(A)) if A.size else 1.0
    try:
        step = float(np.abs(np.linalg.solve(A, f)).max(initial=0.0))
    except np.linalg.LinAlgError:
        step, condition = float("nan"), float("inf")
    return Quality(float(np.abs(f).max(initial=0.0)), step, condition)


# arguments -------------------------------------------------------------------------------------------------------
def applied(fun: Function, args: Sequence[Any]) -> Function:
    """F of y alone."""
    if not isinstance(args, tuple | list):
        raise ArgumentError(
            f"args is a {type(args).__name__}",
            why="it holds what F takes after y, one by one",
            write="args=(a,), with the comma",
        )
    check_callable(fun, "implicit")
    if not args:
        return fun

    @functools.wraps(fun)
    def of_unknowns(*inputs: Any) -> Any:
        return adopted(fun)(*inputs, *args)

    return of_unknowns


def checked_sizes(new: Any, old: Any, fun: Function) -> Any:
    """What g returned, which has as many numbers as y."""
    if shape_of(new) != shape_of(old):
        raise ShapeError(
            f"{name_of(fun)} returned {shape_of(new)[0]} numbers for {shape_of(old)[0]} unknowns, to fixed_point",
            why="y and g(y) are the same thing",
            write="return y's structure",
        )
    return new


def check_scalar(f: Equations) -> None:
    """NonScalarOutputError where a function to be minimised has not one result."""
    if f.program.out_types[0].size != 1:
        raise NonScalarOutputError(
            f"{f.name} returned {f.program.out_types[0].size} numbers, to minimize",
            why="one real number can be minimised",
            write="a sum, a mean or a norm; or least_squares for a vector of residuals",
        )
