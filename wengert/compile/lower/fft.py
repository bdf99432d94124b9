"""What stands beside Fourier transforms: crop_or_pad. The transforms themselves are NumPy's (call backs)."""

from __future__ import annotations

from ...core.program import Equation
from .index import part
from .lowering import Lowering, lowers


@lowers("crop_or_pad")
def crop_or_pad(low: Lowering, eq: Equation) -> None:
    """The common part of x, zeros beyond it; a view where nothing is added."""
    x, y = low.view(eq.inputs[0]), eq.outputs[0]
    common = tuple((0, min(n, m), 1) for n, m in zip(x.shape, y.type.shape, strict=True))
    if all(n >= m for n, m in zip(x.shape, y.type.shape, strict=True)):
        low.assign(y, part(x, common))
    else:
        low.copy(part(x, common), part(low.zeros(y), common))
