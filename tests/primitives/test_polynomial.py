"""The derivative of roots against closed forms."""

import numpy as np
import pytest

import wengert as wg


def test_roots_of_a_quadratic() -> None:
    """x^2 + b x + c: dx = -(x db + dc) / (2 x + b)."""
    p = np.array([1.0, -5.0, 6.0])
    r = np.roots(p)
    jacobian = wg.jacrev(np.roots)(p)
    expected = -np.stack([r**2, r, np.ones(2)], 1) / (2 * r - 5)[:, None]
    np.testing.assert_allclose(jacobian, expected, rtol=1e-12)
    np.testing.assert_allclose(wg.jacfwd(np.roots)(p), expected, rtol=1e-12)


def test_roots_follow_their_coefficients() -> None:
    """d roots(poly(r)) / dr is the identity, also for complex roots."""
    r = np.array([3.0, 1.5, -2.0])
    np.testing.assert_allclose(wg.jacrev(lambda t: np.sort(np.roots(np.poly(t))))(np.sort(r)), np.eye(3), atol=1e-9)
    p = np.array([1.0, 2.0, 5.0])  # roots -1 +- 2i: their product is p_2 / p_0
    np.testing.assert_allclose(wg.grad(lambda t: np.real(np.prod(np.roots(t))))(p), [-5.0, 0.0, 1.0], atol=1e-12)


@pytest.mark.parametrize("p", [[2.0], [0.0, 0.0, 2.0, -4.0], [1.0, 0.0, 0.0], [0.0, 0.0]])
def test_degenerate_polynomials_have_numpys_roots(p) -> None:
    p = np.array(p)
    found = wg.jvp(np.roots, (p,), (np.zeros(p.shape),))[0]
    np.testing.assert_allclose(found, np.roots(p))
    assert np.shape(found) == np.roots(p).shape
