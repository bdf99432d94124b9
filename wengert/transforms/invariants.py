"""Loops and branches: what depends on constants alone moves out, and what they only hand on is no part of them.

What moves in, and which carries are constants: see inside.py. A result that is constant, or rows of xs, or the same as
another, is none. Loops and calls that need not be there: see calls.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.program import Atom, Equation, Literal, Var
from ..primitives import elementwise as ew
from ..primitives import reduce as rd
from ..primitives.bodies import Sizes
from ..primitives.contract import einsum, split_subscripts
from ..primitives.control import cond
from ..primitives.index import slice_
from ..primitives.loops import linear_scan, scan, while_
from ..primitives.shape import broadcast_to, reshape, sum_, transpose
from .builder import CALLS, Builder
from .calls import few_rounds, opened, strong
from .inside import Inside, Returns

Atoms = Sequence[Atom]


# what depends on constants alone ---------------------------------------------------------------------------------
VIEWS = (reshape, transpose, broadcast_to, slice_)
REDUCTIONS = (sum_, rd.prod, rd.max_, rd.min_, rd.any_, rd.all_, rd.count, rd.cumsum)


def is_total(eq: Equation) -> bool:
    """Can it be computed before the loop, also if there is no round: no effect, no error, no endless loop?"""
    p = eq.primitive
    if p is ew.power and eq.outputs[0].type.dtype.kind in "iu":
        return False
    return p.pointwise or p is einsum or p in VIEWS or p in REDUCTIONS


def is_kept_cheaply(eq: Equation) -> bool:
    """Is the result no larger than what it is computed from, or a sum of products?"""
    if eq.primitive is einsum:
        la, lb, lo = split_subscripts(eq.params["subscripts"])
        if not set(la + lb) <= set(lo):
            return True
    return eq.outputs[0].type.size <= sum(a.type.size for a in eq.inputs)


def move_out(ins: Inside) -> None:
    """Take what depends on constants alone out of the body. A view stays, unless something that moves needs it."""
    constant: set[Atom] = {*ins.consts.values(), *ins.b.constants}
    for eq in ins.b.equations:
        if all(type(a) is Literal or a in constant for a in eq.inputs) and is_total(eq):
            constant.update(eq.outputs)
    moving: set[Atom] = set()
    for eq in reversed(ins.b.equations):
        v = eq.outputs[0] if eq.outputs else None
        if v in constant and (v in moving or (eq.primitive not in VIEWS and is_kept_cheaply(eq))):
            moving.update(eq.outputs)
            moving.update(a for a in eq.inputs if a in ins.b.made)
    if moving:
        take_out(ins, moving)


def take_out(ins: Inside, moving: set[Atom]) -> None:
    """Compute these variables outside; to the body they are constants."""
    out: dict[Atom, Atom] = {v: a for a, v in ins.consts.items()}
    out.update((v, ins.outer.constant(x)) for v, x in ins.b.constants.items())
    staying, source = [], ins.outer.source
    for eq in ins.b.equations:
        if eq.outputs and eq.outputs[0] in moving:
            (v,) = eq.outputs
            given = tuple([ins.outer.literal(a.value) if type(a) is Literal else out[a] for a in eq.inputs])
            ins.outer.source = eq.source
            out[v] = ins.moved[v] = ins.outer.add(eq.primitive, given, eq.params, v.type, None)
        else:
            staying.append(eq)
    ins.b.equations, ins.outer.source = staying, source


# loops -----------------------------------------------------------------------------------------------------------
def carried(b: Builder, ins: Inside, carry: Atoms, changing: list[int], results: Sequence[Var], to: Returns) -> None:
    """The last values of the carry: of a constant one its first."""
    for j, v in enumerate(results):
        if j in changing:
            to.keep(ins.results[j], v, key=("carry", j))
        else:
            to.add(strong(b, carry[j]), ins.results[j], v)


def simple_scan(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
    """A scan of a simplified body."""
    body, params, source = eq.params["body"], eq.params, b.source
    if (found := few_rounds(b, eq, inputs, body)) is not None:
        return found
    sizes = Sizes(params["n_consts"], params["n_carry"])
    consts, carry, xs = sizes.split(inputs[1:])
    vc, vk, vx = sizes.split(body.inputs)
    ins = Inside(b, body)
    ins.constants(vc, consts)
    changing, rows = ins.carry(vk, carry), ins.rows(vx, xs)
    ins.build()
    move_out(ins)
    b.source = source
    results = Returns()
    carried(b, ins, carry, changing, eq.outputs[: sizes.carry], results)
    whole: dict[Atom, Atom] = {v: x for x, v in rows.items()}
    for a, v in zip(ins.results[sizes.carry :], eq.outputs[sizes.carry :], strict=True):
        row = None if a in whole else ins.outside(a)
        results.add(whole.get(a) if row is None else b.filled(row, v.type.shape), a, v)
    used = ins.used(results.inside)
    needed, rows = ins.needed(used), {x: v for x, v in rows.items() if v in used}
    made = ins.program([*needed, *(vk[j] for j in changing), *rows.values()], results.inside)
    inputs = (inputs[0], *needed.values(), *(carry[j] for j in changing), *rows)
    params = {**params, "body": made, "n_consts": len(needed), "n_carry": len(changing)}
    return results.of(again_or_once(b, Equation(eq.primitive, inputs, params, results.outside, eq.source), len(needed)))


def again_or_once(b: Builder, eq: Equation, first: int) -> Sequence[Atom]:
    """Add the equation of a loop; if only its simplified body shows that a carry is constant, look at it again."""
    body = eq.params["body"]
    if any(v is a for v, a in zip(body.inputs[first:], body.outputs[: eq.params.get("n_carry")], strict=False)):
        return CALLS[eq.primitive](b, eq, eq.inputs)
    return b.once(eq)


def simple_while(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
    """A while loop of a simplified condition and body."""
    params, source = eq.params, b.source
    asked, consts, carry = Sizes(params["n_cond"], params["n_consts"]).split(inputs)
    test, body = Inside(b, params["cond"]), Inside(b, params["body"])
    vt, vk = test.body.inputs[len(asked) :], body.body.inputs[len(consts) :]
    test.constants(test.body.inputs, asked)
    body.constants(body.body.inputs, consts)
    changing = body.carry(vk, carry)
    for j, v in enumerate(vt):
        if j in changing:
            test.env[v] = v
        else:
            test.constant(v, carry[j])
            test.changed = True
    for ins in (test, body):
        ins.build()
        move_out(ins)
    b.source = source
    results = Returns()
    results.keep(eq.outputs[0], eq.outputs[0])
    carried(b, body, carry, changing, eq.outputs[1 : 1 + len(carry)], results)
    for a, v in zip(body.results[len(carry) :], eq.outputs[1 + len(carry) :], strict=True):
        results.keep(a, v)
    before, during = test.needed(test.used(test.results)), body.needed(body.used(results.inside[1:]))
    params = {
        "cond": test.program([*before, *(vt[j] for j in changing)], test.results),
        "body": body.program([*during, *(vk[j] for j in changing)], results.inside[1:]),
        "n_cond": len(before),
        "n_consts": len(during),
    }
    inputs = (*before.values(), *during.values(), *(carry[j] for j in changing))
    return results.of(again_or_once(b, Equation(while_, inputs, params, results.outside, eq.source), len(during)))


# branches --------------------------------------------------------------------------------------------------------
def simple_cond(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
    """Branches of simplified programs; one that is known, in its place."""
    branches, (index, *operands) = eq.params["branches"], inputs
    if type(index) is Literal or len(branches) == 1:
        taken = branches[int(index.value) if type(index) is Literal else 0]
        if (found := opened(b, taken, operands)) is not None:
            return found
    made = [Inside(b, p) for p in branches]
    for ins in made:
        ins.constants(ins.body.inputs, operands)
        ins.build()
    results = Returns()
    for column, v in zip(zip(*(ins.results for ins in made), strict=True), eq.outputs, strict=True):
        known = {ins.outside(a) for ins, a in zip(made, column, strict=True)}
        results.add(known.pop() if len(known) == 1 else None, column, v)
    if not results.inside and not eq.effect:
        return results.of([])
    ends = [[column[k] for column in results.inside] for k in range(len(made))]
    given: dict[Atom, None] = {}
    for ins, end in zip(made, ends, strict=True):
        given.update(dict.fromkeys(ins.needed(ins.used(end)).values()))
    programs = tuple(
        ins.program([ins.consts.get(a) or Var(a.type) for a in given], end) for ins, end in zip(made, ends, strict=True)
    )
    return results.of(b.once(Equation(cond, (index, *given), {"branches": programs}, results.outside, eq.source)))


CALLS[scan] = CALLS[linear_scan] = simple_scan
CALLS[while_] = simple_while
CALLS[cond] = simple_cond
