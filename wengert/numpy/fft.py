"""numpy.fft on traced arrays: arguments and defaults are NumPy's; lengths are cropped or padded, then transformed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import shape_of, type_of
from ..errors import ShapeError
from ..primitives import fft as p
from ..primitives.elementwise import conj, convert
from .dispatch import implements, unsupported_argument

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

fftfreq, rfftfreq = np.fft.fftfreq, np.fft.rfftfreq  # k / (n d): arithmetic, which d as a tracer takes part in


def _signal(a: Any) -> Any:
    """The operand as floating point: integers become float64."""
    a = a if isinstance(a, Tracer) else np.asarray(a)
    return a if a.dtype.kind in "fc" else convert(a, dtype=np.dtype(np.float64))


def _norm(norm: str | None) -> str:
    if norm is None:
        return "backward"
    if norm not in p.OPPOSITE:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return norm


def _no_out(name: str, out: Any) -> None:
    if out is not None:
        raise unsupported_argument(f"numpy.fft.{name}", "out", out, f"y = np.fft.{name}(...), without out")


def _resized(a: Any, lengths: Sequence[int], axes: Sequence[int]) -> Any:
    """Cropped or zero-padded at the end to these lengths of these axes."""
    shape = list(shape_of(a))
    for n, axis in zip(lengths, axes, strict=True):
        if n < 1:
            raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
        shape[axis] = int(n)
    return a if tuple(shape) == shape_of(a) else p.crop_or_pad(a, shape=tuple(shape))


def _axis(axis: int, ndim: int) -> int:
    return np.lib.array_utils.normalize_axis_index(axis, ndim)


def _lengths_and_axes(a: Any, s: Any, axes: Any, half: bool = False) -> tuple[list[int], list[int]]:
    """NumPy's defaults for s and axes; half: a holds half a spectrum, whose last axis has (n - 1) * 2 by default."""
    shape = shape_of(a)
    if axes is None:
        axes = range(len(shape)) if s is None else range(len(shape) - len(s), len(shape))
    axes = [_axis(int(axis), len(shape)) for axis in axes]
    lengths = [-1] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    default = [shape[axis] for axis in axes]
    if half and s is None:
        default[-1] = (default[-1] - 1) * 2
    return [d if n is None or n == -1 else int(n) for n, d in zip(lengths, default, strict=True)], axes


# one axis --------------------------------------------------------------------------------------------------------
@implements(np.fft.fft)
def fft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """y_k = sum_j exp(-2 pi i jk/n) a_j."""
    _no_out("fft", out)
    return _transform(p.fft, a, None if n is None else [n], [axis], norm)


@implements(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """y_j = 1/n sum_k exp(2 pi i jk/n) a_k."""
    _no_out("ifft", out)
    return _transform(p.ifft, a, None if n is None else [n], [axis], norm)


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """The frequencies 0 ... n//2 of the fft of a real signal."""
    _no_out("rfft", out)
    a = _signal(a)
    if a.dtype.kind == "c":
        raise ShapeError(
            f"rfft of a complex array {type_of(a)}",
            why="it computes half a spectrum, the other half of which follows only for real signals",
            write="np.fft.fft(a), or np.fft.rfft(a.real)",
        )
    axis = _axis(axis, len(a.shape))
    a = _resized(a, [a.shape[axis] if n is None else n], [axis])
    return p.rfft(a, axis=axis, norm=_norm(norm))


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """The real signal of length n, (m - 1) * 2 unless given, with this half spectrum."""
    _no_out("irfft", out)
    a = _signal(a)
    axis = _axis(axis, len(a.shape))
    n = (a.shape[axis] - 1) * 2 if n is None else int(n)
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    z = _resized(a, [n // 2 + 1], [axis])
    if z.dtype.kind != "c":
        z = convert(z, dtype=p.complex_dtype(z.dtype))
    y = p.irfft(z, axis=axis, n=n, norm=_norm(norm))
    return convert(y, dtype=a.dtype) if a.dtype == np.float16 else y


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """The real spectrum of a signal with Hermitian symmetry, of which half is given."""
    _no_out("hfft", out)
    return irfft(_conj(_signal(a)), n, axis, p.OPPOSITE[_norm(norm)])


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """Half of the signal with Hermitian symmetry that has this real spectrum."""
    _no_out("ihfft", out)
    return conj(rfft(a, n, axis, p.OPPOSITE[_norm(norm)]))


def _conj(a: Any) -> Any:
    return conj(a) if a.dtype.kind == "c" else a


# several axes ----------------------------------------------------------------------------------------------------
def _transform(primitive: Any, a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    """fft or ifft over axes, each first brought to its length."""
    a = _signal(a)
    lengths, axes = _lengths_and_axes(a, s, axes)
    if not axes:
        return a
    norm = _norm(norm)
    if len(set(axes)) == len(axes):
        return primitive(_resized(a, lengths, axes), axes=tuple(axes), norm=norm)
    for n, axis in zip(lengths[::-1], axes[::-1], strict=True):  # an axis may be transformed twice
        a = primitive(_resized(a, [n], [axis]), axes=(axis,), norm=norm)
    return a


@implements(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: Any = None) -> Any:
    """fft over each of the axes."""
    _no_out("fftn", out)
    return _transform(p.fft, a, s, axes, norm)


@implements(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: Any = None) -> Any:
    """ifft over each of the axes."""
    _no_out("ifftn", out)
    return _transform(p.ifft, a, s, axes, norm)


@implements(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: Any = None) -> Any:
    """rfft over the last of the axes, then fft over the others."""
    _no_out("rfftn", out)
    a = _signal(a)
    lengths, axes = _lengths_and_axes(a, s, axes)
    y = rfft(a, lengths[-1], axes[-1], norm)
    return _transform(p.fft, y, lengths[:-1], axes[:-1], norm)


@implements(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: Any = None) -> Any:
    """ifft over all but the last of the axes, then irfft over the last."""
    _no_out("irfftn", out)
    a = _signal(a)
    lengths, axes = _lengths_and_axes(a, s, axes, half=True)
    y = irfft(_transform(p.ifft, a, lengths[:-1], axes[:-1], norm), lengths[-1], axes[-1], norm)
    return convert(y, dtype=a.dtype) if a.dtype == np.float16 else y


@implements(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: Any = None) -> Any:
    """fft over two axes."""
    return fftn(a, s, axes, norm, out)


@implements(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: Any = None) -> Any:
    """ifft over two axes."""
    return ifftn(a, s, axes, norm, out)


@implements(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: Any = None) -> Any:
    """rfft over the last of two axes, then fft over the other."""
    return rfftn(a, s, axes, norm, out)


@implements(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: Any = None) -> Any:
    """ifft over the first of two axes, then irfft over the other."""
    return irfftn(a, s, axes, norm, out)


# order of frequencies --------------------------------------------------------------------------------------------
def _shifts(x: Any, axes: Any) -> tuple[list[int], list[int]]:
    shape = shape_of(x)
    axes = range(len(shape)) if axes is None else [axes] if isinstance(axes, int | np.integer) else axes
    axes = [_axis(int(axis), len(shape)) for axis in axes]
    return [shape[axis] // 2 for axis in axes], axes


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """Frequency zero to the middle of each of the axes."""
    shifts, axes = _shifts(x, axes)
    return np.roll(x, shifts, axes)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of fftshift."""
    shifts, axes = _shifts(x, axes)
    return np.roll(x, [-n for n in shifts], axes)
