"""scipy.special: first and second derivatives against mpmath, ends of the domains included; and SciPy's ways.

The laws of the primitives are checked by the generated tests; here it is their accuracy, and the public functions.
"""

import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

import wengert as wg
import wengert.numpy as wnp
import wengert.scipy.special as ws
from wengert.errors import ConcretizationError, UnsupportedFunctionError

DIGITS = 50


def each(*xs):
    return [(x,) for x in xs]


def grid(*axes):
    points = [()]
    for axis in axes:
        points = [(*p, x) for p in points for x in axis]
    return points


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def lower(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def beta_cdf(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def student(v, t):
    tail = beta_cdf(v / 2, mp.mpf(0.5), v / (v + t * t)) / 2
    return 1 - tail if t > 0 else tail


def fisher(n, d, x):
    return beta_cdf(n / 2, d / 2, n * x / (n * x + d))


def box(x, lam):
    return (x**lam - 1) / lam


def spherical(f):
    return lambda n, x: mp.sqrt(mp.pi / (2 * x)) * f(n + mp.mpf(0.5), x)


def voigt(x, sigma, gamma):
    z = mp.mpc(x, gamma) / (sigma * mp.sqrt(2))
    return (mp.exp(-z * z) * mp.erfc(-1j * z)).real / (sigma * mp.sqrt(2 * mp.pi))


def owen(h, a):
    return mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi)


def part(name, i):
    return lambda *x: getattr(ws, name)(*x)[i]


def whole(f):
    return lambda n, *x: f(int(n), *x)


# name: (mpmath's function, points, which arguments, relative tolerance at first and second order[, ours])
FINE = (1e-13, 1e-11)
TABLE = {
    "gamma": (mp.gamma, each(1e-5, 0.3, 1.46, 5.5, 150.0, -0.5, -3.3), [0], FINE),
    "gammaln": (lambda x: mp.log(abs(mp.gamma(x))), each(1e-8, 0.3, 1.46, 20.0, 1e10, -3.3), [0], FINE),
    "loggamma": (mp.loggamma, each(0.3, 2.0, 1e8), [0], FINE),
    "psi": (lambda x: mp.psi(0, x), each(1e-8, 0.3, 1.46163, 5.5, 1e5, -3.3), [0], FINE),
    "rgamma": (mp.rgamma, each(1e-5, 5.5, 150.0, 0.0, -1.0, -3.0, -20.7), [0], FINE),
    "polygamma": (lambda n, x: mp.psi(int(n), x), grid((0, 1, 5), (1e-3, 3.0, 1e4, -0.5)), [1], FINE),
    "beta": (mp.beta, grid((1e-3, 3.0, 50.0), (1e-3, 0.7, 20.0)), [0, 1], (1e-12, 1e-11)),
    "betaln": (
        lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
        grid((1e-3, 3.0, 1e9), (1e-5, 20.0)),
        [0, 1],
        FINE,
    ),
    "binom": (mp.binomial, [*grid((5.0, 5.5, -0.5), (2.0, 2.5)), (5.0, 7.0), (3.5, -2.0)], [0, 1], FINE),
    "poch": (lambda z, m: mp.gamma(z + m) / mp.gamma(z), grid((0.5, 1e3), (1e-4, 2.0)), [0, 1], (1e-12, 1e-11)),
    "multigammaln": (lambda a, d: sum(mp.loggamma(a - mp.mpf(j) / 2) for j in range(3)), [(1.2, 3)], [0], FINE),
    "zeta": (mp.zeta, each(1.01, 3.0, 60.0, 0.5, 0.0, -1.0, -2.0, -10.0, -20.5), [0], FINE),
    "zeta ": (mp.zeta, grid((1.1, 20.0), (0.1, 1.0, 50.0)), [0, 1], FINE, ws.zeta),
    "comb": (mp.binomial, [(10.0, 3.5)], [0, 1], FINE),
    "perm": (lambda n, k: mp.gamma(n + 1) / mp.gamma(n - k + 1), [(10.0, 3.5)], [0, 1], FINE),
    "factorial": (mp.factorial, each(0.0, 3.5), [0], FINE),
    "erf": (mp.erf, each(0.0, 1e-8, 2.0, 10.0, 26.0, -3.0), [0], FINE),
    "erfc": (mp.erfc, each(0.3, 2.0, 26.0, -3.0), [0], FINE),
    "erfi": (mp.erfi, each(0.0, 0.3, 10.0, -3.0), [0], FINE),
    "erfcx": (erfcx, each(-25.0, -0.5, 0.0, 1.0, 1.9, 2.1, 7.0, 30.0, 1e6), [0], FINE),
    "erfinv": (mp.erfinv, each(0.0, 1e-10, -0.9, 0.999999), [0], FINE),
    "erfcinv": (lambda x: mp.erfinv(1 - x), each(1e-15, 0.3, 1.9), [0], FINE),
    "dawsn": (
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
        each(0.0, 0.92, 1.5, 6.9, 7.1, 100.0, 1e4, -2.0),
        [0],
        FINE,
    ),
    "ndtr": (mp.ncdf, each(-37.0, -1.0, 0.5, 8.0), [0], FINE),
    "log_ndtr": (
        lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2),
        each(-1e4, -37.0, -3.0, -1.0, 0.0, 2.0, 8.0, 30.0),
        [0],
        FINE,
    ),
    "ndtri": (lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), each(1e-14, 0.1, 0.7, 0.99999), [0], FINE),
    "owens_t": (owen, [(0.5, 0.7)], [0, 1], FINE),
    "voigt_profile": (voigt, grid((0.7, 10.0), (0.1, 1.0), (0.5, 5.0)), [0, 1, 2], (1e-11, 1e-9)),
    "fresnel": (mp.fresnels, each(0.3, 2.3, 30.1), [0], (1e-11, 1e-11), part("fresnel", 0)),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), each(-700.0, -40.0, 2.0, 40.0, 700.0), [0], FINE),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), each(-700.0, 2.0, 40.0, 700.0), [0], FINE),
    "logit": (lambda x: mp.log(x / (1 - x)), each(1e-10, 0.3, 1 - 1e-12), [0], FINE),
    "exprel": (lambda x: mp.expm1(x) / x, each(-500.0, -1.5, -0.9, 1e-9, 0.9, 30.0), [0], FINE),
    "cosm1": (lambda x: mp.cos(x) - 1, each(1e-9, 2.0), [0], FINE),
    "exp10": (lambda x: mp.mpf(10) ** x, each(-300.0, 0.3, 300.0), [0], FINE),
    "powm1": (lambda x, y: x**y - 1, grid((0.1, 1.0001, 3.0), (-2.0, 1e-8, 1.0, 3.5)), [0, 1], FINE),
    "xlogy": (lambda x, y: x * mp.log(y), grid((0.0, -2.0), (1.0, 1e5)), [0, 1], FINE),
    "xlog1py": (lambda x, y: x * mp.log1p(y), grid((0.0, -2.0), (-0.9, 1e-20, 1e5)), [0, 1], FINE),
    "entr": (lambda x: -x * mp.log(x), each(1e-5, 0.3, 5.0), [0], FINE),
    "rel_entr": (lambda x, y: x * mp.log(x / y), grid((1e-10, 0.5), (1e-9, 0.4999999, 1e5)), [0, 1], FINE),
    "kl_div": (lambda x, y: x * mp.log(x / y) - x + y, grid((1e-10, 0.5), (1e-9, 0.4999999, 1e5)), [0, 1], FINE),
    "pseudo_huber": (
        lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1),
        grid((1e-3, 2.0), (1e-3, -1.0, 1e5)),
        [0, 1],
        FINE,
    ),
    "boxcox": (box, grid((0.1, 1.1, 1e5), (-1.0, 1e-8, 2.0)), [0, 1], FINE),
    "boxcox1p": (lambda x, lam: box(1 + x, lam), grid((1e-5, 3.0), (-1.0, 1e-8, 2.0)), [0, 1], FINE),
    "inv_boxcox": (lambda y, lam: mp.exp(mp.log1p(lam * y) / lam), grid((1e-5, 0.8), (-1.0, 1e-8, 2.0)), [0, 1], FINE),
    "exp1": (mp.e1, each(1e-10, 2.0, 500.0), [0], FINE),
    "expi": (mp.ei, each(1e-10, 2.0, -2.0, -30.0), [0], FINE),
    "expn": (whole(mp.expint), [(0, 5.0), (1, 1e-5), (2, 0.5)], [1], FINE),
    "spence": (lambda x: mp.polylog(2, 1 - x), each(1e-10, 0.3, 0.69, 0.99, 1.0, 1.01, 1.31, 1e5), [0], FINE),
    "sici": (mp.si, each(1e-10, 0.3, 100.0), [0], FINE, part("sici", 0)),
    "shichi": (mp.shi, each(1e-10, 0.3, 100.0), [0], FINE, part("shichi", 0)),
    "lambertw": (
        lambda x: mp.lambertw(x).real,
        each(-0.36, 0.0, 0.5, 1e10),
        [0],
        FINE,
        lambda x: ws.lambertw(x).real,
    ),
    "jv": (mp.besselj, grid((0.0, 0.3, 10.0), (1e-3, 3.0, 200.0)), [1], FINE),
    "yv": (mp.bessely, grid((0.3, 2.5), (1e-3, 3.0, 200.0)), [1], FINE),
    "iv": (mp.besseli, grid((0.0, 2.5), (1e-3, 3.0, 200.0)), [1], FINE),
    "kv": (mp.besselk, grid((0.3, -2.5), (1e-3, 200.0)), [0, 1], FINE),
    "kve": (lambda v, x: mp.besselk(v, x) * mp.exp(x), grid((0.3, 2.5), (0.5, 39.0, 41.0, 1e6)), [1], FINE),
    "ive": (lambda v, x: mp.besseli(v, x) * mp.exp(-x), grid((0.3, 2.5), (0.5, 39.0, 41.0, 1e6)), [1], FINE),
    "j0": (lambda x: mp.besselj(0, x), each(1e-8, -3.0, 200.0), [0], FINE),
    "j1": (lambda x: mp.besselj(1, x), each(1e-8, -3.0, 200.0), [0], FINE),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), each(1e-8, -3.0, -41.0, 500.0), [0], FINE),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), each(1e-8, -3.0, -41.0, 500.0), [0], FINE),
    "k0e": (lambda x: mp.besselk(0, x) * mp.exp(x), each(1e-3, 3.0, 500.0), [0], FINE),
    "k1e": (lambda x: mp.besselk(1, x) * mp.exp(x), each(3.0, 500.0), [0], FINE),
    "yn": (whole(mp.bessely), [(3, 20.0)], [1], FINE),
    "struve": (mp.struveh, grid((0.0, 2.3), (0.01, 30.0)), [1], (1e-12, 1e-11)),
    "spherical_jn": (spherical(mp.besselj), grid((0, 3), (1e-3, 3.0, 200.0)), [1], FINE),
    "spherical_kn": (spherical(mp.besselk), grid((0, 3), (1e-3, 3.0, 200.0)), [1], FINE),
    "airy": (mp.airyai, each(-20.0, 0.5, 30.0), [0], (1e-12, 1e-11), part("airy", 0)),
    "ber": (lambda x: mp.ber(0, x), each(0.5, 3.0), [0], FINE),
    "diric": (lambda x, n: mp.sin(n * x / 2) / (n * mp.sin(x / 2)), grid((1e-6, 3.0, 6.28), (1, 2, 5)), [0], FINE),
    "jvp": (lambda v, x: mp.besselj(v, x, derivative=1), [(1.5, 2.0)], [1], FINE),
    "ellipk": (mp.ellipk, each(-1e5, -1.0, 1e-10, 0.5, 0.999999), [0], FINE),
    "ellipkm1": (lambda p: mp.ellipk(1 - p), each(1e-10, 0.3, 5.0), [0], FINE),
    "ellipe": (mp.ellipe, each(-1e5, -1.0, 1e-10, 0.5, 0.999999), [0], FINE),
    "ellipkinc": (mp.ellipf, grid((0.5, -0.7, 7.0), (-5.0, 1e-8, 0.99)), [0, 1], (1e-12, 1e-11)),
    "ellipeinc": (mp.ellipe, grid((0.5, 7.0), (1e-8, 0.99)), [0, 1], (1e-12, 1e-11)),
    "elliprf": (mp.elliprf, [(1.0, 2.0, 3.0), (1e5, 1.0, 1e-5)], [0, 1, 2], FINE),
    "elliprd": (mp.elliprd, [(1.0, 2.0, 3.0), (1e5, 1.0, 1e-5)], [0, 1, 2], FINE),
    "elliprj": (mp.elliprj, [(1.0, 2.0, 3.0, 4.0)], [0, 3], FINE),
    "elliprc": (mp.elliprc, [(1.0, 2.0), (1.0, 1.0)], [0, 1], FINE),
    "elliprg": (mp.elliprg, [(1.0, 2.0, 3.0)], [0, 2], FINE),
    "agm": (mp.agm, [(1.0, 2.0), (1.0, 1.0), (1.0, 1e5)], [0, 1], FINE),
    "ellipj": (lambda u, m: mp.ellipfun("sn", u, m=m), grid((0.1, 5.0), (0.01, 0.95)), [0, 1], FINE, part("ellipj", 0)),
    "gammainc": (lower, grid((1e-3, 0.5, 1.0, 11.0, 60.0), (0.01, 1.0, 15.0)), [0, 1], (1e-11, 1e-11)),
    "gammaincc": (upper, grid((0.1, 11.0), (0.3, 15.0)), [0, 1], (1e-12, 1e-11)),
    "gdtr": (lambda a, b, x: lower(b, a * x), [(0.5, 2.0, 3.0)], [0, 1, 2], FINE),
    "pdtr": (lambda k, m: upper(k + 1, m), grid((0.0, 3.0), (0.1, 20.0)), [1], FINE),
    "betainc": (beta_cdf, [(2.0, 3.0, 0.4), (0.5, 0.5, 0.1), (0.1, 0.2, 0.999)], [0, 1, 2], (1e-12, 1e-11)),
    "betaincc": (lambda a, b, x: 1 - beta_cdf(a, b, x), [(2.0, 30.0, 0.4)], [0, 1, 2], (1e-12, 1e-11)),
    "bdtr": (lambda k, n, p: beta_cdf(n - k, k + 1, 1 - p), [(1, 4, 0.3)], [2], FINE),
    "nbdtr": (lambda k, n, p: beta_cdf(n, k + 1, p), [(1, 4, 0.3)], [2], FINE),
    "stdtr": (student, [(3.0, -1.0), (300.0, 2.0), (0.7, -20.0), (3.0, -1e-9)], [0, 1], (1e-11, 1e-10)),
    "fdtr": (fisher, [(5.0, 40.0, 0.9)], [0, 1, 2], (1e-12, 1e-11)),
    "hyp0f1": (mp.hyp0f1, grid((0.5, 3.0), (-10.0, 1e-5, 0.9)), [1], (1e-12, 1e-11)),
    "hyp1f1": (mp.hyp1f1, grid((0.5, 2.0), (1.5,), (-10.0, 1e-5, 0.9)), [2], (1e-12, 1e-11)),
    "hyp2f1": (mp.hyp2f1, grid((0.5,), (1.5,), (0.7,), (-0.9, 0.5)), [3], (1e-12, 1e-11)),
    "eval_legendre": (mp.legendre, [*grid((0, 1, 5, -3), (-0.9, 1.0)), (2.5, 0.3)], [1], (1e-12, 1e-11)),
    "eval_chebyu": (mp.chebyu, grid((0, 1, 5, -1, -2, -3), (-0.9, 0.3)), [1], (1e-12, 1e-11)),
    "eval_hermite": (whole(mp.hermite), grid((0, 1, 5), (-0.9, 0.3)), [1], (1e-12, 1e-11)),
    "eval_gegenbauer": (whole(mp.gegenbauer), grid((0, 1, 5), (1.3,), (-0.9, 1.0)), [2], (1e-12, 1e-11)),
    "eval_jacobi": (whole(mp.jacobi), grid((0, 1, 5), (1.3,), (0.4,), (-0.9, 1.0)), [3], (1e-12, 1e-11)),
}
FIRST_ORDER_ONLY = {"gdtr", "fdtr", "betaincc"}  # the rest of their cost is in their ingredients, which are tested


