"""What reads an array stands before what makes a changed copy of it: then nobody needs the old one."""

from __future__ import annotations

from ..core.program import Atom, Equation, Literal, Program
from ..primitives.gather import scatter_clear, scatter_set
from ..primitives.index import clear_slice, set_slice
from .unused import with_equations

CHANGING = (set_slice, clear_slice, scatter_set, scatter_clear)  # of their first argument


def read_first(program: Program) -> Program:
    """The program with such equations in this order; itself where they are."""
    if not any(eq.primitive in CHANGING for eq in program.equations):
        return program
    equations = list(program.equations)
    users: dict[Atom, list[Equation]] = {}
    for eq in equations:
        for a in dict.fromkeys(eq.inputs):
            users.setdefault(a, []).append(eq)
    known: set[Atom] = {*program.inputs, *(v for v, _ in program.constants)}
    done: set[Equation] = set()
    moved = False
    k = 0
    while k < len(equations):
        eq = equations[k]
        if eq.primitive in CHANGING:
            early = readable([e for e in users[eq.inputs[0]] if e is not eq and e not in done], known)
            if early:
                equations = [*equations[:k], *early, *(e for e in equations[k:] if e not in early)]
                moved = True
                continue
        known.update(eq.outputs)
        done.add(eq)
        k += 1
    return with_equations(program, equations, program.outputs) if moved else program


def readable(found: list[Equation], known: set[Atom]) -> list[Equation]:
    """The later equations that read what an equation changes, if all of them can stand before it."""
    possible = all(isinstance(a, Literal) or a in known for eq in found for a in eq.inputs)
    changed = any(eq.primitive in CHANGING or eq.effect for eq in found)
    return found if found and possible and not changed else []
