"""Derivatives of solutions: roots, fixed points, minimisers, linear systems, integrals, differential equations."""

from .find import Quality, fixed_point, least_squares, minimize, quality, root

__all__ = ["Quality", "fixed_point", "least_squares", "minimize", "quality", "root"]
