"""Which inputs the elements of a primitive's results depend on: a rule for each kind of primitive.

A rule takes an `Application` and returns the sets of each result. What it also does, where second derivatives are
asked for, is to note the pairs of arguments that meet in a nonlinear way (`meet`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.primitive import Elementwise, Linear, Primitive
from ...core.types import ArrayType
from ...primitives.contract import split_subscripts
from ...primitives.shape import kept as kept_axes
from ...primitives.sliding import windows
from .curvature import curved_pairs
from .sets import Sets, boolean, check_entries, elements, kept, moved, stacked, summed, together, union

Meet = Callable[[Sets, Sets], None]
UNKNOWN = object()  # the value of what depends on data


class Application:
    """One equation: the sets and (where known) the values of its arguments and results, and their types.

    meet(a, b): row k of a and row k of b are multiplied, or in some other way not linear together.
    """

    def __init__(
        self,
        primitive: Primitive,
        params: dict[str, Any],
        sets: Sequence[Sets],
        values: Sequence[Any],
        types: Sequence[ArrayType],
        outs: Sequence[ArrayType],
        results: Sequence[Any],
        meet: Meet,
    ) -> None:
        self.primitive, self.params, self.meet = primitive, params, meet
        self.sets, self.values, self.types = list(sets), list(values), list(types)
        self.outs, self.results = list(outs), list(results)

    @property
    def columns(self) -> int:
        """The number of inputs."""
        return next(s.shape[1] for s in self.sets if s is not None)

    @property
    def dynamic(self) -> bool:
        """Is the length of some argument or result known only in the run?"""
        return any(n < 0 for t in (*self.types, *self.outs) for n in t.shape)


def rule_of(app: Application) -> list[Sets]:
    """The sets of the results."""
    if app.dynamic:
        return everything(app)
    primitive = app.primitive
    rule = RULES.get(primitive.name)
    if rule is not None:
        return rule(app)
    if primitive.pointwise:
        return elementwise(app)
    return everything(app)


# element by element ----------------------------------------------------------------------------------------------
def elementwise(app: Application) -> list[Sets]:
    """The union of the rows, save where a partial derivative is known to be zero."""
    out, parts = app.outs[0], []
    masks = [spread(s, t, out) for s, t in zip(app.sets, app.types, strict=True)]
    for i, s in enumerate(masks):
        if s is not None:
            zero = known_partial(app, i)
            parts.append(s if zero is None else kept(s, np.broadcast_to(zero != 0, out.shape)))
        else:
            parts.append(None)
    for i, j in curved_pairs(app.primitive, tuple(app.types), out):
        if parts[i] is not None and parts[j] is not None:
            app.meet(parts[i], parts[j])
    return [union(parts)]


def spread(s: Sets, t: ArrayType, out: ArrayType) -> Sets:
    """A scalar operand, for every element."""
    return s if s is None or t.shape == out.shape else moved(s, np.zeros(out.size, int))


def known_partial(app: Application, i: int) -> Any:
    """The partial derivative, where it follows from known values alone."""
    kind = app.primitive.kind
    if app.primitive.name == "where" and i > 0:
        mask = app.values[0]
        return None if mask is UNKNOWN else np.asarray(mask, bool) == (i == 1)
    if not isinstance(kind, Elementwise) or kind.partials[i] is None:
        return None
    partial = kind.partials[i]
    if partial.constant:
        return None
    values = (*app.values, app.results[0])
    places = partial.uses(tuple(range(len(values))))
    if any(values[k] is UNKNOWN for k in places):
        return None
    with np.errstate(all="ignore"):
        return np.asarray(partial(tuple(values[k] for k in places)))


# rows that are moved ---------------------------------------------------------------------------------------------
def moves(app: Application) -> list[Sets]:
    """Elements in other places: found by applying the primitive to the elements' numbers (0: none)."""
    kind = app.primitive.kind
    assert isinstance(kind, Linear)
    args, rows, start = [], [], 1
    for i, (s, v, t) in enumerate(zip(app.sets, app.values, app.types, strict=True)):
        if not kind.differentiable(i):
            if v is UNKNOWN:
                return misplaced(app)
            args.append(v)
        elif s is None:
            args.append(np.zeros(t.shape, np.int64))
        else:
            args.append(np.arange(start, start + t.size).reshape(t.shape))
            rows.append(s)
            start += t.size
    numbers = np.asarray(app.primitive.impl(*args, **app.params))
    return [moved(stacked(rows, [s.shape[0] for s in rows], app.columns), numbers - 1)]


