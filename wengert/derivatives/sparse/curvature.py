"""Which pairs of operands of an elementwise primitive have a second derivative, read off its partial derivatives."""

from __future__ import annotations

import functools
from typing import Any

from ...core.dataflow import reach
from ...core.primitive import Elementwise, Linear, Partial, Primitive, Unknown
from ...core.record import record
from ...core.types import ArrayType
from ...errors import AbstractValueError

Pairs = frozenset[tuple[int, int]]


def curved_pairs(primitive: Primitive, types: tuple[ArrayType, ...], out: ArrayType) -> Pairs:
    """The pairs (i, j) for which d^2 y / dx_i dx_j may be nonzero."""
    return _pairs(primitive, tuple(t.dtype for t in types), out.dtype)


@functools.lru_cache(maxsize=4096)
def _pairs(primitive: Primitive, dtypes: tuple[Any, ...], out: Any) -> Pairs:
    n, kind = len(dtypes), primitive.kind
    if isinstance(kind, Linear):
        return frozenset()
    if not isinstance(kind, Elementwise):
        return frozenset((i, j) for i in range(n) for j in range(n))
    found = set()
    for i, partial in enumerate(kind.partials):
        for k in _read(partial, (*dtypes, out)):
            found |= {(i, j) for j in (range(n) if k == n else (k,))}  # k == n: through the result, by any operand
    return frozenset(found)


def _read(partial: Partial | None, dtypes: tuple[Any, ...]) -> list[int]:
    """The values (inputs, then the output) through which a partial derivative has a derivative."""
    if partial is None or partial.constant:
        return []
    if isinstance(partial, Unknown):
        return list(range(len(dtypes) - 1))
    uses = partial.uses(tuple(range(len(dtypes))))
    try:
        program = record(lambda *values: [partial(values)], [ArrayType((), dtypes[k]) for k in uses])
    except (AbstractValueError, TypeError):  # a derivative that is chosen by the value of a parameter: through all
        return list(uses)
    (bits,) = reach(program, differentiable=True)
    return [k for place, k in enumerate(uses) if bits >> place & 1]
