"""scipy.fft on traced arrays: the transforms of numpy.fft under SciPy's names, and cosine and sine transforms.

On plain arrays each is SciPy's own. `workers`, `plan` and `overwrite_x` say how to compute, and are ignored for traced
arrays. Cosine and sine transforms are made of rfft and irfft: J. Makhoul, A fast cosine transform in one and two
dimensions (1980).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft

from ..errors import ShapeError
from ..numpy import fft as nf
from ..numpy.dispatch import implements
from ..numpy.parts import AxisIndex, floating
from ..primitives.fft import OPPOSITE, crop_or_pad
from .refused import guarded

__all__ = ["REFUSED"]

REFUSED = {"fht": ("it has no derivative rule here", "fft"), "ifht": ("it has no derivative rule here", "ifft")}

fftfreq, rfftfreq = scipy.fft.fftfreq, scipy.fft.rfftfreq


def __getattr__(name: str) -> Any:
    return guarded(scipy.fft, name, REFUSED)


# Fourier transforms ------------------------------------------------------------------------------------------------
def _same(name: str, two: bool = False) -> None:
    """numpy.fft's function under SciPy's name and with its arguments."""
    ours = getattr(nf, name)
    numbers = ("s", "axes") if name[-1] in "n2" else ("n", "axis")
    default = {"n": None, "s": None, "axis": -1, "axes": (-2, -1) if name[-1] == "2" else None}

    def f(x: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip((*numbers, "norm"), args, strict=False)) | kwargs
        named = {key: given.get(key, default.get(key)) for key in (*numbers, "norm")}
        return ours(x, **named)

    f.__name__, f.__doc__ = name, ours.__doc__
    globals()[name] = implements(getattr(scipy.fft, name))(f)
    __all__.append(name)


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    _same(_name)
for _name in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"):
    _same(_name)


@implements(scipy.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """Frequency zero to the middle of each of the axes."""
    return nf.fftshift(x, axes)


@implements(scipy.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of fftshift."""
    return nf.ifftshift(x, axes)


@implements(scipy.fft.hfftn)
def hfftn(x: Any, s: Any = None, axes: Any = None, norm: str | None = None, *_: Any, **ignored: Any) -> Any:
    """The real spectrum of a signal with Hermitian symmetry, of which half is given, over several axes."""
    return nf.irfftn(np.conj(floating(x)), s, axes, OPPOSITE[norm or "backward"])


@implements(scipy.fft.ihfftn)
def ihfftn(x: Any, s: Any = None, axes: Any = None, norm: str | None = None, *_: Any, **ignored: Any) -> Any:
    """Half of the signal with Hermitian symmetry that has this real spectrum, over several axes."""
    return np.conj(nf.rfftn(x, s, axes, OPPOSITE[norm or "backward"]))


@implements(scipy.fft.hfft2)
def hfft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, *_: Any, **ignored: Any) -> Any:
    """hfftn over two axes."""
    return hfftn(x, s, axes, norm)


@implements(scipy.fft.ihfft2)
def ihfft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, *_: Any, **ignored: Any) -> Any:
    """ihfftn over two axes."""
    return ihfftn(x, s, axes, norm)


# cosine and sine transforms of the last axis, without factors ------------------------------------------------------
def _cosine_1(x: Any) -> Any:
    """y_k = x_0 + (-1)^k x_(n-1) + 2 sum x_j cos(pi j k / (n - 1)): the spectrum of the even extension."""
    return np.real(nf.rfft(np.concatenate([x, x[..., -2:0:-1]], axis=-1)))


