"""Sums, products, extrema, logic, running sums and differences: values over all arguments, derivatives, conventions."""

import itertools

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from function_checks import check, results, same
from wengert.errors import UnsupportedFunctionError

AXES = [None, 0, -1, (0, 2), (), (-1, 0, 1)]
FLOATS = ["float16", "float32", "float64", "longdouble", "complex64", "complex128"]


@pytest.fixture
def x(rng) -> np.ndarray:
    """Three axes, with zeros in one row."""
    x = rng.normal(size=(2, 3, 4))
    x[0, 1, 2] = x[0, 0, 2] = 0
    return x


@pytest.fixture
def mask(rng) -> np.ndarray:
    return rng.uniform(size=(2, 3, 4)) > 0.4


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min, np.ptp, np.nansum, np.nanprod, np.nanmax, np.nanmin])
def test_reductions(f, axis, x, mask) -> None:
    check(lambda t: f(t, axis=axis), x, order=2 if axis in (0, None) else 1)
    check(lambda t: f(t, axis=axis, keepdims=True), x, order=1, vmap=False)
    if f is not np.ptp:
        check(lambda t: f(t, axis=axis, where=mask, initial=0.7), x, order=1, vmap=False)
        check(lambda t: getattr(wnp, f.__name__)(x, axis=axis, initial=t), np.array(0.3), order=1)
    if f not in (np.max, np.min, np.ptp, np.nanmax, np.nanmin):
        check(lambda t: f(t, axis=axis, where=mask[0, 0]), x, order=1, vmap=False)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.mean, np.cumsum, np.cumprod, np.max, np.nansum, np.std, np.median])
@pytest.mark.parametrize("dtype", FLOATS)
def test_dtypes(f, dtype) -> None:
    x = np.array([[1.0, 2.0, 0.5], [3.0, 0.25, 4.0]]).astype(dtype)
    if x.dtype.kind == "c" and f in (np.max, np.median):
        with pytest.raises((UnsupportedFunctionError, TypeError)):
            results(f, x)
        return
    for axis in (None, 1):
        found, tangent = wg.jvp(lambda t, a=axis: f(t, axis=a), (x,), (x,))
        same(found, f(x, axis=axis), rtol=4 * np.finfo(x.dtype).eps)
        assert np.asarray(tangent).dtype == np.asarray(found).dtype
    assert wg.grad(lambda t: np.sum(np.real(f(t))))(x).dtype == x.dtype


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "bool"])
@pytest.mark.parametrize(
    "f",
    [np.sum, np.prod, np.max, np.min, np.all, np.any, np.mean, np.var, np.cumsum, np.cumprod, np.diff, np.argmax]
    + [np.count_nonzero, np.median, np.sort, np.argsort, np.average, np.nansum, np.nanmax, np.nanmean, np.ediff1d],
)
def test_integers_in_programs(f, dtype) -> None:
    x = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)
    if f is np.ediff1d and dtype == "bool":
        return  # NumPy does not subtract booleans
    same(wg.trace(f)(x)(x), f(x))
    same(wg.trace(f, abstract=True)(x)(x), f(x))


def test_dtype_argument(rng) -> None:
    x = rng.normal(size=(2, 3))
    for f in (np.sum, np.prod, np.mean, np.var, np.cumsum):
        y, y_dot = wg.jvp(lambda t, f=f: f(t, dtype=np.float32), (x,), (x,))
        same(y, f(x, dtype=np.float32), rtol=1e-5)
        assert y_dot.dtype == np.float32
        assert wg.grad(lambda t, f=f: np.sum(f(t, dtype=np.float32)))(x).dtype == np.float64


def test_out(x) -> None:
    def into(f):
        def g(t):
            y = np.zeros_like(t[0])
            f(t, axis=0, out=y)
            return y * y

        return g

    for f in (np.sum, np.prod, np.max, np.mean, np.std, np.nanmax, np.nanvar, np.median):
        check(into(f), x, order=1, vmap=False)


def test_methods_and_names(x) -> None:
    check(lambda t: t.sum(1), x, order=1)
    check(lambda t: t.max(axis=(0, 1)), x, order=1)
    check(lambda t: t.prod(0), x, order=1)
    check(lambda t: t.mean(0, keepdims=True), x, order=1)
    check(lambda t: t.std(1, ddof=1), x, order=1)
    check(lambda t: t.cumsum(2), x, order=1)
    check(lambda t: wnp.sum([t, t * 2]), np.array(0.3), order=1)
    for name in ("sum", "prod", "max", "amin", "all", "argmax", "cumsum", "diff", "nanmean"):
        assert getattr(wnp, name)(x, axis=1).tolist() == getattr(np, name)(x, axis=1).tolist()


