"""Program -> program: the interpreters of this folder, recorded. The rules of loops and calls ask for these.

jvp        x, x_dot -> y, y_dot
linearize  x -> y, r   and   r, x_dot -> y_dot, linear in x_dot: what is saved (residuals), and what is run later
transpose  of a program that is linear in some inputs: the others, y_bar -> x_bar
batch      each input and output that a mask names with a batch axis first
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.dataflow import Mask, cut, renamed, rewired
from ..core.program import Atom, Literal, Program, Var
from ..core.provided import provide
from ..core.record import record
from ..core.trace import Tracer
from ..core.types import DYNAMIC, ArrayType, shape_of, zeros
from ..primitives.shape import broadcast_to
from .batch import batch_flat
from .jvp import jvp_flat
from .linearize import LinearizeTrace, TangentTrace, linearize_flat
from .tape import LinearEquation, LinearVar, Scaled, Tape, run_tape
from .transpose import transpose_tape

provide(jvp_flat)
provide(batch_flat)


def chosen(items: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    """The items that a mask names."""
    return [x for x, on in zip(items, mask, strict=True) if on]


def merged(mask: Sequence[bool], named: Iterator[Any], others: Iterator[Any]) -> list[Any]:
    """Two streams as one list: from `named` where the mask is set."""
    return [next(named) if on else next(others) for on in mask]


def filled(values: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """Tangents or adjoints with zeros in the place of symbolic zeros."""
    return [zeros(t) if v is None else v for v, t in zip(values, types, strict=True)]


# jvp -------------------------------------------------------------------------------------------------------------
@provide
def jvp_program(program: Program, active: Mask, outs: Mask) -> Program:
    """Values, and the tangents of the results that `outs` names, from values and tangents of active inputs."""
    n = len(program.inputs)

    def f(*args: Any) -> list[Any]:
        dots = merged(active, iter(args[n:]), iter([None] * n))
        ys, y_dots = jvp_flat(lambda *xs: program.evaluate(xs), args[:n], dots)
        return [*ys, *filled(chosen(y_dots, outs), chosen(program.out_types, outs))]

    made = record(f, [*program.in_types, *chosen(program.in_types, active)], name=f"jvp of {program.name}")
    made.quiet = True
    return made


# linearize -------------------------------------------------------------------------------------------------------
@provide
def linearize_program(program: Program, active: Mask, outs: Mask) -> tuple[Program, Program]:
    """(x -> y, r) and (r, x_dot -> y_dot): residuals r of known shape only, the others are computed again."""
    return recomputing(*_split(program, active, outs), len(program.outputs))


@provide
def derivative_program(program: Program, active: Mask, outs: Mask) -> Program:
    """x, x_dot -> y_dot: first the residuals, then the linear program; so values and tangents are never mixed."""
    first, second = _split(program, active, outs)
    residuals = first.outputs[len(program.outputs) :]
    x_dots = second.inputs[len(residuals) :]
    names: dict[Any, Any] = dict(zip(second.inputs, residuals, strict=False))
    names.update((v, v) for v in (*x_dots, *(v for v, _ in second.constants)))
    equations = [*first.equations, *renamed(second.equations, names)]
    outputs = [names.get(a, a) for a in second.outputs]
    constants = [*first.constants, *second.constants]
    made = Program([*first.inputs, *x_dots], constants, equations, outputs, name=second.name, quiet=True)
    return rewired(made, made.inputs, made.outputs)


def _split(program: Program, active: Mask, outs: Mask) -> tuple[Program, Program]:
    """(x -> y, r) and (r, x_dot -> y_dot)."""
    found: Any = None

    def forward(*args: Any) -> list[Any]:
        nonlocal found

        def f(*xs: Any) -> list[Any]:
            return program.evaluate(merged(active, iter(xs), iter(chosen(args, [not on for on in active]))))

        ys, tape, ins, nodes = linearize_flat(f, chosen(args, active))
        equations = live_equations(tape, chosen(nodes, outs))
        residuals = {r.data: r for r in residuals_of(equations) if type(r.data) is Var}
        found = tape, equations, ins, chosen(nodes, outs), list(residuals)
        return [*ys, *residuals.values()]

    first = record(forward, program.in_types, name=program.name)
    first.quiet |= program.quiet
    tape, equations, ins, nodes, residuals = found

    def linear(*args: Any) -> list[Any]:
        values = dict(zip(residuals, args, strict=False))
        tape.equations = [substituted(eq, values) for eq in equations]
        with np.errstate(all="ignore"):
            y_dots = run_tape(tape, ins, nodes, args[len(residuals) :])
        return filled(y_dots, chosen(program.out_types, outs))

    types = [r.type for r in residuals] + chosen(program.in_types, active)
    second = record(linear, types, name=f"linearized {program.name}")
    second.quiet = True
    return first, second


def live_equations(tape: Tape, outs: Sequence[LinearVar | None]) -> list[Any]:
    """The equations of a tape that its outputs depend on."""
    live = {var.index for var in outs if var is not None}
    kept = []
    for eq in reversed(tape.equations):
        made = [eq] if type(eq) is Scaled else eq.outs
        if any(var.index in live for var in made):
            kept.append(eq)
            used = (var for _, _, var in eq.terms) if type(eq) is Scaled else eq.args
            live.update(var.index for var in used if isinstance(var, LinearVar))
    return kept[::-1]


def residuals_of(equations: Sequence[Any]) -> Iterator[Tracer]:
    """The traced values that a tape's equations keep."""
    for eq in equations:
        kept = (r for _, rs, _ in eq.terms for r in rs) if type(eq) is Scaled else eq.args
        yield from (r for r in kept if isinstance(r, Tracer))


