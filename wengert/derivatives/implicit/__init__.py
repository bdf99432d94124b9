"""Derivatives of solutions: roots, fixed points, minimisers, linear systems, integrals, differential equations. ::

    root(F, x0), fixed_point(g, x0)          F(y) = 0, y = g(y)
    minimize(f, x0), least_squares(r, x0)    minimisers of f, of |r|^2, with constraints or without
    linear_solve(A, b)                       A y = b, A a matrix, a sparse matrix or a function
    quad(f, a, b)                            integrals
    ode(f, y0, t), ode_until(..., event)     initial value problems, and their events
    quality(F, y)                            how well y solves F(y) = 0

Its modules are loaded when they are first needed, and SciPy with them.
"""

from ...core.lazy import lazily

__all__ = [
    *("Krylov", "Multipliers", "Quality", "fixed_point", "least_squares", "linear_solve", "minimize", "ode"),
    *("ode_until", "quad", "quality", "root"),
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Krylov": "krylov",
        "Multipliers": "constraints",
        "Quality": "assess",
        "fixed_point": "roots",
        "least_squares": "minima",
        "linear_solve": "linear",
        "minimize": "minima",
        "ode": "initial_value",
        "ode_until": "events",
        "quad": "quadrature",
        "quality": "assess",
        "root": "roots",
    },
)
