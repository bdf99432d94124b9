"""Single steps of Runge-Kutta and Rosenbrock methods, as parts of the user's program. f(t, z) -> z', flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.types import dtype_of, shape_of
from ...transforms.jvp import jvp_flat
from ..columns import pushed, zeros_if_none

Rate = Callable[[Any, Any], Any]

# Explicit Runge-Kutta methods: rows of the matrix a, and the weights b (Hairer, Norsett and Wanner, Solving ordinary
# differential equations I, section II.1).
TABLEAUX: dict[str, tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]] = {
    "euler": (((),), (1.0,)),
    "midpoint": (((), (0.5,)), (0.0, 1.0)),
    "rk4": (((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}

# Dormand and Prince's method of order 5 (ibid., table II.5.2): its last row is b, so the last stage is the first of the
# next step; and b minus the weights of order 4.
DOPRI5 = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
DOPRI5_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)

# RODAS of order 4, stiffly accurate and L-stable (Hairer and Wanner, Solving ordinary differential equations II,
# section IV.7 and the code RODAS): the matrices A and C in the form in which no product with the Jacobian is left.
GAMMA = 0.25
ALPHA = (0.0, 0.386, 0.21, 0.63, 1.0, 1.0)
GAMMA_T = (0.25, -0.1043, 0.1035, -0.03620000000000023, 0.0, 0.0)
A = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
C = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)


def runge_kutta(f: Rate, t: Any, h: Any, z: Any, method: str) -> Any:
    """A step of one of the methods of TABLEAUX."""
    a, b = TABLEAUX[method]
    ks: list[Any] = []
    for row in a:
        ks.append(f(t + sum(row) * h, combined(z, h, row, ks)))
    return combined(z, h, b, ks)


def dopri5(f: Rate, t: Any, h: Any, z: Any, first: Any) -> tuple[Any, Any, Any]:
    """z at t + h, the error, and z' there; first: z' at t."""
    ks = [first]
    for row in DOPRI5[1:]:
        y = combined(z, h, row, ks)
        ks.append(f(t + sum(row) * h, y))
    return y, combined(None, h, DOPRI5_ERROR, ks), ks[-1]


def rodas4(f: Rate, t: Any, h: Any, z: Any, first: Any, mass: Any = None) -> tuple[Any, Any, Any]:
    """z at t + h, the error, and z' there (which is not asked for), of `M z' = f`, where M may be singular:

    (M - gamma h J) u_i = gamma h f(t + alpha_i h, z + sum_j a_ij u_j) + gamma M sum_j c_ij u_j + gamma gamma_i h^2 f_t.
    """
    n, dtype = shape_of(z)[0], dtype_of(z)
    M = np.eye(n, dtype=dtype) if mass is None else mass
    _, blocks = pushed(lambda z: [f(t, z)], [z], None)
    (_,), (f_t,) = jvp_flat(lambda t: [f(t, z)], [t], [wnp.ones_like(t)])
    h, g = h.astype(dtype), GAMMA
    W = M - (g * h) * blocks[0][0]
    along_t = (g * h * h) * zeros_if_none(f_t, z)
    us: list[Any] = []
    for i, (a, c) in enumerate(zip(A, C, strict=True)):
        y = combined(z, 1.0, a, us)
        right = (g * h) * f(t + ALPHA[i] * h, y) + GAMMA_T[i] * along_t
        if mass is None or not us:
            right = combined(right, g, c, us)
        else:
            right = right + g * (M @ combined(None, 1.0, c, us))
        us.append(wnp.linalg.solve(W, right))
    return y + us[-1], us[-1], first


def combined(z: Any, h: Any, weights: Sequence[float], ks: Sequence[Any]) -> Any:
    """z + h sum_i w_i k_i; without z the sum alone."""
    for w, k in zip(weights, ks, strict=True):
        if w:
            term = ((w * h) * k).astype(dtype_of(k))
            z = term if z is None else z + term
    return z
