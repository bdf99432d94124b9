"""The symbolic row of the comparison: SymPy's derivative of the recorded program, and how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import UnsupportedFunctionError
from .forward import Direction
from .point import Point


def symbolic_values(point: Point, seed: Sequence[Any], directions: Sequence[Direction]) -> Any:
    """Differentiate as SymPy does."""
    raise UnsupportedFunctionError("not translated", why="later", write="")
