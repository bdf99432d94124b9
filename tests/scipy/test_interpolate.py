"""scipy.interpolate: values and derivatives as SciPy's; differentiated in points, samples and knots, in both modes."""

import numpy as np
import pytest
import scipy.interpolate as si

import wengert as wg
from scipy_checks import agrees, close
from wengert.errors import UnsupportedFunctionError
from wengert.scipy import interpolate as I

BOUNDARIES = [
    "not-a-knot",
    "natural",
    "clamped",
    "periodic",
    ((1, [1.0, 2.0]), (2, [0.5, 0.3])),
    ("natural", "clamped"),
]


@pytest.fixture(params=[2, 3, 4, 5, 7])
def samples(request, rng):
    """Increasing places, two columns of samples, points around them and at them."""
    x = np.cumsum(rng.uniform(0.3, 1.0, request.param))
    return x, rng.normal(size=(len(x), 2)), np.concatenate([rng.uniform(x[0] - 0.5, x[-1] + 0.5, 9), x])


def test_cubic_splines(samples):
    """Each boundary condition: all derivatives, the derivative and antiderivatives as objects, integrals."""
    x, y, q = samples
    for bc in BOUNDARIES:
        y[-1] = y[0] if bc == "periodic" else y[-1]
        ours, theirs = (m.CubicSpline(x, y, bc_type=bc) for m in (I, si))
        a, b = x[0] - 0.3, x[-1] + 0.7
        close([ours(q, nu) for nu in range(5)], [theirs(q, nu) for nu in range(5)])
        close([ours.derivative()(q), ours.integrate(a, b)], [theirs.derivative()(q), theirs.integrate(a, b)])
        close([ours.antiderivative(2)(q, extrapolate=True)], [theirs.antiderivative(2)(q, extrapolate=True)])


def test_other_interpolants(samples):
    """PCHIP, Akima, B-splines of several degrees, interp1d of each kind."""
    x, y, q = samples
    for name in ("PchipInterpolator", "Akima1DInterpolator"):
        close([getattr(I, name)(x, y)(q)], [getattr(si, name)(x, y)(q)])
    if len(x) < 4:
        return
    close([I.Akima1DInterpolator(x, y, method="makima")(q)], [si.Akima1DInterpolator(x, y, method="makima")(q)])
    for k in range(min(6, len(x))):
        ours, theirs = (m.make_interp_spline(x, y, k) for m in (I, si))
        if k % 2 or k < 3:
            close([ours(q, nu) for nu in range(k + 2)], [theirs(q, nu) for nu in range(k + 2)], atol=1e-7)
            close([ours.integrate(x[0], x[-1] - 0.1)], [theirs.integrate(x[0], x[-1] - 0.1)])
            close([ours.antiderivative()(x[:-1])], [theirs.antiderivative()(x[:-1])])
        if k:
            close([ours.derivative()(q)], [theirs.derivative()(q)], atol=1e-7)
    for bc in ("natural", "clamped", ([(1, [0.0, 1.0])], [(2, [1.0, 2.0])])):
        close([I.make_interp_spline(x, y, 3, bc_type=bc)(q)], [si.make_interp_spline(x, y, 3, bc_type=bc)(q)])
    for kind in ("linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear", "quadratic", "cubic"):
        f, g = (m.interp1d(x, y, kind, axis=0, fill_value="extrapolate") for m in (I, si))
        close([f(q)], [g(q)])
        f, g = (m.interp1d(x[::-1], y[::-1].T, kind, bounds_error=False, fill_value=(-1.0, 2.0)) for m in (I, si))
        close([f(q)], [g(q)])


@pytest.mark.parametrize("bc", ["not-a-knot", "natural", "periodic"])
def test_derivatives_of_cubic_splines(bc, rng):
    """In samples, places and points at once; native."""
    x, y = np.array([0.0, 0.7, 1.5, 2.9, 3.6]), rng.normal(size=5)
    closed = lambda y: np.concatenate([y[:-1], y[:1]]) if bc == "periodic" else y
    f, g = (lambda x, y, q, m=m: m.CubicSpline(x, closed(y), bc_type=bc)(q) for m in (I, si))
    agrees(f, g, x, y, np.array([0.2, 1.9, 3.1]), lanes=bc == "natural", gradient=bc == "periodic")
    h, k = (lambda x, y, m=m: m.CubicSpline(x, closed(y), bc_type=bc).integrate(0.5, 3.0) for m in (I, si))
    wg.check_grads(h, (x, y))
    np.testing.assert_allclose(h(x, y), k(x, y))


