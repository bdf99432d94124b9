"""Scans inside a program that is planned: fewer and fewer snapshots of their carries, instead of all rounds kept.

A scan whose rounds are all kept is one step, with its residuals as results. In a variant of the program some scans are
`scheduled` with so many snapshots (revolve): their residuals are those snapshots, and rounds are run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...core.program import Equation, Program
from ...core.types import DYNAMIC, is_inexact
from ...primitives.scheduled import scheduled
from ...transforms.cost import Cost, nbytes, program_cost
from .joint import inside
from .loops import Binomial


class Variant(NamedTuple):
    """A program, and the work of the rounds that its scans run again. scans: how many have a schedule."""

    program: Program
    again: Cost
    scans: int


def variants(program: Program) -> Iterator[Variant]:
    """The program itself; then, one at a time, the scan that keeps most bytes with half as many snapshots."""
    kept = {k: eq.params["length"] for k, eq in enumerate(program.equations) if can_be_scheduled(eq)}
    yield Variant(program, Cost(), 0)
    chosen: dict[int, int] = {}
    while any(s > 1 for s in kept.values()):
        k = max((k for k, s in kept.items() if s > 1), key=lambda k: taken(program.equations[k], chosen.get(k)))
        kept[k] = chosen[k] = kept[k] // 2
        equations = [with_snapshots(eq, chosen.get(i)) for i, eq in enumerate(program.equations)]
        made = Program(
            program.inputs, program.constants, equations, program.outputs, name=program.name, quiet=program.quiet
        )
        again = sum((repeated(program.equations[i], s) for i, s in chosen.items()), Cost())
        yield Variant(made, again, len(chosen))


def can_be_scheduled(eq: Equation) -> bool:
    """A scan of a known number of rounds, with a carry that may have a derivative."""
    if eq.primitive.name != "scan" or eq.params["length"] in (DYNAMIC, 0, 1):
        return False
    return any(is_inexact(v.type.dtype) for v in eq.outputs[: eq.params["n_carry"]])


def carries(eq: Equation) -> int:
    """Bytes of a scan's carry."""
    return sum(nbytes(v.type) for v in eq.outputs[: eq.params["n_carry"]])


def taken(eq: Equation, snapshots: int | None) -> int:
    """About how many bytes a scan keeps, of all rounds or in snapshots."""
    if snapshots is None:
        return int(eq.params["length"]) * (inside(eq.params["body"]) + carries(eq))
    return (snapshots + 1) * carries(eq)


def with_snapshots(eq: Equation, snapshots: int | None) -> Equation:
    """The scan with a schedule."""
    if snapshots is None:
        return eq
    params: dict[str, Any] = {**eq.params, "schedule": Binomial(snapshots)}
    return Equation(scheduled, eq.inputs[1:], params, eq.outputs, eq.source)


def repeated(eq: Equation, snapshots: int) -> Cost:
    """The work of the rounds that are run again."""
    n = int(eq.params["length"])
    return program_cost(eq.params["body"]).times(Binomial(snapshots).recomputed(n) + n)
