"""The order of nodes: what frees memory goes first; results are the same; what fails or is seen stays in its place."""

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from wengert.compile.loops.schedule import Order, can_move
from wengert.compile.stages import Stages

N = 200


def late_user(a):
    """b is needed once more at the end, where it could have been used at once."""
    b = a @ a
    c = b @ a
    d = c @ a
    e = d @ c
    return wnp.sum(e @ d + c) + wnp.sum(b @ b)


def stages_of(f, *args):
    return Stages(wg.trace(f)(*(wg.ArrayType(x.shape, x.dtype) for x in args)))


def test_peak_is_lower_and_the_result_the_same():
    a = np.random.default_rng(0).standard_normal((N, N)) / 20
    stages = stages_of(late_user, a)
    nodes = stages.block.nodes
    assert stages.arena < 3.5 * a.nbytes
    order = Order(nodes)
    assert order.peak(range(len(nodes))) < 3.5 * a.nbytes
    b = a @ a
    c = b @ a
    expected = np.sum(c @ a @ c @ (c @ a) + c) + np.sum(b @ b)
    np.testing.assert_allclose(wg.jit(late_user)(a), expected, rtol=1e-11)


def test_each_node_follows_what_it_needs():
    a = np.ones((N, N))
    nodes = stages_of(lambda a: wg.grad(late_user)(a), a).block.nodes
    order = Order(nodes)
    found = order.better()
    assert sorted(found) == list(range(len(nodes)))
    for place, k in enumerate(found):
        assert order.needs[k] <= set(found[:place])


def test_what_is_seen_is_not_moved():
    nodes = stages_of(lambda x, i: wnp.fft.fft(x[i]).real, np.ones(7919 * 3), np.array([1, 2, 3])).block.nodes
    assert not all(can_move(node) for node in nodes)
