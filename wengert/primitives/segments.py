"""A scan in segments, each of which is run again on the way back: memory for their carries and one of them.

n rounds in segments of k keep n/k carries and the residuals of k rounds at a time, for one more run of the loop;
with k = sqrt(n) both are sqrt(n) (Griewank and Walther, Evaluating Derivatives, section 12.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.program import Program
from ..core.record import record
from ..core.types import ArrayType, shape_of
from .index import Index, slice_
from .join import concatenate
from .loops import scan
from .program_call import checkpoint
from .shape import reshape


def rounds_per_segment(n: int, checkpoint: bool | int) -> int:
    """How many rounds a segment has: as many as are asked for, or about as many as there are segments."""
    return max(math.isqrt(max(n - 1, 0)) + 1, 1) if checkpoint is True else max(int(checkpoint), 1)


def segmented_scan(
    n: int, k: int, args: Sequence[Any], body: Program, reverse: bool, n_consts: int, n_carry: int
) -> list[Any]:
    """The results of `scan` of n rounds, in segments of k; the rounds that are left over are the last segment."""
    consts, carry, xs = args[:n_consts], list(args[n_consts : n_consts + n_carry]), args[n_consts + n_carry :]
    whole, rest = n // k, n % k
    first = rest if reverse else 0  # where the whole segments begin
    found: list[tuple[int, list[Any]]] = []
    if whole:
        rows = [reshape(part(x, first, whole * k), shape=(whole, k, *shape_of(x)[1:])) for x in xs]
        outer = segment(body, k, reverse, n_consts, n_carry)
        params = {"body": outer, "length": whole, "reverse": reverse, "n_consts": n_consts, "n_carry": n_carry}
        results = scan(whole, *consts, *carry, *rows, **params)
        carry = results[:n_carry]
        found.append((first, [reshape(y, shape=(whole * k, *shape_of(y)[2:])) for y in results[n_carry:]]))
    if rest:
        start = 0 if reverse else whole * k
        inner = segment(body, rest, reverse, n_consts, n_carry)
        results = inner.evaluate([*consts, *carry, *(part(x, start, rest) for x in xs)])
        carry = results[:n_carry]
        found.append((start, results[n_carry:]))
    pieces = [ys for _, ys in sorted(found, key=lambda f: f[0])]
    ys = pieces[0] if len(pieces) == 1 else [concatenate(*both, axis=0) for both in zip(*pieces, strict=True)]
    return [*carry, *ys]


def part(x: Any, start: int, count: int) -> Any:
    """So many rows of an array."""
    return slice_(x, index=Index(((start, count, 1),)))


def segment(body: Program, k: int, reverse: bool, n_consts: int, n_carry: int) -> Program:
    """k rounds as one program, which is run again on the way back."""
    types = body.in_types
    rows = [ArrayType((k, *t.shape), t.dtype) for t in types[n_consts + n_carry :]]
    params = {"body": body, "length": k, "reverse": reverse, "n_consts": n_consts, "n_carry": n_carry}
    inner = record(lambda *args: scan(k, *args, **params), [*types[: n_consts + n_carry], *rows], name=body.name)
    return record(lambda *args: checkpoint(*args, program=inner), inner.in_types, name=f"{k} rounds of {body.name}")
