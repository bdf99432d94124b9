"""Minima with constraints: the equations of the active set, and the active set of what a solver found.

    minimise f(y),  l <= y <= u,  c_i(y) = 0 (equalities),  c_i(y) >= 0 (inequalities)

With the Lagrangian L = f - sum_i lambda_i c_i, at a minimum z = (y, lambda) solves F(z) = 0 (Karush, Kuhn, Tucker):

    F_y = y - bound where y is at a bound, L_y elsewhere;   F_lambda = c where active (all equalities), lambda elsewhere

F reads the active set off z: unknowns at a bound are equal to it, inactive inequalities have lambda = 0. Where no
constraint is active with multiplier zero, it stays when parameters move, so the implicit function theorem holds for F
(Fiacco, Introduction to sensitivity and stability analysis in nonlinear programming, 1983, theorem 3.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.record import record
from ...core.types import ArrayType, zeros
from ...errors import InaccurateSolutionWarning, NotASolutionError, warn
from ...transforms.jvp import jvp_flat
from ...transforms.linearize import linearize_flat
from ...transforms.transpose import transpose_tape
from .certify import ROUGH, Strict, certified
from .constraints import Constraints
from .equations import Equations
from .systems import Dense, Step, System, length, tried


class KKT:
    """The equations of the active set. f: the function, or with half_squares residuals r, for |r|^2 / 2."""

    def __init__(self, f: Equations, c: Constraints, box: tuple[Any, Any], half_squares: bool) -> None:
        self.f, self.c, self.half_squares = f, c, half_squares
        y_type = f.program.in_types[-1]
        self.n, self.m, self.dtype = y_type.size, c.m, y_type.dtype
        self.sizes = len(f.args), len(f.args) + len(c.equations.args)
        args = [*f.args, *c.equations.args, *box]
        types = [*f.program.in_types[:-1], *c.equations.program.in_types[:-1], y_type, y_type]
        program = record(lambda *xs: [self.residual(*xs)], [*types, ArrayType((self.n + self.m,), self.dtype)], f.name)
        self.equations = Equations(program, args, f.name, f.what)

    def parts(self, *xs: Any) -> tuple[Any, Any, Any]:
        """At args, z: the gradients f_y and L_y, and c."""
        (a, b), (y, lam) = self.sizes, (xs[-1][: self.n], xs[-1][self.n :])
        values, tape, ins, nodes = linearize_flat(lambda y: [self.f(*xs[:a], y), self.c.equations(*xs[a:b], y)], [y])
        seed = values[0] if self.half_squares else np.ones(1, self.dtype)
        bars = (transpose_tape(tape, ins, nodes, seeds)[0] for seeds in ([seed, None], [seed, -lam]))
        f_y, lagrangian = (zeros(ArrayType((self.n,), self.dtype)) if x is None else x for x in bars)
        return f_y, lagrangian, values[1]

    def residual(self, *xs: Any) -> Any:
        """F."""
        *_, lower, upper, z = xs
        y, lam = z[: self.n], z[self.n :]
        _, gradient, c = self.parts(*xs)
        first = wnp.where(y <= lower, y - lower, wnp.where(y >= upper, y - upper, gradient))
        return wnp.concatenate([first, wnp.where(self.c.equality | (lam > 0.0), c, lam)])

    def evidence(self, args: Sequence[Any], z: Any) -> list[Any]:
        """Slacks beside 1 + |y|, multipliers, and how much those change where y moves by 1 + |y|, of inequalities."""
        lower, upper = args[-2:]
        y, ask = z[: self.n], ~self.c.equality
        _, gradient, c = self.parts(*args, z)
        size = 1.0 + wnp.max(wnp.abs(y), initial=0.0)
        apart = lower < upper
        slack = [wnp.where(apart, y - lower, np.inf), wnp.where(apart, upper - y, np.inf), c[ask]]
        multipliers = [gradient, -gradient, z[self.n :][ask]]
        return [wnp.concatenate(slack) / size, wnp.concatenate(multipliers), self.curvature(args, z) * size]

    def curvature(self, args: Sequence[Any], z: Any) -> Any:
        """How much the gradient of the Lagrangian changes in a direction of the unknowns of about unit length."""
        direction = np.random.default_rng(0).standard_normal(self.n + self.m).astype(self.dtype)
        direction[self.n :] = 0.0
        (moved,) = jvp_flat(lambda z: [self.parts(*args, z)[1]], [z], [direction])[1]
        return np.zeros((), self.dtype)[()] if moved is None else wnp.max(wnp.abs(moved), initial=0.0)


class ActiveSystem:
    """A system of KKT equations, once each active inequality is seen to be needed."""

    def __init__(self, system: System, kkt: KKT, tol: float) -> None:
        self.system, self.kkt, self.check = system, kkt, Strict(kkt.f.what, tol)

    def solve(self, args: Sequence[Any], z: Any, b: Any) -> Any:
        """F_z^-1 b."""
        z = certified(z, *self.kkt.evidence(args, z), check=self.check, lanes=(), again=False)
        return self.system.solve(args, z, b)

    def steps(self, args: Sequence[Any]) -> Step:
        """Newton's, on plain vectors; the shortest where a dense matrix has lost rank, as without LICQ."""
        if not isinstance(self.system, Dense):
            return self.system.steps(args)
        jacobian = self.kkt.equations.at(args)[1]
        return lambda z, f: np.linalg.lstsq(jacobian(z), f, rcond=1e3 * np.finfo(f.dtype).eps)[0]