@pytest.mark.parametrize("name", TABLE)
def test_against_mpmath(name):
    truth, points, active, tolerances, *rest = TABLE[name]
    ours = rest[0] if rest else getattr(ws, name)
    with mp.workdps(DIGITS):
        for point in points:
            for i in active:
                f = lambda x: ours(*point[:i], x, *point[i + 1 :])  # noqa: B023
                g = lambda x: truth(*map(mp.mpf, point[:i]), x, *map(mp.mpf, point[i + 1 :]))  # noqa: B023
                gradient = wg.grad(f)
                agree(gradient(float(point[i])), mp.diff(g, point[i]), tolerances[0], (name, point, i, 1))
                if name not in FIRST_ORDER_ONLY:
                    second = wg.grad(gradient)(float(point[i]))
                    agree(second, mp.diff(g, point[i], 2), tolerances[1], (name, point, i, 2))


def agree(found, expected, tolerance, what):
    expected = mp.re(expected)
    error = abs(found - expected) / max(abs(expected), mp.mpf(1e-40))
    assert error < tolerance, f"{what}: {found}, expected {mp.nstr(expected, 17)}, relative error {mp.nstr(error, 3)}"


# inverses: the composition with the function is the identity ------------------------------------------------------
INVERSES = [
    ("gammaincinv", "gammainc", 1, (2.5, 0.3)),
    ("gammaincinv", "gammainc", 1, (0.5, 1e-3)),
    ("gammainccinv", "gammaincc", 1, (2.5, 0.3)),
    ("betaincinv", "betainc", 2, (2.0, 3.0, 0.4)),
    ("betainccinv", "betaincc", 2, (2.0, 3.0, 0.4)),
    ("chdtri", "chdtrc", 1, (3.0, 0.4)),
    ("chdtriv", "chdtr", 0, (0.4, 3.0)),
    ("fdtri", "fdtr", 2, (3.0, 5.0, 0.4)),
    ("fdtridfd", "fdtr", 1, (2.0, 0.58, 2.0)),
    ("stdtrit", "stdtr", 1, (3.0, 0.2)),
    ("stdtridf", "stdtr", 0, (0.84, 1.2)),
    ("gdtria", "gdtr", 0, (0.4, 2.0, 3.0)),
    ("gdtrib", "gdtr", 1, (0.5, 0.4, 3.0)),
    ("gdtrix", "gdtr", 2, (0.5, 2.0, 0.4)),
    ("btdtria", "betainc", 0, (0.4, 3.0, 0.4)),
    ("btdtrib", "betainc", 1, (2.0, 0.4, 0.4)),
    ("chndtrix", "chndtr", 0, (0.4, 3.0, 1.5)),
    ("pdtri", "pdtr", 1, (2.0, 0.6)),
    ("bdtri", "bdtr", 2, (1, 4, 0.6)),
    ("nbdtri", "nbdtr", 2, (1, 4, 0.6)),
]


