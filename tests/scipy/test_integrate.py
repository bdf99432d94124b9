"""scipy.integrate: rules for samples as SciPy's, with and without places; exact for polynomials; derivatives."""

import numpy as np
import pytest
import scipy.integrate as si

import wengert as wg
from scipy_checks import agrees, close
from wengert.errors import UnsupportedFunctionError
from wengert.scipy import integrate as Q


@pytest.mark.parametrize("name", ["trapezoid", "cumulative_trapezoid", "simpson", "cumulative_simpson"])
def test_rules(name, rng):
    """Odd and even numbers of samples, along each axis, in samples and places."""
    for n in (2, 3, 4, 5, 8):
        x, y = np.cumsum(rng.uniform(0.2, 1.0, n)), rng.normal(size=(n, 2))
        for kwargs in ({"dx": 0.3}, {"x": x}, {"x": np.stack([x, 2 * x], 1)}):
            f, g = (lambda y, m=m: getattr(m, name)(y, axis=0, **kwargs) for m in (Q, si))  # noqa: B023
            close([wg.vjp(f, y)[0]], [g(y)])
        if n in (3, 4):
            agrees(*(lambda y, x, m=m: getattr(m, name)(y.T, x=x) for m in (Q, si)), y, x)
    if "cumulative" in name:
        close(
            [wg.vjp(lambda y: getattr(Q, name)(y, initial=0, axis=0), y)[0]], [getattr(si, name)(y, initial=0, axis=0)]
        )
    if name != "cumulative_simpson":
        f = lambda x: getattr(Q, name)(np.array([1.0, 2.0, 3.0, 1.0]), x)
        close([wg.vjp(f, np.array([0.0, 1.0, 1.0, 2.0]))[0]], [f(np.array([0.0, 1.0, 1.0, 2.0]))])


def test_extrapolation_and_gauss(rng):
    """romb and fixed_quad; d/db of an integral is the integrand."""
    for n in (2, 3, 5, 9):
        agrees(Q.romb, si.romb, rng.normal(size=(2, n)), dx=0.2, order=1)
    with pytest.raises(ValueError, match="power of 2"):
        wg.vjp(Q.romb, np.ones(4))
    power = lambda a, b, c: Q.fixed_quad(lambda x: c * x**3, a, b, n=2)[0]
    assert power(0.0, 2.0, 1.0) == pytest.approx(4.0)
    assert wg.grad(power, (0, 1, 2))(1.0, 2.0, 3.0) == pytest.approx((-3.0, 24.0, 3.75))
    assert Q.fixed_quad(np.exp, 0.0, 1.0)[0] == pytest.approx(si.fixed_quad(np.exp, 0.0, 1.0)[0])
    with pytest.raises(UnsupportedFunctionError, match=r"wg\.implicit\.quad"):
        wg.grad(lambda b: Q.quad(np.sin, 0, b)[0])(1.0)
