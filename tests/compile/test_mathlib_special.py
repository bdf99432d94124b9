"""The math library at zeros, infinities, NaN, the smallest numbers and whole numbers: as NumPy and SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from compile.mathlib_kernels import MACHINES, kernels
from compile.mathlib_truth import CANCELLING, TYPES
from wengert.compile import mathlib
from wengert.compile.mathlib.table import TABLE

each = pytest.mark.parametrize
inf, nan = math.inf, math.nan
ONE = [0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 5e-324, -5e-324, 1e-45, -1e-45, 0.5, -0.5, 2.0, -2.0, 1e300, -1e300]
TWO = [0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 5e-324, -5e-324, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 2.0**53, 1e300, -1e300]


def reference(name: str) -> Callable[..., Any]:
    if name == "gammaln":  # SciPy's is infinite for the smallest numbers
        return lambda x: np.where(abs(x) < 1e-30, -np.log(abs(x)), special.gammaln(x))
    if name == "erfinv":  # SciPy's loses the sign of zero
        return lambda x: np.copysign(special.erfinv(x), x)
    if name == "erfcinv":  # SciPy's is infinite for the smallest numbers
        return lambda x: np.where((x > 0) & (x < 1e-300), 27.213293210812948, special.erfcinv(x)) + 0.0
    return getattr(np, name, None) or getattr(special, name)


@each("kind", ["v", "s"])
@each("machine", MACHINES)
@each("bits", [64, 32])
@each("name", sorted(mathlib.NAMES))
def test_as_numpy(name: str, bits: int, machine: str, kind: str) -> None:
    count, real = TABLE[name][0], TYPES[bits][0]
    with np.errstate(all="ignore"):
        one, two = np.array(ONE).astype(real), np.array(TWO).astype(real)
        xs = (one,) if count == 1 else tuple(x.ravel() for x in np.meshgrid(two, two))
        y = kernels(machine, bits)(kind, name, *xs)
        expected = reference(name)(*xs)
    np.testing.assert_allclose(
        y, expected, rtol=4 * np.finfo(real).eps, atol=4 * np.finfo(real).eps if name in CANCELLING else 0
    )
    zero = expected == 0
    np.testing.assert_array_equal(np.signbit(y[zero]), np.signbit(expected[zero]))


@each("machine", MACHINES)
@each("bits", [64, 32])
def test_powers_that_are_representable_are_exact(bits: int, machine: str) -> None:
    a, n = (x.ravel().astype(TYPES[bits][0]) for x in np.meshgrid(np.arange(-20.0, 21.0), np.arange(0.0, 6.0)))
    exact = [int(x) ** int(k) for x, k in zip(a, n, strict=True)]
    small = np.array([abs(y) < 2 ** (53 if bits == 64 else 24) for y in exact])
    y = kernels(machine, bits)("v", "power", a[small], n[small])
    assert y.tolist() == [float(t) for t, on in zip(exact, small, strict=True) if on]


@each("machine", MACHINES)
@each("name, base, most", [("log2", 2, 1023), ("log10", 10, 22)])
def test_logarithms_of_powers_are_exact(name: str, base: int, most: int, machine: str) -> None:
    n = np.arange(most + 1)
    y = kernels(machine, 64)("v", name, np.array([float(base**k) for k in n.tolist()]))
    np.testing.assert_array_equal(y, n)
