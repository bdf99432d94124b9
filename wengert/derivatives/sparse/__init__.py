"""Sparse Jacobians and Hessians: structure from the program, colouring, compressed evaluation. ::

    jacobian(f)            the Jacobian as scipy.sparse matrices, in as few JVPs and VJPs as a colouring allows
    hessian(f)             the Hessian, in as few products as a star or acyclic colouring allows
    pattern(f)(*args)      where a Jacobian or Hessian may be nonzero: a Structure, kept, saved, given back
    Structure, Colouring   what is kept, with .save(path) and .load(path)

Its modules are loaded when they are first needed, and SciPy's sparse matrices with them.
"""

from ...core.lazy import lazily

__all__ = ["Colouring", "Structure", "hessian", "jacobian", "pattern"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Colouring": "structure",
        "Structure": "structure",
        "hessian": "functions",
        "jacobian": "functions",
        "pattern": "functions",
    },
)
