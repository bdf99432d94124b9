"""n-th derivatives along a line: `taylor`, `derivatives`, and mixed ones by interpolation between lines."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from .. import numpy as wnp
from ..core.call import Call, Function, check_callable, check_tangent, name_of
from ..core.trace import Tracer, literal
from ..core.tree import LEAF, describe, flatten_like
from ..core.types import dtype_of, is_inexact, shape_of
from ..errors import ArgumentError, StructureError
from ..primitives.shape import broadcast_to
from ..transforms.batch import batch_flat
from ..transforms.taylor import times
from ..transforms.taylor_programs import taylor_flat

__all__ = ["derivative_tensor", "derivatives", "mixed_derivative", "taylor"]


def taylor(fun: Function, x: Any, direction: Any = None, *, order: int, path: Sequence[Any] | None = None) -> list[Any]:
    r"""The Taylor coefficients of `fun` along a line: `[y_0, y_1, ..., y_order]`.

    Law: `f(x + t v) = y_0 + y_1 t + y_2 t^2 + ... + O(t^(order + 1))`, so `y_k = D^k f(x)[v, ..., v] / k!`.

    x: a number, an array or a structure of them. direction: v, of the structure and shapes of x; left out, it is 1 in
    every element of an array, so that a function that applies element by element has its derivatives at every element.
    path: in place of direction, the coefficients `[v_1, v_2, ...]` of a curve `x + v_1 t + v_2 t^2 + ...`. Each y_k
    has the structure, shapes and dtypes of `fun(x)`; results that are integers have zeros.

    Cost: O(order^2) times that of fun, for one recurrence for each operation (Griewank and Walther, Evaluating
    Derivatives, 2nd ed., chapter 13, tables 13.1 and 13.2); nested `grad` costs exponentially much. Loops stay loops.
    Singular points: as in forward mode. Raises NonDifferentiableInputError, TangentMismatchError, StructureError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> [float(c) for c in wg.taylor(np.exp, 0.0, order=4)]
    [1.0, 1.0, 0.5, 0.1666666666666667, 0.04166666666666667]
    """
    call, ys = _along(fun, x, direction, path, order, "taylor")
    return [call.result([y[k] for y in ys]) for k in range(order + 1)]


def derivatives(fun: Function, x: Any, direction: Any = None, *, order: int) -> list[Any]:
    """The derivatives of `fun` along a line, of orders 0 to `order`: `k!` times the coefficients of `wg.taylor`.

    Law: `derivatives(f, x, v, order=n) = [f(x), Df(x)[v], D^2 f(x)[v, v], ..., D^n f(x)[v, ..., v]]`; of a function of
    one number without direction: `[f(x), f'(x), ..., f^(n)(x)]`.

    Arguments, cost and errors as in `wg.taylor`. Beyond order 170 k! is infinite: take the coefficients themselves.

    >>> import numpy as np
    >>> import wengert as wg
    >>> [float(d) for d in wg.derivatives(lambda x: x**3, 2.0, order=4)]
    [8.0, 12.0, 12.0, 6.0, 0.0]
    """
    call, ys = _along(fun, x, direction, None, order, "derivatives")
    return [call.result([times(factorial(k), y[k]) for y in ys]) for k in range(order + 1)]


def mixed_derivative(fun: Function, x: Any, directions: Sequence[Any]) -> Any:
    r"""The derivative of order m of `fun` at x along m directions, `D^m f(x)[v_1, ..., v_m]`.

    Law: `D^m f(x)[v_1, ..., v_m] = 2^(1-m) sum_s s_2 ... s_m y_m(v_1 + s_2 v_2 + ... + s_m v_m)`, over all signs
    s_2, ..., s_m = +-1, where `y_m(v)` is the Taylor coefficient m along v: polarisation. (Griewank, Utke and Walther,
    "Evaluating higher derivative tensors by forward propagation of univariate Taylor series", Math. Comp. 69 (2000).)
    All 2^(m-1) lines are computed at once.

    Each direction has the structure and shapes of x, the result those of `fun(x)`. Errors as in `wg.taylor`.

    >>> import numpy as np
    >>> import wengert as wg
    >>> print(wg.mixed_derivative(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]), np.eye(2)))
    6.0
    """
    directions = in_a_row(directions, "directions")
    m = len(directions)
    call = _called(fun, x, "mixed_derivative")
    if not m:
        return call.result(call(*call.leaves))
    vs = [tangents(call, v) for v in directions]
    signs = np.array([(1.0, *s) for s in itertools.product((1.0, -1.0), repeat=m - 1)])
    seeds = [
        wnp.stack([sum(s * v for s, v in zip(row, each, strict=True)) for row in signs])
        for each in zip(*vs, strict=True)
    ]
    weights = np.prod(signs, axis=1) / 2 ** (m - 1)
    return call.result([_cast(wnp.tensordot(weights, y, 1), y) for y in _lanes(call, seeds, m)])


def derivative_tensor(fun: Function, x: Any, *, order: int) -> Any:
    r"""All partial derivatives of one order: the symmetric tensor `T[..., i_1, ..., i_m] = d^m f / dx_i1 ... dx_im`.

    x: a number or an array of n elements; shape of the result: `(*y.shape, *x.shape, ..., *x.shape)`. Instead of
    n^m nested derivatives it takes the `C(n + m - 1, m)` Taylor series of order m along integer directions, from which
    the tensor is interpolated (Griewank, Utke and Walther 2000; Evaluating Derivatives, 2nd ed., section 13.3).
    Rounding errors grow with the order.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.derivative_tensor(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]), order=2).tolist()
    [[10.0, 6.0], [6.0, 0.0]]
    """
    order = checked_order(order, "derivative_tensor")
    call = _called(fun, x, "derivative_tensor")
    if call.trees[0][1] != LEAF:
        raise StructureError(
            "derivative_tensor takes a number or one array",
            why=f"found the structure {describe(call.trees[0][1])}: its axes would have no one order",
            write="put the variables into one array, and take them apart in the function",
            where=call.source,
        )
    (x,) = call.leaves
    shape, n = shape_of(x), math.prod(shape_of(x))
    if not order or not n:
        ys = call(x)
        empty = [np.zeros((*shape_of(y), *shape * order), dtype_of(y)) if order else y for y in ys]
        return call.result(empty)
    each, weights = interpolation(n, order)
    seeds = wnp.asarray(each, dtype=dtype_of(x)).reshape((len(each), *shape))
    place = {i: k for k, i in enumerate(itertools.combinations_with_replacement(range(n), order))}
    where = np.array([place[tuple(sorted(i))] for i in itertools.product(range(n), repeat=order)])
    tensors = []
    for y in _lanes(call, [seeds], order):
        rows = wnp.tensordot(weights, y, 1)[where]
        tensors.append(_cast(wnp.moveaxis(rows, 0, -1).reshape((*shape_of(y)[1:], *shape * order)), y))
    return call.result(tensors)


# lines -----------------------------------------------------------------------------------------------------------
def _called(fun: Function, x: Any, name: str) -> Call:
    check_callable(fun, name)
    call = Call(fun, 0, (x,), {}, False)
    call.check_inputs(name, False)
    return call


def _along(
    fun: Function, x: Any, direction: Any, path: Sequence[Any] | None, order: int, name: str
) -> tuple[Call, list[list[Any]]]:
    """The coefficients 0 to order of each result."""
    order = checked_order(order, name)
    call = _called(fun, x, name)
    given = curve(call, direction, path, name)[:order]
    given += [[None] * len(call.leaves)] * (order - len(given))
    values, found = taylor_flat(call, call.leaves, [[v[i] for v in given] for i in range(len(call.leaves))], order, fun)
    call.check_results(name, values)
    return call, [[own(c, y) for c in (y, *cs)] for y, cs in zip(values, found, strict=True)]


def _lanes(call: Call, seeds: list[Any], order: int) -> list[Any]:
    """The coefficient of one order along many lines, whose directions are rows of the seeds: lines first."""

    def f(*vs: Any) -> list[Any]:
        values, found = taylor_flat(call, call.leaves, [[v, *[None] * (order - 1)] for v in vs], order, call.fun)
        call.check_results("taylor", values)
        return [own(cs[-1], y) for y, cs in zip(values, found, strict=True)]

    size = shape_of(seeds[0])[0] if seeds else 1
    ys, batched = batch_flat(f, size, seeds, [True] * len(seeds), call.fun)
    return [y if on else broadcast_to(y, shape=(size, *shape_of(y))) for y, on in zip(ys, batched, strict=True)]


def in_a_row(value: Any, name: str) -> list[Any]:
    """The tangents of a list, or of an array's first axis."""
    try:
        return list(value)
    except TypeError:
        raise ArgumentError(
            f"{name} is a {type(value).__name__}", why="it holds tangents, one after the other", write=f"{name}=[v, w]"
        ) from None


