"""Solvers on plain vectors: SciPy's with exact derivatives, Newton's, fixed-point iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotASolutionError
from .systems import Step, length, tried

Residual = Callable[[np.ndarray], np.ndarray]
WITH_JACOBIAN = ("hybr", "lm")
WITH_HESSIAN = ("trust-exact", "dogleg", "Newton-CG", "trust-ncg", "trust-krylov", "trust-constr")
STEPS = 10_000  # of a fixed-point iteration


def found_root(
    f: Residual, jac: Residual, step: Step, z0: np.ndarray, method: str, options: dict[str, Any]
) -> np.ndarray:
    """scipy.optimize.root, or Newton's method; then Newton steps as long as they help."""
    import scipy.optimize  # slow to import: only when asked for

    if method == "newton":
        return newton(f, step, z0, **options)
    given = {"jac": jac} if method in WITH_JACOBIAN else {}
    found = scipy.optimize.root(f, z0, method=method, **given, **options)
    z = polished(f, step, np.asarray(found.x))
    if not found.success and not solves(f, step, z):
        raise nothing_found("root", str(found.message), f(z))
    return z


def newton(f: Residual, step: Step, z0: np.ndarray, tol: float | None = None, maxiter: int = 100) -> np.ndarray:
    """Newton's method; each step is halved until the residual is smaller (Deuflhard, Newton methods, section 3.1).

    Ends where a step is at most tol (1 + |z|), or where rounding leaves nothing to gain.
    """
    tol = 4 * float(np.finfo(z0.dtype).eps) if tol is None else tol
    z, at = z0, f(z0)
    for _ in range(maxiter):
        dz = tried(step, z, at)
        moves, size = length(dz, z), np.linalg.norm(at)
        if not np.isfinite(moves):
            raise nothing_found("newton", "the linear system of a step could not be solved", at)
        for t in 0.5 ** np.arange(12):
            new = (z - t * dz).astype(z.dtype)
            with np.errstate(all="ignore"):  # a step too long may leave the domain
                then = f(new)
            if np.linalg.norm(then) < size:
                break
        else:
            if moves <= 1e3 * np.sqrt(np.finfo(z0.dtype).eps):
                return z
            raise nothing_found("newton", "no step makes the residual smaller", at)
        z, at = new, then
        if moves <= tol:
            return z
    raise nothing_found("newton", f"{maxiter} steps were not enough", at)


def found_minimum(
    f: Callable[[np.ndarray], float],
    gradient: Residual,
    hessian: Residual,
    step: Step,
    z0: np.ndarray,
    method: str,
    options: dict[str, Any],
) -> np.ndarray:
    """scipy.optimize.minimize, then Newton steps as long as they make the gradient smaller."""
    import scipy.optimize  # slow to import: only when asked for

    if not z0.size:
        return z0
    given = {"hess": hessian} if method in WITH_HESSIAN else {}
    found = scipy.optimize.minimize(f, z0, jac=gradient, method=method, **given, **options)
    z = polished(gradient, step, np.asarray(found.x))
    if not found.success and not solves(gradient, step, z):
        raise nothing_found("minimize", str(found.message), gradient(z))
    return z


def found_fit(
    residuals: Residual, jac: Residual, gradient: Residual, step: Step, z0: np.ndarray, options: dict[str, Any]
) -> np.ndarray:
    """scipy.optimize.least_squares, then Newton steps on the gradient, as long as they make it smaller."""
    import scipy.optimize  # slow to import: only when asked for

    if not np.isfinite(z0).all():
        raise ArgumentError(
            "least_squares begins at a point that is not finite",
            why="no step leads away from NaN or infinity",
            write="a finite x0",
        )
    tight = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14} | options
    found = scipy.optimize.least_squares(residuals, z0, jac=jac, **tight)
    if not found.success:
        raise nothing_found("least_squares", str(found.message), found.grad)
    return polished(gradient, step, np.asarray(found.x))


def found_fixed_point(g: Residual, z0: np.ndarray, tol: float | None, maxiter: int | None) -> np.ndarray:
    """z <- g(z), until a round moves it by no more than tol (1 + |z|)."""
    tol = 4 * float(np.finfo(z0.dtype).eps) if tol is None else tol
    z, before = z0, np.inf
    for _ in range(maxiter or STEPS):
        with np.errstate(all="ignore"):  # where it runs away, the error below says so
            new = g(z)
        step = np.abs(new - z).max(initial=0.0)
        z = new
        if step <= tol * (1.0 + np.abs(z).max(initial=0.0)) or not np.isfinite(step):
            break
        before = step
    else:
        raise nothing_found("fixed_point", f"{maxiter or STEPS} rounds of y <- g(y) did not settle", g(z) - z)
    if not np.isfinite(step):
        raise nothing_found("fixed_point", f"y <- g(y) ran away; the last finite step was {before:.1e}", step)
    return z


