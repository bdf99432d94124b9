"""Random sequences of Python statements on arrays that share memory: views, assignments to them, `out=`, `+=`.

NumPy itself, run on plain arrays, says what the result must be. Every statement appends an array to a pool, or changes
one in place, and with it whatever shares its memory.
"""

import itertools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import wengert.numpy as wnp

KINDS = ("view", "view", "compute", "compute", "set", "set", "augmented set", "augmented", "out")
POOL = 12


def views(x: Any) -> list[Callable[[], Any]]:
    """Arrays that share memory with x in NumPy (or copies, where NumPy copies)."""
    found: list[Callable[[], Any]] = [
        lambda: x[...], lambda: x.T, lambda: x[None], lambda: x.ravel(), lambda: x.reshape(-1),
        lambda: np.swapaxes(x, 0, -1), lambda: np.squeeze(x), lambda: np.expand_dims(x, 0),
        lambda: x.reshape(x.shape[::-1]), lambda: np.moveaxis(x, 0, -1), lambda: np.atleast_2d(x), lambda: np.flip(x),
        lambda: x[1:], lambda: x[::-1], lambda: x[::2], lambda: x[..., 0:2], lambda: x[0:1], lambda: x[-1],
        lambda: x[:, None], lambda: np.split(x, [1])[1], lambda: next(iter(x)), lambda: x[..., None, :],
    ]  # fmt: skip
    if x.ndim > 1:
        found += [lambda: x[:, 0], lambda: x[0, 1:], lambda: x[1:, ::-1], lambda: np.diagonal(x), lambda: x[:, -1:]]
    return found


def computed(x: Any, y: Any) -> list[Callable[[], Any]]:
    """Arrays with memory of their own."""
    return [
        lambda: np.sin(x), lambda: x * 0.5 + 0.1, lambda: np.tanh(x) * x, lambda: x.copy(), lambda: np.sum(x, axis=0),
        lambda: x @ x.T if x.ndim == 2 else x * x, lambda: wnp.array(x), lambda: np.zeros_like(x) + 0.3,
        lambda: np.zeros_like(x), lambda: wnp.ascontiguousarray(x), lambda: wnp.asarray(x), lambda: x.flatten(),
        lambda: np.copy(x), lambda: x + np.sum(y), lambda: np.concatenate([np.ravel(x), np.ravel(y)]),
        lambda: np.ones_like(x), lambda: x[[0, -1, 0]],
    ]  # fmt: skip


def indices(x: Any) -> list[Any]:
    """Where elements are assigned."""
    found: list[Any] = [
        0, -1, slice(None), slice(1, None), slice(None, None, -1), slice(None, None, 2), ..., (..., 0),
        np.array([0, -1]), np.arange(x.shape[0]) % 2 == 0, (..., slice(0, 1)), [0],
    ]  # fmt: skip
    if x.ndim > 1:
        n, m = x.shape[:2]
        found += [
            (0, 0), (slice(None), 0), (0, slice(1, None)), (slice(None), -1), (np.array([0, -1]), np.array([0, 0])),
            (slice(1, None), slice(None, -1)), (0, ...), (slice(None), [0]), np.indices((n, m)).sum(0) % 2 == 0,
        ]  # fmt: skip
    return found


def fitted(y: Any, shape: tuple[int, ...]) -> Any:
    """y where it can be assigned to this shape, else one number."""
    try:
        return y if np.broadcast_shapes(y.shape, shape) == tuple(shape) else np.sum(y) / 3
    except ValueError:
        return np.sum(y) / 3


AUGMENTED: Sequence[Callable[[Any, Any], Any]] = (
    operator.iadd,
    operator.imul,
    lambda x, v: operator.isub(x, 0.5 * v),
    lambda x, v: operator.itruediv(x, 2.0 + np.sin(v)),
    lambda x, v: operator.ipow(x, 2),
)

OUT: Sequence[Callable[[Any, Any], Any]] = (
    lambda x, v: np.add(x, v, out=x),
    lambda x, v: np.sin(x, out=x),
    lambda x, v: np.multiply(v, 0.5, out=x),
    np.copyto,
    lambda x, v: x.fill(0.25),
    lambda x, v: np.negative(x, out=x[...]),
)


def execute(pool: list[Any], kind: str, x: Any, y: Any, choice: int, variant: int) -> None:
    """One statement."""
    if kind == "view":
        pool.append(pick(views(x), choice)())
    elif kind == "compute":
        pool.append(pick(computed(x, y), choice)())
    elif kind == "augmented":
        pick(AUGMENTED, variant)(x, fitted(y, x.shape))
    elif kind == "out":
        pick(OUT, variant)(x, fitted(y, x.shape))
    else:
        index = pick(indices(x), choice)
        value = fitted(y, np.zeros(x.shape)[index].shape)
        if kind == "set":
            x[index] = value
        elif variant % 2:
            x[index] += value
        else:
            x[index] *= value


def pick(options: Sequence[Any], choice: int) -> Any:
    """One of the options."""
    return options[choice % len(options)]


@dataclass
class Statements:
    """Inputs and statements; called with the inputs it runs them on copies and gives one number."""

    inputs: tuple[np.ndarray, ...]
    steps: list[tuple[str, int, int, int, int]]

    def __call__(self, *inputs: Any) -> Any:
        pool = [x.copy() for x in inputs]
        for kind, j, k, choice, variant in self.steps:
            x, y = pool[j % len(pool)], pool[k % len(pool)]
            if x.ndim == 0 or x.size == 0:  # numbers are immutable; NumPy has two kinds of arrays without axes
                continue
            execute(pool, kind, x, y, choice, variant)
            del pool[:-POOL]
        return sum(k * np.sum(np.tanh(x)) / (1 + x.size) for k, x in zip(itertools.count(1), pool, strict=False))

    def expected(self) -> Any:
        """NumPy's result, or None where it raises."""
        with np.errstate(all="ignore"):
            try:
                return self(*self.inputs)
            except (ValueError, IndexError, TypeError):
                return None

    def __repr__(self) -> str:
        return f"Statements({[x.shape for x in self.inputs]}, {self.steps})"


@st.composite
def statements(draw: Any) -> Statements:
    """Random statements on two arrays."""
    shape = st.sampled_from([(1,), (3,), (2, 3), (3, 2), (3, 3), (2, 1, 3)])
    shapes = draw(st.tuples(shape, shape))
    number = st.integers(0, 999)
    steps = draw(st.lists(st.tuples(st.sampled_from(KINDS), number, number, number, number), min_size=2, max_size=9))
    rng = np.random.default_rng(draw(number))
    return Statements(tuple(np.asarray(rng.uniform(-1, 1, s)) for s in shapes), steps)
