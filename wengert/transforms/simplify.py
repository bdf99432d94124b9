"""simplify: a program that computes the same with fewer equations; what the compiler runs before lowering.

One pass forwards: each equation goes through the table of rewrites (algebra, views, parts, contractions) and is made
once; loops and calls are simplified inside, and by `invariants`. Then one pass backwards drops what nobody uses. A
simplified program is for computing: derivatives are taken of the program as it was.

A checkpoint stays what it is: its program is simplified, but nothing in it is merged with what stands outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.record import assume, narrowed
from . import algebra, contractions, facts, parts, views  # fill the table of rewrites
from .builder import Builder, key_of

__all__ = ["simplify"]
TABLES = (algebra, contractions, facts, parts, views)


def simplify(program: Program) -> Program:
    """The same function of the same types, with fewer equations. Made once for each program, then remembered."""
    return program.remember(_simplified)


def _simplified(program: Program) -> Program:
    b = Builder()
    env: dict[Atom, Atom] = {v: v for v in program.inputs}
    for var, value in program.constants:
        env[var] = b.new_constant(var, value)
    outputs = add_equations(b, program, env)
    return finished(program, b, outputs)


def add_equations(b: Builder, program: Program, env: dict[Atom, Atom], again: bool = False) -> list[Atom]:
    """Add a program's equations, and return the atoms of its results. again: under fresh variables."""

    def read(a: Atom) -> Atom:
        return b.interned(a) if type(a) is Literal else env[a]

    for eq in program.equations:
        inputs = tuple([b.interned(a) if type(a) is Literal else env[a] for a in eq.inputs])
        b.source = eq.source
        if len(eq.outputs) == 1 and not eq.primitive.multiple:
            out = eq.outputs[0]
            env[out] = b.add(eq.primitive, inputs, eq.params, out.type, None if again else eq)
        else:
            env.update(zip(eq.outputs, add_multiple(b, eq, inputs, again), strict=True))
    return [read(a) for a in program.outputs]


def add_multiple(b: Builder, eq: Equation, inputs: tuple[Atom, ...], again: bool) -> Sequence[Atom]:
    """Add an equation with any number of results: a loop, a branch, a call, a factorisation, an effect."""
    params = eq.params
    if eq.primitive.flows is not None:
        params = with_simple_programs(eq)
    key: Any = None
    if eq.outputs or eq.primitive is assume:
        key = key_of(eq.primitive, inputs, params)
        try:
            if eq.primitive.name != "checkpoint" and key in b.known:
                return b.known[key]
        except TypeError:
            key = None
    if again or inputs != eq.inputs or params is not eq.params:
        outputs = [Var(v.type) for v in eq.outputs] if again else eq.outputs
        eq = Equation(eq.primitive, inputs, params, outputs, eq.source)
    b.append(eq)
    if key is not None:
        b.known[key] = eq.outputs
    return eq.outputs


def with_simple_programs(eq: Equation) -> dict[str, Any]:
    """The params of a loop, branch or call with simplified programs."""
    params = {}
    for name, value in eq.params.items():
        if isinstance(value, Program):
            value = simplify(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Program):
            value = tuple(map(simplify, value))
        params[name] = value
    return params


# what nobody uses ------------------------------------------------------------------------------------------------
def finished(program: Program, b: Builder, outputs: Sequence[Atom]) -> Program:
    """The program of these equations without those whose results nobody uses; effects stay."""
    needed: set[Atom] = {a for a in outputs if type(a) is Var}
    kept = []
    for eq in reversed(b.equations):
        used = [v in needed for v in eq.outputs]
        if any(used) or has_effect(eq):
            if eq.primitive.narrow is not None and not all(used):
                eq = narrowed(eq, used)
            kept.append(eq)
            needed.update(eq.inputs)
    constants = [(v, x) for v, x in b.constants.items() if v in needed]
    p = program
    return Program(p.inputs, constants, kept[::-1], outputs, p.in_tree, p.out_tree, p.name, p.quiet)


def has_effect(eq: Equation) -> bool:
    """Does an equation do more than compute its results: an assumption, a print, in a program that it runs too?"""
    if not eq.outputs:
        return True
    return eq.primitive.flows is not None and any(p.remember(effects) for p in eq.programs)


def effects(program: Program) -> bool:
    """Does a program do more than compute its results?"""
    return any(map(has_effect, program.equations))
