"""Arrays as sets: what is equal is a decision on values, what is kept are elements with their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dispatch import implements
from .joining import concatenate
from .selection import unique
from .universal import array as as_array
from .views import ravel

__all__ = ["intersect1d", "isin", "setdiff1d", "setxor1d", "union1d"]


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    """Which elements are among the others?"""
    found = np.any(np.equal(as_array(element)[..., None], ravel(test_elements)), axis=-1)
    return np.logical_not(found) if invert else found


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    """The distinct elements of both, in order."""
    return unique(concatenate((ar1, ar2), axis=None))


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The distinct elements of the first that are not in the second, in order."""
    x = ravel(ar1) if assume_unique else unique(ar1)
    return x[isin(x, ar2, invert=True)]


@implements(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """The distinct elements of the first that are in the second as well, in order."""
    (x, i), (y, j) = (unique(a, return_index=True) for a in (ar1, ar2))
    of_x = isin(x, y)
    if not return_indices:
        return x[of_x]
    return x[of_x], i[of_x], j[isin(y, x)]


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The distinct elements of one of the two only, in order."""
    return unique(concatenate((setdiff1d(ar1, ar2), setdiff1d(ar2, ar1))))
