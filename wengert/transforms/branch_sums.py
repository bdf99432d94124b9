"""Sums with the results of branches are taken in the branches: t + cond(i; f, g) = cond(i; f + t, g + t).

The adjoint of an element that a branch reads is an array of zeros with one number, made anew in every round of a loop
and added to a total. In the branch it is one addition in place, and where a branch adds zeros, nothing. (A zero may
change its sign.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
    waiting, equations = list(program.equations), []
    changed = False
    while waiting:
        eq = waiting.pop(0)
        if eq.primitive is cond:
            free = {k: adding[v] for k, v in enumerate(eq.outputs) if v in adding and adding[v] in waiting}
            for k, s in free.items():
                early = needed_first(s.inputs[s.inputs[0] is eq.outputs[k]], eq, waiting)
                equations += early
                known.update(v for e in early for v in e.outputs)
                waiting = [e for e in waiting if e not in early]
            sums: dict[int, Equation] = {}
            for k, s in free.items():
                if s not in sums.values() and is_sum(s, eq.outputs[k], known | set(eq.outputs)):
                    sums[k] = s
            if sums:
                eq, changed = with_sums(eq, sums), True
                waiting = [e for e in waiting if e not in sums.values()]
        equations.append(eq)
        known.update(eq.outputs)
    if not changed:
        return program
    made = with_equations(program, equations, program.outputs)  # without what the branches need not return any more
    return with_equations(made, [further_in(eq) for eq in made.equations], made.outputs)


def further_in(eq: Equation) -> Equation:
    """The same in the branches of a branch."""
    if eq.primitive is not cond:
        return eq
    branches = tuple(map(sums_into_branches, eq.params["branches"]))
    for p in branches:
        mark_simple(p)
    params = {**eq.params, "branches": tuple(map(interned, branches))}
    return Equation(eq.primitive, eq.inputs, params, eq.outputs, eq.source)


FEW = 8  # equations that are moved before a branch


def needed_first(atom: Atom, eq: Equation, later: Sequence[Equation]) -> list[Equation]:
    """The later equations that a term needs, if they are few and none needs what the branch makes."""
    wanted, found = {atom}, []
    for e in reversed(later):
        if any(v in wanted for v in e.outputs):
            found.append(e)
            wanted.update(e.inputs)
    free = not any(v in wanted for v in eq.outputs) and not any(e.effect for e in found)
    return found[::-1] if free and len(found) <= FEW else []


def is_sum(eq: Equation, v: Var, known: set[Atom]) -> bool:
    """Is it a sum of an array and of something that is known before the branch?"""
    if not v.type.shape:
        return False
    other = eq.inputs[eq.inputs[0] is v]
    return other in known and other.type == v.type


def with_sums(eq: Equation, sums: dict[int, Equation]) -> Equation:
    """The branch, whose results of these numbers are sums: with arguments more, or with other results."""
    terms = {k: s.inputs[s.inputs[0] is eq.outputs[k]] for k, s in sums.items()}
    beside = {k: eq.outputs.index(a) for k, a in terms.items() if a in eq.outputs}
    totals = [a for k, a in terms.items() if k not in beside]
    outputs = [sums[k].outputs[0] if k in sums else v for k, v in enumerate(eq.outputs)]
    branches = tuple(interned(adding_to(p, sums, beside)) for p in eq.params["branches"])
    return Equation(eq.primitive, [*eq.inputs, *totals], {**eq.params, "branches": branches}, outputs, eq.source)


def adding_to(program: Program, sums: dict[int, Equation], beside: dict[int, int]) -> Program:
    """The program of one branch: to these of its results arguments more are added, or other results of it."""
    made: dict[Atom, Equation] = {v: eq for eq in program.equations for v in eq.outputs}
    old: list[Atom] = list(program.outputs)
    more = {k: Var(old[k].type) for k in sums if k not in beside}
    outputs, equations = list(old), list(program.equations)
    for k, s in sums.items():
        a, b = (old[beside[k]] if k in beside else more[k]), old[k]
        if is_zero(b, made):
            outputs[k] = a
        elif is_zero(a, made):
            outputs[k] = b
        else:
            equations.append(Equation(ew.add, [a, b], {}, [Var(b.type)], s.source))
            (outputs[k],) = equations[-1].outputs
    inputs = [*program.inputs, *more.values()]
    grown = Program(inputs, program.constants, equations, outputs, name=program.name, quiet=program.quiet)
    found = with_equations(grown, equations, outputs)
    mark_simple(found)
    return found


def is_zero(a: Atom, made: dict[Atom, Equation]) -> bool:
    """Is it an array of zeros?"""
    eq = made.get(a)
    if eq is None or eq.primitive is not broadcast_to or type(eq.inputs[0]) is not Literal:
        return False
    return not eq.inputs[0].value
