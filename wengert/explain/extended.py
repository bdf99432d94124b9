"""The extended program of a derivative: the function's equations, then those that carry the adjoints back.

Reverse mode adds nodes to a program. Here the program is run once on the tape, beside its recorder, and the tape is
transposed equation by equation as `transforms/transpose.py` does, so that it is known which new variable is the adjoint
of which old one, and which are partial derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Literal, Program, Var
from ..core.record import ProgramTrace, record
from ..core.trace import Tracer, located, recording
from ..transforms.linearize import linearize_flat
from ..transforms.tape import LinearEquation, LinearVar, Scaled, Tape
from ..transforms.transpose import Adjoints, transpose_equation, zero_safe


class Extended(NamedTuple):
    """program: from inputs and seeds (adjoints of the results) to results and adjoints of the inputs.

    primals: for each of its variables which one of the original program it is; adjoints: which ones' adjoint it is;
    partials: (y, x) where it is dy/dx; forward: the variables of the first half; seeds: the last inputs.
    """

    program: Program
    primals: dict[Var, Var]
    adjoints: dict[Var, list[Var]]
    partials: dict[Var, tuple[Var, Var]]
    forward: set[Var]
    seeds: tuple[Var, ...]


def extended(program: Program, leaves: Sequence[Any], seed: Sequence[Any]) -> Extended:
    """The program of a function and its pullback, recorded at these arguments; seed: None for results without one."""
    given = [s is not None for s in seed]
    walk = _Walk(program, len(leaves), given)
    wide = record(walk.run, [*leaves, *(s for s in seed if s is not None)], f"{program.name} and its adjoint")
    return Extended(wide, walk.primals, walk.adjoints, walk.partials, walk.forward, wide.inputs[len(leaves) :])


class _Walk:
    """Runs a program and its tape backwards, and notes what each recorded variable stands for."""

    def __init__(self, program: Program, count: int, seeded: Sequence[bool]) -> None:
        self.program, self.count, self.seeded = program, count, seeded
        self.primals: dict[Var, Var] = {}
        self.adjoints: dict[Var, list[Var]] = {}
        self.partials: dict[Var, tuple[Var, Var]] = {}
        self.forward: set[Var] = set()
        self.original: dict[int, Var] = {}  # of a variable of the tape: whose tangent it is

    def run(self, *args: Any) -> list[Any]:
        """Results, and the adjoints of the inputs that have any."""
        values, tape, ins, outs = linearize_flat(self.evaluate, args[: self.count])
        trace: ProgramTrace = recording.get()
        self.forward = {v for eq in trace.equations for v in eq.outputs}
        adjoints = Adjoints(tape.count)
        targets = [node for node, on in zip(outs, self.seeded, strict=True) if on]
        for node, seed in zip(targets, args[self.count :], strict=True):
            if node is not None:
                adjoints.add(node.index, seed)
        with np.errstate(all="ignore"):
            self.backwards(tape, adjoints)
        for node in ins:
            self.note(adjoints, node)
        return [*values, *(adjoints.values[v.index] for v in ins if adjoints.values[v.index] is not None)]

    def evaluate(self, *args: Any) -> list[Any]:
        """The program, equation by equation: remembers what its variables became."""
        env: dict[Any, Any] = {**dict(self.program.constants), **dict(zip(self.program.inputs, args, strict=True))}
        with located(self.program.equations) as equations:
            for eq in equations:
                outs = eq.primitive(*(a.value if isinstance(a, Literal) else env[a] for a in eq.inputs), **eq.params)
                env.update(zip(eq.outputs, outs if eq.primitive.multiple else [outs], strict=True))
        for var, value in env.items():
            self.remember(var, value)
        return [a.value if isinstance(a, Literal) else env[a] for a in self.program.outputs]

    def remember(self, var: Var, value: Any) -> None:
        """Which variables of the record and of the tape a value belongs to."""
        if isinstance(value, Tracer) and isinstance(value.data, LinearVar):
            self.original.setdefault(value.data.index, var)
            value = value.value
        elif isinstance(value, Tracer) and value.data is None:
            value = value.value
        recorded = variable(value)
        if recorded is not None:
            self.primals.setdefault(recorded, var)

    def backwards(self, tape: Tape, adjoints: Adjoints) -> None:
        """The tape's equations, last first."""
        with located(reversed(tape.equations), "adjoint") as equations:
            for eq in equations:
                for out in outs_of(eq):
                    self.note(adjoints, out)
                if isinstance(eq, Scaled):
                    self.scaled(eq, adjoints)
                else:
                    transpose_equation(adjoints, eq, zero_safe)

    def scaled(self, eq: Scaled, adjoints: Adjoints) -> None:
        """x_bar += dy/dx y_bar for each argument of an elementwise equation."""
        y_bar = adjoints.values[eq.index]
        if y_bar is None:
            return
        for partial, residuals, var in eq.terms:
            d = partial(residuals)
            known = variable(d)
            if known is not None and known not in self.forward and eq.index in self.original:
                self.partials.setdefault(known, (self.original[eq.index], self.original.get(var.index)))  # type: ignore[arg-type]
            adjoints.add(var.index, zero_safe(d, y_bar, eq.primitive))

    def note(self, adjoints: Adjoints, node: LinearVar) -> None:
        """This variable of the tape has its adjoint now."""
        recorded, var = variable(adjoints.values[node.index]), self.original.get(node.index)
        if recorded is not None and var is not None:
            of = self.adjoints.setdefault(recorded, [])
            if var not in of:
                of.append(var)


def outs_of(eq: Scaled | LinearEquation) -> Sequence[LinearVar]:
    """What an equation of the tape assigns."""
    return (eq,) if isinstance(eq, Scaled) else eq.outs


def variable(value: Any) -> Var | None:
    """The recorded variable of a value, if it has one."""
    if isinstance(value, Tracer) and isinstance(value.traced_by, ProgramTrace) and isinstance(value.data, Var):
        return value.data
    return None


def values_of(program: Program, args: Sequence[Any]) -> dict[Var, Any]:
    """The value of each variable of a program."""
    env: dict[Var, Any] = {**dict(program.constants), **dict(zip(program.inputs, args, strict=True))}
    with np.errstate(all="ignore"):
        for eq in program.equations:
            outs = eq.primitive(*(a.value if isinstance(a, Literal) else env[a] for a in eq.inputs), **eq.params)
            env.update(zip(eq.outputs, outs if eq.primitive.multiple else [outs], strict=True))
    return env
