"""Flows of differential equations by SciPy's adaptive solvers; their tangents, and adjoints backwards in time."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...control import scan
from ...core.primitive import Custom, Primitive, Sample
from ...core.program import Program
from ...core.record import record
from ...core.types import ArrayType, is_inexact
from ...errors import ArgumentError
from ...primitives import call
from ...primitives.shape import broadcast_to
from ...transforms.batch import batch_flat
from ...transforms.jvp import jvp_flat
from .integration import Solver
from .krylov import lane_by_lane
from .outside import Job, outside
from .sweeps import NUMBER, Stage, Sweeps


class Flow:
    """dy/dt = f(*consts, t, y), a program: ys = flow(*consts, times, y0), (T, n), with derivatives in all of them.

    moving: may the times have a tangent?
    """

    def __init__(self, f: Program, solver: Solver, moving: bool = True) -> None:
        self.f, self.solver, self.times_move = f, solver, moving
        self.n, self.type = f.in_types[-1].size, f.in_types[-1]
        self.const_types = f.in_types[:-2]
        self.moving = [is_inexact(t.dtype) for t in self.const_types]

    def __call__(self, *xs: Any) -> Any:
        """ys, with their derivative."""

        def fun(*xs: Any) -> list[Any]:
            types = [ArrayType((xs[-2].shape[0], self.n), self.type.dtype)]
            return outside(*xs, job=Job(self.computed, types, "ode"))

        return call.custom_jvp(*xs, rule=call.JVPRule(fun, self.jvp, "ode"))[0]

    def computed(self, *xs: Any) -> list[Any]:
        """On plain arrays."""
        *consts, t, y0 = xs
        steps = np.diff(t)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            raise ArgumentError(
                "the times t are neither increasing nor decreasing",
                why="the solution is followed from each to the next",
                write="np.unique(t), or several calls",
            )
        if not (len(t) > 1 and self.n):
            return [np.repeat(y0[None], len(t), axis=0)]
        return [self.solver.path(self.f, consts, (t[0], t[-1]), y0, t_eval=t).y.T]

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """y_dot(t_k) + f(t_k, y(t_k)) t_k_dot, where y_dot begins with y0_dot - f(t_0, y_0) t_0_dot."""
        *consts, t, _ = xs
        *const_dots, t_dot, y0_dot = x_dots
        ys, moved = self(*xs), None
        if self.times_move:
            moved = self.rates(consts, t, ys) * t_dot.astype(self.type.dtype)[:, None]
            y0_dot = y0_dot - moved[0]
        dots = [d for d, on in zip(const_dots, self.moving, strict=True) if on]
        (along,) = flow_tangent(*consts, t, ys, y0_dot, *dots, flow=self)
        return [ys], [along if moved is None else along + moved]

    def rates(self, consts: Sequence[Any], t: Any, ys: Any) -> Any:
        """f at each of the times, (T, n)."""
        (rates,), (own,) = batch_flat(lambda t, y: self.f.evaluate([*consts, t, y]), t.shape[0], [t, ys], [True, True])
        return rates if own else broadcast_to(rates, shape=(t.shape[0], self.n))

    @functools.cached_property
    def with_tangent(self) -> Flow:
        """The flow of (y, y_dot), with the tangents of the constants as further constants."""
        return Flow(self.chain.with_tangent.stages[0].f, self.solver)

    @functools.cached_property
    def chain(self) -> Sweeps:
        """The same from one time to another, as a chain of one stage."""
        return Sweeps([Stage(self.f)], self.const_types, self.solver)


# the tangent of a flow -------------------------------------------------------------------------------------------
def _tangent(*args: Any, flow: Flow) -> list[Any]:
    """y_dot' = f_y y_dot + f_consts const_dots beside y, from (ys[0], y0_dot)."""
    c, n = len(flow.const_types), flow.n
    consts, (t, ys, y0_dot), dots = args[:c], args[c : c + 3], args[c + 3 :]
    return [flow.with_tangent(*consts, *dots, t, wnp.concatenate([ys[0], y0_dot]))[:, n:]]


def _tangent_jvp(primals: Any, tangents: Any, *, flow: Flow) -> tuple[list[Any], list[Any]]:
    return jvp_flat(lambda *xs: _tangent(*xs, flow=flow), primals, tangents)


def _tangent_T(y_bars: Any, *args: Any, flow: Flow) -> list[Any]:
    """lambda back through the times, with the adjoint of each y added where it stands; m sums those of constants.

    In each interval y is found again, forwards from where it was stored, and lambda runs back along it.
    """
    c = len(flow.const_types)
    consts, (t, ys) = args[:c], args[c : c + 2]
    back = flow.chain.with_adjoint
    (y_bar,) = y_bars

    def interval(carry: Any, row: Any) -> tuple[Any, None]:
        (lam, m), (ends, y, bar) = carry, row
        _, lam, m = back(*consts, ends, y, lam, m)
        return (lam + bar, m), None

    carry = y_bar[-1], wnp.zeros(back.types[-1].shape, flow.type.dtype)
    if ys.shape[0] > 1:
        rows = wnp.stack([t[:-1], t[1:]], axis=1), ys[:-1], y_bar[:-1]
        carry, _ = scan(interval, carry, rows, reverse=True)
    return [None] * (c + 2) + [carry[0], *flow.chain.by_constant(carry[1])]


def _tangent_samples(rng: np.random.Generator) -> Iterator[Sample]:
    types = [ArrayType((2, 2), np.float64), NUMBER, ArrayType((2,), np.float64)]
    f = record(lambda A, t, y: [wnp.sin(A @ y) + t], types, "f")
    A, y0, t = rng.normal(size=(2, 2)), rng.normal(size=2), np.array([0.0, 0.3, 0.5])
    flow = Flow(f, Solver("DOP853", 1e-11, 1e-12))
    args = A, t, flow(A, t, y0), rng.normal(size=2), rng.normal(size=(2, 2))
    yield Sample(args, {"flow": flow}, differentiable=(0, 3, 4), tolerance=1e-5)


flow_tangent: Primitive = Primitive(
    "flow_tangent",  # *consts, t, ys, y0_dot, *const_dots -> y_dots, (T, n)
    _tangent,
    Custom(_tangent_jvp, together=_tangent_T),
    type_rule=lambda *types, flow: [ArrayType(types[len(flow.const_types) + 1].shape, flow.type.dtype)],
    batch=lambda size, batched, *args, flow: lane_by_lane(flow_tangent, size, batched, args, flow=flow),
    samples=_tangent_samples,
    multiple=True,
)
