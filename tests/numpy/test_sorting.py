"""Sorting and searching against NumPy; sorted arrays are differentiated, orders are plain."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from function_checks import check, results, same
from wengert.errors import UnsupportedFunctionError


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_sort_and_partition(axis, rng) -> None:
    x = rng.normal(size=(3, 5))
    check(lambda t: np.sort(t, axis), x)
    check(lambda t: np.sort(t, axis, kind="heapsort"), x, order=1)
    check(lambda t: np.sort(t, axis, stable=True), x, order=1)
    check(lambda t: np.partition(t, [0, -1], axis), x, order=1)
    kth = wg.jvp(lambda t: np.partition(t, 2, axis), (x,), (x,))
    np.testing.assert_array_equal(np.take(kth[0], 2, axis or 0), np.take(np.sort(x, axis), 2, axis or 0))
    np.testing.assert_array_equal(*kth)


@pytest.mark.parametrize(
    "f",
    [
        np.argsort, lambda t: np.argsort(t, 0, "stable"), lambda t: np.argpartition(t, 2), lambda t: t.argsort(),
        lambda t: np.lexsort((t, -t)), lambda t: np.lexsort(np.sin(t)), lambda t: wnp.lexsort([t[0], t[1]], axis=0),
        lambda t: np.searchsorted([-1.0, 0.0, 1.0], t), lambda t: np.searchsorted(np.sort(t[0]), t, "right"),
        lambda t: np.searchsorted(t[0], 0.0, sorter=np.argsort(t[0])),
        lambda t: np.digitize(t, np.array([-1.0, 0.0, 0.5])),
        lambda t: np.digitize(t, np.array([1.0, 0.0, -0.5]), right=True),
    ],
)  # fmt: skip
def test_orders_and_places_are_plain(f, rng) -> None:
    x = rng.normal(size=(3, 5))
    y = results(f, x)
    assert type(y) is type(f(x))
    same(y, f(x))
    same(wg.vmap(f)(np.stack([x, -x]))[1], f(-x))
    same(wg.trace(f)(x)(x), f(x))


def test_sorting_in_place(rng) -> None:
    def f(t):
        y = t * 2
        y.sort(axis=0)
        z = y[1] * 3
        z.partition(2)
        return np.concatenate([y[0], z[2:3]])

    check(f, rng.normal(size=(3, 5)))


def test_complex_numbers_are_sorted_by_parts(rng) -> None:
    z = rng.normal(size=5) + 1j * rng.normal(size=5)
    z[1] = z[0].real + 5j
    for f in (np.sort_complex, np.sort):
        y, y_dot = wg.jvp(f, (z,), (2j * z,))
        same(y, f(z))
        same(y_dot, 2j * f(z))
    for dtype in ("float32", "float64", "longdouble", "complex64"):
        x = np.array([2.0, 1.0]).astype(dtype)
        same(wg.jvp(np.sort_complex, (x,), (x,))[0], np.sort_complex(x))


def test_empty_and_scalar() -> None:
    same(wg.jvp(np.sort, (np.zeros((0, 2)),), (np.zeros((0, 2)),))[0], np.zeros((0, 2)))
    same(wg.jvp(lambda t: np.sort(t, axis=None), (np.array(2.0),), (np.array(1.0),))[0], np.array([2.0]))
    with pytest.raises(np.exceptions.AxisError):
        wg.grad(lambda t: np.sum(np.sort(t)))(2.0)


def test_arguments_without_meaning() -> None:
    x = np.ones(3)
    with pytest.raises(UnsupportedFunctionError, match="order"):
        wg.grad(lambda t: np.sum(np.sort(t, order="field")))(x)
    with pytest.raises(ValueError, match="kind"):
        wg.grad(lambda t: np.sum(np.sort(t, kind="stable", stable=True)))(x)
    with pytest.raises(ValueError, match="monotonically"):
        wg.grad(lambda t: np.sum(t) + np.sum(np.digitize(t, np.array([0.0, 2.0, 1.0]))))(x)
