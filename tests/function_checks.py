"""What every function of the NumPy language must satisfy at a point, whichever way it is written.

The truth is NumPy's value and central differences of it. `check` compares with it the value, forward and reverse mode,
second derivatives both ways, vmap, grad of vmap, vmap of grad and the recorded program.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg

STEP = 1e-6


def differences(f: Callable[[Any], Any], x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The gradient of sum(w f(x)) by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = STEP
        g[i] = (np.sum(f(x + e) * w) - np.sum(f(x - e) * w)) / (2 * STEP)
    return g


def same_type(found: Any, expected: Any) -> None:
    """Two results have one dtype and one shape."""
    assert np.asarray(found).dtype == np.asarray(expected).dtype, (found, expected)
    assert np.shape(found) == np.shape(expected), (found, expected)


def same(found: Any, expected: Any, rtol: float = 1e-12, atol: float = 1e-14) -> None:
    """Two results are alike in value, dtype and shape."""
    same_type(found, expected)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


def check(
    f: Callable[[Any], Any],
    x: Any,
    *,
    order: int = 2,
    vmap: bool = True,
    program: bool = True,
    rtol: float = 1e-6,
    atol: float = 1e-7,
) -> None:
    """All that a real function of one real array must satisfy at x."""
    x = np.asarray(x, float)
    rng = np.random.default_rng(x.size)
    y = f(x)
    w = rng.normal(size=np.shape(y))
    dx = rng.normal(size=x.shape)

    def total(t: Any) -> Any:
        return np.sum(f(t) * w)

    value, y_dot = wg.jvp(f, (x,), (dx,))
    same(value, y)
    g = wg.grad(total)(x)
    same_type(g, x)
    np.testing.assert_allclose(g, differences(f, x, w), rtol=rtol, atol=atol)
    np.testing.assert_allclose(np.sum(w * y_dot), np.sum(g * dx), rtol=1e-10, atol=1e-12)
    if order > 1:
        _check_second_order(total, x, dx)
    if vmap:
        _check_batched(f, total, x, dx, w, g)
    if program:
        same(wg.trace(f)(x)(x), y)


def _check_second_order(total: Callable[[Any], Any], x: np.ndarray, dx: np.ndarray) -> None:
    """Hessian times dx: forward over reverse, reverse over reverse, and differences of gradients."""
    gradient = wg.grad(total)
    h = 1e-5
    expected = (gradient(x + h * dx) - gradient(x - h * dx)) / (2 * h)
    forward = wg.jvp(gradient, (x,), (dx,))[1]
    np.testing.assert_allclose(forward, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(wg.grad(lambda t: np.sum(gradient(t) * dx))(x), forward, rtol=1e-8, atol=1e-8)


def _check_batched(f: Any, total: Any, x: np.ndarray, dx: np.ndarray, w: np.ndarray, g: np.ndarray) -> None:
    """vmap against each lane alone; its gradient, and vmap of the gradient."""
    xs = np.stack([x, x + 0.01 * dx])
    for lane, each in zip(wg.vmap(f)(xs), xs, strict=True):
        same(lane, f(each))
    weights = np.stack([w, 0 * w])
    of_vmap = wg.grad(lambda t: np.sum(wg.vmap(f)(t) * weights))(xs)
    np.testing.assert_allclose(of_vmap[0], g, rtol=1e-9, atol=1e-10)
    assert not of_vmap[1].any()
    np.testing.assert_allclose(wg.vmap(wg.grad(total))(xs)[0], g, rtol=1e-9, atol=1e-10)


def results(f: Callable[..., Any], *args: Any) -> Any:
    """What f gives where its floating-point arguments are traced: the values of the results."""
    found = []

    def keep(*xs: Any) -> Any:
        found.append(f(*xs))
        return sum(np.sum(np.real(x)) for x in xs)

    wg.grad(keep, tuple(range(len(args))))(*args)
    return found[0]
