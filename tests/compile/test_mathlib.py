"""The math library: errors in ulp against mpmath over the whole range, in every form; what the vectoriser is told."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

from compile.mathlib_kernels import MACHINES, kernels
from compile.mathlib_truth import arguments, errors, true_values, units
from wengert.compile import mathlib
from wengert.compile.machine import symbols
from wengert.compile.mathlib import rare
from wengert.compile.mathlib.table import TABLE

each = pytest.mark.parametrize


@each("kind", ["v", "s"])
@each("machine", MACHINES)
@each("bits", [64, 32])
@each("name", sorted(mathlib.NAMES))
def test_at_most_4_ulp(name: str, bits: int, machine: str, kind: str) -> None:
    count = TABLE[name][0]
    xs, true = arguments(name, count, bits), true_values(name, count, bits)
    y = kernels(machine, bits)(kind, name, *xs)
    e = errors(y, true, units(name, xs), bits)
    worst = int(np.argmax(e))
    assert e[worst] <= 4, ([x[worst] for x in xs], y[worst], true[0][worst])


@each("machine", MACHINES)
@each("name", sorted(name for name in mathlib.NAMES if TABLE[name][0] == 1))
def test_single_precision_everywhere(name: str, machine: str) -> None:
    """Every 9973rd number, against double precision, whose own test is above."""
    x = np.arange(0, 2**32, 9973, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)]
    reference = kernels(machine, 64)("v", name, x)
    e = errors(kernels(machine, 32)("v", name, x), (reference, 0 * x), units(name, (x,)), 32)
    worst = int(np.argmax(e))
    assert e[worst] <= 4, (x[worst], reference[worst])


@each("machine", MACHINES)
@each("bits", [64, 32])
@each("name", sorted(mathlib.NAMES))
def test_the_loop_is_vectorised(name: str, bits: int, machine: str) -> None:
    k = kernels(machine, bits)
    lanes = k.width * 64 // bits
    body = k.body(name)
    assert f"<{lanes} x {'double' if bits == 64 else 'float'}>" in body
    assert f"f{'mul' if 'fmul' in body else 'add'} <{lanes} x " in body
    assert "@wg_" not in body


@each("name", ["exp", "power"])
def test_the_forms_in_a_text_are_defined(name: str) -> None:
    arguments = ["%x", "%y"][: TABLE[name][0]]
    text = mathlib.call(name, np.float64, arguments) + "\n" + mathlib.call(name, np.float32, arguments, 8)
    assert text.startswith(f"call double @wg_{name}_f64(double %x")
    assert f"call <8 x float> @wg_{name}_f32_v8(<8 x float> %x" in text
    assert mathlib.forms(text + " @wg_unknown_f64 @other") == [(name, 32, 8), (name, 64, 0)]
    definitions, _ = mathlib.definitions(mathlib.forms(text))
    assert f" @wg_{name}_f64(double" in definitions and f" @wg_{name}_f32_v8(<8 x float>" in definitions
    assert mathlib.definitions([]) == ("", set())


def test_related_functions() -> None:
    assert mathlib.related([("sin", 64, 8), ("cos", 64, 8)])
    assert not mathlib.related([("sin", 64, 8), ("sin", 32, 8), ("exp", 64, 8)])


def test_rare_functions_have_addresses() -> None:
    assert mathlib.definitions([(name, 64, 8) for name in ("exp", "remainder", "sin")])[1] == {
        "declare void @math.far_sin(ptr, ptr, i64)",
        "declare void @math.fmod(ptr, ptr, ptr, i64)",
    }
    assert rare.RARE.keys() >= {"far_sin", "fmod"}
    x = np.array([1e300, 2.0**40, math.inf])
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    for _ in range(2):  # by the call back, and by the function that it compiled
        y = np.empty(3)
        prototype(symbols.address("math.far_sin"))(x.ctypes.data, y.ctypes.data, 3)
        np.testing.assert_allclose(y, [-0.8178819121159085, math.sin(2.0**40), math.nan], rtol=1e-15)
