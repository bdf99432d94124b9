"""Orders and rearrangements against NumPy's sorting; the generated tests cover their derivatives."""

import numpy as np
import pytest

import wengert as wg
from wengert.primitives import sort as p


@pytest.mark.parametrize("axis", [0, 1])
def test_a_rearrangement_and_its_inverse(rng, axis) -> None:
    x = rng.normal(size=(3, 4))
    order = p.argsort(x, axis=axis, kind=None)
    y = p.rearrange(x, order, axis=axis, inverse=False)
    np.testing.assert_array_equal(y, np.sort(x, axis))
    np.testing.assert_array_equal(p.rearrange(y, order, axis=axis, inverse=True), x)


def test_equal_elements_keep_their_slopes_apart() -> None:
    """A stable sort sends the tangents of equal elements to their places in order."""
    x, x_dot = np.array([2.0, 1.0, 2.0, 1.0]), np.array([10.0, 20.0, 30.0, 40.0])
    _, y_dot = wg.jvp(lambda t: np.sort(t, kind="stable"), (x,), (x_dot,))
    np.testing.assert_array_equal(y_dot, [20, 40, 10, 30])


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_in_rows(rng, side) -> None:
    a, v = np.sort(rng.normal(size=(3, 5))), rng.normal(size=(3, 2))
    expected = [np.searchsorted(row, w, side) for row, w in zip(a, v, strict=True)]
    np.testing.assert_array_equal(p.searchsorted(a, v, side=side), expected)
    np.testing.assert_array_equal(wg.vmap(lambda s, t: p.searchsorted(s, t, side=side))(a, v), expected)
    twice = wg.vmap(wg.vmap(lambda s, t: p.searchsorted(s, t, side=side), (None, 0)), (0, None))(a, v)
    np.testing.assert_array_equal(twice[1, 2], np.searchsorted(a[1], v[2], side))
