"""A function of structures along lines through a point: what differences are taken of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..core.call import Call
from ..core.types import is_inexact, type_of

Direction = Sequence[Any]  # a tangent for each leaf; None where it does not move


class Point:
    """A function at a point: its values along lines through the point, as vectors; its value there, computed once."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.outs: list[np.ndarray] = []
        self._here: np.ndarray | None = None

    def value(self, leaves: Sequence[Any]) -> np.ndarray:
        """All results in one vector."""
        outs = self.call(*leaves)
        self.call.check_results("numeric differentiation", outs)
        self.outs = [np.asarray(y) for y in outs]
        parts = [y.ravel() if is_inexact(y.dtype) else y.ravel().astype(float) for y in self.outs]
        return np.concatenate(parts) if parts else np.zeros(0)

    def here(self) -> np.ndarray:
        """The value at the point itself."""
        if self._here is None:
            self._here = self.value(self.call.leaves)
        return self._here

    def along(self, *moves: tuple[Any, Direction]) -> np.ndarray:
        """f(x + t d), for one or more (t, d)."""
        leaves = self.call.leaves
        for t, direction in moves:
            leaves = [x if d is None else moved(x, t, d) for x, d in zip(leaves, direction, strict=True)]
        return self.value(leaves)

    def step(self, exponent: float, direction: Direction) -> float:
        """The automatic step in a direction."""
        moving = [(x, d) for x, d in zip(self.call.leaves, direction, strict=True) if d is not None]
        return automatic_step(exponent, [x for x, _ in moving], [d for _, d in moving])

    def split(self, vector: np.ndarray) -> list[Any]:
        """A vector (or a matrix of such columns) as one array for each result."""
        parts, at = [], 0
        for y in self.outs:
            parts.append(vector[at : at + y.size].reshape((*y.shape, *vector.shape[1:]))[()])
            at += y.size
        return parts

    def real_results(self) -> np.ndarray:
        """Which elements of the vector of results belong to real ones."""
        kinds = [np.full(y.size, y.dtype.kind != "c") for y in self.outs]
        return np.concatenate(kinds) if kinds else np.zeros(0, bool)


def automatic_step(exponent: float, xs: Sequence[Any], directions: Sequence[Any]) -> float:
    """`eps^exponent max(1, |x|) / |d|` as a power of two; only the elements that move count."""
    eps, size, length = 0.0, 1.0, 0.0
    for x, d in zip(xs, directions, strict=True):
        moving = np.broadcast_to(d, np.shape(x)) != 0
        if moving.any():
            dtype = np.asarray(x).dtype
            eps = max(eps, float(np.finfo(dtype if is_inexact(dtype) else float).eps))
            size = max(size, float(np.max(abs(np.asarray(x)[moving]))))
            length = max(length, float(np.max(abs(np.asarray(d)))))
    return float(2.0 ** np.round(np.log2(eps**exponent * size / length))) if length else 1.0


def moved(x: Any, t: Any, d: Any) -> Any:
    """x + t d in the dtype of x (or its complex companion, for a complex t)."""
    if type(x) is float:
        return x + t * d
    dtype = np.result_type(x, np.complex64) if isinstance(t, complex) else type_of(x).dtype
    y = np.add(x, np.multiply(dtype.type(t), d, dtype=dtype), dtype=dtype)
    return np.asarray(y) if isinstance(x, np.ndarray) else y  # an array of no axes stays one


def units(leaves: Sequence[Any]) -> Iterable[tuple[int, list[Any]]]:
    """Each unit vector of the inputs: (leaf, direction)."""
    for j, x in enumerate(leaves):
        x = np.asarray(x)
        for k in range(x.size):
            e = np.zeros(x.size, np.zeros((), x.dtype).real.dtype)
            e[k] = 1
            yield j, [e.reshape(x.shape) if i == j else None for i in range(len(leaves))]
