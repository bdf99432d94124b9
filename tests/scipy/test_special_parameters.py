"""Special functions in their orders, degrees and parameters: derivatives against mpmath, to the ends of the domains."""

import itertools

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

import wengert as wg
from wengert.errors import UnsupportedFunctionError
from wengert.primitives.special import degrees, orders, parameters

DIGITS = 40


def scaled_i(v, x):
    return mp.besseli(v, x) * mp.exp(-x)


def scaled_k(v, x):
    return mp.besselk(v, x) * mp.exp(x)


V = (0.0, 1e-6, 0.5, 1.0, 10.7, 30.0, -0.3, -2.0, -7.0)
X = (1e-8, 0.3, 10.7, 31.0, 1000.0)
A = (-20.3, -3.0, 0.3, 2.5)
B = (0.3, 1.0, 20.0)
N = (0.0, 3.0, 10.0, 7.3)
UNIT = (-0.99, 0.1, 1.5)
# primitive: mpmath's function, its points, the orders of its derivatives, relative tolerance
TABLE = {
    orders.jv_moment: (mp.besselj, (V, X), ((1,), (2,)), 5e-14),
    orders.yv_moment: (mp.bessely, (V, X), ((1,),), 5e-14),
    orders.ive_moment: (scaled_i, (V[:6], X[:4]), ((1,), (2,)), 5e-14),
    orders.kv_moment: (scaled_k, ((0.3, -2.5, 10.7), X[1:]), ((1,), (2,)), 5e-14),
    parameters.hyp0f1_slopes: (mp.hyp0f1, (B, (-900.0, -30.0, -0.5, 0.0, 10.0)), ((1, 0), (1, 1)), 1e-14),
    parameters.hyp1f1_slopes: (
        mp.hyp1f1,
        (A, B, (-900.0, -30.0, 0.5, 60.0)),
        ((1, 0, 0), (0, 1, 0), (1, 1, 0)),
        5e-13,
    ),
    parameters.hyperu_slopes: (
        mp.hyperu,
        ((-2.5, 20.0), (-3.3, 1.0), (1e-3, 1.0, 300.0)),
        ((1, 0, 0), (0, 1, 0)),
        1e-12,
    ),
    parameters.hyp2f1_slopes: (
        mp.hyp2f1,
        ((-10.3, 5.5), (3.7,), (0.4, 2.5), (-1000.0, -1.0, 0.3, 1 - 1e-9)),
        ((1, 0, 0, 0), (0, 0, 1, 1)),
        1e-13,
    ),
    degrees.jacobi_slopes: (
        mp.jacobi,
        (N, (-0.5, 20.0), (0.7,), UNIT),
        ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)),
        1e-12,
    ),
    degrees.gegenbauer_slopes: (mp.gegenbauer, (N, (0.3, 5.0), UNIT), ((1, 0, 0), (0, 1, 0)), 1e-11),
    degrees.laguerre_slopes: (mp.laguerre, (N, (-0.5, 20.0), (-3.0, 0.1, 200.0)), ((1, 0, 0), (0, 1, 0)), 1e-13),
}


@pytest.mark.parametrize("primitive", TABLE, ids=str)
def test_against_mpmath(primitive):
    truth, axes, all_orders, tolerance = TABLE[primitive]
    points = list(itertools.product(*axes))
    columns = [np.array(c) for c in zip(*points, strict=True)]
    for which in all_orders:
        found = primitive.impl(*which, *columns)
        with mp.workdps(DIGITS):
            powers = which + (0,) * (len(axes) - len(which))
            for point, y in zip(points, found, strict=True):
                if np.isinf(y) or abs(y) < 1e-290:  # beyond the range of numbers
                    continue
                expected = mp.re(mp.diff(truth, tuple(map(mp.mpf, point)), powers))
                error = abs(y - expected) / max(abs(expected), size(primitive, point))
                assert error < tolerance, (which, point, y, mp.nstr(expected, 17), mp.nstr(error, 3))


def size(primitive, point):
    """What errors are relative to where the result is smaller: the amplitude of what oscillates, and small numbers."""
    v, x = point[0], point[-1]
    oscillates = primitive in (orders.jv_moment, orders.yv_moment) and abs(v) <= x
    return mp.sqrt(2 / (mp.pi * x)) if oscillates else mp.mpf(1e-200)


