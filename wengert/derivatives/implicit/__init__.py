"""Derivatives of solutions: roots, fixed points, minimisers, linear systems, integrals, differential equations."""

from .find import Quality, fixed_point, least_squares, minimize, quality, root
from .linear import linear_solve
from .ode import ode
from .quadrature import quad

__all__ = ["Quality", "fixed_point", "least_squares", "linear_solve", "minimize", "ode", "quad", "quality", "root"]
