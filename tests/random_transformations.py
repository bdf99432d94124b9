"""Random stacks of transformations, each with its law: what it must give, by differences in a hundred digits.

A function maps a vector to a vector of the same length. It is two at once: `ours(x)`, in NumPy and wengert, and
`truth(x)`, on arrays of mpmath's numbers, which knows no derivative rule at all. A transformation makes one of another:
where it differentiates, its truth is a central difference with a step of 1e-16 in 100 digits, which may be nested.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

import wengert as wg

DIGITS, STEP = 100, mpmath.mpf(10) ** -16
MOST_RUNS = 600  # of the innermost function, in its truth
MOST_ORDERS = 4  # differences nested so deep keep ten digits

Vector = Callable[[Any], Any]


# the two languages -----------------------------------------------------------------------------------------------
def each(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one number, on arrays of mpmath's."""
    return np.frompyfunc(f, 1, 1)


EXACT = SimpleNamespace(
    sin=each(mpmath.sin), cos=each(mpmath.cos), exp=each(mpmath.exp), tanh=each(mpmath.tanh), sqrt=each(mpmath.sqrt),
    log=each(mpmath.log), arctan=each(mpmath.atan), sum=np.sum, prod=np.prod, roll=np.roll, cumsum=np.cumsum,
    concatenate=np.concatenate, flip=np.flip, sort=np.sort, stack=np.stack, where=np.where, max=np.max, outer=np.outer,
    diff=np.diff, repeat=np.repeat,
)  # fmt: skip


def exact(x: Any) -> Any:
    """An array of mpmath's numbers."""
    made = np.empty(np.shape(x), object)
    made[...] = np.frompyfunc(mpmath.mpf, 1, 1)(x)
    return made


def matrix(n: int, k: int) -> Any:
    """A matrix of short binary fractions."""
    return (np.arange(n * n).reshape(n, n) * (7 + k) % 11 - 5) / 8


def weights(n: int, k: int = 0) -> Any:
    """A direction, or weights, of short binary fractions."""
    return (np.arange(n) * (3 + k) % 5 + 1) / 4 * (-1.0) ** (np.arange(n) + k)


def _assigned(np: Any, x: Any, y: Any, k: int) -> Any:
    z = x * 1
    z[0] = z[-1] * y[0]
    z[1:] += y[:-1] / 2
    z[:: 1 + k % 2] *= y[:: 1 + k % 2]
    return z


# Steps of a program: np is the language, x and y are what was computed last and before.
STEPS: dict[str, Callable[..., Any]] = {
    "sin": lambda np, x, y, k: np.sin(x),
    "tanh": lambda np, x, y, k: np.tanh(x + y / 4),
    "bell": lambda np, x, y, k: np.exp(-x * x),
    "rational": lambda np, x, y, k: (1 + x) / (2 + y * y),
    "root": lambda np, x, y, k: np.sqrt(1 + x * x),
    "log": lambda np, x, y, k: np.log(2 + np.cos(x)),
    "product": lambda np, x, y, k: x * y,
    "difference": lambda np, x, y, k: x - y / 2,
    "matrix": lambda np, x, y, k: matrix(len(x), k) @ x,
    "outer": lambda np, x, y, k: np.outer(x, np.sin(y)).sum(axis=k % 2) / 2,
    "normed": lambda np, x, y, k: x / np.sqrt(1 + np.sum(y * y)),
    "roll": lambda np, x, y, k: np.roll(x, k) * (1 + y / 8),
    "cumsum": lambda np, x, y, k: np.cumsum(np.arctan(x)),
    "flip": lambda np, x, y, k: np.flip(x) - y[::-1],
    "index": lambda np, x, y, k: x[[(k + i * i) % len(x) for i in range(len(x))]] * y,
    "joined": lambda np, x, y, k: np.concatenate([x[1:], np.sin(y[:1])]),
    "prod": lambda np, x, y, k: np.prod(np.tanh(x) + 1.5) * y / 4,
    "sort": lambda np, x, y, k: np.sort(np.sin(x)),
    "max": lambda np, x, y, k: x - np.max(y) / 2,
    "where": lambda np, x, y, k: np.where(np.flip(x) > 0, np.sin(x), y * x),
    "assigned": _assigned,
    "stack": lambda np, x, y, k: (np.stack([x, y]) * np.stack([y, x])[::-1]).sum(0) / 3,
    "repeat": lambda np, x, y, k: np.repeat(np.sin(x), 2)[:: 2 - k % 2][: len(x)],
    "diff": lambda np, x, y, k: np.concatenate([np.diff(np.cos(x)), y[:1]]),
}  # fmt: skip


