"""What goes wrong in native code is raised as NumPy or the interpreter would raise it."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import BranchChangedError, UnsupportedFunctionError


def same_error(f: Callable[..., Any], *args: Any) -> None:
    """Compiled or not, the same exception with the same words."""
    with pytest.raises(IndexError) as expected:
        f(*args)
    with pytest.raises(IndexError) as found:
        wg.jit(f)(*args)
    assert str(found.value).split("\n")[0] == str(expected.value)


@pytest.mark.parametrize("bad", [5, 7, -6, 2**40])
def test_index_out_of_range(bad: int, rng: np.random.Generator) -> None:
    x, i = rng.normal(size=5), np.array([0, bad, 2])
    y = rng.normal(size=(3, 5, 2))
    same_error(lambda x, i: x[i], x, i)
    same_error(lambda y, i: y[:, i], y, i)
    same_error(lambda y, i: y[:2, i[:2], 0], y, i)
    same_error(lambda x, i: np.take_along_axis(x, i, 0), x, i)
    same_error(lambda x: x[np.array(bad)], x)

    def assigned(x: Any, i: Any) -> Any:
        x = x + 1
        x[i] = 0.5
        return x

    same_error(assigned, x, i)


def test_long_arrays(rng: np.random.Generator) -> None:
    """The check is made for all elements of a vectorised loop."""
    x, i = rng.normal(size=1000), rng.integers(-1000, 1000, 5000)
    f = wg.jit(lambda x, i: x[i])
    np.testing.assert_array_equal(f(x, i), x[i])
    i[4321] = 1000
    with pytest.raises(IndexError, match="index 1000 is out of bounds for axis 0 with size 1000"):
        f(x, i)
    i[4321] = -1000
    np.testing.assert_array_equal(f(x, i), x[i])


def test_gradient_of_an_index_out_of_range(rng: np.random.Generator) -> None:
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 0 with size 5"):
        wg.jit(wg.grad(lambda x, i: np.sum(x[i] ** 2)))(rng.normal(size=5), np.array([1, 9]))


def test_empty_axis() -> None:
    with pytest.raises(IndexError, match="out of bounds for axis 0 with size 0"):
        wg.jit(lambda x, i: x[i])(np.empty((0, 3)), np.array([0, 0]))
    assert wg.jit(lambda x, i: x[i])(np.empty((0, 3)), np.array([], int)).shape == (0, 3)


def test_what_is_not_reached_does_not_fail() -> None:
    f = wg.jit(lambda x, i, on: wg.cond(on > 0, lambda x: x[i], lambda x: x[i * 0], x))
    x = np.arange(3.0)
    assert f(x, np.array(7), -1.0) == 0
    with pytest.raises(IndexError):
        f(x, np.array(7), 1.0)


@pytest.mark.parametrize("convert", [bool, int, float, complex])
def test_changed_decisions(convert: Callable[[Any], Any]) -> None:
    """A program that was recorded beside real values holds the branch that was taken there."""

    def f(x: Any) -> Any:
        return x * 2 if convert(np.floor(x[0])) == convert(3.0) else x

    x = np.array([3.0, 1.0])
    program = wg.trace(f)(x)
    g = wg.jit(program)
    np.testing.assert_array_equal(g(x), 2 * x)
    with pytest.raises(BranchChangedError, match=re.escape(f"saw {convert(3.0)!r}")):
        g(np.array([0.0, 1.0]))


def test_a_call_back_that_raises() -> None:
    """Singular matrices are found by what NumPy calls, or by what LAPACK says; other results stay what they were."""
    f = wg.jit(lambda a: np.linalg.inv(a))
    with pytest.raises(np.linalg.LinAlgError):
        f(np.zeros((3, 3)))
    np.testing.assert_allclose(f(np.eye(3)), np.eye(3))


def test_rows_of_a_loop_of_unknown_length_outside_loops() -> None:
    """What only loops can read is said, and forward mode, which is advised, works."""

    def squared(x):
        return wg.while_loop(lambda s: s[1] < 3, lambda s: (s[0] * s[0], s[1] + 1), (x, 0))[0]

    def product(x):
        return wg.curvature.hessian(lambda t: np.sum(squared(t)), x)(np.ones(2))

    x = np.array([0.5, 0.7])
    with pytest.raises(UnsupportedFunctionError, match="what a loop of unknown length has kept"):
        wg.jit(wg.jacrev(product))(x)
    truth = np.diag(8 * 7 * 6 * x**5)
    np.testing.assert_allclose(wg.jacrev(product)(x), truth, 1e-12)
    np.testing.assert_allclose(wg.jit(wg.jacfwd(product))(x), truth, 1e-12)
