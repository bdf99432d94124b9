"""numpy.fft: values are NumPy's; derivatives against the matrices of the transforms and against differences."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.errors import ShapeError, UnsupportedFunctionError

NORMS = [None, "backward", "ortho", "forward"]


def complex_normal(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def check(f, x, rng, tolerance=1e-12):
    """f is R-linear: jvp(x_dot) = f(x_dot), and Re <y_bar, f(x_dot)> = Re <x_bar, x_dot> without conjugation."""
    x_dot = (rng.normal(size=x.shape) if x.dtype.kind == "f" else complex_normal(rng, *x.shape)).astype(x.dtype)
    y, y_dot = wg.jvp(f, (x,), (x_dot,))
    np.testing.assert_allclose(y, f(x), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(y_dot, f(x_dot), rtol=tolerance, atol=tolerance)
    assert y.dtype == f(x).dtype == y_dot.dtype
    y_bar = rng.normal(size=y.shape) if y.dtype.kind == "f" else complex_normal(rng, *y.shape)
    y_bar = y_bar.astype(y.dtype)
    _, pull_back = wg.vjp(f, x)
    (x_bar,) = pull_back(y_bar)
    assert x_bar.dtype == x.dtype
    assert x_bar.shape == x.shape
    np.testing.assert_allclose(np.sum(y_bar * y_dot).real, np.sum(x_bar * x_dot).real, rtol=10 * tolerance)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 3, 4, 7])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_one_axis(name, n, norm, rng):
    f = lambda x: getattr(wnp.fft, name)(x, n, axis=0, norm=norm)
    check(f, rng.normal(size=(5, 2)), rng)
    if name not in ("rfft", "ihfft"):
        check(f, complex_normal(rng, 5, 2), rng)
        check(f, complex_normal(rng, 4), rng)
    else:
        check(f, rng.normal(size=4), rng)


@pytest.mark.parametrize("s", [None, (4, 3), (2, 5), (-1, 2)])
@pytest.mark.parametrize("name", ["fft2", "ifft2", "fftn", "ifftn", "rfft2", "irfft2", "rfftn", "irfftn"])
def test_several_axes(name, s, rng):
    for axes in [(0, 1), (-1, 0), (2, 1)]:
        f = lambda x: getattr(np.fft, name)(x, s, axes, norm="ortho")  # noqa: B023
        check(f, rng.normal(size=(3, 4, 2)), rng)
        if not name.startswith("r"):
            check(f, complex_normal(rng, 3, 4, 2), rng)


def test_defaults_of_axes(rng):
    for name in ["fftn", "ifftn", "rfftn", "irfftn"]:
        check(getattr(np.fft, name), rng.normal(size=(3, 4)), rng)
    check(lambda x: np.fft.fftn(x, axes=(0, 0)), rng.normal(size=(3, 2)), rng)
    check(lambda x: np.fft.fftn(x, axes=()) * 1.0, rng.normal(size=3), rng)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("name", ["fft", "ifftn", "rfft", "irfft", "hfft", "ihfft", "rfftn", "irfftn"])
def test_dtypes_are_numpys(name, dtype, rng):
    f = getattr(np.fft, name)
    check(f, rng.normal(size=4).astype(dtype), rng, tolerance=np.finfo(dtype).eps * 50)


def test_gradient_of_a_real_signal_is_the_matrix(rng):
    n = 5
    F = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    w = complex_normal(rng, n)
    x = rng.normal(size=n)
    g = wg.grad(lambda x: (wnp.fft.fft(x) * w).real.sum())(x)
    np.testing.assert_allclose(g, (F.T @ w).real)
    z = complex_normal(rng, n)
    g = wg.grad(lambda z: (wnp.fft.fft(z) * w).real.sum())(z)
    np.testing.assert_allclose(g, F.T @ w)


@pytest.mark.parametrize("n", [6, 7])
def test_second_order_through_a_power_spectrum(n, rng):
    """sum_k c_k |rfft(x)_k|^2 is a quadratic form: its Hessian is 2 Re(R^H c R)."""
    c = rng.uniform(1, 2, n // 2 + 1)
    R = np.fft.rfft(np.eye(n), axis=0)
    f = lambda x: (c * abs(wnp.fft.rfft(x)) ** 2).sum()
    x = rng.normal(size=n)
    H = 2 * (R.conj().T @ (c[:, None] * R)).real
    np.testing.assert_allclose(wg.hessian(f)(x), H, atol=1e-11)
    signal = lambda z: (wnp.fft.irfft(z, n) ** 3).sum()
    z = complex_normal(rng, n // 2 + 1)
    _, second = wg.jvp(wg.grad(signal), (z,), (z,))
    np.testing.assert_allclose(second, 2 * wg.grad(signal)(z), atol=1e-12)  # a cubic: Euler's identity


def test_vmap(rng):
    x = rng.normal(size=(3, 4, 5))
    for f in [
        lambda x: np.fft.fft(x, 6, axis=0),
        lambda x: np.fft.irfft(x, 5, axis=-1),
        lambda x: np.fft.rfftn(x, (3, 3), (1, 0)),
        np.fft.fftshift,
    ]:
        np.testing.assert_allclose(wg.vmap(f)(x), np.stack([f(a) for a in x]))


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name, rng):
    f = getattr(np.fft, name)
    check(f, rng.normal(size=(3, 4)), rng)
    check(lambda x: f(x, 0), rng.normal(size=(3, 4)), rng)
    check(lambda x: f(x, (1,)), rng.normal(size=(3, 4)), rng)


def test_frequencies():
    for f in [wnp.fft.fftfreq, wnp.fft.rfftfreq]:
        np.testing.assert_array_equal(f(5, 0.5), f(5, d=0.5))
        _, d_dot = wg.jvp(lambda d: f(5, d), (0.5,), (1.0,))  # noqa: B023
        np.testing.assert_allclose(d_dot, -f(5, 0.5) / 0.5)


def test_plain_arrays_are_numpys():
    x = np.arange(4.0)
    out = np.empty(4, complex)
    assert wnp.fft.fft(x, out=out) is out


def test_refusals(rng):
    x = rng.normal(size=4)
    with pytest.raises(UnsupportedFunctionError, match="out"):
        wg.jvp(lambda x: np.fft.fft(x, out=np.empty(4, complex)), (x,), (x,))
    with pytest.raises(ShapeError, match="rfft"):
        wg.jvp(lambda x: np.fft.rfft(x * 1j), (x,), (x,))
    with pytest.raises(ValueError, match="norm"):
        wg.jvp(lambda x: np.fft.fft(x, norm="unit"), (x,), (x,))
    with pytest.raises(ValueError, match="data points"):
        wg.jvp(lambda x: np.fft.fft(x, 0), (x,), (x,))
    with pytest.raises(ValueError, match="lengths"):
        wg.jvp(lambda x: np.fft.fftn(x, (1, 2), (0,)), (x,), (x,))
