"""Initial value problems forwards and backwards along one another: what the adjoints of flows are made of.

On an interval [a, b] stage s has the unknowns X_s, and runs forwards (d_s = 1, from a to b) or backwards (d_s = -1):

    X_s' = f_s(c, t, X_1, ..., X_s)        given where it starts, and asked for where it ends

in which X_1, ..., X_s-1 are those that the stages before found, on their dense output: nothing that decays is ever run
in the direction in which it grows. The tangent of such a chain is one of as many stages, (X_s, X_s_dot). The adjoint
of the tangent has twice as many: behind X_1, ..., X_k come Lambda_k, ..., Lambda_1, each against the direction of its
stage, and the integral M, the adjoint of c:

    Lambda_s' = -d_s sum_r>=s d_r (df_r/dX_s)^T Lambda_r        M' = sum_s d_s (df_s/dc)^T Lambda_s

So derivatives of every order, in both modes, are chains. (One stage: Pontryagin's adjoint equation with stored states,
as in CVODES: Serban and Hindmarsh 2005, section 2.)
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import numpy as wnp
from ...core.primitive import Custom, Primitive, Sample
from ...core.program import Program
from ...core.record import record
from ...core.types import ArrayType, is_inexact, type_of, zeros
from ...primitives import call
from ...transforms.jvp import jvp_flat
from ...transforms.linearize import linearize_flat
from ...transforms.transpose import transpose_tape
from .equations import joined
from .integration import Solver
from .krylov import lane_by_lane
from .outside import Job, outside

NUMBER = ArrayType((), np.float64)


class Stage(NamedTuple):
    """f: c, t, X_1, ..., X_s -> X_s'. integral: is its own X_s without a part in any f?"""

    f: Program
    backward: bool = False
    integral: bool = False

    @property
    def type(self) -> ArrayType:
        """That of X_s, (n_s,)."""
        return self.f.in_types[-1]


