"""quad: integrals by SciPy's adaptive quadrature, with derivatives in parameters and in both limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.options import whole
from ...core.program import Program
from ...core.record import record
from ...core.trace import Tracer
from ...core.types import ArrayType, dtype_of, is_inexact, shape_of
from ...errors import NonDifferentiableInputError, NotASolutionError
from ...primitives import call
from ..columns import columns_of, linearised, rows_of, size_of
from .arguments import applied
from .equations import Function, equations_of, halves, joined
from .integration import evaluator
from .outside import Job, outside

NUMBER = ArrayType((), np.float64)


def quad(
    fun: Function,
    a: Any,
    b: Any,
    args: Sequence[Any] = (),
    *,
    epsabs: float = 1e-12,
    epsrel: float = 1e-10,
    limit: int = 200,
    jit: bool = False,
) -> Any:
    """The integral of `f(x, *args)` over x from a to b; the limits may be infinite. The value alone, unlike SciPy's.

    Law (Leibniz): `I_dot = int_a^b f_args args_dot dx + f(b) b_dot - f(a) a_dot`.

    f returns a number, by scipy.integrate.quad, or an array, by quad_vec, and may close over values that are
    differentiated; the integral of its derivative in all of them is one more quadrature. epsabs, epsrel, limit: as in
    SciPy. jit: f and its derivatives are compiled. Derivatives hold where the integral of the derivative converges. An
    infinite limit does not move. Raises NotASolutionError where the quadrature does not reach its tolerance.

    >>> import numpy as np
    >>> import wengert as wg
    >>> gauss = lambda k: wg.implicit.quad(lambda x: np.exp(-k * x**2), -np.inf, np.inf)
    >>> gauss(np.pi).round(9), wg.grad(gauss)(np.pi).round(9), (-1 / (2 * np.pi)).__round__(9)
    (np.float64(1.0), np.float64(-0.159154943), -0.159154943)
    """
    for name, end in (("a", a), ("b", b)):
        if shape_of(end) or dtype_of(end).kind not in "fiu":
            raise NonDifferentiableInputError(
                f"quad got {name} = {dtype_of(end)}{list(shape_of(end))}",
                why="an integral runs from one real number to another",
                write="one number; wg.vmap over several limits",
            )
    whole(limit, "limit", 1)
    shape: list[Any] = []
    of_x = applied(fun, args)

    def shaped(x: Any) -> Any:
        y = of_x(x)
        shape[:] = [shape_of(y), dtype_of(y).kind == "c"]
        return y

    shaped.__name__ = getattr(fun, "__name__", "f")
    integrand = equations_of(shaped, [NUMBER], "quad")
    moving = isinstance(a, Tracer), isinstance(b, Tracer)
    ends = [wnp.asarray(end).astype(float) for end in (a, b)]
    integral = Integral(integrand.program, moving, {"epsabs": epsabs, "epsrel": epsrel, "limit": limit, "jit": jit})
    y = integral(*integrand.args, *ends)
    if shape[1]:
        half = shape_of(y)[0] // 2
        y = y[:half] + 1j * y[half:]
    y = y.reshape(shape[0])
    return y if isinstance(y, Tracer) else y[()]


class Integral:
    """`int_a^b f(*consts, x) dx`, (m,), as a function of consts, a, b. moving: may a, may b have a tangent?"""

    def __init__(self, f: Program, moving: tuple[bool, bool], options: dict[str, Any]) -> None:
        self.f, self.moving, self.options = f, moving, options
        self.job = Job(self.computed, [f.out_types[0]], "quad")

    def __call__(self, *xs: Any) -> Any:
        """The integral, with its derivative."""
        rule = call.JVPRule(lambda *xs: outside(*xs, job=self.job), self.jvp, "quad")
        return call.custom_jvp(*xs, rule=rule)[0]

    def computed(self, *xs: Any) -> list[Any]:
        """On plain arrays, by SciPy."""
        import scipy.integrate  # slow to import: only when asked for

        *consts, a, b = xs
        value = evaluator(self.f, self.options["jit"])
        f = lambda x: np.asarray(value(*consts, np.float64(x)), float)
        bound = self.options["epsabs"], self.options["epsrel"]
        if self.f.out_types[0].size == 1:
            more = {"limit": self.options["limit"], "full_output": 1}
            y, error, *_ = scipy.integrate.quad(
                lambda x: float(f(x)[0]), a, b, epsabs=bound[0], epsrel=bound[1], **more
            )
            size = abs(y)
        else:
            y, error = scipy.integrate.quad_vec(f, a, b, *bound, limit=50 * self.options["limit"])
            size = float(np.linalg.norm(y))
        if not error <= 10 * max(bound[0], bound[1] * size):
            raise NotASolutionError(
                f"the quadrature from {a:g} to {b:g} left an error of {error:.1e}, of {size:.3g}",
                why="the integrand, or its derivative where one was asked for, has a singularity or oscillates",
                write="limits between its kinks, a larger epsrel, or limit=",
            )
        return [np.atleast_1d(y)]

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Leibniz's rule."""
        *consts, a, b = xs
        total = wnp.zeros(self.f.out_types[0].shape)
        for sign, end, dot, moves in ((-1.0, a, x_dots[-2], self.moving[0]), (1.0, b, x_dots[-1], self.moving[1])):
            if moves:
                finite = wnp.isfinite(end)
                f = self.f.evaluate([*consts, wnp.where(finite, end, 0.0)])[0]
                total = total + wnp.where(finite, sign * f, 0.0) * dot
        dots = [d for c, d in zip(consts, x_dots, strict=False) if is_inexact(dtype_of(c))]
        if dots:
            slopes = Integral(slopes_of(self.f), self.moving, self.options)(*xs)
            total = total + slopes.reshape(self.f.out_types[0].size, -1) @ joined(dots, float)
        return [self(*xs)], [total]


def slopes_of(f: Program) -> Program:
    """consts, x -> df/dconsts, in all their real numbers, (m N,): by rows or by columns, whichever are fewer."""
    on = [is_inexact(t.dtype) for t in f.in_types[:-1]]

    def run(*xs: Any) -> list[Any]:
        *consts, x = xs
        moving = [h for c, yes in zip(consts, on, strict=True) if yes for h in halves(c)]

        def of_moving(*given: Any) -> Any:
            it = iter(given)
            whole = lambda c: next(it) + 1j * next(it) if dtype_of(c).kind == "c" else next(it)
            return f.evaluate([*(whole(c) if yes else c for c, yes in zip(consts, on, strict=True)), x])

        at, m = linearised(of_moving, moving), f.out_types[0].size
        columns = sum(size_of(h) for h in moving)
        (blocks,) = (rows_of if m <= columns else columns_of)(at, None)
        return [wnp.ravel(wnp.concatenate([wnp.reshape(block, (m, -1)) for block in blocks], axis=1))]

    return record(run, f.in_types, f"slopes of {f.name}")
