"""Batches of programs that add to neighbours, or write parts of records: in windows and fused as one lane is."""

import numpy as np
import pytest

import wengert as wg


def chain(x):
    """Each term reads two neighbours."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def wide(x):
    """Each term reads three; one of the sums does not begin at the first element."""
    r = (3 - 2 * x[1:-1]) * x[1:-1] - x[:-2] - 2 * x[2:] + 1
    return np.sum(r**2) + np.sum(x[1:-3] * x[4:])


def surface(x):
    """Neighbours along two axes."""
    z = x.reshape(-1, 4)
    dx, dy = z[1:, :-1] - z[:-1, :-1], z[:-1, 1:] - z[:-1, :-1]
    return np.sum(np.sqrt(1 + dx**2 + dy**2))


def apart(x):
    """Two pairs of neighbours, too far from each other for one window."""
    return np.sum(x[:-20] * x[1:-19] * x[19:-1] * x[20:])


FUNCTIONS = [chain, wide, surface, apart]


@pytest.mark.parametrize("lanes", [1, 2, 3, 8, 9, 17])
@pytest.mark.parametrize("n", [24, 32, 100, 1028])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_gradients_in_lanes_are_those_of_each(f, n, lanes, rng):
    xs = rng.normal(size=(lanes, n))
    compiled = wg.jit(wg.vmap(wg.grad(f)))
    np.testing.assert_allclose(compiled(xs), [wg.grad(f)(x) for x in xs], rtol=1e-12, atol=1e-11)
    last = wg.jit(wg.vmap(wg.grad(f), in_axes=1, out_axes=1))
    np.testing.assert_allclose(last(xs.T.copy()), compiled(xs).T, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("n", [5, 8, 9, 16, 17, 33])
def test_short_arrays_in_lanes(n, rng):
    """Loops that are written out, of the lanes or of the elements: no window moves in them."""
    banded = lambda x: x[2:] * x[:-2] - np.sin(x[1:-1])
    for lanes in (2, 7, 9, 16, 17):
        x, y_bars = rng.normal(size=n), rng.normal(size=(lanes, n - 2))
        pulled = wg.jit(wg.vmap(lambda y_bar, x=x: wg.vjp(banded, x)[1](y_bar)))
        found = pulled(y_bars)
        found = found[0] if isinstance(found, tuple) else found
        np.testing.assert_allclose(found, y_bars @ wg.jacobian(banded)(x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("lanes", [3, 12])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_products_with_hessians_in_lanes(f, lanes, rng):
    x, seeds = rng.normal(size=100), rng.normal(size=(lanes, 100))
    product = wg.jit(wg.vmap(lambda s: wg.jvp(wg.grad(f), (x,), (s,))[1]))
    np.testing.assert_allclose(product(seeds), seeds @ wg.hessian(f)(x), rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("lanes", [3, 12])
def test_what_a_window_passes_is_not_filled_with_zeros_before(lanes):
    loops = wg.jit(wg.vmap(wg.grad(chain))).loops(np.ones((lanes, 1000)))
    assert "+=" in loops and "= 0.0" not in loops
    assert loops.count("< 999:") == 1  # one loop over the terms


def test_what_is_filled_and_not_passed_as_a_whole_stays_filled(rng):
    f = lambda x: np.sum(x[2:-2] ** 2 * x[3:-1])  # the first two elements and the last are in no term
    xs = rng.normal(size=(3, 50))
    np.testing.assert_allclose(wg.jit(wg.vmap(wg.grad(f)))(xs), [wg.grad(f)(x) for x in xs], rtol=1e-13)


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_parts_of_records_in_lanes_share_a_loop(parts, rng):
    """The elements of one record are written by different statements; the lanes are far apart."""
    f = lambda x: np.stack([np.sin(x) * k + x for k in range(1, parts + 1)], axis=-1)
    xs = rng.normal(size=(5, 6, 32))
    compiled = wg.jit(wg.vmap(f))
    np.testing.assert_allclose(compiled(xs), f(xs), rtol=1e-14)
    assert compiled.loops(xs).count("sin") == 1


def test_what_several_lanes_need_is_computed_in_one_loop(rng):
    """A chain of arrays without lanes, before the lanes' loop."""

    def f(x, s):
        y = np.exp(np.sin(x) * x + 1) / (1 + x**2)
        return wg.vmap(lambda s: y * s + s[::-1])(s)

    x, s = rng.uniform(size=300), rng.normal(size=(12, 300))
    compiled = wg.jit(f)
    np.testing.assert_allclose(compiled(x, s), f(x, s), rtol=1e-13)
    assert compiled.loops(x, s).count("for ") <= 3


def test_axes_of_one_length_that_are_short_in_one_nest_only(rng):
    """Eight lanes of arrays with short axes, and one row of eight: they share no loop, and compile."""

    def f(x):
        s = np.sum(np.sqrt(1 + (x[:7, :3] * x[2:, 1:4] * x[1:8, 2:]) ** 2))
        return np.stack([wg.grad(lambda x: np.sum(np.sin(x[:7, :3] * x[1:8, 2:])))(x), x * s, np.cos(x)], axis=-1)

    xs = rng.normal(size=(8, 9, 5))
    np.testing.assert_allclose(wg.jit(wg.vmap(f))(xs), [f(x) for x in xs], rtol=1e-12, atol=1e-13)
