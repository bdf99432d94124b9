"""What reverse mode keeps of a program, equation by equation, and where the program can be cut: known from types alone.

Bytes are those of the values that are kept for the way back. A view (a reshaped or transposed array) takes none of its
own. Arguments are there anyway; adjoints, and what a single operation needs while it runs, come on top.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.dataflow import reached
from ...core.program import Atom, Equation, Program, Var
from ...core.types import is_inexact
from ...transforms.cost import nbytes, program_cost

VIEWS = frozenset(("reshape", "transpose", "broadcast_to", "stop_gradient", "slice"))
CUTS = 160  # places at which a program may be cut, at most


class Chain:
    """A program as a chain of parts. cuts: before which equations it may be cut, with as little as possible in use.

    work[k]: operations up to cut k. For each variable that is made, made, kept, last: the part in which it is made,
    in which reverse mode first keeps it, and in which it is last used (parts are numbered from one cut to the next).
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.roots = roots_of(program)
        equations = program.equations
        self.costs = [program_cost(single(eq)).operations for eq in equations]
        made = {v: k for k, eq in enumerate(equations) for v in eq.outputs if self.roots[v] is v}
        last = dict.fromkeys(made, -1)
        for k, eq in enumerate(equations):
            last.update((r, k) for r in map(self.root, eq.inputs) if r in made)
        last.update((r, len(equations)) for r in map(self.root, program.outputs) if r in made)
        kept = dict.fromkeys(made, len(equations) + 1)
        self.own: list[int] = []  # bytes of what an equation's derivative keeps beside its arguments and results
        active = {v for v in program.inputs if is_inexact(v.type.dtype)}
        for k, eq in enumerate(equations):
            saved, own = residuals(eq, active)
            self.own.append(own)
            for r in map(self.root, saved):
                if r in made:
                    kept[r] = min(kept[r], k)
        self.variables = list(made)
        self.bytes = np.array([nbytes(v.type) for v in made], float)
        places = [np.array([d[v] for v in made], int) for d in (made, kept, last)]
        self.cuts = self.places_to_cut(places[0], places[2])
        self.made, self.kept, self.last = (np.searchsorted(self.cuts, p, side="right") - 1 for p in places)
        self.work = np.concatenate([[0], np.cumsum(self.costs)])[self.cuts].astype(float)
        self.extra = np.concatenate([[0], np.cumsum(self.own)])[self.cuts].astype(float)

    def root(self, atom: Atom) -> Any:
        """The array that a variable is a view of."""
        return self.roots.get(atom, atom)

    def places_to_cut(self, made: Any, last: Any) -> Any:
        """Where the fewest bytes are in use, in each piece of the program."""
        n = len(self.program.equations)
        change = np.zeros(n + 2)
        np.add.at(change, made + 1, self.bytes)
        np.add.at(change, last + 1, -self.bytes)
        live = np.cumsum(change)[: n + 1]
        pieces = np.array_split(np.arange(1, n), min(CUTS, max(n - 1, 1)))
        low = [p[np.argmin(live[p])] for p in pieces if len(p)]
        return np.array(sorted({0, n, *low}), int)

    # bytes of a part, from cut i to cut j -----------------------------------------------------------------------
    def table(self, counts: Any) -> Any:
        """For each j the bytes of the variables for which counts(j) holds, of those made from cut i on: [i, j]."""
        m = len(self.cuts)
        found = np.zeros((m, m))
        for j in range(m):
            weights = np.where((self.made < j) & counts(j), self.bytes, 0.0)
            binned = np.bincount(self.made.clip(0), weights, m)
            found[:, j] = np.cumsum(binned[::-1])[::-1]
        return found

    def tables(self) -> tuple[Any, Any, Any]:
        """(handed on, kept while it is reversed, kept from the first run on) for the part from cut i to cut j."""
        extra = self.extra[None, :] - self.extra[:, None]
        handed = self.table(lambda j: self.last >= j)
        reversed_ = self.table(lambda j: self.kept < j) + extra
        return handed, reversed_, self.table(lambda j: (self.kept < j) | (self.last >= j)) + extra

    def part(self, i: int, j: int) -> Program:
        """The equations from cut i to cut j as a program: from what they use to what is used later."""
        start, stop = self.cuts[i], self.cuts[j]
        inside, after = self.program.equations[start:stop], self.program.equations[stop:]
        made = {v for eq in inside for v in eq.outputs}
        used = dict.fromkeys(a for eq in inside for a in eq.inputs if isinstance(a, Var) and a not in made)
        later = {a for eq in after for a in eq.inputs} | set(self.program.outputs)
        known = {v for v, _ in self.program.constants}
        constants = [(v, x) for v, x in self.program.constants if v in used]
        inputs = [v for v in used if v not in known]
        outputs = [v for eq in inside for v in eq.outputs if v in later]
        return Program(
            inputs, constants, inside, outputs, name=f"part of {self.program.name}", quiet=self.program.quiet
        )


def roots_of(program: Program) -> dict[Any, Any]:
    """For each variable the array that it is a view of, itself most often."""
    roots: dict[Any, Any] = {}
    for eq in program.equations:
        for v in eq.outputs:
            view = eq.primitive.name in VIEWS
            roots[v] = roots.get(eq.inputs[0], eq.inputs[0]) if view else v
    return roots


def single(eq: Equation) -> Program:
    """An equation as a program."""
    inputs = list(dict.fromkeys(a for a in eq.inputs if isinstance(a, Var)))
    return Program(inputs, [], [eq], list(eq.outputs), name=eq.primitive.name, quiet=True)


def residuals(eq: Equation, active: set[Var]) -> tuple[list[Var], int]:
    """What the derivative of an equation keeps of its arguments and results, and the bytes of what it keeps else."""
    one = single(eq)
    mask = tuple(v in active for v in one.inputs)
    outs = reached(one, mask, differentiable=True)
    active.update(v for v, on in zip(one.outputs, outs, strict=True) if on)  # type: ignore[misc]
    if not any(outs):
        return [], 0
    first, _ = one.transform("linearize", mask, outs)
    n = len(one.outputs)
    known = dict(zip([*first.outputs[:n], *first.inputs], [*one.outputs, *one.inputs], strict=True))
    roots = roots_of(first)
    saved = dict.fromkeys(roots.get(v, v) for v in first.outputs[n:])
    own = sum(nbytes(v.type) for v in saved if v not in known)
    return [known[v] for v in saved if v in known], own
