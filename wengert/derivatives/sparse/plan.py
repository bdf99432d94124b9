"""A function for one combination of types: its program, its structure, and the compiled products of its derivative."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compile.jit import jit
from ...core.call import Call, called_clearly, flat_results, is_number_like, name_of
from ...core.program import Program
from ...core.record import record
from ...core.trace import Tracer
from ...core.tree import LEAF, flatten, unflatten
from ...core.tree import Structure as Tree
from ...core.types import ArrayType, dtype_of, shape_of, type_of
from ...errors import NonDifferentiableInputError, NonScalarOutputError
from ...primitives import elementwise as ew
from ...primitives.index import Index, slice_
from ...primitives.join import concatenate
from ...primitives.shape import broadcast_to, reshape
from ...python import adopt
from ...transforms.batch import batch_flat
from ...transforms.jvp import jvp_flat
from ...transforms.transpose import transpose_tape
from ..columns import linearised, zeros_if_none
from ..mode import pass_costs
from .compressed import Recovery
from .dependence import first_order, second_order
from .fingerprint import fingerprint
from .rules import UNKNOWN
from .structure import Structure

FOLDED = 2**18  # bytes of seeds that are constants of a program


class Plan:
    """What belongs to calls with arguments of these structures and types.

    The flat function takes the differentiated leaves, then all others that are floating-point numbers. Integers,
    integer arrays and other objects are part of it, as sizes and indices are part of a structure.
    """

    def __init__(self, fun: Callable[..., Any], split: Split) -> None:
        self.fun, self.tree, self.fixed, self.places = fun, split.tree, split.fixed, split.places
        self.n = split.active
        self.types = split.types
        self.out_tree: Tree = LEAF
        self.program: Program = record(self.flat, self.types, name=name_of(fun), owner=fun)
        self.in_sizes = [t.size for t in self.types[: self.n]]
        self.out_sizes = [math.prod(t.shape) for t in self.program.out_types]
        self.has_complex_results = any(t.dtype.kind == "c" for t in self.program.out_types)
        self.runs = {"jvp": self._pushed, "vjp": self._pulled, "hvp": self._curved}
        self.compiled: dict[Any, Callable[..., Any]] = {}

    def flat(self, *data: Any) -> list[Any]:
        """The user's function on flat data, its control flow adopted."""
        leaves = list(self.fixed)
        for k, x in zip(self.places, data, strict=True):
            leaves[k] = x
        args, kwargs = unflatten(self.tree, leaves)
        found = called_clearly(adopt(self.fun), args, kwargs)
        outs, self.out_tree = flat_results(found, self.fun, "a sparse derivative")
        return outs

    def check(self, call: Call, name: str, kind: str) -> None:
        """Arguments must be real, and a function with a Hessian must return one real number."""
        for k, t in enumerate(self.types[: self.n]):
            if t.dtype.kind == "c":
                raise NonDifferentiableInputError(
                    f"{name} needs real inputs, but {call.leaf_name(k)} of {name_of(self.fun)} is {t}",
                    why="a function of complex numbers that is not holomorphic has no one matrix of derivatives",
                    write="the real and the imaginary part as arguments, or wg.jacobian(f, holomorphic=True)",
                    where=call.source,
                )
        types = self.program.out_types
        if kind == "hessian" and (len(types) != 1 or types[0].shape or types[0].dtype.kind != "f"):
            raise NonScalarOutputError(
                f"{name} needs a function with one real number as result; {name_of(self.fun)} returned "
                f"{', '.join(map(str, types)) or 'nothing'}",
                why="a Hessian is the matrix of second derivatives of one number",
                write="reduce the result (np.sum), or take wg.sparse.jacobian of a gradient",
                where=call.source,
            )

    def structure(self, kind: str, data: Sequence[Any] | None = None) -> Structure:
        """The structure, for all data of these types, or at these."""
        active = [k < self.n for k in range(len(self.types))]
        everywhere = [UNKNOWN] * len(active)
        if kind == "hessian":
            found = second_order(self.program, active, everywhere)
            return Structure(found, kind, self.origin) if data is None else Structure(self.curved_at(found, data), kind)
        found = first_order(self.program, active, everywhere if data is None else data)
        return Structure(found, kind, self.origin if data is None else "")

    def curved_at(self, everywhere: Any, data: Sequence[Any]) -> Any:
        """The pattern of a Hessian at a point: that of the gradient's Jacobian there, which is symmetric."""
        gradient = record(lambda *data: self.gradient(data[: self.n], data[self.n :]), self.types, owner=self.fun)
        here = first_order(gradient, [k < self.n for k in range(len(self.types))], data)
        return everywhere.multiply(here).multiply(here.T)

    @functools.cached_property
    def origin(self) -> str:
        """What a structure of this program is known by."""
        return fingerprint(self.program)

    @functools.cached_property
    def row_weight(self) -> float:
        """The cost of a VJP in JVPs: one pass through the transposed linear program against one through itself."""
        costs: list[float] = []

        def linear(*data: Any) -> list[Any]:
            xs, rest = data[: self.n], data[self.n :]
            at = linearised(lambda *xs: self.flat(*xs, *rest), xs, self.fun)
            costs.extend(cost.weight for cost in pass_costs(at))
            return list(at.values)

        record(linear, self.types)
        forward, reverse = costs
        return reverse / forward if forward and reverse else 1.0

    # products ----------------------------------------------------------------------------------------------------
    def products(self, way: str) -> Callable[..., Any]:
        """(seeds, *data) -> products, compiled: "jvp" J s, "vjp" s J, "hvp" H s; a row for each seed."""
        if way not in self.compiled:
            run = self.runs[way]

            def compressed(seeds: Any, *data: Any) -> Any:
                return run(seeds, data[: self.n], data[self.n :])

            self.compiled[way] = jit(ours(compressed, f"{way} of {name_of(self.fun)}"))
        return self.compiled[way]

    def entries(self, recovery: Recovery, way: str) -> Callable[..., Any]:
        """(*data) -> the entries, compiled as one.

        Few seeds are constants, so that all that is linear in them alone is computed now: shifts, sums and constant
        factors of unit vectors. Many are arguments: what is computed of them would not stay in the cache.
        """

        def entries(rows: Any, columns: Any, *data: Any) -> Any:
            parts = []
            for seeds, run in ((rows, "vjp"), (columns, way)):
                if shape_of(seeds)[0]:
                    products = self.runs[run](seeds, data[: self.n], data[self.n :])
                    parts.append(reshape(products, shape=(math.prod(shape_of(products)),)))
            return recovery.picked(parts)

        seeds, name = recovery.seeds(), f"sparse {name_of(self.fun)}"
        if sum(s.nbytes for s in seeds) <= FOLDED:
            return jit(ours(lambda *data: entries(*seeds, *data), name))
        run = jit(ours(entries, name))
        return lambda *data: run(*seeds, *data)

    def _pushed(self, seeds: Any, xs: Sequence[Any], rest: Sequence[Any]) -> Any:
        def push(*tangents: Any) -> list[Any]:
            ys, y_dots = jvp_flat(lambda *xs: self.flat(*xs, *rest), xs, tangents, self.fun)
            return [zeros_if_none(d, y) for d, y in zip(y_dots, ys, strict=True)]

        return in_rows(push, seeds, self.types[: self.n])

    def _curved(self, seeds: Any, xs: Sequence[Any], rest: Sequence[Any]) -> Any:
        def push(*tangents: Any) -> list[Any]:
            ys, y_dots = jvp_flat(lambda *xs: self.gradient(xs, rest), xs, tangents, self.fun)
            return [zeros_if_none(d, y) for d, y in zip(y_dots, ys, strict=True)]

        return in_rows(push, seeds, self.types[: self.n])

    def _pulled(self, seeds: Any, xs: Sequence[Any], rest: Sequence[Any]) -> Any:
        at = linearised(lambda *xs: self.flat(*xs, *rest), xs, self.fun)

        def pull(*adjoints: Any) -> list[Any]:
            real = [b if dtype_of(y).kind == "f" else None for b, y in zip(adjoints, at.values, strict=True)]
            x_bars = transpose_tape(at.tape, at.ins, at.nodes, real)
            return [zeros_if_none(b, x) for b, x in zip(x_bars, xs, strict=True)]

        return in_rows(pull, seeds, self.program.out_types)

    def gradient(self, xs: Sequence[Any], rest: Sequence[Any]) -> list[Any]:
        """The gradient of the one result."""
        at = linearised(lambda *xs: self.flat(*xs, *rest), xs, self.fun)
        one = np.ones((), dtype_of(at.values[0]))[()]
        x_bars = transpose_tape(at.tape, at.ins, at.nodes, [one])
        return [zeros_if_none(b, x) for b, x in zip(x_bars, xs, strict=True)]


