"""Loops over elements: sums that stay in registers, beside others in the same array."""

import numpy
import pytest

import wengert as wg

np = wg.numpy
X = numpy.random.default_rng(0).normal(size=(5, 7))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x @ np.cos(x.T @ x) + x @ np.cos(x.T @ x).T,
        wg.grad(lambda x: np.sum(np.tanh(x.T @ x)) + np.sum(np.tanh(x))),
        wg.grad(lambda x: np.sum(np.tanh(np.einsum("ki,kj->ij", x, x) + np.einsum("ki,kj->ji", x, 2 * x)))),
        wg.grad(lambda x: np.sum(np.sin(x[:5, :5] + x[:5, :5].T))),
    ],
)
def test_two_sums_into_one_array_along_different_axes(f):
    numpy.testing.assert_allclose(wg.jit(f)(X), f(X), rtol=1e-12, atol=1e-13)