def misplaced(app: Application) -> list[Sets]:
    """Rows that go where data say."""
    if app.primitive.name == "rearrange":
        return along_axes(app, (app.params["axis"],))
    if app.primitive.name == "gather":
        return [picked_anywhere(app)]
    if app.primitive.name in ("scatter_set", "scatter_clear"):
        placed = [added_anywhere(app, 1, 2)] if app.primitive.name == "scatter_set" else []
        return [union([app.sets[0], *placed])]
    return everything(app)


def picked_anywhere(app: Application) -> Sets:
    """gather: along the axes whose indices are data, any element; along the others those that are named."""
    if app.sets[0] is None:
        return None
    shape = app.types[0].shape
    unknown, key = indices_of(app, 1)
    target = reduction_target(shape, unknown)
    numbers = np.arange(target.max(initial=-1) + 1).reshape(kept_axes(shape, unknown))
    return moved(summed(app.sets[0], target, numbers.size), numbers[key])


def added_anywhere(app: Application, i: int, first: int) -> Sets:
    """scatter_add, scatter_set: argument i goes to each element along the axes whose indices (from argument `first` on)
    are data."""
    if app.sets[i] is None:
        return None
    shape = app.outs[0].shape
    unknown, key = indices_of(app, first)
    target = reduction_target(shape, unknown)
    numbers = np.arange(target.max(initial=-1) + 1).reshape(kept_axes(shape, unknown))
    return moved(summed(app.sets[i], numbers[key], numbers.size), target)


def indices_of(app: Application, first: int) -> tuple[tuple[int, ...], Any]:
    """The axes whose indices are data; and an index of an array in which these axes have length one."""
    axis = app.params["axis"]
    given = list(zip(app.values[first:], app.types[first:], strict=True))
    unknown = tuple(axis + k for k, (v, _) in enumerate(given) if v is UNKNOWN)
    arrays = (np.zeros(t.shape, np.intp) if v is UNKNOWN else np.asarray(v) for v, t in given)
    return unknown, (slice(None),) * axis + tuple(arrays)


def along_axes(app: Application, axes: tuple[int, ...]) -> list[Sets]:
    """Every element of the result along these axes depends on every one of the argument."""
    target = reduction_target(app.types[0].shape, axes)
    rows = summed(app.sets[0], target, int(target.max(initial=-1)) + 1)
    return [moved(rows, reduction_target(app.outs[0].shape, axes))]


# rows that are added ---------------------------------------------------------------------------------------------
def reduction_target(shape: Sequence[int], axes: tuple[int, ...]) -> Any:
    """For each element the number of the element of the result that it is reduced into."""
    small = kept_axes(tuple(shape), axes)
    return np.broadcast_to(np.arange(math.prod(small)).reshape(small), shape)


def reduces(app: Application) -> list[Sets]:
    """sum, max, min, prod: the union over the reduced axes."""
    reduced = summed(app.sets[0], reduction_target(app.types[0].shape, app.params["axis"]), app.outs[0].size)
    if app.primitive.name == "prod":
        app.meet(reduced, reduced)
    return [reduced]


def scatter_adds(app: Application) -> list[Sets]:
    """Each row is added where the index says, which gather finds."""
    return [added_anywhere(app, 0, 1)]


def overlaps(app: Application) -> list[Sets]:
    """overlap_add: each element of a window is added to the one that `windows` would take it from."""
    t, given = app.outs[0], app.types[0]
    size = given.shape[given.ndim - len(app.params["extent"]) :]
    numbers = np.arange(t.size).reshape(t.shape)
    places = windows.impl(numbers, size=size, stride=app.params["stride"], dilation=app.params["dilation"])
    s = app.sets[0]
    return [None if s is None else summed(s, places.reshape(-1), t.size)]


