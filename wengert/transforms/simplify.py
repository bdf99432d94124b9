"""simplify: a program that computes the same with fewer equations; what the compiler runs before lowering.

One pass forwards: each equation goes through the table of rewrites (algebra, views, parts, contractions) and is made
once; loops, branches and calls are made anew for their arguments (invariants, calls). One pass backwards drops what
nobody uses (unused). Then what pays only for values that are used once (used_once), what loops need not sum
(after_loops) and what they need not save (residuals). A simplified program is for computing: derivatives are taken of
the program as it was.

A checkpoint stays what it is: its program is simplified, but nothing in it is merged with what stands outside.
"""

from __future__ import annotations

from ..core.program import Atom, Program
from ..core.provided import provide
from . import algebra, contractions, facts, invariants, parts, views
from .builder import Builder
from .inside import finished
from .unused import without_unused

__all__ = ["TABLES", "simplify"]
TABLES = (algebra, contractions, facts, invariants, parts, views)  # imported: they fill the table of rewrites


def simplify(program: Program) -> Program:
    """The same function of the same types, with fewer equations. Made once for each program, then remembered."""
    return program.transform("simplify")


@provide
def simplify_program(program: Program) -> Program:
    """The program, simplified."""
    b = Builder()
    env: dict[Atom, Atom] = {v: v for v in program.inputs}
    outputs = b.add_program(program, env)
    return finished(without_unused(program, b, outputs))
