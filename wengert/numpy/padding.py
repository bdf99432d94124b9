"""numpy.pad: every mode that is linear in the array is a selection of its elements, or a matrix, along each axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedFunctionError
from ..primitives.gather import gather
from ..primitives.index import Index, along, place
from ..primitives.shape import broadcast_to
from .assignment import assigned
from .dispatch import any_traced, implements
from .joining import concatenate
from .ufuncs import operand, to_dtype
from .universal import array as as_array

__all__ = ["pad"]

_plain_pad: Any = np.pad
_SELECTING = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS: dict[str, Any] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}
_ARGUMENTS = {
    "empty": (), "edge": (), "wrap": (), "constant": ("constant_values",), "linear_ramp": ("end_values",),
    "reflect": ("reflect_type",), "symmetric": ("reflect_type",), **dict.fromkeys(_STATISTICS, ("stat_length",)),
}  # fmt: skip


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with a margin on each side of each axis, filled as the mode says."""
    x = as_array(array)
    if callable(mode):
        raise UnsupportedFunctionError(
            "numpy.pad(mode=<function>) is not differentiated",
            why="the function writes into a plain array",
            write="np.concatenate of the margins and the array",
        )
    if mode not in _ARGUMENTS:
        raise ValueError(f"mode '{mode}' is not supported")
    unknown = set(kwargs) - set(_ARGUMENTS[mode])
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(k, pad_width.get(k - len(x.shape), 0)) for k in range(len(x.shape))]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = _pairs(pad_width, len(x.shape))
    if any(int(n) < 0 for w in widths for n in w):
        raise ValueError("index can't contain negative values")
    widths = [(int(a), int(b)) for a, b in widths]
    if mode in ("constant", "empty"):
        return _constant(x, widths, kwargs.get("constant_values", 0))
    for axis, width in enumerate(widths):
        if width != (0, 0):
            x = _one_axis(x, axis, width, mode, kwargs)
    return x


def _pairs(values: Any, ndim: int) -> list[tuple[Any, Any]]:
    """One pair (before, after) for each axis, from a number, a pair, or a pair an axis."""
    if any_traced((values,)):
        values = operand(values)
        found = broadcast_to(values, shape=(ndim, 2))
        return [(found[k, 0], found[k, 1]) for k in range(ndim)]
    return [(a, b) for a, b in np.broadcast_to(np.asarray(values), (ndim, 2))]


def _constant(x: Any, widths: list[tuple[int, int]], values: Any) -> Any:
    """Zeros around the array, then the margins of each axis set."""
    shape = tuple(a + n + b for n, (a, b) in zip(x.shape, widths, strict=True))
    inside = Index((a, n, 1) for n, (a, _) in zip(x.shape, widths, strict=True))
    y = place(x, index=inside, shape=shape)
    if not any_traced((values,)) and not np.any(values):
        return y
    for axis, (pair, width) in enumerate(zip(_pairs(values, len(shape)), widths, strict=True)):
        for value, n, key in zip(
            pair, width, (slice(None, width[0]), slice(shape[axis] - width[1], None)), strict=True
        ):
            if n:
                y[(slice(None),) * axis + (key,)] = value
    return y


def _one_axis(x: Any, axis: int, width: tuple[int, int], mode: str, kwargs: dict[str, Any]) -> Any:
    n = x.shape[axis]
    if mode in ("maximum", "minimum", "median"):
        return _statistic(x, axis, width, mode, _pairs_of(kwargs.get("stat_length"), len(x.shape))[axis])
    if mode in _SELECTING and kwargs.get("reflect_type", "even") == "even":
        return gather(x, _plain_pad(np.arange(n), width, mode), axis=axis)
    options = dict(kwargs)
    if mode == "mean":
        lengths = _pairs_of(kwargs.get("stat_length"), len(x.shape))[axis]
        options["stat_length"] = None if lengths is None else (lengths, (1, 1))
    elif mode == "linear_ramp":
        return _ramp(x, axis, width, _pairs(kwargs.get("end_values", 0), len(x.shape))[axis])
    matrix = _plain_pad(np.eye(n, dtype=x.dtype), (width, (0, 0)), mode, **options)
    return np.moveaxis(np.tensordot(matrix, x, axes=(1, axis)), 0, axis)


def _pairs_of(lengths: Any, ndim: int) -> list[Any]:
    return [None] * ndim if lengths is None else [(int(a), int(b)) for a, b in _pairs(lengths, ndim)]


def _slab(x: Any, axis: int, start: int, count: int) -> Any:
    key = along(axis, x.shape, (start, count, 1))
    return x[tuple(slice(s, s + c) for s, c, _ in key)]


def _statistic(x: Any, axis: int, width: tuple[int, int], mode: str, lengths: Any) -> Any:
    """Margins that repeat a statistic of the elements next to them."""
    n = x.shape[axis]
    first, last = (n, n) if lengths is None else (min(k, n) for k in lengths)
    parts = [x]
    for count, slab, front in (
        (width[0], _slab(x, axis, 0, first), True),
        (width[1], _slab(x, axis, n - last, last), False),
    ):
        value = to_dtype(_STATISTICS[mode](slab, axis=axis, keepdims=True), x.dtype)
        margin = broadcast_to(value, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))
        parts = [margin, *parts] if front else [*parts, margin]
    return concatenate(parts, axis)


def _ramp(x: Any, axis: int, width: tuple[int, int], ends: tuple[Any, Any]) -> Any:
    """Margins that go linearly from the end values to the edges."""
    n = x.shape[axis]
    parts = [x]
    for count, edge, end, front in (
        (width[0], _slab(x, axis, 0, 1), ends[0], True),
        (width[1], _slab(x, axis, n - 1, 1), ends[1], False),
    ):
        t = (np.arange(count, dtype=x.dtype) / max(count, 1)).reshape(-1, *(1,) * (len(x.shape) - axis - 1))
        t = t.astype(x.dtype)
        margin = end + (edge - end) * (t if front else t[::-1])
        parts = [margin, *parts] if front else [*parts, margin]
    return concatenate([assigned(p, p.shape, x.dtype) for p in parts], axis)
