"""The table of elementwise operations on real numbers: from the names of primitives to what writes their instructions.

An entry gets the writer, the dtype in which to compute and the operands in that dtype. Comparisons, NaN and signed
zeros mean what they mean in NumPy: no fast-math. Functions of the math library need no entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import mathlib
from .writer import Writer, llvm_type

Op = Callable[..., Any]
Dtype = np.dtype[Any]

REAL: dict[str, Op] = {}
FLOAT_ONLY: set[str] = set()  # those without a form for integers


def op(*names: str, floats: bool = False) -> Callable[[Op], Op]:
    """Declare the instructions of an elementwise primitive; floats: it has no form for integers."""

    def declare(f: Op) -> Op:
        for name in names:
            REAL[name] = f
            if floats:
                FLOAT_ONLY.add(name)
        return f

    return declare


def known(name: str, dtype: Dtype) -> bool:
    """Is there an operation of this name for real numbers of a dtype?"""
    if dtype.kind == "f":
        return name in REAL or name in mathlib.NAMES
    return name in REAL and name not in FLOAT_ONLY


def real(w: Writer, name: str, dtype: Dtype, *xs: str) -> str:
    """An operation on real numbers; of floats, the math library's where it has one."""
    if dtype.kind == "f" and name in mathlib.NAMES:
        return w.emit(mathlib.call(name, dtype.name, list(xs)))
    return REAL[name](w, dtype, *xs)


def do(w: Writer, instruction: str, dtype: Dtype, *xs: str) -> str:
    """One instruction on operands of a dtype, such as `fadd`."""
    return w.emit(f"{instruction} {llvm_type(dtype)} {', '.join(xs)}")
