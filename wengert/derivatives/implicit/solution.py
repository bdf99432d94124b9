"""The implicit function theorem as a rule: F(x, y) = 0 gives F_y y_dot = -F_x x_dot, a linear system.

Forward mode solves it; reverse mode is its transpose; higher derivatives are those of the rule, in which y is again the
solution. The solver is never differentiated. (Griewank and Walther, Evaluating Derivatives, 2nd ed., section 15.1;
Blondel et al., Efficient and modular implicit differentiation, 2022, for solvers apart from equations.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ... import numpy as wnp
from ...core.body import Body
from ...core.call import check_callable, name_of
from ...core.provided import provided
from ...core.trace import Tracer, concrete, recording
from ...core.types import ArrayType, dtype_of, is_inexact, shape_of, zeros
from ...errors import ShapeError, WengertError
from ...primitives import call
from ...transforms.jvp import jvp_flat
from .equations import Equations, Vector
from .outside import Job, outside

Solver = Callable[[Callable[..., Any], Any], Any]
Find = Callable[[Sequence[Any], np.ndarray], Any]


class System(Protocol):
    """How systems with F_y are solved, once the equations are seen to hold at z and to determine it."""

    def solve(self, args: Sequence[Any], z: Any, b: Any) -> Any:
        """F_y^-1 b."""


class Given:
    """The user's solver, `solver(f, y0) -> y`, where f is seen(args), as one of flat vectors."""

    def __init__(self, solver: Solver, seen: Callable, unknowns: Vector) -> None:
        check_callable(solver, "implicit")
        self.solver, self.seen, self.unknowns = solver, seen, unknowns

    def __call__(self, args: Sequence[Any], z0: np.ndarray) -> Any:
        """What it finds on plain arrays."""
        return self.returned(self.solver(self.seen(args), self.unknowns.whole(z0)))

    def returned(self, y: Any) -> Any:
        """The vector of what it returned."""
        z = self.unknowns.flat(y)
        if shape_of(z) != (self.unknowns.size,):
            raise ShapeError(
                f"{name_of(self.solver)} returned {shape_of(z)[0]} numbers for {self.unknowns.size} unknowns",
                why="the solution has the structure of the start",
                write="return y alone: found.x, not the whole result of SciPy",
            )
        return z

    def followed(self, xs: Sequence[Any]) -> list[Any]:
        """It as a part of the program that is recorded."""
        n = len(xs) - 1

        def run(*xs: Any) -> Any:
            y = provided("adopt")(self.solver)(self.seen(xs[:n]), self.unknowns.whole(xs[n]))
            return self.returned(y)

        body = Body(run, [ArrayType(x.shape, dtype_of(x)) for x in xs], self.solver)
        return body.program.evaluate([*body.constants, *xs])


class Solution:
    """A solver and the equations that its result satisfies, as one function of vectors with a derivative.

    find: `find(args, z0) -> z`, on plain vectors. One that is Given is recorded where a program is (wg.jit), if it can
    be; otherwise the program calls back to it. system: how the linear systems of the derivative are solved.
    """

    def __init__(self, equations: Equations, system: System, find: Find) -> None:
        self.equations, self.system, self.find = equations, system, find
        self.type = equations.program.in_types[-1]
        self.job = Job(lambda *xs: [find(xs[:-1], xs[-1])], [self.type], equations.what)

    def __call__(self, z0: Any) -> Any:
        """The solution, from this start."""
        return self.solved([*self.equations.args, z0])[0]

    def solved(self, xs: Sequence[Any]) -> list[Any]:
        """args, z0 -> z, with its derivative."""
        return call.custom_jvp(*xs, rule=call.JVPRule(self.flat, self.jvp, self.equations.what))

    def flat(self, *xs: Any) -> list[Any]:
        """args, z0 -> z."""
        if isinstance(self.find, Given) and recording.get() is not None and any(map(undecided, xs)):
            try:
                return self.find.followed(xs)
            except (WengertError, TypeError, ValueError, AttributeError):
                pass  # it needs plain arrays: the program calls back to it
        return outside(*xs, job=self.job)

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """(z, z_dot); the start moves nothing."""
        args, dots = xs[:-1], [d if is_inexact(dtype_of(d)) else None for d in x_dots[:-1]]
        (z,) = self.solved(xs)
        (moved,) = jvp_flat(lambda *cs: [self.equations(*cs, z)], args, dots)[1]
        if moved is None:
            return [z], [zeros(self.type)]
        return [z], [wnp.negative(self.system.solve(args, z, moved))]


def undecided(x: Any) -> bool:
    """Is only its type known?"""
    return isinstance(x, Tracer) and isinstance(concrete(x), ArrayType)
