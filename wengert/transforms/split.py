"""split: follows the infinitesimal that tells repeated eigenvalues apart (primitives/linalg_gaps.py).

A tracer's value is an array, its data the coefficient of e in it. It is forward mode, beneath all other transformations
and without an end: results are handed out without their coefficients (core.trace.settled).
"""

from __future__ import annotations

from typing import Any

from ..core.primitive import Primitive
from ..core.trace import SPLIT_LEVEL, Tracer, settled
from ..primitives.linalg import regular
from ..primitives.linalg_gaps import TERMS, limit, split
from .jvp import JVPTrace


class SplitTrace(JVPTrace):
    """Forward mode in the direction in which repeated values move apart; quotients of two zeros are limits."""

    __slots__ = ()
    name = "splitting of repeated values"
    transparent = True

    def __init__(self) -> None:
        super().__init__()
        self.level = SPLIT_LEVEL

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """As in forward mode, save for what has been split already, and for quotients by gaps."""
        if primitive is split or primitive is regular:  # e is no direction in which a derivative was asked
            return args[0]
        if primitive in TERMS:
            (x, x_e), (w, w_e) = map(self.parts, args)
            if w_e is not None:
                return Tracer(self, *limit(primitive, x, x_e, w, w_e, params))
        return super().process(primitive, args, params)

    def parts(self, a: Any) -> tuple[Any, Any]:
        """Value and coefficient."""
        own = isinstance(a, Tracer) and a.traced_by is self
        return (settled(a.value), settled(a.data)) if own else (settled(a), None)


split.trace = SplitTrace()