def test_derivatives_of_other_interpolants(rng):
    """Slopes that depend on neighbours, given slopes, B-splines in knots and coefficients, and through samples."""
    x, y, q = np.array([0.0, 0.7, 1.5, 2.9, 3.6]), np.array([0.1, 0.9, 1.2, 0.4, 0.8]), np.array([0.2, 1.9, 3.1])
    for name in ("PchipInterpolator", "Akima1DInterpolator"):
        agrees(
            *(lambda x, y, q, m=m, name=name: getattr(m, name)(x, y)(q) for m in (I, si)),
            x,
            y,
            q,
            order=1,
            gradient=False,
        )
        wg.check_grads(lambda y, name=name: getattr(I, name)(x, y)(q), (y,), order=2)
    slopes = rng.normal(size=5)
    agrees(
        *(lambda x, y, s, q, m=m: m.CubicHermiteSpline(x, y, s)(q) for m in (I, si)),
        x,
        y,
        slopes,
        q,
        order=1,
        gradient=False,
    )
    agrees(*(lambda x, y, q, m=m: m.make_interp_spline(x, y, 3)(q) for m in (I, si)), x, y, q, order=1, gradient=False)
    t, c = np.cumsum(rng.uniform(0.2, 1.0, 9)), rng.normal(size=(5, 2))
    points = rng.uniform(t[3], t[5], 4)
    agrees(*(lambda t, c, q, m=m: m.BSpline(t, c, 3)(q) for m in (I, si)), t, c, points, lanes=False)
    agrees(
        *(lambda x, y, q, m=m: m.interp1d(x, y, assume_sorted=True)(q) for m in (I, si)),
        x,
        y,
        q,
        order=1,
        gradient=False,
    )
    coefficients = rng.normal(size=(4, 4))
    agrees(*(lambda c, x, q, m=m: m.PPoly(c, x)(q) for m in (I, si)), coefficients, x, q)


def test_closed_forms():
    """A spline through a cubic is the cubic: its slope is 3 x^2; weights of samples sum to one."""
    x = np.linspace(0.0, 2.0, 6)
    spline = lambda y, q: I.CubicSpline(x, y)(q)
    for q in (0.37, 1.2, 2.0, 2.3, 0.4):  # 0.4: at a knot
        assert wg.grad(spline, 1)(x**3, q) == pytest.approx(3 * q**2)
        assert np.sum(wg.grad(spline)(x**3, q)) == pytest.approx(1.0)
        assert wg.grad(spline)(x**3, q) @ x**3 == pytest.approx(q**3)
    line = I.interp1d(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0]))
    assert [wg.grad(line)(q) for q in (0.5, 1.0, 2.0)] == [1.0, 2.0, 2.0]  # at a knot the interval on its right


def test_grids(rng):
    """Three dimensions, values with an axis of their own; outside; in points, grid and values."""
    grid = tuple(np.cumsum(rng.uniform(0.3, 1.0, n)) for n in (4, 5, 3))
    values = rng.normal(size=(4, 5, 3, 2))
    p = np.stack([rng.uniform(g[0] - 0.1, g[-1] + 0.1, (6, 2)) for g in grid], -1)
    for method in ("linear", "nearest"):
        for fill in (None, 0.3):
            f, g = (m.RegularGridInterpolator(grid, values, method, False, fill) for m in (I, si))
            close([f(p)], [g(p)])
    inside = np.stack([0.3 * g[0] + 0.7 * g[1] for g in grid])[None]
    ours, theirs = (lambda v, q, a, m=m: m.interpn((a, *grid[1:]), v, q) for m in (I, si))
    agrees(ours, theirs, values, inside, grid[0])
    np.testing.assert_allclose(I.interpn(grid, values, tuple(inside[0])), theirs(values, inside, grid[0])[0])
    with pytest.raises(ValueError, match="out of bounds"):
        I.RegularGridInterpolator(grid, values)(p)
    with pytest.raises(ValueError, match="grid"):
        I.RegularGridInterpolator(grid, values[1:])


def test_bad_arguments(rng):
    """SciPy's errors, and ours where something has no derivative here."""
    x, y = np.arange(5.0), rng.normal(size=5)
    for call in (
        lambda: I.CubicSpline(x[::-1], y),
        lambda: I.CubicSpline(x, y[1:]),
        lambda: I.CubicSpline(x[:1], y[:1]),
        lambda: I.CubicSpline(x, y, bc_type="loose"),
        lambda: I.CubicSpline(x, y, bc_type=((3, 0.0), (1, 0.0))),
        lambda: I.BSpline(x, y, 3),
        lambda: I.interp1d(x, y)(5.5),
        lambda: I.make_interp_spline(x, y, 3, t=np.arange(8.0)),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
    for call in (
        lambda: I.RegularGridInterpolator((x,), y, method="quintic"),
        lambda: I.make_interp_spline(x, y, bc_type="periodic"),
        lambda: wg.vjp(lambda y: I.lagrange(x, y), y),
    ):
        with pytest.raises(UnsupportedFunctionError):
            call()


def spline_by_scipy(y, q):
    """A user's function, in SciPy's own names."""
    return si.CubicSpline(np.arange(4.0), y, bc_type="natural")(q)


def test_under_its_own_name_in_compiled_functions():
    """Classes of SciPy are found by wg.jit, as its functions are."""
    y, q = np.array([1.0, 3.0, 2.0, 0.5]), np.array([0.3, 1.7])
    ours = lambda y, q: I.CubicSpline(np.arange(4.0), y, bc_type="natural")(q)
    np.testing.assert_allclose(wg.jit(spline_by_scipy)(y, q), spline_by_scipy(y, q))
    slopes = [wg.jit(wg.grad(lambda y, f=f: np.sum(f(y, q) ** 2)))(y) for f in (spline_by_scipy, ours)]
    np.testing.assert_allclose(*slopes)
