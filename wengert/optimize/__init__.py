"""Minimisation with and without gradients: descent methods, gradient estimates, line searches, and bridges to SciPy.

Every method takes the start `x0` as an array or any structure of arrays, counts what it asks of the function,
and returns a `Result`. Below, n is the number of real variables in `x0`, and L the smoothness of f: the
largest absolute eigenvalue of its Hessian.

    descent.py      gradient_descent, momentum, nesterov, adam
    estimates.py    two_point, multi_point, zeroth_order_descent
    searches.py     line_search
    minimizer.py    minimize, over every method of scipy.optimize.minimize; constraints.py: its bounds and constraints
    equations.py    root, root_scalar, least_squares
    objective.py    a function of a structure as a function of a vector; smoothness; vector.py: one of many results
    result.py       what was found and what it cost, and its picture; progress.py: a callback
"""

from .descent import adam, gradient_descent, momentum, nesterov
from .equations import Solution, least_squares, root, root_scalar
from .estimates import multi_point, two_point, zeroth_order_descent
from .minimizer import minimize
from .objective import smoothness
from .progress import Progress
from .result import Result
from .searches import Step, line_search

__all__ = [
    "Progress",
    "Result",
    "Solution",
    "Step",
    "adam",
    "gradient_descent",
    "least_squares",
    "line_search",
    "minimize",
    "momentum",
    "multi_point",
    "nesterov",
    "root",
    "root_scalar",
    "smoothness",
    "two_point",
    "zeroth_order_descent",
]
