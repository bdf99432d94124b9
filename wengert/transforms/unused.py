"""What nobody uses: a pass over equations backwards. Effects stay, each in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..core.program import Atom, Equation, Program, Var
from ..core.provided import provided
from ..core.record import narrowed
from .builder import Builder, has_effect


def used_equations(equations: Sequence[Equation], outputs: Iterable[Atom]) -> tuple[list[Equation], set[Atom]]:
    """The equations whose results these outputs need, or that have an effect; and all that they read."""
    needed: set[Atom] = set(outputs)
    kept = []
    for eq in reversed(equations):
        used = [v in needed for v in eq.outputs]
        if any(used) or has_effect(eq):
            if eq.primitive.narrow is not None and not all(used):
                eq = without_results(eq, used)
            kept.append(eq)
            needed.update(eq.inputs)
    return kept[::-1], needed


def without_results(eq: Equation, used: list[bool]) -> Equation:
    """A loop, branch or call without unused results; carries may be needed all the same, and are not tried again."""
    if any(p.derived.get("used") == used for p in eq.programs):
        return eq
    wanted = {v for v, on in zip(eq.outputs, used, strict=True) if on}
    eq = narrowed(eq, used)
    for p in eq.programs:
        p.derived["used"] = [v in wanted for v in eq.outputs]
        mark_simple(p)
    return eq


def mark_simple(program: Program) -> None:
    """It was made of simplified programs, by dropping or joining parts: it need not be simplified again."""
    program.derived.setdefault((provided("simplify_program"), ()), program)


def without_unused(
    program: Program, b: Builder, outputs: Sequence[Atom], inputs: Sequence[Var] | None = None
) -> Program:
    """The program of the builder's equations whose results are used. program: the one that it takes the place of."""
    kept, needed = used_equations(b.equations, outputs)
    constants = [(v, x) for v, x in b.constants.items() if v in needed]
    p, ins = program, program.inputs if inputs is None else inputs
    return Program(ins, constants, kept, outputs, p.in_tree, p.out_tree, p.name, p.quiet)


def with_equations(program: Program, equations: Sequence[Equation], outputs: Sequence[Atom]) -> Program:
    """The program with other equations, those that are used, and other results."""
    kept, needed = used_equations(equations, outputs)
    constants = [(v, x) for v, x in program.constants if v in needed]
    p = program
    return Program(p.inputs, constants, kept, outputs, p.in_tree, p.out_tree, p.name, p.quiet)
