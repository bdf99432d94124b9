"""Sums with the results of branches are taken in the branches: t + cond(i; f, g) = cond(i; f + t, g + t).

The adjoint of an element that a branch reads is an array of zeros with one number, made anew in every round of a loop and
added to a total. In the branch it is one addition in place, and where a branch adds zeros, nothing. (A zero may change its
sign.)
"""

from __future__ import annotations

from collections import Counter

from ..core.intern import interned
from ..core.program import Atom, Equation, Literal, Program, Var
from ..primitives import elementwise as ew
from ..primitives.control import cond
from ..primitives.shape import broadcast_to
from .unused import mark_simple, with_equations


def sums_into_branches(program: Program) -> Program:
    """The program with such sums in its branches; itself where there are none."""
    if not any(eq.primitive is cond for eq in program.equations):
        return program
    count = Counter(a for eq in program.equations for a in eq.inputs)
    count.update(program.outputs)
    known: set[Atom] = {*program.inputs, *(v for v, _ in program.constants)}
    adding = {a: eq for eq in program.equations if eq.primitive is ew.add for a in eq.inputs if count[a] == 1}
    taken: set[Equation] = set()
    equations = []
    for eq in program.equations:
        if eq.primitive is cond:
            free = {v: s for v in eq.outputs if (s := adding.get(v)) is not None and s not in taken}
            sums = {k: free[v] for k, v in enumerate(eq.outputs) if v in free and is_sum(free[v], v, known)}
            if sums:
                eq = with_sums(eq, sums)
                taken.update(sums.values())
        if eq not in taken:
            equations.append(eq)
        known.update(eq.outputs)
    return with_equations(program, equations, program.outputs) if taken else program


def is_sum(eq: Equation, v: Var, known: set[Atom]) -> bool:
    """Is it a sum of an array and of something that is known before the branch?"""
    if not v.type.shape:
        return False
    other = eq.inputs[eq.inputs[0] is v]
    return other in known and other.type == v.type


def with_sums(eq: Equation, sums: dict[int, Equation]) -> Equation:
    """The branch, whose results of these numbers are sums."""
    totals = [s.inputs[s.inputs[0] is eq.outputs[k]] for k, s in sums.items()]
    outputs = [sums[k].outputs[0] if k in sums else v for k, v in enumerate(eq.outputs)]
    branches = tuple(interned(adding_to(p, sums)) for p in eq.params["branches"])
    return Equation(eq.primitive, [*eq.inputs, *totals], {**eq.params, "branches": branches}, outputs, eq.source)


def adding_to(program: Program, which: dict[int, Equation]) -> Program:
    """The program of one branch with more arguments, to which these of its results are added."""
    made = {v: eq for eq in program.equations for v in eq.outputs}
    totals = {k: Var(program.outputs[k].type) for k in which}
    outputs: list[Atom] = list(program.outputs)
    sums = []
    for k, t in totals.items():
        if is_zero(outputs[k], made):
            outputs[k] = t
            continue
        y = Var(t.type)
        sums.append(Equation(ew.add, [t, outputs[k]], {}, [y], which[k].source))
        outputs[k] = y
    grown = Program([*program.inputs, *totals.values()], program.constants, [*program.equations, *sums], outputs,
                    name=program.name, quiet=program.quiet)  # fmt: skip
    found = sums_into_branches(with_equations(grown, grown.equations, outputs))
    mark_simple(found)
    return found


def is_zero(a: Atom, made: dict[Atom, Equation]) -> bool:
    """Is it an array of zeros?"""
    eq = made.get(a)
    if eq is None or eq.primitive is not broadcast_to or type(eq.inputs[0]) is not Literal:
        return False
    return not eq.inputs[0].value
