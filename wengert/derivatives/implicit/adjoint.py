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
from ...core.types import ArrayType, is_inexact, shape_of, type_of, zeros
from ...errors import ArgumentError, NotASolutionError
from ...primitives import call
from ...primitives.shape import broadcast_to
from ...transforms.jvp import jvp_flat
from ...transforms.linearize import linearize_flat
from ...transforms.transpose import transpose_tape
from .krylov import lane_by_lane
from .outside import Job, outside

NUMBER = ArrayType((), np.float64)


class Flow:
    """dy/dt = f(*consts, t, y), a program: ys = flow(*consts, times, y0), (T, n), with derivatives in all of them."""

    def __init__(self, f: Program, method: str, rtol: float, atol: float) -> None:
        self.f, self.method, self.rtol, self.atol = f, method, rtol, atol
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
        """On plain arrays, by scipy.integrate.solve_ivp."""
        import scipy.integrate  # slow to import: only when asked for

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
        f = lambda t, y: self.f.evaluate([*consts, np.float64(t), y.astype(self.type.dtype)])[0]
        bounds = {"rtol": max(self.rtol, 1e-13), "atol": self.atol}
        with np.errstate(all="ignore"):
            found = scipy.integrate.solve_ivp(f, (t[0], t[-1]), y0, self.method, t, **bounds)
        if not found.success or not np.isfinite(found.y).all():
            raise NotASolutionError(
                f"{self.method} stopped at t = {found.t[-1] if len(found.t) else t[0]:g}: {found.message}",
                why="the solution, or a tangent or adjoint beside it, grows without bound, or is stiff",
                write="times before it does; method='Radau', 'BDF' or 'LSODA' for stiff equations",
            )
        return [found.y.T]

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """y_dot(t_k) + f(t_k, y(t_k)) t_k_dot, where y_dot begins with y0_dot - f(t_0, y_0) t_0_dot."""
        *consts, t, _ = xs
        *const_dots, t_dot, y0_dot = x_dots
        ys = self(*xs)
        rates = wnp.stack([self.f.evaluate([*consts, t[k], ys[k]])[0] for k in range(t.shape[0])])
        moved = rates * t_dot.astype(self.type.dtype)[:, None]
        dots = [d for d, on in zip(const_dots, self.moving, strict=True) if on]
        (along,) = flow_tangent(*consts, t, ys, y0_dot - moved[0], *dots, flow=self)
        return [ys], [along + moved]

    @functools.cached_property
    def with_tangent(self) -> Flow:
        """The flow of (y, y_dot), with the tangents of the constants as further constants."""
        c, types = len(self.const_types), [t for t, on in zip(self.const_types, self.moving, strict=True) if on]

        def f(*xs: Any) -> list[Any]:
            consts, it, t, w = xs[:c], iter(xs[c:-2]), xs[-2], xs[-1]
            dots = [next(it) if on else None for on in self.moving]
            primals, tangents = [*consts, t, w[: self.n]], [*dots, None, w[self.n :]]
            (y,), (y_dot,) = jvp_flat(lambda *xs: self.f.evaluate(xs), primals, tangents)
            return [wnp.concatenate([y, wnp.zeros(self.n, self.type.dtype) if y_dot is None else y_dot])]

        return self.like(f, [*self.const_types, *types], 2 * self.n, "tangent")

    @functools.cached_property
    def with_adjoint(self) -> Flow:
        """The flow of (y, lambda, mu): lambda' = -f_y^T lambda, mu' = -f_consts^T lambda, to be run backwards."""
        moving = [*self.moving, True]
        size = sum(t.size for t, on in zip(self.const_types, self.moving, strict=True) if on)

        def f(*xs: Any) -> list[Any]:
            *consts, t, w = xs
            y, lam = w[: self.n], w[self.n : 2 * self.n]
            given = [x for x, on in zip([*consts, y], moving, strict=True) if on]

            def of_moving(*xs: Any) -> Any:
                it = iter(xs)
                *cs, y = (next(it) if on else x for x, on in zip([*consts, None], moving, strict=True))
                return self.f.evaluate([*cs, t, y])

            values, tape, ins, nodes = linearize_flat(of_moving, given)
            bars = transpose_tape(tape, ins, nodes, [lam])
            *mus, y_bar = (zeros(x) if b is None else b for b, x in zip(bars, map(type_of, given), strict=True))
            return [wnp.concatenate([values[0], -y_bar, *(-wnp.ravel(m) for m in mus)])]

        return self.like(f, self.const_types, 2 * self.n + size, "adjoint")

    def like(self, f: Any, consts: Sequence[ArrayType], n: int, name: str) -> Flow:
        """The flow of another function, with the same solver."""
        types = [*consts, NUMBER, ArrayType((n,), self.type.dtype)]
        return Flow(record(f, types, f"{name} of {self.f.name}"), self.method, self.rtol, self.atol)


