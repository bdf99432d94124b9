"""scipy.signal on traced arrays: convolution and correlation, linear filters, detrending, the analytic signal.

On plain arrays each is SciPy's own. Functions that are missing are SciPy's, and refuse traced arrays.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from ..control import scan
from ..convolution import conv
from ..core.types import shape_of
from ..errors import ShapeError
from ..numpy import fft as nf
from ..numpy.dispatch import implements
from ..numpy.parts import AxisIndex, array, common, floating, part
from ..primitives.convolve import convolve as sequences
from ..primitives.shape import reshape
from .refused import guarded

__all__ = [
    "REFUSED", "convolve", "convolve2d", "correlate", "correlate2d", "detrend", "fftconvolve", "hilbert", "lfilter",
    "oaconvolve", "sosfilt",
]  # fmt: skip

REFUSED: dict[str, tuple[str, str]] = {}


def __getattr__(name: str) -> Any:
    return guarded(scipy.signal, name, REFUSED)


# convolution -------------------------------------------------------------------------------------------------------
def _operands(in1: Any, in2: Any, name: str) -> list[Any]:
    a, v = common(in1, in2)
    if len(shape_of(a)) != len(shape_of(v)):
        raise ValueError(f"{name}: in1 and in2 should have the same dimensionality")
    return [a, v]


def _turned(v: Any) -> Any:
    """v backwards along each axis, and conjugated."""
    v = v[(slice(None, None, -1),) * len(shape_of(v))]
    return np.conj(v) if v.dtype.kind == "c" else v


def _kept(full: Any, a: Any, v: Any, mode: str, axes: tuple[int, ...]) -> Any:
    """The part of a full convolution that a mode asks for."""
    if mode not in ("full", "same", "valid"):
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
    for axis in axes if mode != "full" else ():
        n, m = shape_of(a)[axis], shape_of(v)[axis]
        count = n if mode == "same" else abs(n - m) + 1
        start = (shape_of(full)[axis] - count) // 2
        full = part(full, axis, start, start + count)
    return full


def _ordered(a: Any, v: Any, mode: str, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """For mode valid: the array that is at least as long along each axis, first."""
    pairs = [(shape_of(a)[i], shape_of(v)[i]) for i in axes]
    if mode == "valid" and not all(n >= m for n, m in pairs):
        if not all(n <= m for n, m in pairs):
            raise ValueError(
                "For 'valid' mode, one must be at least as large as the other in every dimension: "
                f"{shape_of(a)}, {shape_of(v)}"
            )
        return v, a
    return a, v


def _direct(a: Any, v: Any) -> Any:
    """The full convolution as sums of products."""
    n = len(shape_of(a))
    if a.dtype.kind in "biu":
        return np.rint(_direct(floating(a), floating(v))).astype(a.dtype)
    if math.prod(shape_of(v)) > math.prod(shape_of(a)):
        a, v = v, a
    if n == 1:
        return sequences(a, v)
    if a.dtype.kind == "c":
        return _of_parts(a, v)
    padded = np.pad(a, [(k - 1, k - 1) for k in shape_of(v)])
    return conv(padded[None], v[(slice(None, None, -1),) * n][None, None])[0]


def _of_parts(a: Any, v: Any) -> Any:
    """Of complex arrays: real and imaginary parts apart."""
    (a, b), (c, d) = ((np.real(x), np.imag(x)) for x in (a, v))
    return _direct(a, c) - _direct(b, d) + 1j * (_direct(a, d) + _direct(b, c))


def _by_fourier(a: Any, v: Any, axes: tuple[int, ...]) -> Any:
    """The full convolution along axes, as a product of spectra; other axes are broadcast."""
    lengths = [shape_of(a)[i] + shape_of(v)[i] - 1 for i in axes]
    is_complex = a.dtype.kind == "c" or v.dtype.kind == "c"
    forth, back = (nf.fftn, nf.ifftn) if is_complex else (nf.rfftn, nf.irfftn)
    fast = [scipy.fft.next_fast_len(n, not is_complex) for n in lengths]
    y = back(forth(floating(a), fast, axes) * forth(floating(v), fast, axes), fast, axes)
    for n, axis in zip(lengths, axes, strict=True):
        y = part(y, axis, 0, n)
    return y


def _is_faster_directly(a: Any, v: Any) -> bool:
    """Fewer multiplications than three Fourier transforms, each 5 n log2 n / 2 of them?"""
    n = math.prod(p + q - 1 for p, q in zip(shape_of(a), shape_of(v), strict=True))
    small = min(math.prod(shape_of(a)), math.prod(shape_of(v)))
    return small <= 8 * math.log2(max(n, 2))


@implements(scipy.signal.convolve)
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """y_k = sum_j a_(k-j) v_j over any number of axes; method: direct, fft, or auto: the one with less work."""
    a, v = _operands(in1, in2, "convolve")
    if not shape_of(a):
        return a * v
    if method not in ("auto", "direct", "fft"):
        raise ValueError("Acceptable method flags are 'auto', 'direct', or 'fft'.")
    if 0 in (*shape_of(a), *shape_of(v)):
        return np.zeros(0, a.dtype)
    axes = tuple(range(len(shape_of(a))))
    a, v = _ordered(a, v, mode, axes)
    exact = a.dtype.kind in "biu"
    directly = method == "direct" or (method == "auto" and (exact or _is_faster_directly(a, v)))
    if directly and mode == "valid" and len(axes) > 1 and a.dtype.kind == "f":
        return conv(a[None], v[(slice(None, None, -1),) * len(axes)][None, None])[0]
    return _kept(_direct(a, v) if directly else _by_fourier(a, v, axes), a, v, mode, axes)


@implements(scipy.signal.correlate)
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """y_k = sum_j a_(j+k) conj(v_j) over any number of axes."""
    a, v = _operands(in1, in2, "correlate")
    if not shape_of(a):
        return a * np.conj(v)
    return convolve(a, _turned(v), mode, method)


@implements(scipy.signal.fftconvolve)
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """The same by Fourier transforms, along some axes; the others are broadcast."""
    a, v = _operands(in1, in2, "fftconvolve")
    n = len(shape_of(a))
    chosen = range(n) if axes is None else axes if np.iterable(axes) else (axes,)
    axes = tuple(AxisIndex(i, n) for i in chosen)
    if not n:
        return a * v
    if 0 in (*shape_of(a), *shape_of(v)):
        return np.zeros(0, a.dtype)
    a, v = _ordered(a, v, mode, axes)
    axes = tuple(i for i in axes if shape_of(a)[i] != 1 and shape_of(v)[i] != 1)
    y = _by_fourier(a, v, axes) if axes else floating(a) * floating(v)
    return _kept(y, a, v, mode, axes)


@implements(scipy.signal.oaconvolve)
def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """As fftconvolve: how the sum is cut into blocks changes nothing but time."""
    return fftconvolve(in1, in2, mode, axes)


_BOUNDARY: dict[str, Any] = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


@implements(scipy.signal.convolve2d)
def convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """Convolution of two matrices; beyond its edges in1 is a number, or goes on periodically, or mirrored."""
    a, v = _operands(in1, in2, "convolve2d")
    if len(shape_of(a)) != 2:
        raise ValueError("convolve2d inputs must both be 2-D arrays")
    if boundary not in _BOUNDARY:
        raise ValueError("Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm').")
    a, v = _ordered(a, v, mode, (0, 1))
    if mode != "valid":
        width = [(k - 1, k - 1) for k in shape_of(v)]
        extra: Any = {"constant_values": fillvalue} if boundary == "fill" else {}
        padded = np.pad(a, width, _BOUNDARY[boundary], **extra)
    else:
        padded = a
    y = convolve(padded, v, "valid", "direct")
    return _kept(y, a, v, "full" if mode == "valid" else mode, (0, 1))


@implements(scipy.signal.correlate2d)
def correlate2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """Correlation of two matrices: sum_j a_(j+k) conj(v_j)."""
    a, v = _operands(in1, in2, "correlate2d")
    if mode != "same":
        return convolve2d(a, _turned(v), mode, boundary, fillvalue)
    y = convolve2d(a, _turned(v), "full", boundary, fillvalue)
    for axis, (n, k) in enumerate(
        zip(shape_of(a), shape_of(v), strict=True)
    ):  # of an even v, SciPy takes the other half
        y = part(y, axis, k // 2, k // 2 + n)
    return y


# filters -----------------------------------------------------------------------------------------------------------
@implements(scipy.signal.lfilter)
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """a_0 y_n = sum_k b_k x_(n-k) - sum_(k>0) a_k y_(n-k), differentiated in b, a, x and the state zi.

    The transposed direct form II: y = b_0 x + z_0, z_k = z_(k+1) + b_(k+1) x - a_(k+1) y. A loop, which stays one in
    compiled code: O(n len(a)). Oppenheim and Schafer, Discrete-time signal processing, 6.3.

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = lambda decay: wg.scipy.signal.lfilter([1.0], [1.0, -decay], np.array([1.0, 0.0, 0.0]))[2]  # decay^2
    >>> wg.grad(f)(0.5)
    np.float64(1.0)
    """
    b, a, x = (np.atleast_1d(z) for z in common(floating(_vector(b)), _vector(a), x))
    order = max(shape_of(a)[0], shape_of(b)[0]) - 1
    b, a = (np.pad(c, (0, order + 1 - shape_of(c)[0])) / a[0] for c in (b, a))
    axis = AxisIndex(axis, len(shape_of(x)))
    rows = np.moveaxis(x, axis, 0)
    lanes = shape_of(rows)[1:]
    state = np.zeros((order, *lanes), x.dtype) if zi is None else np.moveaxis(array(zi), axis, 0).astype(x.dtype)
    if shape_of(state) != (order, *lanes):
        raise ShapeError(
            f"a state zi of shape {shape_of(array(zi))}",
            why=f"a filter of order {order} keeps {order} numbers along the filtered axis",
            write=f"zi of shape {(*lanes[:axis], order, *lanes[axis:])}",
        )
    forward, back = (reshape(c[1:], shape=(order,) + (1,) * len(lanes)) for c in (b, a))
    zero = np.zeros((1, *lanes), x.dtype)

    def step(z: Any, row: Any) -> tuple[Any, Any]:
        y = b[0] * row + z[0] if order else b[0] * row
        return (np.concatenate([z[1:], zero]) + forward * row - back * y if order else z), y

    state, y = scan(step, state, rows)
    y = np.moveaxis(y, 0, axis)
    return y if zi is None else (y, np.moveaxis(state, 0, axis))


def _vector(a: Any) -> Any:
    """A list of numbers, some of which may be traced, as an array."""
    return np.stack(a) if isinstance(a, list) else a


@implements(scipy.signal.sosfilt)
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Filters of order two, one after the other: rows b_0, b_1, b_2, a_0, a_1, a_2."""
    sos, x = common(floating(sos), x)
    states = []
    for k in range(shape_of(sos)[0]):
        y = lfilter(sos[k, :3], sos[k, 3:], x, axis, None if zi is None else zi[k])
        x = y if zi is None else y[0]
        states += [] if zi is None else [y[1]]
    return x if zi is None else (x, np.stack(states))


