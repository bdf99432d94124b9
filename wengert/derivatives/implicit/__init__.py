"""Derivatives of solutions: roots, fixed points, minimisers, linear systems, integrals, differential equations. ::

    root(F, x0), fixed_point(g, x0)          F(y) = 0, y = g(y)
    minimize(f, x0), least_squares(r, x0)    minimisers of f, of |r|^2
    linear_solve(A, b)                       A y = b, A a matrix or a function
    quad(f, a, b)                            integrals
    ode(f, y0, t)                            initial value problems
    quality(F, y)                            how well y solves F(y) = 0

Its modules are loaded when they are first needed, and SciPy with the first solver that is run.
"""

import importlib
from typing import Any

_PLACES = {
    "Quality": "find",
    "fixed_point": "find",
    "least_squares": "find",
    "linear_solve": "linear",
    "minimize": "find",
    "ode": "initial_value",
    "quad": "quadrature",
    "quality": "find",
    "root": "find",
}

__all__ = ["Quality", "fixed_point", "least_squares", "linear_solve", "minimize", "ode", "quad", "quality", "root"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
