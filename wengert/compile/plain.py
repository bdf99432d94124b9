"""Derivatives of small loops run with plain products first, and again with products that keep zeros if a NaN comes out.

`zero_safe_mul` differs from `mul` only where 0 meets an infinity or a NaN. In a loop over a few numbers, each round of
which waits for the one before, its comparisons cost a third of the time. So a loop computes with `mul`, and is checked:

    x <- zero_safe_mul(d, x)  in each round        becomes        x <- d x  in each round; is x NaN? then stop

When that happens first, the program is compiled again, as it was, and that is what runs from then on. The interpreter
does the same loop by loop (`primitives/loops.py`); here it is the program that begins anew, so it must have no effects.
Only those products are changed from which a NaN finds its way to what is checked, unless their value does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.program import Atom, Equation, Program, Var
from ..core.types import DYNAMIC
from ..primitives import elementwise as ew
from ..primitives.contract import einsum
from ..primitives.index import slice_
from ..primitives.join import concatenate, stack
from ..primitives.loops import linear_scan, scan
from ..primitives.shape import broadcast_to, reshape, sum_, transpose

SMALL = 64  # elements of a product: larger ones are computed as vectors, where comparisons cost little
ALL = (ew.add, ew.sub, ew.mul, ew.div, ew.neg, ew.zero_safe_mul, reshape, transpose, broadcast_to, slice_, stack)
PASSING = frozenset((*ALL, concatenate, sum_, einsum))  # NaN in, NaN out; or the value does not matter
PLAIN = "plain"  # the parameter of a loop, and what went wrong


def with_plain_products(program: Program) -> Program:
    """The program whose outermost linear loops have plain products and say so; itself where there are none."""
    if program.effect:
        return program
    changed = False
    equations = []
    for eq in program.equations:
        body = plain_body(eq) if eq.primitive in (scan, linear_scan) else None
        if body is not None:
            eq = Equation(eq.primitive, eq.inputs, {**eq.params, "body": body, PLAIN: True}, eq.outputs, eq.source)
            changed = True
        equations.append(eq)
    return replaced(program, equations) if changed else program


def replaced(program: Program, equations: Sequence[Equation]) -> Program:
    """The program with other equations for the same variables."""
    p = program
    return Program(p.inputs, p.constants, equations, p.outputs, p.in_tree, p.out_tree, p.name, p.quiet)


def plain_body(eq: Equation) -> Program | None:
    """The body of a loop with plain products; None where it has none to change."""
    body = eq.params["body"]
    small = {e for e in body.equations if e.primitive is ew.zero_safe_mul and is_small_float(e.outputs[0])}
    if not small or any(DYNAMIC in v.type.shape for v in eq.outputs):
        return None
    n = eq.params["n_consts"]
    seen = reaching(body, n, n + eq.params["n_carry"])
    plain = {e for e in small if e.outputs[0] in seen}
    if not plain:
        return None
    return replaced(body, [product(e) if e in plain else e for e in body.equations])


def product(eq: Equation) -> Equation:
    """The plain product of the same factors."""
    return Equation(ew.mul, eq.inputs, eq.params, eq.outputs, eq.source)


def is_small_float(v: Atom) -> bool:
    """Is it an array of few real floating-point numbers?"""
    return v.type.dtype.kind == "f" and v.type.size <= SMALL


def reaching(body: Program, first: int, end: int) -> set[Atom]:
    """The variables of a body from which a NaN comes to the loop's results. first, end: the carry among its inputs."""
    seen: set[Atom] = {v for v in body.outputs if isinstance(v, Var) and v.type.dtype.kind == "f"}
    carry = list(zip(body.inputs[first:end], body.outputs, strict=False))
    while True:
        lost = unseen(body, seen)
        lost.update(out for v, out in carry if v in lost)
        if seen.isdisjoint(lost):
            made: set[Atom] = {v for eq in body.equations for v in eq.outputs}
            return made - lost
        seen -= lost


def unseen(body: Program, seen: set[Atom]) -> set[Atom]:
    """The variables with a use from which a NaN may not come to those results that are seen."""
    lost: set[Atom] = {v for v in body.outputs if isinstance(v, Var) and v not in seen}
    for eq in reversed(body.equations):
        passing = eq.primitive in PASSING or is_conversion(eq)
        blocked = not passing or any(v in lost for v in eq.outputs)
        if eq.primitive is ew.where:
            lost.add(eq.inputs[0])
            blocked = eq.outputs[0] in lost
        if blocked:
            lost.update(a for a in eq.inputs if eq.primitive is not ew.where or a is not eq.inputs[0])
    return lost


def is_conversion(eq: Equation) -> bool:
    """A conversion of floating-point numbers to others."""
    return eq.primitive is ew.convert and eq.outputs[0].type.dtype.kind == "f"
