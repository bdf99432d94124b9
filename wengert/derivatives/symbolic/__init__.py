"""Symbolic differentiation: programs as SymPy expressions and back, their derivatives by SymPy, and how they swell. ::

    expression(f, *args)      f as expressions in symbols named after its parameters, with their calculus
    from_sympy(e, symbols)    expressions as a function that can be traced, differentiated, compiled
    grad(f)                   the gradient, by SymPy's derivative
    swell(f, *args)           the size of the derivative's expression against that of the AD program

Its modules are loaded when they are first needed, and SymPy with them (`pip install wengert[symbolic]`).
"""

from ...core.lazy import lazily

__all__ = ["Expression", "Swell", "expression", "from_sympy", "grad", "swell"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Expression": "expressions",
        "Swell": "growth",
        "expression": "make",
        "from_sympy": "source",
        "grad": "make",
        "swell": "growth",
    },
)
