"""SciPy on traced arrays: `wengert.scipy.fft`, `linalg`, `special`, `stats`, loaded when they are first used.

The functions of scipy.special that are NumPy ufuncs are differentiated under their own names too:
`scipy.special.erf(t)` of a traced array finds its way here.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

from ..core import primitive
from ..numpy import ufuncs

_MODULES = ("fft", "integrate", "interpolate", "linalg", "ndimage", "signal", "special", "stats")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]


def _on_tracers(ufunc: np.ufunc) -> Any:
    """What answers for a ufunc of scipy.special, or None if it is not one."""
    if "scipy.special" not in sys.modules:
        return None
    return importlib.import_module(f"{__name__}.special").on_tracers(ufunc)


def _declare() -> None:
    """All primitives of the special functions: one of them is asked for by its name."""
    importlib.import_module("wengert.primitives.special").every()


ufuncs.EXTERNAL.append(_on_tracers)
primitive.PROVIDERS.append(_declare)
