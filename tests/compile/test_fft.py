"""Fourier transforms, compiled: the definition in high precision, NumPy's results for many lengths, shapes and axes."""

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.compile.lower import fft_plan
from wengert.compile.lower.fft_plan import roots
from wengert.compile.native import compiled
from wengert.core.record import record
from wengert.core.types import type_of
from wengert.numpy import fft as wfft

rng = np.random.default_rng(3)
LENGTHS = [*range(1, 17), 21, 25, 27, 32, 39, 48, 63, 64, 77, 100, 121, 128, 169, 343, 360, 512, 1000, 4096]
TOLERANCE = {"D": 2e-15, "F": 1e-6}


def random(shape, dtype):
    """Complex numbers."""
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def close(found, expected, dtype):
    """The same type; elements equal to rounding of the largest."""
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert np.abs(found - expected).max(initial=0) <= TOLERANCE[dtype] * np.abs(expected).max(initial=0)


@pytest.mark.parametrize("n", [1, 2, 8, 30, 49, 143])
def test_the_definition(n):
    """y_k = sum_j x_j exp(-2 pi i j k / n), with 40 digits."""
    x = random(n, "D")
    with mpmath.workdps(40):
        w = [mpmath.expjpi(mpmath.mpf(-2 * k) / n) for k in range(n)]
        exact = [mpmath.fsum(mpmath.mpc(x[j]) * w[j * k % n] for j in range(n)) for k in range(n)]
        y, z = wg.jit(lambda x: (np.fft.fft(x), np.fft.ifft(x)))(x)
        scale = max(map(abs, exact))
        assert max(abs(mpmath.mpc(a) - b) for a, b in zip(y, exact, strict=True)) < 1e-15 * scale
        assert (
            max(abs(n * mpmath.mpc(a) - b) for a, b in zip(z, [exact[0], *exact[:0:-1]], strict=True)) < 1e-15 * scale
        )


def test_roots_of_unity():
    """Correct to the last digits, and exact at the multiples of 90 degrees."""
    for n in (8, 12, 360, 1023):
        with mpmath.workdps(30):
            exact = np.array([complex(mpmath.expjpi(mpmath.mpf(-2 * k) / n)) for k in range(n)])
        assert np.abs(roots(n, np.arange(n)) - exact).max() <= 2.3e-16
    assert list(roots(8, np.arange(0, 8, 2))) == [1, -1j, -1, 1j]


