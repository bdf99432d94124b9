"""ode: initial value problems, by SciPy's adaptive solvers or by steps of our own loops."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...compile.jit import jit as compiled
from ...control import fori_loop, scan
from ...core.call import adopted
from ...core.options import positive
from ...core.trace import Tracer
from ...core.tree import unflatten
from ...core.types import ArrayType, shape_of
from ...errors import ArgumentError, ShapeError
from ..sparse.plan import ours
from . import adaptive
from .adjoint import Flow
from .arguments import applied
from .equations import Function, Vector, equations_of
from .integration import Solver
from .steps import TABLEAUX, runge_kutta

METHODS = ("RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA")  # SciPy's


def ode(
    fun: Function,
    y0: Any,
    t: Any,
    args: Sequence[Any] = (),
    *,
    method: str = "DOP853",
    rtol: float = 1e-9,
    atol: float = 1e-11,
    steps: int = 1,
    checkpoint: Any = False,
    max_steps: int = 100_000,
    mass: Any = None,
    jit: bool = False,
) -> Any:
    """The solution of `dy/dt = f(t, y, *args), y(t[0]) = y0` at the times t: each leaf with len(t) as its first axis.

    y0 is any structure of numbers, and f returns the same; f may close over values that are differentiated.

    method: one of SciPy's ("DOP853", "RK45", "RK23", "Radau", "BDF", "LSODA"), with rtol and atol. Their steps are not
    differentiated: forward mode solves `y_dot' = f_y y_dot + f_args args_dot` beside y; reverse mode finds y again from
    each time of t to the next, beginning with the y that was stored there, and solves the adjoint equation
    `-lambda' = f_y^T lambda` backwards along it (on its dense output, so that a y that decays is never run backwards:
    Serban and Hindmarsh 2005). Higher derivatives repeat this. Derivatives are those of the differential equation, to
    the tolerances. Memory: the steps of one interval of t. Radau, BDF and LSODA, for stiff equations, are given the
    exact Jacobian.

    Or steps of our own, loops in your program that compile with it, whose derivatives are those of the steps themselves
    (the discrete adjoint), exact to rounding: "dopri5" (Dormand and Prince, order 5) and "rodas4" (Rosenbrock, order 4,
    L-stable, for stiff equations) with lengths that follow rtol and atol, max_steps of them at most; or "rk4",
    "midpoint", "euler" with `steps` equal ones between two times. Adaptive lengths are chosen on values, and are then
    fixed shares of the interval. checkpoint: of these loops, for reverse mode in little memory: rounds of a segment,
    True, "online" (adaptive steps, whose number is not known), or a schedule ("binomial",
    `wg.checkpointing.binomial(20)`), which for adaptive steps is made for max_steps of them.

    mass: M of `M y' = f`, (n, n), for "rodas4". It may be singular: then equations without y' hold at all times (index
    one: they determine the unknowns without y'), and have to hold at y0.

    jit: the right side is compiled, with its derivatives (SciPy's methods), or all the steps (our own), where the call
    itself is not part of a compiled function.

    The times increase or decrease strictly; a derivative in them is f there. Raises ArgumentError, ShapeError,
    NotASolutionError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> decay = lambda k: wg.implicit.ode(lambda t, y: -k * y, 1.0, np.array([0.0, 1.0]))[-1]
    >>> decay(2.0).round(9), wg.grad(decay)(2.0).round(9)  # exp(-k) and its derivative
    (np.float64(0.135335283), np.float64(-0.135335283))
    """
    check_options(method, checkpoint, steps, mass)
    t = checked_times(t)
    unknowns = Vector(y0, "the start y0")
    z0, f = unknowns.flat(y0), applied(fun, args)
    positive(rtol, "rtol")
    positive(atol, "atol", zero=True)
    if method in METHODS:
        equations = equations_of(f, [ArrayType((), np.float64), unknowns], "ode", unknowns.size)
        solver = Solver(method, rtol, atol, jit)
        ys = Flow(equations.program, solver, isinstance(t, Tracer))(*equations.args, t, z0)
    elif method in adaptive.METHODS:
        M = [] if mass is None else [checked_mass(mass, unknowns)]
        bound = adaptive.Tolerance(rtol, atol, max_steps)
        run = functools.partial(adaptive.adaptive, method=method, tolerance=bound, checkpoint=checkpoint)
        ys = within(run, f, unknowns, [z0, t, *M], jit)
    else:
        run = functools.partial(stepped, method=method, steps=steps, checkpoint=checkpoint)
        ys = within(run, f, unknowns, [z0, t], jit)
    return unflatten(unknowns.tree, unknowns.leaves(ys, shape_of(t)))


def check_options(method: str, checkpoint: Any, steps: int, mass: Any) -> None:
    """ArgumentError for a method that there is not, or what does not go with it."""
    known = (*METHODS, *adaptive.METHODS, *TABLEAUX)
    if method not in known:
        raise ArgumentError(
            f"ode has no method {method!r}",
            why="it runs SciPy's adaptive methods, or steps of its own",
            write=f"one of {', '.join(known)}",
        )
    if (checkpoint and method in METHODS) or (steps != 1 and method not in TABLEAUX):
        raise ArgumentError(
            f"ode with method {method!r} got {'steps' if steps != 1 else 'checkpoint'}=",
            why="SciPy's methods keep one state for each of the times, and choose their steps as the error says",
            write="checkpoint= with steps of our own (dopri5, rodas4, rk4, ...), steps= with those of a fixed length",
        )
    if mass is not None and method != "rodas4":
        raise ArgumentError(
            f"ode with method {method!r} got mass=",
            why="steps of an explicit method, and SciPy's, are those of y' = f",
            write="method='rodas4'; or f solved for y', where the matrix is regular",
        )


def checked_times(t: Any) -> Any:
    """The times, a vector of floats."""
    t = wnp.asarray(t)
    if len(shape_of(t)) != 1 or not shape_of(t)[0]:
        raise ShapeError(
            f"the times t have shape {shape_of(t)}",
            why="the solution is given at each of them, beginning with y0 at the first",
            write="a vector of at least one time",
        )
    return t.astype(float)


def checked_mass(mass: Any, unknowns: Vector) -> Any:
    """The matrix M, (n, n), of the unknowns one after the other."""
    if shape_of(mass) != (unknowns.size, unknowns.size):
        raise ShapeError(
            f"mass has shape {shape_of(mass)}, for {unknowns.size} unknowns",
            why="it multiplies the rates of the unknowns, one after the other in C order",
            write=f"a matrix of shape {(unknowns.size, unknowns.size)}",
        )
    return wnp.asarray(mass).astype(unknowns.dtype)


def within(run: Callable[..., Any], f: Function, unknowns: Vector, given: Sequence[Any], jit: bool) -> Any:
    """Steps of our own: a part of the user's program, or with jit compiled by themselves."""
    if not jit:
        return run(flat_function(f, unknowns), *given)
    equations = equations_of(f, [ArrayType((), np.float64), unknowns], "ode", unknowns.size)
    rates = lambda args: lambda t, z: equations(*args, t, z)
    n = len(equations.args)
    whole = lambda *xs: run(rates(xs[:n]), *xs[n:])
    return compiled(ours(whole, f"ode of {equations.name}"))(*equations.args, *given)


def flat_function(f: Function, unknowns: Vector) -> Callable[[Any, Any], Any]:
    """f of flat vectors."""

    def flat(t: Any, z: Any) -> Any:
        z_dot = unknowns.flat(adopted(f)(t, unknowns.whole(z)))
        if shape_of(z_dot) != (unknowns.size,):
            raise ShapeError(
                f"f returned {shape_of(z_dot)[0]} numbers for {unknowns.size} unknowns, to ode",
                why="each unknown has its own rate of change",
                write="return y's structure",
            )
        return z_dot

    return flat


def stepped(f: Callable, z0: Any, t: Any, method: str, steps: int, checkpoint: bool | int) -> Any:
    """(T, n): `steps` steps of an explicit Runge-Kutta method between each two times."""

    def interval(z: Any, ends: Any) -> tuple[Any, Any]:
        start, h = ends[0], (ends[1] - ends[0]) / steps
        z = fori_loop(0, steps, lambda i, z: runge_kutta(f, start + i * h, h, z, method), z, checkpoint=checkpoint)
        return z, z

    if shape_of(t)[0] == 1:
        return z0[None]
    _, ys = scan(interval, z0, wnp.stack([t[:-1], t[1:]], axis=1), checkpoint=checkpoint)
    return wnp.concatenate([z0[None], ys])
