"""Reductions and accumulations of NaN, infinities, ties, integers and truth values, along each axis, of long arrays."""

from typing import Any

import numpy as np
import pytest

import wengert as wg

REDUCTIONS = {
    "max": np.max, "min": np.min, "any": np.any, "all": np.all, "count": np.count_nonzero, "prod": np.prod,
    "sum": np.sum, "argmax": np.argmax, "argmin": np.argmin, "cumsum": np.cumsum,
}  # fmt: skip
FLOATS = ("float64", "float32")
WHOLE = ("int64", "int8", "uint8", "bool")


def values(dtype: str, rng: np.random.Generator) -> list[Any]:
    """Arrays with many ties; of floats also with NaN, infinities and both zeros."""
    if dtype in WHOLE:
        return [rng.integers(0, 2 if dtype == "bool" else 5, (3, 41)).astype(dtype), np.zeros((2, 9), dtype)]
    few = rng.choice([0.0, -0.0, 1.0, 2.0, -3.0, np.inf], (3, 41)).astype(dtype)
    some = rng.normal(size=(5, 70)).astype(dtype)
    some[1, 40] = some[3, 65] = some[3, 66] = np.nan
    return [few, some, -few, np.full((2, 9), np.nan, dtype)]


@pytest.mark.parametrize("dtype", [*FLOATS, *WHOLE])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction(name: str, dtype: str, rng: np.random.Generator) -> None:
    f = REDUCTIONS[name]
    axes = (0, 1) if name in ("argmax", "argmin", "cumsum") else (0, 1, None)
    for x in values(dtype, rng):
        g = wg.jit(lambda x: [f(x, axis) for axis in axes] + [f(x[:, ::-1], axis) for axis in axes])
        with np.errstate(all="ignore"):
            expected = [f(x, axis) for axis in axes] + [f(x[:, ::-1], axis) for axis in axes]
        for y, right in zip(g(x), expected, strict=True):
            assert np.asarray(y).dtype == np.asarray(right).dtype
            tolerance = 1e-5 if dtype == "float32" else 1e-13
            np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n", [1, 8, 9, 31, 64, 1000])
def test_searches(n: int, rng: np.random.Generator) -> None:
    a = np.sort(rng.integers(0, 20, n) / 4.0)
    a[-1] = np.nan
    v = np.concatenate([a, a + 0.1, [-1.0, 99.0, np.nan, np.inf, -np.inf]])
    for side in ("left", "right"):
        f = wg.jit(lambda a, v, side=side: np.searchsorted(a, v, side))
        np.testing.assert_array_equal(f(a, v), np.searchsorted(a, v, side))
        np.testing.assert_array_equal(f(a.astype("f4"), v), np.searchsorted(a.astype("f4"), v, side))


@pytest.mark.parametrize("sizes", [(1, 1), (5, 3), (3, 5), (40, 8), (8, 40), (100, 9), (57, 57)])
def test_convolutions(sizes: tuple[int, int], rng: np.random.Generator) -> None:
    a, v = (rng.normal(size=n) for n in sizes)
    for mode in ("full", "same", "valid"):
        f = wg.jit(lambda a, v, mode=mode: np.convolve(a, v, mode))
        np.testing.assert_allclose(f(a, v), np.convolve(a, v, mode), rtol=1e-12, atol=1e-13)
    a[0] = np.inf
    np.testing.assert_array_equal(np.isnan(wg.jit(np.convolve)(a, v)), np.isnan(np.convolve(a, v)))


def test_softmax_at_infinities() -> None:
    from scipy import special as sp

    inf = np.inf
    rows = np.array([[1.0, 2.0, -inf], [inf, 0.0, 1.0], [-inf, -inf, -inf], [1e300, -1e300, 0.0], [np.nan, 0.0, 1.0]])
    with np.errstate(all="ignore"):
        expected = sp.logsumexp(rows, axis=1)
        np.testing.assert_allclose(wg.jit(lambda x: wg.scipy.special.logsumexp(x, axis=1))(rows), expected)
        for name in ("softmax", "log_softmax"):
            f = getattr(wg.scipy.special, name)
            np.testing.assert_allclose(wg.jit(lambda x, f=f: f(x, axis=1))(rows), f(rows, axis=1), rtol=1e-14)