# the tangent of a flow -------------------------------------------------------------------------------------------
def _tangent(*args: Any, flow: Flow) -> list[Any]:
    """y_dot' = f_y y_dot + f_consts const_dots beside y, from (ys[0], y0_dot)."""
    c, n = len(flow.const_types), flow.n
    consts, (t, ys, y0_dot), dots = args[:c], args[c : c + 3], args[c + 3 :]
    return [flow.with_tangent(*consts, *dots, t, wnp.concatenate([ys[0], y0_dot]))[:, n:]]


def _tangent_jvp(primals: Any, tangents: Any, *, flow: Flow) -> tuple[list[Any], list[Any]]:
    return jvp_flat(lambda *xs: _tangent(*xs, flow=flow), primals, tangents)


def _tangent_T(y_bars: Any, *args: Any, flow: Flow) -> list[Any]:
    """lambda back through the times, with the adjoint of each y added where it stands; mu sums those of constants."""
    c, n = len(flow.const_types), flow.n
    consts, (t, ys) = args[:c], args[c : c + 2]
    back = flow.with_adjoint
    (y_bar,) = y_bars

    def interval(w: Any, row: Any) -> tuple[Any, None]:
        ends, y_low, y_high, bar = row
        w = back(*consts, ends, wnp.concatenate([y_high, w]))[1]
        w = retraced(w[n:], w[:n], y_low)
        return wnp.concatenate([w[:n] + bar, w[n:]]), None

    w = wnp.concatenate([y_bar[-1], wnp.zeros(back.n - 2 * n, flow.type.dtype)])
    if ys.shape[0] > 1:
        rows = wnp.stack([t[1:], t[:-1]], axis=1), ys[:-1], ys[1:], y_bar[:-1]
        w, _ = scan(interval, w, rows, reverse=True)
    bars, at = [], n
    for type in (t for t, on in zip(flow.const_types, flow.moving, strict=True) if on):
        bars.append(w[at : at + type.size].reshape(type.shape).astype(type.dtype))
        at += type.size
    return [None] * (c + 2) + [w[:n], *bars]


def _tangent_samples(rng: np.random.Generator) -> Iterator[Sample]:
    types = [ArrayType((2, 2), np.float64), NUMBER, ArrayType((2,), np.float64)]
    f = record(lambda A, t, y: [wnp.sin(A @ y) + t], types, "f")
    A, y0, t = rng.normal(size=(2, 2)), rng.normal(size=2), np.array([0.0, 0.3, 0.5])
    flow = Flow(f, "DOP853", 1e-11, 1e-12)
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


# the way back ----------------------------------------------------------------------------------------------------
def _retraced(w: Any, found: Any, known: Any) -> Any:
    """w itself, where y, run backwards, came to where it had been."""
    off = np.abs(found - known).max(initial=0.0)
    if not off <= 1e-3 * (1.0 + np.abs(known).max(initial=0.0)):
        raise NotASolutionError(
            f"run backwards, the solution misses the value that it had at the time before by {off:.1e}",
            why="what decays forwards grows backwards, with its errors; the adjoint needs y on its way",
            write="more times t, between which it decays less; forward mode (wg.jacfwd, wg.jvp); or fixed steps "
            "(method='rk4'), whose adjoint is exact",
        )
    return w


def _retraced_samples(rng: np.random.Generator) -> Iterator[Sample]:
    args = rng.normal(size=3), np.ones(2), np.ones(2)
    yield Sample(args, differentiable=(0,), wrap=lambda w, found, known: (w, np.ones(2), np.ones(2)))


def _batch_retraced(size: int, batched: Sequence[bool], *args: Any) -> tuple[Any, bool]:
    full = [x if on else broadcast_to(x, shape=(size, *shape_of(x))) for x, on in zip(args, batched, strict=True)]
    return retraced(*full), True


retraced: Primitive = Primitive(
    "retraced",  # an adjoint as it is, once the way back is seen to be the way there
    _retraced,
    Custom(lambda primals, tangents: (retraced(*primals), tangents[0])),
    type_rule=lambda w, found, known: w,
    batch=_batch_retraced,
    samples=_retraced_samples,
)
