"""x[index]: NumPy's values, numbers, views and errors for every kind of index; gradients are scatters."""

import itertools
from typing import Any

import hypothesis.extra.numpy as st_np
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
import wengert.numpy as wnp
from array_checks import agrees
from wengert.core.trace import CONSTANT, Tracer, concrete
from wengert.errors import AbstractValueError
from wengert.numpy.indexing import getitem

S = slice
ENTRIES: list[Any] = [
    0, -1, np.int64(1), S(None), S(1, None), S(None, None, -1), S(-1, 0, -2), S(5, 1), None, ..., True, False,
    np.array(1), [0, 1], np.array([1, 0, 1]), np.array([[0], [-1]]), np.array([], int), [], (1, 0),
]  # fmt: skip
ARRAYS = {shape: np.arange(np.prod(shape, dtype=int)).reshape(shape) + 0.5 for shape in [(), (2,), (2, 3), (2, 3, 4)]}


def masks(shape: tuple[int, ...]) -> list[Any]:
    """Boolean arrays that fit some of the axes."""
    rng = np.random.default_rng(len(shape))
    axes = [shape[a:b] for a in range(len(shape)) for b in range(a + 1, len(shape) + 1)]
    return [rng.uniform(size=s) > 0.4 for s in axes]


def indices(shape: tuple[int, ...]) -> list[Any]:
    """All single entries and pairs, and some longer tuples."""
    pool = ENTRIES + masks(shape)
    rng = np.random.default_rng(11)
    longer = [tuple(pool[k] for k in rng.integers(len(pool), size=n)) for n in (3, 4, 5) for _ in range(150)]
    return [*pool, (), *itertools.product(pool, repeat=2), *longer]


def attempt(f: Any) -> Any:
    try:
        return f()
    except Exception as error:
        return error


