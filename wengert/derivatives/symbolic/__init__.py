"""Symbolic differentiation: programs as SymPy expressions and back, their derivatives by SymPy, and how they swell. ::

    expression(f, *args)      f as expressions in symbols named after its parameters, with their calculus
    from_sympy(e, symbols)    expressions as a function that can be traced, differentiated, compiled
    grad(f)                   the gradient, by SymPy's derivative
    swell(f, *args)           the size of the derivative's expression against that of the AD program

Its modules are loaded when they are first needed, and SymPy with them (`pip install wengert[symbolic]`).
"""

import importlib
from typing import Any

_PLACES = {
    "Expression": "expressions",
    "Swell": "growth",
    "expression": "make",
    "from_sympy": "source",
    "grad": "make",
    "swell": "growth",
}

__all__ = ["Expression", "Swell", "expression", "from_sympy", "grad", "swell"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
