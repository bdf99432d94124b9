"""Random array programs from a small grammar, for any library with NumPy's language; smooth, so that differences hold.

A program is a list of steps `(rule, operands, choice)`. Each step takes arrays from those computed so far, named by
their position, and appends one. `choice` is an integer from which a rule picks axes, indices and shapes, so that any
list of integers is a program, and hypothesis can make it shorter.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from hypothesis import strategies as st

import wengert as wg

Rule = Callable[..., Any]


@dataclass
class Library:
    """A namespace like NumPy's, how elements are assigned in it, and the transformations and control flow beside it."""

    np: Any
    assign: Callable[[Any, Any, Any, str], Any]
    ad: Any  # grad, jvp, vmap, checkpoint
    control: Any  # scan, fori_loop, while_loop, cond


def in_place(x: Any, index: Any, value: Any, how: str) -> Any:
    """Assignment to a copy, as NumPy has it."""
    y = x.copy()
    if how == "set":
        y[index] = value
    elif how == "add":
        y[index] += value
    else:
        y[index] *= value
    return y


def functional(x: Any, index: Any, value: Any, how: str) -> Any:
    """Assignment as JAX has it."""
    return getattr(x.at[index], {"set": "set", "add": "add", "mul": "multiply"}[how])(value)


NUMPY = Library(numpy, in_place, wg, wg)


# choices ---------------------------------------------------------------------------------------------------------
def pick(options: Sequence[Any], choice: int) -> Any:
    """One of the options."""
    return options[choice % len(options)]


def axes_of(x: Any, choice: int) -> Any:
    """None, an axis, a negative axis, or a pair of axes."""
    n = len(x.shape)
    options: list[Any] = [None, *range(n), *range(-n, 0)]
    if n > 1:
        options += [(0, 1), (-1, 0)]
    return pick(options, choice)


def index_of(x: Any, choice: int) -> Any:
    """Basic and advanced indices that fit the shape."""
    if not x.shape:
        return pick([(), Ellipsis, None], choice)
    n = x.shape[0]
    options: list[Any] = [
        0, -1, slice(1, None), slice(None, None, -1), slice(None, None, 2), Ellipsis, None, (Ellipsis, 0),
        (Ellipsis, slice(0, 1)), (slice(None), None), numpy.array([0, n - 1, 0]), numpy.arange(n) % 2 == 0,
        numpy.array([[0], [n - 1]]),
    ]  # fmt: skip
    if len(x.shape) > 1:
        m = x.shape[1]
        options += [
            (0, -1), (slice(None), 0), (slice(1, None), slice(None, -1)), (None, 0), (0, Ellipsis, None),
            (numpy.array([0, n - 1]), numpy.array([m - 1, 0])), (slice(None), numpy.array([m - 1, 0, 0])),
            (numpy.array([[0], [n - 1]]), numpy.array([0, m - 1])), numpy.indices((n, m)).sum(0) % 2 == 0,
        ]  # fmt: skip
    return pick(options, choice)


# the grammar -------------------------------------------------------------------------------------------------------
UNARY: dict[str, Rule] = {
    "sin": lambda np, x: np.sin(x),
    "tanh": lambda np, x: np.tanh(x),
    "bell": lambda np, x: np.exp(-x * x),
    "root": lambda np, x: np.sqrt(1 + x**2),
    "soft": lambda np, x: np.log1p(np.exp(0.5 * x)),
    "arctan": lambda np, x: np.arctan(x - 0.3),
    "line": lambda np, x: 0.7 - 1.3 * x / 2,
    "square": lambda np, x: np.square(x) * 0.3,
    "rational": lambda np, x: (x + 1) / (2 + x * x),
    "sigmoid": lambda np, x: 1 / (1 + np.exp(-x)),
    "power": lambda np, x: np.power(1.5 + np.cos(x), 1.7),
}

BINARY: dict[str, Rule] = {
    "add": lambda np, x, y: x + y,
    "sub": lambda np, x, y: x - 0.5 * y,
    "mul": lambda np, x, y: x * y,
    "div": lambda np, x, y: x / (2 + y**2),
    "hypot": lambda np, x, y: np.hypot(x, 1 + np.abs(np.cosh(y))),
    "arctan2": lambda np, x, y: np.arctan2(x, 2 + np.sin(y)),
    "logaddexp": lambda np, x, y: np.logaddexp(x, y),
    "where": lambda np, x, y: np.where(y > 100, y, x * y),
    "maximum": lambda np, x, y: np.maximum(x, y + 100) - 100,
}

