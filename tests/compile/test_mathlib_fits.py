"""The polynomials of the math library against what they stand for."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from compile.mathlib_fits import FITS

BOUNDS = {  # errors in powers of two: double precision, single precision
    "exponential.SINH": (-58, -30),
    "exponential.COSH": (-57, -24),
    "logarithm.ATANH": (-57, -31),
    "powers.ATANH_TAIL": (-66, None),
    "trigonometric.SIN": (-55, -28),
    "trigonometric.COS": (-59, -30),
    "inverse.ASIN": (-55, -26),
    "inverse.ATAN": (-57, -28),
    "powers.INVERSE_ROOT": (-16, -11),
    "error.ERF": (-55, -25),
    "error.ERF_FAR": (-57, None),
    "error.ERFC_FAR": (-53, None),
    "quantile.CENTRAL": (-54, -24),
    "quantile.TAIL": (-25, None),
    "gamma.GAMMALN": (-53, -24),
    "gamma.PSI": (-53, -25),
    "gamma.STIRLING": (-57, -33),
    "gamma.STIRLING_SLOPE": (-60, -34),
}


def table(name: str) -> dict[int, tuple[float, ...]]:
    module, constant = name.split(".")
    found: Any = getattr(importlib.import_module(f"wengert.compile.mathlib.{module}"), constant)
    by_bits = found if isinstance(found, dict) else {64: found}
    return {bits: c if isinstance(c[-1], float) else c[-1] for bits, c in by_bits.items()}


@pytest.mark.parametrize("name", FITS)
def test_errors(name: str) -> None:
    for bits, bound in zip((64, 32), BOUNDS[name], strict=True):
        if bound is not None:
            assert FITS[name].error(table(name)[bits]) < bound, bits


@pytest.mark.parametrize("name", ["trigonometric.COS", "inverse.ATAN", "powers.INVERSE_ROOT", "gamma.PSI"])
def test_the_method_gives_these_coefficients(name: str) -> None:
    stored = table(name)[64]
    scale = 2.0 ** (len(stored) - 1)  # the last ones are determined least
    for k, (a, b) in enumerate(zip(stored, FITS[name].coefficients(len(stored)), strict=True)):
        assert abs(a - b) < 1e-3 * abs(a) * 2.0**k / scale + 1e-16
