"""Fourier transforms of lengths with a large prime factor, as convolutions with a chirp, of a length that passes make.

With jk = (j^2 + k^2 - (k - j)^2) / 2 and w_j = exp(-pi i j^2 / n): y_k = w_k sum_j (x_j w_j) conj(w_(k-j)).
L. I. Bluestein, A linear filtering approach to the computation of discrete Fourier transform (1970).
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from ... import numpy as wnp
from .composed import Composition
from .fft_plan import radices


def convolved_length(n: int) -> int:
    """The shortest length of at least 2 n - 1 that passes make."""
    return next(m for m in itertools.count(2 * n - 1) if radices(m))


@functools.lru_cache(256)
def chirp(n: int, m: int, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """w, and the spectrum of its conjugate, periodic in m. j^2 modulo 2 n is exact."""
    j = np.arange(n)
    w = np.exp(-1j * np.pi * (j * j % (2 * n)) / n)
    around = np.zeros(m, complex)
    around[:n] = np.conj(w)
    around[m - n + 1 :] = np.conj(w[:0:-1])
    return w.astype(dtype), np.fft.fft(around).astype(dtype)


def along_axis(x: Any, axis: int, inverse: bool) -> Any:
    """The sums over one axis, without a factor; the inverse transform is the conjugate of that of the conjugate."""
    n = x.shape[axis]
    if radices(n):
        return wnp.fft.ifft(x, axis=axis, norm="forward") if inverse else wnp.fft.fft(x, axis=axis)
    m = convolved_length(n)
    w, spectrum = chirp(n, m, np.result_type(x.dtype, np.complex64))
    x = wnp.moveaxis(wnp.conj(x) if inverse else x, axis, -1)
    a = wnp.fft.fft(x * w, m)
    y = wnp.fft.ifft(a * spectrum)[..., :n] * w
    return wnp.moveaxis(wnp.conj(y) if inverse else y, -1, axis)


def scaled(y: Any, n: int, norm: str, inverse: bool) -> Any:
    """Times the factor of a norm, for n numbers."""
    if norm == "ortho":
        return y * (1 / np.sqrt(n))
    return y * (1 / n) if (norm == "backward") == inverse else y


def complex_transform(x: Any, axes: tuple[int, ...], norm: str, inverse: bool) -> Any:
    """fft, ifft."""
    n = int(np.prod([x.shape[d] for d in axes]))
    for d in axes:
        x = along_axis(x, d, inverse)
    return scaled(x, n, norm, inverse)


def fft(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    """Over several axes."""
    return complex_transform(x, axes, norm, False)


def ifft(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    """Over several axes."""
    return complex_transform(x, axes, norm, True)


def rfft(x: Any, axis: int, norm: str) -> Any:
    """The first half of the whole spectrum."""
    n = x.shape[axis]
    return wnp.take(fft(x, (axis,), norm), np.arange(n // 2 + 1), axis=axis)


def irfft(x: Any, axis: int, n: int, norm: str) -> Any:
    """The whole spectrum, whose second half is the mirror image of the first, transformed."""
    half = wnp.moveaxis(x, axis, -1)
    real = [wnp.real(half[..., :1]), half[..., 1 : (n + 1) // 2]]
    if n % 2 == 0:
        real.append(wnp.real(half[..., n // 2 : n // 2 + 1]))
    whole = wnp.concatenate([*real, wnp.conj(half[..., (n - 1) // 2 : 0 : -1])], axis=-1)
    return wnp.moveaxis(wnp.real(ifft(whole, (len(x.shape) - 1,), norm)), -1, axis)


TRANSFORMS: dict[str, Composition] = {"fft": fft, "ifft": ifft, "rfft": rfft, "irfft": irfft}
