"""scipy.interpolate on traced arrays: interpolants that are differentiated in the points, the samples and the knots.

Names, arguments and results are SciPy's. At a knot the piece on its right counts, for values and for derivatives (at
the last knot the last piece); between knots they are as smooth as the pieces. Classes and functions that are missing
are SciPy's: they take plain arrays, and refuse traced ones.
"""

from __future__ import annotations

from typing import Any

import scipy.interpolate

from ..refused import guarded
from . import bspline, cubic, grid, one_dimension, piecewise
from .bspline import *  # noqa: F403
from .cubic import *  # noqa: F403
from .grid import *  # noqa: F403
from .one_dimension import *  # noqa: F403
from .piecewise import *  # noqa: F403

__all__ = ["REFUSED"]
__all__ += bspline.__all__ + cubic.__all__ + grid.__all__ + one_dimension.__all__ + piecewise.__all__

REFUSED: dict[str, tuple[str, str]] = {}


def __getattr__(name: str) -> Any:
    return guarded(scipy.interpolate, name, REFUSED)