class Sweeps:
    """A chain of stages as a function: `chain(*c, ends, *starts) -> X_s at its end, for each s`; ends = (a, b)."""

    def __init__(self, stages: Sequence[Stage], const_types: Sequence[ArrayType], solver: Solver) -> None:
        self.stages, self.const_types, self.solver = list(stages), list(const_types), solver
        self.moving = [is_inexact(t.dtype) for t in const_types]
        self.k, self.types = len(stages), [stage.type for stage in stages]

    def __call__(self, *xs: Any) -> list[Any]:
        """The ends of all stages, with their derivative."""
        job = Job(self.computed, self.types, "ode")
        return call.custom_jvp(*xs, rule=call.JVPRule(lambda *xs: outside(*xs, job=job), self.jvp, "ode"))

    def computed(self, *xs: Any) -> list[Any]:
        """On plain arrays."""
        c = len(self.const_types)
        consts, (a, b), starts = xs[:c], xs[c], xs[c + 1 :]
        paths: list[Any] = []
        ends, mesh = [], np.array([a, b])
        for stage, x in zip(self.stages, starts, strict=True):
            span = (b, a) if stage.backward else (a, b)
            if a == b or not x.size:
                ends.append(x)
                paths.append(lambda t, x=x: x)
            elif stage.integral:
                along = mesh[::-1] if stage.backward else mesh
                ends.append(self.solver.integral(stage.f, [*consts, *paths], along, x))
                paths.append(lambda t, x=x: x)
            else:
                found = self.solver.path(stage.f, [*consts, *paths], span, x, dense_output=True)
                ends.append(found.y[:, -1])
                paths.append(found.sol)
                mesh = np.union1d(mesh, found.t)
                mesh = mesh if a < b else mesh[::-1]
        return ends

    # forward mode ------------------------------------------------------------------------------------------------
    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """X_s_dot begins with start_dot - f_s t_dot, and the end moves with + f_s t_dot, each at its own time."""
        c = len(self.const_types)
        consts, times, starts = xs[:c], xs[c], xs[c + 1 :]
        const_dots, times_dot, start_dots = x_dots[:c], x_dots[c], x_dots[c + 1 :]
        ends = self(*xs)
        begun, moved = [], []
        for s, stage in enumerate(self.stages):
            rates = []
            for k in (0, 1):  # at a, and at b: stages start at one and end at the other
                pairs = zip(self.stages, starts, ends, strict=True)
                at = [y if other.backward == (k == 0) else x for other, x, y in pairs]
                (rate,) = stage.f.evaluate([*consts, times[k], *at[: s + 1]])
                rates.append(rate * times_dot[k].astype(stage.type.dtype))
            first, last = rates[::-1] if stage.backward else rates
            begun.append(start_dots[s] - first)
            moved.append(last)
        dots = [d for d, on in zip(const_dots, self.moving, strict=True) if on]
        along = sweep_tangent(*consts, times, *starts, *dots, *begun, sweeps=self)
        return ends, [x + m for x, m in zip(along, moved, strict=True)]

    @functools.cached_property
    def with_tangent(self) -> Sweeps:
        """The chain of (X_s, X_s_dot), with the tangents of the constants as further constants."""
        c, sizes = len(self.const_types), [t.size for t in self.types]

        def f(stage: Stage, *xs: Any) -> list[Any]:
            consts, it = xs[:c], iter(xs[c:])
            dots = [next(it) if on else None for on in self.moving]
            t, *ws = it
            pairs = [(w[:n], w[n:]) for w, n in zip(ws, sizes, strict=False)]
            primals = [*consts, t, *(x for x, _ in pairs)]
            tangents = [*dots, None, *(x_dot for _, x_dot in pairs)]
            (y,), (y_dot,) = jvp_flat(lambda *xs: stage.f.evaluate(xs), primals, tangents)
            return [wnp.concatenate([y, zeros(type_of(y)) if y_dot is None else y_dot])]

        consts = [*self.const_types, *self.given_types]
        doubled = [ArrayType((2 * t.size,), t.dtype) for t in self.types]
        stages = [
            self.stage(functools.partial(f, stage), [*consts, NUMBER, *doubled[: s + 1]], stage, "tangent")
            for s, stage in enumerate(self.stages)
        ]
        return Sweeps(stages, consts, self.solver)

    # reverse mode ------------------------------------------------------------------------------------------------
    @functools.cached_property
    def with_adjoint(self) -> Sweeps:
        """The chain X_1, ..., X_k, Lambda_k, ..., Lambda_1, M."""
        types, stages = [*self.const_types, NUMBER, *self.types], list(self.stages)
        for s in reversed(range(self.k)):
            types.append(self.types[s])
            old = self.stages[s]
            turned = Stage(old.f, not old.backward, old.integral)
            stages.append(self.stage(functools.partial(self.adjoint_rate, s), types, turned, "adjoint"))
        types.append(ArrayType((sum(map(reals, self.given_types)),), self.types[0].dtype))
        stages.append(self.stage(self.constants_rate, types, Stage(self.stages[0].f, False, True), "adjoint"))
        return Sweeps(stages, self.const_types, self.solver)

    def adjoint_rate(self, s: int, *args: Any) -> list[Any]:
        """Lambda_s', at c, t, X_1, ..., X_k, Lambda_k, ..., Lambda_s."""
        c = len(self.const_types)
        before, xs, lams = args[: c + 1], args[c + 1 : c + 1 + self.k], args[c + 1 + self.k :][::-1]

        def rates(x: Any) -> list[Any]:
            at = [*xs[:s], x, *xs[s + 1 :]]
            return [r.f.evaluate([*before, *at[: i + 1]])[0] for i, r in enumerate(self.stages) if i >= s]

        _, tape, ins, nodes = linearize_flat(rates, [xs[s]])
        seeds = [lam * (-self.sign(s) * self.sign(s + i)) for i, lam in enumerate(lams)]
        (bar,) = transpose_tape(tape, ins, nodes, seeds)
        return [zeros(self.types[s]) if bar is None else bar]

    def constants_rate(self, *args: Any) -> list[Any]:
        """M', at c, t, X_1, ..., X_k, Lambda_k, ..., Lambda_1, M."""
        c = len(self.const_types)
        consts, t, xs = args[:c], args[c], args[c + 1 : c + 1 + self.k]
        lams = args[c + 1 + self.k : -1][::-1]
        given = [x for x, on in zip(consts, self.moving, strict=True) if on]

        def rates(*moving: Any) -> list[Any]:
            it = iter(moving)
            all_of_them = [next(it) if on else x for x, on in zip(consts, self.moving, strict=True)]
            return [r.f.evaluate([*all_of_them, t, *xs[: i + 1]])[0] for i, r in enumerate(self.stages)]

        _, tape, ins, nodes = linearize_flat(rates, given)
        bars = transpose_tape(tape, ins, nodes, [lam * self.sign(i) for i, lam in enumerate(lams)])
        full = [zeros(type_of(x)) if b is None else b for b, x in zip(bars, given, strict=True)]
        return [joined(full, self.types[0].dtype)]

    def sign(self, s: int) -> float:
        """d_s."""
        return -1.0 if self.stages[s].backward else 1.0

    def stage(self, f: Any, types: Sequence[ArrayType], like: Stage, name: str) -> Stage:
        """A stage of this function, recorded."""
        return Stage(record(f, types, f"{name} of {like.f.name}"), like.backward, like.integral)

    def by_constant(self, m: Any) -> list[Any]:
        """M as adjoints of the constants that have one."""
        bars, at = [], 0
        for type in self.given_types:
            part = m[at : at + reals(type)]
            if type.dtype.kind == "c":
                part = part[: type.size] + 1j * part[type.size :]
            bars.append(part.reshape(type.shape).astype(type.dtype))
            at += reals(type)
        return bars

    @property
    def given_types(self) -> list[ArrayType]:
        """Those of the constants that have a derivative."""
        return [t for t, on in zip(self.const_types, self.moving, strict=True) if on]


