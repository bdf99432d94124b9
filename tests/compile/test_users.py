"""Programs as users of NumPy write them: compiled, with derivatives, against eager evaluation and differences."""

import numpy as np
import pytest

import wengert as wg

RNG = np.random.default_rng(0)


def close(got, want, rtol=1e-9, atol=1e-11):
    """Each result is what it should be, of the same dtype and shape."""
    got, want = (x if isinstance(x, tuple) else (x,) for x in (got, want))
    for a, b in zip(got, want, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol, atol)


def along(f, args, directions, h=1e-3):
    """The derivative of f along directions, by differences of sixth order."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    at = lambda s: f(*(a + s * h * v for a, v in zip(args, directions, strict=True)))
    return sum(w * (at(k) - at(-k)) for k, w in weights.items()) / h


# what was once wrong -----------------------------------------------------------------------------------------------
def test_state_that_is_written_over_is_not_read_again():
    def f(A, b):
        total = 0.0
        for _ in range(20):
            a = b + 1
            b = b * 0.9
            total = total + np.sum(a / np.sum(b**2)) + np.sum(A @ a)
        return total

    A, b = RNG.standard_normal((20, 20)), RNG.random(20)
    close(wg.jit(f)(A, b), f(A, b))


def chebyshev(c, x):
    b0, b1 = np.zeros_like(x), np.zeros_like(x)
    for k in range(len(c) - 1, 0, -1):
        b0, b1 = c[k] + 2 * x * b0 - b1, b0
    return np.sum(c[0] + x * b0 - b1)


def test_arrays_that_share_memory_are_not_said_to_be_apart():
    c, x = RNG.standard_normal((3, 11)), RNG.random((3, 200))
    f = wg.vmap(wg.grad(chebyshev, argnums=(0, 1)))
    value = lambda c, x: np.sum(np.polynomial.chebyshev.chebval(x, c))
    c_bar, x_bar = wg.jit(f)(c, x)
    for k in range(3):
        slope = np.polynomial.chebyshev.chebval(x[k], np.polynomial.chebyshev.chebder(c[k]))
        close(x_bar[k], slope, 1e-9, 1e-10)
        close(c_bar[k], np.polynomial.chebyshev.chebvander(x[k], 10).sum(0), 1e-9, 1e-10)
        close(chebyshev(c[k], x[k]), value(c[k], x[k]))


def test_empty_arrays_of_two_axes():
    f = lambda x: np.sum(np.exp(x) * x)
    for shape in ((0, 3), (3, 0)):
        close(wg.jit(wg.hessian(f))(np.ones(shape)), np.zeros(shape + shape))


def leaky(x):
    y = x.copy()
    y[y < 0] *= 0.1
    y[y > 1] -= y.max()
    return np.sum(y**2)


def test_masks_that_are_not_known():
    x = RNG.standard_normal(40)
    close(wg.jit(leaky)(x), leaky(x))
    v = RNG.standard_normal(40)
    close(np.vdot(wg.jit(wg.grad(leaky))(x), v), along(leaky, (x,), (v,), 1e-5), 1e-6)
    close(wg.jit(wg.vmap(wg.grad(leaky)))(np.stack([x, 2 * x])), np.stack([wg.grad(leaky)(x), wg.grad(leaky)(2 * x)]))


def test_rows_by_a_mask():
    def f(A):
        B = A.copy()
        B[A[:, 0] > 0] += np.array([1.0, 2.0, 3.0])
        return B

    A = RNG.standard_normal((9, 3))
    close(wg.jit(f)(A), f(A))


def test_how_many_a_mask_holds_must_be_known():
    with pytest.raises(wg.errors.AbstractValueError, match="number of elements where a mask"):
        wg.jit(lambda x: np.sum(x[x > 0]))(RNG.standard_normal(5))


def test_products_that_wait_for_a_sum_are_read_before_their_factors_are_written_over():
    def f(x):
        a, b = np.sin(x), np.cos(x)
        c, d = a.copy(), b.copy()
        c[::2] = 0.1
        d[::2] = 0.2
        product = a @ b + b @ b
        return np.sum(np.tanh(c) * d) + product

    x, v = RNG.standard_normal(12), RNG.standard_normal(12)
    slope = along(f, (x,), (v,))
    close(np.vdot(wg.jit(wg.grad(f))(x), v), slope, 1e-8)
    value, tangent = wg.jit(lambda x, v: wg.jvp(f, (x,), (v,)))(x, v)
    close((value, tangent), (f(x), slope), 1e-8)
