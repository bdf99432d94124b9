"""The math library: errors in ulp against mpmath over the whole range, special values against NumPy, vectorisation."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

from compile.mathlib_kernels import MACHINES, kernels
from wengert.compile import mathlib

CONTEXT = mpmath.MPContext()
CONTEXT.prec = 170  # 50 digits
mpf = CONTEXT.mpf
DIGITS = {64: 53, 32: 24}
LEAST = {64: -1074, 32: -149}
TYPES = {64: (np.float64, np.int64), 32: (np.float32, np.int32)}
each = pytest.mark.parametrize

TRUTH: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: CONTEXT.mpf(2) ** x,
    "expit": lambda x: 1 / (1 + CONTEXT.exp(-x)),
}


def truth(name: str) -> Callable[..., Any]:
    return TRUTH.get(name) or getattr(CONTEXT, name)


def patterns(bits: int, count: int) -> np.ndarray:
    """Numbers of both signs and all exponents: equidistant as bits."""
    real, integer = TYPES[bits]
    top = np.array(np.inf, real).view(integer)
    x = np.linspace(0, float(top), count, endpoint=False).astype(integer).view(real)
    return np.concatenate([x, -x])


@functools.cache
def samples(bits: int) -> np.ndarray:
    """All exponents, the neighbourhoods of 0, 1 and the multiples of pi/2, and where branches meet."""
    rng = np.random.default_rng(7)
    near = [rng.uniform(-20, 20, 200), rng.uniform(-2, 2, 200), 1 + rng.uniform(-1e-3, 1e-3, 50)]
    steps = [k * math.pi / 2 + rng.uniform(-1e-9, 1e-9, 3) for k in (*range(-8, 9), 1000, 123456, 10**6)]
    logs = [math.log(2) / 2 * k + rng.uniform(-1e-9, 1e-9, 2) for k in range(-9, 10)]
    ends = [709.0, 709.78, 710.4, -708.0, -708.5, -745.0, 88.7, 89.4, -87.3, -103.5, 2.0**-28, 2.0**-54, 1e9, 2e9]
    x = np.concatenate([*near, *steps, *logs, ends]).astype(TYPES[bits][0])
    return np.concatenate([x, np.nextafter(x, -x), patterns(bits, 400)])


@functools.cache
def true_values(name: str, bits: int) -> list[Any]:
    f, values = truth(name), []
    for x in samples(bits).tolist():
        try:
            y = f(mpf(x))
        except (ValueError, ZeroDivisionError):
            y = CONTEXT.nan
        values.append(y if isinstance(y, mpf) else CONTEXT.nan)
    return values


def error(y: float, true: Any, bits: int) -> float:
    """|y - true| in units of the last place of the true value."""
    if y != y or true != true:
        return 0.0 if y != y and true != true else math.inf
    if CONTEXT.isinf(true):
        return 0.0 if y == true else math.inf
    if true == 0:
        return 0.0 if y == 0 else math.inf
    largest = mpf(2) ** (128 if bits == 32 else 1024)  # infinity is the next number after the largest
    true = max(-largest, min(largest, true))
    exponent = max(CONTEXT.frexp(true)[1] - DIGITS[bits], LEAST[bits])
    if math.isinf(y):
        y = math.copysign(1, y) * largest
    return float(abs(mpf(y) - true) / mpf(2) ** exponent)


@each("kind", ["v", "s"])
@each("machine", MACHINES)
@each("bits", [64, 32])
@each("name", sorted(mathlib.NAMES))
def test_at_most_4_ulp(name: str, bits: int, machine: str, kind: str) -> None:
    y = kernels(machine, bits)(kind, name, samples(bits)).tolist()
    errors = [error(a, b, bits) for a, b in zip(y, true_values(name, bits), strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= 4, (samples(bits)[worst], y[worst], true_values(name, bits)[worst])


SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e-45, -1e-45, 0.5, -0.5, 2.0, -2.0]
NUMPY: dict[str, Callable[..., Any]] = {"expit": special.expit}


@each("kind", ["v", "s"])
@each("machine", MACHINES)
@each("bits", [64, 32])
@each("name", sorted(mathlib.NAMES))
def test_special_values_as_numpy(name: str, bits: int, machine: str, kind: str) -> None:
    x = np.array(SPECIAL, TYPES[bits][0])
    y = kernels(machine, bits)(kind, name, x)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        expected = (NUMPY.get(name) or getattr(np, name))(x)
    np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(x.dtype).eps, atol=0)
    zero = (expected == 0) & ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(y[zero]), np.signbit(expected[zero]))


@each("machine", MACHINES)
@each("bits", [64, 32])
@each("name", sorted(mathlib.NAMES))
def test_the_loop_is_vectorised(name: str, bits: int, machine: str) -> None:
    k = kernels(machine, bits)
    lanes = k.width * 64 // bits
    body = k.body(name)
    assert f"f{'mul' if 'fmul' in body else 'add'} <{lanes} x {'double' if bits == 64 else 'float'}>" in body
    assert "@wg_" not in body.replace("@wg_lanes_", "")
