"""Which elementwise equations have native arithmetic, and in which dtype it is done."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.program import Atom, Equation, Literal
from . import complex_ops, ops
from .table import Dtype, known
from .values import COMPARISONS

MASKED = {"where"}  # the first operand is a mask
LARGEST_POWER = 64
CASTS = {"convert", "cast", "copy", "nonzero", "logical_not"}


def adapting(atom: Atom) -> Any:
    """What NumPy's promotion takes: a dtype, or a Python number, which adapts to the others."""
    if isinstance(atom, Literal):
        return atom.value if atom.type.weak else atom.type.dtype
    return atom.type.dtype.type(1).item() if atom.type.weak else atom.type.dtype


def promoted(eq: Equation) -> Dtype:
    """The dtype to which NumPy brings the operands."""
    operands = eq.inputs[1:] if eq.primitive.name in MASKED else eq.inputs
    return np.result_type(*map(adapting, operands))


def computed_in(eq: Equation) -> Dtype | None:
    """The dtype in which an elementwise equation is computed; None where there is no native arithmetic for it."""
    name, out = eq.primitive.name, eq.outputs[0].type.dtype
    dtype = promoted(eq)
    if name in CASTS or name in ops.LOGIC or name in MASKED or (name == "round" and dtype.kind != "b"):
        return dtype
    if dtype.kind == "c":
        return dtype if (exponent_fits(eq) if name == "power" else complex_ops.supported(name)) else None
    if name == "ldexp":
        return out
    if name in COMPARISONS or name in ops.PREDICATES:
        return dtype
    if dtype.kind == "b" and (name in ops.BOOLEAN or name == "invert"):
        return dtype
    if dtype.kind in "biu" and (out.kind == "f" or (out.kind in "iu" and dtype.kind == "b")):
        dtype = out  # a function of floats, or integers made of truth values
    if name == "power" and dtype.kind != "f":
        return dtype if exponent_fits(eq) else None
    return dtype if dtype.kind != "b" and known(name, dtype) else None


def exponent_fits(eq: Equation) -> bool:
    """Is a power of integers or of complex numbers one that is computed natively? By a known whole number."""
    n = eq.inputs[1]
    if not isinstance(n, Literal) or isinstance(n.value, complex | np.complexfloating):
        return False
    return float(n.value).is_integer() and 0 <= n.value <= LARGEST_POWER