def curve(call: Call, direction: Any, path: Sequence[Any] | None, name: str) -> list[list[Any]]:
    """The coefficients of the arguments, order by order."""
    if path is not None:
        if direction is not None:
            raise StructureError(
                f"{name} got both a direction and a path",
                why="the first entry of a path is its direction",
                write="direction=v for a straight line, path=[v, w, ...] for a curve",
                where=call.source,
            )
        return [tangents(call, v) for v in in_a_row(path, "path")]
    if direction is not None:
        return [tangents(call, direction)]
    if len(call.leaves) != 1:
        raise StructureError(
            f"{name} of {name_of(call.fun)} needs a direction: its argument has {len(call.leaves)} arrays",
            why="only for one number or array there is a derivative without one",
            write=f"wg.{name}(f, x, direction, order=n), where direction is structured like x",
            where=call.source,
        )
    (x,) = call.leaves
    one = dtype_of(x).type(1)
    if isinstance(x, Tracer):
        one = literal(one, x)
    return [[broadcast_to(one, shape=shape_of(x)) if shape_of(x) else one]]


def tangents(call: Call, v: Any) -> list[Any]:
    """The leaves of a direction, checked against the argument."""
    leaves = flatten_like(call.trees[0][1], v, "the direction")
    return [check_tangent(d, x, "tangent", k, call) for k, (d, x) in enumerate(zip(leaves, call.leaves, strict=True))]