# name: mpmath's function, a point, relative tolerance: all first and second derivatives, under SciPy's name
PUBLIC = {
    "jv": (mp.besselj, (1.3, 2.4)),
    "yv": (mp.bessely, (1.3, 2.4)),
    "iv": (mp.besseli, (1.3, 2.4)),
    "kv": (mp.besselk, (1.3, 2.4)),
    "jve": (mp.besselj, (1.3, 2.4)),
    "ive": (scaled_i, (1.3, 2.4)),
    "hyp0f1": (mp.hyp0f1, (1.3, -2.4)),
    "hyp1f1": (mp.hyp1f1, (0.7, 1.3, -2.4)),
    "hyperu": (mp.hyperu, (0.7, 1.3, 2.4)),
    "hyp2f1": (mp.hyp2f1, (0.7, 1.3, 0.4, -2.4)),
    "eval_legendre": (mp.legendre, (2.5, 0.3)),
    "eval_chebyt": (mp.chebyt, (2.5, 0.3)),
    "eval_chebyu": (mp.chebyu, (2.5, 0.3)),
    "eval_chebyc": (lambda n, x: 2 * mp.chebyt(n, x / 2), (2.5, 0.3)),
    "eval_chebys": (lambda n, x: mp.chebyu(n, x / 2), (2.5, 0.3)),
    "eval_laguerre": (mp.laguerre, (2.5, 0.3)),
    "eval_genlaguerre": (mp.laguerre, (2.5, 1.2, 0.3)),
    "eval_gegenbauer": (mp.gegenbauer, (2.5, 1.2, 0.3)),
    "eval_jacobi": (mp.jacobi, (2.5, 1.2, 0.4, 0.3)),
    "eval_sh_legendre": (lambda n, x: mp.legendre(n, 2 * x - 1), (2.5, 0.6)),
    "eval_sh_jacobi": (
        lambda n, p, q, x: mp.jacobi(n, p - q, q - 1, 2 * x - 1) / mp.binomial(2 * n + p - 1, n),
        (2.5, 2.2, 0.7, 0.6),
    ),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_under_scipys_name(name):
    truth, point = PUBLIC[name]
    if name == "eval_laguerre":
        truth = lambda n, x: mp.laguerre(n, 0, x)
    f = getattr(sp, name)
    places = range(len(point))
    with mp.workdps(DIGITS):
        exact = tuple(map(mp.mpf, point))
        for i in places:
            powers = tuple(int(k == i) for k in places)
            np.testing.assert_allclose(wg.grad(f, i)(*point), float(mp.re(mp.diff(truth, exact, powers))), rtol=1e-12)
            for j in places:
                powers = tuple(int(k == i) + int(k == j) for k in places)
                second = wg.grad(wg.grad(f, i), j)(*point)
                np.testing.assert_allclose(second, float(mp.re(mp.diff(truth, exact, powers))), rtol=1e-10)


def test_chebyshev_polynomials_at_all_points():
    """T_n and U_n in the degree: inside, at 1, beyond 1, and at -1."""
    with mp.workdps(DIGITS):
        for n, x in itertools.product((0, 1, 5), (-0.9, -1e-9, 0.3, 1 - 1e-12, 1.7)):
            t, u = (float(mp.re(mp.diff(lambda v: f(v, mp.mpf(x)), n))) for f in (mp.chebyt, mp.chebyu))  # noqa: B023
            np.testing.assert_allclose(wg.grad(sp.eval_chebyt)(float(n), x), t, rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(wg.grad(sp.eval_chebyu)(float(n), x), u, rtol=1e-12, atol=1e-15)
    assert wg.grad(sp.eval_chebyt)(3.0, 1.0) == 0
    assert wg.grad(sp.eval_chebyu)(3.0, 1.0) == 1
    np.testing.assert_allclose(wg.grad(sp.eval_chebyt)(3.0, -1.0), 0, atol=1e-14)


def test_a_whole_degree_leaves_polynomials_in_the_parameters():
    """dC_2^(a)/da = d/da (2a (a+1) x^2 - a), also at a = 0; dL_1^(a)/da = 1."""
    a, x = 0.0, 0.3
    np.testing.assert_allclose(wg.grad(sp.eval_gegenbauer, 1)(2, a, x), (4 * a + 2) * x * x - 1, rtol=1e-15)
    assert wg.grad(sp.eval_genlaguerre, 1)(1, 0.5, 3.0) == 1
    assert wg.grad(sp.eval_jacobi, 1)(0, 0.5, 0.2, 0.3) == 0


def test_ends_of_the_domains():
    d_order = wg.vmap(wg.grad(sp.jv), in_axes=(None, 0))
    np.testing.assert_array_equal(d_order(1.5, np.array([0.0, np.inf])), [0, 0])
    assert np.isnan(wg.grad(sp.jv)(1.5, -1.0))  # complex but at whole orders
    with mp.workdps(DIGITS):
        gauss = mp.diff(lambda c: mp.hyp2f1(0.5, 0.25, c, 1), 2)
    np.testing.assert_allclose(wg.grad(sp.hyp2f1, 2)(0.5, 0.25, 2.0, 1.0), float(gauss), rtol=1e-13)
    assert wg.grad(sp.hyp1f1, 0)(0.5, 1.5, 0.0) == 0
    np.testing.assert_allclose(wg.grad(sp.iv)(0.0, 50.0), -sp.kv(0, 50.0), rtol=1e-13)  # 1e-43 beside I_0 = 1e20


@pytest.mark.parametrize(
    "f",
    [
        lambda v, x: sp.jv(v, x),
        lambda v, x: sp.hyp1f1(v, 1.5, x),
        lambda v, x: sp.hyp2f1(0.5, 0.7, 1 + v, 0.1 * x),
        lambda v, x: sp.eval_jacobi(v, 0.5, 0.3, 0.1 * x),
    ],
)
def test_every_way_to_differentiate(f):
    """Shapes, dtypes, both modes, batches, compiled."""
    v, x = np.array([0.3, 1.7, 2.2]), np.array([[0.5], [3.0]])
    wg.check_grads(f, (v, x), order=1)
    gradient = wg.grad(lambda v: f(v, x).sum())
    np.testing.assert_allclose(wg.jit(gradient)(v), gradient(v), rtol=1e-12)
    np.testing.assert_allclose(wg.vmap(wg.grad(f), in_axes=(0, None))(v, 0.5), gradient_by_loop(f, v, 0.5), rtol=1e-12)
    half = wg.grad(lambda v: f(v, x.astype(np.float32)).sum())(v.astype(np.float32))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, gradient(v), rtol=1e-4)
    assert wg.grad(lambda v: f(v, 0.5).sum())(np.zeros(0)).shape == (0,)


def gradient_by_loop(f, v, x):
    return [wg.grad(f)(float(w), x) for w in v]


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda v: sp.jv(v, 1 + 1j), "along the real line"),
        (lambda v: sp.hankel1(v, 2.0), "1j \\* yv"),
        (lambda v: sp.hyp1f1(v, 1.5, 1j), "real arguments only"),
        (lambda v: sp.eval_jacobi(v, 1.5, 0.5, 1j), "complex numbers"),
        (lambda v: sp.struve(v, 2.0), "order"),
    ],
)
def test_complex_arguments_are_refused(f, why):
    with pytest.raises(UnsupportedFunctionError, match=why):
        wg.jvp(f, (0.5,), (1.0,))


