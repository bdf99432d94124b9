"""Elementary functions as LLVM text: scalar and vector forms of one algorithm, at most 4 ulp, inlined into kernels.

A kernel calls a form (`call`), of one number or of a vector of them; the `definitions` of the `forms` in a text are put
beside it, and inlined.
"""

from .link import call, definitions, forms, is_form, related, symbol
from .table import NAMES
from .text import Target

__all__ = ["NAMES", "Target", "call", "definitions", "forms", "is_form", "related", "symbol"]
