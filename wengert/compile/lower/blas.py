"""Matrix products by BLAS, through SciPy's function pointers; transposes are folded into the call."""

from __future__ import annotations

from typing import Any

from ...core.program import Equation
from ..ir import Splat, Value, View
from .lowering import Lowering


def matrix_product(
    low: Lowering, eq: Equation, labels: tuple[str, str, str], a: Value, b: Value, total: View
) -> bool:
    """total += a b by BLAS, where that is what it is and pays; False where it is not done."""
    return False


__all__ = ["Any", "Splat", "matrix_product"]