@pytest.mark.parametrize("shape", ARRAYS)
def test_every_index_does_what_numpys_does(shape: tuple[int, ...]) -> None:
    """Value, dtype and shape; number or array; view or copy; and the type of the error."""
    x = ARRAYS[shape]
    for index in indices(shape):
        expected = attempt(lambda i=index: x[i])
        found = attempt(lambda i=index: getitem(Tracer(CONSTANT, x), i))
        if isinstance(expected, Exception):
            assert type(found) is type(expected), (index, found)
            continue
        assert not isinstance(found, Exception), (index, found)
        is_view = isinstance(expected, np.ndarray) and np.may_share_memory(expected, x) and expected.size > 0
        if isinstance(found, Tracer) and expected.size:
            assert (found.alias is not None) == is_view, index
        value = concrete(found)
        assert type(value) is type(expected), index
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("shape", ARRAYS)
def test_the_gradient_is_a_scatter(shape: tuple[int, ...]) -> None:
    x = ARRAYS[shape]
    valid = [i for i in indices(shape) if not isinstance(attempt(lambda i=i: x[i]), Exception)]
    for index in valid[:: max(1, len(valid) // 60)]:
        w = np.cos(np.arange(x[index].size)).reshape(np.shape(x[index]))
        y, pull_back = wg.vjp(lambda t, i=index: t[i], x)
        np.testing.assert_array_equal(y, x[index])
        expected = np.zeros_like(x)
        np.add.at(expected, index, w)
        np.testing.assert_allclose(pull_back(np.asarray(w)[()])[0], expected, atol=1e-15)
        np.testing.assert_array_equal(wg.jvp(lambda t, i=index: t[i], (x,), (x + 1,))[1], (x + 1)[index])


@pytest.mark.parametrize("shape", [s for s in ARRAYS if s])
def test_vmap_of_an_index(shape: tuple[int, ...]) -> None:
    x = ARRAYS[shape]
    batch = np.stack([x, 2 * x, x - 7])
    valid = [i for i in indices(shape) if not isinstance(attempt(lambda i=i: x[i]), Exception)]
    for index in valid[:: max(1, len(valid) // 60)]:
        found = wg.vmap(lambda t, i=index: t[i])(batch)
        np.testing.assert_array_equal(found, np.stack([lane[index] for lane in batch]))


@given(st.data())
def test_random_indices(data: st.DataObject) -> None:
    shape = data.draw(st_np.array_shapes(max_dims=4, max_side=4))
    x = np.random.default_rng(0).normal(size=shape)
    basic = st_np.basic_indices(shape, allow_newaxis=True)
    arrays = st_np.integer_array_indices(shape)
    index = data.draw(st.one_of(basic, arrays))
    y, pull_back = wg.vjp(lambda t: t[index], x)
    np.testing.assert_array_equal(y, x[index])
    expected = np.zeros_like(x)
    np.add.at(expected, index, 1.0)
    np.testing.assert_array_equal(pull_back(np.ones_like(y)[()])[0], expected)


# indices that are traced --------------------------------------------------------------------------------------------
X = np.random.default_rng(2).normal(size=(4, 3, 2))
LANES = np.array([3, 0, -1, 3])
ROWS = np.array([[0, 1], [3, 3], [2, 0], [-1, 1]])
TRACED: dict[str, Any] = {
    "number": lambda x, i, j: x[i],
    "number and slice": lambda x, i, j: x[1:, i % 3],
    "two numbers": lambda x, i, j: x[i, :, i % 2],
    "array": lambda x, i, j: x[j],
    "array on axis 1": lambda x, i, j: x[:, j % 3],
    "array and number": lambda x, i, j: x[j, i % 3],
    "array and constant array": lambda x, i, j: x[j, np.array([[2], [0]])],
    "separated": lambda x, i, j: x[j, :, np.array([1, 0])],
    "take": lambda x, i, j: wnp.take(x, j, axis=0),
    "take_along_axis": lambda x, i, j: wnp.take_along_axis(x[:2, :, 0], (j % 3)[:, None], axis=1),
    "choose": lambda x, i, j: wnp.choose(j % 2, [x[0, 0], x[1, 0]]),
    "set": lambda x, i, j: assigned(x, i, 7.0),
    "set part": lambda x, i, j: assigned(x, (S(None), i % 3), x[:, 0] * 2),
    "set array": lambda x, i, j: assigned(x, j, x[:2] * 3),
    "set array on axis 1": lambda x, i, j: assigned(x, (S(None), j % 3), x[:, :2] * 3),
    "add at": lambda x, i, j: added(x, j),
}


def assigned(x: Any, index: Any, v: Any) -> Any:
    y = x.copy()
    y[index] = v
    return y


def added(x: Any, j: Any) -> Any:
    y = x.copy()
    np.add.at(y, j, 2 * x[0])
    return y


@pytest.mark.parametrize("name", TRACED)
def test_vmap_over_indices(name: str) -> None:
    """Each lane has indices of its own, and an array of its own."""
    f = TRACED[name]
    xs = np.stack([X, X + 1, 2 * X, -X])
    found = wg.vmap(f)(xs, LANES, ROWS)
    g = wg.vmap(wg.grad(lambda x, i, j: wnp.sum(wnp.sin(f(x, i, j)))))(xs, LANES, ROWS)
    for x, i, j, y, x_bar in zip(xs, LANES, ROWS, found, g, strict=True):
        np.testing.assert_allclose(y, f(x, i, j), rtol=1e-14)
        expected = wg.grad(lambda x, i=i, j=j: wnp.sum(wnp.sin(f(x, i, j))))(x)
        np.testing.assert_allclose(x_bar, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", TRACED)
def test_vmap_over_indices_of_one_array(name: str) -> None:
    """Each lane has indices of its own; all have the array in common, whose adjoint is the sum of theirs."""
    f = TRACED[name]
    lanes = list(zip(LANES, ROWS, strict=True))
    y, pull_back = wg.vjp(lambda x: wg.vmap(lambda i, j: f(x, i, j))(LANES, ROWS), X)
    np.testing.assert_allclose(y, np.stack([f(X, i, j) for i, j in lanes]), rtol=1e-14)
    expected = sum(
        wg.vjp(lambda x, i=i, j=j: f(x, i, j), X)[1](np.cos(v))[0] for (i, j), v in zip(lanes, y, strict=True)
    )
    np.testing.assert_allclose(pull_back(np.cos(y))[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", TRACED)
def test_a_program_takes_other_indices(name: str) -> None:
    f = TRACED[name]
    program = wg.trace(f)(X, LANES[0], ROWS[0])
    np.testing.assert_allclose(program(X + 1, LANES[1], ROWS[1]), f(X + 1, LANES[1], ROWS[1]), rtol=1e-14)
    of_types = wg.trace(f, abstract=True)(X, LANES[0], ROWS[0])
    np.testing.assert_allclose(of_types(X + 1, LANES[2], ROWS[2]), f(X + 1, LANES[2], ROWS[2]), rtol=1e-14)


def test_a_mask_in_a_program_may_change_but_not_its_count() -> None:
    program = wg.trace(lambda x: x[x > 0].sum())(np.array([1.0, -2.0, 3.0]))
    assert program(np.array([-1.0, 4.0, 5.0])) == 9.0
    with pytest.raises(wg.errors.BranchChangedError):
        program(np.array([1.0, 4.0, 5.0]))


def test_what_needs_values_is_refused_where_there_are_none() -> None:
    for f in (lambda x: x[x > 0], lambda x: x[: wnp.argmax(x)], lambda x: x[int(wnp.argmax(x))]):
        with pytest.raises(AbstractValueError):
            wg.vmap(f)(np.ones((2, 3)))
        with pytest.raises(AbstractValueError):
            wg.trace(f, abstract=True)(np.ones(3))


# loops --------------------------------------------------------------------------------------------------------------
def test_a_loop_over_elements_accumulates_in_place() -> None:
    """n elements cost n adjoint additions, not n arrays: the tape's adjoint is one array."""
    x = np.linspace(0.0, 1.0, 400)
    f = lambda x, n: sum((t * t for t in x), 0.0) + sum(x[i] * x[-i] for i in range(3))
    agrees(f, x[:5])
    np.testing.assert_allclose(wg.grad(lambda x: sum(t * t for t in x))(x), 2 * x)


def test_second_order_through_indices() -> None:
    x = np.array([0.3, -1.0, 2.0])
    f = lambda x: (x[[0, 1, 0]] * x[::-1] * x[1]).sum()
    H = wg.hessian(f)(x)
    step = 1e-5
    for i, e in enumerate(np.eye(3) * step):
        truth = (wg.grad(f)(x + e) - wg.grad(f)(x - e)) / (2 * step)
        np.testing.assert_allclose(H[i], truth, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex128])
def test_dtypes_are_kept(dtype: Any) -> None:
    x = np.arange(4).astype(dtype)
    for index in (1, S(1, 3), [0, 0, 2], np.array([True, False, True, False])):
        y, pull_back = wg.vjp(lambda t, i=index: t[i], x)
        assert np.asarray(y).dtype == dtype
        assert pull_back(y)[0].dtype == dtype
