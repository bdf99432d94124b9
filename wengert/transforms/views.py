"""Algebra on shapes: reshape, transpose, broadcast_to, sums, and elementwise work before the views of its result.

Canonical forms: an axis of length one is added or dropped by `reshape`, never by `slice`, `transpose` or `sum`; an
array filled with one number is `broadcast_to` of a literal; elementwise work comes before the broadcast of its result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.program import Atom, Equation, Literal
from ..core.types import ArrayType, Shape
from ..primitives import elementwise as ew
from ..primitives import reduce as rd
from ..primitives.shape import broadcast_to, reshape, sum_, transpose
from .builder import POINTWISE, Builder, Claim, rewrite


def squeezed(shape: Sequence[int]) -> Shape:
    """The shape without axes of length one."""
    return tuple(n for n in shape if n != 1)


def aligned(shape: Shape, ndim: int) -> Shape:
    """The shape with ones in front, as broadcasting has it."""
    return (1,) * (ndim - len(shape)) + shape


def viewed(b: Builder, x: Atom, shape: Shape) -> Atom:
    """x with another shape."""
    return x if x.type.shape == shape else b.make(reshape, x, shape=shape)


def spread(b: Builder, x: Atom, shape: Shape) -> Atom:
    """x broadcast to a shape."""
    return x if x.type.shape == shape else b.make(broadcast_to, x, shape=shape)


def adds_ones(eq: Equation) -> bool:
    """Does a reshape only add or drop axes of length one?"""
    return squeezed(eq.inputs[0].type.shape) == squeezed(eq.params["shape"])


# elementwise primitives ------------------------------------------------------------------------------------------
VIEWS = (broadcast_to, reshape)


def pointwise(b: Builder, p: Primitive, y: ArrayType, inputs: tuple[Atom, ...], params: dict[str, Any]) -> Atom | None:
    """Elementwise work on numbers rather than on arrays filled with them, and before the views of its result.

    EXACT: each element is computed from the same numbers.
    """
    made = b.made
    for a in inputs:
        eq = made.get(a)
        if eq is not None and eq.primitive in VIEWS:
            break
    else:
        return None
    numbers = tuple([b.splat(a) or a for a in inputs])
    arrays = [a for a in numbers if a.type.shape]
    if not arrays:
        if numbers == inputs:
            return None
        return b.filled(b.make(p, *numbers, **params), y.shape)
    if numbers != inputs:
        return b.make(p, *numbers, **params)
    views = [made.get(a) for a in arrays]
    if views[0] is None or any(eq is None or eq.primitive is not views[0].primitive for eq in views):
        return None
    inner = before_reshape(views) if views[0].primitive is reshape else before_broadcast(views, y)  # type: ignore[arg-type]
    if inner is None:
        return None
    sources = [spread(b, viewed_in_front(b, made[a].inputs[0], inner), inner) if a.type.shape else a for a in inputs]
    return b.make(views[0].primitive, b.make(p, *sources, **params), shape=y.shape)


POINTWISE.append(pointwise)


def viewed_in_front(b: Builder, x: Atom, shape: Shape) -> Atom:
    """x, without ones in front that the shape lacks."""
    extra = x.type.ndim - len(shape)
    return x if extra <= 0 else viewed(b, x, x.type.shape[extra:])


def before_reshape(views: list[Equation]) -> Shape | None:
    """The one shape before axes of length one were added or dropped."""
    shapes = {eq.inputs[0].type.shape for eq in views}
    return shapes.pop() if len(shapes) == 1 and all(map(adds_ones, views)) else None


def before_broadcast(views: list[Equation], y: ArrayType) -> Shape | None:
    """The shape to which the operands of a smaller result are broadcast."""
    columns = zip(*(aligned(eq.inputs[0].type.shape, y.ndim) for eq in views), strict=True)
    inner = tuple(max(column) for column in columns)
    if inner == y.shape:
        return None
    while inner and inner[0] == 1 and all(len(eq.inputs[0].type.shape) < len(inner) for eq in views):
        inner = inner[1:]
    return inner


# reshape ---------------------------------------------------------------------------------------------------------
@rewrite(reshape, claim=Claim.EXACT, why="the shape is that already, or is changed twice")
def reshape_twice(b: Builder, y: ArrayType, x: Atom, shape: Shape) -> Atom | None:
    if x.type.shape == shape:
        return x
    eq = b.maker(x, reshape)
    return None if eq is None else viewed(b, eq.inputs[0], shape)


@rewrite(reshape, claim=Claim.EXACT, why="all elements are one number, or axes of length one are added before as well")
def reshape_of_broadcast(b: Builder, y: ArrayType, x: Atom, shape: Shape) -> Atom | None:
    eq = b.maker(x, broadcast_to)
    if eq is None:
        return None
    source = eq.inputs[0]
    if type(source) is Literal:
        return b.filled(source, shape)
    if squeezed(x.type.shape) != squeezed(shape):
        return None
    small = iter([n for n, m in zip(aligned(source.type.shape, x.type.ndim), x.type.shape, strict=True) if m != 1])
    return spread(b, viewed(b, source, tuple(1 if n == 1 else next(small) for n in shape)), shape)


# transpose -------------------------------------------------------------------------------------------------------
@rewrite(transpose, claim=Claim.EXACT, why="two permutations are one, and one that moves no elements is a reshape")
def transpose_twice(b: Builder, y: ArrayType, x: Atom, axes: tuple[int, ...]) -> Atom | None:
    long = [a for a in axes if x.type.shape[a] != 1]
    if long == sorted(long):
        return viewed(b, x, y.shape)
    eq = b.maker(x, transpose)
    return None if eq is None else b.make(transpose, eq.inputs[0], axes=tuple(eq.params["axes"][a] for a in axes))


@rewrite(transpose, claim=Claim.EXACT, why="the axes are permuted before")
def transpose_of_broadcast(b: Builder, y: ArrayType, x: Atom, axes: tuple[int, ...]) -> Atom | None:
    eq = b.maker(x, broadcast_to)
    if eq is None:
        return None
    source = eq.inputs[0]
    if type(source) is Literal:
        return b.filled(source, y.shape)
    whole = viewed(b, source, aligned(source.type.shape, x.type.ndim))
    return spread(b, b.make(transpose, whole, axes=axes), y.shape)


# broadcast_to ----------------------------------------------------------------------------------------------------
@rewrite(broadcast_to, claim=Claim.EXACT, why="broadcasting twice is broadcasting once, to nothing new is a reshape")
def broadcast_twice(b: Builder, y: ArrayType, x: Atom, shape: Shape) -> Atom | None:
    if type(x) is Literal:
        number = b.literal(y.dtype.type(x.value))
        if not shape:
            return number
        return b.make(broadcast_to, number, shape=shape) if number is not x else None
    if aligned(x.type.shape, len(shape)) == shape:
        return viewed(b, x, shape)
    eq = b.made.get(x)
    if eq is None or eq.primitive not in VIEWS:
        return None
    source = eq.inputs[0]
    if eq.primitive is reshape:
        in_front = x.type.ndim >= source.type.ndim and aligned(source.type.shape, x.type.ndim) == x.type.shape
        return b.make(broadcast_to, source, shape=shape) if in_front else None
    return b.make(broadcast_to, source, shape=shape)


# sums ------------------------------------------------------------------------------------------------------------
def without_ones(b: Builder, p: Primitive, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    """A reduction over the axes that are longer than one."""
    long = tuple(a for a in axis if x.type.shape[a] != 1)
    if x.type.dtype != y.dtype or (long == axis and axis):
        return None
    return viewed(b, b.make(p, x, axis=long) if long else x, y.shape)


@rewrite(sum_, claim=Claim.EQUAL, why="the sum of one number is that number, save that NumPy's of -0 is 0")
def sum_of_one(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    return without_ones(b, sum_, y, x, axis)


def reduction_of_one(p: Primitive) -> None:
    """Add the rule for a reduction."""

    @rewrite(p, claim=Claim.EXACT, why="one number is its own product and maximum")
    def reduction_of_one(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
        return without_ones(b, p, y, x, axis)


for _p in (rd.prod, rd.max_, rd.min_, rd.all_, rd.any_):
    reduction_of_one(_p)


@rewrite(sum_, claim=Claim.ROUNDED, why="sums may be taken in any order")
def sum_twice(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    eq = b.maker(x, sum_)
    if eq is None:
        return None
    source = eq.inputs[0]
    left = [i for i in range(source.type.ndim) if i not in eq.params["axis"]]
    return b.make(sum_, source, axis=tuple(sorted((*eq.params["axis"], *(left[a] for a in axis)))))


@rewrite(sum_, claim=Claim.ROUNDED, why="n times x is the sum of n of them, rounded once")
def sum_of_broadcast(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    eq = b.maker(x, broadcast_to)
    if eq is None or y.dtype.kind not in "fc" or y.dtype.itemsize < 4 or 0 in x.type.shape or -1 in x.type.shape:
        return None
    source, shape = eq.inputs[0], x.type.shape
    small = aligned(source.type.shape, len(shape))
    repeated = [a for a in axis if small[a] == 1]
    if not repeated:
        return None
    n = math.prod(shape[a] for a in repeated)
    if type(source) is Literal:
        with np.errstate(all="ignore"):
            return b.filled(b.literal(y.dtype.type(source.value * y.dtype.type(n))), y.shape)
    rest = b.make(sum_, viewed(b, source, small), axis=axis)
    return spread(b, b.make(ew.mul, b.literal(float(n)), rest), y.shape)


@rewrite(sum_, claim=Claim.EXACT, why="axes of length one play no part")
def sum_of_reshape(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    eq = b.maker(x, reshape)
    if eq is None or not adds_ones(eq):
        return None
    source = eq.inputs[0]
    places = iter([i for i, n in enumerate(source.type.shape) if n != 1])
    where = [None if n == 1 else next(places) for n in x.type.shape]
    return viewed(b, b.make(sum_, source, axis=tuple(i for a in axis if (i := where[a]) is not None)), y.shape)


@rewrite(sum_, claim=Claim.ROUNDED, why="sums may be taken in any order")
def sum_of_transpose(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    eq = b.maker(x, transpose)
    if eq is None:
        return None
    axes = eq.params["axes"]
    before = tuple(sorted(axes[a] for a in axis))
    left = [a for a in range(len(axes)) if a not in before]
    total = b.make(sum_, eq.inputs[0], axis=before)
    return b.make(transpose, total, axes=tuple(left.index(a) for i, a in enumerate(axes) if i not in axis))


@rewrite(rd.cumsum, claim=Claim.EXACT, why="one number is its own sum")
def cumsum_of_one(b: Builder, y: ArrayType, x: Atom, axis: int, reverse: bool) -> Atom | None:
    return x if x.type.shape[axis] == 1 else None
