"""Loops and branches: what is known moves in, what is constant moves out, what they only hand on is no part of them.

Into a body move numbers, arrays filled with one number, and views of constants (a transposition costs nothing where it
is used). Out of a loop's body moves what depends on constants alone. A carry that no round changes is a constant; a
result that is constant, or rows of xs, or the same as another, is none. Calls that are put in place: see calls.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.intern import interned
from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.provided import provided
from ..core.types import ArrayType
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
from .unused import without_unused
from .views import adds_ones, aligned, viewed

Atoms = Sequence[Atom]


class Inside:
    """A body that is made anew for its arguments: what is known of constants moves in, and each comes once."""

    def __init__(self, outer: Builder, body: Program) -> None:
        self.outer, self.body = outer, body
        self.b = Builder()
        self.env: dict[Atom, Atom] = {}
        self.consts: dict[Atom, Var] = {}  # the constants, by what they are outside
        self.moved: dict[Var, Atom] = {}  # what was moved out, and what it is outside
        self.changed = False

    def constant(self, v: Var, a: Atom) -> None:
        """The input v is the constant a."""
        if type(a) is Literal:
            self.env[v] = self.b.literal(a.value if v.type.weak else v.type.dtype.type(a.value))
        else:
            self.env[v] = self.known(a, v)
        self.changed |= self.env[v] is not v

    def known(self, a: Atom, v: Var | None = None) -> Atom:
        """The atom inside for a constant: an input, or a view of one."""
        if type(a) is Literal:
            return self.b.literal(a.value)
        eq = self.outer.made.get(a)
        if eq is not None and (
            eq.primitive in (transpose, broadcast_to) or (eq.primitive is reshape and adds_ones(eq))
        ):
            return self.b.make(eq.primitive, self.known(eq.inputs[0]), **eq.params)
        if a not in self.consts:
            self.consts[a] = Var(ArrayType(a.type.shape, a.type.dtype)) if v is None else v
        return self.consts[a]

    def free(self, v: Var) -> None:
        """The input v differs from round to round."""
        self.env[v] = v

    def rows(self, variables: Sequence[Var], xs: Atoms) -> dict[Atom, Var]:
        """Inputs that are rows of arrays: each array once, and none whose rows are all the same."""
        first: dict[Atom, Var] = {}
        for v, x in zip(variables, xs, strict=True):
            row = repeated_row(self.outer, x)
            if row is not None:
                self.constant(v, row)
            elif x in first:
                self.env[v], self.changed = first[x], True
            else:
                self.free(v)
                first[x] = v
        return first

    def outside(self, a: Atom) -> Atom | None:
        """What a result of the body is outside, where it is the same in every round."""
        if type(a) is Literal:
            return strong(self.outer, self.outer.literal(a.value))
        if a in self.b.constants:
            return self.outer.constant(self.b.constants[a])
        return self.moved.get(a) or next((x for x, v in self.consts.items() if v is a), None)

    def carry(self, variables: Sequence[Var], carry: Atoms, results: Atoms) -> list[int]:
        """Carries that no round changes are constants; the places of the others."""
        changing = []
        for j, (v, a) in enumerate(zip(variables, carry, strict=True)):
            if results[j] is v and a.type == v.type:
                self.constant(v, a)
                self.changed = True
            else:
                self.free(v)
                changing.append(j)
        return changing

    def used(self, outputs: Iterable[Atom]) -> set[Atom]:
        """What the body reads or returns."""
        return {a for eq in self.b.equations for a in eq.inputs}.union(outputs)

    def constants(self, used: set[Atom]) -> dict[Var, Atom]:
        """The constants that are still needed: inside, and what they are outside."""
        found = {v: a for a, v in self.consts.items() if v in used}
        found.update((v, a) for v, a in self.moved.items() if v in used)
        return found

    def program(self, inputs: Sequence[Var], outputs: Atoms) -> Program:
        """The body that was made, which is simple already."""
        made = interned(without_unused(self.body, self.b, outputs, inputs))
        made.derived[provided("simplify_program"), ()] = made
        return made


def repeated_row(b: Builder, x: Atom) -> Atom | None:
    """The one row of an array whose rows are all the same."""
    eq = b.maker(x, broadcast_to)
    if eq is None or x.type.shape[0] == 0:
        return None
    source, shape = eq.inputs[0], x.type.shape
    if aligned(source.type.shape, len(shape))[0] != 1:
        return None
    if source.type.ndim == len(shape):
        source = viewed(b, source, source.type.shape[1:])
    return b.make(broadcast_to, source, shape=shape[1:])


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
        if is_total(eq) and all(type(a) is Literal or a in constant for a in eq.inputs):
            constant.update(eq.outputs)
    moving: set[Atom] = set()
    for eq in reversed(ins.b.equations):
        v = eq.outputs[0] if len(eq.outputs) == 1 else None
        if v in constant and (v in moving or (eq.primitive not in VIEWS and is_kept_cheaply(eq))):
            moving.update((v, *(a for a in eq.inputs if a in ins.b.made)))
    if not moving:
        return
    out: dict[Atom, Atom] = {v: a for a, v in ins.consts.items()}
    out.update((v, ins.outer.constant(x)) for v, x in ins.b.constants.items())
    staying = []
    for eq in ins.b.equations:
        if eq.outputs and eq.outputs[0] in moving:
            (v,) = eq.outputs
            given = tuple([ins.outer.literal(a.value) if type(a) is Literal else out[a] for a in eq.inputs])
            ins.outer.source = eq.source
            out[v] = ins.moved[v] = ins.outer.add(eq.primitive, given, eq.params, v.type, None)
        else:
            staying.append(eq)
    ins.b.equations, ins.changed = staying, True


# what a loop returns ---------------------------------------------------------------------------------------------
class Returns:
    """The results that a loop or branch still has; and what each of the old ones is, an atom or one of those."""

    def __init__(self) -> None:
        self.inside: list[Atom] = []
        self.outside: list[Var] = []
        self.old: list[Atom | int] = []
        self.at: dict[Any, int] = {}

    def keep(self, a: Any, v: Var, key: Any = None) -> None:
        """The result v is a, inside; two of the same key are one."""
        k = self.at.setdefault(a if key is None else key, len(self.inside))
        if k == len(self.inside):
            self.inside.append(a)
            self.outside.append(v)
        self.old.append(k)

    def known(self, a: Atom) -> None:
        """The next result is known outside."""
        self.old.append(a)

    def of(self, made: Sequence[Atom]) -> list[Atom]:
        """The old results, from the new ones."""
        return [made[a] if isinstance(a, int) else a for a in self.old]


def fits(a: Atom | None, v: Var) -> bool:
    """Is this an atom of the variable's type?"""
    return a is not None and a.type == v.type and a.type.weak == v.type.weak


