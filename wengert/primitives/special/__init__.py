"""Special functions: the derivative of each function of scipy.special, a line for each, a file for each family.

This package and SciPy are imported when a special function first meets a traced array. `TABLE` holds the primitives by
the names of SciPy's ufuncs; `REFUSED` says why the others have no derivative here.
"""

from . import bessel, cumulative, elliptic, error, exponential, gamma, hypergeometric, polynomial, refused, softmax
from .refused import REFUSED
from .table import TABLE

__all__ = [
    "REFUSED", "TABLE", "bessel", "cumulative", "elliptic", "error", "exponential", "gamma", "hypergeometric",
    "polynomial", "refused", "softmax",
]  # fmt: skip