# the active set of a point, on plain vectors ------------------------------------------------------------------------
class ActiveSet:
    """Newton's method on the active set of each of its points, from a point that a solver found (given: the user's).

    A constraint is active where its multiplier is larger than its slack (Hintermueller, Ito and Kunisch, The
    primal-dual active set strategy as a semismooth Newton method, SIAM Journal on Optimization 13, 2002).
    """

    def __init__(self, kkt: KKT, args: Sequence[Any], step: Step, tol: float, given: bool) -> None:
        self.kkt, self.args, self.step, self.tol, self.given = kkt, args, step, tol, given
        self.lower, self.upper = (np.asarray(b) for b in args[-2:])
        self.scale = 1.0  # of multipliers beside slacks

    def refined(self, y: np.ndarray, rounds: int = 30) -> np.ndarray:
        """z = (y, lambda) with F(z) = 0, near y; NotASolutionError where there is none."""
        kkt = self.kkt
        y = np.clip(np.asarray(y, kkt.dtype), self.lower, self.upper)
        z, before, left = np.concatenate([y, self.first_multipliers(y)]), None, np.inf
        size = np.abs(kkt.parts(*self.args, z)[0]).max(initial=0.0) / (1.0 + np.abs(y).max(initial=0.0))
        self.scale = float(max(size, kkt.curvature(self.args, z))) or 1.0
        for _ in range(rounds):
            z, active = self.placed(z)
            f = np.asarray(kkt.equations(*self.args, z))
            size = np.abs(f).max(initial=0.0)
            if before is not None and np.array_equal(active, before) and not size < 0.5 * left:
                break
            before, left = active, size
            dz = tried(self.step, z, f)
            if not np.isfinite(dz).all():
                break
            z = z - dz
        return self.checked(self.placed(z)[0], y)

    def checked(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """z, where it is a solution near y: constraints that are violated, or multipliers of a wrong sign, are in F."""
        f, n, tol = np.asarray(self.kkt.equations(*self.args, z)), self.kkt.n, self.tol
        dz = tried(self.step, z, f)
        short = not np.isfinite(dz).all() or length(dz, z) <= tol  # of a singular sparse matrix there is no step
        short = short and np.abs(f).max(initial=0.0) <= tol * (1.0 + self.scale)
        off = length(z[:n] - y, y)
        why = "the derivative of a minimum is that of its active constraints, which are found from there"
        write = "a smaller tolerance in the solver, more iterations, another start; or tol= for what you accept"
        if not short or not off <= ROUGH * tol:
            raise NotASolutionError(
                f"what {self.kkt.f.what} found is no minimum under its constraints: the largest residual of the KKT "
                f"equations is {np.abs(f).max(initial=0.0):.1e}, the next solution of them is {off:.1e} away",
                why=why,
                write=write,
            )
        if off > tol and self.given:
            warn(
                InaccurateSolutionWarning,
                f"what {self.kkt.f.what} found is {off:.1e} away from the minimum under its constraints",
                why=why,
                write=write,
            )
        return z

    def placed(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """z with its active set taken literally (at bounds; multipliers zero), and which inequalities are active."""
        n, free = self.kkt.n, ~self.kkt.c.equality
        y, lam = z[:n].copy(), z[n:].copy()
        scale, (_, gradient, c) = self.scale, map(np.asarray, self.kkt.parts(*self.args, z))
        low = (gradient > scale * (y - self.lower)) | (self.lower == self.upper)
        up = ~low & (-gradient > scale * (self.upper - y))
        inside = np.nextafter(self.lower, np.inf), np.nextafter(self.upper, -np.inf)
        y = np.where(low, self.lower, np.where(up, self.upper, np.minimum(np.maximum(y, inside[0]), inside[1])))
        on = free & (lam > scale * c)
        lam = np.where(free, np.where(on, np.maximum(lam, np.finfo(lam.dtype).tiny), 0.0), lam)
        return np.concatenate([y, lam]).astype(z.dtype), np.concatenate([low, up, on])

    def first_multipliers(self, y: np.ndarray) -> np.ndarray:
        """Of equalities and of inequalities that are nearly met with equality, by least squares on free unknowns."""
        from scipy.optimize import lsq_linear  # slow to import: only when asked for

        kkt, lam = self.kkt, np.zeros(self.kkt.m, self.kkt.dtype)
        if not kkt.m or not kkt.n:
            return lam
        a, b = kkt.sizes
        f_y, _, c = map(np.asarray, kkt.parts(*self.args, np.concatenate([y, lam])))
        slopes = np.asarray(kkt.c.equations.jacobian(self.args[a:b], y))
        size = 1e-3 * (1.0 + np.abs(y).max())
        near = kkt.c.equality | (c <= size * np.abs(slopes).max(axis=1, initial=0.0))
        free = (y - self.lower > size) & (self.upper - y > size)
        if near.any() and free.any():
            least = np.where(kkt.c.equality[near], -np.inf, 0.0)
            lam[near] = lsq_linear(slopes[near][:, free].T, f_y[free], (least, np.inf)).x
        return lam
