"""Elementary functions as LLVM text: scalar and vector forms of one algorithm, at most 4 ulp, inlined into kernels.

A kernel calls the scalar form (`call`), with an attribute that names the vector forms (`declarations`); LLVM's
vectoriser takes the form of its width. `inline` then links the definitions of the forms in use and inlines them.
"""

from .link import call, declarations, inline, library, symbol
from .table import NAMES
from .text import Target

__all__ = ["NAMES", "Target", "call", "declarations", "inline", "library", "symbol"]
