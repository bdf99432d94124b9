"""Rows that are copied as they are: every dtype, from every place, rows of every length; not what must be computed."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8", "bool", "complex128"])
@pytest.mark.parametrize("row", [2, 3, 5, 8, 40])
def test_rows_of_windows(row, dtype):
    rng = np.random.default_rng(row)
    x = rng.integers(0, 2, (30, 60)).astype(dtype)

    def f(np_, x):
        return np_.stack([x[i : i + 20, k : k + row] for i in range(4) for k in range(10)], axis=1)

    y = wg.jit(lambda x: f(wnp, x))(x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, f(np, x))


def test_rows_are_moved_as_a_whole():
    x = np.random.default_rng(0).standard_normal((10, 40))
    f = wg.jit(lambda x: wnp.stack([x[:, k : k + 5] for k in range(20)], axis=1))
    assert "llvm.memcpy" in f.llvm(x)
    np.testing.assert_array_equal(f(x), np.stack([x[:, k : k + 5] for k in range(20)], axis=1))


def test_what_changes_on_the_way_is_computed():
    x = np.random.default_rng(0).standard_normal((10, 40))
    f = lambda np_, x: np_.stack([-x[:, k : k + 5] for k in range(20)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(wg.jit(lambda x: f(wnp, x))(x), f(np, x))


def test_rows_out_of_memory_that_is_written_over():
    def f(x):
        y = x * 1.0
        for k in range(12):
            y[k + 1, 3:9] = y[k, 2:8]
        return y

    x = np.random.default_rng(0).standard_normal((20, 10))
    np.testing.assert_array_equal(wg.jit(f)(x), f(x))
