"""scipy.ndimage on traced arrays: filters and interpolation of arrays of any number of dimensions.

On plain arrays each is SciPy's own. Results of traced arrays are floating point. Functions that are missing are
SciPy's, and refuse traced arrays.
"""

from __future__ import annotations

from typing import Any

import scipy.ndimage

from ..refused import guarded
from . import filters, ranks, sampling
from .filters import *  # noqa: F403
from .ranks import *  # noqa: F403
from .sampling import *  # noqa: F403

__all__ = ["REFUSED"]
__all__ += filters.__all__ + ranks.__all__ + sampling.__all__

REFUSED = {
    "rotate": ("the shape of its result depends on the angle", "affine_transform with the matrix of the rotation"),
    "geometric_transform": ("its mapping takes one place at a time", "map_coordinates at np.indices, mapped"),
}


def __getattr__(name: str) -> Any:
    return guarded(scipy.ndimage, name, REFUSED)
