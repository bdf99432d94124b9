"""The table of mpmath functions: each against the NumPy implementation of its primitive, on the samples of its rule."""

import mpmath
import numpy as np
import pytest

from wengert.core.primitive import REGISTRY
from wengert.explain.high_precision import AS_IN_NUMPY, DIGITS, LOGICAL, Evaluator, NoCounterpart, elementwise_table
from wengert.primitives import special

special.every()  # declares the special functions
EVALUATOR = Evaluator()
TABLE = set(elementwise_table(mpmath.mp)) | AS_IN_NUMPY | LOGICAL | set(EVALUATOR.whole)
NAMES = sorted(TABLE & set(REGISTRY))


def as_double(y):
    """An array of many-digit numbers in double precision."""
    y = np.asarray(y)
    if y.dtype != object:
        return y
    convert = complex if any(isinstance(v, mpmath.mpc) for v in y.ravel()) else float
    return np.array([convert(v) for v in y.ravel()]).reshape(y.shape)


@pytest.mark.parametrize("name", NAMES)
def test_values_agree_with_numpy(name):
    p = REGISTRY[name]
    samples = list(p.samples(np.random.default_rng(3)))[:3] if p.samples is not None else []
    samples = [s for s in samples if all(np.asarray(a).dtype.kind in "fciub" for a in s.args)]
    if not samples:
        pytest.skip(f"{name} has no samples")
    for s in samples:
        with mpmath.mp.workdps(DIGITS), np.errstate(all="ignore"):
            args = [EVALUATOR.exact(a) for a in s.args]
            found = EVALUATOR.apply(p, args, s.params)
            expected = p.impl(*s.args, **s.params)
        for y, wanted in zip(found if p.multiple else [found], expected if p.multiple else [expected], strict=True):
            np.testing.assert_allclose(as_double(y), wanted, rtol=1e-12, atol=1e-14)


def test_what_is_in_no_table_is_named():
    with pytest.raises(NoCounterpart, match="eigh"):
        EVALUATOR.apply(REGISTRY["eigh"], [EVALUATOR.exact(np.eye(2))], {})


def test_every_name_in_the_tables_is_a_primitive():
    assert set(REGISTRY) >= TABLE


def test_rounding_to_float32_is_no_part_of_the_function():
    x = EVALUATOR.exact(np.float64(0.1))
    assert EVALUATOR.converted(x, np.dtype(np.float32)) == x[()]
    assert EVALUATOR.converted(EVALUATOR.exact(3.7), np.dtype(int)) == 3
