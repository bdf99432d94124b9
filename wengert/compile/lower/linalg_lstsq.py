"""Norms: loops."""

from __future__ import annotations

from ...core.program import Equation
from ..loops.ir import Const
from .linalg import callback_unless_native
from .lowering import Lowering, axes_of, lowers


@lowers("norm")
@callback_unless_native
def norm(low: Lowering, eq: Equation) -> None:
    """y = (sum |x|^p)^(1/p) over some axes."""
    x, y = low.value(eq.inputs[0]), low.result(eq.outputs[0])
    p, real = eq.params["p"], y.dtype
    term, total = low.new(x.shape, real), low.filled(y.shape, real, real.type(0))
    index = axes_of(x.shape)
    at, kept = term.ref(index), [a for d, a in enumerate(index) if d not in eq.params["axis"]]
    if p == 2:
        parts = ("real", "imag") if x.dtype.kind == "c" else ("copy",)
        for name in parts:
            part = low.new(x.shape, real)
            low.nest(index, part.ref(index), name, [x.ref(index)])
            low.nest(index, total.ref(kept), "square", [part.ref(index)], accumulate="add")
    else:
        low.nest(index, at, "complex_abs" if x.dtype.kind == "c" else "abs", [x.ref(index)])
        low.nest(index, total.ref(kept), "power", [at, Const(real.type(p))], accumulate="add")
    rows = axes_of(y.shape)
    if p == 2:
        low.nest(rows, y.ref(rows), "sqrt", [total.ref(rows)])
    else:
        low.nest(rows, y.ref(rows), "power", [total.ref(rows), Const(real.type(1 / p))])
