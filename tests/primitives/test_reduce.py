"""Reductions at zeros, ties, infinities and NaN, against closed forms; the generated tests cover generic points."""

import itertools

import numpy as np
import pytest

import wengert as wg
from wengert.primitives import reduce as p


def others(x: np.ndarray) -> np.ndarray:
    """For each element the product of all the others."""
    return np.array([np.prod(np.delete(x, i)) for i in range(x.size)])


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 1, 2, 3, 4)])
def test_slopes_of_a_product_with_zeros(rng, zeros) -> None:
    x = rng.normal(size=5)
    x[list(zeros)] = 0
    np.testing.assert_allclose(wg.grad(np.prod)(x), others(x), rtol=1e-14)
    hessian = wg.hessian(np.prod)(x)
    for i, j in itertools.product(range(5), repeat=2):
        expected = np.prod(np.delete(x, [i, j])) if i != j else 0.0
        np.testing.assert_allclose(hessian[i, j], expected, rtol=1e-13, atol=1e-15)


def test_slopes_of_a_product_of_extremes() -> None:
    """Each slope is the product of the others, not the product divided by the element."""
    x = np.array([1e200, 1e-200, 1e150, 2.0])
    np.testing.assert_allclose(wg.grad(np.prod)(x), [2e-50, np.inf, 2.0, 1e150])


def test_third_derivative_of_a_product() -> None:
    """d^3 (x y z) / dx dy dz = 1, all others are 0."""
    third = wg.jacfwd(wg.jacrev(wg.grad(np.prod)))(np.array([0.0, 0.0, 2.0]))
    expected = np.zeros((3, 3, 3))
    for i, j, k in itertools.permutations(range(3)):
        expected[i, j, k] = 1
    np.testing.assert_allclose(third, expected)


@pytest.mark.parametrize("f", [np.max, np.min], ids=["max", "min"])
def test_ties_share_the_slope(f) -> None:
    x = np.array([[2.0, 5.0, 5.0], [1.0, 1.0, 1.0]])
    share = wg.grad(lambda t: np.sum(f(t, axis=1)))(x)
    expected = [[0, 0.5, 0.5], [1 / 3] * 3] if f is np.max else [[1, 0, 0], [1 / 3] * 3]
    np.testing.assert_allclose(share, expected)
    _, y_dot = wg.jvp(lambda t: f(t, axis=1), (x,), (np.arange(6.0).reshape(2, 3),))
    np.testing.assert_allclose(y_dot, np.sum(np.array(expected) * np.arange(6.0).reshape(2, 3), axis=1))


def test_the_maximum_of_infinities_and_nan() -> None:
    assert (wg.grad(np.max)(np.array([-np.inf, -np.inf])) == 0.5).all()
    assert (wg.grad(np.max)(np.array([1.0, np.nan, 2.0])) == [0, 1, 0]).all()


@pytest.mark.parametrize("zeros", [(), (0,), (1, 3), (0, 1, 2)])
def test_slopes_of_running_products_with_zeros(rng, zeros) -> None:
    x = rng.normal(size=4)
    x[list(zeros)] = 0
    jacobian = np.zeros((4, 4))
    for i in range(4):
        jacobian[i, : i + 1] = others(x[: i + 1])
    np.testing.assert_allclose(wg.jacrev(np.cumprod)(x), jacobian, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(wg.jacfwd(np.cumprod)(x), jacobian, rtol=1e-13, atol=1e-15)


def test_a_recurrence_and_its_adjoint(rng) -> None:
    a, b, w = rng.normal(size=(3, 6))
    y = p.recurrence(a, b, axis=0, reverse=False)
    expected, last = [], 0.0
    for ai, bi in zip(a, b, strict=True):
        last = ai * last + bi
        expected.append(last)
    np.testing.assert_allclose(y, expected)
    _, pull_back = wg.vjp(lambda t: p.recurrence(a, t, axis=0, reverse=False), b)
    (b_bar,) = pull_back(w)
    np.testing.assert_allclose(b_bar @ b, w @ y)


def test_leaders_are_the_first_of_equals() -> None:
    x = np.array([1.0, 3.0, 3.0, 2.0, np.nan, 5.0])
    assert p.leaders(x, axis=0, largest=True).tolist() == [0, 1, 1, 1, 4, 4]
    assert p.leaders(-x, axis=0, largest=False).tolist() == [0, 1, 1, 1, 4, 4]
