"""Assumptions: decisions that Python took while the program was recorded are compared with what is found."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.program import Equation
from ..emit.complex_ops import equality
from ..emit.values import compare, converted, nonzero
from ..emit.writer import number
from ..loops.ir import Call, Const
from .lowering import Lowering, lowers

COMPLEX, DOUBLE, INTEGER = np.dtype(np.complex128), np.dtype(np.float64), np.dtype(np.int64)


@lowers("assume")
def assume(low: Lowering, eq: Equation) -> None:
    """Stop unless type(value)(x) == value."""
    x = low.value(eq.inputs[0])
    value = eq.params["value"]
    ref = x.ref(()) if x.shape == () else Const(None)

    def emit(f: Any, node: Call) -> None:
        read = node.reads[0] if node.reads else ref
        agrees = "false" if x.shape else agreement(f, f.operand(read, x.dtype), x.dtype, value)
        code = f.code_of(("assume", repr(value)), eq)
        f.stop_unless_zero(f.emit(f"select i1 {agrees}, i32 0, i32 {code}"))

    low.nodes.append(Call("assume", [] if isinstance(ref, Const) else [ref], [], emit, eq))


def agreement(f: Any, x: Any, dtype: np.dtype[Any], value: Any) -> str:
    """Is type(value)(x) == value?"""
    if isinstance(value, bool | np.bool_):
        truth = nonzero(f, x, dtype)
        return truth if value else f.emit(f"xor i1 {truth}, true")
    if dtype.kind == "c" or isinstance(value, complex | np.complexfloating):
        pair = converted(f, x, dtype, COMPLEX)
        return equality(f, "equal", COMPLEX, pair, number(value, COMPLEX))
    wide = INTEGER if isinstance(value, int | np.integer) else DOUBLE
    return compare(f, "equal", wide, converted(f, x, dtype, wide), number(value, wide))
