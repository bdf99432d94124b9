"""scipy.stats on traced arrays: densities, distribution functions and quantiles, with their parameters.

On plain arrays each method is SciPy's own. Methods without a derivative here (rvs, fit, moments ...) refuse tracers.
Distributions and functions that are missing are SciPy's, which raise ConcretizationError for tracers.
"""

from __future__ import annotations

from typing import Any

import scipy.stats

from .continuous import *  # noqa: F403
from .discrete import *  # noqa: F403
from .multivariate import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return getattr(scipy.stats, name)
