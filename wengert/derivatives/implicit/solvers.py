"""Solvers on plain vectors: SciPy's with exact Jacobians, fixed-point iteration, and Newton steps at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotASolutionError

Residual = Callable[[np.ndarray], np.ndarray]
WITH_JACOBIAN = ("hybr", "lm")
STEPS = 10_000  # of a fixed-point iteration


def found_root(f: Residual, jac: Residual, z0: np.ndarray, method: str, options: dict[str, Any]) -> np.ndarray:
    """scipy.optimize.root, then Newton steps as long as they help."""
    import scipy.optimize  # slow to import: only when asked for

    given = {"jac": jac} if method in WITH_JACOBIAN else {}
    found = scipy.optimize.root(f, z0, method=method, **given, **options)
    z = polished(f, jac, np.asarray(found.x))
    if not found.success and not solves(f, jac, z):
        raise nothing_found("root", str(found.message), f(z))
    return z


def found_minimum(
    f: Callable[[np.ndarray], float],
    gradient: Residual,
    hessian: Residual,
    z0: np.ndarray,
    method: str,
    options: dict[str, Any],
) -> np.ndarray:
    """scipy.optimize.minimize, then Newton steps as long as they make the gradient smaller."""
    import scipy.optimize  # slow to import: only when asked for

    given = {"hess": hessian} if method in ("trust-exact", "dogleg", "Newton-CG", "trust-ncg", "trust-krylov") else {}
    found = scipy.optimize.minimize(f, z0, jac=gradient, method=method, **given, **options)
    z = polished(gradient, hessian, np.asarray(found.x))
    if not found.success and not solves(gradient, hessian, z):
        raise nothing_found("minimize", str(found.message), gradient(z))
    return z


def found_fit(
    residuals: Residual, jac: Residual, stationarity: tuple[Residual, Residual], z0: np.ndarray, options: dict[str, Any]
) -> np.ndarray:
    """scipy.optimize.least_squares, then Newton steps on the gradient, as long as they make it smaller."""
    import scipy.optimize  # slow to import: only when asked for

    tight = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14} | options
    found = scipy.optimize.least_squares(residuals, z0, jac=jac, **tight)
    if not found.success:
        raise nothing_found("least_squares", str(found.message), found.grad)
    return polished(*stationarity, np.asarray(found.x))


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


def polished(f: Residual, jac: Residual, z: np.ndarray, steps: int = 3) -> np.ndarray:
    """Newton steps, each kept if the residual becomes smaller."""
    size = np.abs(f(z)).max(initial=0.0)
    for _ in range(steps):
        if not size > 0.0:
            break
        try:
            new = z - np.linalg.solve(jac(z), f(z))
        except np.linalg.LinAlgError:
            break
        then = np.abs(f(new)).max(initial=0.0)
        if not then < size:
            break
        z, size = new, then
    return z


def solves(f: Residual, jac: Residual, z: np.ndarray) -> bool:
    """Is a Newton step from z no more than rounding?"""
    try:
        step = np.linalg.solve(jac(z), f(z))
    except np.linalg.LinAlgError:
        return False
    return bool(np.abs(step).max(initial=0.0) <= 1e-10 * (1.0 + np.abs(z).max(initial=0.0)))


def nothing_found(name: str, message: str, residual: Any) -> NotASolutionError:
    """The error for a solver that gave up."""
    return NotASolutionError(
        f"{name} found no solution: {' '.join(message.split()).rstrip('.')}; the largest residual is "
        f"{np.abs(residual).max(initial=0.0):.1e}",
        why="there may be none, or none that is reached from this start",
        write="another start, another method=, options={...}, or a solver of your own: solver=",
    )


def check_method(method: str, known: tuple[str, ...], name: str) -> None:
    """ArgumentError for a method that does not exist."""
    if method not in known:
        raise ArgumentError(
            f"{name} has no method {method!r}",
            why="SciPy's methods are known here by name, with the derivatives that they use",
            write=f"one of {', '.join(known)}; or a solver of your own: solver=",
        )