@implements(scipy.signal.hilbert)
def hilbert(x: Any, N: Any = None, axis: int = -1) -> Any:
    """The analytic signal: negative frequencies are dropped, positive ones doubled."""
    x = floating(x)
    if x.dtype.kind == "c":
        raise ValueError("x must be real.")
    n = shape_of(x)[axis] if N is None else int(N)
    if n <= 0:
        raise ValueError("N must be positive.")
    weight = np.zeros(n)
    weight[0] = 1
    weight[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        weight[n // 2] = 1
    axis = AxisIndex(axis, len(shape_of(x)))
    weight = weight.reshape([n if i == axis else 1 for i in range(len(shape_of(x)))])
    return nf.ifft(nf.fft(x, n, axis) * weight.astype(x.dtype), axis=axis)


@implements(scipy.signal.detrend)
def detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False) -> Any:
    """x less its mean (constant), or less the straight lines of least squares between break points (linear)."""
    x = floating(data)
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    if 0 in shape_of(x):
        return x
    if type in ("constant", "c"):
        return x - np.mean(x, axis=axis, keepdims=True)
    axis = AxisIndex(axis, len(shape_of(x)))
    n = shape_of(x)[axis]
    ends = np.unique(np.concatenate([[0], np.atleast_1d(bp), [n]])).astype(int)
    if ends[-1] > n:
        raise ValueError("Breakpoints must be less than length of data along given axis.")
    x = np.moveaxis(x, axis, -1)
    pieces = []
    for start, stop in itertools.pairwise(ends):
        line = np.stack([np.arange(1, stop - start + 1) / (stop - start), np.ones(stop - start)], 1)
        q = (np.linalg.qr(line)[0] if stop - start > 1 else np.ones((1, 1))).astype(x.dtype)
        piece = x[..., start:stop]
        pieces.append(piece - (piece @ q) @ q.T)
    return np.moveaxis(np.concatenate(pieces, axis=-1), -1, axis)
