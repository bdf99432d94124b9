"""Means, variances, covariances, quantiles and histograms: NumPy's values over all arguments; derivatives."""

import itertools

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from function_checks import check, results, same
from wengert.numpy.quantiles import METHODS

AXES = [None, 0, -1, (0, 1)]


@pytest.fixture
def x(rng) -> np.ndarray:
    return rng.normal(size=(3, 4))


# means and variances -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_mean_var_std(axis, keepdims, x, rng) -> None:
    mask = rng.uniform(size=(3, 4)) > 0.3
    k = {"axis": axis, "keepdims": keepdims}
    for f in (np.mean, np.var, np.std):
        check(lambda t, f=f: f(t, **k), x, order=1 if keepdims else 2)
        check(lambda t, f=f: f(t, where=mask, **k), x, order=1, vmap=False)
    for f in (np.var, np.std):
        check(lambda t, f=f: f(t, ddof=1, **k), x, order=1, vmap=False)
        check(lambda t, f=f: f(t, correction=1, **k), x, order=1, vmap=False)
        check(lambda t, f=f: f(t, mean=np.mean(t, axis=axis, keepdims=True), **k), x, order=1, vmap=False)


def test_a_deviation_of_zero_has_slope_zero() -> None:
    assert wg.grad(np.std)(np.ones(3)).tolist() == [0, 0, 0]
    assert wg.grad(np.var)(np.ones(3)).tolist() == [0, 0, 0]
    assert wg.jvp(np.std, (np.ones(3),), (np.array([1.0, 2.0, 3.0]),))[1] == 0
    assert wg.grad(wg.grad(lambda t: np.std(t) * t))(1.0) == 0
    with pytest.raises(ValueError, match="correction"):
        wg.grad(lambda t: np.std(t, ddof=1, correction=1))(np.ones(3))


def test_variance_of_complex_numbers(x) -> None:
    z = x + 1j * x[::-1]
    for f in (np.mean, np.var, np.std):
        same(wg.jvp(f, (z,), (z,))[0], f(z))
    h = 1e-6
    g = wg.grad(np.var)(z)
    e = np.zeros_like(z)
    e[1, 2] = h
    slopes = [(np.var(z + d) - np.var(z - d)) / (2 * h) for d in (e, 1j * e)]
    np.testing.assert_allclose(g[1, 2], slopes[0] - 1j * slopes[1], rtol=1e-7)


def test_average(x, rng) -> None:
    w = rng.uniform(0.2, 1, size=(3, 4))
    for axis, keepdims in itertools.product(AXES, (False, True)):
        k = {"axis": axis, "keepdims": keepdims}
        check(lambda t, k=k: np.average(t, **k), x, order=1)
        check(lambda t, k=k: np.average(t, weights=w, **k), x, order=1)
        check(lambda t, k=k: np.average(x, weights=t, **k), w, order=1)
        check(lambda t, k=k: np.average(x, weights=t, returned=True, **k)[1], w, order=1)
    check(lambda t: np.average(x, axis=1, weights=t), w[0])
    check(lambda t: np.average(x[None] * t, axis=(2, 0), weights=w[:1].T), np.array(0.3), order=1)
    with pytest.raises(ZeroDivisionError):
        wg.grad(lambda t: np.average(x[0], weights=t))(np.zeros(4))
    with pytest.raises(TypeError, match="Axis"):
        wg.grad(lambda t: np.average(t, weights=np.ones(4)))(x)
    with pytest.raises(ValueError, match="consistent"):
        wg.grad(lambda t: np.sum(np.average(t, axis=0, weights=np.ones(4))))(x)


def test_covariances(rng) -> None:
    x, f, a = rng.normal(size=(3, 6)), np.array([1, 2, 0, 1, 3, 1]), rng.uniform(0.3, 1, size=6)
    check(np.cov, x)
    check(np.corrcoef, x)
    check(lambda t: np.cov(t, rowvar=False), x, order=1)
    check(lambda t: np.cov(t, bias=True, fweights=f, aweights=a), x, order=1)
    check(lambda t: np.cov(x, t, fweights=f, ddof=0), x[1], order=1)
    check(lambda t: np.cov(x, aweights=t), a, order=1)
    check(lambda t: np.cov(t), x[0], order=1)
    check(lambda t: np.corrcoef(t, x[0]), x[1], order=1)
    check(lambda t: np.corrcoef(t, rowvar=False)[:2, :2], x, order=1, vmap=False)
    z = x + 1j * x[::-1]
    for function in (np.cov, np.corrcoef):
        same(wg.jvp(function, (z,), (z,))[0], function(z))
    with pytest.raises(TypeError, match="integer"):
        wg.grad(lambda t: np.sum(np.cov(t, fweights=a)))(x)