# scan ------------------------------------------------------------------------------------------------------------
def simple_scan(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
    """A scan of a simplified body."""
    body, params = eq.params["body"].transform("simplify"), eq.params
    if (found := few_rounds(b, eq, inputs, body)) is not None:
        return found
    sizes = Sizes(params["n_consts"], params["n_carry"])
    count, source = inputs[0], b.source
    consts, carry, xs = sizes.split(inputs[1:])
    vc, vk, vx = sizes.split(body.inputs)
    ins = Inside(b, body)
    for v, a in zip(vc, consts, strict=True):
        ins.constant(v, a)
    changing = ins.carry(vk, carry, body.outputs)
    rows = ins.rows(vx, xs)
    outs = ins.b.add_program(body, ins.env)
    move_out(ins)
    b.source = source
    results = Returns()
    for j, v in enumerate(eq.outputs[: sizes.carry]):
        if j in changing:
            results.keep(outs[j], v, key=j)
        else:
            results.known(strong(b, carry[j]))
    whole = {v: x for x, v in rows.items()}
    for a, v in zip(outs[sizes.carry :], eq.outputs[sizes.carry :], strict=True):
        x = whole[a] if a in whole else stacked(b, ins.outside(a), v.type)
        if x is not None and fits(x, v):
            results.known(x)
        else:
            results.keep(a, v)
    used = ins.used(results.inside)
    rows = {x: v for x, v in rows.items() if v in used}
    constants = ins.constants(used)
    variables = [*constants, *(vk[j] for j in changing), *rows.values()]
    if ins.changed or variables != list(body.inputs) or len(results.inside) != len(body.outputs):
        body = ins.program(variables, results.inside)
        inputs = (count, *constants.values(), *(carry[j] for j in changing), *rows)
        params = {**params, "n_consts": len(constants), "n_carry": len(changing)}
    return results.of(b.once(Equation(eq.primitive, inputs, {**params, "body": body}, results.outside, eq.source)))


def stacked(b: Builder, row: Atom | None, y: ArrayType) -> Atom | None:
    """The stack of rows that are all the same."""
    return None if row is None else b.filled(row, y.shape)


# while -----------------------------------------------------------------------------------------------------------
def simple_while(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
    """A while loop of a simplified condition and body."""
    params = eq.params
    test, body = (params[name].transform("simplify") for name in ("cond", "body"))
    shared, source = Sizes(params["n_cond"], params["n_consts"]), b.source
    asked, consts, carry = shared.split(inputs)
    tests, rounds = Inside(b, test), Inside(b, body)
    for ins, given in ((tests, asked), (rounds, consts)):
        for v, a in zip(ins.body.inputs, given, strict=False):
            ins.constant(v, a)
    vt, vk = test.inputs[len(asked) :], body.inputs[len(consts) :]
    changing = rounds.carry(vk, carry, body.outputs)
    for j, v in enumerate(vt):
        if j in changing:
            tests.free(v)
        else:
            tests.constant(v, carry[j])
    (going,) = tests.b.add_program(test, tests.env)
    outs = rounds.b.add_program(body, rounds.env)
    move_out(tests)
    move_out(rounds)
    b.source = source
    results = Returns()
    results.keep(eq.outputs[0], eq.outputs[0])
    for j, v in enumerate(eq.outputs[1 : 1 + len(carry)]):
        if j in changing:
            results.keep(outs[j], v, key=j)
        else:
            results.known(strong(b, carry[j]))
    for a, v in zip(outs[len(carry) :], eq.outputs[1 + len(carry) :], strict=True):
        results.keep(a, v)
    before, during = tests.constants(tests.used([going])), rounds.constants(rounds.used(results.inside[1:]))
    if tests.changed or list(before) != list(test.inputs[: len(asked)]) or len(changing) != len(carry):
        test = tests.program([*before, *(vt[j] for j in changing)], [going])
    if rounds.changed or list(during) != list(body.inputs[: len(consts)]) or len(results.inside) != len(eq.outputs):
        body = rounds.program([*during, *(vk[j] for j in changing)], results.inside[1:])
    inputs = (*before.values(), *during.values(), *(carry[j] for j in changing))
    params = {"cond": test, "body": body, "n_cond": len(before), "n_consts": len(during)}
    return results.of(b.once(Equation(while_, inputs, params, results.outside, eq.source)))


# cond ------------------------------------------------------------------------------------------------------------
def simple_cond(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
    """A branch of simplified programs; one that is known in its place."""
    branches = [p.transform("simplify") for p in eq.params["branches"]]
    index, *operands = inputs
    if type(index) is Literal or len(branches) == 1:
        taken = branches[int(index.value) if type(index) is Literal else 0]
        if (found := opened(b, taken, operands)) is not None:
            return found
    made, outs = [], []
    for p in branches:
        ins = Inside(b, p)
        for v, a in zip(p.inputs, operands, strict=True):
            ins.constant(v, a)
        outs.append(ins.b.add_program(p, ins.env))
        made.append(ins)
    results = Returns()
    for column, v in zip(zip(*outs, strict=True), eq.outputs, strict=True):
        known = {ins.outside(a) for ins, a in zip(made, column, strict=True)}
        same = known.pop() if len(known) == 1 else None
        if same is not None and fits(same, v):
            results.known(same)
        else:
            results.keep(column, v)
    ends = list(zip(*results.inside, strict=True)) or [()] * len(branches)
    given: dict[Atom, None] = {}
    for ins, end in zip(made, ends, strict=True):
        given.update(dict.fromkeys(ins.constants(ins.used(end)).values()))
    if not results.inside and not any(p.effect for p in branches):
        return results.of([])
    programs = tuple(
        ins.program([ins.consts.get(a) or Var(a.type) for a in given], end) for ins, end in zip(made, ends, strict=True)
    )
    return results.of(b.once(Equation(cond, (index, *given), {"branches": programs}, results.outside, eq.source)))


CALLS[scan] = CALLS[linear_scan] = simple_scan
CALLS[while_] = simple_while
CALLS[cond] = simple_cond
