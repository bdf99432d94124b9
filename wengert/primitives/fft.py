"""Fourier transforms: fft and ifft over several axes, rfft and irfft over one; all linear.

Transposes are plain (not conjugated). The matrix F_jk = exp(-2 pi i jk/n) is symmetric, so fft and ifft are their own
transposes. rfft keeps the frequencies 0 ... n//2 of a real signal, and irfft counts each frequency between 0 and n/2
twice, for itself and for its mirror image: the weights of their transposes. `norm` is NumPy's, never None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Linear, Primitive, Sample
from ..core.types import ArrayType, shape_of
from .elementwise import conj, convert, real
from .shape import broadcast_to, shifted

# The norm with which the opposite transform has the same factor.
OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def complex_dtype(dtype: Any) -> np.dtype[Any]:
    """The complex dtype of a spectrum: as precise as the signal (half precision is computed in single)."""
    return np.result_type(dtype, np.complex64)


def as_type_of(x: Any, x_bar: Any) -> Any:
    """An adjoint in the dtype of its primal; the adjoint of a real array is real."""
    if x_bar.dtype.kind == "c" and x.dtype.kind == "f":
        x_bar = real(x_bar)
    return x_bar if x_bar.dtype == x.dtype else convert(x_bar, dtype=x.dtype)


def complex_samples(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """A complex array in general position."""
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


# crop_or_pad -----------------------------------------------------------------------------------------------------
def _crop_or_pad(x: Any, *, shape: tuple[int, ...]) -> Any:
    common = tuple(slice(min(n, m)) for n, m in zip(np.shape(x), shape, strict=True))
    if all(n >= m for n, m in zip(np.shape(x), shape, strict=True)):
        return x[common]
    y = np.zeros(shape, x.dtype)
    y[common] = x[common]
    return y


def _crop_or_pad_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for before, after in [((4,), (2,)), ((2,), (5,)), ((3, 4), (5, 2)), ((0, 2), (0, 3))]:
        yield Sample((rng.normal(size=before),), {"shape": after})


crop_or_pad: Primitive = Primitive(
    "crop_or_pad",
    _crop_or_pad,
    Linear(lambda y_bar, x, shape: crop_or_pad(y_bar, shape=tuple(x.shape))),
    type_rule=lambda x, shape: ArrayType(shape, x.dtype),
    batch=lambda size, batched, x, shape: (crop_or_pad(x, shape=(size, *shape)), True),
    samples=_crop_or_pad_samples,
)


# fft, ifft -------------------------------------------------------------------------------------------------------
def _fft(x: Any, *, axes: tuple[int, ...], norm: Any) -> Any:
    if len(axes) == 1:
        return np.fft.fft(x, axis=axes[0], norm=norm)
    return np.fft.fftn(x, axes=axes, norm=norm)


def _ifft(x: Any, *, axes: tuple[int, ...], norm: Any) -> Any:
    if len(axes) == 1:
        return np.fft.ifft(x, axis=axes[0], norm=norm)
    return np.fft.ifftn(x, axes=axes, norm=norm)


def _fft_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axes, norm in [
        ((5,), (0,), "backward"),
        ((4,), (0,), "ortho"),
        ((2, 3), (0, 1), "forward"),
        ((17,), (0,), "ortho"),
        ((0, 2), (1,), "backward"),
    ]:
        yield Sample((complex_samples(rng, shape),), {"axes": axes, "norm": norm})
        yield Sample((rng.normal(size=shape),), {"axes": axes, "norm": norm})


fft: Primitive = Primitive(
    "fft",
    _fft,
    Linear(lambda y_bar, x, axes, norm: as_type_of(x, fft(y_bar, axes=axes, norm=norm))),
    type_rule=lambda x, axes, norm: ArrayType(x.shape, complex_dtype(x.dtype)),
    batch=lambda size, batched, x, axes, norm: (fft(x, axes=shifted(axes), norm=norm), True),
    samples=_fft_samples,
)
ifft: Primitive = Primitive(
    "ifft",
    _ifft,
    Linear(lambda y_bar, x, axes, norm: as_type_of(x, ifft(y_bar, axes=axes, norm=norm))),
    type_rule=lambda x, axes, norm: ArrayType(x.shape, complex_dtype(x.dtype)),
    batch=lambda size, batched, x, axes, norm: (ifft(x, axes=shifted(axes), norm=norm), True),
    samples=_fft_samples,
)


# rfft, irfft -----------------------------------------------------------------------------------------------------
def _weighted(z: Any, axis: int, n: int, middle: float) -> Any:
    """The half spectrum of a signal of length n, the frequencies strictly between 0 and n/2 scaled by `middle`."""
    shape = shape_of(z)
    w = np.full(n // 2 + 1, middle, z.dtype)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    w = w.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return z * broadcast_to(w, shape=shape)


def _rfft_T(y_bar: Any, x: Any, *, axis: int, norm: Any) -> Any:
    """x_bar_j = Re sum_k exp(-2 pi i jk/n) y_bar_k: an irfft, in which the middle frequencies would count twice."""
    n = x.shape[axis]
    z = _weighted(conj(y_bar), axis, n, middle=0.5)
    return as_type_of(x, irfft(z, axis=axis, n=n, norm=OPPOSITE[norm]))


def _irfft_T(y_bar: Any, x: Any, *, axis: int, n: int, norm: Any) -> Any:
    """x_bar_k = w_k sum_j exp(2 pi i jk/n) y_bar_j, with w_k = 2 for the middle frequencies."""
    z = conj(rfft(y_bar, axis=axis, norm=OPPOSITE[norm]))
    return as_type_of(x, _weighted(z, axis, n, middle=2.0))


def _with_length(shape: tuple[int, ...], axis: int, n: int) -> tuple[int, ...]:
    return (*shape[:axis], n, *shape[axis + 1 :])


def _rfft_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, norm in [
        ((5,), 0, "backward"),
        ((4, 3), 0, "ortho"),
        ((17,), 0, "ortho"),
        ((1,), 0, "forward"),
        ((0, 2), 1, "ortho"),
    ]:
        yield Sample((rng.normal(size=shape),), {"axis": axis, "norm": norm})


def _irfft_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, n, norm in [
        ((3,), 0, 5, "backward"),
        ((3, 2), 0, 4, "ortho"),
        ((9,), 0, 17, "ortho"),
        ((1,), 0, 1, "forward"),
        ((0, 2), 1, 2, "ortho"),
    ]:
        yield Sample((complex_samples(rng, shape),), {"axis": axis, "n": n, "norm": norm})


rfft: Primitive = Primitive(
    "rfft",
    lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
    Linear(_rfft_T),
    type_rule=lambda x, axis, norm: ArrayType(
        _with_length(x.shape, axis, x.shape[axis] // 2 + 1), complex_dtype(x.dtype)
    ),
    batch=lambda size, batched, x, axis, norm: (rfft(x, axis=axis + 1, norm=norm), True),
    samples=_rfft_samples,
)
irfft: Primitive = Primitive(
    "irfft",
    lambda x, axis, n, norm: np.fft.irfft(x, n, axis=axis, norm=norm),
    Linear(_irfft_T),
    type_rule=lambda x, axis, n, norm: ArrayType(_with_length(x.shape, axis, n), x.dtype.type(0).real.dtype),
    batch=lambda size, batched, x, axis, n, norm: (irfft(x, axis=axis + 1, n=n, norm=norm), True),
    samples=_irfft_samples,
)
