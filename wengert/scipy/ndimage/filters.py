"""Linear filters: correlation and convolution with weights, Gaussian and uniform averages, differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage

from ...convolution import conv
from ...core.trace import concrete
from ...core.types import ArrayType, shape_of
from ...errors import UnsupportedFunctionError
from ...numpy.dispatch import implements
from ...numpy.parts import AxisIndex, common, floating
from ...numpy.ufuncs import to_dtype
from ...primitives.convolve import correlate as sliding_product
from ...primitives.shape import broadcast_to
from .common import around, chosen, extended, for_each, no_output

__all__ = [
    "convolve", "convolve1d", "correlate", "correlate1d", "gaussian_filter", "gaussian_filter1d",
    "gaussian_gradient_magnitude", "gaussian_laplace", "laplace", "prewitt", "sobel", "uniform_filter",
    "uniform_filter1d",
]  # fmt: skip


def in_dtype_of_array(x: Any, w: Any) -> tuple[Any, Any]:
    """An array and weights in the array's precision, complex where one of them is."""
    x, w = floating(x), floating(w)
    dtype = np.result_type(x.dtype, np.complex64) if w.dtype.kind == "c" else x.dtype
    return to_dtype(x, dtype), to_dtype(w, dtype)


def _along(x: Any, w: Any, axis: int, mode: str, cval: Any, origin: int) -> Any:
    """y_i = sum_k w_k x_(i + k - size // 2 - origin)."""
    x, w = in_dtype_of_array(x, w)
    if 0 in shape_of(x):
        return x
    axis = AxisIndex(axis, len(shape_of(x)))
    x = extended(x, {axis: around(shape_of(w)[0], origin)}, [mode], cval)
    rows = np.moveaxis(x, axis, -1)
    w = broadcast_to(w, shape=(*shape_of(rows)[:-1], *shape_of(w)))
    return np.moveaxis(sliding_product(rows, w), -1, axis)


@implements(scipy.ndimage.correlate1d)
def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """y_i = sum_k w_k x_(i+k-m) along an axis, m = len(w) // 2 + origin; differentiated in x and w."""
    no_output("correlate1d", output)
    return _along(input, weights, axis, mode, cval, origin)


@implements(scipy.ndimage.convolve1d)
def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """y_i = sum_k w_k x_(i-k+m) along an axis."""
    no_output("convolve1d", output)
    (w,) = common(weights)
    return _along(input, w[::-1], axis, mode, cval, -origin - (1 - shape_of(w)[0] % 2))


@implements(scipy.ndimage.correlate)
def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """y_i = sum_k w_k x_(i+k-m) over several axes."""
    no_output("correlate", output)
    x, w = in_dtype_of_array(input, weights)
    along = chosen(x, axes)
    n = len(along)
    if 0 in shape_of(x):
        return x
    if len(shape_of(w)) != n:
        raise RuntimeError(f"weights.ndim ({len(shape_of(w))}) must match len(axes) ({n})")
    widths = {a: around(k, o) for a, k, o in zip(along, shape_of(w), for_each(origin, n, "origin"), strict=True)}
    x = extended(x, widths, for_each(mode, n, "mode"), cval)
    last = np.moveaxis(x, along, range(-n, 0))
    return np.moveaxis(
        conv(last[..., None, *(slice(None),) * n], w[None, None])[..., 0, *(slice(None),) * n], range(-n, 0), along
    )


@implements(scipy.ndimage.convolve)
def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """y_i = sum_k w_k x_(i-k+m) over several axes."""
    (w,) = common(weights)
    size = shape_of(w)
    turned = [-o - (1 - k % 2) for o, k in zip(for_each(origin, len(size), "origin"), size, strict=True)]
    return correlate(input, w[(slice(None, None, -1),) * len(size)], output, mode, cval, turned, axes=axes)


# Gaussian and uniform averages ---------------------------------------------------------------------------------------
def _radius(sigma: Any, truncate: float, radius: int | None) -> int:
    """How far a kernel reaches: truncate sigma, where sigma is known."""
    if radius is not None:
        return int(radius)
    value = concrete(sigma)
    if isinstance(value, ArrayType):
        raise UnsupportedFunctionError(
            "the number of weights of gaussian_filter1d is needed, and sigma is known only by its type",
            why="shapes may not depend on data (under jit or in a loop)",
            write="gaussian_filter1d(x, sigma, radius=10)",
        )
    return int(truncate * float(np.max(value)) + 0.5)  # under vmap: of all lanes


def _gaussian(sigma: Any, order: int, radius: int) -> Any:
    """exp(-x^2 / 2 sigma^2), of sum one, or a derivative: q(x) times it, where q' - x / sigma^2 q is the next q."""
    x = np.arange(-radius, radius + 1.0)
    kernel = np.exp(-0.5 * x**2 / sigma**2)
    kernel = kernel / np.sum(kernel)
    q: list[Any] = [1.0]  # coefficients of q
    for _ in range(order):
        slope = [i * c for i, c in enumerate(q)][1:] + [0.0, 0.0]
        q = [a - b / sigma**2 for a, b in zip(slope, [0.0, *q], strict=True)]
    return sum(c * x**i for i, c in enumerate(q)) * kernel


