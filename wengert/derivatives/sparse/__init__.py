"""Sparse Jacobians and Hessians: structure from the program, colouring, compressed evaluation. ::

    jacobian(f)            the Jacobian as scipy.sparse matrices, in as few JVPs and VJPs as a colouring allows
    hessian(f)             the Hessian, in as few products as a star or acyclic colouring allows
    pattern(f)(*args)      where a Jacobian or Hessian may be nonzero: a Structure, kept, saved, given back
    Structure, Colouring   what is kept, with .save(path) and .load(path)

Its modules are loaded when they are first needed, and SciPy's sparse matrices with them.
"""

import importlib
from typing import Any

_PLACES = {
    "Colouring": "structure",
    "Structure": "structure",
    "hessian": "functions",
    "jacobian": "functions",
    "pattern": "functions",
}

__all__ = ["Colouring", "Structure", "hessian", "jacobian", "pattern"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
