"""What is assigned to a part of an array may be read from the same array: as if the right side were computed first."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg


def backwards(x: Any) -> Any:
    x = x + 1
    x[::-1] = x
    return x


def shifted(x: Any) -> Any:
    x = x + 1
    x[1:] = x[:-1]
    return x


def picked(x: Any) -> Any:
    x = x + 1
    x[np.array([3, 0, 1, 2])] = x[:4]
    return x


def added(x: Any) -> Any:
    x = x + 1
    x[1:] += x[:-1]
    return x


def scattered(x: Any) -> Any:
    x = x + 1
    np.add.at(x, np.array([0, 1, 2, 0]), x[1:5])
    return x


def by_themselves(x: Any) -> Any:
    """The array of indices is the array that is written to."""
    i = np.argsort(x)
    i[i] = np.arange(len(x))
    return i


@pytest.mark.parametrize("f", [backwards, shifted, picked, added, scattered, by_themselves])
def test_overlapping_assignment(f: Callable[[Any], Any], rng: np.random.Generator) -> None:
    for n in (6, 50):
        x = rng.normal(size=n)
        np.testing.assert_allclose(wg.jit(f)(x), f(x), rtol=1e-15)
