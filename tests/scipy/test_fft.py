"""scipy.fft: values as SciPy's for every type, length, norm and axis; derivatives; native code."""

import functools

import numpy as np
import pytest
import scipy.fft as sf

import wengert as wg
from scipy_checks import agrees, close
from wengert.errors import ShapeError, UnsupportedFunctionError
from wengert.scipy import fft as F


@pytest.mark.parametrize("type", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["dct", "idct", "dst", "idst"])
def test_cosine_and_sine_transforms(name, type, rng):
    """Odd and even lengths, all norms, orthogonal or not; padded and cropped."""
    ours, theirs = getattr(F, name), getattr(sf, name)
    for n in (2, 3, 4, 7, 8, 1) if (name[-3:], type) != ("dct", 1) else (2, 3, 4, 7, 8):
        x = rng.normal(size=(n, 2))
        for norm in (None, "ortho", "forward"):
            for orthogonalize in (None, True, False):
                given = {"type": type, "axis": 0, "norm": norm, "orthogonalize": orthogonalize}
                close([wg.vjp(functools.partial(ours, **given), x)[0]], [theirs(x, **given)])
    x = rng.normal(size=(5, 3))
    agrees(ours, theirs, x, type=type, axis=0)
    agrees(ours, theirs, x, type=type, n=4, norm="ortho", gradient=False)
    agrees(
        getattr(F, name + "n"), getattr(sf, name + "n"), x, type=type, s=(4, 4), norm="forward", order=1, gradient=False
    )
    assert wg.vjp(lambda x: ours(x, type), x.astype("f"))[0].dtype == np.float32


@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_inverses(type, rng):
    """idct dct x = x; the adjoint of an orthonormal transform is its inverse; complex signals part by part."""
    x, z = rng.normal(size=6), rng.normal(size=6) + 1j * rng.normal(size=6)
    for f, g in ((F.dct, F.idct), (F.dst, F.idst)):
        np.testing.assert_allclose(wg.vjp(lambda x: g(f(x, type), type), x)[0], x)  # noqa: B023
        _, back = wg.vjp(lambda x: f(x, type, norm="ortho"), x)  # noqa: B023
        np.testing.assert_allclose(back(x)[0], g(x, type, norm="ortho"), atol=1e-14)
    agrees(F.dct, sf.dct, z, type=type, order=1)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_fourier_transforms(name, rng):
    """SciPy's names, of one axis and of several."""
    x = rng.normal(size=(3, 5))
    real = name in ("rfft", "ihfft")
    for suffix, arguments in (("", {"n": 7, "axis": 1}), ("2", {"norm": "ortho"}), ("n", {"s": (2, 6)})):
        f, g = (getattr(m, name + suffix) for m in (F, sf))
        agrees(f, g, x if real else x + 0.5j, order=1, **arguments)


def test_shifts_and_the_rest(rng):
    """fftshift, frequencies; what is missing is SciPy's and refuses."""
    x = rng.normal(size=5)
    agrees(F.fftshift, sf.fftshift, x)
    agrees(F.ifftshift, sf.ifftshift, x)
    assert F.next_fast_len(17) == sf.next_fast_len(17)
    with pytest.raises(UnsupportedFunctionError, match="fht"):
        wg.vjp(lambda x: F.fht(x, 0.1, 0.0), x)
    with pytest.raises(ShapeError, match="length 1"):
        wg.vjp(lambda x: F.dct(x, 1), np.ones(1))
    with pytest.raises(ValueError, match="type"):
        wg.vjp(lambda x: F.dct(x, 5), x)


def energy_by_scipy(x):
    """A user's function, in SciPy's own names."""
    return np.sum(sf.dct(x) ** 2) + np.sum(np.abs(sf.fft(x)) ** 2)


def test_under_their_own_names_in_compiled_functions(rng):
    """SciPy's functions are found by wg.jit."""
    x = rng.normal(size=5)
    np.testing.assert_allclose(wg.jit(energy_by_scipy)(x), energy_by_scipy(x))
    ours = wg.grad(lambda x: np.sum(F.dct(x) ** 2) + np.sum(np.abs(F.fft(x)) ** 2))
    np.testing.assert_allclose(wg.jit(wg.grad(energy_by_scipy))(x), ours(x))
