"""Reductions and accumulations along axes: products, extrema and where they are attained, cumulative sums, logic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Linear, Primitive, Sample
from ..core.types import ArrayType, dtype_of, shape_of
from .elementwise import convert, div, mul
from .index import lanes
from .shape import reduced, reshape, shifted, sum_, transpose

Axes = tuple[int, ...]


def _cases(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((3,), (0,)), ((2, 3), (1,)), ((2, 3, 2), (0, 2)), ((2, 3), ()), ((2, 0), (0,)), ((), ())]:
        yield Sample((np.asarray(rng.normal(size=shape)),), {"axis": axis})


def _cases_along(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((4,), 0), ((2, 3), 1), ((2, 3, 2), 1), ((2, 0), 0)]:
        yield Sample((rng.normal(size=shape),), {"axis": axis})


def _directed(samples: Callable[[Any], Iterator[Sample]]) -> Callable[[Any], Iterator[Sample]]:
    """The samples, forwards and in reverse."""

    def both(rng: np.random.Generator) -> Iterator[Sample]:
        for reverse in (False, True):
            for sample in samples(rng):
                yield Sample(sample.args, {**sample.params, "reverse": reverse})

    return both


def _reduction(name: str, impl: Any, kind: Any, dtype: Any = None) -> Primitive:
    """A primitive that reduces over a tuple of axes; its dtype is that of the operand unless given."""

    def batch(size: int, batched: list[bool], x: Any, *, axis: Axes) -> tuple[Any, bool]:
        return p(x, axis=shifted(axis)), True

    def type_rule(x: ArrayType, *, axis: Axes) -> ArrayType:
        return ArrayType(reduced(x.shape, axis), x.dtype if dtype is None else dtype)

    p = Primitive(name, impl, kind, type_rule=type_rule, batch=batch, samples=_cases)
    return p


# logic -----------------------------------------------------------------------------------------------------------
all_ = _reduction("all", lambda x, axis: np.logical_and.reduce(x, axis), Constant(), bool)
any_ = _reduction("any", lambda x, axis: np.logical_or.reduce(x, axis), Constant(), bool)


def _arg(name: str, f: Any) -> Primitive:
    """argmax, argmin: along one axis."""

    def batch(size: int, batched: list[bool], x: Any, *, axis: int) -> tuple[Any, bool]:
        return p(x, axis=axis + 1), True

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, axis in [((4,), 0), ((2, 3), 1), ((0, 2), 1)]:
            yield Sample((rng.normal(size=shape),), {"axis": axis})

    p = Primitive(
        name,
        lambda x, axis: f(x, axis),
        Constant(),
        type_rule=lambda x, axis: ArrayType(reduced(x.shape, (axis,)), np.intp),
        batch=batch,
        samples=samples,
    )
    return p


argmax = _arg("argmax", np.argmax)
argmin = _arg("argmin", np.argmin)


# extrema ---------------------------------------------------------------------------------------------------------
def _attained(x: Any, y: Any, *, axis: Axes) -> Any:
    """Which elements equal the reduced value? Where that is NaN, which are NaN?"""
    y = np.expand_dims(y, axis)
    hit = np.equal(x, y)
    nan = np.isnan(y)
    return hit | (nan & np.isnan(x)) if nan.any() else hit


def _attained_batch(size: int, batched: list[bool], x: Any, y: Any, *, axis: Axes) -> tuple[Any, bool]:
    return attained(lanes(size, batched[0], x), lanes(size, batched[1], y), axis=shifted(axis)), True


def _attained_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _cases(rng):
        axis = sample.params["axis"]
        yield Sample((sample.args[0], np.max(sample.args[0], axis, initial=-9.0)), {"axis": axis})


attained = Primitive(
    "attained",
    _attained,
    Constant(),
    type_rule=lambda x, y, axis: ArrayType(x.shape, bool),
    batch=_attained_batch,
    samples=_attained_samples,
)
count = _reduction("count", lambda x, axis: np.count_nonzero(x, axis) if x.size else np.add.reduce(x, axis, np.intp),
                   Constant(), np.intp)  # fmt: skip


def _leaders(x: Any, *, axis: int, largest: bool) -> Any:
    """Where the maximum of the elements so far stands: the first place of several, the first NaN if there is one."""
    x = np.moveaxis(x, axis, -1)
    best = (np.maximum if largest else np.minimum).accumulate(x, -1)
    new = np.ones(x.shape, bool)
    before, after = best[..., :-1], x[..., 1:]
    new[..., 1:] = (after > before if largest else after < before) | (np.isnan(after) & ~np.isnan(before))
    return np.moveaxis(np.maximum.accumulate(np.where(new, np.arange(x.shape[-1]), 0), -1), -1, axis)


def _leaders_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _cases_along(rng):
        yield Sample(sample.args, {**sample.params, "largest": True})


leaders = Primitive(
    "leaders",
    _leaders,
    Constant(),
    type_rule=lambda x, axis, largest: ArrayType(x.shape, np.intp),
    batch=lambda size, batched, x, axis, largest: (leaders(x, axis=axis + 1, largest=largest), True),
    samples=_leaders_samples,
)


def _extremum(name: str, ufunc: np.ufunc) -> Primitive:
    """max, min: elements that tie have equal shares of the slope."""

    def jvp(primals: Any, tangents: Any, *, axis: Axes) -> tuple[Any, Any]:
        """y_dot = the mean of x_dot over the elements that attain y."""
        (x,), (x_dot,) = primals, tangents
        y = p(x, axis=axis)
        hit = attained(x, y, axis=axis)
        ties = convert(count(hit, axis=axis), dtype=dtype_of(x))
        return y, div(sum_(mul(x_dot, hit), axis=axis), ties)

    p = _reduction(name, lambda x, axis: ufunc.reduce(x, axis), Custom(jvp))
    p.samples = lambda rng: (s for s in _cases(rng) if 0 not in s.args[0].shape)
    return p


max_ = _extremum("max", np.maximum)
min_ = _extremum("min", np.minimum)


# products --------------------------------------------------------------------------------------------------------
@np.errstate(all="ignore")
def _others(x: Any, axis: Axes) -> Any:
    """For each element the product of all the others that it is reduced with: right also where some are zero."""
    x_shape = shape_of(x)
    rest = tuple(i for i in range(len(x_shape)) if i not in axis)
    order = rest + axis
    shape = tuple(x_shape[i] for i in order)
    flat = reshape(transpose(x, axes=order), shape=(*shape[: len(rest)], int(np.prod(shape[len(rest) :]))))
    before, after = (products_before(flat, axis=len(rest), reverse=r) for r in (False, True))
    inverse = tuple(sorted(range(len(order)), key=order.__getitem__))
    return transpose(reshape(mul(before, after), shape=shape), axes=inverse)


def _prod_jvp(primals: Any, tangents: Any, *, axis: Axes) -> tuple[Any, Any]:
    """y_dot = sum_i x_i_dot prod_(j != i) x_j."""
    (x,), (x_dot,) = primals, tangents
    return prod(x, axis=axis), sum_(mul(x_dot, _others(x, axis)), axis=axis)


prod = _reduction("prod", lambda x, axis: np.multiply.reduce(x, axis), Custom(_prod_jvp))


# accumulations ---------------------------------------------------------------------------------------------------
def _accumulation(name: str, impl: Any, kind: Any, arguments: int = 1, samples: Any = _cases_along) -> Primitive:
    """A primitive that runs along one axis, forwards or in reverse."""

    def batch(size: int, batched: list[bool], *xs: Any, axis: int, reverse: bool) -> tuple[Any, bool]:
        return p(*map(lanes, (size,) * arguments, batched, xs), axis=axis + 1, reverse=reverse), True

    p = Primitive(
        name,
        impl,
        kind,
        type_rule=lambda *xs, axis, reverse: ArrayType(xs[0].shape, xs[0].dtype),
        batch=batch,
        samples=_directed(samples),
    )
    return p


def _flipped(x: Any, axis: int, reverse: bool) -> Any:
    return np.flip(x, axis) if reverse else x


def _shifted(x: Any, axis: int, reverse: bool, first: Any) -> Any:
    """y_i = x_(i-1), and y_0 = first."""
    y = np.empty_like(x)
    later, earlier = slice(1, None), slice(None, -1)
    to, source, edge = (earlier, later, slice(-1, None)) if reverse else (later, earlier, slice(None, 1))
    before = (slice(None),) * axis
    y[(*before, to)] = x[(*before, source)]
    y[(*before, edge)] = first
    return y


def _cumsum(x: Any, *, axis: int, reverse: bool) -> Any:
    return _flipped(np.add.accumulate(_flipped(x, axis, reverse), axis), axis, reverse)


def _products_before(x: Any, *, axis: int, reverse: bool) -> Any:
    x = _shifted(x, axis, reverse, 1)
    return _flipped(np.multiply.accumulate(_flipped(x, axis, reverse), axis), axis, reverse)


def _products_before_jvp(primals: Any, tangents: Any, *, axis: int, reverse: bool) -> tuple[Any, Any]:
    """With p_i = e_i x_i: p_i_dot = x_i p_(i-1)_dot + e_i x_i_dot, a linear recurrence, and e_i = p_(i-1)."""
    (x,), (x_dot,) = primals, tangents
    e = products_before(x, axis=axis, reverse=reverse)
    p_dot = recurrence(x, mul(x_dot, e), axis=axis, reverse=reverse)
    return e, delay(p_dot, axis=axis, reverse=reverse)


def _recurrence(a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    a, b = (_flipped(np.moveaxis(v, axis, 0), 0, reverse) for v in (a, b))
    y = np.empty_like(b)
    last: Any = 0
    with np.errstate(all="ignore"):
        for i in range(len(b)):
            y[i] = last = a[i] * last + b[i]
    return np.moveaxis(_flipped(y, 0, reverse), 0, axis)


def _recurrence_jvp(primals: Any, tangents: Any, **where: Any) -> tuple[Any, Any]:
    """y_i_dot = a_i y_(i-1)_dot + (a_i_dot y_(i-1) + b_i_dot): the same recurrence."""
    (a, b), (a_dot, b_dot) = primals, tangents
    y = recurrence(a, b, **where)
    source = None if a_dot is None else mul(a_dot, delay(y, **where))
    if b_dot is not None:
        source = b_dot if source is None else source + b_dot
    return y, recurrence(a, source, **where)


def _recurrence_T(y_bar: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    """b_i_bar = y_i_bar + a_(i+1) b_(i+1)_bar: backwards."""
    return recurrence(delay(a, axis=axis, reverse=not reverse), y_bar, axis=axis, reverse=not reverse)


def _recurrence_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _cases_along(rng):
        (b,) = sample.args
        yield Sample((rng.normal(size=b.shape), b), sample.params)


cumsum = _accumulation(
    "cumsum", _cumsum, Linear(lambda y_bar, x, axis, reverse: cumsum(y_bar, axis=axis, reverse=not reverse))
)
delay = _accumulation(  # y_i = x_(i-1), and y_0 = 0
    "delay",
    lambda x, axis, reverse: _shifted(x, axis, reverse, 0),
    Linear(lambda y_bar, x, axis, reverse: delay(y_bar, axis=axis, reverse=not reverse)),
)
recurrence = _accumulation(  # y_i = a_i y_(i-1) + b_i, and y_0 = b_0
    "recurrence",
    _recurrence,
    Custom(_recurrence_jvp, transposes=(None, _recurrence_T)),
    arguments=2,
    samples=_recurrence_samples,
)
products_before = _accumulation(  # e_i = x_0 x_1 ... x_(i-1), and e_0 = 1
    "products_before", _products_before, Custom(_products_before_jvp)
)
