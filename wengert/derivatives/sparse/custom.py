"""Structure of primitives with a derivative of their own, the user's among them: what the program of it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import scipy.sparse as sp

from ...core.primitive import Custom
from ...core.program import Equation, Program
from ...core.record import record
from ...transforms.jvp import jvp_flat
from ..columns import zeros_if_none
from .rules import RULES, UNKNOWN
from .sets import Sets

DEEPEST = 2  # derivatives within derivatives; beyond them everything depends on everything


def applies(flow: Any, eq: Equation) -> bool:
    """Is there a derivative that can be followed, and no simpler rule?"""
    if not isinstance(eq.primitive.kind, Custom) or eq.primitive.name in RULES or eq.primitive.pointwise:
        return False
    dynamic = any(n < 0 for v in (*eq.inputs, *eq.outputs) for n in v.type.shape)
    return flow.depth < DEEPEST and not dynamic


def tangents(eq: Equation, active: Sequence[bool]) -> Program:
    """(arguments, tangents of the active ones) -> tangents of the results."""
    types = [a.type for a in eq.inputs]
    moving = [t for t, on in zip(types, active, strict=True) if on]

    def flat(*xs: Any) -> list[Any]:
        found = eq.primitive(*xs, **eq.params)
        return list(found) if eq.primitive.multiple else [found]

    def push(*args: Any) -> list[Any]:
        xs, given = args[: len(types)], iter(args[len(types) :])
        x_dots = [next(given) if on else None for on in active]
        ys, y_dots = jvp_flat(flat, xs, x_dots)
        return [zeros_if_none(d, y) for d, y in zip(y_dots, ys, strict=True)]

    return record(push, [*types, *moving])


def by_derivative(flow: Any, eq: Equation, sets: Sequence[Sets], values: Sequence[Any]) -> list[Sets]:
    """The sets of the results: what the tangents of the results have of those of the arguments.

    They are followed beside the arguments themselves, as columns of their own. Where a column of a tangent and one of
    an argument meet nonlinearly, there is a second derivative.
    """
    n = flow.columns
    active = [s is not None for s in sets]
    program = tangents(eq, active)
    inner = type(flow)(2 * n, flow.second and not flow.silent, flow.depth + 1)
    own = [shifted(s, 0, 2 * n) if inner.second else None for s in sets]
    moving = [shifted(s, n, 2 * n) for s in sets if s is not None]
    found, _ = inner.program(program, [*own, *moving], [*values, *[UNKNOWN] * len(moving)])
    if inner.met is not None:
        pairs = inner.met.tocsr()
        flow.note(pairs[:n, n:] + pairs[n:, :n].T.tocsr())
    return [None if s is None else s[:, n:] for s in found]


def shifted(s: Sets, by: int, columns: int) -> Sets:
    """The same sets among more columns, so many places on."""
    if s is None:
        return None
    return sp.csr_array((s.data, s.indices + by, s.indptr), shape=(s.shape[0], columns))
