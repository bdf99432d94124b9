"""The indexing primitives: repeated indices, batching of arrays and indices of any rank, printing."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.primitives.gather import add_at, gather, last_assigned, scatter_add, scatter_clear, scatter_set
from wengert.primitives.index import Index, clear_slice, numpy_index, place, selected, set_slice, slice_
from wengert.transforms.batch import batch_flat

INDEX_ARRAYS: dict[str, tuple[tuple[int, ...], tuple[Any, ...], int]] = {
    "vector": ((5,), (np.array([4, 0, 4, -1]),), 0),
    "rows": ((4, 3), (np.array([1, 1, 3]),), 0),
    "distinct rows": ((4, 3), (np.array([2, 0]),), 0),
    "columns": ((2, 5), (np.array([[0, 0], [-5, 3]]),), 1),
    "middle": ((2, 4, 3), (np.array([3, 3, 0]),), 1),
    "two": ((3, 4, 2), (np.array([0, 2, 0]), np.array([[1], [-1]])), 0),
    "two behind": ((2, 3, 3), (np.array([0, 0]), np.array([1, 1])), 1),
    "number": ((3, 2), (np.array(1),), 0),
    "none": ((3, 2), (np.array([], int),), 0),
}


@pytest.mark.parametrize("name", INDEX_ARRAYS)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_add_at_is_numpys(name: str, order: Any, dtype: Any, rng: np.random.Generator) -> None:
    shape, indices, axis = INDEX_ARRAYS[name]
    key = (slice(None),) * axis + indices
    total = np.asarray(rng.integers(9, size=shape), dtype=dtype, order=order)
    y = np.asarray(rng.integers(9, size=np.zeros(shape)[key].shape)).astype(dtype)
    expected = total.copy()
    np.add.at(expected, key, y)
    add_at(total, y, indices, axis)
    np.testing.assert_array_equal(total, expected)


def test_last_assigned_is_what_remains() -> None:
    i = np.array([3, 1, 3, 0, -1, 1])
    x = np.zeros(4)
    x[i] = np.arange(6.0) + 1
    kept = last_assigned(i, dims=(4,))
    np.testing.assert_array_equal(np.sort(x[x > 0]), np.sort((np.arange(6.0) + 1)[kept]))


def test_only_the_last_assignment_to_a_place_has_an_adjoint() -> None:
    def f(v: Any) -> Any:
        x = wg.numpy.zeros(4)
        x[np.array([3, 1, 3, 0, -1, 1])] = v
        return (x * np.array([1.0, 10.0, 100.0, 1000.0])).sum()

    np.testing.assert_array_equal(wg.grad(f)(np.ones(6)), [0, 0, 0, 1, 1000, 10])


def lanes_of(f: Any, args: list[Any], batched: list[bool], **params: Any) -> None:
    """One batched application against a loop over lanes."""
    (y,), (on,) = batch_flat(lambda *args: [f(*args, **params)], 3, args, batched)
    for k in range(3):
        expected = f(*(a[k] if b else a for a, b in zip(args, batched, strict=True)), **params)
        np.testing.assert_allclose(y[k] if on else y, expected)


@pytest.mark.parametrize("name", INDEX_ARRAYS)
@pytest.mark.parametrize("batched_x", [True, False])
@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
def test_batches_of_indices(name: str, batched_x: bool, which: tuple[bool, ...], rng: np.random.Generator) -> None:
    shape, indices, axis = INDEX_ARRAYS[name]
    on = list(which[: len(indices)])
    if not any(on):
        return
    picked = np.zeros(shape)[(slice(None),) * axis + indices].shape
    many = [np.stack([i, (i + 1) % 2, i * 0]) if b else i for i, b in zip(indices, on, strict=True)]
    lead = (3,) if batched_x else ()
    x, y = rng.normal(size=lead + shape), rng.normal(size=lead + picked)
    lanes_of(gather, [x, *many], [batched_x, *on], axis=axis)
    lanes_of(scatter_add, [y, *many], [batched_x, *on], axis=axis, shape=shape)
    lanes_of(scatter_clear, [x, *many], [batched_x, *on], axis=axis)
    lanes_of(scatter_set, [x, y, *many], [batched_x, batched_x, *on], axis=axis)
    lanes_of(scatter_set, [x, rng.normal(size=picked), *many], [batched_x, False, *on], axis=axis)
    lanes_of(last_assigned, many, on, dims=shape[axis : axis + len(indices)])


def test_a_static_index_prints_as_one_writes_it() -> None:
    index = Index(((3, 4, -1), None, (0, 2, 2), 5))
    assert repr(index) == "[3::-1, None, 0:4:2, 5]"
    assert numpy_index(index) == (slice(3, None, -1), None, slice(0, 4, 2), 5)
    assert selected((4, 5, 6, 7), index) == (4, 1, 2, 7)
    assert hash(index) == hash(Index(((3, 4, -1), None, (0, 2, 2), 5)))


def test_assignment_leaves_its_argument_alone() -> None:
    x = np.arange(3.0)
    index = Index((1,))
    np.testing.assert_array_equal(set_slice(x, 9.0, index=index), [0, 9, 2])
    np.testing.assert_array_equal(clear_slice(x, index=index), [0, 0, 2])
    np.testing.assert_array_equal(place(slice_(x, index=index), index=index, shape=(3,)), [0, 1, 0])
    np.testing.assert_array_equal(x, [0, 1, 2])


@pytest.mark.parametrize(("indices", "shape"), [(([0, 9],), (3, 2)), (([0], [-4]), (2, 3)), (([5],), (3,))])
def test_indices_out_of_bounds(indices: Any, shape: tuple[int, ...]) -> None:
    arrays = tuple(map(np.array, indices))
    with pytest.raises(IndexError):
        wg.grad(lambda x: [np.add.at(x, arrays, 1.0), x.sum()][1])(np.ones(shape))
    with pytest.raises(IndexError):
        scatter_add(np.ones((len(indices[0]), *shape[len(indices) :])), *arrays, axis=0, shape=shape)


def test_no_indices_into_nothing() -> None:
    none = np.array([], int)
    assert scatter_add(np.ones((0, 2)), none, none, axis=0, shape=(0, 3, 2)).shape == (0, 3, 2)
