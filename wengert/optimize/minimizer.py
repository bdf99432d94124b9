"""The bridge to scipy.optimize.minimize: every method, with exact gradients, Hessians and their products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .constraints import bounds_of, constraints_of
from .descent import Callback
from .objective import Objective
from .result import Result

BLIND = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
FIRST_ORDER = ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP")
PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr")
FULL = ("dogleg", "trust-exact")
BOUNDED = ("Nelder-Mead", "Powell", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP", "trust-constr")
CONSTRAINED = ("COBYLA", "COBYQA", "SLSQP", "trust-constr")
METHODS = BLIND + FIRST_ORDER + PRODUCTS + FULL


def minimize(
    fun: Callable,
    x0: Any,
    method: str | None = None,
    *,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    constraints: Any = (),
    callback: Callback | None = None,
    jit: bool = False,
    **kw: Any,
) -> Result:
    """Minimise `f(x, *args)` by scipy.optimize.minimize with our derivatives: `jac`, and `hessp` or `hess`.

    method: any of SciPy's; None takes SLSQP where there are constraints, else L-BFGS-B. Gradients go to every method
    that uses one; Hessian-vector products to Newton-CG, trust-ncg, trust-krylov and trust-constr; the whole Hessian to
    dogleg and trust-exact. bounds: a structure like x0 with a pair (low, high) at each leaf, None for no bound; or
    SciPy's own: a pair for each of the n variables, in the order of x0's leaves, or scipy.optimize.Bounds.
    constraints: SciPy's (dicts, NonlinearConstraint, LinearConstraint), one or several; their functions take x in the
    structure of x0, return numbers or arrays, and need no `jac` or `hess`: the exact ones are supplied where they are
    not given. callback: called as `c(k, x_k, f(x_k))` after each iteration; the run stops if that is true. jit: compile
    f and the constraints with their derivatives (`wg.jit`). Other keywords (tol, options) are SciPy's own.

    Result: `values`, `evaluations`, `gradients` and `seconds` have one entry for each evaluation that SciPy made;
    `details` is SciPy's result, in flat vectors. Raises ArgumentError for a method that does not exist or has no bounds
    or constraints, and for a `jac`, `hess` or `hessp` of your own; other errors as in `gradient_descent`.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> f = lambda p: (1 - p["x"])**2 + 100 * (p["y"] - p["x"]**2)**2
    >>> r = optimize.minimize(f, {"x": -1.2, "y": 1.0}, method="trust-ncg")
    >>> {name: float(v.round(4)) for name, v in r.x.items()}
    {'x': 1.0, 'y': 1.0}
    >>> disc = {"type": "ineq", "fun": lambda p: 1 - p["x"]**2 - p["y"]**2}
    >>> r = optimize.minimize(f, {"x": 0.0, "y": 0.0}, constraints=disc)
    >>> {name: float(v.round(4)) for name, v in r.x.items()}
    {'x': 0.7864, 'y': 0.6177}
    """
    import scipy.optimize  # slow to import: only when asked for

    kind = _method(method, bounds, constraints, kw)
    objective = Objective((lambda x: fun(x, *args)) if args else fun, x0, jit)
    bridge = _Bridge(objective, callback, with_gradient=kind not in BLIND)
    given: dict[str, Any] = {} if kind in BLIND else {"jac": True}
    given |= {"hessp": objective.hvp} if kind in PRODUCTS else {"hess": objective.hessian} if kind in FULL else {}
    given["bounds"] = bounds_of(objective, bounds)
    given["constraints"] = constraints_of(objective, constraints, kind == "trust-constr", jit)
    try:
        found = scipy.optimize.minimize(bridge.look, objective.start, method=kind, callback=bridge.each, **given, **kw)
    except StopIteration:  # some of SciPy's methods take it as the wish to stop, some hand it on
        found = None
    if found is None or bridge.stopped:
        message = f"stopped by the callback after {bridge.iterations} iterations"
        return objective.result(bridge.x, bridge.known(bridge.x), message, found)
    return objective.result(np.asarray(found.x), float(found.fun), str(found.message), found)


class _Bridge:
    """What SciPy calls: the objective, each evaluation recorded, and the callback."""

    def __init__(self, objective: Objective, callback: Callback | None, with_gradient: bool) -> None:
        self.objective, self.callback, self.with_gradient = objective, callback, with_gradient
        self.x, self.iterations, self.stopped = objective.start, 0, False
        self._values: dict[bytes, float] = {}

    def look(self, x: np.ndarray) -> Any:
        """f(x), with its gradient where the method uses one."""
        pair = self.objective.value_and_grad(x) if self.with_gradient else (self.objective.value(x), None)
        self.objective.record(pair[0])
        if self.callback is not None:
            self._values[np.asarray(x).tobytes()] = pair[0]
        return pair if self.with_gradient else pair[0]

    def known(self, x: np.ndarray) -> float:
        """f at a point where SciPy has evaluated it; a method that moved on unseen costs a call."""
        key = np.asarray(x).tobytes()
        return self._values[key] if key in self._values else self.objective.value(x)

    @property
    def each(self) -> Callable | None:
        """The callback in the one form that all of SciPy's methods call."""
        return None if self.callback is None else self._each

    def _each(self, x: np.ndarray, state: Any = None) -> bool:
        assert self.callback is not None
        self.iterations, self.x = self.iterations + 1, np.array(x)
        value = self.known(self.x)
        self._values = {self.x.tobytes(): value}
        self.stopped = bool(self.callback(self.iterations, self.objective.tree(self.x), value))
        if self.stopped:
            raise StopIteration
        return False


def _method(method: str | None, bounds: Any, constraints: Any, kw: dict[str, Any]) -> str:
    """SciPy's name of the method; ArgumentError where what was given does not go with it."""
    if own := {"jac", "hess", "hessp"} & kw.keys():
        raise ArgumentError(
            f"minimize() supplies {', '.join(sorted(own))}",
            why="derivatives that are exact leave nothing to give",
            write="wg.custom_jvp or wg.custom_vjp for a rule of your own; or call scipy.optimize.minimize",
        )
    constrained = not (isinstance(constraints, Sequence) and len(constraints) == 0) and constraints is not None
    if method is None:
        return "SLSQP" if constrained else "L-BFGS-B"
    names = {name.lower(): name for name in METHODS}
    if str(method).lower() not in names:
        raise ArgumentError(
            f"scipy.optimize.minimize has no method {method!r}",
            why="the bridge knows for each method which derivatives it uses",
            write=f"one of {', '.join(METHODS)}",
        )
    kind = names[str(method).lower()]
    for what, asked, able in (("bounds", bounds is not None, BOUNDED), ("constraints", constrained, CONSTRAINED)):
        if asked and kind not in able:
            raise ArgumentError(
                f"the method {kind} has no {what}",
                why=f"SciPy would leave the {what} away",
                write=f"one of {', '.join(able)}",
            )
    return kind
