"""What tells one program from another, in any process: so a structure that was kept is known to belong."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.primitive import Primitive
from ...core.program import Literal, Program

PLAIN = (str, int, float, complex, bool, type(None), type(...), np.dtype, np.generic, Primitive)


class Unknown(Exception):
    """Something in a program cannot be told from others like it: a function that it calls, a traced value."""


def fingerprint(program: Program) -> str:
    """Equal for programs that compute the same in the same steps; "" where that cannot be told."""
    h = hashlib.sha256()
    try:
        for part in parts(program):
            h.update(part)
    except Unknown:
        return ""
    return h.hexdigest()


def parts(program: Program) -> Iterator[bytes]:
    """A program as bytes: variables by number, constants by value, other programs in place."""
    numbers = dict(zip(program.inputs, itertools.count()))
    yield f"program {[str(v.type) for v in program.inputs]}".encode()
    for var, value in program.constants:
        numbers[var] = len(numbers)
        yield b"constant"
        yield from written(value)
    for eq in program.equations:
        yield f"equation {eq.primitive} {[str(v.type) for v in eq.outputs]}".encode()
        for atom in eq.inputs:
            yield from written(atom.value) if isinstance(atom, Literal) else [b"variable %d" % numbers[atom]]
        for key, value in sorted(eq.params.items()):
            yield key.encode()
            yield from written(value)
        for v in eq.outputs:
            numbers[v] = len(numbers)
    for atom in program.outputs:
        yield from written(atom.value) if isinstance(atom, Literal) else [b"result %d" % numbers[atom]]


def written(value: Any) -> Iterator[bytes]:
    """A constant or a parameter as bytes."""
    if isinstance(value, Program):
        yield from parts(value)
    elif isinstance(value, np.ndarray) and value.dtype.kind != "O":
        yield f"array {value.dtype} {value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, PLAIN):
        yield f"{type(value).__name__} {value!r}".encode()
    elif isinstance(value, tuple | list):
        yield b"(%d" % len(value)
        for each in value:
            yield from written(each)
    else:  # a function, a traced value, an object
        raise Unknown
