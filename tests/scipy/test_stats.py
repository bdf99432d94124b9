"""scipy.stats: values are SciPy's, derivatives in the variable and in every parameter against differences."""

import numpy as np
import pytest
import scipy.stats

import wengert as wg
import wengert.scipy.stats as ws
from wengert.errors import UnsupportedFunctionError
from wengert.scipy.stats import continuous, discrete

POINTS = {  # name: (x, shapes)
    "beta": (0.3, (2.0, 3.0)), "chi2": (1.5, (3.0,)), "f": (0.8, (3.0, 5.0)), "gamma": (1.2, (2.5,)),
    "genextreme": (0.4, (0.2,)), "genpareto": (0.4, (0.2,)), "invgamma": (0.7, (2.5,)), "invgauss": (0.7, (1.3,)),
    "lognorm": (0.7, (0.8,)), "pareto": (1.4, (2.5,)), "skewnorm": (0.4, (1.5,)), "t": (0.4, (3.0,)),
    "truncnorm": (0.4, (-0.5, 1.2)), "vonmises": (0.4, (1.5,)), "weibull_min": (0.7, (1.5,)),
}  # fmt: skip
METHODS = ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf")
WITHOUT = {
    "skewnorm": ("ppf", "isf"), "truncnorm": ("ppf", "isf"), "invgauss": ("ppf", "isf"),
    "vonmises": ("cdf", "sf", "logcdf", "logsf", "ppf", "isf"),
}  # fmt: skip


@pytest.mark.parametrize("name", continuous.__all__)
def test_continuous(name):
    ours, theirs = getattr(ws, name), getattr(scipy.stats, name)
    z, shapes = POINTS.get(name, (0.4, ()))
    loc, scale = 0.3, 1.7
    for method in METHODS:
        x = 0.37 if method in ("ppf", "isf") else z * scale + loc
        args = (x, *shapes, loc, scale)
        f = getattr(ours, method)
        if method in WITHOUT.get(name, ()):
            with pytest.raises(UnsupportedFunctionError, match=method):
                wg.grad(f)(*args)
            continue
        value, _ = wg.jvp(lambda x: f(x, *args[1:]), (x,), (1.0,))  # noqa: B023
        np.testing.assert_allclose(value, getattr(theirs, method)(*args), rtol=1e-10, err_msg=method)
        for i in range(len(args)):
            moved = [np.array(args[i]) + h for h in (1e-5, -1e-5)]
            up, down = (getattr(theirs, method)(*args[:i], m, *args[i + 1 :]) for m in moved)
            difference = (up - down) / 2e-5
            got = wg.grad(f, i)(*args)
            np.testing.assert_allclose(got, difference, rtol=2e-5, atol=1e-7, err_msg=f"{method}, argument {i}")


@pytest.mark.parametrize(
    ("name", "k", "shapes"),
    [
        ("poisson", 2.0, (1.5,)),
        ("bernoulli", 1.0, (0.3,)),
        ("binom", 2.0, (5, 0.3)),
        ("nbinom", 2.0, (3.5, 0.3)),
        ("geom", 2.0, (0.3,)),
    ],
)
def test_discrete(name, k, shapes):
    assert name in discrete.__all__
    ours, theirs = getattr(ws, name), getattr(scipy.stats, name)
    for method in ("pmf", "logpmf", "cdf", "sf", "logcdf", "logsf"):
        for x in (k, k + 0.5, -1.0):
            f = getattr(ours, method)
            last = len(shapes)
            up = getattr(theirs, method)(x, *shapes[:-1], shapes[-1] + 1e-6)
            down = getattr(theirs, method)(x, *shapes[:-1], shapes[-1] - 1e-6)
            value, slope = wg.jvp(lambda p: f(x, *shapes[:-1], p), (shapes[-1],), (1.0,))  # noqa: B023
            np.testing.assert_allclose(value, getattr(theirs, method)(x, *shapes), rtol=1e-10, err_msg=method)
            expected = (up - down) / 2e-6 if np.isfinite(up) else 0.0
            np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-8, err_msg=f"{method} at {x}")
            np.testing.assert_allclose(wg.grad(f, last)(x, *shapes), slope)


def test_outside_the_support():
    for x, value in ((-1.0, -np.inf), (0.0, -np.inf), (0.5, None)):
        y, slope = wg.jvp(lambda a: ws.gamma.logpdf(x, a), (2.0,), (1.0,))  # noqa: B023
        assert value is None or y == value
        assert value is None or x == 0 or slope == 0
    assert wg.grad(lambda a: ws.gamma.cdf(-1.0, a))(2.0) == 0
    assert wg.grad(ws.uniform.logpdf)(2.0) == 0
    assert wg.grad(lambda b: ws.beta.sf(2.0, 1.5, b))(2.0) == 0


def test_frozen_and_plain(rng):
    x = rng.normal(size=3)
    assert ws.norm(1.0, 2.0).logpdf(0.3) == scipy.stats.norm(1.0, 2.0).logpdf(0.3)
    np.testing.assert_array_equal(ws.norm.logpdf(x), scipy.stats.norm.logpdf(x))
    assert ws.norm.mean(2.0) == 2.0
    assert ws.kstest is scipy.stats.kstest
    g = wg.grad(lambda scale: ws.norm(loc=1.0, scale=scale).logpdf(x).sum())(2.0)
    np.testing.assert_allclose(g, np.sum((x - 1) ** 2 / 8 - 0.5))
    with pytest.raises(UnsupportedFunctionError, match="rvs"):
        wg.grad(lambda s: ws.norm.rvs(scale=s))(1.0)


def test_a_likelihood_has_its_maximum_where_the_gradient_vanishes(rng):
    x = rng.normal(2.0, 3.0, 50)
    g = wg.grad(lambda p: ws.norm.logpdf(x, p[0], p[1]).sum())(np.array([x.mean(), x.std()]))
    np.testing.assert_allclose(g, 0, atol=1e-12)


def test_multivariate_normal(rng):
    x, mean = rng.normal(size=(4, 3)), rng.normal(size=3)
    A = rng.normal(size=(3, 3))
    f = lambda x, mean, A: ws.multivariate_normal.logpdf(x, mean, A @ A.T + np.eye(3))
    value, _ = wg.jvp(lambda x: f(x, mean, A), (x,), (x,))
    np.testing.assert_allclose(value, f(x, mean, A))
    wg.check_grads(f, (x, mean, A), order=2)
    wg.check_grads(lambda x, c: ws.multivariate_normal.pdf(x, mean, c), (x[0], np.array([1.0, 2.0, 3.0])), order=1)
    wg.check_grads(lambda x, c: ws.multivariate_normal.logpdf(x, 0.5, c), (x[:, 0], 2.0), order=1)


def test_dirichlet(rng):
    alpha = rng.uniform(1, 3, 3)
    x = rng.dirichlet(alpha)
    value, _ = wg.jvp(lambda a: ws.dirichlet.logpdf(x, a), (alpha,), (alpha,))
    np.testing.assert_allclose(value, scipy.stats.dirichlet.logpdf(x, alpha))
    wg.check_grads(lambda a: ws.dirichlet.logpdf(x, a), (alpha,), order=2)
    wg.check_grads(lambda x: ws.dirichlet.logpdf(x, alpha), (x[:-1],), order=2)
