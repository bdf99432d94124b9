"""Short loops that read many arrays at once stand outside; where that would change what is computed, they do not."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile.stages import Stages

LANES, N = 8, 600


def many(x, a):
    """Six arrays with lanes, and a square that all lanes share."""
    u = x * x
    y = u * a[0] + a[1] - x * a[2]
    return y + a[3], y * a[4] - a[5]


def records(x, a):
    return np.stack(many(x, a), axis=-1)


def chained(x, a):
    """One lane reads what another wrote, after all of them were written."""
    u = x * x
    y = [u * a[0, 0] + a[1, 0]]
    for k in range(1, LANES):
        y.append(u * a[0, k] + a[1, k] * a[2, k] - a[3, k] + a[4, k])
    y = np.stack(y)
    return y + np.roll(y, 1, axis=0) * a[5]


def exponential(x, a):
    """What the lanes share is dear."""
    u = np.exp(x)
    return u * a[0] + a[1] * a[2] + a[3] - a[4] * a[5]


def summed(x, a):
    return np.sum(x * a[0] + a[1] * a[2] - a[3] + a[4] * a[5], axis=0)


@pytest.mark.parametrize("f", [many, records, chained, exponential, summed])
@pytest.mark.parametrize(("lanes", "n"), [(LANES, N), (LANES, 4096), (5, 1024), (3, 700)])
def test_values(f, lanes, n, rng):
    x, a = rng.normal(size=n), rng.normal(size=(6, LANES, n))
    a = a if f is chained else a[:, :lanes]
    compiled = wg.jit(f)
    np.testing.assert_allclose(compiled(x, a), f(x, a), rtol=1e-13, atol=1e-13)
    loss = lambda x, a: sum(np.sum(np.sin(y)) for y in f(x, a)) if f is many else np.sum(np.sin(f(x, a)))
    for found, exact in zip(
        wg.jit(wg.grad(loss, argnums=(0, 1)))(x, a), wg.grad(loss, argnums=(0, 1))(x, a), strict=True
    ):
        np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-11)


def separate(f):
    """Arguments of their own, which are arrays of their own."""
    return wg.jit(lambda x, *a: f(x, a))


@pytest.mark.parametrize(("f", "outside"), [(many, True), (records, True), (exponential, False), (summed, False)])
def test_which_loop_stands_outside(f, outside, rng):
    x, a = rng.normal(size=N), rng.normal(size=(6, LANES, N))
    loops = separate(f).loops(x, *a)
    assert (f"for i < {LANES}:\n  for j < {N}:" in loops) == outside
    np.testing.assert_allclose(separate(f)(x, *a), f(x, a), rtol=1e-13, atol=1e-13)


def test_few_arrays_stay_in_one_loop(rng):
    x, a = rng.normal(size=N), rng.normal(size=(2, LANES, N))
    loops = separate(lambda x, a: np.exp(x) * a[0] + a[1]).loops(x, *a)
    assert f"for i < {N}:" in loops


def padded(x):
    """Neighbours beyond the ends are zero: parts are put together, and are in memory as a whole."""
    before, after = np.concatenate([np.zeros(1), x[:-1]]), np.concatenate([x[1:], np.zeros(1)])
    return np.sum(((3 - 2 * x) * x - before - 2 * after + 1) ** 2)


def test_batches_of_large_arrays_go_one_by_one(rng):
    """The working memory is that of one lane, not of all; small ones go together."""
    xs = rng.normal(size=(5, 100_000))
    compiled = wg.jit(wg.vmap(wg.grad(padded)))
    np.testing.assert_allclose(compiled(xs)[[0, 4]], [wg.grad(padded)(xs[k]) for k in (0, 4)], rtol=1e-12, atol=1e-12)
    one = Stages(wg.jit(wg.grad(padded)).program(xs[0])).arena
    assert Stages(compiled.program(xs)).arena <= 2 * one
    assert "  for k < 5:" not in compiled.loops(xs) and "  for k < 5:" in compiled.loops(xs[:, :1000])


def test_what_is_summed_over_the_batch_stays_in_one_loop(rng):
    """To go one by one would not save memory: points as rows of coordinates, and their distances."""
    x = rng.normal(size=(3, 200_000))
    distances = wg.jit(lambda x: np.sqrt(np.sum((x - 1) ** 2, axis=0)))
    np.testing.assert_allclose(distances(x), np.sqrt(np.sum((x - 1) ** 2, axis=0)), rtol=1e-14)
    assert distances.loops(x).count("for i < 200000:") == 1 and Stages(distances.program(x)).arena < x.nbytes
