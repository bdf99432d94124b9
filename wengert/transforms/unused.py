"""What nobody uses: the last pass over a program under construction, backwards. Effects stay."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.program import Atom, Program, Var
from ..core.record import narrowed
from .builder import Builder, has_effect


def without_unused(
    program: Program, b: Builder, outputs: Sequence[Atom], inputs: Sequence[Var] | None = None
) -> Program:
    """The program of the builder's equations whose results are used. program: the one that it takes the place of."""
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
    p, ins = program, program.inputs if inputs is None else inputs
    return Program(ins, constants, kept[::-1], outputs, p.in_tree, p.out_tree, p.name, p.quiet)
