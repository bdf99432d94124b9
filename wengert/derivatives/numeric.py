"""Numerical differentiation: the derivative as differences of function values, at a chosen or the optimal step.

    method    formula                             error                               step h (relative)   calls of f
    forward   (f(x + h d) - f(x)) / h             h |f''| / 2 + 2 eps |f| / h         eps^(1/2)           d + 1
    central   (f(x + h d) - f(x - h d)) / 2h      h^2 |f'''| / 6 + eps |f| / h        eps^(1/3)           2 d
    complex   Im f(x + i h d) / h                 h^2 |f'''| / 6, no cancellation     eps^2               d
    ridders   central at h, h/2, h/4, ..., extrapolated to h = 0                      eps^(1/8)           16 d

d is the number of input elements. The first two errors are truncation (falls with h) and rounding (rises as h falls);
the step is where they are equal. Differences need no rules and no tracing: they are the independent truth by which
`wg.check_grads` and our own tests judge the rules. In longdouble they are exact beyond double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..core.call import Argnums, Call, Function, name_of, named, tangent_leaves
from ..core.types import is_inexact
from ..errors import NonScalarOutputError, UnsupportedFunctionError

__all__ = ["counted", "directional", "grad", "jacobian", "step_errors", "step_size"]

Line = Callable[[Any], np.ndarray]  # phi(t) = f(x + t d), all results in one vector

_EXPONENT = {"forward": 1 / 2, "central": 1 / 3, "complex": 2.0, "ridders": 1 / 8}
_LEVELS = 8  # of the extrapolation


# the methods -----------------------------------------------------------------------------------------------------
def _forward(phi: Line, h: Any, base: np.ndarray) -> np.ndarray:
    return (phi(h) - base) / h


def _central(phi: Line, h: Any, base: Any = None) -> np.ndarray:
    return (phi(h) - phi(-h)) / (2 * h)


def _complex(phi: Line, h: Any, base: Any = None) -> np.ndarray:
    y = phi(1j * h)
    if y.dtype.kind != "c":
        raise UnsupportedFunctionError(
            "the function returned real numbers for complex arguments",
            why="the complex step reads the derivative off the imaginary part, which abs, real or a conversion drops",
            write='use method="central", or write the function with operations that take complex numbers',
        )
    return y.imag / h


def _ridders(phi: Line, h: Any, base: Any = None) -> np.ndarray:
    """Neville's extrapolation of central differences in h^2 (C. J. F. Ridders, Adv. Eng. Software 4 (1982) 75).

    Each element of the result is the entry of the tableau that agrees best with its neighbours.
    """
    previous: list[np.ndarray] = []
    best: Any = None
    for level in range(_LEVELS):
        row = [_central(phi, h / 2**level)]
        if best is None:
            best, least = row[0], np.full(row[0].shape, np.inf)
        for older in previous:
            factor = 4 ** len(row)
            row.append((factor * row[-1] - older) / (factor - 1))
            error = np.maximum(abs(row[-1] - row[-2]), abs(row[-1] - older))
            best = np.where(error < least, row[-1], best)
            least = np.fmin(error, least)
        previous = row
    return best


_METHODS: dict[str, Callable[[Line, Any, Any], np.ndarray]] = {
    "forward": _forward,
    "central": _central,
    "complex": _complex,
    "ridders": _ridders,
}


def _method(name: str) -> Callable[[Line, Any, Any], np.ndarray]:
    if name not in _METHODS:
        raise UnsupportedFunctionError(
            f"there is no numerical method {name!r}",
            why="each method is a formula of differences with steps of its own",
            write=f"one of {', '.join(map(repr, _METHODS))}",
        )
    return _METHODS[name]


def step_size(method: str, x: Any = 1.0, direction: Any = 1.0) -> float:
    """The automatic step: `eps^p max(1, |x|) / |d|`, as a power of two, so that it is exact in every format.

    eps is the spacing of the numbers at 1 in the dtype of x; p is 1/2 for "forward", 1/3 for "central", where
    truncation and rounding errors meet; 2 for "complex", which has no rounding error.

    >>> from wengert.derivatives import numeric
    >>> numeric.step_size("central") == 2.0**-17
    True
    """
    return _step(method, [x], [direction])


def _step(method: str, xs: Sequence[Any], directions: Sequence[Any]) -> float:
    """The automatic step for several arrays; only the elements that move count."""
    eps, size, length = 0.0, 1.0, 0.0
    for x, d in zip(xs, directions, strict=True):
        moving = np.broadcast_to(d, np.shape(x)) != 0
        if moving.any():
            dtype = np.asarray(x).dtype
            eps = max(eps, float(np.finfo(dtype if is_inexact(dtype) else float).eps))
            size = max(size, float(np.max(abs(np.asarray(x)[moving]))))
            length = max(length, float(np.max(abs(np.asarray(d)))))
    return float(2.0 ** np.round(np.log2(eps ** _EXPONENT[method] * size / length))) if length else 1.0


# the function along a line ---------------------------------------------------------------------------------------
class _Point:
    """A function at a point: its values along lines through the point, as vectors; its value there, computed once."""

    def __init__(self, call: Call, method: str, step: float | None) -> None:
        self.call, self.method, self.step = call, method, step
        self.rule = _method(method)
        self.outs: list[np.ndarray] = []
        self.base: np.ndarray | None = None

    def value(self, leaves: Sequence[Any]) -> np.ndarray:
        """All results in one vector."""
        self.outs = [np.asarray(y) for y in self.call(*leaves)]
        parts = [y.ravel() if is_inexact(y.dtype) else y.ravel().astype(float) for y in self.outs]
        return np.concatenate(parts) if parts else np.zeros(0)

    def derivative(self, direction: Sequence[Any]) -> np.ndarray:
        """d/dt f(x + t d) at t = 0, all results in one vector."""
        leaves = self.call.leaves

        def phi(t: Any) -> np.ndarray:
            return self.value([x if d is None else _moved(x, t, d) for x, d in zip(leaves, direction, strict=True)])

        if self.method == "forward" and self.base is None:
            self.base = self.value(leaves)
        moving = [(x, d) for x, d in zip(leaves, direction, strict=True) if d is not None]
        h = _step(self.method, *zip(*moving, strict=True)) if self.step is None else self.step
        return self.rule(phi, h, self.base)

    def split(self, vector: np.ndarray) -> list[Any]:
        """A vector (or a matrix of such columns) as one array for each result."""
        parts, at = [], 0
        for y in self.outs:
            parts.append(vector[at : at + y.size].reshape((*y.shape, *vector.shape[1:]))[()])
            at += y.size
        return parts


def _as_real(y_dot: Any, y: np.ndarray) -> Any:
    """The derivative of a real result, which shared a vector with complex ones."""
    return y_dot if y.dtype.kind == "c" else y_dot.real


def _moved(x: Any, t: Any, d: Any) -> Any:
    """x + t d in the dtype of x (or its complex companion, for a complex t)."""
    if type(x) is float:
        return x + t * d
    dtype = np.result_type(x, np.complex64) if isinstance(t, complex) else np.asarray(x).dtype
    y = np.add(x, np.multiply(dtype.type(t), d, dtype=dtype), dtype=dtype)
    return np.asarray(y) if isinstance(x, np.ndarray) else y  # an array of no axes stays one


def _units(leaves: Sequence[Any]) -> Iterable[tuple[int, int, list[Any]]]:
    """Each unit vector of the inputs: (leaf, element, direction)."""
    for j, x in enumerate(leaves):
        x = np.asarray(x)
        for k in range(x.size):
            e = np.zeros(x.size, np.zeros((), x.dtype).real.dtype)
            e[k] = 1
            yield j, k, [e.reshape(x.shape) if i == j else None for i in range(len(leaves))]


# the public functions --------------------------------------------------------------------------------------------
def directional(
    fun: Function, primals: Sequence[Any], tangents: Sequence[Any], method: str = "central", step: float | None = None
) -> Any:
    """The directional derivative by differences: what `wg.jvp(fun, primals, tangents)[1]` must be.

    Law: `d/dt f(x + t v)` at t = 0. Calls of f: one for "complex", two for "forward" and "central", 16 for "ridders".

    >>> import numpy as np
    >>> from wengert.derivatives import numeric
    >>> numeric.directional(np.sin, (0.0,), (2.0,))
    np.float64(2.0)
    """
    call = Call(fun, tuple(range(len(primals))), tuple(primals), {}, False)
    point = _Point(call, method, step)
    y_dots = point.split(point.derivative(tangent_leaves(call, tuple(tangents))))
    return call.result([_as_real(y_dot, y) for y_dot, y in zip(y_dots, point.outs, strict=True)])


def jacobian(fun: Function, argnums: Argnums = 0, method: str = "central", step: float | None = None) -> Function:
    """The Jacobian by differences, one input element after the other. Shapes and structures as `wg.jacobian`.

    Complex arguments: `df/dx - i df/dy` for real results (as `wg.jacrev`), `df/dx` for complex ones (holomorphic f).

    >>> import numpy as np
    >>> from wengert.derivatives import numeric
    >>> numeric.jacobian(np.sin, method="complex")(np.zeros(2))
    array([[1., 0.],
           [0., 1.]])
    """

    @named("numeric.jacobian", fun)
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        call, point, blocks = _jacobian_blocks(fun, argnums, args, kwargs, method, step)
        columns = [
            [
                (b if np.iscomplexobj(x) else _as_real(b, y)).reshape((*y.shape, *np.shape(x)))[()]
                for b, y in zip(point.split(block), point.outs, strict=True)
            ]
            for block, x in zip(blocks, call.leaves, strict=True)
        ]
        return call.result([call.rebuild(row) for row in zip(*columns, strict=True)])

    return jacobian_of


def grad(fun: Function, argnums: Argnums = 0, method: str = "central", step: float | None = None) -> Function:
    """The gradient of a real-valued function by differences, in the structure of `wg.grad`'s.

    The error of the forward difference with step 1e-5 is in the fifth place; that of the complex step is rounding:

    >>> from wengert.derivatives import numeric
    >>> f = lambda x, y: x * x * y + y + 2
    >>> print(*numeric.grad(f, argnums=(0, 1), method="forward", step=1e-5)(3.0, 4.0))
    24.000039999805264 10.000000000331966
    >>> print(*numeric.grad(f, argnums=(0, 1), method="complex")(3.0, 4.0))
    24.0 10.0
    """

    @named("numeric.grad", fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        call, point, blocks = _jacobian_blocks(fun, argnums, args, kwargs, method, step)
        y = point.outs[0] if len(point.outs) == 1 else None
        if y is None or y.shape != () or (y.dtype.kind not in "fiu" and method != "complex"):
            raise NonScalarOutputError(
                f"numeric.grad needs a function with one real number as result; {name_of(fun)} returned something else",
                why="a gradient is the derivative of one number; arrays have Jacobians",
                write="reduce the result (np.sum), or use wg.numeric.jacobian",
                where=call.source,
            )
        return call.rebuild([b.reshape(np.shape(x))[()] for b, x in zip(blocks, call.leaves, strict=True)])

    return gradient


def _jacobian_blocks(
    fun: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any], method: str, step: float | None
) -> tuple[Call, _Point, list[np.ndarray]]:
    """For each leaf of the arguments the matrix (all results, elements of the leaf)."""
    call = Call(fun, argnums, args, kwargs, False)
    call.check_inputs("numeric differentiation", False)
    point = _Point(call, method, step)
    columns: list[list[np.ndarray]] = [[] for _ in call.leaves]
    for j, _, e in _units(call.leaves):
        column = point.derivative(e)
        if np.asarray(call.leaves[j]).dtype.kind == "c":
            column = _complex_column(point, column, [None if d is None else 1j * d for d in e])
        columns[j].append(column)
    if not point.outs:
        point.value(call.leaves)  # no input elements: only the structure of the result is needed
    size = sum(y.size for y in point.outs)
    return call, point, [np.stack(c, axis=1) if c else np.zeros((size, 0)) for c in columns]


def _complex_column(point: _Point, along_real: np.ndarray, direction: list[Any]) -> np.ndarray:
    """df/dx - i df/dy for real results, df/dx for complex (holomorphic) ones."""
    if all(y.dtype.kind == "c" for y in point.outs):
        return along_real
    is_real = np.concatenate([np.full(y.size, y.dtype.kind != "c") for y in point.outs])
    return np.where(is_real, along_real - 1j * point.derivative(direction), along_real)


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
