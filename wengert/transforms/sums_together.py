"""Sums over rounds that are added up after the loop are one sum.

A constant that a body reads in several places has an adjoint for each, and their sums over the rounds are added in the
end. Added in each round, they need one carry:

    p = p + x,  q = q - y  in each round;  r = p + q  after it      becomes      r = r + (x - y)  in each round

ROUNDED: the sum is taken in another order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..core.program import Atom, Equation, Literal, Program, Var
from ..primitives import elementwise as ew
from ..primitives.loops import linear_scan, scan
from .after_loops import added, is_zero
from .residuals import Loop, loop_of
from .unused import with_equations

Made = dict[Atom, Equation]


class Term(NamedTuple):
    """What a carry grows by in each round, or shrinks."""

    value: Atom
    negative: bool


class Join(NamedTuple):
    """Carries of a loop that become one, with this result; and what else is added to them."""

    carries: list[int]
    result: Var
    others: list[Atom]


def sums_together(program: Program) -> Program:
    """The program with such sums taken together; itself where there are none."""
    loops = [eq for eq in program.equations if eq.primitive in (scan, linear_scan) and eq.params["n_carry"] > 1]
    if not loops:
        return program
    made: Made = {v: eq for eq in program.equations for v in eq.outputs}
    uses = Counter(a for eq in program.equations for a in eq.inputs)
    uses.update(program.outputs)
    parts = {a for eq in program.equations if eq.primitive is ew.add for a in eq.inputs}
    terms = {eq: growing(Loop(eq)) for eq in loops}
    joins: dict[Equation, list[Join]] = {eq: [] for eq in loops}
    ends: dict[Equation, tuple[Equation, Join]] = {}
    for eq in program.equations:
        if eq.primitive is ew.add and not (eq.outputs[0] in parts and uses[eq.outputs[0]] == 1):
            found = join(eq, made, uses, terms)
            if found is not None:
                joins[found[0]].append(found[1])
                ends[eq] = found
    if not ends:
        return program
    equations: list[Equation] = []
    for eq in program.equations:
        if joins.get(eq):
            equations += joined_loop(Loop(eq), joins[eq], terms[eq], made)
        elif eq in ends:
            equations += remaining_sum(eq, ends[eq])
        else:
            equations.append(eq)
    return with_equations(program, equations, program.outputs)


def growing(loop: Loop) -> dict[int, Term]:
    """The carries to which each round only adds something, of their own type."""
    body = loop.body
    made = {v: eq for eq in body.equations for v in eq.outputs}
    uses = Counter(a for eq in body.equations for a in eq.inputs)
    uses.update(body.outputs)
    found = {}
    for k, (total, out) in enumerate(zip(body.inputs[loop.n_consts :], body.outputs[: loop.n_carry], strict=False)):
        eq = made.get(out) if isinstance(out, Var) else None
        if eq is None or eq.primitive not in (ew.add, ew.sub) or uses[total] > 1 or uses[out] > 1:
            continue
        first, second = eq.inputs
        if second is total and eq.primitive is ew.add:
            first, second = second, first
        if first is total and second.type == total.type == out.type:
            found[k] = Term(second, eq.primitive is ew.sub)
    return found


def join(
    eq: Equation, made: Made, uses: Counter[Atom], terms: dict[Equation, dict[int, Term]]
) -> tuple[Equation, Join] | None:
    """The carries of a loop whose results this sum adds, if there are several."""
    leaves, left = [], list(eq.inputs[::-1])
    while left:
        a = left.pop()
        inner = made.get(a)
        if inner is not None and inner.primitive is ew.add and uses[a] == 1:
            left += inner.inputs[::-1]
        else:
            leaves.append(a)
    groups: dict[Equation, list[int]] = {}
    (total,) = eq.outputs
    for a in leaves:
        loop = made.get(a)
        if loop in terms and uses[a] == 1 and a.type == total.type:
            k = loop.outputs.index(a)
            if k in terms[loop]:
                groups.setdefault(loop, []).append(k)
    for loop, carries in groups.items():
        if len(carries) > 1:
            own = {loop.outputs[k] for k in carries}
            others = [a for a in leaves if a not in own]
            return loop, Join(carries, Var(total.type) if others else total, others)
    return None


def joined_loop(loop: Loop, joins: Sequence[Join], terms: dict[int, Term], made: Made) -> list[Equation]:
    """What the sums begin with, and the loop with fewer carries."""
    before: list[Equation] = []
    body, n, m = loop.body, loop.n_consts, loop.n_consts + loop.n_carry
    pairs = list(zip(loop.args, body.inputs, strict=True))
    carry, results, outputs = pairs[n:m], list(loop.ends), list(body.outputs)
    equations = list(body.equations)
    for carries, result, _ in joins:
        first = carries[0]
        starts = [loop.args[n + k] for k in carries]
        start = added([a for a in starts if not is_number_zero(a, made)] or starts[:1], before)
        outputs[first] = sum_of_terms(pairs[n + first][1], [terms[k] for k in carries], equations)
        carry[first] = start, pairs[n + first][1]
        results[first] = result
    gone = {k for j in joins for k in j.carries[1:]}
    keep = [k for k in range(loop.n_carry) if k not in gone]
    rows = zip(body.outputs[loop.n_carry :], loop.rows, strict=True)
    ends = [outputs[k] for k in keep]
    rows_inside, rows_outside = zip(*rows, strict=True) if loop.rows else ((), ())
    made_body = with_equations(body, equations, [*ends, *rows_inside])
    groups = pairs[:n], [carry[k] for k in keep], pairs[m:]
    return [*before, loop_of(loop.eq, [loop.count], groups, made_body, [*(results[k] for k in keep), *rows_outside])]


def is_number_zero(a: Atom, made: Made) -> bool:
    """Is it zero, or an array of zeros?"""
    return a.value == 0 if type(a) is Literal else is_zero(a, made)


def sum_of_terms(total: Atom, terms: Sequence[Term], equations: list[Equation]) -> Atom:
    """The total with these terms, by new equations."""
    plus, minus = ([t.value for t in terms if t.negative is negative] for negative in (False, True))
    if plus:
        total = added([total, added(plus, equations)], equations)
    if minus:
        difference = Var(total.type)
        source = equations[-1].source
        equations.append(Equation(ew.sub, [total, added(minus, equations)], {}, [difference], source))
        total = difference
    return total


def remaining_sum(eq: Equation, found: tuple[Equation, Join]) -> list[Equation]:
    """The sum of the joint result with what else was added."""
    join = found[1]
    equations: list[Equation] = []
    if join.others:
        added([join.result, *join.others], equations, eq.outputs[0])
    return equations