@pytest.mark.parametrize(("name", "function", "i", "point"), INVERSES)
def test_inverses(name, function, i, point):
    """x = F^-1(p): dx/dp dF/dx = 1, and F(F^-1(p, a), a) does not depend on a; at second order too."""
    inverse, f = getattr(sp, name), getattr(sp, function)
    floating = [k for k, a in enumerate(point) if isinstance(a, float)]
    if function == "pdtr" or name == "chndtrix":
        floating = [k for k in floating if k == i]

    def composed(*args):
        return f(*args[:i], inverse(*args), *args[i + 1 :])

    for k in floating:
        expected = 1.0 if k == i else 0.0
        np.testing.assert_allclose(wg.grad(composed, k)(*point), expected, atol=1e-9)
        np.testing.assert_allclose(wg.grad(wg.grad(composed, k), k)(*point), 0.0, atol=1e-7)


# sums of exponentials -----------------------------------------------------------------------------------------------
def test_logsumexp_has_every_argument(rng):
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(3, 1)) + 3
    for kwargs in [{}, {"axis": 0}, {"axis": (0, 1)}, {"axis": -1, "keepdims": True}, {"b": b}, {"b": b, "axis": 1}]:
        f = lambda a: ws.logsumexp(a, **kwargs)  # noqa: B023
        np.testing.assert_allclose(wg.jvp(f, (a,), (a,))[0], sp.logsumexp(a, **kwargs))
        wg.check_grads(f, (a,), order=2)
    wg.check_grads(lambda a, b: ws.logsumexp(a, b=b, axis=0), (a, b), order=2)
    y, sign = wg.jvp(lambda b: ws.logsumexp(a, b=-b, return_sign=True), (b,), (b,))[0]
    assert sign == -1
    np.testing.assert_allclose(y, sp.logsumexp(a, b=b))
    wg.check_grads(lambda b: ws.logsumexp(a, b=-b, return_sign=True)[0], (b,), order=2)


