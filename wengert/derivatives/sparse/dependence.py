"""The structure of a program: which results depend on which inputs, and which pairs of inputs meet nonlinearly.

An interpreter of programs. A variable is followed as its index sets (sets.py) and, where it does not depend on data, as
its value: indices, masks, constant matrices and the counters of loops are known, and what is zero in them is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.primitive import Constant
from ...core.program import Equation, Literal, Program
from ...core.trace import Tracer
from . import custom, loops
from .rules import UNKNOWN, Application, rule_of
from .sets import Sets, check_entries, empty, inputs, stacked

UNROLLED = 20_000  # equations: loops are followed round by round as long as they run no more in all


class Flow:
    """One walk through a program.

    columns: the number of inputs. met: the union of all pairs that meet nonlinearly, one triangle or both, where they
    are asked for (`second`). budget: equations of loops that may still be followed round by round. depth: walks through
    derivatives of custom functions that this one is in.
    """

    def __init__(self, columns: int, second: bool = False, depth: int = 0) -> None:
        self.columns, self.second, self.depth, self.budget = columns, second, depth, UNROLLED
        self.met: Sets = None
        self.silent = 0  # depth of walks that are repeated to find a fixed point, which note no pairs

    def meet(self, a: Sets, b: Sets) -> None:
        """Row k of a and row k of b meet in a nonlinear operation."""
        if not self.second or self.silent or a is None or b is None:
            return
        check_entries(int(np.diff(a.indptr).astype(float) @ np.diff(b.indptr)))
        self.note(a.T.tocsr() @ b)

    def note(self, pairs: Sets) -> None:
        """These pairs of inputs meet."""
        self.met = pairs if self.met is None else self.met + pairs

    def program(self, program: Program, sets: Sequence[Sets], values: Sequence[Any]) -> tuple[list[Sets], list[Any]]:
        """Sets and values of the results, from those of the inputs."""
        found: dict[Any, Sets] = dict(zip(program.inputs, sets, strict=True))
        known: dict[Any, Any] = dict(zip(program.inputs, values, strict=True))
        known.update((v, UNKNOWN if isinstance(x, Tracer) else x) for v, x in program.constants)
        for eq, dead in zip(program.equations, program.last_uses(), strict=True):
            ins = [found.get(a) for a in eq.inputs]
            given = [a.value if isinstance(a, Literal) else known.get(a, UNKNOWN) for a in eq.inputs]
            results, outs = self.equation(eq, ins, given)
            for v, y, s in zip(eq.outputs, results, outs, strict=True):
                known[v] = y
                found[v] = s if v.type.dtype.kind in "fc" else None
            for var in dead:
                found.pop(var, None)
                known.pop(var, None)
        sets = [found.get(a) for a in program.outputs]
        return sets, [a.value if isinstance(a, Literal) else known.get(a, UNKNOWN) for a in program.outputs]

    def equation(self, eq: Equation, sets: list[Sets], values: list[Any]) -> tuple[list[Any], list[Sets]]:
        """Values and sets of the results of one equation."""
        if eq.primitive.name in loops.RULES and not eq.effect:
            outs, results = loops.RULES[eq.primitive.name](self, sets, values, eq.params)
            return results, outs
        results = known_results(eq, values)
        if isinstance(eq.primitive.kind, Constant) or all(s is None for s in sets):
            return results, [None] * len(eq.outputs)
        if custom.applies(self, eq):
            return results, custom.by_derivative(self, eq, sets, values)
        types = [a.type for a in eq.inputs]
        outs = [v.type for v in eq.outputs]
        app = Application(eq.primitive, eq.params, sets, values, types, outs, results, self.meet)
        return results, rule_of(app)


def known_results(eq: Equation, values: Sequence[Any]) -> list[Any]:
    """The values of the results, if those of all arguments are known."""
    if eq.effect or any(v is UNKNOWN or isinstance(v, Tracer) for v in values):
        return [UNKNOWN] * len(eq.outputs)
    with np.errstate(all="ignore"):
        found = eq.primitive.impl(*values, **eq.params)
    return list(found) if eq.primitive.multiple else [found]


def first_order(program: Program, active: Sequence[bool], values: Sequence[Any]) -> Sets:
    """The pattern of the Jacobian: elements of all results by elements of the active inputs.

    values: those of the inputs, UNKNOWN for a pattern that holds everywhere.
    """
    sets, columns = started(program, active)
    found, _ = Flow(columns).program(program, sets, values)
    sizes = [math.prod(t.shape) for t in program.out_types]
    kinds = [t.dtype.kind in "fc" for t in program.out_types]

    total = stacked([s if on else None for s, on in zip(found, kinds, strict=True)], sizes, columns)
    return canonical(empty(sum(sizes), columns) if total is None else total)


def second_order(program: Program, active: Sequence[bool], values: Sequence[Any]) -> Sets:
    """The pattern of the Hessian of the sum of the results: both triangles."""

    sets, columns = started(program, active)
    flow = Flow(columns, second=True)
    flow.program(program, sets, values)
    if flow.met is None:
        return empty(columns, columns)
    return canonical(flow.met + flow.met.T.tocsr())


def started(program: Program, active: Sequence[bool]) -> tuple[list[Sets], int]:
    """The sets of the inputs: each active element is its own."""

    sizes = [v.type.size if on else 0 for v, on in zip(program.inputs, active, strict=True)]
    columns, start, sets = sum(sizes), 0, []
    for size, on in zip(sizes, active, strict=True):
        sets.append(inputs(start, size, columns) if on else None)
        start += size
    return sets, columns


def canonical(s: Sets) -> Sets:
    """Sorted, without repetitions."""
    s = s.tocsr()
    s.sum_duplicates()
    s.sort_indices()
    return s
