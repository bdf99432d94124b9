"""Slices whose start is traced and whose length is not, compiled: NumPy's values, views, gradients, and errors."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import AbstractValueError, ShapeError

rng = np.random.default_rng(5)
X = rng.normal(size=12)


def stencil(x):
    """Neighbours of each place."""
    y = 0.0
    for i in range(1, 11):
        y = y + x[i - 1 : i + 2] @ np.array([1.0, -2.0, 1.0]) * x[i] ** 2
    return y


def assigned(x):
    """Overlapping slices are added to, and written over."""
    y = np.zeros_like(x)
    for i in range(10):
        y[i : i + 3] += x[i : i + 3] * x[i]
        y[i : i + 2] = y[i : i + 2] * 0.5
    return np.sum(y**2)


def blocks(x):
    """Bounds that are products, and remainders."""
    s = 0.0
    for k in range(10):
        s = s + np.sum(x[(k % 4) * 3 : (k % 4 + 1) * 3] ** 2 * k) + np.sum(x[11 - k - 1 : 11 - k : 1])
    return s


def matrices(x):
    """Several axes, with integers beside them, steps, and views that are assigned to."""
    a = np.outer(x, x)
    s = 0.0
    for i in range(9):
        b = a[i : i + 2, i + 1 : i + 4]
        b[0] = 1.0
        s = (
            s
            + np.sum(b) * x[i]
            + a[i + 1, i : i + 3] @ np.arange(3.0)
            + np.sum(a[i : i + 4 : 2])
            + np.sum(a[..., i : i + 1])
        )
    return s + np.sum(a)


FUNCTIONS = [stencil, assigned, blocks, matrices]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_slices_in_loops(f):
    """Values and gradients are those of the loop that Python runs; it stays a loop."""
    assert " scan" in str(wg.jit(f).program(X))
    np.testing.assert_allclose(wg.jit(f)(X), f(X), rtol=1e-13)
    d, h = rng.normal(size=12), 1e-6
    gradient = wg.jit(wg.grad(f))(X)
    np.testing.assert_allclose(gradient @ d, (f(X + h * d) - f(X - h * d)) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(gradient, wg.grad(f)(X), rtol=1e-12, atol=1e-13)


def test_under_transformations():
    """Lanes with their own data, or their own starts; second derivatives."""
    xs = np.stack([X, 2 * X, X[::-1]])
    np.testing.assert_allclose(wg.jit(wg.vmap(stencil))(xs), [stencil(x) for x in xs], rtol=1e-13)
    starts = wg.jit(wg.vmap(lambda x, i: x[i : i + 3] * 2))(xs, np.array([0, 9, 4]))
    np.testing.assert_array_equal(starts, [2 * x[i : i + 3] for x, i in zip(xs, (0, 9, 4), strict=True)])
    np.testing.assert_allclose(wg.jit(wg.hessian(stencil))(X), wg.hessian(stencil)(X), rtol=1e-11, atol=1e-12)


def test_a_start_that_is_an_argument():
    """Every place where the slice fits; elsewhere an error, since NumPy's slice would be shorter."""
    f = wg.jit(lambda x, i: x[i : i + 3])
    for i in range(10):
        np.testing.assert_array_equal(f(X, i), X[i : i + 3])
    for i in (10, 12, -1, -13):
        with pytest.raises(ShapeError, match=f"begins at {i} of an axis of length 12"):
            f(X, i)
    with pytest.raises(ShapeError, match="begins at 10"):
        wg.jit(wg.vmap(lambda i: wg.numpy.asarray(X)[i : i + 3]))(np.array([0, 10]))
    assert wg.jit(lambda x, i: x[i:i])(X, 3).shape == (0,)


def test_a_length_that_depends_on_data():
    for f in (lambda x, i: x[:i], lambda x, i: x[i:], lambda x, i: x[i : 2 * i], lambda x, i: x[i : i + 2 : i]):
        with pytest.raises(AbstractValueError, match="the length of a slice"):
            wg.jit(f)(X, 2)


def test_while_loops():
    """The start is carried."""

    def f(x, n):
        i, s = 0, 0.0
        while i < n:
            s = s + np.max(x[i : i + 2])
            i = i + 3
        return s

    assert wg.jit(f)(X, 10) == f(X, 10)


# lengths that NumPy reads from data --------------------------------------------------------------------------------
def test_bincount():
    """With minlength, where the elements are below it."""
    x, w = np.array([3, 1, 2, 1]), rng.normal(size=4)
    f = wg.jit(lambda x, w: (np.bincount(x, minlength=5), np.bincount(x, w, minlength=5)))
    for found, expected in zip(f(x, w), (np.bincount(x, minlength=5), np.bincount(x, w, minlength=5)), strict=True):
        np.testing.assert_array_equal(found, expected)
    gradient = wg.jit(wg.grad(lambda w, x: np.sum(np.bincount(x, w, minlength=5) ** 2)))(w, x)
    np.testing.assert_allclose(gradient, 2 * np.bincount(x, w)[x])
    for bad in (5, -1):
        with pytest.raises(IndexError):
            f(np.array([0, bad, 1, 1]), w)
    with pytest.raises(AbstractValueError, match=r"np\.bincount\(x, minlength=n\)"):
        wg.jit(lambda x: np.bincount(x))(x)


def test_unique_names_what_has_a_fixed_length():
    with pytest.raises(AbstractValueError, match="number of distinct elements"):
        wg.jit(lambda x: np.unique(x))(X)
    with pytest.raises(AbstractValueError, match="static_argnums"):
        wg.jit(lambda x, n: x.reshape(n, -1))(X, 3)


def test_roll_by_a_traced_shift():
    a = rng.normal(size=(3, 4))
    for k in (0, 2, -5):
        found = wg.jit(lambda a, k: (np.roll(a, k), np.roll(a, k, 1), np.roll(a, (k, 1), (0, 1))))(a, k)
        for y, expected in zip(found, (np.roll(a, k), np.roll(a, k, 1), np.roll(a, (k, 1), (0, 1))), strict=True):
            np.testing.assert_array_equal(y, expected)
