"""Hypergeometric functions in their argument: the derivative raises every parameter by one."""

from __future__ import annotations

from scipy import special as sp

from ..elementwise import exp
from .table import PARAMETER, special

HALF = (-0.6, 0.6)
PARAMETERS = (0.5, 2.0)
NAMES = "a b c x"

hyp0f1 = special("hyp0f1", PARAMETER, lambda a, b: hyp0f1(a + 1, b) / a, at=(PARAMETERS, HALF))
hyp1f1 = special(
    "hyp1f1",
    PARAMETER,
    PARAMETER,
    lambda a, b, c: a / b * hyp1f1(a + 1, b + 1, c),
    at=(PARAMETERS, PARAMETERS, HALF),
)
hyperu = special(
    "hyperu",
    PARAMETER,
    PARAMETER,
    lambda a, b, c: -a * hyperu(a + 1, b + 1, c),
    at=(PARAMETERS, PARAMETERS, (0.5, 2.0)),
)
hyp2f1 = special(
    "hyp2f1",
    PARAMETER,
    PARAMETER,
    PARAMETER,
    lambda a, b, c, d: a * b / c * hyp2f1(a + 1, b + 1, c + 1, d),
    at=(PARAMETERS, PARAMETERS, PARAMETERS, HALF),
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
