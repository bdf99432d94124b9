"""The implicit function theorem as a rule: F(x, y) = 0 gives F_y y_dot = -F_x x_dot, a linear system.

Forward mode solves it; reverse mode is its transpose; higher derivatives are those of the rule, in which y is again the
solution. The solver is never differentiated. (Griewank and Walther, Evaluating Derivatives, 2nd ed., section 15.1;
Blondel et al., Efficient and modular implicit differentiation, 2022, for solvers apart from equations.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.body import Body
from ...core.call import name_of
from ...core.program import Program
from ...core.provided import provided
from ...core.trace import Tracer, concrete, recording
from ...core.types import ArrayType, dtype_of, is_inexact, shape_of, zeros
from ...errors import ArgumentError, ShapeError, WengertError
from ...primitives import call
from ...transforms.jvp import jvp_flat
from .equations import Equations, Vector
from .outside import Job, outside
from .systems import METHODS, Krylov, accepted, check_step, operator_solve

Solver = Callable[[Callable[..., Any], Any], Any]
TOL = 1e-6


@dataclass(frozen=True)
class How:
    """linear: how systems with F_y are solved; tol: how far from the solution a derivative is still given."""

    linear: str = "dense"
    tol: float = TOL

    def __post_init__(self) -> None:
        if self.linear != "dense" and self.linear not in METHODS:
            raise ArgumentError(
                f"there is no linear solver {self.linear!r}",
                why="derivatives of solutions are solutions of linear systems",
                write=f"linear= one of dense, {', '.join(METHODS)}",
            )
        if not self.tol > 0.0:
            raise ArgumentError(f"tol is {self.tol}", why="it bounds an error", write="a small positive number")


class Solution:
    """A solver and the equations that its result satisfies, as one function with a derivative.

    find: `find(args, z0) -> z`, on plain vectors. Or solver: the user's, `solver(f, y0) -> y`, where f is seen(args);
    it is recorded where a program is (wg.jit), if it can be; otherwise the program calls back to it.
    """

    def __init__(
        self, equations: Equations, unknowns: Vector, how: How, find: Callable, seen: Callable, solver: Solver | None
    ) -> None:
        self.equations, self.unknowns, self.how, self.seen, self.solver = equations, unknowns, how, seen, solver
        run = find if solver is None else self.found
        self.job = Job(lambda *xs: [run(xs[:-1], xs[-1])], [unknowns.type], equations.what)

    def __call__(self, y0: Any) -> Any:
        """The solution in its structure."""
        (z,) = self.solved([*self.equations.args, self.unknowns.flat(y0)])
        return self.unknowns.whole(z)

    def solved(self, xs: Sequence[Any]) -> list[Any]:
        """args, z0 -> z, with its derivative."""
        return call.custom_jvp(*xs, rule=call.JVPRule(self.flat, self.jvp, self.equations.what))

    def flat(self, *xs: Any) -> list[Any]:
        """args, z0 -> z."""
        if self.solver is not None and recording.get() is not None and any(map(undecided, xs)):
            try:
                return self.followed(xs)
            except (WengertError, TypeError, ValueError, AttributeError):
                pass  # it needs plain arrays: the program calls back to it
        return outside(*xs, job=self.job)

    def found(self, args: Sequence[Any], z0: np.ndarray) -> Any:
        """What the user's solver finds on plain arrays."""
        assert self.solver is not None
        return self.returned(self.solver(self.seen(args), self.unknowns.whole(z0)))

    def returned(self, y: Any) -> Any:
        """The vector of what a user's solver returned."""
        z = self.unknowns.flat(y)
        if shape_of(z) != (self.unknowns.size,):
            raise ShapeError(
                f"{name_of(self.solver)} returned {shape_of(z)[0]} numbers for {self.unknowns.size} unknowns",
                why="the solution has the structure of the start",
                write="return y alone: found.x, not the whole result of SciPy",
            )
        return z

    def followed(self, xs: Sequence[Any]) -> list[Any]:
        """The user's solver as a part of the program."""
        n = len(xs) - 1

        def run(*xs: Any) -> Any:
            y = provided("adopt")(self.solver)(self.seen(xs[:n]), self.unknowns.whole(xs[n]))
            return self.returned(y)

        body = Body(run, [ArrayType(x.shape, dtype_of(x)) for x in xs], self.solver)
        return body.program.evaluate([*body.constants, *xs])

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """(z, z_dot); the start moves nothing."""
        args, dots = xs[:-1], [d if is_inexact(dtype_of(d)) else None for d in x_dots[:-1]]
        (z,) = self.solved(xs)
        (moved,) = jvp_flat(lambda *cs: [self.equations(*cs, z)], args, dots)[1]
        if moved is None:
            return [z], [zeros(self.unknowns.type)]
        return [z], [-self.solve(args, z, moved)]

    def solve(self, args: Sequence[Any], z: Any, b: Any) -> Any:
        """F_y^-1 b."""
        if self.how.linear == "dense":
            A, f = self.equations.jacobian(args, z), self.equations(*args, z)
            A = accepted(A, f, z, what=self.equations.what, tol=self.how.tol)
            return wnp.linalg.solve(A, b)
        (zero,) = outside(*args, z, job=Job(self.checked, [self.unknowns.type], "check"))
        krylov = Krylov(self.how.linear, 1e-10, None)
        return operator_solve(*args, z + zero, b, operator=self.tangent(), krylov=krylov)[0]

    def tangent(self) -> Program:
        """args, z, v -> F_y v."""
        n = len(self.equations.args)
        return self.equations.program.transform("derivative", (False,) * n + (True,), (True,))

    def checked(self, *xs: Any) -> list[Any]:
        """Zeros, where a Newton step from z, to a tenth, is short."""
        f, tangent = np.asarray(self.equations(*xs)), self.tangent()
        step = Krylov(self.how.linear, 0.1, None)(lambda v: np.asarray(tangent.evaluate([*xs, v])[0]), f)
        check_step(step, f, xs[-1], self.equations.what, self.how.tol)
        return [np.zeros_like(f)]


def undecided(x: Any) -> bool:
    """Is only its type known?"""
    return isinstance(x, Tracer) and isinstance(concrete(x), ArrayType)
