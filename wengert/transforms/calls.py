"""Calls and loops that need not be there: a call's program, a known branch, a loop of no or one round, in their place.

A checkpoint is opened only where no other one reads the same variable: what a checkpoint on the way back computes again
must not be found to be known. A function with a derivative of its own is its program: derivatives have been taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.program import Atom, Equation, Literal, Program
from ..core.record import record
from ..core.types import ArrayType
from ..errors import WengertError
from ..primitives import elementwise as ew
from ..primitives.call import custom_jvp, custom_linear, custom_vjp
from ..primitives.index import Index, slice_
from ..primitives.online import online
from ..primitives.planned import planned, planned_linear
from ..primitives.program_call import checkpoint, jit
from ..primitives.scheduled import replayed, scheduled
from ..primitives.shape import reshape
from .builder import CALLS, Builder

Atoms = Sequence[Atom]


def strong(b: Builder, a: Atom) -> Atom:
    """An array or NumPy scalar in the place of a Python number."""
    if not a.type.weak:
        return a
    return b.literal(a.type.dtype.type(a.value)) if type(a) is Literal else b.make(ew.convert, a, dtype=a.type.dtype)


def opened(b: Builder, program: Program, inputs: Atoms) -> list[Atom] | None:
    """A program in the place of its call, with results that are no Python numbers."""
    if any(type(a) is not Literal and a.type.weak != v.type.weak for v, a in zip(program.inputs, inputs, strict=True)):
        return None
    given = [strong(b, a) if not v.type.weak else a for v, a in zip(program.inputs, inputs, strict=True)]
    if any(a.type != v.type for v, a in zip(program.inputs, given, strict=True)):
        return None
    return [strong(b, a) for a in b.add_program(program, dict(zip(program.inputs, given, strict=True)), again=True)]


def few_rounds(b: Builder, eq: Equation, inputs: Atoms, body: Program) -> list[Atom] | None:
    """The results of a scan of no or one round."""
    count, n_consts, n_carry = inputs[0], eq.params["n_consts"], eq.params["n_carry"]
    if type(count) is not Literal or count.value not in (0, 1):
        return None
    consts, carry = inputs[1 : 1 + n_consts], inputs[1 + n_consts : 1 + n_consts + n_carry]
    if count.value == 0:
        ys = [b.constant(np.zeros(v.type.shape, v.type.dtype)) for v in eq.outputs[n_carry:] if 0 in v.type.shape]
        return [strong(b, a) for a in carry] + ys if len(ys) == len(eq.outputs) - n_carry else None
    rows = [b.make(slice_, x, index=Index((0,))) for x in inputs[1 + n_consts + n_carry :]]
    outs = opened(b, body, (*consts, *carry, *rows))
    if outs is None:
        return None
    return [*outs[:n_carry], *(b.make(reshape, y, shape=(1, *y.type.shape)) for y in outs[n_carry:])]


def open_checkpoint(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom] | None:
    """The program of a checkpoint that no other one may compute again."""
    program = eq.params["program"].transform("simplify")
    if all(b.checkpointed[a] <= 1 for a in eq.inputs) and (found := opened(b, program, inputs)) is not None:
        return found
    return b.once(Equation(checkpoint, inputs, {"program": program}, eq.outputs, eq.source))


def open_jit(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom] | None:
    """The program of a compiled function, which is compiled with what stands around it."""
    return opened(b, eq.params["program"].transform("simplify"), inputs)


def open_custom(b: Builder, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom] | None:
    """The program of a function with a rule of its own, where it can be recorded on types."""
    types = [ArrayType(a.type.shape, a.type.dtype) for a in inputs]
    try:
        program = record(lambda *xs: eq.primitive.impl(*xs, **eq.params), types, str(eq.primitive))
    except WengertError:
        return None  # it decides by values: it is called as it is
    found = opened(b, program.transform("simplify"), inputs)
    return found if found is not None and [a.type for a in found] == [v.type for v in eq.outputs] else None


CALLS[checkpoint] = open_checkpoint
for _p in (jit, replayed, planned, planned_linear):
    CALLS[_p] = open_jit
for _p in (custom_jvp, custom_vjp, custom_linear, scheduled, online):
    CALLS[_p] = open_custom
