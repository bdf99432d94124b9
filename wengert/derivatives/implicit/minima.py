"""minimize, least_squares: minimisers, with constraints or without, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .arguments import applied, check_method, check_scalar
from .certify import RegularKKT
from .constraints import Constraints, Multipliers, bound_multipliers, box_of
from .equations import Equations, Function, Vector, equations_of
from .kkt import KKT, ActiveSet, ActiveSystem
from .solution import Given, Solution, Solver
from .solvers import constrained_fit, constrained_minimum, found_fit, found_minimum
from .systems import TOL, system_of

METHODS = ("CG", "BFGS", "L-BFGS-B", "TNC", "Newton-CG", "dogleg", "trust-ncg", "trust-exact", "trust-krylov")
WITH_CONSTRAINTS = ("SLSQP", "trust-constr")
WITH_BOUNDS = ("L-BFGS-B", "TNC", *WITH_CONSTRAINTS)


def minimize(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    bounds: Any = None,
    constraints: Any = (),
    multipliers: bool = False,
    method: str | None = None,
    solver: Solver | None = None,
    options: dict[str, Any] | None = None,
    linear: Any = "dense",
    sparsity: Any = None,
    tol: float = TOL,
) -> Any:
    """The minimiser y of `f(y, *args)`, a function with one real result.

    Law: `f_yy y_dot = -f_yx x_dot`, the theorem applied to the gradient, which vanishes at y. With constraints, to the
    equations of Karush, Kuhn and Tucker for the constraints that are active at y (Fiacco 1983, theorem 3.2.2).

    bounds: (lower, upper), each a number, None, or a structure like x0; or a scipy.optimize.Bounds. constraints: dicts
    `{"type": "eq", "fun": h}` for h(y) = 0, `{"type": "ineq", "fun": g}` for g(y) >= 0, whose results may be any
    structure. Bounds and constraints may depend on what is differentiated. multipliers=True: the result is
    (y, Multipliers), with derivatives too; `f_y = lower - upper + sum_i multiplier_i c_i,y`.

    Found by scipy.optimize.minimize with exact gradient (and Hessian, for methods that use it), then Newton steps on
    the equations as long as they help; or by `solver(f, x0) -> y`. method: "BFGS" unless given; "L-BFGS-B" with bounds,
    and where linear is not "dense"; "SLSQP" with constraints; or others of SciPy's ("trust-constr", "TNC", ...).
    linear="cholesky" makes sure that y is a strict minimum; "cg" differentiates without the Hessian's matrix. All else
    as in `root`. The derivative of the minimum itself, f at y, needs none of this: it is that of f with y fixed.

    With constraints y is brought onto the active ones, and NotASolutionError says where the solver had not found a
    minimum. Where a constraint is active with multiplier zero, y has a kink: DegenerateSolutionWarning, and a
    one-sided derivative. SingularPointError where gradients of active constraints depend on one another (LICQ), or the
    Hessian of the Lagrangian is singular along them.

    >>> import numpy as np
    >>> import wengert as wg
    >>> A, b = np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([1.0, 1.0])
    >>> ridge = lambda c: wg.implicit.minimize(lambda w: np.sum((A @ w - b)**2) + c * np.sum(w**2), np.zeros(2))
    >>> wg.jacobian(ridge)(1.0)  # -A^T b / (a^2 + c)^2, element by element
    array([-0.08      , -0.01384083])
    >>> line = lambda s: {"type": "eq", "fun": lambda y: np.sum(y) - s}
    >>> nearest = lambda s: wg.implicit.minimize(lambda y: y @ y, np.ones(2), bounds=(0.0, None), constraints=line(s))
    >>> wg.jacobian(nearest)(3.0)
    array([0.5, 0.5])
    """
    unknowns = Vector(x0, "the start x0")
    f = equations_of(applied(fun, args), [unknowns], "minimize")
    check_scalar(f)
    bounded = bounds is not None or multipliers  # of no bounds, multipliers are zero
    name = method or chosen_method(bool(constraints), bounded, linear)
    check_method(name, allowed(bool(constraints), bounded), "minimize")

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: f(*consts, unknowns.flat(y))[0]

    given = None if solver is None else Given(solver, seen, unknowns)
    equations = f.gradient()
    if not constraints and not bounded:
        system = system_of(equations, linear, tol, sparsity)

        def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
            value = lambda z: float(f(*consts, z)[0])
            return found_minimum(value, *equations.at(consts), system.steps(consts), z0, name, options or {})

        return unknowns.whole(Solution(equations, system, given or find)(unknowns.flat(x0)))

    def find_in_bounds(kkt: KKT, xs: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return constrained_minimum(kkt, equations, xs, z0, name, options or {})

    found = Constrained(f, unknowns, bounds, constraints, False, linear, sparsity, tol)
    return found.solved(x0, given, find_in_bounds, multipliers)


def least_squares(
    fun: Function,
    x0: Any,
    args: Sequence[Any] = (),
    *,
    bounds: Any = None,
    solver: Solver | None = None,
    options: dict[str, Any] | None = None,
    linear: Any = "dense",
    sparsity: Any = None,
    tol: float = TOL,
) -> Any:
    """The minimiser y of `|r(y, *args)|^2 / 2`.

    Law: the theorem applied to `J^T r = 0`, with the exact second derivatives: `(J^T J + sum_i r_i r_i'') y_dot =
    -d(J^T r)/dargs args_dot`. For linear residuals `np.linalg.lstsq` is differentiated directly.

    r returns any structure. bounds: as in `minimize`. Found by scipy.optimize.least_squares with exact Jacobian and its
    keywords in `options`; or by `solver(r, x0) -> y`, whose r returns one vector. All else as in `root`. Where J loses
    rank the minimiser is not isolated, and a derivative raises SingularPointError: say which you mean by a ridge, or,
    for linear residuals, take the shortest by `np.linalg.lstsq`.

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

    def seen(consts: Sequence[Any]) -> Function:
        return lambda y: r(*consts, unknowns.flat(y))

    given = None if solver is None else Given(solver, seen, unknowns)
    if bounds is None:
        equations = r.gradient(half_squares=True)
        system = system_of(equations, linear, tol, sparsity)

        def find(consts: Sequence[Any], z0: np.ndarray) -> np.ndarray:
            gradient = equations.at(consts)[0]
            return found_fit(*r.at(consts), gradient, system.steps(consts), z0, options or {})

        return unknowns.whole(Solution(equations, system, given or find)(unknowns.flat(x0)))

    def find_in_bounds(kkt: KKT, xs: Sequence[Any], z0: np.ndarray) -> np.ndarray:
        return constrained_fit(kkt, xs, z0, options or {})

    found = Constrained(r, unknowns, bounds, (), True, linear, sparsity, tol)
    return found.solved(x0, given, find_in_bounds, False)


