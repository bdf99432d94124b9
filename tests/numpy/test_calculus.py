"""Interpolation, differences, integrals, convolutions, the cross product and polynomials."""

import itertools

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from function_checks import check, same


@pytest.fixture
def x(rng) -> np.ndarray:
    return rng.normal(size=7)


# interpolation -----------------------------------------------------------------------------------------------------
@pytest.fixture
def knots(rng) -> tuple[np.ndarray, np.ndarray]:
    return np.sort(rng.normal(size=5)), rng.normal(size=5)


def test_interpolation(x, knots) -> None:
    xp, fp = knots
    check(lambda t: np.interp(t, xp, fp), x)
    check(lambda t: np.interp(x, t, fp), xp, rtol=1e-5)
    check(lambda t: np.interp(x, xp, t), fp)
    check(lambda t: np.interp(x, xp, t, left=t[0] * 2, right=t[1]), fp)
    check(lambda t: np.interp(t, xp, fp), np.array(0.3))
    check(lambda t: np.interp(t, [0.1], [2.0]), x, order=1)
    check(lambda t: np.imag(np.interp(t, xp, fp * 1j + 1, left=2, right=3j)), x, order=1)
    for period in (1.5, -1.5):
        check(lambda t, p=period: np.interp(t, xp % 3, fp, period=p), x, order=1, rtol=1e-5)
    check(lambda t: wnp.interp(x, xp, fp, period=t), np.array(1.5), order=1, rtol=1e-5)


def test_interpolation_at_knots_and_beyond(knots) -> None:
    """The slope at a knot is the one to its right, at the last one the one to its left; outside it is 0."""
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, -2.0])
    points = np.array([-1.0, 0.0, 1.0, 3.0, 4.0, np.nan])
    y, slope = wg.jvp(lambda t: np.interp(t, xp, fp), (points,), (np.ones(6),))
    np.testing.assert_allclose(y, np.interp(points, xp, fp))
    np.testing.assert_allclose(slope[:5], [0, 2, -2, -2, 0])
    for bad in (lambda t: np.interp(t, xp, fp[:2]), lambda t: wnp.interp(t, xp, fp, period=0)):
        with pytest.raises(ValueError):
            wg.grad(lambda t, f=bad: np.sum(f(t)))(points)


def test_unwrap(rng) -> None:
    p = np.cumsum(rng.uniform(-4, 4, size=9))
    check(np.unwrap, p)
    check(lambda t: np.unwrap(t, period=3.0, discont=2.0), p, order=1)
    check(lambda t: np.unwrap(t.reshape(3, 3), axis=0), p, order=1)
    integers = np.array([0, 1, 2, -1, 0])
    same(wg.trace(lambda t: np.unwrap(t, period=4))(integers)(integers), np.unwrap(integers, period=4))


# differences and integrals -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient(edge_order, rng) -> None:
    f, h = rng.normal(size=(4, 5)), np.cumsum(rng.uniform(0.2, 1, size=5))
    k = {"edge_order": edge_order}
    check(lambda t: np.gradient(t, axis=0, **k), f)
    check(lambda t: np.gradient(t, 0.3, **k)[1], f, order=1)
    check(lambda t: np.gradient(t, h, axis=1, **k), f, order=1)
    check(lambda t: np.gradient(t, 0.3, np.arange(5), **k)[1], f, order=1)
    check(lambda t: np.gradient(t, axis=(1, 0), **k)[0], f, order=1)
    check(lambda t: np.gradient(f, t, axis=1, **k), h, order=1, rtol=1e-4, atol=1e-5)
    check(lambda t: np.gradient(f, t, 1.0, **k)[0], np.array(0.4), order=1)
    same(
        wg.trace(lambda t: np.gradient(t, **k))(np.arange(4) ** 2)(np.arange(4) ** 2),
        np.gradient(np.arange(4) ** 2, **k),
    )
    with pytest.raises(ValueError, match="too small"):
        wg.grad(lambda t: np.sum(np.gradient(t, **k)))(np.ones(1))


def test_trapezoid(rng) -> None:
    y, x = rng.normal(size=(4, 5)), np.cumsum(rng.uniform(0.2, 1, size=5))
    check(lambda t: np.trapezoid(t, axis=0), y)
    check(lambda t: np.trapezoid(t, x), y)
    check(lambda t: np.trapezoid(y, t), x)
    check(lambda t: np.trapezoid(y, t), 2 * y)
    check(lambda t: wnp.trapezoid(y, dx=t), np.array(0.3))


# convolutions and products -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("f", [np.convolve, np.correlate], ids=lambda f: f.__name__)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions(f, mode, rng) -> None:
    for n, m in [(7, 3), (3, 7), (7, 4), (4, 7), (5, 5), (5, 1)]:
        a, v = rng.normal(size=n), rng.normal(size=m)
        check(lambda t, v=v: f(t, v, mode), a, order=1)
        check(lambda t, a=a: f(a, t, mode), v, order=1)
        for dtype in ("float32", "complex128"):
            z, w = (a * (1 + 0.5j), v * (0.3 - 1j)) if dtype == "complex128" else (a.astype("f"), v.astype("f"))
            same(wg.jvp(lambda t, w=w: f(t, w, mode), (z,), (z,))[0], f(z, w, mode), rtol=1e-5, atol=1e-5)
            same(wg.jvp(lambda t, z=z: f(z, t, mode), (w,), (w,))[1], f(z, w, mode), rtol=1e-5, atol=1e-5)
    check(lambda t: f(t, t, mode), rng.normal(size=4))
    with pytest.raises(ValueError, match="empty"):
        wg.grad(lambda t: np.sum(f(t, np.ones(0), mode)))(np.ones(2))