def test_logsumexp_of_complex_numbers(rng):
    z = rng.normal(size=3) + 1j * rng.normal(size=3)
    np.testing.assert_allclose(wg.grad(ws.logsumexp, holomorphic=True)(z), np.exp(z) / np.exp(z).sum())


def test_logsumexp_at_infinities():
    grad = wg.grad(ws.logsumexp)
    inf = np.inf
    np.testing.assert_array_equal(grad(np.array([-inf, 0.0])), [0, 1])
    np.testing.assert_array_equal(grad(np.array([-inf, -inf])), [0, 0])
    np.testing.assert_array_equal(grad(np.array([inf, 0.0])), [1, 0])
    np.testing.assert_array_equal(grad(np.array([1e4, 0.0])), [1, 0])
    np.testing.assert_array_equal(
        wg.grad(lambda a: ws.logsumexp(a, b=np.array([1.0, 0.0])))(np.array([0.0, 1e5])), [1, 0]
    )
    np.testing.assert_array_equal(wg.hessian(ws.logsumexp)(np.array([-inf, 0.0])), np.zeros((2, 2)))


@pytest.mark.parametrize("f", [ws.softmax, ws.log_softmax])
def test_softmax(f, rng):
    x = rng.normal(size=(3, 4))
    for axis in [None, 0, (0, 1), -1]:
        wg.check_grads(lambda x: f(x, axis=axis), (x,), order=2)  # noqa: B023
    large = np.array([1e4, 0.0, -1e4])
    np.testing.assert_allclose(wg.jvp(f, (large,), (large,))[0], f(large))
    assert np.isfinite(wg.jacobian(f)(large)).all()


