"""Products in blocks with what makes their operands: against NumPy, on one thread and on two; what they keep."""

import threading

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

rng = np.random.default_rng(0)


def nearest(np_, points, centres):
    """The sum of squared distances to the nearest centre: its gradient is a product with what the loop makes."""
    squares = np_.sum(points**2, axis=1)[:, None] + np_.sum(centres**2, axis=1) - 2.0 * points @ centres.T
    return np_.sum(np_.min(squares, axis=1))


@pytest.mark.parametrize("n", [1000, 2048, 997, 4000])
@pytest.mark.parametrize("threads", [1, 2])
def test_gradient_of_distances(n, threads):
    points, centres = rng.standard_normal((n, 16)), rng.standard_normal((40, 16))
    before = wg.get_threads()
    try:
        wg.set_threads(threads)
        g = wg.jit(wg.grad(lambda c: nearest(wnp, points, c)))
        found = g(centres)
        kept = g.memory(centres).working
    finally:
        wg.set_threads(before)
    squares = ((points[:, None] - centres) ** 2).sum(axis=2)
    which = squares.argmin(axis=1)
    expected = np.zeros_like(centres)
    np.add.at(expected, which, 2 * (centres[which] - points))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    if n != 997:  # a prime is not divided
        assert kept < n * 40 * 8 / 2


@pytest.mark.parametrize("rows", [512, 1000])
def test_rows_of_the_result(rows):
    x, w = rng.standard_normal((rows, 90)), rng.standard_normal((90, 30))
    f = wg.jit(lambda x, w: wnp.maximum(wnp.sin(x) * 2.0, 0.0) @ w)
    np.testing.assert_allclose(f(x, w), np.maximum(np.sin(x) * 2.0, 0.0) @ w, rtol=1e-12, atol=1e-12)
    assert f.memory(x, w).working < x.nbytes


def test_operands_that_others_need_too():
    x, w = rng.standard_normal((1000, 60)), rng.standard_normal((60, 20))

    def f(np_, x, w):
        h = np_.exp(x)
        return h @ w, h / np_.sum(h, axis=0), np_.cumsum(h, axis=0)[-1]

    for a, b in zip(wg.jit(lambda x, w: f(wnp, x, w))(x, w), f(np, x, w), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


def test_sums_in_stacks():
    x, v = rng.standard_normal((6, 500, 40)), rng.standard_normal((6, 500, 1))

    def f(np_, x, v):
        h = np_.tanh(x * v)
        return np_.einsum("bni,bnj->bij", h, h - 0.5 * v)

    np.testing.assert_allclose(wg.jit(lambda x, v: f(wnp, x, v))(x, v), f(np, x, v), rtol=1e-11, atol=1e-11)


def test_threads_with_small_stacks():
    points, centres = rng.standard_normal((4000, 16)), rng.standard_normal((40, 16))
    before, size, found = wg.get_threads(), threading.stack_size(256 * 1024), []
    try:
        wg.set_threads(2)
        g = wg.jit(wg.grad(lambda c: nearest(wnp, points, c)))
        want = g(centres)
        assert "PyMem_RawMalloc" in g.llvm(centres)
        thread = threading.Thread(target=lambda: found.append(g(centres)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        wg.set_threads(before)
    np.testing.assert_array_equal(found[0], want)
