"""Jacobians by elimination of the vertices and edges of the linearised graph, in an order that multiplies little."""

from .api import Plan, jacobian, value_and_jacobian

__all__ = ["Plan", "jacobian", "value_and_jacobian"]
