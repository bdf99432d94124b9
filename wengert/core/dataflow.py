"""Which inputs of a program reach which outputs, and programs cut and rewired along their variables."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from .intern import interned
from .primitive import Constant
from .program import Atom, Equation, Literal, Program, Var
from .record import prune

Mask = tuple[bool, ...]


def reach(program: Program, differentiable: bool = False) -> list[int]:
    """For each output the set of inputs that it depends on, as the bits of an int.

    differentiable: only where a derivative may flow.
    """
    key = ("reach", differentiable)
    if key not in program.derived:
        sets = [1 << i for i in range(len(program.inputs))]
        program.derived[key] = through(program, sets, differentiable)
    return program.derived[key]  # type: ignore[no-any-return]


def acting(program: Program) -> int:
    """The inputs on which the effects of a program depend, as the bits of an int."""
    if not program.effect:
        return 0
    bits: dict[Atom, int] = {v: 1 << i for i, v in enumerate(program.inputs)}
    found = 0
    for eq in program.equations:
        total = functools.reduce(operator.or_, (bits.get(a, 0) for a in eq.inputs), 0)
        bits.update(dict.fromkeys(eq.outputs, total))
        found |= total if eq.effect else 0
    return found


def through(program: Program, sets: Sequence[int], differentiable: bool = False) -> list[int]:
    """For each output the union of the sets of the inputs that it depends on."""
    bits: dict[Atom, int] = dict(zip(program.inputs, sets, strict=True))
    for eq in program.equations:
        if differentiable and isinstance(eq.primitive.kind, Constant):
            continue
        given = [bits.get(a, 0) for a in eq.inputs]
        if eq.primitive.flows is not None:
            found = eq.primitive.flows(differentiable, *given, **eq.params)
        else:
            found = itertools.repeat(functools.reduce(operator.or_, given, 0))
        for v, total in zip(eq.outputs, found, strict=False):
            if total and (not differentiable or v.type.dtype.kind in "fc"):
                bits[v] = total
    return [bits.get(a, 0) for a in program.outputs]


def around(program: Program, sets: Sequence[int], first: int, carried: int, differentiable: bool = False) -> list[int]:
    """The same for the body of a loop, after any number of rounds (none as well)."""
    sets = list(sets)
    while True:
        found = through(program, sets, differentiable)
        grown = [old | new for old, new in zip(sets[first : first + carried], found, strict=False)]
        if grown == sets[first : first + carried]:
            return [*grown, *found[carried:]]
        sets[first : first + carried] = grown


def reached(program: Program, active: Sequence[bool], differentiable: bool = False) -> Mask:
    """The outputs that depend on active inputs."""
    start = as_bits(active)
    return tuple(bool(bits & start) for bits in reach(program, differentiable))


def fixpoint(
    program: Program, active: Sequence[bool], first: int, carried: int, differentiable: bool = False
) -> tuple[Mask, Mask]:
    """Active inputs and outputs of a loop's body, whose first outputs come back as the inputs from `first` on."""
    sets = reach(program, differentiable)
    start = as_bits(active)
    while True:
        grown = start
        for k in range(carried):
            if sets[k] & start:
                grown |= 1 << (first + k)
        if grown == start:
            break
        start = grown
    ins = tuple(bool(start >> i & 1) for i in range(len(program.inputs)))
    outs = [bool(bits & start) for bits in sets]
    outs[:carried] = ins[first : first + carried]
    return ins, tuple(outs)


def as_bits(active: Iterable[bool]) -> int:
    """A mask as an int."""
    return sum(1 << i for i, on in enumerate(active) if on)


def rewired(program: Program, inputs: Sequence[Var], outputs: Sequence[Atom], name: str = "") -> Program:
    """The same equations between other inputs and outputs; what nobody uses is dropped."""
    name = name or program.name
    return prune(Program(inputs, program.constants, program.equations, outputs, name=name, quiet=program.quiet))


def closed(program: Program) -> tuple[Program, list[Any]]:
    """The program with the arrays that it closes over as its first inputs, and these arrays."""
    inputs = [v for v, _ in program.constants] + list(program.inputs)
    made = Program(inputs, [], program.equations, program.outputs, name=program.name, quiet=program.quiet)
    return made, [x for _, x in program.constants]


def cut(program: Program, outputs: Sequence[Var], at: set[Var]) -> tuple[list[Equation], list[Var]]:
    """The equations that compute these outputs from the variables `at` which they need, and those variables."""
    needed = set(outputs)
    found: dict[Var, None] = {}
    kept: list[Equation] = []
    for eq in reversed(program.equations):
        if any(v in needed and v not in at for v in eq.outputs):
            kept.append(eq)
            needed.update(a for a in eq.inputs if isinstance(a, Var))
    for eq in kept:
        found.update((a, None) for a in eq.inputs if isinstance(a, Var) and a in at)
    return kept[::-1], list(found)


def renamed(equations: Sequence[Equation], names: dict[Atom, Var]) -> list[Equation]:
    """Copies of equations under other variables; those without a name here get fresh ones."""

    def name(atom: Atom) -> Atom:
        if isinstance(atom, Literal):
            return atom
        if atom not in names:
            names[atom] = Var(atom.type)
        return names[atom]

    return [
        Equation(eq.primitive, [name(a) for a in eq.inputs], eq.params, [name(v) for v in eq.outputs], eq.source)  # type: ignore[misc]
        for eq in equations
    ]


def computable(program: Program, inputs: Iterable[Var]) -> set[Atom]:
    """The variables that can be computed from these inputs: every input of each equation on the way can be."""
    known: set[Atom] = {*inputs, *(v for v, _ in program.constants)}
    for eq in program.equations:
        if all(isinstance(a, Literal) or a in known for a in eq.inputs):
            known.update(eq.outputs)
    return known


def sliced(program: Program, inputs: Sequence[Var], outputs: Sequence[Var]) -> Program:
    """Only what computes these outputs from these inputs."""
    equations, _ = cut(program, outputs, set(inputs))
    return Program(inputs, program.constants, equations, outputs, name=program.name, quiet=program.quiet)


def used_inputs(programs: Sequence[Program]) -> Mask:
    """The inputs that any of these programs of the same inputs uses."""
    masks = []
    for p in programs:
        used = {a for eq in p.equations for a in eq.inputs} | set(p.outputs)
        masks.append([v in used for v in p.inputs])
    return tuple(map(any, zip(*masks, strict=True)))


def narrowed_inputs(program: Program, keep: Mask) -> Program:
    """The program without inputs that it does not use."""
    inputs = [v for v, on in zip(program.inputs, keep, strict=True) if on]
    return interned(rewired(program, inputs, program.outputs))
