"""Numerical differentiation: the derivative as differences of function values, at a chosen or the optimal step. ::

    method     formula                             error                               step h (relative)   calls of f
    forward    (f(x + h d) - f(x)) / h             h |f''| / 2 + 2 eps |f| / h         eps^(1/2)           d + 1
    central    (f(x + h d) - f(x - h d)) / 2h      h^2 |f'''| / 6 + eps |f| / h        eps^(1/3)           2 d
    complex    Im f(x + i h d) / h                 h^2 |f'''| / 6, no cancellation     eps^2               d
    ridders    central at h, h/2, h/4, ..., extrapolated to h = 0                      eps^(1/8)           16 d
    automatic  central at h, h/8, h/64, ..., extrapolated where they agree best        1/4                 24 d

d is the number of input elements. The first two errors are truncation (falls with h) and rounding (rises as h falls);
the step is where they are equal. Differences need no rules and no tracing: they are the independent truth by which
`wg.check_grads` and our own tests judge the rules. In longdouble they are exact beyond double precision.

error=True returns `(derivative, error)`: the estimated absolute error of each element. "ridders" and "automatic" have
it from their tableau; the others take the difference again at twice the step, for as many calls more (one less for
"forward"). "ridders" trusts that f varies on the scale of `max(1, |x|)`; "automatic" looks for the scale itself, over
36 binary orders of magnitude, and passes over points at which f is not finite.

side="right" and "left" look to one side of x only, where the other is outside the domain: "central" becomes
`(4 f(x + h d) - f(x + 2 h d) - 3 f(x)) / 2h`, with 2 d + 1 calls; the extrapolations use forward differences, with half
the calls and one. ("complex" does not leave x on the real line.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..core.call import (
    Argnums,
    Call,
    Function,
    check_callable,
    check_sequences,
    name_of,
    named,
    positions,
    tangent_leaves,
)
from ..errors import NonScalarOutputError
from . import differences
from .differences import Estimate, Line
from .lines import Direction, Point, automatic_step, units
from .second import hessian

__all__ = ["counted", "directional", "grad", "hessian", "jacobian", "step_errors", "step_size"]


def step_size(method: str, x: Any = 1.0, direction: Any = 1.0) -> float:
    """The automatic step: `eps^p max(1, |x|) / |d|`, as a power of two, so that it is exact in every format.

    eps is the spacing of the numbers at 1 in the dtype of x; p is 1/2 for "forward", 1/3 for "central", where
    truncation and rounding errors meet; 2 for "complex", which has no rounding error; "automatic" starts at 1/4.

    >>> from wengert.derivatives import numeric
    >>> numeric.step_size("central") == 2.0**-17
    True
    """
    return automatic_step(differences.method(method).exponent, [x], [direction])


# the function along a line ---------------------------------------------------------------------------------------
class _Slopes:
    """Derivatives of a function at a point along directions, by one method."""

    def __init__(self, call: Call, method: str, step: float | None, side: str, error: bool) -> None:
        self.point, self.step, self.error = Point(call), differences.check_step(step), error
        self.method, self.side = differences.method(method), differences.side_of(side)

    def along(self, direction: Direction) -> Estimate:
        """d/dt f(x + t d) at t = 0, all results in one vector, and its error."""
        line = Line(lambda t: self.point.along((t, direction)), self.point.here)
        h = self.point.step(self.method.exponent, direction) if self.step is None else self.step
        with np.errstate(all="ignore") if self.method.levels else contextlib.nullcontext():
            found = self.method(line, h, self.side, self.error)
        return Estimate(found.value, np.broadcast_to(found.error, found.value.shape))

    def column(self, direction: Direction, complex_argument: bool) -> Estimate:
        """df/dx along a unit vector; in a complex argument df/dx - i df/dy for real results."""
        along_real = self.along(direction)
        real = self.point.real_results()
        if not complex_argument or not real.any():
            return along_real
        turned = self.along([None if d is None else 1j * d for d in direction])
        value = np.where(real, along_real.value - 1j * turned.value, along_real.value)
        return Estimate(value, along_real.error + np.where(real, turned.error, 0))

    def matrix(self) -> list[Estimate]:
        """For each leaf of the arguments the matrix (all results, elements of the leaf)."""
        leaves = self.point.call.leaves
        columns: list[list[Estimate]] = [[] for _ in leaves]
        for j, e in units(leaves):
            columns[j].append(self.column(e, np.iscomplexobj(leaves[j])))
        if not self.point.outs:
            self.point.here()  # no input elements: only the structure of the result is needed
        size = sum(y.size for y in self.point.outs)
        return [
            Estimate(*(np.stack(part, axis=1) for part in zip(*c, strict=True)))
            if c
            else Estimate(np.zeros((size, 0)), np.zeros((size, 0)))
            for c in columns
        ]


def _as_real(y_dot: Any, y: np.ndarray) -> Any:
    """The derivative of a real result, which shared a vector with complex ones."""
    return y_dot if y.dtype.kind == "c" else y_dot.real


# the public functions --------------------------------------------------------------------------------------------
def directional(
    fun: Function,
    primals: Sequence[Any],
    tangents: Sequence[Any],
    method: str = "central",
    step: float | None = None,
    side: str = "both",
    error: bool = False,
) -> Any:
    """The directional derivative by differences: what `wg.jvp(fun, primals, tangents)[1]` must be.

    Law: `d/dt f(x + t v)` at t = 0. Calls of f: those of the table above with d = 1. side="right" looks at t >= 0 only.

    >>> import numpy as np
    >>> from wengert.derivatives import numeric
    >>> numeric.directional(np.sin, (0.0,), (2.0,))
    np.float64(2.0)
    >>> slope, error = numeric.directional(np.sqrt, (1e-4,), (1.0,), method="automatic", error=True)
    >>> bool(abs(slope - 50) < error < 1e-6)
    True
    """
    check_callable(fun, "numeric.directional")
    check_sequences(primals, tangents, "numeric.directional")
    call = Call(fun, tuple(range(len(primals))), tuple(primals), {}, False)
    call.check_arrays("numeric.directional")
    slopes = _Slopes(call, method, step, side, error)
    found = slopes.along(tangent_leaves(call, tuple(tangents)))
    outs = slopes.point.outs
    y_dots = [_as_real(y_dot, y) for y_dot, y in zip(slopes.point.split(found.value), outs, strict=True)]
    if not error:
        return call.result(y_dots)
    return call.result(y_dots), call.result(slopes.point.split(found.error))


def jacobian(
    fun: Function,
    argnums: Argnums = 0,
    method: str = "central",
    step: float | None = None,
    side: str = "both",
    error: bool = False,
) -> Function:
    """The Jacobian by differences, one input element after the other. Shapes and structures as `wg.jacobian`.

    Complex arguments: `df/dx - i df/dy` for real results (as `wg.jacrev`), `df/dx` for complex ones (holomorphic f).

    >>> import numpy as np
    >>> from wengert.derivatives import numeric
    >>> numeric.jacobian(np.sin, method="complex")(np.zeros(2))
    array([[1., 0.],
           [0., 1.]])
    """

    check_callable(fun, "numeric.jacobian")
    argnums = positions(argnums, "numeric.jacobian")

    @named("numeric.jacobian", fun)
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        slopes, blocks = _blocks(fun, argnums, args, kwargs, method, step, side, error)
        J = _structured(slopes.point, [b.value for b in blocks])
        return (J, _structured(slopes.point, [b.error for b in blocks])) if error else J

    return jacobian_of


def _structured(point: Point, blocks: Sequence[np.ndarray]) -> Any:
    """Matrices (all results, elements of a leaf) in the structure of the result, then of the arguments."""
    call = point.call
    columns = [
        [
            (b if np.iscomplexobj(x) else _as_real(b, y)).reshape((*y.shape, *np.shape(x)))[()]
            for b, y in zip(point.split(block), point.outs, strict=True)
        ]
        for block, x in zip(blocks, call.leaves, strict=True)
    ]
    return call.result([call.rebuild([column[i] for column in columns]) for i in range(len(point.outs))])


def grad(
    fun: Function,
    argnums: Argnums = 0,
    method: str = "central",
    step: float | None = None,
    side: str = "both",
    error: bool = False,
) -> Function:
    """The gradient of a real-valued function by differences, in the structure of `wg.grad`'s.

    The error of the forward difference with step 1e-5 is in the fifth place; that of the complex step is rounding:

    >>> from wengert.derivatives import numeric
    >>> f = lambda x, y: x * x * y + y + 2
    >>> print(*numeric.grad(f, argnums=(0, 1), method="forward", step=1e-5)(3.0, 4.0))
    24.000039999805264 10.000000000331966
    >>> print(*numeric.grad(f, argnums=(0, 1), method="complex")(3.0, 4.0))
    24.0 10.0
    """

    check_callable(fun, "numeric.grad")
    argnums = positions(argnums, "numeric.grad")

    @named("numeric.grad", fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        slopes, blocks = _blocks(fun, argnums, args, kwargs, method, step, side, error)
        call, outs = slopes.point.call, slopes.point.outs
        y = outs[0] if len(outs) == 1 else None
        if y is None or y.shape != () or (y.dtype.kind not in "fiu" and method != "complex"):
            raise NonScalarOutputError(
                f"numeric.grad needs a function with one real number as result; {name_of(fun)} returned something else",
                why="a gradient is the derivative of one number; arrays have Jacobians",
                write="reduce the result (np.sum), or use wg.numeric.jacobian",
                where=call.source,
            )
        g, errors = (
            call.rebuild([part.reshape(np.shape(x))[()] for part, x in zip(parts, call.leaves, strict=True)])
            for parts in ([b.value for b in blocks], [b.error for b in blocks])
        )
        return (g, errors) if error else g

    return gradient


def _blocks(
    fun: Function,
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    method: str,
    step: float | None,
    side: str,
    error: bool,
) -> tuple[_Slopes, list[Estimate]]:
    """The derivative in each leaf of the arguments."""
    call = Call(fun, argnums, args, kwargs, False)
    call.check_inputs("numeric differentiation", False)
    slopes = _Slopes(call, method, step, side, error)
    return slopes, slopes.matrix()


class counted:
    """A function that counts its calls: `f = counted(f); numeric.grad(f)(x); f.calls`.

    >>> from wengert.derivatives import numeric
    >>> f = numeric.counted(lambda x, y: x * y)
    >>> _ = numeric.grad(f, (0, 1), method="forward")(3.0, 4.0)
    >>> f.calls
    3
    """

    def __init__(self, fun: Function) -> None:
        self.fun, self.calls = fun, 0
        self.__name__ = name_of(fun)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.fun(*args, **kwargs)


def step_errors(
    fun: Function, primals: Sequence[Any], tangents: Sequence[Any], exact: Any, steps: Iterable[float], method: str
) -> np.ndarray:
    """Error of the directional derivative of a scalar function at each step: truncation on the right, rounding left.

    For the central difference the error falls as h^2 until rounding, which rises as 1/h, overtakes it.

    >>> import numpy as np
    >>> from wengert.derivatives import numeric
    >>> errors = numeric.step_errors(np.exp, (0.0,), (1.0,), 1.0, [1e-1, 1e-2, 1e-12], "central")
    >>> round(float(errors[0] / errors[1])), bool(errors[2] > errors[1])
    (100, True)
    """
    return np.array([abs(directional(fun, primals, tangents, method, h) - exact) for h in steps])
