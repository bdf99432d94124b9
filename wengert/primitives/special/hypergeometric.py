"""Hypergeometric functions. In the argument, the derivative raises every parameter by one."""

from __future__ import annotations

from typing import Any

from scipy import special as sp

from ...core.types import dtype_of
from ..elementwise import exp
from .parameters import hyp0f1_slopes, hyp1f1_slopes, hyp2f1_slopes, hyperu_slopes
from .table import PARAMETER, QUICK, special, unknown

HALF = (-0.6, 0.6)
PARAMETERS = (0.5, 2.0)
NAMES = "a b c x"

COMPLEX = "in its parameters, it is differentiated for real arguments only"


def _in_parameter(name: str, i: int, slopes: Any, *args: Any) -> Any:
    """The slope in the i-th parameter."""
    if dtype_of(args[-1]).kind == "c":
        unknown(name, i, COMPLEX).refuse()
    return slopes(*(int(k == i) for k in range(len(args))), *args)


hyp0f1 = special(
    "hyp0f1",
    lambda a, b: _in_parameter("hyp0f1", 0, hyp0f1_slopes, a, b),
    lambda a, b: hyp0f1(a + 1, b) / a,
    at=(PARAMETERS, HALF),
)
hyp1f1 = special(
    "hyp1f1",
    lambda a, b, c: _in_parameter("hyp1f1", 0, hyp1f1_slopes, a, b, c),
    lambda a, b, c: _in_parameter("hyp1f1", 1, hyp1f1_slopes, a, b, c),
    lambda a, b, c: a / b * hyp1f1(a + 1, b + 1, c),
    at=(PARAMETERS, PARAMETERS, HALF),
)
hyperu = special(
    "hyperu",
    lambda a, b, c: _in_parameter("hyperu", 0, hyperu_slopes, a, b, c),
    lambda a, b, c: _in_parameter("hyperu", 1, hyperu_slopes, a, b, c),
    lambda a, b, c: -a * hyperu(a + 1, b + 1, c),
    at=(PARAMETERS, PARAMETERS, (0.5, 2.0)),
    **QUICK,
)
hyp2f1 = special(
    "hyp2f1",
    lambda a, b, c, d: _in_parameter("hyp2f1", 0, hyp2f1_slopes, a, b, c, d),
    lambda a, b, c, d: _in_parameter("hyp2f1", 1, hyp2f1_slopes, a, b, c, d),
    lambda a, b, c, d: _in_parameter("hyp2f1", 2, hyp2f1_slopes, a, b, c, d),
    lambda a, b, c, d: a * b / c * hyp2f1(a + 1, b + 1, c + 1, d),
    at=(PARAMETERS, PARAMETERS, PARAMETERS, HALF),
    **QUICK,
)
wright_bessel = special(
    "wright_bessel",
    PARAMETER,
    PARAMETER,
    lambda a, b, c: wright_bessel(a, a + b, c),
    at=(PARAMETERS, PARAMETERS, (0.3, 2.0)),
)
if hasattr(sp, "log_wright_bessel"):  # SciPy 1.14
    log_wright_bessel = special(
        "log_wright_bessel",
        PARAMETER,
        PARAMETER,
        lambda a, b, c, y: exp(log_wright_bessel(a, a + b, c) - y),
        at=(PARAMETERS, PARAMETERS, (0.3, 2.0)),
    )
