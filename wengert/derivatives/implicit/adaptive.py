"""Steps whose lengths follow the error, in loops of the user's program: they compile, and have a discrete adjoint.

Which steps are taken is decided on values alone. A step is a share of the interval between two times, and the shares
are held fixed in derivatives, which are then exactly those of the numbers that come out (Hager 2000; Sandu 2006,
On the properties of Runge-Kutta discrete adjoints: of the order of the method).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import numpy as wnp
from ...control import cond, fori_loop, scan, while_loop
from ...core.types import shape_of
from ...errors import NotASolutionError
from ...primitives.call import stop_gradient
from .certify import certified
from .steps import Rate, dopri5, rodas4

Step = Callable[..., tuple[Any, Any, Any]]
METHODS: dict[str, tuple[Step, int]] = {"dopri5": (dopri5, 5), "rodas4": (rodas4, 4)}
SMALLEST = 1e-14  # of an interval: a step that is shorter ends the search


class Tolerance(NamedTuple):
    """Of the root of the mean square of error / (atol + rtol |z|)."""

    rtol: float
    atol: float
    max_steps: int


def adaptive(f: Rate, z0: Any, t: Any, mass: Any = None, *, method: str, tolerance: Tolerance, checkpoint: Any) -> Any:
    """(T, n): the solution at the times t."""
    step, order = METHODS[method]
    step = step if mass is None else functools.partial(step, mass=mass)
    if shape_of(t)[0] == 1 or not shape_of(z0)[0]:
        return wnp.repeat(z0[None], shape_of(t)[0], axis=0)
    first = f(t[0], z0)
    length = first_length(first, z0, tolerance)

    def interval(carry: Any, ends: Any) -> tuple[Any, Any]:
        z, rate, length, count = carry
        going = lambda state: (state[0] < 1.0) & (state[-1] < tolerance.max_steps)
        stepped = lambda state: advanced(f, step, order, ends, tolerance, state)
        state = 0.0 * length, length, z, rate, count
        share, length, z, rate, count = repeated(going, stepped, state, tolerance.max_steps, checkpoint)
        z = certified(z, share, ends[0], check=arrived, lanes=(), again=True)
        return (z, rate, length, count), z

    with np.errstate(all="ignore"):  # a step too long may leave the domain; it is refused
        _, ys = scan(interval, (z0, first, length, 0), wnp.stack([t[:-1], t[1:]], axis=1))
    return wnp.concatenate([z0[None], ys])


def repeated(going: Any, stepped: Any, state: Any, most: int, checkpoint: Any) -> Any:
    """The state after the loop. A schedule is made for `most` rounds, of which those at the end do nothing."""
    if isinstance(checkpoint, bool | int) or checkpoint == "online":
        return while_loop(going, stepped, state, checkpoint=checkpoint)
    round = lambda i, state: cond(going(state), stepped, lambda state: state, state)
    return fori_loop(0, most, round, state, checkpoint=checkpoint)


def advanced(f: Rate, step: Step, order: int, ends: Any, tolerance: Tolerance, state: Any) -> Any:
    """The state after a step that is taken, or that is refused and tried again with another length.

    state: the share of the interval that is done, the length of the next step, z, z', and how many steps were tried.
    """
    share, length, z, rate, count = state
    whole = ends[1] - ends[0]
    part = length / wnp.abs(stop_gradient(whole))
    last = share + part >= 1.0 - SMALLEST
    part = wnp.where(last, 1.0 - share, part)
    new, error, new_rate = step(f, ends[0] + share * whole, part * whole, z, rate)
    off = error_of(error, z, new, tolerance)
    taken = off <= 1.0
    factor = wnp.where(off > 0.0, 0.9 * wnp.maximum(off, 1e-10) ** (-1.0 / order), 5.0)
    factor = wnp.where(off < np.inf, wnp.minimum(wnp.maximum(factor, 0.2), 5.0), 0.2)  # not where it is NaN
    next_length = part * wnp.abs(stop_gradient(whole)) * factor
    next_length = wnp.where(taken & last, wnp.maximum(length, next_length), next_length)
    stuck = ~taken & (part < SMALLEST)
    count = wnp.where(stuck, tolerance.max_steps, count + 1)
    done = wnp.where(taken, wnp.where(last, 1.0, share + part), share)
    return done, next_length, wnp.where(taken, new, z), wnp.where(taken, new_rate, rate), count


def error_of(error: Any, z: Any, new: Any, tolerance: Tolerance) -> Any:
    """The error of a step in tolerances; a plain value."""
    error, z, new = (stop_gradient(x) for x in (error, z, new))
    size = tolerance.atol + tolerance.rtol * wnp.maximum(wnp.abs(z), wnp.abs(new))
    return wnp.sqrt(wnp.mean((error / size) ** 2)).astype(float)


def first_length(rate: Any, z: Any, tolerance: Tolerance) -> Any:
    """A hundredth of the time in which z changes by its size (Hairer, Norsett and Wanner, section II.4)."""
    rate, z = stop_gradient(rate), stop_gradient(z)
    size = tolerance.atol + tolerance.rtol * wnp.abs(z)
    d0, d1 = (wnp.sqrt(wnp.mean((x / size) ** 2)).astype(float) for x in (z, rate))
    found = wnp.where((d0 > 1e-5) & (d1 > 1e-5), 0.01 * d0 / wnp.maximum(d1, 1e-300), 1e-6)
    return wnp.where(found < np.inf, found, 1e-6)


def arrived(z: np.ndarray, share: np.ndarray, start: np.ndarray) -> None:
    """NotASolutionError where an interval was left before its end."""
    if share < 1.0:
        raise NotASolutionError(
            f"an interval of ode that begins at t = {start:g} was left after {100 * share:.3g}% of it",
            why="max_steps were tried, or no step was short enough: the solution grows without bound, or is stiff",
            write="times before it does; method='rodas4' for stiff equations; larger max_steps or tolerances",
        )