@pytest.mark.parametrize("dtype", "DF")
@pytest.mark.parametrize("first", range(4))
def test_lengths(first, dtype):
    """All transforms, of one row and of several, in one program for some lengths."""
    lengths = LENGTHS[first :: 4 if dtype == "D" else 12]
    signals = [random((*stack, n), dtype) for n in lengths for stack in ((), (2,))]

    def f(*signals):
        found = []
        for x in signals:
            n, r = x.shape[-1], x.real
            found += [np.fft.fft(x), np.fft.ifft(x, norm="ortho"), np.fft.fft(r), np.fft.ifft(r, norm="forward")]
            found += [np.fft.rfft(r), np.fft.irfft(x[..., : n // 2 + 1], n), np.fft.hfft(x[..., : n // 2 + 1], n)]
        return found

    for y, expected in zip(wg.jit(f)(*signals), f(*signals), strict=True):
        close(y, expected, dtype)


@pytest.mark.parametrize("shape", [(6, 20), (3, 16, 9), (2, 7, 1), (33, 17)])
@pytest.mark.parametrize("dtype", "DF")
def test_axes(shape, dtype):
    """Along each axis, along several, of transposed and stepped arrays; columns fill vectors or do not."""
    x = random(shape, dtype)

    def f(x):
        found = [np.fft.fft2(x), np.fft.ifftn(x), np.fft.rfftn(x.real), np.fft.fft2(x.real), np.fft.fftn(x.T[::2])]
        for axis in range(x.ndim):
            found += [np.fft.fft(x, axis=axis), np.fft.ifft(x.T, axis=axis), np.fft.rfft(x.imag, axis=axis)]
            found += [np.fft.irfft(x, axis=axis, n=8), np.fft.fft(x, axis=axis, n=10)]
        return found

    for y, expected in zip(wg.jit(f)(x), f(x), strict=True):
        close(y, expected, dtype)


def test_what_calls_back():
    """Very long ones, and nothing else; empty arrays do no work."""
    for n, calls in ((1024, 0), (1001, 0), (17, 0), (2 * 37, 0), (2**19, 1), (131101, 1)):
        native = compiled(record(lambda x: [wfft.fft(x)], [type_of(np.ones(n, complex))]))
        assert len(native.calls) == calls
    assert wg.jit(np.fft.fft)(np.ones((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("n", [17, 38, 97, 211])
@pytest.mark.parametrize("dtype", ["D", "F"])
def test_large_prime_factors(n, dtype):
    """By a chirp: all norms, real and complex, along columns, forwards and back; and the gradient of the energy."""
    x = random((2, n), dtype)
    for norm in (None, "ortho", "forward"):

        def f(x, norm=norm):
            half = np.fft.rfft(x.real, norm=norm)
            found = [half, np.fft.irfft(half, n, norm=norm), np.fft.ifft(x.T, axis=0, norm=norm)]
            return [*found, np.fft.fft2(x, norm=norm), np.fft.fft(x.real, norm=norm)]

        for y, expected in zip(wg.jit(f)(x), f(x), strict=True):
            close(y, expected, dtype)
    energy = wg.jit(wg.grad(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2)))
    close(energy(x.real), wg.grad(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2))(x.real), dtype)


def test_alike_transforms_are_compiled_once():
    """One function for a length, however often it is called."""
    f = wg.jit(lambda x: np.fft.fft(np.fft.fft(x * 2) * x))
    text = f.llvm(np.ones(64, complex))
    assert text.count("define internal void @fft.float64.64.rows.complex.complex(") == 1
    assert text.count("call void @fft.float64.64.rows.complex.complex(") == 2


def test_in_loops():
    """A transform in each round, and its gradient: Parseval's theorem."""
    h = random(12, "D")

    def energy(x):
        total = 0.0
        for k in range(20):
            y = np.fft.ifft(np.fft.fft(x * k) * h)
            total = total + np.sum(np.abs(y) ** 2)
        return total

    x = random(12, "D")
    weight = sum(k * k for k in range(20)) / 12
    np.testing.assert_allclose(wg.jit(energy)(x), weight * np.sum(np.abs(np.fft.fft(x) * h) ** 2), rtol=1e-13)
    gradient = wg.jit(wg.grad(energy))(x)
    np.testing.assert_allclose(gradient, wg.grad(energy)(x), rtol=1e-12)


def test_special_values():
    """A NaN reaches every frequency; infinities do not stop anything."""
    x = np.ones(16)
    x[3] = np.nan
    assert np.isnan(wg.jit(np.fft.fft)(x)).all()
    assert np.isnan(wg.jit(np.fft.rfft)(np.where(np.isnan(x), np.inf, x))).any()


@pytest.mark.parametrize("width", [2, 4])
def test_narrower_registers(width, monkeypatch):
    """The same passes with fewer lanes, as for other processors."""
    monkeypatch.setattr(fft_plan, "width", lambda: width)
    fft_plan.plan.cache_clear()
    signals = [random((3, n), dtype) for n in (1, 2, 6, 9, 16, 30, 49, 64, 1024) for dtype in "DF"]

    def f(*xs):
        return [y for x in xs for y in (np.fft.fft(x), np.fft.ifft(x, axis=0), np.fft.rfft(x.real), np.fft.irfft(x, 8))]

    for x, *found in zip(signals, *(iter(wg.jit(f)(*signals)),) * 4, strict=True):
        for y, expected in zip(found, f(x), strict=True):
            close(y, expected, x.dtype.char)
    fft_plan.plan.cache_clear()