# SciPy's ways -----------------------------------------------------------------------------------------------------
def test_plain_arrays_get_scipys_results():
    x = np.array([0.3, 0.5])
    assert ws.erf is sp.erf
    np.testing.assert_array_equal(ws.logsumexp(x), sp.logsumexp(x))
    assert ws.comb(10, 3, exact=True) == 120
    assert ws.ai_zeros(1)[0] == sp.ai_zeros(1)[0]


def test_scipys_own_name_finds_us():
    assert wg.grad(sp.erf)(0.0) == wg.grad(ws.erf)(0.0) == 2 / np.sqrt(np.pi)


def test_dtypes_are_scipys():
    for dtype in (np.float16, np.float32, np.float64, np.int64):
        x = np.array([1, 2], dtype)
        for f in (sp.erf, lambda x: sp.xlogy(2.0, x), lambda x: sp.jv(1, x), lambda x: sp.eval_legendre(2, x), sp.airy):
            got, expected = wg.vmap(f)(x), f(x)
            for y, z in zip(np.atleast_2d(got), np.atleast_2d(expected), strict=True):
                assert y.dtype == z.dtype
                np.testing.assert_allclose(y, z, rtol=1e-6)
    assert wg.grad(lambda x: sp.gammainc(x, np.float32(2)))(np.float32(0.5)).dtype == np.float32
    assert wg.grad(lambda x: sp.jv(1, x).sum())(np.ones(2, np.float16)).dtype == np.float16


