"""The exponential of a matrix by scaling, Pade's approximation and squaring, and functions that follow from it.

A. H. Al-Mohy, N. J. Higham, A new scaling and squaring algorithm for the matrix exponential, SIAM J. Matrix Anal. Appl.
31 (2009), algorithm 5.1 with the approximation of degree 13 alone, and norms that are computed, not estimated. Like
SciPy's, it works in double precision. logm, and sqrtm of small matrices: matrix_roots.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import numpy as wnp
from ...control import fori_loop, while_loop
from ...core.program import Equation
from ...primitives.linalg import solve
from .composed import Composition, compose
from .linalg import callback_unless_native
from .linalg_schur import computed
from .lowering import RULES, Lowering, lowers
from .matrix_roots import FUNCTIONS, by_schur

# Coefficients of the numerator of degree 13, and the norm up to which it is exact to rounding (theta_13 there).
PADE = (
    *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0),
    *(10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0),
)
THETA = 4.25
FIRST_TERM = 113250775606021113483283660800000000.0  # 1 / c_27, of the error's first term


def norm1(a: Any) -> Any:
    """The largest sum of absolute values of a column."""
    return wnp.max(wnp.sum(wnp.abs(a), axis=-2), axis=-1)


def squarings(a: Any, a4: Any, a6: Any) -> Any:
    """How often the exponential of A / 2^s has to be squared (section 3 there)."""
    eta = wnp.maximum(norm1(a4) ** (1 / 4), norm1(a6) ** (1 / 6))
    s = wnp.maximum(wnp.ceil(wnp.log2(wnp.maximum(eta, 1e-300) / THETA)), 0.0)
    size = wnp.abs(a) * 2.0 ** -s[..., None, None]
    columns = wnp.asarray(wnp.sum(size, axis=-2))[..., None, :]
    power = fori_loop(0, 26, lambda k, v: v @ size, columns)
    alpha = wnp.max(power, axis=(-2, -1)) / (wnp.maximum(norm1(size), 1e-300) * FIRST_TERM)
    more = wnp.ceil(wnp.log2(wnp.maximum(alpha, 1e-300) * 2.0**53) / 26)
    return wnp.clip(s + wnp.maximum(more, 0.0), 0.0, 1100.0)


def expm(a: Any) -> Any:
    """exp(A) = r(A / 2^s)^(2^s), r the quotient of p(A) and p(-A)."""
    n = a.shape[-1]
    one = np.eye(n)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    s = squarings(a, a4, a6)
    q = 2.0 ** -s[..., None, None]
    a, a2, a4, a6 = a * q, a2 * q**2, a4 * q**4, a6 * q**6
    b = PADE
    odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one
    u = a @ odd
    v = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    y = solve(v - u, v + u)
    most = wnp.max(s)

    def squared(carry: Any) -> Any:
        k, y = carry
        return k + 1.0, wnp.where((k < s)[..., None, None], y @ y, y)

    return while_loop(lambda carry: carry[0] < most, squared, (0.0, y))[1]


def both(a: Any) -> tuple[Any, Any]:
    """exp(A) and exp(-A)."""
    y = expm(wnp.stack([a, -a]))
    return y[0], y[1]


def hyperbolic(a: Any) -> tuple[Any, Any]:
    """(exp(A) + exp(-A)) / 2 and (exp(A) - exp(-A)) / 2."""
    y, z = both(a)
    return 0.5 * (y + z), 0.5 * (y - z)


def circular(a: Any) -> tuple[Any, Any]:
    """cos A and sin A; of a real matrix the real and imaginary part of exp(iA)."""
    if a.dtype.kind == "c":
        cosine, sine = hyperbolic(1j * a)
        return cosine, -1j * sine
    y = expm(1j * a)
    return wnp.real(y), wnp.imag(y)


BY_EXPONENTIAL: dict[str, Composition] = {
    "expm": expm,
    "coshm": lambda a: hyperbolic(a)[0],
    "sinhm": lambda a: hyperbolic(a)[1],
    "tanhm": lambda a: solve(*hyperbolic(a)),
    "cosm": lambda a: circular(a)[0],
    "sinm": lambda a: circular(a)[1],
    "tanm": lambda a: solve(*circular(a)),
}


def in_double(a: Any) -> Any:
    """The matrix in double precision."""
    return wnp.asarray(a, dtype=np.result_type(a.dtype, np.float64))


@lowers("matrix_function")
@callback_unless_native
def matrix_function(low: Lowering, eq: Equation) -> None:
    """f(A)."""
    name = eq.params["name"]
    if is_scipys(eq):
        RULES["callback"](low, eq)
    elif name in FUNCTIONS:
        y = by_schur(low, eq, low.value(eq.inputs[0]), name)
        low.assign(eq.outputs[0], computed(low, lambda y: [in_dtype_of(eq, y)], y)[0])
    else:
        f = BY_EXPONENTIAL[name]
        compose(low, eq, lambda a, name: f(in_double(a)))


LARGEST_ROOT = 6  # rows of the largest matrices whose roots are ours; SciPy's take as long, or less, for larger ones


def is_scipys(eq: Equation) -> bool:
    """Is it left to SciPy?"""
    return bool(eq.params["name"] == "sqrtm" and eq.inputs[0].type.shape[-1] > LARGEST_ROOT)


def in_dtype_of(eq: Equation, y: Any) -> Any:
    """A result in the precision that is asked for."""
    return wnp.asarray(y, dtype=eq.outputs[0].type.dtype)


def block(a: Any, x: Any) -> Any:
    """[[A, X], [0, A]] in double precision."""
    a = in_double(a)
    top = wnp.concatenate([a, in_double(x)], axis=-1)
    bottom = wnp.concatenate([wnp.zeros_like(a), a], axis=-1)
    return wnp.concatenate([top, bottom], axis=-2)


@lowers("matrix_function_slope")
@callback_unless_native
def slope(low: Lowering, eq: Equation) -> None:
    """The derivative of f at A in direction X: a block of f([[A, X], [0, A]])."""
    name, n = eq.params["name"], eq.inputs[0].type.shape[-1]
    if is_scipys(eq):
        RULES["callback"](low, eq)
    elif name in FUNCTIONS:
        (both,) = computed(low, lambda a, x: [block(a, x)], *map(low.value, eq.inputs))
        y = by_schur(low, eq, both, name)
        low.assign(eq.outputs[0], computed(low, lambda y: [in_dtype_of(eq, y[..., :n, n:])], y)[0])
    else:
        f = BY_EXPONENTIAL[name]
        compose(low, eq, lambda a, x, name: f(block(a, x))[..., :n, n:])