def polished(f: Residual, step: Step, z: np.ndarray, steps: int = 3) -> np.ndarray:
    """Newton steps, each kept if the residual becomes smaller."""
    at = f(z)
    for _ in range(steps):
        if not np.abs(at).max(initial=0.0) > 0.0:
            break
        new = z - tried(step, z, at)
        then = f(new)
        if not np.abs(then).max(initial=0.0) < np.abs(at).max(initial=0.0):
            break
        z, at = new, then
    return z


def solves(f: Residual, step: Step, z: np.ndarray) -> bool:
    """Is a Newton step from z no more than rounding?"""
    return length(tried(step, z, f(z)), z) <= 1e-10


def nothing_found(name: str, message: str, residual: Any) -> NotASolutionError:
    """The error for a solver that gave up."""
    return NotASolutionError(
        f"{name} found no solution: {' '.join(message.split()).rstrip('.')}; the largest residual is "
        f"{np.abs(residual).max(initial=0.0):.1e}",
        why="there may be none, or none that is reached from this start",
        write="another start, another method=, options={...}, or a solver of your own: solver=",
    )


# with constraints ------------------------------------------------------------------------------------------------
TIGHT = {"SLSQP": {"ftol": 1e-12, "maxiter": 1000}, "trust-constr": {"gtol": 1e-9, "xtol": 1e-12, "maxiter": 5000}}


def constrained_minimum(
    kkt: Any, gradient: Any, xs: Any, z0: np.ndarray, method: str, options: dict[str, Any]
) -> np.ndarray:
    """scipy.optimize.minimize with bounds and constraints; whether it is a minimum is seen from its active set."""
    import scipy.optimize  # slow to import: only when asked for

    (a, _), (lower, upper) = kkt.sizes, map(np.asarray, xs[-2:])
    given: dict[str, Any] = {"constraints": scipy_constraints(kkt, xs, method)} if kkt.m else {}
    if method in WITH_HESSIAN:
        given["hess"] = gradient.at(xs[:a])[1]
    settings = {"method": method, "options": TIGHT.get(method, {})} | options
    with np.errstate(all="ignore"):  # a trial point may leave the domain
        found = scipy.optimize.minimize(
            lambda z: float(kkt.f(*xs[:a], z)[0]),
            np.clip(z0, lower, upper),
            jac=gradient.at(xs[:a])[0],
            bounds=scipy.optimize.Bounds(lower, upper),
            **given,
            **settings,
        )
    if not np.isfinite(found.x).all():
        raise nothing_found("minimize", str(found.message), np.nan)
    return np.asarray(found.x)


def scipy_constraints(kkt: Any, xs: Any, method: str) -> list[Any]:
    """The constraints as SciPy takes them, with exact derivatives."""
    import scipy.optimize  # slow to import: only when asked for

    a, b = kkt.sizes
    equality = kkt.c.equality
    value, slopes = kkt.c.equations.at(xs[a:b])
    if method == "trust-constr":
        hess = lambda z, v: kkt.c.curvature(xs[a:b], z, v)
        upper = np.where(equality, 0.0, np.inf)
        return [scipy.optimize.NonlinearConstraint(value, np.zeros(kkt.m), upper, jac=slopes, hess=hess)]
    given = []
    for kind, mask in (("eq", equality), ("ineq", ~equality)):
        part = {"fun": lambda z, on=mask: value(z)[on], "jac": lambda z, on=mask: slopes(z)[on]}
        given += [{"type": kind, **part}] if mask.any() else []
    return given


def constrained_fit(kkt: Any, xs: Any, z0: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """scipy.optimize.least_squares with bounds."""
    import scipy.optimize  # slow to import: only when asked for

    residuals, jac = kkt.f.at(xs[: kkt.sizes[0]])
    lower, upper = map(np.asarray, xs[-2:])
    moved = np.where(lower < upper, upper, np.nextafter(upper, np.inf))  # SciPy wants room between them
    tight = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14} | options
    found = scipy.optimize.least_squares(residuals, np.clip(z0, lower, upper), jac=jac, bounds=(lower, moved), **tight)
    if not found.success:
        raise nothing_found("least_squares", str(found.message), found.grad)
    return np.asarray(found.x)