def substituted(eq: Any, values: dict[Any, Any]) -> Any:
    """A tape's equation with other values for its residuals."""

    def new(r: Any) -> Any:
        if not isinstance(r, Tracer):
            return r
        return r.data.value if type(r.data) is Literal else values.get(r.data, r)

    if type(eq) is Scaled:
        made: Any = Scaled(eq.index, eq, eq.primitive, [(p, tuple(map(new, rs)), v) for p, rs, v in eq.terms])
    else:
        made = LinearEquation(eq.primitive, [new(a) for a in eq.args], eq.params, eq.outs)
    made.source = eq.source
    return made


def recomputing(first: Program, second: Program, n: int) -> tuple[Program, Program]:
    """The two programs with every residual of unknown length computed again by the second, from others.

    Loops and branches can save only what has one shape in every round: not the stacks of a loop inside them.
    """
    saved = first.outputs[n:]
    if not any(is_dynamic(r.type) for r in saved):
        return first, second
    known = {v for eq in first.equations for v in eq.outputs if not is_dynamic(v.type)} | set(first.inputs)
    again, needed = cut(first, [r for r in saved if is_dynamic(r.type)], known)  # type: ignore[misc]
    names: dict[Atom, Var] = dict(zip(saved, second.inputs, strict=False))
    computed = {o for eq in again for o in eq.outputs}  # the number of rounds comes from where the stacks do
    kept = [r for r in saved if not is_dynamic(r.type) and r not in computed]
    kept += [v for v in needed if v not in kept and v not in computed]
    for v in kept:
        names.setdefault(v, Var(v.type))
    inputs = [*(names[v] for v in kept), *second.inputs[len(saved) :]]
    names.update((o, Var(o.type)) for o in computed if o in known and o not in saved)
    equations = [*renamed(again, names), *second.equations]
    constants = [*second.constants, *((names[v], x) for v, x in first.constants if v in names)]
    saving = rewired(first, first.inputs, [*first.outputs[:n], *kept])
    return saving, Program(inputs, constants, equations, second.outputs, name=second.name, quiet=True)


def is_dynamic(type: ArrayType) -> bool:
    """Has an array of this type an axis whose length is known only at run time?"""
    return DYNAMIC in type.shape


# transpose -------------------------------------------------------------------------------------------------------
@provide
def transpose_flat(
    f: Callable[..., Sequence[Any]], types: Sequence[Any], y_bars: Sequence[Any], careful: bool = False
) -> list[Any]:
    """Adjoints of the arguments of a flat function that is linear in all of them; None for a zero."""
    primal = LinearizeTrace()
    tape = primal.tape
    with primal:
        tangents = primal.tangents = TangentTrace(tape, primal.level)
        ins = [tape.var(t.shape, t.dtype) for t in types]
        outs = [tangents.node(y) for y in f(*(Tracer(tangents, v, v) for v in ins))]
        tangents.alive = False
    return transpose_tape(tape, ins, outs, y_bars, careful)


@provide
def transpose_program(program: Program, linear: Mask, bars: Mask, outs: Mask) -> Program:
    """Adjoints of the linear inputs that `outs` names, from the other inputs and the adjoints of the outputs `bars`."""
    others = len(linear) - sum(linear)
    types = chosen(program.in_types, linear)

    def f(*args: Any) -> list[Any]:
        def g(*xs: Any) -> list[Any]:
            return program.evaluate(merged(linear, iter(xs), iter(args[:others])))

        y_bars = merged(bars, iter(args[others:]), iter([None] * len(bars)))
        x_bars = transpose_flat(g, types, y_bars, careful=True)
        return filled(chosen(x_bars, outs), chosen(types, outs))

    inputs = chosen(program.in_types, [not on for on in linear]) + chosen(program.out_types, bars)
    made = record(f, inputs, name=f"transposed {program.name}")
    made.quiet = True
    return made


# batch -----------------------------------------------------------------------------------------------------------
@provide
def batch_program(program: Program, size: int, batched: Mask, outs: Mask) -> Program:
    """The program for all lanes at once: inputs and outputs that the masks name have the batch axis first."""

    def f(*args: Any) -> list[Any]:
        ys, own = batch_flat(lambda *xs: program.evaluate(xs), size, args, batched)
        return [
            broadcast_to(y, shape=(size, *shape_of(y))) if on and not has else y
            for y, has, on in zip(ys, own, outs, strict=True)
        ]

    types = [ArrayType((size, *t.shape), t.dtype) if on else t for t, on in zip(program.in_types, batched, strict=True)]
    made = record(f, types, name=f"{program.name} in {size} lanes")
    made.quiet |= program.quiet
    return made