def ours(f: Any, name: str) -> Any:
    """A function of the library's, whose control flow is Python's, under this name."""
    f.__name__, f.__wengert_adopted__ = name, True
    return f


def in_rows(run: Callable[..., list[Any]], seeds: Any, types: Sequence[ArrayType]) -> Any:
    """A linear map of leaves, applied to all rows of seeds at once: (k, n) -> (k, m)."""
    k = shape_of(seeds)[0]
    parts, start = [], 0
    for t in types:
        size = math.prod(t.shape)
        part = slice_(seeds, index=Index(((0, k, 1), (start, size, 1))))
        part = reshape(part, shape=(k, *t.shape))
        parts.append(part if t.dtype.kind not in "fc" or dtype_of(part) == t.dtype else ew.convert(part, dtype=t.dtype))
        start += size
    outs, batched = batch_flat(run, k, parts, [True] * len(parts))
    full = [y if on else broadcast_to(y, shape=(k, *shape_of(y))) for y, on in zip(outs, batched, strict=True)]
    flat = [reshape(y, shape=(k, math.prod(shape_of(y)[1:]))) for y in full]
    dtype = np.result_type(*map(dtype_of, flat)) if flat else np.dtype(float)
    flat = [y if dtype_of(y) == dtype else ew.convert(y, dtype=dtype) for y in flat]
    return concatenate(*flat, axis=1) if flat else np.zeros((k, 0))