# quantiles -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_medians_and_quantiles(axis, x) -> None:
    for n, keepdims in itertools.product((3, 4), (False, True)):
        k = {"axis": axis, "keepdims": keepdims}
        check(lambda t, k=k: np.median(t, **k), x[:, :n], order=1)
        check(lambda t, k=k: np.quantile(t, 0.3, **k), x[:, :n], order=1)
        check(lambda t, k=k: np.percentile(t, [10, 50, 95], **k), x[:, :n], order=1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("q", [0.37, 0.5, [0, 0.2, 0.5, 1], [[0.1, 0.9]]], ids=str)
def test_methods_of_quantiles(method, q, x) -> None:
    check(lambda t: np.quantile(t, q, axis=1, method=method), x, order=1)
    holes = x.copy()
    holes[0, 1] = holes[2, 0] = holes[2, 3] = np.nan
    for f, dtype in itertools.product((np.quantile, np.nanquantile), ("float64", "float32", "float16")):
        data = holes.astype(dtype)
        for level in (q, np.asarray(q), np.asarray(q, np.float32)):
            expected = f(data, level, axis=1, method=method)
            found = wg.jvp(lambda t, f=f, q=level: f(t, q, axis=1, method=method), (data,), (data,))[0]
            same(found, expected, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("q", [0.3, [0.05, 0.2, 0.5, 1]], ids=str)
def test_weighted_quantiles(q, x, rng) -> None:
    w = rng.uniform(0.1, 1, size=(3, 4))
    k = {"method": "inverted_cdf"}
    check(lambda t: np.quantile(t, q, axis=1, weights=np.array([0, 1.0, 2, 0.5]), **k), x, order=1)
    check(lambda t: np.percentile(t, q, weights=w, **k), x, order=1)
    check(lambda t: np.quantile(x, q, axis=1, weights=t, **k), w, order=1)
    holes = np.where(w > 0.8, np.nan, x)
    found = wg.jvp(lambda t: np.nanquantile(t, q, axis=1, weights=w, **k), (holes,), (holes,))[0]
    same(found, np.nanquantile(holes, q, axis=1, weights=w, **k))
    with pytest.raises(ValueError, match="inverted_cdf"):
        wg.grad(lambda t: np.quantile(t, 0.5, weights=w))(x)


def test_slopes_in_the_level(x) -> None:
    """dQ/dq is the distance of neighbours times (n - 1), at fixed order."""
    y = np.sort(x.ravel())
    assert wg.grad(lambda q: np.quantile(x, q))(0.3) == pytest.approx(11 * (y[4] - y[3]))
    check(lambda q: np.quantile(x, q, axis=1), np.array([0.2, 0.6, 0.9]), order=1)
    check(lambda q: np.percentile(x, q, method="hazen"), np.array(45.0), order=1)


def test_medians_without_nan(x) -> None:
    x[0, 1] = x[2, 0] = x[2, 3] = np.nan
    for axis in (None, 0, 1):
        y, y_dot = wg.jvp(lambda t, a=axis: np.nanmedian(t, axis=a), (x,), (x,))
        same(y, np.nanmedian(x, axis=axis))
        same(y_dot, y)
        same(wg.jvp(lambda t, a=axis: np.median(t, axis=a), (x,), (x,))[0], np.median(x, axis=axis))
    everything = np.full(3, np.nan)
    assert np.isnan(wg.jvp(np.median, (everything,), (np.ones(3),))[0])


def test_errors_of_quantiles(x) -> None:
    for f in (
        lambda t: np.quantile(t, 1.5),
        lambda t: np.quantile(t, 0.5, method="magic"),
        lambda t: np.percentile(t, -1),
    ):
        with pytest.raises(ValueError):
            wg.grad(f)(x)
    with pytest.raises(TypeError):
        wg.grad(lambda t: np.real(np.median(t)))(x + 1j)


# histograms ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def data(rng) -> tuple[np.ndarray, ...]:
    return rng.normal(size=12), rng.normal(size=12), rng.uniform(0.2, 1, size=12)


BINS = [{}, {"bins": 7, "range": (-1, 1)}, {"bins": [-1, 0, 0.5, 1]}, {"bins": "sturges"}]


@pytest.mark.parametrize("kwargs", BINS, ids=str)
@pytest.mark.parametrize("density", [False, True])
def test_counts_are_constant_and_edges_move(kwargs, density, data) -> None:
    a = data[0]
    rule = isinstance(kwargs.get("bins"), str)
    check(lambda t: np.histogram(t, density=density, **kwargs)[0] * 1.0, a, order=1, vmap=not rule, program=not density)
    check(lambda t: np.histogram(t, **kwargs)[1] * 1.0, a, order=1, vmap=not rule)
    h, _ = results(lambda t: np.histogram(t, **kwargs), a)
    assert h.dtype == np.histogram(a, **kwargs)[0].dtype
    check(lambda t: np.histogram_bin_edges(t, **kwargs) * 1.0, a, order=1, vmap=not rule)


def test_sums_of_weights(data, rng) -> None:
    a, b, w = data
    places = rng.integers(0, 5, size=12)
    check(lambda t: np.bincount(places, t, 7), w)
    check(lambda t: np.histogram(a, 5, weights=t)[0], w, order=1)
    check(lambda t: np.histogram(a, [-1, 0, 0.5, 2], weights=t * t)[0], w)
    check(lambda t: np.histogram(a, 5, (-2, 2), density=True, weights=t)[0], w, order=1)
    check(lambda t: np.histogram2d(a, b, 3, weights=t)[0], w, order=1)
    check(lambda t: np.histogram2d(t, b, [2, 3])[1], a, order=1)
    check(lambda t: np.histogramdd(np.stack([a, b], 1), (3, [-1, 0, 1]), weights=t, density=True)[0], w, order=1)
    same(wg.trace(lambda i: np.bincount(i))(places)(places), np.bincount(places))
    with pytest.raises(ValueError, match="length"):
        wg.grad(lambda t: np.sum(np.bincount(places[:3], t)))(w)


def test_names(x) -> None:
    assert wnp.median(x) == np.median(x)
    assert wnp.histogram(x)[0].tolist() == np.histogram(x)[0].tolist()
