"""One program for all that are alike: what was derived from a loop's body serves the same body when it comes again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from .program import Atom, Literal, Program

_LIMIT = 512  # programs that are remembered; the one that was used longest ago is forgotten first
_known: OrderedDict[Any, Program] = OrderedDict()


def interned(program: Program) -> Program:
    """A program of the same equations that was seen before, with all that was derived from it; or this one.

    Programs that hold arrays, and params that cannot be compared, are left alone.
    """
    key = likeness(program)
    if key is None:
        return program
    try:
        found = _known.pop(key, program)
    except TypeError:  # a param that is not hashable
        return program
    _known[key] = found
    if len(_known) > _LIMIT:
        _known.popitem(last=False)
    return found


def likeness(program: Program) -> Any:
    """What two programs have in common that do the same for the same lines of the user's."""
    if program.constants:
        return None
    number: dict[Atom, Any] = {v: k for k, v in enumerate(program.inputs)}

    def name(atom: Atom) -> Any:
        if isinstance(atom, Literal):
            return type(atom.value), repr(atom.value)
        return number[atom]

    rows = []
    for eq in program.equations:
        inputs = tuple(map(name, eq.inputs))
        for v in eq.outputs:
            number[v] = len(number)
        rows.append((eq.primitive, inputs, tuple(eq.params.items()), eq.source))
    types = tuple((v.type, v.type.weak) for v in program.inputs)
    return types, tuple(rows), tuple(map(name, program.outputs)), program.name, program.quiet