def test_kolmogorovs_distribution():
    def survival(x):
        return 2 * sum((-1) ** (k - 1) * mp.exp(-2 * k * k * x * x) for k in range(1, 40))

    with mp.workdps(DIGITS):
        for x in (0.4, 0.999, 1.0, 3.0):
            first, second = (float(mp.diff(survival, mp.mpf(x), n)) for n in (1, 2))
            np.testing.assert_allclose(wg.grad(sp.kolmogorov)(x), first, rtol=1e-14)
            np.testing.assert_allclose(wg.grad(wg.grad(sp.kolmogorov))(x), second, rtol=1e-14)
    np.testing.assert_array_equal(wg.vmap(wg.grad(sp.kolmogorov))(np.array([-1.0, 0.0, 1e-3, np.inf])), 0)
    y = 0.3
    np.testing.assert_allclose(wg.grad(lambda y: sp.kolmogorov(sp.kolmogi(y)))(y), 1, rtol=1e-14)


def noncentral(x, k, nc):
    weights = [mp.exp(-nc / 2) * (nc / 2) ** j / mp.factorial(j) for j in range(60)]
    return sum(w * mp.gammainc(k / 2 + j, 0, x / 2, regularized=True) for j, w in enumerate(weights))


@pytest.mark.parametrize("point", [(3.0, 0.5, 0.2), (40.0, 0.5, 0.2), (3.0, 60.0, 10.0)])
def test_the_degrees_of_freedom_of_noncentral_distributions(point):
    with mp.workdps(DIGITS):
        exact = tuple(map(mp.mpf, point))
        for places in ((1,), (1, 1), (1, 0), (2, 1)):
            powers = tuple(places.count(i) for i in range(3))
            found = sp.chndtr
            for i in places:
                found = wg.grad(found, i)
            np.testing.assert_allclose(found(*point), float(mp.diff(noncentral, exact, powers)), rtol=2e-14)
    back = wg.grad(lambda p: sp.chndtr(2.0, sp.chndtridf(2.0, p, 1.5), 1.5))(0.4)
    np.testing.assert_allclose(back, 1, rtol=1e-9)


def test_complex_arguments_left_of_the_imaginary_axis():
    with mp.workdps(DIGITS):
        z = (-0.7 + 0.2j, -0.5 + 1j, 0.3 - 0.1j)
        for i in range(3):
            slope = wg.jvp(lambda x: sp.elliprd(*z[:i], x, *z[i + 1 :]), (z[i],), (1 + 0j,))[1]  # noqa: B023
            true = mp.diff(mp.elliprd, tuple(map(mp.mpc, z)), tuple(int(k == i) for k in range(3)))
            np.testing.assert_allclose(slope, complex(true), rtol=1e-13)
        slope = wg.jvp(sp.zeta, (-3.2 + 1.7j,), (1 + 0j,))[1]
        np.testing.assert_allclose(slope, complex(mp.diff(mp.zeta, mp.mpc(-3.2 + 1.7j))), rtol=1e-12)
