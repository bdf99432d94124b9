"""Functions of matrices: expm, logm, sqrtm, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from ...core.trace import concrete
from ...core.types import ArrayType
from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...primitives import linalg_functions as functions
from ...primitives import linalg_spectral as spectral
from ...primitives.contract import matmul
from .common import known

__all__ = [
    "coshm", "cosm", "expm", "expm_frechet", "fractional_matrix_power", "funm", "logm", "sinhm", "sinm", "sqrtm",
    "tanhm", "tanm",
]  # fmt: skip


def _function(name: str) -> Callable[..., Any]:
    def f(A: Any, *_: Any, **ignored: Any) -> Any:
        return functions.matrix_function(known(nl._square(A)), name=name)

    f.__name__ = name
    f.__doc__ = f"{name[:-1]}(A), the function of a matrix; its derivative is a block of its value at [[A, E], [0, A]]."
    return implements(getattr(sl, name))(f)


expm, logm, sqrtm, sinm, cosm, tanm, sinhm, coshm, tanhm = map(_function, functions.FUNCTIONS)


@implements(sl.expm_frechet)
def expm_frechet(A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True) -> Any:
    """(exp(A), L(A, E)): the exponential and its derivative in direction E."""
    a, e = map(known, nl._floating(A, E))
    slope = functions.matrix_function_slope(a, e, name="expm")
    return (functions.matrix_function(a, name="expm"), slope) if compute_expm else slope


@implements(sl.fractional_matrix_power)
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """A^t = exp(t log A), differentiated in both; A may have no eigenvalue on the negative real axis, nor zero."""
    return expm(t * logm(A))


@implements(sl.funm)
def funm(A: Any, func: Callable[[Any], Any], disp: bool = True) -> Any:
    """V f(Lambda) V^-1 of a diagonalisable matrix A = V Lambda V^-1; func works on arrays of complex numbers.

    Real where A and the result are. Defective matrices, and eigenvalues so close that the vectors are lost, raise
    SingularPointError: expm, logm and sqrtm have no such points.
    """
    a = nl._square(A)
    w, v = spectral.eig(a)
    y = matmul(v * func(w)[..., None, :], nl.inv(v))
    if a.dtype.kind != "c" and _is_real(y):
        return np.real(y)
    return y


def _is_real(y: Any) -> bool:
    """Are the imaginary parts rounding? Where that cannot be known, a result stays complex."""
    value = concrete(y)
    if isinstance(value, ArrayType):
        return False
    size = np.abs(value).max(initial=0)
    return bool(np.abs(np.imag(value)).max(initial=0) <= 1e3 * np.finfo(value.dtype).eps * size)
