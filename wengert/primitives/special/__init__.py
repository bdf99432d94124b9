"""Special functions: the derivative of each function of scipy.special, a line for each, a file for each family.

This package and SciPy are imported when a special function first meets a traced array, and of its families those that
are needed to `find` it. `TABLE` holds the primitives by the names of SciPy's ufuncs; `REFUSED` says why the others have
no derivative here.
"""

from __future__ import annotations

import importlib

from ...core.primitive import Primitive
from .refused import REFUSED
from .table import TABLE

__all__ = ["FAMILIES", "REFUSED", "TABLE", "every", "find"]

# in the order in which they are searched: those first that are used most, and need no others
FAMILIES = ("error", "gamma", "exponential", "bessel", "cumulative", "elliptic", "polynomial", "kolmogorov")


def find(name: str) -> Primitive | None:
    """The primitive of the ufunc of this name; None where there is none."""
    for family in FAMILIES:
        if name in TABLE:
            break
        importlib.import_module(f"{__name__}.{family}")
    return TABLE.get(name)


def every() -> dict[str, Primitive]:
    """All primitives, by the names of SciPy's ufuncs."""
    for family in FAMILIES:
        importlib.import_module(f"{__name__}.{family}")
    return TABLE
