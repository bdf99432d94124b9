"""The bridges to scipy.optimize.root, root_scalar and least_squares, with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import api
from ..compile.jit import Jit, jit
from ..core.call import check_callable, is_number_like, name_of
from ..core.types import dtype_of, shape_of
from ..errors import ArgumentError, NonScalarOutputError, ShapeError
from .constraints import bounds_of
from .objective import Variables
from .vector import VectorFunction


class Solution(NamedTuple):
    """What a solver found. x: in the structure of x0; fun: the equations or residuals there, as one vector.

    converged: whether SciPy says so, and message: its words; evaluations, jacobians: calls that were made;
    details: SciPy's own result, in flat vectors.
    """

    x: Any
    fun: np.ndarray
    converged: bool
    message: str
    evaluations: int
    jacobians: int
    details: Any


_WITH_JACOBIAN = ("hybr", "lm")
_WITHOUT = ("broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing", "krylov", "df-sane")
_ROOT_METHODS = _WITH_JACOBIAN + _WITHOUT


def root(
    fun: Callable, x0: Any, method: str = "hybr", *, args: tuple[Any, ...] = (), jit: bool = False, **kw: Any
) -> Solution:
    """Solve `g(x) = 0` by scipy.optimize.root, with the exact Jacobian for the methods that use one (hybr, lm).

    x0 is any structure, and so is what g returns, with as many numbers. Other keywords (tol, options, callback) are
    SciPy's own and see flat vectors. Raises ArgumentError (no such method, a `jac` of your own), ShapeError
    (more or fewer equations than variables).

    >>> import numpy as np
    >>> from wengert import optimize
    >>> g = lambda p: (p["x"] + p["y"] - 3.0, p["x"] * p["y"] - 2.0)
    >>> s = optimize.root(g, {"x": 0.5, "y": 4.0})
    >>> {name: float(v.round(6)) for name, v in s.x.items()}
    {'x': 1.0, 'y': 2.0}
    """
    import scipy.optimize  # slow to import: only when asked for

    _no_derivatives_of_your_own(kw, "root")
    if method not in _ROOT_METHODS:
        raise ArgumentError(
            f"scipy.optimize.root has no method {method!r}",
            why="the bridge knows for each method whether it uses a Jacobian",
            write=f"one of {', '.join(_ROOT_METHODS)}",
        )
    variables = Variables(x0)
    g = VectorFunction(variables, (lambda x: fun(x, *args)) if args else fun, jit)
    jac = g.jacobian if method in _WITH_JACOBIAN else None

    def equations(x: np.ndarray) -> np.ndarray:
        y = g(x)
        if method != "lm" and y.size != x.size:
            raise ShapeError(
                f"{y.size} equations for {x.size} variables",
                why="they have a solution in general where there are as many of one as of the other",
                write="as many results as variables; or least_squares, for any number of them",
            )
        return y

    found = scipy.optimize.root(equations, variables.start, method=method, jac=jac, **kw)
    return _solution(variables, g, found)


def least_squares(
    fun: Callable,
    x0: Any,
    *,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    matrix_free: bool = False,
    jit: bool = False,
    **kw: Any,
) -> Solution:
    """Minimise `|r(x)|^2 / 2` by scipy.optimize.least_squares, with the exact Jacobian of the residuals r.

    x0 is any structure, and so is what r returns. bounds: as in `minimize`. matrix_free: the Jacobian is never formed;
    each step solves its least-squares problem by products with it and its transpose (LSMR, by wg.linearize and wg.vjp),
    for residuals and variables too many for a matrix. Other keywords (method, loss, x_scale, ...) are SciPy's own.
    Raises ArgumentError (a `jac` of your own).

    >>> import numpy as np
    >>> from wengert import optimize
    >>> t = np.linspace(0.0, 1.0, 9)
    >>> y = 2.0 * np.exp(-3.0 * t)
    >>> fit = optimize.least_squares(lambda p: p["scale"] * np.exp(-p["rate"] * t) - y, {"scale": 1.0, "rate": 1.0})
    >>> {name: float(v.round(6)) for name, v in fit.x.items()}
    {'scale': 2.0, 'rate': 3.0}
    """
    import scipy.optimize  # slow to import: only when asked for

    _no_derivatives_of_your_own(kw, "least_squares")
    variables = Variables(x0)
    r = VectorFunction(variables, (lambda x: fun(x, *args)) if args else fun, jit)
    if bounds is not None:
        kw["bounds"] = bounds_of(variables, bounds)
    jac = r.operator if matrix_free else r.jacobian
    found = scipy.optimize.least_squares(r, variables.start, jac=jac, **kw)
    return _solution(variables, r, found)


def root_scalar(
    fun: Callable, x0: float | None = None, method: str | None = None, *, jit: bool = False, **kw: Any
) -> Any:
    """Solve `g(x) = 0` for one number by scipy.optimize.root_scalar, with exact first and second derivatives.

    method: Newton's from x0 unless another is named; Halley's uses the second derivative too; without x0, one for a
    `bracket=(a, b)`. The derivatives come from forward mode, in the one call of g that gives its value. Result: SciPy's
    RootResults. Raises ArgumentError (an `fprime` of your own; neither x0 nor bracket).

    >>> import numpy as np
    >>> from wengert import optimize
    >>> found = optimize.root_scalar(lambda x: x - np.cos(x), 1.0)
    >>> float(round(found.root, 6)), found.converged
    (0.739085, True)
    """
    import scipy.optimize  # slow to import: only when asked for

    _no_derivatives_of_your_own(kw, "root_scalar")
    if x0 is None and "bracket" not in kw:
        raise ArgumentError(
            "root_scalar got neither a start nor a bracket",
            why="the search begins at a point, or between two points where g differs in sign",
            write="x0=1.0 or bracket=(0.0, 2.0)",
        )
    if x0 is not None and not is_real_number(x0):
        raise ArgumentError(
            f"root_scalar got the start x0={x0!r}",
            why="the search begins at one real number",
            write="x0=1.0; wg.optimize.root for arrays and structures",
        )
    check_callable(fun, "root_scalar")
    if method is None and x0 is not None:
        method = "newton"
    made = _jit if jit or isinstance(fun, Jit) else lambda f: f
    g = _scalar(fun)
    first = lambda x: api.jvp(g, (x,), (1.0,))
    value: Callable[[Any], Any]
    if method == "newton":
        both = made(first)
        value, more = lambda x: tuple(map(float, both(float(x)))), {"fprime": True}
    elif method == "halley":
        three = made(lambda x: api.jvp(first, (x,), (1.0,)))
        value, more = lambda x: _three(three(float(x))), {"fprime": True, "fprime2": True}
    else:
        plain = made(g)
        value, more = lambda x: float(plain(float(x))), {}
    start = None if x0 is None else float(x0)
    return scipy.optimize.root_scalar(value, x0=start, method=method, **more, **kw)


_jit = jit  # also where an argument has this name


def _scalar(fun: Callable) -> Callable:
    """A function whose result must be one real number."""

    def scalar(x: Any) -> Any:
        y = fun(x)
        if not is_real_number(y):
            raise NonScalarOutputError(
                f"root_scalar needs a function with one real number as result; {name_of(fun)} returned something else",
                why="it solves one equation for one number",
                write="return one number; wg.optimize.root solves systems",
            )
        return y

    return scalar


def is_real_number(x: Any) -> bool:
    """One number, that is not complex."""
    return is_number_like(x) and shape_of(x) == () and dtype_of(x).kind in "fiu"


def _three(nested: Any) -> tuple[float, float, float]:
    """g, g', g'' of the jvp of a jvp: ((g, g'), (g', g''))."""
    (value, slope), (_, second) = nested
    return float(value), float(slope), float(second)


def _solution(variables: Variables, g: VectorFunction, found: Any) -> Solution:
    return Solution(
        variables.tree(np.asarray(found.x)),
        np.asarray(found.fun),
        bool(found.success),
        str(found.message),
        g.evaluations,
        g.jacobians,
        found,
    )


def _no_derivatives_of_your_own(kw: dict[str, Any], name: str) -> None:
    if own := {"jac", "fprime", "fprime2"} & kw.keys():
        raise ArgumentError(
            f"{name}() supplies {', '.join(sorted(own))}",
            why="derivatives that are exact leave nothing to give",
            write=f"wg.custom_jvp for a rule of your own; or call scipy.optimize.{name}",
        )