def _quarter_turns(n: int, dtype: Any) -> Any:
    """exp(-pi i k / 2n) for k = 0, ..., n // 2."""
    return np.exp(-0.5j * np.pi * np.arange(n // 2 + 1) / n).astype(np.result_type(dtype, np.complex64))


def _cosine_2(x: Any) -> Any:
    """y_k = 2 sum x_j cos(pi k (2j + 1) / 2n), from the spectrum w of even places followed by odd ones backwards:

    y_k = 2 Re(w_k t_k) and y_(n-k) = -2 Im(w_k t_k), t_k = exp(-pi i k / 2n).
    """
    n = x.shape[-1]
    order = np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)[::-1]])
    w = nf.rfft(x[..., order]) * _quarter_turns(n, x.dtype)
    return np.concatenate([2 * np.real(w), -2 * np.imag(w)[..., (n - 1) // 2 : 0 : -1]], axis=-1)


def _cosine_3(x: Any) -> Any:
    """y_k = x_0 + 2 sum x_j cos(pi j (2k + 1) / 2n), the steps of _cosine_2 back: w_k = (x_k - i x_(n-k)) / 2 t_k."""
    n = x.shape[-1]
    behind = np.concatenate([np.zeros((*x.shape[:-1], 1), x.dtype), x[..., ::-1]], axis=-1)[..., : n // 2 + 1]
    v = nf.irfft((x[..., : n // 2 + 1] - 1j * behind) * np.conj(_quarter_turns(n, x.dtype)), n, norm="forward")
    order = np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)[::-1]])
    return v[..., np.argsort(order)]


def _cosine_4(x: Any) -> Any:
    """y_k = 2 sum x_j cos(pi (2j + 1) (2k + 1) / 4n): the odd frequencies of twice the length."""
    padded = np.concatenate([x, np.zeros(x.shape, x.dtype)], axis=-1)
    return _cosine_2(padded)[..., 1::2]


def _alternating(x: Any) -> Any:
    """x_0, -x_1, x_2, ..."""
    return x * np.where(np.arange(x.shape[-1]) % 2, -1, 1).astype(x.dtype)


def _sine_1(x: Any) -> Any:
    """y_k = 2 sum x_j sin(pi (j + 1) (k + 1) / (n + 1)): the spectrum of the odd extension."""
    zero = np.zeros((*x.shape[:-1], 1), x.dtype)
    odd = np.concatenate([zero, x, zero, -x[..., ::-1]], axis=-1)
    return -np.imag(nf.rfft(odd))[..., 1 : x.shape[-1] + 1]


_KINDS: dict[tuple[str, int], Callable[[Any], Any]] = {
    ("cosine", 1): _cosine_1,
    ("cosine", 2): _cosine_2,
    ("cosine", 3): _cosine_3,
    ("cosine", 4): _cosine_4,
    ("sine", 1): _sine_1,
    ("sine", 2): lambda x: _cosine_2(_alternating(x))[..., ::-1],  # 2 sum x_j sin(pi (k + 1) (2j + 1) / 2n)
    ("sine", 3): lambda x: _alternating(_cosine_3(x[..., ::-1])),
    ("sine", 4): lambda x: _alternating(_cosine_4(x[..., ::-1])),  # 2 sum x_j sin(pi (2j + 1) (2k + 1) / 4n)
}
_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def _factors(kind: str, type: int, n: int, dtype: Any) -> tuple[Any, Any]:
    """By what elements are multiplied before and after, so that the matrix is orthogonal to within one number."""
    before, after = np.ones(n, dtype), np.ones(n, dtype)
    ends = [0] if kind == "cosine" else [-1]
    if type == 1:
        ends = [0, -1] if kind == "cosine" else []
    if type in (1, 3):
        before[ends] = np.sqrt(2)
    if type in (1, 2):
        after[ends] = np.sqrt(0.5)
    return before, after


def _one_axis(x: Any, kind: str, type: int, axis: int, norm: str, orthogonal: bool) -> Any:
    """A transform along one axis. norm: as if the transform were a forward one."""
    n = x.shape[axis]
    least = 2 if (kind, type) == ("cosine", 1) else 1
    if n < least:
        raise ShapeError(
            f"a {kind} transform of type {type} of an axis of length {n}",
            why=f"it needs at least {least} element{'s'[: least - 1]}",
            write="a longer axis, or n= for zeros behind it",
        )
    x = np.moveaxis(x, axis, -1)
    period = {"cosine": 2 * (n - 1), "sine": 2 * (n + 1)}[kind] if type == 1 else 2 * n
    if orthogonal:
        before, after = _factors(kind, type, n, np.zeros((), x.dtype).real.dtype)
        y = _KINDS[kind, type](x * before) * after
    else:
        y = _KINDS[kind, type](x)
    if norm != "backward":
        y = y * (1 / period if norm == "forward" else 1 / np.sqrt(period))
    return np.moveaxis(y, -1, axis)


def _transform(x: Any, kind: str, type: int, s: Any, axes: Any, norm: Any, orthogonalize: Any, inverse: bool) -> Any:
    """Over several axes; of complex arrays, real and imaginary parts apart."""
    x = floating(x)
    if x.dtype.kind == "c":
        parts = (_transform(f(x), kind, type, s, axes, norm, orthogonalize, inverse) for f in (np.real, np.imag))
        re, im = parts
        return re + 1j * im
    if type not in _INVERSE:
        raise ValueError("Invalid type; must be 1, 2, 3 or 4")
    if norm not in (None, *OPPOSITE):
        raise ValueError(f'Invalid norm value {norm!r}; should be "backward", "ortho" or "forward".')
    orthogonal = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
    norm = norm or "backward"
    lengths, axes = nf._lengths_and_axes(x, s, axes)
    shape = list(x.shape)
    for n, axis in zip(lengths, axes, strict=True):
        shape[axis] = n
    x = x if shape == list(x.shape) else crop_or_pad(x, shape=tuple(shape))
    for axis in axes:
        x = _one_axis(
            x, kind, _INVERSE[type] if inverse else type, axis, OPPOSITE[norm] if inverse else norm, orthogonal
        )
    return x


def _declare(name: str, kind: str, inverse: bool) -> None:
    """SciPy's function of one axis, and that of several."""
    which = f"{'inverse ' if inverse else ''}{kind} transform"

    def one(
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        s = None if n is None else [n]
        return _transform(x, kind, type, s, [AxisIndex(axis, np.ndim(x))], norm, orthogonalize, inverse)

    def several(
        x: Any,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        orthogonalize: Any = None,
    ) -> Any:
        axes = [axes] if isinstance(axes, int) else axes
        return _transform(x, kind, type, [s] if isinstance(s, int) else s, axes, norm, orthogonalize, inverse)

    one.__doc__ = f"The {which} of type 1, 2, 3 or 4 along one axis."
    several.__doc__ = f"The {which} over several axes."
    for full, f in ((name, one), (name + "n", several)):
        f.__name__ = full
        globals()[full] = implements(getattr(scipy.fft, full))(f)
        __all__.append(full)


for _name, _kind in (("dct", "cosine"), ("dst", "sine")):
    _declare(_name, _kind, False)
    _declare("i" + _name, _kind, True)
__all__ += ["fftfreq", "fftshift", "hfft2", "hfftn", "ifftshift", "ihfft2", "ihfftn", "rfftfreq"]
