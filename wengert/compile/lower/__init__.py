"""Lowering: how each primitive becomes loops, calls and native control flow, in files named as those of primitives/."""

from . import callback, contract, control, elementwise, gather, index, reduce, shape
from .lowering import Constants, lower_program

__all__ = [
    "Constants",
    "callback",
    "contract",
    "control",
    "elementwise",
    "gather",
    "index",
    "lower_program",
    "reduce",
    "shape",
]
