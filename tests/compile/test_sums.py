"""The accuracy of long sums, against exact summation, and their values at infinities."""

import math

import numpy as np
import pytest

import wengert as wg
from wengert.compile.emit.blocks import BLOCK

total = wg.jit(lambda x: np.sum(x))
squares = wg.jit(lambda x: np.sum(x * x))


@pytest.mark.parametrize("n", [2 * BLOCK - 1, 2 * BLOCK, 5 * BLOCK + 3, 1_000_000])
def test_a_long_sum_is_as_exact_as_a_short_one(n: int) -> None:
    """Equal terms are the worst case: each rounding goes the same way."""
    x = np.full(n, 0.1)
    assert abs(total(x) / math.fsum(x) - 1) < 32 * 2.0**-52
    assert abs(squares(x) / math.fsum(x * x) - 1) < 32 * 2.0**-52
    single = np.full(n, 0.1, np.float32)
    assert abs(float(total(single)) / math.fsum(single) - 1) < 32 * 2.0**-23


def test_complex_terms() -> None:
    x = np.full(100_000, 0.1 - 0.3j)
    np.testing.assert_allclose(total(x), complex(math.fsum(x.real), math.fsum(x.imag)), rtol=1e-14)


def test_values_beside_the_sum() -> None:
    """The loop also writes an array, and finds a maximum: only the sum is taken in blocks."""
    x = np.linspace(-1, 3, 20_001)
    value, slope, top = wg.jit(lambda x: (np.sum(x**2), 2 * x, np.max(x)))(x)
    assert value == pytest.approx(math.fsum(x**2), rel=1e-15)
    np.testing.assert_array_equal(slope, 2 * x)
    assert top == 3


@pytest.mark.parametrize("special", [[np.inf], [-np.inf], [np.nan], [np.inf, -np.inf], [1e308, 1e308]])
def test_infinities(special: list[float]) -> None:
    x = np.ones(3 * BLOCK)
    x[BLOCK : BLOCK + len(special)] = special
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(total(x), np.sum(x))