@dataclass
class Function:
    """Both sides of a function, what it is called, and what its truth costs."""

    ours: Vector
    truth: Vector
    name: str
    runs: int = 1
    orders: int = 0


def program(rng: np.random.Generator) -> Function:
    """A straight program of a few steps."""
    steps = [(str(rng.choice(list(STEPS))), int(rng.integers(6))) for _ in range(rng.integers(1, 6))]

    def run(np: Any, x: Any) -> Any:
        before = x
        for name, k in steps:
            before, x = x, STEPS[name](np, x, before, k)
        return x

    return Function(lambda x: run(np, x), lambda x: run(EXACT, x), " ".join(f"{s}{k}" for s, k in steps))


# truths ----------------------------------------------------------------------------------------------------------
def slope(f: Vector, x: Any, v: Any) -> Any:
    """D f(x)[v]."""
    h = STEP * exact(v)
    return (f(x + h) - f(x - h)) / (2 * STEP)


def units(n: int) -> Any:
    return exact(np.eye(n))


def pulled(f: Vector, x: Any, w: Any) -> Any:
    """J(x)^T w."""
    return np.stack([np.sum(w * slope(f, x, e)) for e in units(len(x))])


def solved(A: Any, b: Any) -> Any:
    """A^-1 b by elimination."""
    A, b = A * mpmath.mpf(1), b * mpmath.mpf(1)
    n = len(b)
    for i in range(n):
        for j in range(n):
            if j != i:
                factor = A[j, i] / A[i, i]
                A[j], b[j] = A[j] - factor * A[i], b[j] - factor * b[i]
    return b / np.diag(A)


def newton(residual: Vector, slope_of: Vector, y: Any) -> Any:
    """The root of a function that applies element by element."""
    for _ in range(9):
        y = y - residual(y) / slope_of(y)
    return y


# transformations ---------------------------------------------------------------------------------------------------
Made = tuple[Vector, Vector, Callable[[int], int], int]  # ours, truth, runs for n variables, orders
once = lambda n: 1


def same(make: Callable[[Vector, int], Vector]) -> Callable[[Function, int], Made]:
    """A transformation that changes nothing."""
    return lambda f, k: (make(f.ours, k), f.truth, once, 0)


def along(make: Callable[[Vector, Any, int], Vector]) -> Callable[[Function, int], Made]:
    """D f(x)[v], whatever the way."""

    def made(f: Function, k: int) -> Made:
        v = lambda x: weights(len(x), k)
        return lambda x: make(f.ours, v(x), k)(x), lambda x: slope(f.truth, x, v(x)), lambda n: 2, 1

    return made


def back(make: Callable[[Vector, Any, int], Vector]) -> Callable[[Function, int], Made]:
    """J(x)^T w, whatever the way."""

    def made(f: Function, k: int) -> Made:
        w = lambda x: weights(len(x), k)
        return lambda x: make(f.ours, w(x), k)(x), lambda x: pulled(f.truth, x, w(x)), lambda n: 2 * n, 1

    return made


def curved(make: Callable[[Vector, Any, Any, int], Vector]) -> Callable[[Function, int], Made]:
    """H(x) v of the function w . f, whatever the way."""

    def made(f: Function, k: int) -> Made:
        v, w = lambda x: weights(len(x), k), lambda x: weights(len(x), k + 1)
        truth = lambda x: slope(lambda t: pulled(f.truth, t, w(t)), x, v(x))
        return lambda x: make(f.ours, v(x), w(x), k)(x), truth, lambda n: 4 * n, 2

    return made


