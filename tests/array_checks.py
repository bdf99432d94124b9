"""A function of arrays written in NumPy's language, run by NumPy and by us: values, types, derivatives, lanes."""

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from wengert.core.trace import concrete, settled

Array = Any


def results(y: Any) -> list[Any]:
    """The results of a function as a list of plain arrays and numbers."""
    if isinstance(y, tuple | list):
        return [r for item in y for r in results(item)]
    return [concrete(settled(y))]


def weighted(y: Any) -> Any:
    """sum_ij w_i y_ij over all floating-point results, with weights in general position."""
    if isinstance(y, tuple | list):
        return sum((weighted(item) for item in y), 0.0)
    if getattr(y, "dtype", np.dtype(float)).kind != "f":
        return 0.0
    w = np.cos(np.arange(np.size(y)) + 1.0).reshape(np.shape(y))
    return (y * w).sum()


def same(found: Any, expected: Any) -> None:
    """Equal structure, shapes, dtypes and (to rounding) values; a number where a number is expected."""
    ours, numpys = results(found), results(expected)
    assert len(ours) == len(numpys)
    for a, b in zip(ours, numpys, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def slope(f: Callable[[Array], float], x: Array, d: Array, h: float = 1e-6) -> float:
    """The derivative of f along d by central differences."""
    return (f(x + h * d) - f(x - h * d)) / (2 * h)


def agrees(f: Callable[[Array, Any], Any], x: Array, lanes: bool = True) -> None:
    """f(x, np) and f(x, wengert.numpy): the same values; derivatives in both modes; and vmap against a loop."""
    expected = f(x, np)
    kept: list[Any] = []

    def loss(t: Any) -> Any:
        y = f(t, wnp)
        kept[:] = [y]
        same(y, expected)
        return weighted(y) + 0.0 * t.sum()

    before = x.copy()
    g = wg.grad(loss)(x)
    assert g.shape == x.shape and g.dtype == x.dtype
    np.testing.assert_array_equal(x, before)
    d = np.sin(np.arange(x.size) + 0.5).reshape(x.shape)
    truth = slope(lambda x: float(weighted(f(x, np))), x, d)
    np.testing.assert_allclose((g * d).sum(), truth, rtol=2e-7, atol=1e-7)
    np.testing.assert_allclose(wg.jvp(loss, (x,), (d,))[1], truth, rtol=2e-7, atol=1e-7)
    if lanes:
        batch = np.stack([x, x * 1.25])
        found = results(wg.vmap(lambda t: f(t, wnp))(batch))
        for k, lane in enumerate(batch):
            for a, b in zip(found, results(f(lane, np)), strict=True):
                np.testing.assert_allclose(a[k], b, rtol=1e-12, atol=1e-13)