REDUCE: dict[str, Rule] = {
    "sum": lambda np, x, axis, keep: np.sum(x, axis=axis, keepdims=keep),
    "mean": lambda np, x, axis, keep: x.mean(axis=axis, keepdims=keep),
    "var": lambda np, x, axis, keep: np.var(x, axis=axis, keepdims=keep),
    "prod": lambda np, x, axis, keep: np.prod(np.tanh(x) + 1.5, axis=axis, keepdims=keep) / 10,
}

SHAPE: dict[str, Rule] = {
    "ravel": lambda np, x, c: x.ravel(),
    "T": lambda np, x, c: x.T,
    "flip": lambda np, x, c: np.flip(x),
    "roll": lambda np, x, c: np.roll(x, c),
    "expand": lambda np, x, c: np.expand_dims(x, c % (len(x.shape) + 1)),
    "squeeze": lambda np, x, c: np.squeeze(x),
    "transpose": lambda np, x, c: np.transpose(x, tuple((i + c) % len(x.shape) for i in range(len(x.shape)))),
    "reshape": lambda np, x, c: np.reshape(x, (-1,) if c % 2 else (*x.shape[1:], *x.shape[:1])),
    "repeat": lambda np, x, c: np.repeat(x, 2, axis=axes_of(x, 1) if x.shape else None),
    "pad": lambda np, x, c: np.pad(x, 1) if x.shape else x,
    "cumsum": lambda np, x, c: np.cumsum(x, axis=c % len(x.shape) if x.shape else 0) if x.shape else x,
    "broadcast": lambda np, x, c: np.broadcast_to(x, (2, *x.shape)),
}

INNER: dict[str, Rule] = {
    "grad": lambda lib, x, y: lib.ad.grad(lambda t: lib.np.sum(lib.np.sin(t) * t))(x),
    "closure": lambda lib, x, y: lib.ad.grad(lambda t: lib.np.sum(lib.np.sin(t) * lib.np.sum(y)))(x),
    "jvp": lambda lib, x, y: lib.ad.jvp(lambda t: lib.np.tanh(t) * t, (x,), (x,))[1],
    "vjp": lambda lib, x, y: lib.ad.vjp(lambda t: lib.np.exp(-t * t), x)[1](x)[0],
    "hvp": lambda lib, x, y: lib.ad.jvp(lib.ad.grad(lambda t: lib.np.sum(lib.np.sin(t)) ** 2 / 9), (x,), (x,))[1],
    "checkpoint": lambda lib, x, y: lib.ad.checkpoint(lambda a, b: lib.np.sin(a) * lib.np.sum(b))(x, y),
    "vmap": lambda lib, x, y: lib.ad.vmap(lambda r: lib.np.sin(r) * lib.np.mean(y))(lib.np.ravel(x)),
    "jacobian": lambda lib, x, y: lib.ad.jacrev(lambda t: lib.np.sin(lib.np.ravel(t)[:2]))(x),
    "scan": lambda lib, x, y: lib.control.scan(
        lambda c, r: (lib.np.tanh(c + r), c * r), lib.np.sum(y), lib.np.ravel(x)
    )[1],
    "carry": lambda lib, x, y: lib.control.scan(
        lambda c, r: (lib.np.sin(c * lib.np.sum(y)) + r, None), x, numpy.zeros((2, 1), x.dtype)[:, 0]
    )[0],
    "fori": lambda lib, x, y: lib.control.fori_loop(0, 3, lambda i, c: 0.5 * c + lib.np.sin(c + lib.np.sum(y)), x),
    "while": lambda lib, x, y: lib.control.while_loop(
        lambda s: s[1] < 3, lambda s: (lib.np.tanh(s[0]) + 0.1 * lib.np.sum(y), s[1] + 1), (x, 0)
    )[0],
    "cond": lambda lib, x, y: lib.control.cond(
        lib.np.sum(y) > -1e6, lambda a: lib.np.sin(a) * lib.np.sum(y), lambda a: a * a, x
    ),
    "loop in loop": lambda lib, x, y: lib.control.fori_loop(
        0, 2, lambda i, c: lib.control.fori_loop(0, 2, lambda j, d: lib.np.sin(d) + 0.3 * c, c), x
    ),
}  # fmt: skip


