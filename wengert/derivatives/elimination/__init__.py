"""Jacobians by elimination of the vertices and edges of the linearised graph, in an order that multiplies little.

Its modules are loaded when they are first needed, and SciPy's sparse matrices with them.
"""

from ...core.lazy import lazily

__all__ = ["Plan", "jacobian", "value_and_jacobian"]

__getattr__, __dir__ = lazily(__name__, dict.fromkeys(__all__, "api"))
