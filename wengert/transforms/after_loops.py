"""Sums over rounds: a loop that adds a product of rows to a matrix in each round writes the rows instead.

The adjoint of a matrix in a recurrent network is a sum of outer products, one a round, each of which reads and writes
the whole matrix. After the loop it is one product of two matrices of rows:

    A = A + p q^T  in each round      becomes      rows P, Q  and  A + P^T Q  after the loop

ROUNDED: the sum is taken in another order. It is done where the product is at least twice as large as its factors, so
that rows take less room than they save work; small sums stay in the loop, in registers.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.types import DYNAMIC
from ..primitives import elementwise as ew
from ..primitives.contract import einsum, split_subscripts
from ..primitives.loops import linear_scan, scan
from ..primitives.shape import broadcast_to
from .contractions import joined
from .residuals import Loop, loop_of
from .unused import with_equations

SMALLEST = 256  # elements of a sum that is taken after the loop
ROUNDS = 4  # fewest rounds of such a loop


class Sum(NamedTuple):
    """What a carry grows by in each round: products that can wait, and other terms."""

    products: list[Equation]
    others: list[Atom]


def sums_after(program: Program) -> Program:
    """The program with such sums after its loops; itself where there are none."""
    if not any(eq.primitive in (scan, linear_scan) for eq in program.equations):
        return program
    made: dict[Atom, Equation] = {v: eq for eq in program.equations for v in eq.outputs}
    equations: list[Equation] = []
    for eq in program.equations:
        loop = Loop(eq) if eq.primitive in (scan, linear_scan) else None
        sums = {} if loop is None else waiting_sums(loop)
        equations += [eq] if loop is None or not sums else with_rows(loop, sums, made)
    return program if len(equations) == len(made) else with_equations(program, equations, program.outputs)


def waiting_sums(loop: Loop) -> dict[int, Sum]:
    """The carries to which each round only adds, among other terms products that can wait."""
    if type(loop.count) is not Literal or loop.length == DYNAMIC or loop.length < ROUNDS:
        return {}
    body = loop.body
    uses = Counter(a for eq in body.equations for a in eq.inputs)
    uses.update(body.outputs)
    made: dict[Atom, Equation] = {v: eq for eq in body.equations for v in eq.outputs}
    constants = {*body.inputs[: loop.n_consts], *(v for v, _ in body.constants)}
    found = {}
    for k, (total, out) in enumerate(zip(body.inputs[loop.n_consts :], body.outputs[: loop.n_carry], strict=False)):
        if total.type.size >= SMALLEST and uses[total] == 1:
            terms = terms_of(out, made, uses)
            products = [made[a] for a in terms if can_wait(made.get(a), constants)]
            if total in terms and products:
                rest = {v for eq in products for v in eq.outputs} | {total}
                found[k] = Sum(products, [a for a in terms if a not in rest])
    return found


def terms_of(a: Atom, made: dict[Atom, Equation], uses: Counter[Atom]) -> list[Atom]:
    """The terms of a sum, of values that are used in it alone."""
    found, left = [], [a]
    while left:
        a = left.pop()
        eq = made.get(a)
        if eq is not None and eq.primitive is ew.add and uses[a] == 1:
            left += eq.inputs[::-1]
        elif uses[a] == 1:
            found.append(a)
        else:
            return []  # something else reads a part of the sum
    return found


def can_wait(eq: Equation | None, constants: set[Atom]) -> bool:
    """A product that is much larger than its factors, which both differ from round to round."""
    if eq is None or eq.primitive is not einsum or not constants.isdisjoint(eq.inputs):
        return False
    return eq.outputs[0].type.size >= 2 * sum(a.type.size for a in eq.inputs)


def with_rows(loop: Loop, sums: dict[int, Sum], made: dict[Atom, Equation]) -> list[Equation]:
    """The loop that writes the factors as rows, and after it the sums."""
    body, eq = loop.body, loop.eq
    n, m = loop.n_consts, loop.n_consts + loop.n_carry
    pairs = list(zip(loop.args, body.inputs, strict=True))
    stacks: dict[Atom, Atom] = {v: a for a, v in pairs[m:]}
    rows: dict[Atom, Var] = dict(zip(loop.written, loop.rows, strict=True))
    for factor in (a for s in sums.values() for p in s.products for a in p.inputs):
        if factor not in stacks:
            stacks[factor] = rows.setdefault(factor, loop.stack(factor))
    adds: list[Equation] = []
    ends: list[Atom] = []
    staying = [k for k in range(loop.n_carry) if k not in sums or sums[k].others]
    for k in staying:
        out = body.outputs[k]
        ends.append(out if k not in sums else added([body.inputs[n + k], *sums[k].others], adds))
    results = [loop.ends[k] if k not in sums else Var(loop.ends[k].type) for k in staying]
    made_body = with_equations(body, [*body.equations, *adds], [*ends, *rows])
    groups = pairs[:n], [pairs[n + k] for k in staying], pairs[m:]
    first = loop_of(eq, [loop.count], groups, made_body, [*results, *rows.values()])
    after: list[Equation] = []
    at = dict(zip(staying, results, strict=True))
    for k, s in sums.items():
        start = at.get(k, loop.args[n + k])
        products = [product_of_rows(p, stacks, after) for p in s.products]
        added(products if is_zero(start, made) else [start, *products], after, loop.ends[k])
    return [first, *after]


def product_of_rows(eq: Equation, stacks: dict[Atom, Atom], after: list[Equation]) -> Atom:
    """The sum of a product over all rounds."""
    la, lb, lo = split_subscripts(eq.params["subscripts"])
    t = next(c for c in string.ascii_letters if c not in la + lb)
    y = Var(eq.outputs[0].type)
    subscripts = joined(t + la, t + lb, lo)
    after.append(Equation(einsum, [stacks[a] for a in eq.inputs], {"subscripts": subscripts}, [y], eq.source))
    return y


def added(terms: Sequence[Atom], equations: list[Equation], result: Var | None = None) -> Atom:
    """The sum of terms, by new equations; the last one assigns the result."""
    total = terms[0]
    for a in terms[1:]:
        y = Var(a.type)
        equations.append(Equation(ew.add, [total, a], {}, [y], equations[-1].source if equations else None))
        total = y
    if result is not None:
        last = equations[-1]
        last.outputs = (result,)
    return total


def is_zero(a: Atom, made: dict[Atom, Equation]) -> bool:
    """An array of zeros, to which a sum may be added by leaving it out."""
    eq = made.get(a)
    if eq is None or eq.primitive is not broadcast_to:
        return False
    number = eq.inputs[0]
    return type(number) is Literal and number.value == 0
