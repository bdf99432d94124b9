"""wengert/compile/loops/tiles.py: loops over many lanes run in tiles; the truth is NumPy's, or a closed form."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile.loops.ir import For, Loop, nodes
from wengert.compile.loops.tiles import TILE, tile_of

LANES = [1024, 1500, 2003, 10_000]  # with tiles of one size, of which 2003 has none


def tiled(f, *args):
    """Does the compiled program go through its lanes in tiles?"""
    block = f.look(args, {}).stages.block
    loops = [node for node in nodes(block) if type(node) is Loop]
    fits = all(type(x.axis.extent) is not int or x.axis.extent <= 2 * TILE for x in loops)
    return fits and any(type(node) is For for node in nodes(block))


def anomaly(e, mean):
    E, step = mean, 1.0
    while abs(step) > 1e-12:
        step = (E - e * np.sin(E) - mean) / (1.0 - e * np.cos(E))
        E = E - step
    return E


@pytest.mark.parametrize("n", LANES)
def test_while_of_lanes_and_its_gradient(n):
    rng = np.random.default_rng(n)
    e, mean = rng.uniform(0.0, 0.9, n), rng.uniform(0.0, 2.0 * np.pi, n)
    f = wg.jit(wg.vmap(wg.value_and_grad(anomaly, argnums=(0, 1))))
    E, (by_e, by_mean) = f(e, mean)
    assert tiled(f, e, mean)
    np.testing.assert_allclose(E - e * np.sin(E), mean, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(by_mean, 1.0 / (1.0 - e * np.cos(E)), rtol=1e-11)  # the implicit function's derivative
    np.testing.assert_allclose(by_e, np.sin(E) / (1.0 - e * np.cos(E)), rtol=1e-9, atol=1e-11)


def test_rounds_of_each_lane_are_its_own():
    def halvings(x):
        n = 0.0
        while x > 1.0:
            x, n = x / 2.0, n + 1.0
        return n * x

    x = np.exp2(np.arange(2000) % 37) * 1.5
    got = wg.jit(wg.vmap(wg.grad(halvings)))
    assert tiled(got, x)
    n = np.ceil(np.log2(x))
    np.testing.assert_array_equal(got(x), n * np.exp2(-n))


@pytest.mark.parametrize("n", LANES)
def test_scan_of_lanes_with_rows(n):
    def path(start, pushes):
        def step(u, p):
            v = u + 0.1 * np.stack([u[1], -np.sin(u[0]), u[0] * u[1]]) + p
            return v, v[0]

        return wg.scan(step, start, pushes)

    rng = np.random.default_rng(n)
    start, pushes = rng.normal(size=(n, 3)), 0.1 * rng.normal(size=(5, n))
    f = wg.jit(wg.vmap(path, in_axes=(0, 1), out_axes=(0, 1)))
    end, rows = f(start, pushes)
    u, firsts = start, []
    for p in pushes:
        u = u + 0.1 * np.stack([u[:, 1], -np.sin(u[:, 0]), u[:, 0] * u[:, 1]], axis=1) + p[:, None]
        firsts.append(u[:, 0])
    np.testing.assert_allclose(end, u, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(rows, np.array(firsts), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", LANES)
def test_gradient_of_a_scan_of_lanes(n):
    """x <- x + h sin(x), k times: the derivative is the product of the factors 1 + h cos(x)."""
    f = wg.jit(wg.vmap(wg.grad(lambda x: wg.fori_loop(0, 20, lambda k, x: x + 0.1 * np.sin(x), x))))
    x = np.linspace(-3.0, 3.0, n)
    expected, y = np.ones(n), x
    for _ in range(20):
        expected, y = expected * (1.0 + 0.1 * np.cos(y)), y + 0.1 * np.sin(y)
    np.testing.assert_allclose(f(x), expected, rtol=1e-12)
    assert tiled(f, x)


def test_what_is_kept_of_each_round_is_as_large_as_a_tile():
    f = wg.jit(wg.vmap(wg.grad(lambda x: wg.fori_loop(0, 100, lambda k, x: x + 0.1 * np.sin(x), x))))
    assert f.memory(np.zeros(100_000)).working < 100 * 2 * TILE * 8 * 4


def test_loops_whose_lanes_need_one_another_are_not_tiled():
    x = np.linspace(0.0, 1.0, 4000)

    def diffusion(x):
        return wg.fori_loop(0, 10, lambda k, x: x + 0.1 * (np.roll(x, 1) - x), x)

    f = wg.jit(diffusion)
    expected = x
    for _ in range(10):
        expected = expected + 0.1 * (np.roll(expected, 1) - expected)
    assert not tiled(f, x)
    np.testing.assert_allclose(f(x), expected, rtol=1e-14)


def test_a_condition_on_all_lanes_is_not_tiled():
    def to_the_last(x):
        while np.any(x > 1.0):
            x = x * 0.5
        return x

    f = wg.jit(to_the_last)
    x = np.exp2(np.arange(2000) % 11)
    assert not tiled(f, x)
    np.testing.assert_array_equal(f(x), x / 1024)


def test_sums_over_lanes_in_a_loop_are_not_tiled():
    x = np.linspace(0.0, 1.0, 3000)
    f = wg.jit(lambda x: wg.fori_loop(0, 5, lambda k, x: x - np.sum(x) / 3000 * 0.5, x))
    expected = x
    for _ in range(5):
        expected = expected - np.sum(expected) / 3000 * 0.5
    np.testing.assert_allclose(f(x), expected, rtol=1e-13, atol=1e-15)
    assert not tiled(f, x)


def relaxed(x):
    """k rounds of x <- x + h sin(x), and the factor by which a small change of x grows."""
    factor = np.ones_like(x)
    for _ in range(20):
        x, factor = x + 0.1 * np.sin(x), factor * (1.0 + 0.1 * np.cos(x))
    return x, factor


@pytest.mark.parametrize("n", LANES)
def test_loss_and_gradient(n):
    """A loss is a sum over all lanes, between the loop and the way back."""

    def loss(x):
        y = wg.vmap(lambda x: wg.fori_loop(0, 20, lambda k, x: x + 0.1 * np.sin(x), x))(x)
        return np.sum((y - 1.0) ** 2), np.sum(y)

    x = np.linspace(-3.0, 3.0, n)
    f = wg.jit(wg.value_and_grad(loss, has_aux=True))
    (value, total), slope = f(x)
    y, factor = relaxed(x)
    np.testing.assert_allclose([value, total], [np.sum((y - 1.0) ** 2), np.sum(y)], rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(slope, 2.0 * (y - 1.0) * factor, rtol=1e-11, atol=1e-13)
    assert tiled(f, x)
    np.testing.assert_allclose(f(x[::-1])[1], slope[::-1], rtol=1e-12, atol=1e-14)  # and sums begin anew


def test_sums_that_lanes_read():
    """The mean of all lanes is needed by each: not before all are done."""

    def spread(x):
        y = wg.vmap(lambda x: wg.fori_loop(0, 20, lambda k, x: x + 0.1 * np.sin(x), x))(x)
        return np.sum((y - np.sum(y) / y.size) ** 2)

    x = np.linspace(-3.0, 2.0, 3000)
    y, factor = relaxed(x)
    value, slope = wg.jit(wg.value_and_grad(spread))(x)
    np.testing.assert_allclose(value, np.sum((y - np.mean(y)) ** 2), rtol=1e-12)
    np.testing.assert_allclose(slope, 2.0 * (y - np.mean(y)) * factor, rtol=1e-10, atol=1e-12)


def test_a_parameter_of_all_lanes():
    """Its derivative is a sum over lanes and rounds."""

    def total(p, x):
        return np.sum(wg.vmap(lambda x: wg.fori_loop(0, 20, lambda k, x: x + p * np.sin(x), x))(x))

    x = np.linspace(-3.0, 2.0, 3000)
    y, slope = x, np.zeros_like(x)
    for _ in range(20):
        y, slope = y + 0.1 * np.sin(y), slope + 0.1 * np.cos(y) * slope + np.sin(y)
    value, (by_p, _) = wg.jit(wg.value_and_grad(total, argnums=(0, 1)))(0.1, x)
    np.testing.assert_allclose([value, by_p], [np.sum(y), np.sum(slope)], rtol=1e-12)


def test_a_sum_decides_how_many_rounds_come_next():
    """The number of rounds of the second loop is made of all lanes of the first."""

    def f(x):
        run = wg.vmap(lambda x: wg.fori_loop(0, 3, lambda k, x: 0.5 * x, x))
        y = run(x)
        n = np.sum(y > 0.1)
        return wg.fori_loop(0, n, lambda k, y: y + 1.0, y)

    x = np.linspace(0.0, 2.0, 2000)
    np.testing.assert_allclose(wg.jit(f)(x), x / 8 + np.sum(x / 8 > 0.1), rtol=1e-14)


def test_few_lanes_are_not_tiled():
    f = wg.jit(wg.vmap(lambda x: wg.fori_loop(0, 5, lambda k, x: np.sin(x), x)))
    assert not tiled(f, np.zeros(4 * TILE - 1))


@pytest.mark.parametrize(("lanes", "size"), [(10_000, 200), (4096, 256), (1024, 256), (2003, TILE), (999_424, 256)])
def test_size_of_tiles(lanes, size):
    assert tile_of(lanes) == size
