"""Lowering: how each primitive becomes loops, calls and native control flow, in files named as those of primitives/."""

from . import (
    accumulate,
    assume,
    callback,
    contract,
    control,
    convolve,
    elementwise,
    fft,
    gather,
    index,
    linalg,
    reduce,
    shape,
    softmax,
    sort,
    special,
)
from .lowering import Constants, lower_program

__all__ = [
    "Constants",
    "accumulate",
    "assume",
    "callback",
    "contract",
    "control",
    "convolve",
    "elementwise",
    "fft",
    "gather",
    "index",
    "linalg",
    "lower_program",
    "reduce",
    "shape",
    "softmax",
    "sort",
    "special",
]