@implements(scipy.ndimage.gaussian_filter1d)
def gaussian_filter1d(
    input: Any,
    sigma: Any,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Any:
    """Correlation with a Gaussian of standard deviation sigma, or its derivative; differentiated in sigma too, at a
    fixed number of weights."""
    no_output("gaussian_filter1d", output)
    if order < 0:
        raise ValueError("order must be non-negative")
    weights = _gaussian(sigma, int(order), _radius(sigma, truncate, radius))
    return _along(input, weights[::-1], axis, mode, cval, 0)


def _each_axis(f: Callable[..., Any], x: Any, axes: Any, *values: Any) -> Any:
    """A filter along one axis after the other, each with its values."""
    along = chosen(x, axes)
    for axis, *some in zip(along, *(for_each(v, len(along), "a parameter") for v in values), strict=True):
        x = f(x, axis, *some)
    return x


@implements(scipy.ndimage.gaussian_filter)
def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """gaussian_filter1d along one axis after the other."""
    no_output("gaussian_filter", output)

    def one(x: Any, axis: int, sigma: Any, order: int, mode: str, radius: Any) -> Any:
        return gaussian_filter1d(x, sigma, axis, order, None, mode, cval, truncate, radius=radius)

    sigmas = list(sigma) if np.ndim(sigma) else sigma
    return _each_axis(one, floating(input), axes, sigmas, order, mode, radius)


@implements(scipy.ndimage.uniform_filter1d)
def uniform_filter1d(
    input: Any, size: int, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: int = 0
) -> Any:
    """The mean of `size` neighbours."""
    no_output("uniform_filter1d", output)
    return _along(input, np.full(int(size), 1 / int(size)), axis, mode, cval, origin)


@implements(scipy.ndimage.uniform_filter)
def uniform_filter(
    input: Any,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """The mean of a box of neighbours."""
    no_output("uniform_filter", output)

    def one(x: Any, axis: int, size: int, mode: str, origin: int) -> Any:
        return uniform_filter1d(x, size, axis, None, mode, cval, origin)

    return _each_axis(one, floating(input), axes, size, mode, origin)


# differences -------------------------------------------------------------------------------------------------------
def _difference(name: str, smooth: list[float]) -> Callable[..., Any]:
    """Central differences along an axis, smoothed along the others."""

    def f(input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
        no_output(name, output)
        x = floating(input)
        n = len(shape_of(x))
        modes = for_each(mode, n, "mode")
        axis = AxisIndex(axis, n)
        y = _along(x, np.array([-1.0, 0.0, 1.0]), axis, modes[axis], cval, 0)
        for other in range(n):
            y = y if other == axis else _along(y, np.array(smooth), other, modes[other], cval, 0)
        return y

    f.__name__ = name
    f.__doc__ = f"x_(i+1) - x_(i-1) along an axis, averaged with weights {smooth} along the others."
    return implements(getattr(scipy.ndimage, name))(f)


sobel = _difference("sobel", [1.0, 2.0, 1.0])
prewitt = _difference("prewitt", [1.0, 1.0, 1.0])


@implements(scipy.ndimage.laplace)
def laplace(input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None) -> Any:
    """The sum over axes of x_(i-1) - 2 x_i + x_(i+1)."""
    no_output("laplace", output)
    x = floating(input)
    along = chosen(x, axes)
    second = np.array([1.0, -2.0, 1.0])
    modes = for_each(mode, len(along), "mode")
    return _total([_along(x, second, a, m, cval, 0) for a, m in zip(along, modes, strict=True)])


def _total(terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _slopes(x: Any, sigma: Any, order: int, mode: Any, cval: Any, axes: Any, options: dict[str, Any]) -> list[Any]:
    """Derivatives of the Gaussian average along each axis."""
    along = chosen(x, axes)
    orders = [[order * (a == b) for b in along] for a in along]
    return [gaussian_filter(x, sigma, o, None, mode, cval, axes=along, **options) for o in orders]


@implements(scipy.ndimage.gaussian_laplace)
def gaussian_laplace(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **options: Any,
) -> Any:
    """The sum of second derivatives of the Gaussian average."""
    no_output("gaussian_laplace", output)
    return _total(_slopes(floating(input), sigma, 2, mode, cval, axes, options))


@implements(scipy.ndimage.gaussian_gradient_magnitude)
def gaussian_gradient_magnitude(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **options: Any,
) -> Any:
    """The norm of the gradient of the Gaussian average; where that is 0, its derivative is 0."""
    no_output("gaussian_gradient_magnitude", output)
    slopes = np.stack(_slopes(floating(input), sigma, 1, mode, cval, axes, options))
    return np.linalg.norm(slopes, axis=0)
