"""ode_until: a differential equation up to an event, whose time moves with whatever the equation depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.call import adopted
from ...core.program import Program
from ...core.tree import flatten, unflatten
from ...core.types import shape_of
from ...errors import ArgumentError, NotASolutionError, ShapeError
from .arguments import applied
from .equations import Function, Vector, equations_of
from .initial_value import METHODS, ode
from .integration import Solver
from .outside import Job, outside
from .roots import root
from .sweeps import NUMBER


def ode_until(
    fun: Function,
    y0: Any,
    t0: Any,
    t1: Any,
    event: Function,
    args: Sequence[Any] = (),
    *,
    direction: int = 0,
    method: str = "DOP853",
    rtol: float = 1e-9,
    atol: float = 1e-11,
    jit: bool = False,
) -> tuple[Any, Any]:
    """The first time t in (t0, t1] at which `event(t, y, *args) = 0` on the solution of `ode`, and y there: (t, y).

    Law: with y_dot the tangent of the solution at fixed time, `t_dot = -(g_y y_dot + g_args args_dot) / (g_t + g_y f)`,
    and the tangent of the result is `y_dot + f t_dot`.

    direction: 1 for events at which g rises, -1 for those at which it falls, 0 for both. The event is found by
    scipy.integrate.solve_ivp on its dense output; fun, y0, method, rtol, atol, jit: as in `ode`, with
    SciPy's methods. Raises NotASolutionError (no event), SingularPointError (a derivative where the solution touches
    g = 0 without crossing it), ArgumentError, ShapeError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> fall = lambda t, y: np.stack([y[1], -9.81])  # height and speed
    >>> ground = lambda t, y: y[0]
    >>> duration = lambda h: wg.implicit.ode_until(fall, np.stack([h, 0.0]), 0.0, 10.0, ground)[0]
    >>> duration(2.0).round(6), wg.grad(duration)(2.0).round(6)  # sqrt(2 h / g), sqrt(1 / (2 g h))
    (np.float64(0.638551), np.float64(0.159638))
    """
    if method not in METHODS:
        raise ArgumentError(
            f"ode_until has no method {method!r}",
            why="events are found on the dense output of SciPy's methods",
            write=f"one of {', '.join(METHODS)}",
        )
    unknowns = Vector(y0, "the start y0")
    ends = [wnp.asarray(t).astype(float) for t in (t0, t1)]
    if any(shape_of(t) for t in ends):
        raise ShapeError(
            f"ode_until got times of shapes {[shape_of(t) for t in ends]}",
            why="it runs from one time to another",
            write="numbers; wg.vmap over several",
        )
    rate, stops = applied(fun, args), applied(event, args)
    f = equations_of(rate, [NUMBER, unknowns], "ode_until", unknowns.size)
    g = equations_of(stops, [NUMBER, unknowns], "ode_until", 1)
    search = Search(f.program, g.program, Solver(method, rtol, atol, jit), direction)
    (found,) = outside(*f.args, *g.args, *ends, unknowns.flat(y0), job=Job(search, [NUMBER], "ode_until"))
    more: dict[str, Any] = {"method": method, "rtol": rtol, "atol": atol, "jit": jit}

    def at(t: Any) -> Any:
        leaves, tree = flatten(ode(rate, y0, wnp.stack([ends[0], t]), **more))
        return unflatten(tree, [y[-1] for y in leaves])

    t = root(lambda t: adopted(stops)(t, at(t)), found, solver=lambda _, t: t)  # where the dense output has it
    return t, at(t)


class Search:
    """The time of the first event, on plain arrays: `search(*args of f, *args of g, t0, t1, y0)`."""

    def __init__(self, f: Program, g: Program, solver: Solver, direction: int) -> None:
        self.f, self.g, self.solver, self.direction = f, g, solver, direction
        self.n = len(f.inputs) - 2

    def __call__(self, *xs: Any) -> list[Any]:
        """The time."""
        *consts, t0, t1, y0 = xs
        stops = self.solver.of(self.g)

        def event(t: float, y: np.ndarray) -> float:
            return float(stops(*consts[self.n :], np.float64(t), y.astype(self.f.in_types[-1].dtype))[0])

        event.terminal, event.direction = True, self.direction  # type: ignore[attr-defined]
        found = self.solver.path(self.f, consts[: self.n], (t0, t1), y0, events=event)
        if not found.t_events[0].size:
            raise NotASolutionError(
                f"no event was met between t = {t0:g} and {t1:g}",
                why="the event's function does not change its sign on the solution"
                + (f" in direction {self.direction}" if self.direction else ""),
                write="a later t1; direction=0 for both directions; or wg.implicit.ode, which needs no event",
            )
        (t, *_) = found.t_events[0]
        if t == t0:
            raise NotASolutionError(
                f"the event is met at t0 = {t0:g} itself",
                why="its function is zero there, and the solution goes on in the direction that was asked for",
                write="another direction, or a start beyond it",
            )
        return [np.float64(t)]
