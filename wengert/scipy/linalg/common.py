"""What the functions of scipy.linalg share: operands in the dtypes of LAPACK, right sides as columns, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy import linalg as nl
from ...numpy.dispatch import unsupported_argument
from ...numpy.ufuncs import to_dtype
from ...primitives import linalg as p
from ...primitives.contract import mT
from ...primitives.shape import reshape

_LAPACK = {"e": np.float32, "g": np.float64, "G": np.complex128}


def known(a: Any) -> Any:
    """A matrix in a format of LAPACK's: half precision as single, extended as double."""
    return to_dtype(a, np.dtype(_LAPACK[a.dtype.char])) if a.dtype.char in _LAPACK else a


def refuse(name: str, argument: str, value: Any, default: Any, write: str) -> None:
    """UnsupportedFunctionError for an argument that has another value than its default."""
    if value is not default and (hasattr(value, "shape") or value != default):
        raise unsupported_argument(f"scipy.linalg.{name}", argument, value, write)


def columns(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Matrix and right side of one dtype, the latter as columns, and how to give the result the shape of b."""
    a, b = nl._floating(a, b)
    a = nl._square(a)
    if len(b.shape) == 1:
        return a, reshape(b, shape=(*b.shape, 1)), lambda x: reshape(x, shape=x.shape[:-1])
    return a, b, lambda x: x


def transposed(a: Any, trans: Any) -> tuple[Any, bool]:
    """The matrix that trans (0 or N, 1 or T, 2 or C) asks for, and whether its triangles are exchanged."""
    kind = {0: "N", 1: "T", 2: "C"}.get(trans, trans)
    return {"N": a, "T": mT(a), "C": p.mH(a)}[kind], kind != "N"
