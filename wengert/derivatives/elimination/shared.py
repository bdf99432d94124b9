"""Equal operations on equal operands as one: their vertices are one vertex of the graph."""

from __future__ import annotations

from typing import Any

from ...core.program import Atom, Equation, Literal, Program, Var


def merged(program: Program) -> Program:
    """The program without equations that compute what another has computed. Effects stay where they are."""
    names: dict[Atom, Atom] = {}
    known: dict[Any, Equation] = {}
    kept: list[Equation] = []
    for eq in program.equations:
        inputs = [names.get(a, a) for a in eq.inputs]
        new = Equation(eq.primitive, inputs, eq.params, eq.outputs, eq.source)
        key = _key(new)
        if key in known:
            names.update(zip(eq.outputs, known[key].outputs, strict=True))
            continue
        if key is not None:
            known[key] = new
        kept.append(new)
    outputs = [names.get(a, a) for a in program.outputs]
    made = Program(program.inputs, program.constants, kept, outputs, program.in_tree, program.out_tree, program.name)
    made.quiet = program.quiet
    return made


def _key(eq: Equation) -> Any:
    """What equal equations have in common; None for one that must stay."""
    if eq.effect or eq.programs:
        return None
    inputs = tuple(a if isinstance(a, Var) else _number(a) for a in eq.inputs)
    key = (eq.primitive, inputs, tuple(sorted(eq.params.items(), key=lambda item: item[0])))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _number(a: Literal) -> Any:
    return type(a.value), repr(a.value)