def test_broadcasting_and_keywords(rng):
    a, x = rng.uniform(1, 2, (3, 1)), rng.uniform(1, 2, 4)
    wg.check_grads(sp.gammainc, (a, x), order=2)
    out = wg.jvp(lambda x: sp.erf(x, out=wnp.zeros(4)), (x,), (x,))[0]
    np.testing.assert_array_equal(out, sp.erf(x))
    np.testing.assert_allclose(wg.vmap(sp.gammainc, (0, None))(a[:, 0], x), sp.gammainc(a, x))


def test_orders_may_be_arrays(rng):
    n, x = np.arange(4), rng.uniform(1, 2, 4)
    for f in (sp.jv, sp.kn, sp.eval_hermite, ws.spherical_jn, ws.polygamma, sp.expn):
        wg.check_grads(lambda x: f(n, x), (x,), order=2)  # noqa: B023
    np.testing.assert_allclose(wg.vmap(sp.eval_hermite)(n, x), sp.eval_hermite(n, x))


def test_complex_arguments():
    z = 0.7 + 0.4j
    h = 1e-6
    for f in (sp.gamma, sp.erf, sp.wofz, lambda z: sp.jv(0.5, z), sp.exp1, lambda z: sp.hyp2f1(0.5, 1.0, 2.0, z)):
        np.testing.assert_allclose(wg.grad(f, holomorphic=True)(z), (f(z + h) - f(z - h)) / (2 * h), rtol=1e-8)
    with pytest.raises(UnsupportedFunctionError, match="holomorphic"):
        wg.grad(lambda z: sp.ive(0.5, z), holomorphic=True)(z)


