"""New arrays: NumPy's values and types; what is made while tracing can be assigned to; traced ends and elements."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from array_checks import agrees
from wengert.core.trace import Tracer
from wengert.errors import UnsupportedFunctionError

M = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]])

FUNCTIONS: dict[str, Any] = {
    "array": lambda x, n: n.array([[x[0, 0], 1.0], [2, x[1, 1]]]),
    "array of rows": lambda x, n: n.array([x[0], [1, 2, 3]]),
    "array of mixed rows": lambda x, n: n.array([[x[0, 0], 1, 2], x[1]]),
    "array of arrays": lambda x, n: n.array([[x, x], [x, np.ones((2, 3))]]),
    "array of a tuple": lambda x, n: n.array((x[0, 0], 3)),
    "array copy": lambda x, n: n.array(x),
    "array ndmin": lambda x, n: n.array(x[0], ndmin=3),
    "array dtype": lambda x, n: n.array([x[0, 0], 1], dtype=np.float64),
    "asarray": lambda x, n: n.asarray([x[0, 1], x[0, 0]]),
    "asanyarray": lambda x, n: n.asanyarray(x),
    "ascontiguousarray": lambda x, n: n.ascontiguousarray(x.T),
    "ascontiguousarray of a number": lambda x, n: n.ascontiguousarray(x[0, 0]),
    "asfortranarray": lambda x, n: n.asfortranarray(x),
    "copy": lambda x, n: n.copy(x),
    "zeros_like": lambda x, n: n.zeros_like(x) + x,
    "ones_like": lambda x, n: n.ones_like(x, shape=(2, 2)) * x[0, 0],
    "empty_like": lambda x, n: n.empty_like(x) * 0 + x,
    "full": lambda x, n: n.full((2, 2), x[0, 0]),
    "full of a row": lambda x, n: n.full((2, 3), x[0]),
    "full_like": lambda x, n: n.full_like(x, x[0, 0]),
    "full_like number": lambda x, n: n.full_like(x, 3) * x,
    "eye": lambda x, n: n.eye(2, 3, 1) * x,
    "identity": lambda x, n: n.identity(3) * x[0],
    "arange": lambda x, n: n.arange(3.0) * x[0],
    "linspace": lambda x, n: n.linspace(x[0, 0], x[0, 1], 5),
    "linspace of rows": lambda x, n: n.linspace(x[0], x[1], 4, axis=1),
    "linspace to a number": lambda x, n: n.linspace(x[0], 2.0, 4),
    "linspace, open": lambda x, n: n.linspace(x[0, 0], 3.0, 4, endpoint=False),
    "linspace of one": lambda x, n: n.linspace(x[0, 0], 3.0, 1),
    "linspace of none": lambda x, n: n.linspace(x[0, 0], 3.0, 0),
    "linspace and step": lambda x, n: n.linspace(x[0, 0], x[1, 1], 3, retstep=True),
    "logspace": lambda x, n: n.logspace(x[0, 0], x[1, 0], 4),
    "logspace base": lambda x, n: n.logspace(x[0, 0], x[1, 0], 4, base=2.0),
    "geomspace": lambda x, n: n.geomspace(x[0, 0], x[1, 0], 4),
    "geomspace, negative": lambda x, n: n.geomspace(x[0, 1], x[1, 2], 4, endpoint=False),
    "diag": lambda x, n: n.diag(x[0], 1),
    "diag of a matrix": lambda x, n: n.diag(x, -1),
    "diagflat": lambda x, n: n.diagflat(x),
    "tril": lambda x, n: n.tril(x),
    "triu": lambda x, n: n.triu(x, 1),
    "tril of a vector": lambda x, n: n.tril(x[0]),
    "vander": lambda x, n: n.vander(x[0]),
    "vander, increasing": lambda x, n: n.vander(x[0], 4, increasing=True),
    "vander of nothing": lambda x, n: n.vander(x[0], 0),
    "meshgrid": lambda x, n: n.meshgrid(x[0], x[1]),
    "meshgrid ij": lambda x, n: n.meshgrid(x[0], x[1, :2], indexing="ij"),
    "meshgrid sparse": lambda x, n: n.meshgrid(x[0], x[1], sparse=True),
    "fromfunction": lambda x, n: n.fromfunction(lambda i, j: x[0, 0] * i + j, (2, 2)),
    "ix_": lambda x, n: x[n.ix_([0, 1], [2, 0])],
    "ix_ of booleans": lambda x, n: x[n.ix_([False, True], [2, 0])],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_numpy(name: str) -> None:
    agrees(FUNCTIONS[name], M)


def test_arange_with_traced_ends() -> None:
    agrees(lambda x, n: n.arange(x[0, 0], x[0, 0] + 3.5), M, lanes=False)
    agrees(lambda x, n: n.arange(1.0, 4.0, x[1, 0]), M, lanes=False)
    agrees(lambda x, n: n.arange(x[0, 2]), M, lanes=False)


@pytest.mark.parametrize("name", ["zeros", "ones", "empty"])
@pytest.mark.parametrize("dtype", [None, np.float32, complex])
def test_what_is_made_while_tracing_can_be_assigned_to(name: str, dtype: Any) -> None:
    def f(x: Any) -> Any:
        y = getattr(wnp, name)((2, 3), **({} if dtype is None else {"dtype": dtype}))
        assert isinstance(y, Tracer) and y.shape == (2, 3) and y.dtype == np.dtype(dtype or float)
        y[...] = 1.0
        y[0] = x[0]
        return y.real.sum()

    np.testing.assert_array_equal(wg.grad(f)(M), [[1, 1, 1], [0, 0, 0]])
    assert type(getattr(wnp, name)(3)) is np.ndarray


def test_constants_made_while_tracing_are_constants_in_every_mode() -> None:
    f = lambda x: wnp.sum(x * wnp.eye(3)[:2] * wnp.linspace(0.0, 1.0, 3)) + wnp.arange(3.0)[1]
    np.testing.assert_array_equal(wg.grad(f)(M), [[0, 0, 0], [0, 0.5, 0]])
    np.testing.assert_array_equal(wg.hessian(f)(M), np.zeros((2, 3, 2, 3)))
    np.testing.assert_allclose(wg.vmap(f)(np.stack([M, 2 * M])), [f(M), f(2 * M)])
    np.testing.assert_allclose(wg.trace(f)(M)(3 * M), f(3 * M))


def test_memory_order_is_kept() -> None:
    def f(x: Any) -> Any:
        z = np.zeros_like(x)
        t = z.reshape(-1)  # a copy: x is laid out the other way
        t[0] = x[0, 0]
        return z.sum() + 2 * t.sum()

    assert wg.grad(f)(np.asfortranarray(M))[0, 0] == 2
    assert wg.grad(f)(M)[0, 0] == 3


def test_nested_lists_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        wg.grad(lambda x: wnp.array([x[0], x[0, 0]]).sum())(M)


def test_geomspace_of_complex_numbers_is_refused() -> None:
    with pytest.raises(UnsupportedFunctionError):
        wg.vjp(lambda z: wnp.geomspace(z, 2 * z, 3), 1 + 1j)


def test_the_rest_of_numpy_is_there() -> None:
    assert wnp.pi is np.pi and wnp.float64 is np.float64 and wnp.newaxis is None and wnp.random is np.random
    assert wnp.errstate is np.errstate and "linspace" in dir(wnp)
    assert all(hasattr(wnp, name) for name in np.__all__ if name not in ("core", "f2py", "test"))
    with pytest.raises(AttributeError):
        _ = wnp.no_such_name


def test_functions_without_a_derivative_take_constants() -> None:
    def f(x: Any) -> Any:
        counts = np.bincount(np.digitize(wnp.linspace(0.0, 1.0, 5), np.array([0.3, 0.6])))
        assert counts.tolist() == [2, 1, 2]
        return x.sum() * np.poly1d([1.0, 2.0])(wnp.ones(()))

    assert wg.grad(f)(M).shape == (2, 3)


def test_arrays_of_integers_and_booleans_are_filled_under_vmap() -> None:
    def f(x: Any) -> Any:
        places, signs = wnp.zeros(3, int), wnp.zeros(3, bool)
        for i in range(3):
            places[i] = wnp.argmax(x * (-1) ** i)
            signs[i] = x[i] > 0
        places[0] += 1
        places[0] -= 1
        return x[places] + wnp.where(signs, 1.0, 0.0)

    batch = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.0]])
    np.testing.assert_array_equal(wg.vmap(f)(batch), [f(x) for x in batch])
    np.testing.assert_array_equal(wg.trace(f, abstract=True)(batch[0])(batch[1]), f(batch[1]))
    np.testing.assert_array_equal(wg.jacobian(f)(batch[0]), np.eye(3)[[0, 1, 0]])


def test_unravel_and_ravel_under_vmap() -> None:
    def f(x: Any) -> Any:
        i = np.unravel_index(wnp.argmax(x), x.shape)
        return x[i] + x.ravel()[wnp.ravel_multi_index(i, x.shape)] + x[np.triu_indices_from(x)].sum()

    batch = np.stack([M, -M])
    np.testing.assert_allclose(wg.vmap(f)(batch), [f(x) for x in batch])
