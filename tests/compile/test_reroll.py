"""Rows of alike nests: windows that a program writes one by one, against NumPy; what must not be rolled is not."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp


def windows(np_, x, k):
    """All k x k windows of a stack of images, one after the other on the last axis."""
    h, w = x.shape[1] - k + 1, x.shape[2] - k + 1
    return np_.concatenate([x[:, i : i + h, j : j + w] for i in range(k) for j in range(k)], axis=3)


@pytest.mark.parametrize("k", [3, 4, 5])
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_windows_and_their_adjoint(k, channels):
    rng = np.random.default_rng(k)
    x = rng.standard_normal((5, 9, 10, channels))
    y = wg.jit(lambda x: windows(wnp, x, k))(x)
    np.testing.assert_array_equal(y, windows(np, x, k))
    ybar = rng.standard_normal(y.shape)
    adjoint = wg.jit(wg.grad(lambda x: wnp.sum(windows(wnp, x, k) * ybar)))(x)
    expected = np.zeros_like(x)
    h, w = y.shape[1:3]
    for n, (i, j) in enumerate(np.ndindex(k, k)):
        expected[:, i : i + h, j : j + w] += ybar[..., n * channels : (n + 1) * channels]
    np.testing.assert_allclose(adjoint, expected, rtol=1e-12, atol=1e-13)


def test_a_row_of_nests_is_one_nest():
    x = np.arange(400.0)
    f = wg.jit(lambda x: wnp.stack([x[k : k + 380] for k in range(20)]))
    assert f.loops(x).count("for ") == 2
    np.testing.assert_array_equal(f(x), np.stack([x[k : k + 380] for k in range(20)]))


def test_irregular_rows_stay_apart():
    starts = [0, 1, 2, 4, 7, 11, 16, 22, 29, 37, 46]
    x = np.arange(200.0)
    f = lambda np_, x: np_.stack([x[s : s + 100] for s in starts])
    np.testing.assert_array_equal(wg.jit(lambda x: f(wnp, x))(x), f(np, x))


def test_elements_that_are_written_again_keep_their_order():
    def f(x):
        y = x * 0.0
        for k in range(12):
            y[k : k + 50] = x[2 * k : 2 * k + 50]
        return y

    x = np.random.default_rng(0).standard_normal(100)
    expected = np.zeros(100)
    for k in range(12):
        expected[k : k + 50] = x[2 * k : 2 * k + 50]
    np.testing.assert_array_equal(wg.jit(f)(x), expected)


def test_zeros_of_both_signs_are_told_apart():
    def f(x):
        y = x + 1.0
        for k in range(10):
            y[10 * k : 10 * k + 10] = -0.0 if k % 2 else 0.0
        return y

    y = wg.jit(f)(np.ones(100))
    np.testing.assert_array_equal(np.signbit(y), np.arange(100) // 10 % 2 == 1)
