"""Derivatives of solutions: roots, fixed points, minimisers, linear systems, integrals, differential equations. ::

    root(F, x0), fixed_point(g, x0)          F(y) = 0, y = g(y)
    minimize(f, x0), least_squares(r, x0)    minimisers of f, of |r|^2
    linear_solve(A, b)                       A y = b, A a matrix or a function
    quad(f, a, b)                            integrals
    ode(f, y0, t)                            initial value problems
    quality(F, y)                            how well y solves F(y) = 0

Its modules are loaded when they are first needed, and SciPy with the first solver that is run.
"""

from ...core.lazy import lazily

__all__ = ["Quality", "fixed_point", "least_squares", "linear_solve", "minimize", "ode", "quad", "quality", "root"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Quality": "find",
        "fixed_point": "find",
        "least_squares": "find",
        "linear_solve": "linear",
        "minimize": "find",
        "ode": "initial_value",
        "quad": "quadrature",
        "quality": "find",
        "root": "find",
    },
)
