"""Every primitive, compiled: one program with all its cases, compared with what NumPy computes."""

import importlib
import pkgutil
import warnings
from typing import Any

import numpy as np
import pytest

import wengert
from compile.primitive_cases import Case, cases
from wengert.compile.lower.callback import CALLBACKS, LARGE, PARTLY
from wengert.compile.lower.lowering import supported
from wengert.compile.native import compiled
from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.record import record
from wengert.core.types import type_of

for module in pkgutil.walk_packages(wengert.__path__, "wengert."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

# Tested elsewhere: programs within programs, and what stops a program.
ELSEWHERE = {
    *("scan", "linear_scan", "while", "cond", "rounds", "any_lane", "longest", "checkpoint", "assume", "jit"),
    *("scheduled", "replayed", "online", "planned", "planned_linear", "again"),
    *("custom_jvp", "custom_vjp", "custom_linear"),
}
NAMES = sorted(name for name, p in REGISTRY.items() if p.samples is not None and name not in ELSEWHERE)

# Functions that are rounded: ulps between us and NumPy, each of which may be off. All others are exact.
_ROUNDED = """exp exp2 expm1 log log2 log10 log1p cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh
arctanh logaddexp logaddexp2 hypot arctan2 sinc power complex_abs abs deg2rad rad2deg"""
ROUNDED = dict.fromkeys(_ROUNDED.split(), 5)
COMPLEX_EXACT = {"add", "sub", "neg", "conj", "where", "convert", "stop_gradient", "rint", "real", "imag"}
# Sums, and what SciPy or LAPACK computes: relative errors, in double and in single precision.
TOGETHER = 8  # cases that are compiled as one program
RELATIVE = {8: 1e-11, 4: 5e-4}
APPROXIMATE = {"numpy_i0", "bessel_i", "sinc_slope"}
# Those that only move elements, or add them in NumPy's order.
_MOVING = """broadcast_to reshape transpose slice place set_slice clear_slice gather scatter_set scatter_clear rearrange
concatenate stack crop_or_pad diag_part diag_matrix delay cumsum max min stop_gradient"""
MOVING = set(_MOVING.split())
CANCELLING = {"logaddexp", "logaddexp2"}  # near zero they are a difference
UP_TO_PHASE = {"eig"}  # eigenvectors, of which NumPy's LAPACK and SciPy's may choose different multiples
EITHER_ZERO = {"maximum", "minimum", "fmax", "fmin"}  # NumPy's own choice between 0 and -0 depends on the length


def is_exact(name: str, p: Primitive, dtype: Any) -> bool:
    """Must the result be NumPy's to the last bit?"""
    if dtype.kind not in "fc":
        return True
    if name in MOVING or (dtype.kind == "c" and name in COMPLEX_EXACT):
        return True
    elementary = p.pointwise and "special" not in p.samples.__module__ and name not in APPROXIMATE
    return dtype.kind == "f" and elementary and name not in ROUNDED


def assert_alike(name: str, p: Primitive, y: Any, expected: Any) -> None:
    """The result has NumPy's shape, dtype and values."""
    y, expected = np.asarray(y), np.asarray(expected)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    if is_exact(name, p, y.dtype):
        np.testing.assert_array_equal(y, expected)
        if y.dtype.kind in "fc" and name not in EITHER_ZERO:
            for part in ("real", "imag"):
                a, b = getattr(y, part), getattr(expected, part)
                np.testing.assert_array_equal(np.signbit(a)[~np.isnan(b)], np.signbit(b)[~np.isnan(b)])
        return
    bytes_of_part = y.dtype.itemsize // (2 if y.dtype.kind == "c" else 1)
    if name in ROUNDED or (p.pointwise and y.dtype.kind == "c" and "special" not in p.samples.__module__):
        rtol = ROUNDED.get(name, 5) * np.finfo(y.dtype).eps
        atol = 5 * float(np.finfo(y.dtype).eps if name in CANCELLING else np.finfo(y.dtype).smallest_subnormal)
    else:
        rtol = atol = RELATIVE[bytes_of_part]
    if name in UP_TO_PHASE and y.ndim > 1:
        y, expected = abs(y), abs(expected)
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=atol)


def compiled_cases(p: Primitive, found: list[Case]) -> tuple[Any, list[list[Any]]]:
    """The machine code of all cases together, and the results of each."""
    arrays = [case.args[k] for case in found for k in case.traced]
    counts: list[int] = []

    def f(*xs: Any) -> list[Any]:
        given, ys = iter(xs), []
        for case in found:
            made = case.results(p, [next(given) for _ in case.traced])
            counts.append(len(made))
            ys += made
        return ys

    native = compiled(record(f, list(map(type_of, arrays))))
    flat = iter(native.run(*arrays))
    return native, [[next(flat) for _ in range(n)] for n in counts]


@pytest.mark.parametrize("name", NAMES)
def test_primitive(name: str) -> None:
    """All cases of one primitive."""
    p = REGISTRY[name]
    calls: list[Any] = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(cases(p))
        for k in range(0, len(found), TOGETHER):
            calls += compare(p, found[k : k + TOGETHER])
    kinds = sorted({", ".join(str(a.type) for a in eq.inputs) for eq in calls})
    assert bool(calls) == (name in CALLBACKS or name in PARTLY), f"calls back for {kinds}"
    if name in PARTLY:
        assert len(calls) < len(found), "it has no native form"


def compare(p: Primitive, found: list[Case]) -> list[Any]:
    """Compare the results of cases with NumPy's; the equations that called back, though their dtypes are native."""
    native, results = compiled_cases(p, found)
    for case, ys in zip(found, results, strict=True):
        try:
            for y, expected in zip(ys, case.results(p, [case.args[k] for k in case.traced]), strict=True):
                assert_alike(p.name, p, y, expected)
        except AssertionError as error:
            raise AssertionError(f"{p.name} of {case}: {error}") from error
    return [eq for eq in native.calls if eq.primitive is p and supported(eq)]


def test_what_is_said_to_call_back_exists() -> None:
    """The tables name primitives, each once."""
    assert {*CALLBACKS, *PARTLY, *LARGE} <= set(NAMES)
    assert not set(CALLBACKS) & set(PARTLY)
