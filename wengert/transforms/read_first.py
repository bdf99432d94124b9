"""What reads an array stands before what makes a changed copy of it: then nobody needs the old one."""

from __future__ import annotations

from collections.abc import Sequence

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
    known: set[Atom] = {*program.inputs, *(v for v, _ in program.constants)}
    moved = False
    k = 0
    while k < len(equations):
        eq = equations[k]
        if eq.primitive in CHANGING:
            early = readers(equations, k, known)
            if early:
                equations = [*equations[:k], *early, *(e for e in equations[k:] if e not in early)]
                moved = True
                continue
        known.update(eq.outputs)
        k += 1
    return with_equations(program, equations, program.outputs) if moved else program


def readers(equations: Sequence[Equation], k: int, known: set[Atom]) -> list[Equation]:
    """The equations after the k-th that read what it changes, if all of them can stand before it."""
    x = equations[k].inputs[0]
    found = [eq for eq in equations[k + 1 :] if x in eq.inputs]
    possible = all(isinstance(a, Literal) or a in known for eq in found for a in eq.inputs)
    changed = any(eq.primitive in CHANGING or eq.effect for eq in found)
    return found if found and possible and not changed else []
