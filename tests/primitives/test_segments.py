"""Scans in segments that are run again on the way back: the same derivatives, with less memory."""

import numpy as np
import pytest

import wengert as wg


def total(s, checkpoint, n=30, reverse=False, xs=None):
    def step(c, x):
        return np.sin(c) * 1.01 + 0.01 * c * c + (0 if x is None else x), np.sum(c)

    length = None if xs is not None else n
    c, ys = wg.scan(step, s, xs, length=length, checkpoint=checkpoint, reverse=reverse)
    return np.sum(c) + np.sum(ys * ys)


S = np.linspace(0.1, 1.0, 5)
LOOPS = [
    {},
    {"reverse": True},
    {"xs": np.linspace(0, 0.1, 17)},
    {"xs": np.linspace(0, 0.1, 17), "reverse": True},
    {"n": 1},
]


@pytest.mark.parametrize("loop", LOOPS, ids=str)
@pytest.mark.parametrize("checkpoint", [True, 7, 1, 5000])
def test_segments_change_no_derivative(checkpoint, loop):
    expected = wg.grad(lambda s: total(s, False, **loop))(S)
    np.testing.assert_allclose(wg.grad(lambda s: total(s, checkpoint, **loop))(S), expected, rtol=1e-12)
    v = np.cos(S)
    _, forwards = wg.jvp(lambda s: total(s, checkpoint, **loop), (S,), (v,))
    np.testing.assert_allclose(forwards, expected @ v, rtol=1e-12)


def test_compiled_with_less_memory():
    saved, again = (wg.jit(wg.grad(lambda s, c=c: total(s, c, n=10_000))) for c in (False, True))
    s = np.linspace(0.1, 1.0, 100)
    np.testing.assert_allclose(again(s), saved(s), rtol=1e-9)
    assert again.memory(s).peak < saved.memory(s).peak / 10


def test_fori_loop_of_known_length():
    def f(x, **kw):
        return wg.fori_loop(0, 50, lambda i, v: np.sin(v) + x * i * 1e-3, x, **kw)

    assert wg.grad(lambda x: f(x, checkpoint=True))(1.0) == pytest.approx(wg.grad(f)(1.0), rel=1e-12)
    second = wg.grad(wg.grad(f))(1.0)
    assert wg.grad(wg.grad(lambda x: f(x, checkpoint=8)))(1.0) == pytest.approx(second, rel=1e-10)
    lanes = wg.vmap(wg.grad(lambda x: f(x, checkpoint=True)))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(lanes, [wg.grad(f)(1.0), wg.grad(f)(2.0)], rtol=1e-12)
