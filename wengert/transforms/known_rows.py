"""What a loop has computed in each round, the loop that runs back over its rows reads instead of computing it again.

The tangent of sin is a product with cos; but the loop may have taken the cosine itself, for its own sake:

    loop: x -> sin(x), cos(x) ... saves x          becomes          loop: x -> ... saves x, c = cos(x)
    back: reads x; cos(x) * t                                       back: reads c; c * t

An equation of the way back is known if it is one of the loop's with the same inputs: rows that the loop saved,
constants of both, and what is known already. Only what is dear is saved for it; what to save after all is decided in
residuals.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.types import DYNAMIC
from ..primitives.loops import linear_scan, scan
from .builder import COMMUTATIVE, has_effect
from .residuals import LOOPS, Loop, is_cheap, is_light_map, loop_of, reading
from .unused import with_equations

Rows = dict[Atom, Var]  # values of a body, and the stacks in which the loop saves them


def read_known(program: Program) -> Program:
    """The program with such rows; itself where there are none."""
    if sum(eq.primitive in LOOPS for eq in program.equations) < 2:
        return program
    made: dict[Atom, Equation] = {v: eq for eq in program.equations for v in eq.outputs}
    saved: dict[Equation, Rows] = {}
    changed: dict[Equation, Equation] = {}
    for eq in program.equations:
        if eq.primitive in (scan, linear_scan) and not is_light_map(eq):
            for first in forward_loops(Loop(eq), made):
                now = Loop(changed.get(eq, eq))
                rows = saved.get(first) or dict(zip(Loop(first).written, Loop(first).rows, strict=True))
                known = known_values(Loop(first), now, rows)
                if known:
                    saved[first] = rows
                    changed[eq] = reading_rows(now, known, rows, Loop(first))
    if not changed:
        return program
    changed.update((eq, Loop(eq).saving(rows)) for eq, rows in saved.items() if eq not in changed)
    return with_equations(program, [changed.get(eq, eq) for eq in program.equations], program.outputs)


def forward_loops(loop: Loop, made: dict[Atom, Equation]) -> Iterator[Equation]:
    """The loops whose rows this one reads, each of which saves no value twice."""
    found = dict.fromkeys(made[x] for x in loop.xs if x in made)
    for eq in found:
        if eq.primitive in LOOPS and not is_light_map(eq):
            other = Loop(eq)
            if len(set(other.written)) == len(other.written) and not set(loop.xs).isdisjoint(other.rows):
                yield eq


def known_values(first: Loop, loop: Loop, rows: Rows) -> dict[Var, Var]:
    """The dear values of the second loop that the first one has computed: what each of them is there."""
    stacks: dict[Atom, Atom] = {x: a for a, x in rows.items()}
    constants: dict[Atom, Atom] = dict(zip(first.args[: first.n_consts], first.body.inputs, strict=False))
    same: dict[Atom, Atom] = {}
    for k, (a, v) in enumerate(zip(loop.args, loop.body.inputs, strict=True)):
        there = constants.get(a) if k < loop.n_consts else stacks.get(a) if k >= loop.n_consts + loop.n_carry else None
        if there is not None:
            same[v] = there
    computed = {key: eq for eq in first.body.equations if (key := key_in(eq, {})) is not None}
    known: dict[Var, Var] = {}
    for eq in loop.body.equations:
        if all(type(a) is Literal or a in same for a in eq.inputs):
            other = computed.get(key_in(eq, same))
            if other is not None:
                same.update(zip(eq.outputs, other.outputs, strict=True))
                if not is_cheap(eq) and not any(DYNAMIC in v.type.shape for v in eq.outputs):
                    known.update(zip(eq.outputs, other.outputs, strict=True))
    return known


def key_in(eq: Equation, same: dict[Atom, Atom]) -> Any:
    """Equal for equations that compute the same, where these names stand for others; None where that cannot be said."""
    if has_effect(eq):
        return None
    inputs = [(a.type, repr(a.value)) if type(a) is Literal else same.get(a, a) for a in eq.inputs]
    key = eq.primitive, (frozenset if eq.primitive in COMMUTATIVE else tuple)(inputs), *eq.params.items()
    try:
        hash(key)
    except TypeError:  # a param that is not hashable
        return None
    return key


def reading_rows(loop: Loop, known: dict[Var, Var], rows: Rows, first: Loop) -> Equation:
    """The loop that reads these values. rows: grows by them."""
    p, n, m = loop.body, loop.n_consts, loop.n_consts + loop.n_carry
    pairs = list(zip(loop.args, p.inputs, strict=True))
    xs = pairs[m:]
    inputs = {a: v for a, v in xs}
    same: dict[Atom, Atom] = {}
    for v, there in known.items():
        stack = rows.setdefault(there, first.stack(there))
        if stack in inputs:
            same[v] = inputs[stack]
        else:
            inputs[stack] = v
            xs.append((stack, v))
    equations = [reading(eq, same) for eq in p.equations if known.keys().isdisjoint(eq.outputs)]
    outputs = [same.get(a, a) for a in p.outputs]
    body = Program([*p.inputs, *known], p.constants, equations, outputs, name=p.name, quiet=p.quiet)
    return loop_of(loop.eq, [loop.count], (pairs[:n], pairs[n:m], xs), body, loop.eq.outputs)