class Split:
    """The leaves of a call: those that are data, the differentiated ones first, and what is fixed."""

    def __init__(self, call: Call) -> None:
        leaves, self.tree = flatten((call.args, call.kwargs))
        counts = [len(flatten(a)[0]) for a in call.args]
        starts = [0, *itertools.accumulate(counts)]
        mine = [starts[i] + k for i, _, n in call.trees for k in range(n)]
        rest = [k for k, x in enumerate(leaves) if k not in set(mine) and is_data(x)]
        self.places, self.active = [*mine, *rest], len(mine)
        self.data = [leaves[k] for k in self.places]
        self.types = [type_of(x) for x in self.data]
        given = set(self.places)
        self.fixed = [None if k in given else x for k, x in enumerate(leaves)]

    @property
    def key(self) -> Any:
        """What a plan is made for."""
        types = tuple((t.shape, t.dtype, t.weak) for t in self.types)
        return self.tree, tuple(self.places), types, tuple(map(fixed_key, self.fixed))


def is_data(x: Any) -> bool:
    """Is a leaf that is not differentiated an argument of the compiled function, rather than part of it?"""
    return isinstance(x, Tracer) or (is_number_like(x) and dtype_of(x).kind in "fc")


def fixed_key(x: Any) -> Any:
    """By value where it is an array or can be compared, else by identity."""
    if isinstance(x, np.ndarray):
        return x.shape, x.dtype, x.tobytes()
    try:
        hash(x)
    except TypeError:
        return id(x)
    return type(x), x
