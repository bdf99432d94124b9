"""What the functions of scipy.ndimage share: how an array goes on beyond its edges, and numbers for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.types import shape_of
from ...errors import ShapeError
from ...numpy.dispatch import unsupported_argument
from ...numpy.parts import AxisIndex

# SciPy's names and NumPy's: d c b a | a b c d | d c b a is "reflect" there and "symmetric" here.
PADDING: dict[str, Any] = {
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap",
    "grid-wrap": "wrap", "constant": "constant", "grid-constant": "constant",
}  # fmt: skip


def no_output(name: str, output: Any) -> None:
    """An array to write into cannot be kept apart from its old values."""
    if output is not None:
        raise unsupported_argument(f"scipy.ndimage.{name}", "output", output, f"y = {name}(...), without output")


def for_each(value: Any, n: int, name: str) -> list[Any]:
    """A value for each of n axes."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * n
    found = list(value)
    if len(found) != n:
        raise ShapeError(f"{name}={value!r}", why=f"there are {n} axes", write=f"{name}={found[:1] * n!r}")
    return found


def chosen(x: Any, axes: Any) -> list[int]:
    """The axes that a function works along; None: all of them."""
    n = len(shape_of(x))
    return list(range(n)) if axes is None else [AxisIndex(a, n) for a in (axes if np.iterable(axes) else [axes])]


def extended(x: Any, widths: dict[int, tuple[int, int]], modes: Sequence[str], cval: Any) -> Any:
    """x with more elements before and behind some of its axes, as modes say."""
    n = len(shape_of(x))
    for (axis, width), mode in zip(widths.items(), modes, strict=True):
        if mode not in PADDING:
            raise RuntimeError("boundary mode not supported")
        if not any(width):
            continue
        pad = [width if i == axis else (0, 0) for i in range(n)]
        extra: Any = {"constant_values": cval} if PADDING[mode] == "constant" else {}
        x = np.pad(x, pad, PADDING[mode], **extra)
    return x


def around(size: int, origin: int) -> tuple[int, int]:
    """How many elements a window of this size needs before and behind: its centre is at size // 2 + origin."""
    before = size // 2 + origin
    if not 0 <= before < size:
        raise ValueError("invalid origin")
    return before, size - 1 - before