def test_real_arguments_of_complex_functions():
    for f in (sp.wofz, lambda x: sp.hankel1(0.5, x), lambda x: sp.kelvin(x)[0], ws.lambertw):
        g = wg.grad(lambda x: f(x).imag)(0.5)  # noqa: B023
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, (f(0.5 + 1e-6) - f(0.5 - 1e-6)).imag / 2e-6, atol=1e-9)


def test_functions_made_of_ufuncs():
    for f in (
        lambda x: sp.yvp(1.5, x, 2),
        lambda x: sp.kvp(1.5, x),
        lambda x: sp.legendre(3)(x),
        lambda x: sp.assoc_laguerre(x, 2, 1.5),
        ws.sinc,
        ws.softplus,
        lambda x: ws.spherical_jn(2, x, derivative=True),
        lambda x: ws.multigammaln(x + 3, 2),
    ):
        wg.check_grads(f, (0.7,), order=2)


def test_conventions_at_singular_points():
    assert wg.grad(sp.xlogy, 1)(0.0, 0.0) == 0
    assert wg.grad(sp.entr)(0.0) == np.inf
    assert wg.grad(sp.kl_div, 1)(0.0, 0.0) == 1
    assert wg.grad(sp.rel_entr, 1)(0.0, 0.0) == 0
    assert wg.grad(lambda x: np.where(x > 0, sp.entr(x), 0.0))(0.0) == 0
    assert wg.grad(sp.huber, 1)(1.0, 1.0) == 1
    assert wg.grad(sp.gammainc, 1)(1.0, 0.0) == 1
    assert wg.grad(wg.grad(sp.gammainc, 1), 1)(2.0, 0.0) == 1
    assert wg.grad(wg.grad(sp.gammainc, 1), 1)(1.0, 0.0) == -1
    np.testing.assert_allclose(wg.grad(sp.betainc, 2)(1.0, 3.0, 0.0), 3)
    np.testing.assert_allclose(wg.grad(wg.grad(sp.betainc, 2), 2)(1.0, 3.0, 0.0), -6)
    assert wg.grad(lambda x: sp.beip(x))(0.0) == 0.5


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: sp.pbdv(x, 1.0)[0], "pbdv is not differentiated with respect to its first"),
        (lambda x: sp.struve(x, 0.3), "order"),
        (lambda x: sp.mathieu_a(1, x), "parameter"),
        (lambda x: ws.polygamma(x, 2.0), "integer"),
        (lambda x: sp.ncfdtr(1.0, 2.0, 3.0, x), "noncentral"),
        (lambda x: ws.ellip_harm(1.0, 2.0, 1, 1, x), "ellip_harm"),
        (lambda x: ws.comb(5, x, exact=True), "exact"),
    ],
)
def test_refusals(f, what):
    with pytest.raises(UnsupportedFunctionError, match=what):
        wg.grad(f)(0.3)
    with pytest.raises(UnsupportedFunctionError, match=what):
        wg.jvp(f, (0.3,), (1.0,))


def test_orders_that_are_not_differentiated_are_welcome():
    assert wg.grad(lambda x: sp.jv(np.float64(0.5), x))(1.0) == wg.grad(lambda x: sp.jv(0.5, x))(1.0)
    np.testing.assert_allclose(wg.vmap(lambda v: sp.jv(v, 1.0))(np.array([0.5, 1.5])), sp.jv([0.5, 1.5], 1.0))


def test_scipys_python_functions_do_not_lose_derivatives():
    with pytest.raises(ConcretizationError):
        wg.grad(sp.logsumexp)(np.ones(2))


def test_scipy_is_loaded_when_it_is_used():
    code = "import sys, wengert; assert not {'scipy', 'wengert.primitives.special'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
