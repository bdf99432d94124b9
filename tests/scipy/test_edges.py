"""Empty arrays, numbers and other precisions in the functions of wengert.scipy and wg.convolution."""

import numpy as np
import pytest

import wengert as wg
from wengert.convolution import conv, max_pool
from wengert.scipy import fft, integrate, interpolate, linalg, ndimage, signal

EMPTY = np.zeros(0)
X = np.arange(4.0)
SHAPES = {
    "banded": (lambda b: linalg.solve_banded((1, 1), np.zeros((3, 0)), b), EMPTY, (0,)),
    "no right side": (lambda b: linalg.solve_banded((0, 0), np.ones((1, 3)), b), np.zeros((3, 0)), (3, 0)),
    "positive band": (lambda b: linalg.solveh_banded(np.zeros((2, 0)), b), EMPTY, (0,)),
    "banded factor": (linalg.cholesky_banded, np.zeros((2, 0)), (2, 0)),
    "toeplitz": (lambda c: linalg.solve_toeplitz(c, c), EMPTY, (0,)),
    "toeplitz product": (lambda c: linalg.matmul_toeplitz(c, c), EMPTY, (0,)),
    "circulant": (lambda c: linalg.solve_circulant(c, c), EMPTY, (0,)),
    "riccati": (lambda a: linalg.solve_continuous_are(a, a, a, a), np.zeros((0, 0)), (0, 0)),
    "stein": (lambda a: linalg.solve_discrete_lyapunov(a, a), np.zeros((0, 0)), (0, 0)),
    "convolve": (lambda a: signal.convolve(a, np.ones(2)), EMPTY, (0,)),
    "fftconvolve": (lambda a: signal.fftconvolve(a, np.ones(2)), EMPTY, (0,)),
    "lfilter": (lambda x: signal.lfilter([1.0], [1.0, 0.5], x), EMPTY, (0,)),
    "detrend": (signal.detrend, EMPTY, (0,)),
    "gaussian": (lambda x: ndimage.gaussian_filter(x, 1.0), np.zeros((0, 3)), (0, 3)),
    "gaussian of a number": (lambda x: ndimage.gaussian_filter(x, 1.0), np.float64(2.0), ()),
    "maximum": (lambda x: ndimage.maximum_filter(x, 2), np.zeros((0, 3)), (0, 3)),
    "no places": (lambda x: ndimage.map_coordinates(x, np.zeros((1, 0)), order=1), X, (0,)),
    "a point": (interpolate.CubicSpline(X, X**2), np.float64(1.5), ()),
    "no points": (interpolate.CubicSpline(X, X**2), EMPTY, (0,)),
    "no columns": (lambda y: interpolate.CubicSpline(X, y)(1.0), np.zeros((4, 0)), (0,)),
    "trapezoid": (integrate.trapezoid, EMPTY, ()),
    "no batch": (lambda x: conv(x, np.ones((1, 1, 2))), np.zeros((0, 1, 3)), (0, 1, 2)),
    "no channels": (lambda x: conv(x, np.zeros((2, 0, 2))), np.zeros((0, 3)), (2, 2)),
    "no rows": (lambda x: max_pool(x, 2), np.zeros((0, 4)), (0, 2)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_and_numbers(name):
    """Values and adjoints of the right shapes."""
    f, x, shape = SHAPES[name]
    y, back = wg.vjp(f, x)
    assert np.shape(y) == shape
    assert np.shape(back(np.ones(shape))[0]) == np.shape(x)


def test_what_needs_an_element():
    """Errors that say so."""
    for call in (
        lambda x: fft.dct(x),
        lambda x: signal.hilbert(x),
        lambda x: integrate.simpson(x),
        lambda x: interpolate.interp1d(x, x),
        lambda x: interpolate.CubicSpline(x, x),
    ):
        with pytest.raises(ValueError, match=r"element|positive|point|length"):
            wg.vjp(call, EMPTY)


@pytest.mark.parametrize("dtype", ["e", "f", "g"])
def test_precisions(dtype):
    """Results as precise as their arguments; what LAPACK does not take is NumPy's TypeError."""
    x = np.array([3.0, 1.0, 0.5], dtype)
    solve, product = lambda x: linalg.solve_toeplitz(x, x), lambda x: conv(x[None], x[None, None])
    for f in (signal.detrend, ndimage.laplace, solve, product, *([] if dtype == "e" else [fft.dct])):
        assert wg.vjp(f, x)[0].dtype == dtype
        assert wg.vjp(f, x)[1](wg.vjp(f, x)[0])[0].dtype == dtype
    if dtype != "f":
        with pytest.raises(TypeError, match="unsupported in linalg"):
            wg.vjp(lambda v: linalg.cholesky_update(np.eye(3, dtype=dtype), v), x)
