"""scipy.ndimage: filters and sampling with each boundary, as SciPy; differentiated in arrays, weights and places."""

import numpy as np
import pytest
import scipy.ndimage as sn

import wengert as wg
from scipy_checks import agrees, close
from wengert.errors import UnsupportedFunctionError
from wengert.scipy import ndimage as N

MODES = ["reflect", "mirror", "nearest", "wrap", "constant"]


def both(name, *args, **kwargs):
    """The function here and in SciPy, with these arguments behind the array."""
    return [lambda x, *ws, m=m: getattr(m, name)(x, *ws, *args, **kwargs) for m in (N, sn)]


def values(name, x, *args, rtol=1e-9, **kwargs):
    """The traced value is SciPy's."""
    f, g = both(name, *args, **kwargs)
    close([wg.vjp(f, x)[0]], [g(x)], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("mode", MODES)
def test_weights(mode, rng):
    """Odd and even sizes, origins, some axes."""
    x = rng.normal(size=(5, 6))
    for w in (rng.normal(size=3), rng.normal(size=4)):
        for name in ("correlate1d", "convolve1d"):
            values(name, x, w, mode=mode, cval=0.4, origin=1)
            values(name, x, w, 0, mode=mode, cval=0.4)
    for shape in ((3, 2), (2, 4)):
        w = rng.normal(size=shape)
        for name in ("correlate", "convolve"):
            values(name, x, w, mode=mode, cval=0.4, origin=(0, -1))
            values(name, rng.normal(size=(2, 5, 6)), w, mode=mode, axes=(0, 2))


def test_derivatives_of_filters(rng):
    """In the array, the weights, and the width of a Gaussian."""
    x, w = rng.normal(size=(5, 6)), rng.normal(size=(3, 2))
    agrees(*both("correlate"), x, w)
    agrees(*both("convolve1d", mode="wrap"), x, w[:, 0])
    agrees(*both("gaussian_filter", radius=4), x, np.array(1.3), order=1, gradient=False)
    agrees(*both("gaussian_gradient_magnitude", 1.0), x, order=1, gradient=False)
    for order in range(4):
        f, g = both("gaussian_filter1d", order=order)
        close([wg.vjp(f, x, 1.2)[0]], [g(x, 1.2)])
        wg.check_grads(lambda s: N.gaussian_filter1d(x, s, order=order, radius=5), (1.2,))  # noqa: B023
    with pytest.raises(UnsupportedFunctionError, match="radius"):
        wg.jit(lambda s: N.gaussian_filter1d(x, s))(1.2)


def test_other_filters(rng):
    """Averages, differences, and what is made of them."""
    x = rng.normal(size=(6, 7))
    values("uniform_filter", x, (3, 4), mode="nearest")
    values("uniform_filter1d", x, 4, origin=-1)
    values("gaussian_filter", x, (1.0, 0.5), order=(0, 1), mode=("wrap", "reflect"))
    values("gaussian_filter", x, 1.5, truncate=2.0, axes=1)
    for name in ("sobel", "prewitt"):
        values(name, x, 0, mode="mirror")
    values("laplace", x)
    values("gaussian_laplace", x, 1.1)
    agrees(*both("sobel"), x, order=1)


def test_ranks(rng):
    """Extrema, medians, percentiles, morphology; boxes and footprints."""
    x = rng.normal(size=(5, 6))
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 1]])
    for name in ("maximum_filter", "minimum_filter", "median_filter"):
        values(name, x, 3)
        values(name, x, (2, 3), mode="constant", cval=0.2, origin=(0, 1))
        values(name, x, footprint=cross, mode="wrap")
        values(name, x, 3, axes=1)
    for rank in (0, 2, -2):
        values("rank_filter", x, rank, footprint=cross)
    for percent in (0, 30, -20, 100):
        values("percentile_filter", x, percent, size=3)
    for name in ("grey_erosion", "grey_dilation", "grey_opening", "grey_closing"):
        values(name, x, (2, 3))
        values(name, x, footprint=cross)
    for name in ("grey_erosion", "grey_dilation"):
        values(name, x, structure=rng.normal(size=(2, 3)))
    values("maximum_filter1d", x, 3, 0)
    agrees(*both("maximum_filter", 3), x)
    agrees(*both("median_filter", 3), x, native=False)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(N.maximum_filter(x, 2)))(np.ones(3)), [1.5, 1.0, 0.5])


@pytest.mark.parametrize("mode", [*MODES, "grid-wrap", "grid-constant", "grid-mirror"])
def test_places(mode, rng):
    """Far outside too, for each order that is there."""
    x = rng.normal(size=(5, 6))
    at = rng.uniform(-7.0, 12.0, (2, 4, 3))
    for order in (0, 1, 3):
        if order < 3 or "wrap" not in mode:
            rough = order == 3 and mode in ("reflect", "grid-mirror")  # SciPy sums too few terms of a series there
            values("map_coordinates", x, at, order=order, mode=mode, cval=0.3, rtol=1e-5 if rough else 1e-9)
    if mode in ("reflect", "mirror", "nearest"):
        places = np.indices((5, 6)).astype(float)
        close([wg.vjp(lambda x: N.map_coordinates(x, places, mode=mode), x)[0]], [x])
    f, g = both("map_coordinates", order=1, mode=mode, cval=0.3)
    agrees(f, g, x, rng.uniform(0.1, 0.9, (2, 3)) + rng.integers(0, 4, (2, 3)), order=1)


def test_maps_of_places(rng):
    """Shifts, matrices, other sizes; derivatives in the shift and the matrix; cubic splines."""
    x = rng.normal(size=(5, 6))
    agrees(*both("map_coordinates", mode="mirror"), x, rng.uniform(0.5, 3.5, (2, 3)))
    agrees(*both("shift", mode="nearest"), x, np.array([0.3, -1.2]), order=1, gradient=False)
    matrix = np.eye(2) + 0.1 * rng.normal(size=(2, 2))
    agrees(*both("affine_transform", (0.2, 0.1), mode="reflect", order=1), x, matrix, order=1, gradient=False)
    values("affine_transform", x, np.array([0.9, 1.1]), 0.3, (4, 4))
    values("affine_transform", x, np.hstack([matrix, [[0.1], [0.2]]]))
    for grid_mode in (False, True):
        values("zoom", x, (1.6, 0.7), grid_mode=grid_mode, mode="grid-constant" if grid_mode else "constant")
    values("spline_filter", x)
    values("spline_filter1d", x, 3, 0, mode="reflect", rtol=1e-4)
    slope = wg.grad(lambda p: N.map_coordinates(np.arange(31.0) ** 2, p, mode="mirror")[0])(np.array([[15.3]]))
    assert slope[0, 0] == pytest.approx(30.6, abs=1e-6)


def test_what_is_refused(rng):
    """With reasons."""
    x = rng.normal(size=(4, 4))
    for call in (
        lambda x: N.rotate(x, 30),
        lambda x: N.map_coordinates(x, np.ones((2, 1)), order=5),
        lambda x: N.correlate1d(x, np.ones(2), output=np.zeros((4, 4))),
        lambda x: N.label(x),
    ):
        with pytest.raises(UnsupportedFunctionError):
            wg.vjp(call, x)
    with pytest.raises(RuntimeError, match="mode"):
        wg.vjp(lambda x: N.laplace(x, mode="open"), x)
    with pytest.raises(ValueError, match="origin"):
        wg.vjp(lambda x: N.uniform_filter1d(x, 3, origin=3), x)
