"""ode: initial value problems, by fixed steps of our own loops or by SciPy's adaptive solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...control import fori_loop, scan
from ...core.call import adopted
from ...core.tree import unflatten
from ...core.types import ArrayType, dtype_of, shape_of
from ...errors import ArgumentError, ShapeError
from .adjoint import Flow
from .arguments import applied
from .equations import Function, Vector, equations_of

# Explicit Runge-Kutta methods: rows of the matrix a, and the weights b (Hairer, Norsett and Wanner, Solving ordinary
# differential equations I, section II.1).
TABLEAUX: dict[str, tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]] = {
    "euler": (((),), (1.0,)),
    "midpoint": (((), (0.5,)), (0.0, 1.0)),
    "rk4": (((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}
ADAPTIVE = ("RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA")


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
    checkpoint: bool | int = False,
) -> Any:
    """The solution of `dy/dt = f(t, y, *args), y(t[0]) = y0` at the times t: each leaf with len(t) as its first axis.

    y0 is any structure of real numbers, and f returns the same; f may close over values that are differentiated.

    method: one of SciPy's ("DOP853", "RK45", "RK23", "Radau", "BDF", "LSODA"), with rtol and atol. Their steps are not
    differentiated: forward mode solves `y_dot' = f_y y_dot + f_args args_dot` beside y; reverse mode the adjoint
    equation `-lambda' = f_y^T lambda` backwards, from each time of t to the one before, beginning with the y that was
    stored there (Chen et al., Neural ordinary differential equations, 2018, appendix B; the stored values are its
    checkpoints). Where y, run backwards, misses the value stored before it, NotASolutionError asks for more times.
    Higher derivatives repeat this. Derivatives are those of the differential equation, to the tolerances.

    Or one with fixed steps ("rk4", "midpoint", "euler"), `steps` of them between two times: loops that compile, and
    whose derivatives are those of the steps themselves (the discrete adjoint), exact to rounding. checkpoint: as in
    `wg.scan`, for reverse mode in little memory.

    The times increase or decrease strictly; a derivative in them is f there. Raises ArgumentError, ShapeError,
    NotASolutionError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> decay = lambda k: wg.implicit.ode(lambda t, y: -k * y, 1.0, np.array([0.0, 1.0]))[-1]
    >>> decay(2.0).round(9), wg.grad(decay)(2.0).round(9)  # exp(-k) and its derivative
    (np.float64(0.135335283), np.float64(-0.135335283))
    """
    if method not in TABLEAUX and method not in ADAPTIVE:
        raise ArgumentError(
            f"ode has no method {method!r}",
            why="it runs SciPy's adaptive methods, or steps of a fixed length",
            write=f"one of {', '.join((*ADAPTIVE, *TABLEAUX))}",
        )
    t = wnp.asarray(t)
    if len(shape_of(t)) != 1 or not shape_of(t)[0]:
        raise ShapeError(
            f"the times t have shape {shape_of(t)}",
            why="the solution is given at each of them, beginning with y0 at the first",
            write="a vector of at least one time",
        )
    t, unknowns = t.astype(float), Vector(y0, "the start y0")
    z0, f = unknowns.flat(y0), applied(fun, args)
    if method in TABLEAUX:
        ys = stepped(flat_function(f, unknowns), z0, t, method, steps, checkpoint)
    else:
        time = ArrayType((), np.float64)
        equations = equations_of(f, [time, unknowns], "ode", unknowns.size)
        ys = Flow(equations.program, method, rtol, atol)(*equations.args, t, z0)
    return by_leaf(ys, unknowns)


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
    a, b = TABLEAUX[method]

    def step(t: Any, h: Any, z: Any) -> Any:
        ks: list[Any] = []
        for row in a:
            ks.append(f(t + sum(row) * h, combined(z, h, row, ks)))
        return combined(z, h, b, ks)

    def interval(z: Any, ends: Any) -> tuple[Any, Any]:
        start, h = ends[0], (ends[1] - ends[0]) / steps
        z = fori_loop(0, steps, lambda i, z: step(start + i * h, h, z), z, checkpoint=checkpoint)
        return z, z

    if shape_of(t)[0] == 1:
        return z0[None]
    _, ys = scan(interval, z0, wnp.stack([t[:-1], t[1:]], axis=1), checkpoint=checkpoint)
    return wnp.concatenate([z0[None], ys])


def combined(z: Any, h: Any, weights: Sequence[float], ks: Sequence[Any]) -> Any:
    """z + h sum_i w_i k_i."""
    for w, k in zip(weights, ks, strict=True):
        if w:
            z = z + ((w * h) * k).astype(dtype_of(z))
    return z


def by_leaf(ys: Any, unknowns: Vector) -> Any:
    """(T, n) as the structure, each leaf (T, *shape)."""
    parts, at = [], 0
    for size, shape, dtype in zip(unknowns.sizes, unknowns.shapes, unknowns.dtypes, strict=True):
        part = ys[:, at : at + size].reshape((shape_of(ys)[0], *shape))
        parts.append(part if dtype == unknowns.dtype else part.astype(dtype))
        at += size
    return unflatten(unknowns.tree, parts)
