"""scipy.signal: convolutions in every mode by both methods, filters as loops, against SciPy and closed forms."""

import itertools

import numpy as np
import pytest
import scipy.signal as ss

import wengert as wg
from scipy_checks import agrees, close
from wengert.errors import ShapeError, UnsupportedFunctionError
from wengert.scipy import signal as S


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_convolutions(name, mode, rng):
    """One to three axes, either operand the longer one, real and complex, both methods."""
    ours, theirs = getattr(S, name), getattr(ss, name)
    for p, q in [((6,), (3,)), ((2,), (5,)), ((4,), (4,)), ((5, 4), (2, 3)), ((2, 2), (4, 5)), ((3, 4, 2), (2, 2, 2))]:
        a, v = rng.normal(size=p), rng.normal(size=q)
        for method in ("direct", "fft", "auto"):
            f = lambda a, v, m: m(a, v, mode=mode, method=method)  # noqa: B023
            close([wg.vjp(lambda a, v: f(a, v, ours), a, v)[0]], [f(a, v, theirs)])  # noqa: B023
            z, w = a + 1j * a**2, v - 1j * v**2
            close([wg.vjp(lambda a, v: f(a, v, ours), z, w)[0]], [f(z, w, theirs)])  # noqa: B023
    a, v = rng.normal(size=(5, 4)), rng.normal(size=(2, 3))
    agrees(ours, theirs, a, v, mode=mode, method="direct")
    agrees(ours, theirs, a[0], v[0], mode=mode, method="fft")


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_matrices_and_fourier(mode, rng):
    """convolve2d and correlate2d with each boundary; fftconvolve along axes."""
    for p, q in (((5, 6), (3, 2)), ((5, 6), (2, 4)), ((2, 3), (4, 5))):
        a, v = rng.normal(size=p), rng.normal(size=q)
        for name, boundary in itertools.product(("convolve2d", "correlate2d"), ("fill", "wrap", "symm")):
            f, g = (lambda a, m=m, name=name: getattr(m, name)(a, v, mode, boundary, 0.3) for m in (S, ss))  # noqa: B023
            close([wg.vjp(f, a)[0]], [g(a)])
            wg.check_grads(f, (a,), order=1)
    a, v = rng.normal(size=(5, 6)), rng.normal(size=(3, 2))
    agrees(S.convolve2d, ss.convolve2d, a, v, mode=mode, boundary="symm", order=1)
    agrees(S.fftconvolve, ss.fftconvolve, a, v, mode=mode, order=1)
    agrees(S.oaconvolve, ss.oaconvolve, a + 1j, v[:1] - 1j, mode=mode, axes=1, order=1)


def test_what_cannot_be_convolved(rng):
    """SciPy's errors; numbers; integers; what is missing."""
    a = rng.normal(size=(3, 4))
    for call in (
        lambda a: S.convolve(a, a[0]),
        lambda a: S.convolve(a, np.ones((4, 2)), "valid"),
        lambda a: S.convolve(a, a, "most"),
        lambda a: S.convolve(a, a, method="slow"),
        lambda a: S.convolve2d(a[0], a[0]),
    ):
        with pytest.raises(ValueError, match=r"mode|dimension|method|2-D"):
            wg.vjp(call, a)
    assert wg.grad(lambda x: S.convolve(x, 3.0))(2.0) == 3.0
    with pytest.raises(UnsupportedFunctionError, match="medfilt"):
        wg.vjp(S.medfilt, a)


def test_filters(rng):
    """In coefficients, signal and state; of any order; the response to an impulse is a power series."""
    b, a, x = np.array([0.3, 0.2, 0.1]), np.array([1.5, -0.4, 0.2]), rng.normal(size=(2, 6))
    agrees(S.lfilter, ss.lfilter, b, a, x)
    for few, less in ((b[:1], a), (b, a[:1]), (b[:1], a[:1])):
        f, g = (lambda x, m=m: m.lfilter(few, less, x, axis=0) for m in (S, ss))  # noqa: B023
        close([wg.vjp(f, x)[0]], [g(x)])
    zi = rng.normal(size=(2, 2))
    agrees(lambda b, a, x, zi: S.lfilter(b, a, x, zi=zi), lambda b, a, x, zi: ss.lfilter(b, a, x, zi=zi), b, a, x, zi)
    sos = ss.butter(4, 0.3, output="sos")
    whole = lambda free: np.concatenate([free[:, :3], np.ones((2, 1)), free[:, 3:]], axis=1)
    f, g = (lambda free, x, m=m: m.sosfilt(whole(free), x) for m in (S, ss))
    agrees(f, g, np.delete(sos, 3, axis=1), x, order=1, lanes=False)
    state = rng.normal(size=(2, 2, 2))
    f, g = (lambda x, z, m=m: m.sosfilt(sos, x, zi=z) for m in (S, ss))
    agrees(f, g, x, state, order=1)
    impulse = np.eye(8)[0]
    series = wg.jacobian(lambda r: S.lfilter([1.0], [1.0, -r], impulse))(0.5)
    np.testing.assert_allclose(series, np.arange(8) * 0.5 ** np.arange(-1.0, 7))
    with pytest.raises(ShapeError, match="order 2"):
        wg.vjp(lambda x: S.lfilter(b, a, x, zi=np.zeros((2, 3))), x)


def test_analytic_signal_and_trend(rng):
    """hilbert, detrend."""
    x = rng.normal(size=(2, 7))
    close([wg.vjp(S.hilbert, x)[0]], [ss.hilbert(x)])
    agrees(S.hilbert, ss.hilbert, x, N=6, axis=0, order=1)
    close([wg.vjp(S.detrend, x)[0]], [ss.detrend(x)])
    agrees(S.detrend, ss.detrend, x, bp=3, order=1)
    agrees(S.detrend, ss.detrend, x, axis=0, type="constant")
