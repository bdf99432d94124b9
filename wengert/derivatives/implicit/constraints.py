"""Constraints as users give them: bounds of the unknowns, and functions that are zero or not negative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import numpy as wnp
from ...core.call import adopted
from ...core.options import several
from ...core.trace import Tracer
from ...core.tree import flatten
from ...core.types import dtype_of, shape_of, type_of, zeros
from ...errors import ArgumentError
from ...transforms.linearize import linearize_flat
from ...transforms.transpose import transpose_tape
from ..columns import pushed
from .arguments import applied
from .equations import Equations, Vector, equations_of, joined


class Multipliers(NamedTuple):
    """How fast the minimum of f falls as a constraint is relaxed: f_y = lower - upper + sum_i multiplier_i c_i,y.

    lower, upper: of the bounds, in the structure of y, >= 0. constraints: a structure for each constraint, that of its
    results; >= 0 for inequalities. Zero for those that are not active.
    """

    lower: Any
    upper: Any
    constraints: list[Any]


def box_of(bounds: Any, unknowns: Vector) -> tuple[Any, Any]:
    """The lower and the upper bounds as two vectors; infinite where there is none."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
        bounds = tuple(b.item() if np.size(b) == 1 else unknowns.whole(np.asarray(b)) for b in (bounds.lb, bounds.ub))
    if bounds is None:
        bounds = None, None
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        raise ArgumentError(
            f"bounds is a {type(bounds).__name__} of {len(bounds) if hasattr(bounds, '__len__') else 'no'} parts",
            why="it is a pair of lower and upper bounds, each a number, None, or a structure like that of the start",
            write="bounds=(0.0, None), or bounds=(lower, upper) with arrays",
        )
    lower, upper = (
        side(b, end, unknowns, name) for b, end, name in zip(bounds, (-np.inf, np.inf), ("lower", "upper"), strict=True)
    )
    if not any(isinstance(b, Tracer) for b in (lower, upper)) and not (lower <= upper).all():
        raise ArgumentError(
            "a lower bound is larger than the upper one",
            why="no unknown is between them",
            write="bounds=(lower, upper)",
        )
    return lower, upper


def side(bound: Any, end: float, unknowns: Vector, name: str) -> Any:
    """One of the two as a vector."""
    if bound is None:
        return np.full(unknowns.size, end, unknowns.dtype)
    if any(unknowns.complex):
        raise ArgumentError(
            "bounds were given for complex unknowns",
            why="complex numbers have no order",
            write="real and imaginary parts as unknowns; or constraints",
        )
    leaves, tree = flatten(bound)
    if tree != unknowns.tree and len(leaves) == 1 and tree.num_nodes == 1:
        leaves = leaves * len(unknowns.shapes)  # one number for all
    elif tree != unknowns.tree:
        raise ArgumentError(
            f"the {name} bounds have another structure than the start",
            why="each unknown has its own, or all have one number",
            write=f"a {name} bound for each leaf of the start, inf where there is none",
        )
    try:
        full = [wnp.broadcast_to(x, s) for x, s in zip(leaves, unknowns.shapes, strict=True)]
    except ValueError:
        raise ArgumentError(
            f"the {name} bounds have shapes {[shape_of(x) for x in leaves]}, the start {unknowns.shapes}",
            why="each unknown has its own bound, or all have one",
            write="arrays that broadcast to the shapes of the start",
        ) from None
    return joined(full, unknowns.dtype)


class Constraints:
    """c(y), (m,): all constraints one after the other. equality: which of them are c = 0; the others are c >= 0."""

    def __init__(self, given: Any, unknowns: Vector, what: str) -> None:
        self.parts = [checked(c) for c in several(given, dict, "constraints")]
        self.made: list[Vector] = []
        functions = [applied(c["fun"], c.get("args", ())) for c in self.parts]

        def all_of_them(y: Any) -> list[Any]:
            found = [adopted(c)(y) for c in functions]
            self.made = [Vector(y, "a constraint") for y in found]
            return found

        self.equations: Equations = equations_of(all_of_them, [unknowns], what)
        equal = [np.full(v.size, c["type"] == "eq") for v, c in zip(self.made, self.parts, strict=True)]
        self.equality = np.concatenate([np.zeros(0, bool), *equal])
        self.m = self.equality.size

    def curvature(self, args: Sequence[Any], z: np.ndarray, v: np.ndarray) -> np.ndarray:
        """sum_i v_i c_i'', on plain arrays."""

        def pulled(z: Any) -> list[Any]:
            _, tape, ins, nodes = linearize_flat(lambda z: [self.equations(*args, z)], [z])
            (z_bar,) = transpose_tape(tape, ins, nodes, [v])
            return [zeros(type_of(z)) if z_bar is None else z_bar]

        return np.asarray(pushed(pulled, [z], None)[1][0][0])

    def structured(self, multipliers: Any) -> list[Any]:
        """The vector of multipliers, by constraint."""
        parts, at = [], 0
        for v in self.made:
            parts.append(v.whole(multipliers[at : at + v.size]))
            at += v.size
        return parts


def checked(c: Any) -> dict[str, Any]:
    """A constraint of the user's: {"type": "eq" or "ineq", "fun": function of y}, as in SciPy."""
    if not isinstance(c, dict) or c.get("type") not in ("eq", "ineq") or not callable(c.get("fun")):
        raise ArgumentError(
            f"a constraint is {c!r:.60}",
            why='they are dicts: {"type": "eq", "fun": h} for h(y) = 0, {"type": "ineq", "fun": g} for g(y) >= 0',
            write='constraints=[{"type": "ineq", "fun": lambda y: 1.0 - y @ y}]',
        )
    extra = set(c) - {"type", "fun", "args"}
    if extra:
        raise ArgumentError(
            f"a constraint has {', '.join(sorted(extra))}",
            why="derivatives of constraints are found by themselves",
            write="type, fun and args only",
        )
    return c


def bound_multipliers(unknowns: Vector, z: Any, gradient: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    """Those of the lower and the upper bounds, in the structure of y, from the gradient of the Lagrangian."""
    at_lower = z <= lower
    low = wnp.where(at_lower, gradient, 0.0).astype(dtype_of(z))
    up = wnp.where((z >= upper) & ~at_lower, -gradient, 0.0).astype(dtype_of(z))
    return unknowns.whole(low), unknowns.whole(up)