class Constrained:
    """A minimum with bounds or constraints, and the system of its active set."""

    def __init__(
        self,
        f: Equations,
        unknowns: Vector,
        bounds: Any,
        constraints: Any,
        half_squares: bool,
        linear: Any,
        sparsity: Any,
        tol: float,
    ) -> None:
        if linear == "cholesky":
            raise ArgumentError(
                "linear='cholesky' was given with constraints",
                why="the matrix of the KKT equations is not symmetric, nor positive definite",
                write="linear='dense', 'sparse' or 'gmres'",
            )
        self.unknowns, self.tol = unknowns, tol
        self.box = box_of(bounds, unknowns)
        self.c = Constraints(constraints, unknowns, f.what)
        self.kkt = KKT(f, self.c, self.box, half_squares)
        check = RegularKKT(f.what, tol, unknowns=unknowns.size)
        self.system = ActiveSystem(system_of(self.kkt.equations, linear, tol, sparsity, check), self.kkt, tol)

    def solved(self, x0: Any, given: Given | None, find: Callable, multipliers: bool) -> Any:
        """The minimiser, with its Multipliers where asked for."""
        kkt, unknowns = self.kkt, self.unknowns

        def on_active_set(xs: Sequence[Any], z0: np.ndarray) -> np.ndarray:
            sizes = kkt.sizes[0]
            y = find(kkt, xs, z0) if given is None else given(xs[:sizes], z0)
            return ActiveSet(kkt, xs, self.system.steps(xs), self.tol, given is not None).refined(y)

        z = Solution(kkt.equations, self.system, on_active_set)(unknowns.flat(x0))
        y = z[: unknowns.size]
        if not multipliers:
            return unknowns.whole(y)
        _, gradient, _ = kkt.parts(*kkt.equations.args, z)
        lower, upper = bound_multipliers(unknowns, y, gradient, *self.box)
        return unknowns.whole(y), Multipliers(lower, upper, self.c.structured(z[unknowns.size :]))


def chosen_method(constraints: bool, bounds: bool, linear: Any) -> str:
    """SciPy's method where none is given."""
    if constraints:
        return "SLSQP"
    return "L-BFGS-B" if bounds or linear not in ("dense", "cholesky") else "BFGS"


def allowed(constraints: bool, bounds: bool) -> tuple[str, ...]:
    """The methods that know of what is given."""
    if constraints:
        return WITH_CONSTRAINTS
    return WITH_BOUNDS if bounds else (*METHODS, *WITH_CONSTRAINTS)