def test_cross_product(rng) -> None:
    a, b, c = rng.normal(size=(2, 4, 3)), rng.normal(size=(4, 3)), rng.normal(size=(3, 4))
    check(lambda t: np.cross(t, b), a)
    check(lambda t: np.cross(a, t), b)
    check(lambda t: np.cross(c, t, axisa=0, axisc=0), b, order=1)
    check(lambda t: np.cross(c, t, axis=0), 2 * c, order=1)
    with pytest.raises(ValueError, match="3-dimensional"):
        wg.grad(lambda t: np.sum(np.cross(t, t)))(np.ones(4))


# polynomials ---------------------------------------------------------------------------------------------------------
def test_polynomials(x, rng) -> None:
    p, q = rng.normal(size=4), rng.normal(size=3)
    check(lambda t: np.polyval(p, t), x)
    check(lambda t: np.polyval(t, x), p)
    check(lambda t: np.polyval(t, 2.0), p, order=1)
    for f, (u, v) in itertools.product((np.polyadd, np.polysub, np.polymul), ((p, q), (q, p))):
        check(lambda t, f=f, v=v: f(t, v), u, order=1)
        check(lambda t, f=f, u=u: f(u, t), v, order=1)
    check(lambda t: np.polydiv(t, q)[0], p, order=1, vmap=False)
    check(lambda t: np.polydiv(t, q)[1], p, order=1, vmap=False)
    check(lambda t: np.polydiv(p, t)[0], q, vmap=False, rtol=1e-4)
    for n in (0, 1, 2):
        check(lambda t, n=n: np.polyder(t, n) * 1.0, p, order=1)
        check(lambda t, n=n: np.polyint(t, n) * 1.0, p, order=1)
    check(lambda t: wnp.polyint(p, 2, t), q[:2], order=1)
    check(lambda t: wnp.polyint(p, 2, t), np.array(1.0), order=1)
    check(lambda t: np.poly(t), p)
    check(lambda t: np.poly(t * np.eye(2) + 1), np.array([0.3, 0.7]), order=1, vmap=False)


def test_fits(x) -> None:
    y = x * x + np.sin(x)
    check(lambda t: np.polyfit(t, y, 2), x, rtol=1e-4, atol=1e-5)
    check(lambda t: np.polyfit(x, t, 2, w=np.arange(1, 8)), y, order=1)
    check(lambda t: np.polyfit(x, np.stack([t, t * t], 1), 1), y, order=1)
    check(lambda t: np.polyfit(x, t, 2, cov=True)[1], y, order=1, rtol=1e-4)
    check(lambda t: np.polyfit(x, t, 2, full=True)[1], y, order=1, rtol=1e-4)


def test_fit_against_the_normal_equations(x) -> None:
    """c = (V^T V)^-1 V^T y: dc/dy is the pseudoinverse."""
    v = np.vander(x, 3)
    np.testing.assert_allclose(wg.jacrev(lambda t: np.polyfit(x, t, 2))(x**2), np.linalg.pinv(v), rtol=1e-9, atol=1e-12)


FUNCTIONS = [
    np.i0, np.sinc, np.unwrap, np.gradient, np.trapezoid, np.cov, np.poly, np.polyint, np.polyder,
    lambda t: np.interp(t, [0, 1, 2], [1, 2, 4]), lambda t: np.convolve(t, t), lambda t: np.polyval(t, t),
    lambda t: np.corrcoef(t, t[::-1]), lambda t: np.histogram(t, 3, weights=t)[0], lambda t: np.histogram(t, 3)[1],
    lambda t: np.histogram(t, 3, (-1, 2))[1], lambda t: np.histogramdd([t], 3)[1][0], lambda t: np.polydiv(t, t[:1])[0],
    lambda t: np.cross(np.stack([t, t, t], 1), [1, 2, 3.0]), lambda t: np.diff(t, prepend=1.0), np.ediff1d,
    lambda t: np.average(t, weights=t), np.nanstd, np.ptp, np.cumprod, lambda t: np.quantile(t, 0.3),
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "longdouble"])
def test_dtypes(f, dtype) -> None:
    x = np.array([0.3, 1.2]).astype(dtype)
    try:
        expected = f(x)
    except TypeError:
        return
    y, y_dot = wg.jvp(f, (x,), (x,))
    eps = 8 * np.finfo(dtype).eps
    same(y, expected, rtol=eps, atol=eps)
    assert y_dot.dtype == y.dtype
    assert type(y) is type(expected)
    assert wg.grad(lambda t: np.sum(np.real(f(t))))(x).dtype == x.dtype
