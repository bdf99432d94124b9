"""The coverage table is true: its examples are run in both modes against differences. And the page is up to date."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy
import scipy.special as sp

import wengert as wg
import wengert.numpy as wnp
from wengert.core.trace import Tracer
from wengert.errors import ConcretizationError, UnsupportedFunctionError
from wengert.numpy.dispatch import array_function

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

import coverage
import coverage_examples as ex
import coverage_scipy as ex_scipy

MODULES = {
    "numpy": list(coverage.numpy_rows()),
    "numpy.linalg": list(coverage.submodule_rows(np.linalg, ex.LINALG, ex.LINALG_STRUCTURAL)),
    "numpy.fft": list(coverage.submodule_rows(np.fft, ex.FFT, {})),
    **{f"scipy.{module}": list(coverage.scipy_rows(module)) for module in ex_scipy.SHORT},
    "scipy.special": list(coverage.special_rows()),
}

FUNCTIONS_OF_MATRICES = {"funm", "fractional_matrix_power", "solve_discrete_are", "solve_continuous_are"}

UFUNCS = [row for row in MODULES["scipy.special"] if row.status == "differentiated" and row.name not in ex.SPECIAL]


def rows(status):
    return [
        pytest.param(row, id=f"{module}.{row.name}")
        for module, some in MODULES.items()
        for row in some
        if row.status == status and row.example
    ]


def flat(result):
    """The floating-point arrays in a result."""
    if isinstance(result, tuple | list):
        return [y for part in result for y in flat(part)]
    return [result] if isinstance(result, Tracer | np.ndarray | np.generic | int | float | complex) else []


def differentiable(y):
    return np.result_type(y).kind in "fc" if not isinstance(y, Tracer) else y.dtype.kind in "fc"


def total(f):
    """The results as one list of floating-point arrays."""
    return lambda *args: [y for y in flat(f(*args)) if differentiable(y)]


def test_every_public_function_is_explained():
    for module, some in MODULES.items():
        unexplained = [row.name for row in some if row.status == "unexplained"]
        assert not unexplained, f"{module}: give these an example in docs/coverage_examples.py, or a reason"


@pytest.mark.filterwarnings("ignore:.row_stack.:DeprecationWarning")
@pytest.mark.parametrize("row", [p for p in rows("differentiated") if p.values[0] not in UFUNCS])
def test_differentiated(row):
    values = [ex.VALUES[name] for name in coverage.used(row.example)]
    f = total(coverage.function(row.example, wnp))
    wg.check_grads(f, tuple(values), order=1)
    plain = total(coverage.function(row.example, np))(*values)
    rtol = 1e-9 if row.name in FUNCTIONS_OF_MATRICES else 1e-12
    for ours, numpys in zip(wg.jvp(f, tuple(values), tuple(values))[0], plain, strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=rtol, atol=1e-14)
    under_its_own_name = total(coverage.function(row.example, np))
    if row.intercepted:
        wg.jvp(under_its_own_name, tuple(values), tuple(values))
    elif row not in MODULES["scipy.special"]:
        with pytest.raises((ConcretizationError, UnsupportedFunctionError, AttributeError)):
            wg.jvp(under_its_own_name, tuple(values), tuple(values))


@pytest.mark.parametrize("row", UFUNCS, ids=lambda row: row.name)
def test_special_functions(row):
    """scipy.special's ufuncs, under their own names, at a sample of their primitive."""
    f = getattr(sp, row.name)
    primitive = coverage.TABLE[f.__name__]
    sample = next(iter(primitive.samples(np.random.default_rng(3))))
    active = sample.differentiable if sample.differentiable is not None else range(f.nin)

    orders = [i not in active and np.array_equal(a, np.rint(a)) for i, a in enumerate(sample.args)]

    def g(*xs):
        args = [a.astype(int) if order else a for a, order in zip(sample.args, orders, strict=True)]
        for i, x in zip(active, xs, strict=True):
            args[i] = x
        return list(y) if isinstance(y := f(*args), tuple) else [y]

    wg.check_grads(g, tuple(sample.args[i] for i in active), order=1, rtol=max(1e-5, 10 * sample.tolerance))


@pytest.mark.parametrize("row", rows("structural"))
def test_without_derivative(row):
    """Works, gives what NumPy gives, and the derivative, where there is one, is zero."""
    values = [ex.VALUES[name] for name in coverage.used(row.example)]
    expected = coverage.function(row.example, np)(*values)
    for np_ in (wnp, np) if row.intercepted else (wnp,):
        f = coverage.function(row.example, np_)
        seen = []

        def g(*xs, f=f, seen=seen):
            seen.append(f(*xs))
            return [y for y in flat(seen[0]) if differentiable(y)]

        _, tangents = wg.jvp(g, tuple(values), tuple(values))
        for t in tangents:
            np.testing.assert_array_equal(t, 0)
        for found, numpys in zip(flat(seen[0]), flat(expected), strict=True):
            if not isinstance(found, Tracer):
                np.testing.assert_array_equal(found, numpys)
        if not flat(expected):
            assert str(seen[0]) == str(expected)


@pytest.mark.parametrize("name", [row.name for row in MODULES["numpy"] if row.status == "passthrough"])
def test_numpys_own(name):
    f = getattr(wnp, name)
    assert f is getattr(np, name) or f.__module__ == "wengert.numpy"  # the latter: an array that can be assigned to


REFUSED = [(module, row) for module, some in MODULES.items() for row in some if row.status == "refused"]


@pytest.mark.parametrize(("module", "row"), REFUSED, ids=lambda value: getattr(value, "name", ""))
def test_refused(module, row):
    """The error says the reason of the table."""
    f = getattr(importlib.import_module(f"wengert.{module}"), row.name)
    with pytest.raises(UnsupportedFunctionError, match=re.escape(row.note.split(";")[0].split(". Write")[0])):
        if module == "numpy":
            wg.jvp(lambda x: array_function(x, f, (), (x,), {}), (1.0,), (1.0,))
        else:
            wg.jvp(lambda x: f(*[x] * getattr(f, "nin", 1)), (1.0,), (1.0,))


def test_the_page_is_up_to_date():
    text = coverage.PAGE.read_text(encoding="utf-8")
    if f"NumPy {coverage.minor(np.__version__)} and SciPy {coverage.minor(scipy.__version__)}." not in text:
        pytest.skip("the page speaks of other versions of NumPy and SciPy")
    assert text == coverage.page(), "python docs/coverage.py"