def apply(lib: Library, arrays: list[Any], rule: str, operands: tuple[int, int], choice: int) -> Any:
    """One step of a program."""
    np = lib.np
    x, y = (arrays[k % len(arrays)] for k in operands)
    if rule == "unary":
        return pick(list(UNARY.values()), choice)(np, x)
    if rule == "reduce":
        return pick(list(REDUCE.values()), choice)(np, x, axes_of(x, choice // 5), choice % 2 == 0)
    if rule == "shape":
        return pick(list(SHAPE.values()), choice)(np, x, choice // 12)
    if rule == "index":
        return x[index_of(x, choice)]
    if rule == "matmul":
        return product(np, x, y)
    if rule == "join":
        return pick([np.concatenate, np.stack], choice)([x, y]) if x.shape == y.shape and x.shape else np.ravel(x) * 1.1
    if rule == "inner":
        return pick(list(INNER.values()), choice)(lib, x, y)
    if rule == "assign":
        return assignment(lib, x, y, choice)
    if not fits(x.shape, y.shape, either=True):
        y = np.sum(y)
    return pick(list(BINARY.values()), choice)(np, x, y)


def assignment(lib: Library, x: Any, y: Any, choice: int) -> Any:
    """x with elements set, increased or multiplied; each once, since NumPy sets one of several and JAX any."""
    if not x.shape:
        return 0.9 * x
    index = index_of(x, choice)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, numpy.ndarray) and i.dtype.kind == "i" for i in parts):
        index = 0
    target = numpy.zeros(x.shape)[index]
    value = y if fits(y.shape, target.shape) else lib.np.sum(y)
    return lib.assign(x, index, value * 0.8, pick(["set", "add", "mul"], choice // 3))


def fits(small: tuple[int, ...], large: tuple[int, ...], either: bool = False) -> bool:
    """Does one shape broadcast to the other (or both to a common one)?"""
    try:
        common = numpy.broadcast_shapes(small, large)
    except ValueError:
        return False
    return either or common == tuple(large)


def product(np: Any, x: Any, y: Any) -> Any:
    """x @ y where the shapes fit, else of x with itself."""
    flat = 1 <= len(x.shape) <= 2 and 1 <= len(y.shape) <= 2
    if flat and x.shape[-1] == y.shape[0]:
        return x @ y
    if len(x.shape) == 2:
        return x.T @ x if x.shape[0] % 2 else x @ x.T
    if x.shape:
        return np.einsum("...i,...i->...", x, x)
    return x * y


RULES = ("unary", "binary", "binary", "reduce", "shape", "index", "matmul", "assign", "join", "inner")
SIZE_LIMIT = 64


@dataclass
class RandomProgram:
    """Inputs and steps; called with a library and the inputs it gives one number. limit: elements of an array."""

    inputs: tuple[numpy.ndarray, ...]
    steps: list[tuple[str, tuple[int, int], int]]
    limit: int = SIZE_LIMIT

    def __call__(self, lib: Library, *inputs: Any) -> Any:
        arrays = list(inputs)
        for step in self.steps:
            y = apply(lib, arrays, *step)
            if 1 <= math.prod(y.shape) <= self.limit and len(y.shape) <= 4:
                arrays.append(y)
        total = 0.0
        for k, x in enumerate(arrays[-4:]):
            total = total + (k + 1) * lib.np.sum(lib.np.tanh(0.5 * x)) / max(1, math.prod(x.shape))
        return total

    def largest(self) -> float:
        """The largest number on the way."""
        seen = [0.0]

        class Watch(list):
            def append(self, x: Any) -> None:
                seen.append(float(numpy.max(numpy.abs(x), initial=0.0)))
                super().append(x)

        arrays = Watch(self.inputs)
        for step in self.steps:
            y = apply(NUMPY, arrays, *step)
            if 1 <= math.prod(y.shape) <= self.limit and len(y.shape) <= 4:
                arrays.append(y)
        return max(seen)

    def __repr__(self) -> str:
        shapes = [x.shape for x in self.inputs]
        return f"RandomProgram({shapes}, {self.steps})"


@st.composite
def programs(draw: Any, max_steps: int = 8) -> RandomProgram:
    """Random programs of two inputs."""
    shapes = draw(
        st.lists(st.sampled_from([(), (1,), (3,), (2, 3), (3, 2), (3, 3), (2, 1, 3)]), min_size=2, max_size=2)
    )
    number = st.integers(0, 999)
    step = st.tuples(st.sampled_from(RULES), st.tuples(number, number), number)
    steps = draw(st.lists(step, min_size=1, max_size=max_steps))
    rng = numpy.random.default_rng(draw(number))
    return RandomProgram(tuple(numpy.asarray(rng.uniform(-1, 1, s)) for s in shapes), steps)
