"""Arrays that loops fill element by element: their adjoints are changed in place, in branches as well."""

import numpy as np
import pytest

import wengert as wg


def energy(x):
    y = np.zeros_like(x)
    for i in range(1, len(x)):
        y[i] = np.tanh(y[i - 1] + x[i]) if x[i] > 0 else -x[i]
    return np.sum(y**2)


def nested(x):
    y = np.zeros_like(x)
    for i in range(2, len(x)):
        if x[i] > 0:
            y[i] = y[i - 1] * x[i - 2] if x[i - 1] > 0 else y[i - 2] + x[i]
        else:
            y[i] += np.sin(x[i]) * y[i - 1]
    return np.sum(y * x)


@pytest.mark.parametrize("f", [energy, nested])
def test_compiled_gradient(f):
    x = np.random.default_rng(0).normal(size=40)
    gradient = wg.jit(wg.grad(f))
    np.testing.assert_allclose(gradient(x), wg.grad(f)(x), rtol=1e-10, atol=1e-13)
    step = 1e-6 * np.cos(np.arange(40))
    np.testing.assert_allclose(gradient(x) @ step, f(x + step) / 2 - f(x - step) / 2, rtol=1e-6)


@pytest.mark.parametrize("f", [energy, nested])
def test_no_round_touches_a_whole_array(f):
    loops = wg.jit(wg.grad(f)).loops(wg.ArrayType((400,), float))
    backwards = loops[loops.index("backwards") :].split("\n")[1:]
    inside = [line for line in backwards[: next(k for k, line in enumerate(backwards) if not line.startswith(" "))]]
    assert inside and not any(line.strip().startswith("for ") for line in inside)