def reals(type: ArrayType) -> int:
    """How many real numbers an array has."""
    return type.size * (2 if type.dtype.kind == "c" else 1)


# the tangent of a chain, linear in its tangents ------------------------------------------------------------------
def _tangent(*args: Any, sweeps: Sweeps) -> list[Any]:
    c, k = len(sweeps.const_types), sweeps.k
    consts, times, starts, dots = args[:c], args[c], args[c + 1 : c + 1 + k], args[c + 1 + k :]
    const_dots, start_dots = dots[: len(dots) - k], dots[len(dots) - k :]
    both = [wnp.concatenate([x, x_dot]) for x, x_dot in zip(starts, start_dots, strict=True)]
    ends = sweeps.with_tangent(*consts, *const_dots, times, *both)
    return [w[t.size :] for w, t in zip(ends, sweeps.types, strict=True)]


def _tangent_jvp(primals: Any, tangents: Any, *, sweeps: Sweeps) -> tuple[list[Any], list[Any]]:
    return jvp_flat(lambda *xs: _tangent(*xs, sweeps=sweeps), primals, tangents)


def _tangent_T(bars: Any, *args: Any, sweeps: Sweeps) -> list[Any]:
    c, k = len(sweeps.const_types), sweeps.k
    known = args[: c + 1 + k]
    given = [zeros(t) if bar is None else bar for bar, t in zip(bars, sweeps.types, strict=True)]
    m = zeros(sweeps.with_adjoint.types[-1])
    *found, m = sweeps.with_adjoint(*known, *given[::-1], m)[k:]
    return [None] * len(known) + [*sweeps.by_constant(m), *found[::-1]]


def _sweeps(rng: np.random.Generator) -> tuple[Sweeps, list[Any]]:
    """y' = sin(A y) + t forwards, and beside it w' = -y w backwards."""
    A, row = ArrayType((2, 2), np.float64), ArrayType((2,), np.float64)
    f = record(lambda A, t, y: [wnp.sin(A @ y) + t], [A, NUMBER, row], "f")
    g = record(lambda A, t, y, w: [A @ w - y * w], [A, NUMBER, row, row], "g")
    sweeps = Sweeps([Stage(f), Stage(g, backward=True)], [A], Solver("DOP853", 1e-8, 1e-9))
    return sweeps, [rng.normal(size=(2, 2)), np.array([0.0, 0.4]), rng.normal(size=2), rng.normal(size=2)]


def _tangent_samples(rng: np.random.Generator) -> Iterator[Sample]:
    sweeps, args = _sweeps(rng)
    dots = [rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=2)]
    yield Sample((*args, *dots), {"sweeps": sweeps}, differentiable=(0, 2, 3, 4, 5, 6), tolerance=1e-5)


sweep_tangent: Primitive = Primitive(
    "sweep_tangent",  # *c, ends, *starts, *c_dots, *start_dots -> tangents of the ends of all stages
    _tangent,
    Custom(_tangent_jvp, together=_tangent_T),
    type_rule=lambda *types, sweeps: sweeps.types,
    batch=lambda size, batched, *args, sweeps: lane_by_lane(sweep_tangent, size, batched, args, sweeps=sweeps),
    samples=_tangent_samples,
    multiple=True,
)
