"""Bounds and constraints of a minimisation: structures made flat for SciPy, and exact derivatives supplied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.tree import LEAF, describe
from ..errors import ArgumentError
from .objective import Variables
from .vector import VectorFunction


# bounds ----------------------------------------------------------------------------------------------------------
def bounds_of(variables: Variables, bounds: Any) -> Any:
    """SciPy's Bounds of a structure of pairs, of a list of pairs, or of Bounds; None of None."""
    if bounds is None:
        return None
    from scipy.optimize import Bounds  # slow to import: only when asked for

    if isinstance(bounds, Bounds):
        return bounds
    low, high = _structured(variables, bounds) or _listed(variables, bounds)
    if not np.all(low <= high):
        k = int(np.argmin(low <= high))
        raise ArgumentError(
            f"the bounds of variable {k} are {low[k]:g} and {high[k]:g}",
            why="nothing lies between them",
            write="pairs (low, high) with low <= high",
        )
    return Bounds(low, high)


def _structured(variables: Variables, bounds: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Vectors of a structure like x0 with a pair at each leaf; None if it is not one."""
    if variables.structure == LEAF:
        pairs = [bounds] if _is_pair(bounds) and not any(map(_is_pair, bounds)) else None
    else:
        try:
            pairs = variables.structure.flatten_up_to(bounds)
        except (ValueError, TypeError):
            return None
    if pairs is None or not all(pair is None or _is_pair(pair) for pair in pairs):
        return None
    sides = []
    for side, none in enumerate((-np.inf, np.inf)):
        parts = []
        for pair, shape in zip(pairs, variables.shapes, strict=True):
            bound = None if pair is None else pair[side]
            parts.append(np.broadcast_to(none if bound is None else bound, shape).astype(float).ravel())
        sides.append(np.concatenate([np.zeros(0), *parts]))
    return sides[0], sides[1]


def _is_pair(x: Any) -> bool:
    return isinstance(x, tuple | list | np.ndarray) and len(x) == 2


def _listed(variables: Variables, bounds: Any) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of a list with one pair for each variable."""
    n = variables.start.size
    pairs = list(bounds) if isinstance(bounds, Sequence | np.ndarray) else []
    if len(pairs) != n or not all(pair is None or _is_pair(pair) for pair in pairs):
        raise ArgumentError(
            "the bounds have neither the structure of x0 nor one pair for each variable",
            why=f"x0 is {describe(variables.structure)} with {n} variables",
            write="a pair (low, high) at each leaf of a structure like x0, None for no bound; or a list of n pairs",
        )
    sides = [[None if pair is None else pair[side] for pair in pairs] for side in (0, 1)]
    low, high = ([none if b is None else b for b in side] for side, none in zip(sides, (-np.inf, np.inf), strict=True))
    return np.array(low, float), np.array(high, float)


# constraints -----------------------------------------------------------------------------------------------------
def constraints_of(variables: Variables, constraints: Any, curved: bool = False, compiled: bool = False) -> Any:
    """SciPy's constraints on flat vectors, with the Jacobians, and where `curved` the Hessians, not given."""
    if constraints is None:
        return ()
    several = [constraints] if not isinstance(constraints, Sequence) else constraints
    return [_constraint(variables, c, curved, compiled) for c in several]


def _constraint(variables: Variables, given: Any, curved: bool, compiled: bool) -> Any:
    from scipy.optimize import LinearConstraint, NonlinearConstraint

    if isinstance(given, LinearConstraint):
        return given
    if isinstance(given, NonlinearConstraint):
        g = VectorFunction(variables, given.fun, compiled)
        jac = given.jac if callable(given.jac) else g.jacobian
        if not curved:  # the other methods warn of what they do not use
            return NonlinearConstraint(g, given.lb, given.ub, jac)
        hess = given.hess if callable(given.hess) else g.weighted_hessian
        return NonlinearConstraint(g, given.lb, given.ub, jac, hess, given.keep_feasible)
    if isinstance(given, dict) and callable(given.get("fun")) and given.get("type") in ("eq", "ineq"):
        args = tuple(given.get("args", ()))
        g = VectorFunction(variables, (lambda x: given["fun"](x, *args)) if args else given["fun"], compiled)
        if curved:
            return NonlinearConstraint(
                g, 0.0, 0.0 if given["type"] == "eq" else np.inf, given.get("jac", g.jacobian), g.weighted_hessian
            )
        return {"type": given["type"], "fun": g, "jac": given.get("jac", g.jacobian)}
    keys = f" with the keys {sorted(given)}" if isinstance(given, dict) else ""
    raise ArgumentError(
        f"a constraint is a {type(given).__name__}{keys}",
        why="a constraint says which function of x is to be zero, not negative, or between bounds",
        write='{"type": "eq" or "ineq", "fun": g}, scipy.optimize.NonlinearConstraint or LinearConstraint',
    )