def second(make: Callable[[Vector, Any, Any, int], Vector]) -> Callable[[Function, int], Made]:
    """D^2 f(x)[u, v]."""

    def made(f: Function, k: int) -> Made:
        u, v = lambda x: weights(len(x), k), lambda x: weights(len(x), k + 1)
        truth = lambda x: slope(lambda t: slope(f.truth, t, u(t)), x, v(x))
        return lambda x: make(f.ours, u(x), v(x), k)(x), truth, lambda n: 4, 2

    return made


def lanes(f: Function, k: int) -> Made:
    """The sum of f over lanes, which lie along an axis, and come out along another."""
    scales, ins, outs = (1.0, 0.5, -0.25), k % 2, (k // 2) % 2

    def ours(x: Any) -> Any:
        batch = np.stack([s * x for s in scales], axis=ins)
        return np.sum(wg.vmap(f.ours, in_axes=(ins,), out_axes=outs)(batch), axis=outs)

    return ours, lambda x: sum(f.truth(s * x) for s in scales), lambda n: 3, 0


def lanes_of_scales(f: Function, k: int) -> Made:
    """Lanes of a number; the vector is the same for all."""
    scales = np.array([0.5, 1.0])
    ours = lambda x: wg.vmap(lambda s, t: f.ours(s * t) * s, in_axes=(0, None), out_axes=-1)(scales, x) @ np.ones(2)
    return ours, lambda x: sum(f.truth(mpmath.mpf(s) * x) * mpmath.mpf(s) for s in (0.5, 1)), lambda n: 2, 0


def repeated(loop: Callable[[Vector, Any, int], Any]) -> Callable[[Function, int], Made]:
    """x + f(x) / 8, three times, by a loop."""

    def truth_of(f: Vector) -> Vector:
        def truth(x: Any) -> Any:
            for _ in range(3):
                x = x + f(x) / 8
            return x

        return truth

    return lambda f, k: (lambda x: loop(lambda t: t + f.ours(t) / 8, x, k), truth_of(f.truth), lambda n: 3, 0)


def chosen(f: Function, k: int) -> Made:
    """A branch on data."""
    ours = lambda x: wg.cond(np.sum(x) > 0, lambda t: f.ours(t), lambda t: f.ours(-t) * t, x)
    return ours, lambda x: f.truth(x) if np.sum(x) > 0 else f.truth(-x) * x, once, 0


def with_jvp(f: Vector, k: int) -> Vector:
    """A rule of one's own, which is the derivative; also where it is called with two arguments."""
    own = wg.custom_jvp(lambda t, s: f(t) * s)

    @own.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (t, s), (t_dot, s_dot) = primals, tangents
        y, y_dot = wg.jvp(f, (t,), (t_dot,))
        return y * s, y_dot * s + y * s_dot

    return lambda x: own(x, 1.0)


def with_vjp(f: Vector, k: int) -> Vector:
    """A backward rule of one's own."""
    own = wg.custom_vjp(f)
    own.defvjp(lambda x: (f(x), x), lambda x, y_bar: wg.vjp(f, x)[1](y_bar))
    return own


def checkpointed(f: Vector, k: int) -> Vector:
    """Kept nothing, kept in parts, or within bytes that suffice."""
    return wg.checkpoint(f, **({}, {"segments": 2}, {"budget": "1 MB"}, {})[k % 4])


def loop_of(f: Vector, x: Any, k: int) -> Any:
    """Three rounds, as each kind of loop, with each kind of checkpoint."""
    keep: Any = (False, True, wg.checkpointing.binomial(2))[k % 3]
    if k % 4 == 0:
        return wg.scan(lambda c, _: (f(c), None), x, None, length=3, checkpoint=keep)[0]
    if k % 4 == 1:
        return wg.fori_loop(0, 3, lambda i, c: f(c), x, checkpoint=keep)
    if k % 4 == 2:
        return wg.while_loop(lambda s: s[1] < 3, lambda s: (f(s[0]), s[1] + 1), (x, 0))[0]
    return wg.scan(lambda c, r: (f(c) + r, None), x, np.zeros((3, 1)))[0]


def root(f: Function, k: int) -> Made:
    """y + sin(y)/4 = f(x), or y = f(x) + cos(y)/4."""
    n_of = lambda x: np.zeros(x.shape)
    if k % 2:
        ours = lambda x: wg.implicit.fixed_point(lambda y, b: b + np.cos(y) / 4, n_of(x), (f.ours(x),), xtol=1e-14)
        residual, by_y = lambda y, b: y - b - EXACT.cos(y) / 4, lambda y: 1 + EXACT.sin(y) / 4
    else:
        ours = lambda x: wg.implicit.root(lambda y, b: y + np.sin(y) / 4 - b, n_of(x), (f.ours(x),))
        residual, by_y = lambda y, b: y + EXACT.sin(y) / 4 - b, lambda y: 1 + EXACT.cos(y) / 4

    def truth(x: Any) -> Any:
        b = f.truth(x)
        return newton(lambda y: residual(y, b), by_y, b)

    return ours, truth, once, 0


def system(f: Function, k: int) -> Made:
    """(4 + sin(x) e_0^T + M) y = f(x): by the matrix, or by products with it."""

    def of(np_: Any, x: Any, one: Any) -> Any:
        return 8 * one + matrix(len(x), 1) / 2 + np_.outer(np_.sin(x), one[0])

    def ours(x: Any) -> Any:
        A = of(np, x, np.eye(len(x)))
        return np.linalg.solve(A, f.ours(x)) if k % 2 else wg.implicit.linear_solve(A, f.ours(x))

    return ours, lambda x: solved(of(EXACT, x, units(len(x))), f.truth(x)), once, 0


def in_place(f: Function, k: int) -> Made:
    """f, written into parts of arrays."""

    def run(f: Vector, x: Any) -> Any:
        z = x * 2
        z[::-1] += f(x)
        z[0] = z[-1] * x[0]
        return z

    return lambda x: run(f.ours, x), lambda x: run(f.truth, x), once, 0


def diagonal(f: Function, k: int) -> Made:
    """The diagonal of the Hessian of w . f."""
    scalar = lambda x: np.sum(f.ours(x) * weights(len(x), k))

    def truth(x: Any) -> Any:
        terms = [slope(lambda t, e=e: slope(f.truth, t, e), x, e) for e in units(len(x))]
        return np.stack([np.sum(exact(weights(len(x), k)) * t) for t in terms])

    return lambda x: wg.curvature.hessian_diagonal(scalar, x), truth, lambda n: 4 * n, 2


def weighed(f: Vector, w: Any) -> Callable[[Any], Any]:
    """The number w . f(x)."""
    return lambda x: np.sum(f(x) * w)


def traced(f: Vector, k: int) -> Vector:
    """The program, recorded at the point or on types."""
    return lambda x: wg.trace(f, abstract=bool(k % 2))(x)(x)


TRANSFORMATIONS: dict[str, Callable[[Function, int], Made]] = {
    "jit": same(lambda f, k: wg.jit(f)),
    "checkpoint": same(checkpointed),
    "custom_jvp": same(with_jvp),
    "custom_vjp": same(with_vjp),
    "primal of jvp": same(lambda f, k: lambda x: wg.jvp(f, (x,), (x,))[0]),
    "primal of vjp": same(lambda f, k: lambda x: wg.vjp(f, x)[0]),
    "jvp": along(lambda f, v, k: lambda x: wg.jvp(f, (x,), (v,))[1]),
    "linearize": along(lambda f, v, k: lambda x: wg.linearize(f, x)[1](v)),
    "jacfwd": along(lambda f, v, k: lambda x: wg.jacfwd(f)(x) @ v),
    "jacrev": along(lambda f, v, k: lambda x: wg.jacrev(f)(x) @ v),
    "jacobian": along(lambda f, v, k: lambda x: wg.jacobian(f, chunk=1 + k % 2 if k % 3 else None)(x) @ v),
    "elimination": along(
        lambda f, v, k: lambda x: wg.elimination.jacobian(f, order=("auto", "forward", "markowitz")[k % 3])(x) @ v
    ),
    "taylor": along(lambda f, v, k: lambda x: wg.taylor(f, x, v, order=2)[1]),
    "vjp": back(lambda f, w, k: lambda x: wg.vjp(f, x)[1](w)[0]),
    "grad": back(lambda f, w, k: wg.grad(weighed(f, w))),
    "transposed jacobian": back(lambda f, w, k: lambda x: w @ wg.jacobian(f)(x)),
    "value_and_grad": back(lambda f, w, k: lambda x: wg.value_and_grad(weighed(f, w))(x)[1]),
    "hvp": curved(lambda f, v, w, k: lambda x: wg.hvp(weighed(f, w), (x,), (v,))),
    "reverse over reverse": curved(
        lambda f, v, w, k: wg.grad(lambda x: np.sum(wg.grad(weighed(f, w))(x) * v))
    ),
    "hessian": curved(lambda f, v, w, k: lambda x: wg.hessian(weighed(f, w))(x) @ v),
    "curvature": curved(lambda f, v, w, k: lambda x: wg.curvature.hessian(weighed(f, w), x)(v)),
    "jacobian of jacobian": second(lambda f, u, v, k: lambda x: wg.jacrev(wg.jacfwd(f))(x) @ v @ u),
    "mixed_derivative": second(lambda f, u, v, k: lambda x: wg.mixed_derivative(f, x, [u, v])),
    "derivative_tensor": second(lambda f, u, v, k: lambda x: wg.derivative_tensor(f, x, order=2) @ v @ u),
    "hessian_diagonal": diagonal,
    "vmap": lanes,
    "vmap of scales": lanes_of_scales,
    "loop": repeated(loop_of),
    "cond": chosen,
    "root": root,
    "system": system,
    "in place": in_place,
}  # fmt: skip
# What gives a sparse matrix, or is recorded where it stands: outermost only.
OUTERMOST = {
    "trace": same(traced),
    "sparse.jacobian": along(lambda f, v, k: lambda x: wg.sparse.jacobian(f)(x) @ v),
    "sparse.hessian": curved(lambda f, v, w, k: lambda x: wg.sparse.hessian(weighed(f, w))(x) @ v),
}


def transformed(f: Function, name: str, k: int, n: int) -> Function | None:
    """f under a transformation; None where its truth would take too long, or lose its digits."""
    ours, truth, runs, orders = (TRANSFORMATIONS | OUTERMOST)[name](f, k)
    made = Function(ours, truth, f"{name}{k}({f.name})", f.runs * runs(n), f.orders + orders)
    return made if made.runs <= MOST_RUNS and made.orders <= MOST_ORDERS else None


def after(f: Function, g: Function) -> Function:
    """g after f, and a part of f beside it."""
    ours = lambda x: (lambda y: g.ours(y) + y / 4)(f.ours(x))
    truth = lambda x: (lambda y: g.truth(y) + y / 4)(f.truth(x))
    return Function(ours, truth, f"{g.name} after ({f.name})", f.runs + g.runs, max(f.orders, g.orders))


def random_function(seed: int, most: int = 4) -> tuple[Function, Any]:
    """A stack of up to `most` transformations of a random program, programs between them; and a point."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    f = program(rng)
    for _ in range(rng.integers(1, most + 1)):
        made = transformed(f, str(rng.choice(list(TRANSFORMATIONS))), int(rng.integers(12)), n)
        f = made or f
        if rng.random() < 0.3:
            f = after(f, program(rng))
    if rng.random() < 0.25:
        f = transformed(f, str(rng.choice(list(OUTERMOST))), int(rng.integers(12)), n) or f
    return f, rng.uniform(-1, 1, n)