def accumulates(app: Application) -> list[Sets]:
    """cumsum, recurrence, products_before: each element depends on those before it along the axis."""
    axis, reverse = app.params["axis"], app.params["reverse"]
    shape = app.types[0].shape
    n, size = shape[axis], app.types[0].size
    check_entries(size * (n + 1) // 2)
    to, source = np.tril_indices(n)
    if reverse:
        to, source = n - 1 - to, n - 1 - source
    lines = np.moveaxis(np.arange(size).reshape(shape), axis, 0).reshape(n, -1)
    total = boolean(lines[to], lines[source], (size, size)) @ union(app.sets)
    if app.primitive.name != "cumsum":
        app.meet(total, total)
    return [total]


# products --------------------------------------------------------------------------------------------------------
def contracts(app: Application) -> list[Sets]:
    """einsum, matmul: y[o] depends on a[i], b[j] of the same labels, unless the factor is known to be zero."""
    la, lb, lo = labels_of(app)
    parts = [contracted(app, 0, la, lb, lo), contracted(app, 1, lb, la, lo)]
    a, b = app.sets
    if a is not None and b is not None:
        shared = "".join(c for c in la if c in lb)
        app.meet(reduced_to(a, app.types[0], la, shared), reduced_to(b, app.types[1], lb, shared))
    return [union(parts)]


def labels_of(app: Application) -> tuple[str, str, str]:
    """The labels of the operands and of the result."""
    if app.primitive.name == "einsum":
        return split_subscripts(app.params["subscripts"])
    a, b = app.types
    lead = "".join(chr(ord("l") + n) for n in range(max(a.ndim, b.ndim, 2) - 2))
    la, lb = {1: "j"}.get(a.ndim, lead + "ij"), {1: "j"}.get(b.ndim, lead + "jk")
    return la, lb, lead + "i" * (a.ndim > 1) + "k" * (b.ndim > 1)


def contracted(app: Application, i: int, own: str, other: str, lo: str) -> Sets:
    """What the result has of operand i."""
    s, t, value = app.sets[i], app.types[i], app.values[1 - i]
    if s is None:
        return None
    dims = dict(zip(own + other, (*t.shape, *app.types[1 - i].shape), strict=True))
    if value is UNKNOWN:
        shared = "".join(c for c in own if c in lo)
        small = reduced_to(s, t, own, shared)
        return moved(small, positions(shared, lo, dims))
    factors = dict(zip(other, np.nonzero(value), strict=True))
    free = "".join(c for c in own if c not in other)
    count = math.prod(dims[c] for c in free)
    grid = np.indices([dims[c] for c in free]).reshape(len(free), 1, count)
    check_entries(int(np.count_nonzero(value)) * count)
    at = {c: k[:, None] for c, k in factors.items()} | dict(zip(free, grid, strict=True))
    source, target = flat_place(own, at, dims), flat_place(lo, at, dims)
    target, source = np.broadcast_arrays(target, source)
    return boolean(target, source, (app.outs[0].size, t.size)) @ s


def flat_place(labels: str, at: dict[str, Any], dims: dict[str, int]) -> Any:
    """The number of the element with these labels, in C order."""
    place: Any = np.zeros((1, 1), np.int64)
    for c in labels:
        place = place * dims[c] + at[c]
    return place


def reduced_to(s: Sets, t: ArrayType, own: str, shared: str) -> Sets:
    """The union over all labels but these, in their order."""
    dims = dict(zip(own, t.shape, strict=True))
    return summed(s, positions(shared, own, dims), math.prod(dims[c] for c in shared))


def positions(labels: str, within: str, dims: dict[str, int]) -> Any:
    """For each element of an array with the labels `within`, the number of its element among `labels`."""
    grid = dict(zip(within, np.indices([dims[c] for c in within], sparse=True), strict=True))
    place: Any = np.zeros((1,) * len(within), np.int64)
    for c in labels:
        place = place * dims[c] + grid[c]
    return np.broadcast_to(place, [dims[c] for c in within])


def convolves(app: Application) -> list[Sets]:
    """convolve: i + j = k; correlate: i - j = k."""
    out = app.outs[0]
    sign = 1 if app.primitive.name == "convolve" else -1
    i, j = np.argwhere(nonzero_along(app, 0)[:, None] & nonzero_along(app, 1)).T
    k = i + sign * j
    inside = (k >= 0) & (k < out.shape[-1])
    places, rows = (i[inside], j[inside]), np.arange(math.prod(out.shape[:-1]))[:, None]
    parts = []
    for s, t, place in zip(app.sets, app.types, places, strict=True):
        to, source = rows * out.shape[-1] + k[inside], rows * t.shape[-1] + place
        parts.append(None if s is None else boolean(to, source, (out.size, t.size)) @ s)
    if None not in [s if s is None else 0 for s in app.sets]:
        app.meet(*(summed(s, reduction_target(t.shape, (t.ndim - 1,)), len(rows))
                   for s, t in zip(app.sets, app.types, strict=True)))  # fmt: skip
    return [union(parts)]


def nonzero_along(app: Application, i: int) -> Any:
    """Which elements of the last axis may be nonzero in some row."""
    value, n = app.values[i], app.types[i].shape[-1]
    return np.ones(n, bool) if value is UNKNOWN else (np.asarray(value).reshape(-1, n) != 0).any(0)


# anything else ---------------------------------------------------------------------------------------------------
def everything(app: Application) -> list[Sets]:
    """Every element of the results depends on every element of the arguments."""
    one = together(app.sets)
    if not isinstance(app.primitive.kind, Linear):
        app.meet(one, one)
    return [moved(one, np.zeros(elements(t), int)) for t in app.outs]


def matrices(app: Application) -> list[Sets]:
    """Linear algebra: everything, within each matrix of a stack."""
    return stacks(app, app.types[0].shape[:-2])


def polynomials(app: Application) -> list[Sets]:
    """The same of vectors, the coefficients of a polynomial each."""
    return stacks(app, app.types[0].shape[:-1])


def stacks(app: Application, lead: tuple[int, ...]) -> list[Sets]:
    """Everything, within each element of a stack, of this shape, that all arguments and results are."""
    n = math.prod(lead)
    if not lead or any(t.shape[: len(lead)] != lead for t in (*app.types, *app.outs)) or not n:
        return everything(app)
    targets = [np.arange(t.size) // max(t.size // n, 1) for t in app.types]
    one = union([None if s is None else summed(s, to, n) for s, to in zip(app.sets, targets, strict=True)])
    app.meet(one, one)
    return [moved(one, np.arange(t.size) // max(t.size // n, 1)) for t in app.outs]


def norms(app: Application) -> list[Sets]:
    """The union over the axes of a norm."""
    axis = app.params.get("axis")
    if not isinstance(axis, tuple) or reduced_size(app.types[0].shape, axis) != app.outs[0].size:
        return everything(app)
    reduced = summed(app.sets[0], reduction_target(app.types[0].shape, axis), app.outs[0].size)
    app.meet(reduced, reduced)
    return [reduced]


def reduced_size(shape: Sequence[int], axes: tuple[int, ...]) -> int:
    """Elements that are left."""
    return math.prod(kept_axes(tuple(shape), axes))


def transforms_along(app: Application) -> list[Sets]:
    """Fourier transforms: everything along their axes."""
    axes = app.params["axes"] if "axes" in app.params else (app.params["axis"],)
    return along_axes(app, tuple(axes))


_MOVES = (
    "reshape transpose broadcast_to slice place set_slice clear_slice gather scatter_set scatter_clear crop_or_pad "
    "diag_part diag_matrix concatenate stack delay rearrange windows banded_transpose"
)
_MATRICES = (
    "solve solve_triangular inv cholesky qr lu det slogdet eigh eigvalsh eig eigvals svd svdvals pinv lstsq sylvester "
    "cofactors cofactors_slope gaps over_gaps over_values complement adapted_eigh adapted_svd regular refused accepted "
    "matrix_function matrix_function_slope banded_product banded_outer solve_banded continuous_riccati discrete_riccati"
)
RULES: dict[str, Callable[[Application], list[Sets]]] = {
    **dict.fromkeys(_MOVES.split(), moves),
    **dict.fromkeys(("sum", "max", "min", "prod"), reduces),
    **dict.fromkeys(("cumsum", "recurrence", "products_before"), accumulates),
    **dict.fromkeys(("matmul", "einsum"), contracts),
    **dict.fromkeys(("convolve", "correlate"), convolves),
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft"), transforms_along),
    **dict.fromkeys(_MATRICES.split(), matrices),
    "norm": norms,
    "overlap_add": overlaps,
    "roots": polynomials,
    "scatter_add": scatter_adds,
}
