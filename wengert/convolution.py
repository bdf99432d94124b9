"""Convolution and pooling in any number of dimensions, with stride, padding, dilation and groups.

Arrays have channels before the axes that windows slide along, `(..., channels, *extent)`, as PyTorch has them. Each
function is made of `windows`, a view of an array through sliding windows, of its transpose, and of a matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import numpy as wnp
from .core.types import shape_of
from .errors import ShapeError
from .numpy.parts import array, common, floating
from .primitives import sliding
from .primitives.contract import einsum
from .primitives.index import slice_
from .primitives.shape import reshape, transpose

__all__ = ["avg_pool", "conv", "conv_transpose", "max_pool", "windows"]

Ints = tuple[int, ...]
Padding = Any  # a number, one for each axis, a pair (before, after) for each axis, "valid" or "same"


# numbers for each axis ---------------------------------------------------------------------------------------------
def _for_each(value: int | Sequence[int], n: int, name: str, least: int = 1) -> Ints:
    """A number for each of n axes."""
    found = (value,) * n if isinstance(value, int | np.integer) else tuple(value)
    if len(found) != n or any(int(k) != k or k < least for k in found):
        raise ShapeError(
            f"{name}={value!r} for {n} ax{'i' if n == 1 else 'e'}s",
            why=f"it is one integer, or one for each axis that windows slide along, at least {least}",
            write=f"{name}={(least,) * n!r}",
        )
    return tuple(int(k) for k in found)


def _pairs(padding: Padding, size: Ints, dilation: Ints) -> tuple[tuple[int, int], ...]:
    """How many elements stand before and behind each axis."""
    n = len(size)
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ShapeError(f"padding={padding!r}", why="its names are 'valid' and 'same'", write="padding='same'")
        spans = [(k - 1) * d if padding == "same" else 0 for k, d in zip(size, dilation, strict=True)]
        return tuple((s // 2, s - s // 2) for s in spans)
    if not isinstance(padding, int | np.integer) and len(padding) == n and all(np.ndim(p) == 1 for p in padding):
        both = [_for_each(tuple(p), 2, "padding", 0) for p in padding]
        return tuple((a, b) for a, b in both)
    return tuple((p, p) for p in _for_each(padding, n, "padding", 0))


def _padded(x: Any, pairs: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
    if not any(map(any, pairs)):
        return x
    return wnp.pad(x, [(0, 0)] * (len(shape_of(x)) - len(pairs)) + list(pairs), constant_values=value)


def windows(x: Any, size: int | Sequence[int], *, stride: Any = 1, dilation: Any = 1) -> Any:
    """An array through windows that slide along its last axes.

    Law: `y[..., i, k] = x[..., stride i + dilation k]`, `(..., *extent) -> (..., *counts, *size)`, where `counts =
    (extent - dilation (size - 1) - 1) // stride + 1`. A view: in compiled code nothing is copied. Raises ShapeError
    where a window does not fit.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.convolution.windows(np.arange(5.0), 3, stride=2)
    array([[0., 1., 2.],
           [2., 3., 4.]])
    """
    x = array(x)
    size = _for_each(size, 1 if isinstance(size, int | np.integer) else len(size), "size")
    n = len(size)
    stride, dilation = _for_each(stride, n, "stride"), _for_each(dilation, n, "dilation")
    extent = shape_of(x)[len(shape_of(x)) - n :]
    if len(extent) < n or any(c < 1 for c in sliding.counts(extent, size, stride, dilation)):
        raise ShapeError(
            f"windows of {size} elements, {dilation} apart, in an array of shape {shape_of(x)}",
            why="the window is larger than the array",
            write="a smaller window, or padding",
        )
    return sliding.windows(x, size=size, stride=stride, dilation=dilation)


# convolution -------------------------------------------------------------------------------------------------------
def conv(x: Any, w: Any, *, stride: Any = 1, padding: Padding = 0, dilation: Any = 1, groups: int = 1) -> Any:
    """The sliding product that neural networks call convolution: the kernel is not turned round.

    Law: `y[..., o, i] = sum_ck w[o, c, k] x[..., c, stride i + dilation k - padding]`, zeros outside of x.
    `(..., c, *extent), (o, c / groups, *size) -> (..., o, *counts)`. The kernel says how many axes windows slide along.
    groups: channels are taken in so many groups, each with its part of the kernels; as many as channels: depthwise.
    Computed as one matrix product of the copied windows. Raises ShapeError where shapes do not fit.

    >>> import numpy as np
    >>> import wengert as wg
    >>> x, w = np.arange(6.0).reshape(1, 6), np.array([[[1.0, -1.0]]])
    >>> wg.convolution.conv(x, w, stride=2)
    array([[-1., -1., -1.]])
    >>> wg.grad(lambda w: np.sum(wg.convolution.conv(x, w)))(w)
    array([[[10., 15.]]])
    """
    x, w = common(floating(x), floating(w))
    lead, channels, size = _fitting(shape_of(x), shape_of(w), groups, "conv")
    n = len(size)
    stride, dilation = _for_each(stride, n, "stride"), _for_each(dilation, n, "dilation")
    x = reshape(x, shape=(math.prod(lead), *shape_of(x)[len(lead) :]))
    y = windows(_padded(x, _pairs(padding, size, dilation)), size, stride=stride, dilation=dilation)
    counts = shape_of(y)[2 : 2 + n]
    inner = (channels // groups) * math.prod(size)
    columns = transpose(y, axes=(0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n)))
    columns = reshape(columns, shape=(*shape_of(y)[:1], groups, inner, math.prod(counts)))
    kernels = reshape(w, shape=(groups, shape_of(w)[0] // groups, inner))
    return reshape(_products(kernels, columns, "ok,nkl->nol"), shape=(*lead, shape_of(w)[0], *counts))


def _products(kernels: Any, columns: Any, subscripts: str) -> Any:
    """A contraction for each group, axis 0 of the kernels and 1 of the columns; one group has no axis."""
    if shape_of(kernels)[0] == 1:
        one = reshape(kernels, shape=shape_of(kernels)[1:])
        shape = shape_of(columns)
        return einsum(one, reshape(columns, shape=(shape[0], *shape[2:])), subscripts=subscripts)
    left, right, result = subscripts.replace("->", ",").split(",")
    return einsum(kernels, columns, subscripts=f"g{left},ng{right[1:]}->ng{result[1:]}")


def _fitting(x: Ints, w: Ints, groups: int, name: str) -> tuple[Ints, int, Ints]:
    """Leading axes, channels, and size of windows; ShapeError where they do not fit."""
    n = len(w) - 2
    channels = x[-n - 1] if len(x) > n >= 0 else None
    inward = w[1] * groups if name == "conv" and n >= 0 else w[0] if n >= 0 else None
    if n < 1 or channels != inward or w[0] % groups or groups < 1:
        form = "(out, in / groups, *size)" if name == "conv" else "(in, out / groups, *size)"
        raise ShapeError(
            f"{name} of an array of shape {x} and kernels of shape {w}, in {groups} groups",
            why=f"the array is (..., channels, *extent), the kernels are {form}",
            write="x[..., None, :] for one channel, w[None, None] for one kernel",
        )
    return x[: len(x) - n - 1], int(channels or 0), w[2:]


def conv_transpose(
    y: Any, w: Any, *, stride: Any = 1, padding: Padding = 0, dilation: Any = 1, groups: int = 1, extra: Any = 0
) -> Any:
    """The transpose of `conv` in its array, as upsampling uses it: <conv(x, w), y> = <x, conv_transpose(y, w)>.

    Law: `x[..., c, m] = sum_oik w[o, c, k] y[..., o, i]` over `stride i + dilation k - padding = m`.
    `(..., o, *counts), (o, c / groups, *size) -> (..., c, *extent)`, where `extent = (counts - 1) stride +
    dilation (size - 1) + 1 - 2 padding + extra`; extra (below stride) is what conv leaves out at the end.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.convolution.conv_transpose(np.array([[1.0, 2.0]]), np.array([[[1.0, 10.0, 100.0]]]), stride=2)
    array([[  1.,  10., 102.,  20., 200.]])
    """
    y, w = common(floating(y), floating(w))
    lead, channels, size = _fitting(shape_of(y), shape_of(w), groups, "conv_transpose")
    n = len(size)
    stride, dilation = _for_each(stride, n, "stride"), _for_each(dilation, n, "dilation")
    pairs, more = _pairs(padding, size, dilation), _for_each(extra, n, "extra", 0)
    counts, out = shape_of(y)[-n:], shape_of(w)[1] * groups
    kernels = reshape(w, shape=(groups, channels // groups, shape_of(w)[1] * math.prod(size)))
    rows = reshape(y, shape=(math.prod(lead), groups, channels // groups, math.prod(counts)))
    columns = reshape(_products(kernels, rows, "ok,nol->nkl"), shape=(math.prod(lead), out, *size, *counts))
    columns = transpose(columns, axes=(0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n)))
    spans = [
        (c - 1) * s + (k - 1) * d + 1 + e for c, s, k, d, e in zip(counts, stride, size, dilation, more, strict=True)
    ]
    x = sliding.overlap_add(columns, extent=tuple(spans), stride=stride, dilation=dilation)
    kept = [(before, span - before - after, 1) for span, (before, after) in zip(spans, pairs, strict=True)]
    if any(count < 1 for _, count, _ in kept):
        raise ShapeError(f"padding={padding!r} of {spans}", why="nothing remains", write="less padding")
    index = tuple((0, m, 1) for m in shape_of(x)[:2]) + tuple(kept)
    x = slice_(x, index=index)
    return reshape(x, shape=(*lead, *shape_of(x)[1:]))


# pooling -----------------------------------------------------------------------------------------------------------
def _pooled(x: Any, size: Any, stride: Any, padding: Padding, dilation: Any, outside: float) -> Any:
    """The windows of pooling, the places in a window as last axes; by default windows stand side by side."""
    size = _for_each(size, 1 if isinstance(size, int | np.integer) else len(size), "size")
    n = len(size)
    dilation = _for_each(dilation, n, "dilation")
    x = _padded(x, _pairs(padding, size, dilation), outside)
    return windows(x, size, stride=size if stride is None else stride, dilation=dilation), n


def max_pool(x: Any, size: Any, *, stride: Any = None, padding: Padding = 0, dilation: Any = 1) -> Any:
    """The largest element of each window of the last axes, as many as `size` has numbers.

    Law: `y[..., i] = max_k x[..., stride i + dilation k - padding]`; stride is the size unless given. Where several are
    the largest they share the derivative equally, as everywhere in this library.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.grad(lambda x: np.sum(wg.convolution.max_pool(x, 2)))(np.array([1.0, 3.0, 2.0, 2.0]))
    array([0. , 1. , 0.5, 0.5])
    """
    y, n = _pooled(floating(x), size, stride, padding, dilation, -np.inf)
    return wnp.max(y, axis=tuple(range(-n, 0)))


def avg_pool(x: Any, size: Any, *, stride: Any = None, padding: Padding = 0, dilation: Any = 1) -> Any:
    """The mean of each window of the last axes, as many as `size` has numbers; padding counts as zeros.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.convolution.avg_pool(np.arange(6.0), 2)
    array([0.5, 2.5, 4.5])
    """
    y, n = _pooled(floating(x), size, stride, padding, dilation, 0.0)
    return wnp.mean(y, axis=tuple(range(-n, 0)))
