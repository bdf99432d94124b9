"""Operands of products that are made again: values and gradients against NumPy by hand, and what is not kept."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

rng = np.random.default_rng(0)
X, M, W = rng.standard_normal((50, 40, 20)), rng.standard_normal((50, 1, 20)), rng.standard_normal((20, 24)) / 5


def loss(np_, m, w):
    """A product of differences; its adjoint needs them again."""
    return np_.sum(np_.tanh((X - m) @ w))


def test_gradient_against_a_formula():
    slope = 1 - np.tanh((X - M) @ W) ** 2
    g = wg.jit(wg.grad(lambda m, w: loss(wnp, m, w), (0, 1)))
    dm, dw = g(M, W)
    np.testing.assert_allclose(dw, np.einsum("bnk,bnj->kj", X - M, slope), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(dm, -np.sum(slope @ W.T, axis=1, keepdims=True), rtol=1e-11, atol=1e-11)


def test_the_operand_is_not_kept():
    g = wg.jit(wg.grad(lambda w: loss(wnp, M, w)))
    kept = g.memory(W).working
    assert kept < X.nbytes  # the slope alone would be larger, and X - M is as large as X


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_operands_in_another_order(order):
    x = np.transpose(X, order) * 1.5
    w = rng.standard_normal((x.shape[2], 18)) / 5

    def f(np_, x, w):
        return np_.sum((np_.maximum(2.0 * x, 0.0) @ w) ** 2)

    dw = wg.jit(wg.grad(lambda x, w: f(wnp, x, w), 1))(x, w)
    h = np.maximum(2.0 * x, 0.0)
    np.testing.assert_allclose(dw, 2 * np.einsum("bnk,bnj->kj", h, h @ w), rtol=1e-11)


def test_windows_of_images():
    images, w = rng.standard_normal((30, 14, 14, 3)), rng.standard_normal((27, 8)) / 5

    def windows(np_, x):
        return np_.concatenate([x[:, i : i + 12, j : j + 12] for i in range(3) for j in range(3)], axis=3)

    g = wg.jit(wg.grad(lambda x, w: wnp.sum((windows(wnp, x) @ w) ** 2), 1))
    made = windows(np, images)
    np.testing.assert_allclose(g(images, w), 2 * np.einsum("bhwk,bhwj->kj", made, made @ w), rtol=1e-11)
    assert g.memory(images, w).working < made.nbytes / 2


def test_what_is_written_over_in_between_is_kept():
    def f(x, w):
        d = x - 1.0
        y = d @ w
        x = x * 0.0 + wnp.sum(y)  # another value in the place of x
        return wnp.sum(y * y) + wnp.sum(x)

    w = W.copy()
    g = wg.jit(wg.value_and_grad(f, (0, 1)))(X, w)
    y = (X - 1.0) @ w
    np.testing.assert_allclose(g[0], np.sum(y * y) + X.size * np.sum(y), rtol=1e-12)
    bar = 2 * y + X.size
    np.testing.assert_allclose(g[1][1], np.einsum("bnk,bnj->kj", X - 1.0, bar), rtol=1e-10)
    np.testing.assert_allclose(g[1][0], bar @ w.T, rtol=1e-10, atol=1e-6)