def own(c: Any, y: Any) -> Any:
    """A coefficient as a result: in the dtype of the value, and sharing memory with nothing."""
    if c is None:
        return np.zeros(shape_of(y), dtype_of(y) if is_inexact(dtype_of(y)) else float)[()]
    return c if isinstance(c, Tracer) else np.array(c)[()]


def _cast(total: Any, like: Any) -> Any:
    return total if dtype_of(total) == dtype_of(like) else total.astype(dtype_of(like))


def factorial(k: int) -> float:
    """k!, infinite beyond 170."""
    return float(math.factorial(k)) if k <= 170 else math.inf


def checked_order(order: Any, name: str) -> int:
    """The order as an int that is not negative."""
    try:
        found = index(order)
    except TypeError:
        found = -1
    if found < 0 or isinstance(order, bool):
        raise ArgumentError(
            f"{name} got order={order!r}",
            why="the order is the number of derivatives: 0, 1, 2, ...",
            write=f"wg.{name}(f, x, order=3)",
        )
    return found


# interpolation ---------------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=32)
def interpolation(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions j (rows), and the weights by which coefficients d along them make derivatives i (rows).

    gamma(i, j) = sum_(0<k<=i) (-1)^|i-k| binom(i, k) binom(d k / |k|, j) (|k| / d)^d, for multi-indices |i| = |j| = d.
    """
    every = [multi_index(c, n) for c in itertools.combinations_with_replacement(range(n), d)]
    place = {j: column for column, j in enumerate(every)}
    weights = np.zeros((len(every), len(every)))
    for row, i in enumerate(every):
        support = [a for a in range(n) if i[a]]
        for inside in itertools.combinations_with_replacement(support, d):  # elsewhere binom(0, j) = 0
            j = multi_index(inside, n)
            weights[row, place[j]] = _gamma([i[a] for a in support], [j[a] for a in support], d)
    return np.array(every, dtype=float), weights


def multi_index(chosen: Sequence[int], n: int) -> tuple[int, ...]:
    """How often each variable is chosen."""
    return tuple(chosen.count(a) for a in range(n))


def _gamma(i: Sequence[int], j: Sequence[int], d: int) -> float:
    """The same in integers: binom(d k / |k|, j) (|k| / d)^d = prod_a prod_(r < j_a) (d k_a - r |k|) / (d^d j!)."""
    total = 0
    for k in itertools.product(*(range(a + 1) for a in i)):
        size = sum(k)
        if size:
            falling = (d * k_a - r * size for j_a, k_a in zip(j, k, strict=True) for r in range(j_a))
            total += (-1) ** (d - size) * math.prod(map(math.comb, i, k)) * math.prod(falling)
    return total / (d**d * math.prod(map(math.factorial, j)))