@pytest.mark.parametrize("f", [np.all, np.any, np.argmax, np.argmin, np.count_nonzero, np.nanargmax, np.nanargmin])
@pytest.mark.parametrize("kwargs", [{}, {"axis": 1}, {"axis": -1, "keepdims": True}], ids=str)
def test_what_has_no_derivative_is_plain(f, kwargs, x) -> None:
    y = results(lambda t: f(t, **kwargs), x)
    assert type(y) is type(f(x, **kwargs)) or f is np.count_nonzero  # an int before NumPy 2.3
    same(y, f(x, **kwargs))
    same(wg.vmap(lambda t: f(t, **kwargs))(np.stack([x, -x]))[1], f(-x, **kwargs))


def test_logic_with_masks(x, mask) -> None:
    for f in (np.all, np.any):
        same(results(lambda t, f=f: f(t, axis=(0, 1), where=mask), x), f(x, axis=(0, 1), where=mask))


def test_empty_and_single(rng) -> None:
    empty = np.zeros((0, 3))
    for f in (np.sum, np.prod):
        assert wg.grad(lambda t, f=f: np.sum(f(t, axis=0)))(empty).shape == (0, 3)
        same(wg.jvp(f, (empty,), (empty,))[0], f(empty))
    for f in (np.max, np.argmax):
        with pytest.raises(ValueError):
            wg.grad(lambda t, f=f: t.sum() + f(t))(empty)
    check(lambda t: wnp.max(empty, axis=0, initial=t), np.array(2.0), order=1, vmap=False)
    for f in (np.sum, np.prod, np.max, np.mean, np.std, np.median, np.cumsum):
        same(wg.jvp(f, (2.0,), (1.0,))[0], f(2.0))
        check(f, np.array(1.3), order=1)


def test_errors_are_numpys(x) -> None:
    with pytest.raises(np.exceptions.AxisError):
        wg.grad(lambda t: np.sum(np.sum(t, axis=3)))(x)
    with pytest.raises(ValueError, match=r"repeated axis|duplicate"):
        wg.grad(lambda t: np.sum(np.sum(t, axis=(0, 0))))(x)
    with pytest.raises(ValueError, match="identity"):
        wg.grad(lambda t: np.sum(np.max(t, axis=0, where=t > 0)))(x)


# NaN -----------------------------------------------------------------------------------------------------------------
NAN = [np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nancumsum, np.nancumprod]


@pytest.mark.parametrize("f", NAN, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [None, 1])
def test_nan_does_not_count(f, axis, rng) -> None:
    x = rng.normal(size=(3, 4))
    holes = np.zeros((3, 4), bool)
    holes[0, 1] = holes[2, 0] = holes[2, 3] = True
    check(lambda t: f(np.where(holes, np.nan, t), axis=axis), x)
    g = wg.grad(lambda t: np.sum(f(t, axis=axis)))(np.where(holes, np.nan, x))
    assert np.isfinite(g).all()
    assert not g[holes].any()


def test_nothing_but_nan() -> None:
    x = np.array([[np.nan, np.nan], [1.0, np.nan]])
    for f in (np.nanmax, np.nanmin):
        y, y_dot = wg.jvp(lambda t, f=f: f(t, axis=1), (x,), (np.ones((2, 2)),))
        assert np.isnan(y[0])
        assert (y[1], y_dot.tolist()) == (1.0, [0.0, 1.0])
    with pytest.raises(ValueError, match="All-NaN"):
        results(lambda t: np.nanargmax(t, axis=1), x)


# running sums and differences ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running_sums_and_products(axis, x) -> None:
    x = x[0]
    check(lambda t: np.cumsum(t, axis), x)
    check(lambda t: np.cumprod(t, axis), x)
    if axis is not None and hasattr(np, "cumulative_sum"):
        for f, initial in itertools.product((np.cumulative_sum, np.cumulative_prod), (False, True)):
            check(lambda t, f=f, i=initial: f(t, axis=axis, include_initial=i), x, order=1)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_differences(n, x) -> None:
    for axis in (0, -1):
        check(lambda t, a=axis: np.diff(t, n, a) * 1.0, x, order=1)
    check(lambda t: np.diff(t, n, prepend=0, append=t[..., :2]) * 1.0, x, order=1)
    check(lambda t: np.ediff1d(t, [2.0], t[0, 0]), x, order=1)


def test_second_opinion_of_jax(x) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    for name in ("prod", "cumprod", "max", "var", "std", "median", "sort", "nanmean", "ptp"):
        ours, theirs = getattr(np, name), getattr(jax.numpy, name)
        w = np.cos(np.arange(np.size(ours(x, axis=1)))).reshape(np.shape(ours(x, axis=1)))
        g = jax.grad(lambda t, f=theirs, w=w: (f(t, axis=1) * w).sum())(x)
        np.testing.assert_allclose(
            wg.grad(lambda t, f=ours, w=w: np.sum(f(t, axis=1) * w))(x), g, rtol=1e-10, atol=1e-12
        )
