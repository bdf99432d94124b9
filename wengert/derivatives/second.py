"""Second derivatives by differences of function values alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.call import Argnums, Call, Function, named
from ..core.types import dtype_of
from ..errors import ArgumentError, NonDifferentiableInputError
from .differences import check_step, complex_part
from .lines import Direction, Point, units

Entry = Callable[["_Second", int, int], np.ndarray]


class _Second:
    """The function at pairs of steps from the point, along unit vectors i and j of lengths h_i and h_j."""

    def __init__(self, point: Point, directions: list[Direction], exponent: float, step: float | None) -> None:
        self.point, self.directions = point, directions
        self.h = [point.step(exponent, d) if step is None else step for d in directions]
        self.single: dict[tuple[int, int], np.ndarray] = {}

    def one(self, i: int, sign: int) -> np.ndarray:
        """f(x + s h_i e_i), computed once."""
        if (i, sign) not in self.single:
            self.single[i, sign] = self.point.along((sign * self.h[i], self.directions[i]))
        return self.single[i, sign]

    def two(self, i: int, s: Any, j: int, t: Any) -> np.ndarray:
        """f(x + s h_i e_i + t h_j e_j)."""
        return self.point.along((s * self.h[i], self.directions[i]), (t * self.h[j], self.directions[j]))


def _forward(f: _Second, i: int, j: int) -> np.ndarray:
    """(f_ij - f_i - f_j + f) / h_i h_j."""
    return (f.two(i, 1, j, 1) - f.one(i, 1) - f.one(j, 1) + f.point.here()) / (f.h[i] * f.h[j])


def _central(f: _Second, i: int, j: int) -> np.ndarray:
    """(f_++ - f_+- - f_-+ + f_--) / 4 h_i h_j; on the diagonal (f_+ - 2 f + f_-) / h_i^2."""
    if i == j:
        return (f.one(i, 1) - 2 * f.point.here() + f.one(i, -1)) / f.h[i] ** 2
    outer = f.two(i, 1, j, 1) - f.two(i, 1, j, -1) - f.two(i, -1, j, 1) + f.two(i, -1, j, -1)
    return outer / (4 * f.h[i] * f.h[j])


def _complex(f: _Second, i: int, j: int) -> np.ndarray:
    """Im (f(x + i k e_i + h_j e_j) - f(x + i k e_i - h_j e_j)) / 2 k h_j, with k so small that it has no error."""
    k = 2.0**-100
    right, left = (f.two(i, 1j * k, j, s) for s in (1, -1))
    return (complex_part(right) - complex_part(left)) / (2 * k * f.h[i] * f.h[j])


# method: (exponent of the step, formula)
METHODS: dict[str, tuple[float, Entry]] = {
    "forward": (1 / 3, _forward),
    "central": (1 / 4, _central),
    "complex": (1 / 3, _complex),
}


def hessian(fun: Function, argnums: Argnums = 0, method: str = "central", step: float | None = None) -> Function:
    """Second derivatives by differences. Shapes and structures as `wg.hessian`: `(*y.shape, *x.shape, *x.shape)`.

    With d input elements (and eps^p the step relative to `max(1, |x|)`)::

        method    formula                                   error                      step       calls of f
        forward   (f_ij - f_i - f_j + f) / h^2              h |f'''| + 4 eps |f|/h^2    eps^(1/3)  1 + d + d(d+1)/2
        central   (f_++ - f_+- - f_-+ + f_--) / 4 h^2       h^2 |f''''| + eps |f|/h^2   eps^(1/4)  1 + 2 d^2
        complex   Im (f(x + ik e_i + h e_j) - f(x + ik e_i - h e_j)) / 2 k h
                                                            h^2 |f''''| + eps |f'|/h    eps^(1/3)  d (d + 1)

    Holomorphic functions of complex arguments have the complex second derivative ("forward", "central"). Raises
    ArgumentError, NonDifferentiableInputError.

    >>> import numpy as np
    >>> from wengert.derivatives import numeric
    >>> numeric.hessian(lambda x: x[0] ** 2 * x[1], method="complex")(np.array([3.0, 4.0]))
    array([[8., 6.],
           [6., 0.]])
    """
    if method not in METHODS:
        raise ArgumentError(
            f"there is no numerical method {method!r} for second derivatives",
            why="each method is a formula of differences with steps of its own",
            write=f"one of {', '.join(map(repr, METHODS))}",
        )

    step = check_step(step)

    @named("numeric.hessian", fun)
    def hessian_of(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, argnums, args, kwargs, False)
        call.check_inputs("numeric differentiation", False)
        point = Point(call)
        exponent, entry = METHODS[method]
        return _structured(point, _matrix(_Second(point, [d for _, d in units(call.leaves)], exponent, step), entry))

    return hessian_of


def _matrix(f: _Second, entry: Entry) -> np.ndarray:
    """All second derivatives of all results: (results, inputs, inputs)."""
    d = len(f.directions)
    entries = {(i, j): entry(f, i, j) for i in range(d) for j in range(i, d)}
    if not f.point.outs:
        f.point.here()  # no input elements: only the structure of the result is needed
    H = np.zeros((sum(y.size for y in f.point.outs), d, d), np.result_type(*entries.values()) if d else float)
    for (i, j), e in entries.items():
        H[:, i, j] = H[:, j, i] = e
    return H


def _structured(point: Point, H: np.ndarray) -> Any:
    """The blocks of the matrix in the structure of the result, then twice in that of the arguments."""
    call, leaves = point.call, [np.asarray(x) for x in point.call.leaves]
    ends = np.cumsum([0, *(x.size for x in leaves)])
    rows = []
    for y, part in zip(point.outs, point.split(H), strict=True):
        check_holomorphic(call, y)
        part = part.reshape(y.size, *H.shape[1:])
        blocks = [
            [
                part[:, a : a + p.size, b : b + q.size].reshape((*y.shape, *p.shape, *q.shape))[()]
                for b, q in zip(ends, leaves, strict=False)
            ]
            for a, p in zip(ends, leaves, strict=False)
        ]
        rows.append(call.rebuild([call.rebuild(row) for row in blocks]))
    return call.result(rows)


def check_holomorphic(call: Call, y: np.ndarray) -> None:
    """A real function of complex arguments has no complex second derivative."""
    if y.dtype.kind != "c" and any(dtype_of(x).kind == "c" for x in call.leaves):
        raise NonDifferentiableInputError(
            "a real result of complex arguments has no complex second derivative",
            why="it has four, in the real and imaginary parts",
            write="the real and imaginary parts as arguments of their own",
            where=call.source,
        )
