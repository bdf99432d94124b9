"""Equal operations on equal operands as one vertex of the graph; equal programs as one plan."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ...core.program import Atom, Equation, Literal, Program, Var
from ...core.trace import Tracer


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


def identity(program: Program) -> Hashable:
    """What programs that compute the same have in common; None for one that holds what cannot be compared."""
    numbers: dict[Atom, int] = {}
    for var in (*program.inputs, *(var for var, _ in program.constants)):
        numbers[var] = len(numbers)
    try:
        rows = [_row(eq, numbers) for eq in program.equations]
        constants = tuple([_value(value) for _, value in program.constants])
        outputs = tuple([_atom(a, numbers) for a in program.outputs])
        types = tuple([(t.shape, t.dtype, t.weak) for t in program.in_types])
        key = types, constants, tuple(rows), outputs
        hash(key)
    except TypeError:
        return None
    return key


def _row(eq: Equation, numbers: dict[Atom, int]) -> Hashable:
    inputs = tuple([_atom(a, numbers) for a in eq.inputs])
    for var in eq.outputs:
        numbers[var] = len(numbers)
    return eq.primitive, inputs, tuple([(name, _value(eq.params[name])) for name in sorted(eq.params)])


def _atom(a: Atom, numbers: dict[Atom, int]) -> Hashable:
    return numbers[a] if isinstance(a, Var) else _number(a)


def _value(x: Any) -> Hashable:
    """An array by its bytes, a program by its equations. TypeError for a traced value, which is known by no number."""
    if isinstance(x, np.ndarray | np.generic):
        return x.shape, x.dtype.str, x.tobytes()
    if isinstance(x, tuple | list):
        return type(x), tuple([_value(y) for y in x])
    if isinstance(x, Program):
        found = identity(x)
        if found is None:
            raise TypeError
        return found
    if isinstance(x, Tracer):
        raise TypeError
    return type(x), x
