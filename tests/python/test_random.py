"""Random functions with nested control flow: recorded on types, against Python."""

import numpy as np
import pytest

import wengert as wg
from random_functions import random_function
from wengert.core.check import check
from wengert.python import adopt

TYPES = [wg.ArrayType((), float), wg.ArrayType((), float), wg.ArrayType((4,), float)]
RNG = np.random.default_rng(0)
POINTS = [(float(RNG.normal()), float(RNG.normal()), RNG.random(4)) for _ in range(3)]


@pytest.fixture
def quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("seed", range(60))
def test_values(seed, quiet):
    f, text = random_function(seed)
    program = check(wg.trace(adopt(f))(*TYPES))
    for x in POINTS:
        np.testing.assert_allclose(program(*x), f(*x), rtol=1e-9, err_msg=text)


@pytest.mark.parametrize("seed", range(1000, 1015))
def test_gradients(seed, quiet):
    """Of the recorded loops, against the tape of the rounds that Python runs."""
    f, text = random_function(seed)
    gradient = wg.grad(adopt(f), (0, 1, 2))
    program = check(wg.trace(lambda *args: gradient(*args))(*TYPES))
    for x in POINTS:
        for found, wanted in zip(program(*x), gradient(*x), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10, err_msg=text)


@pytest.mark.parametrize("seed", range(2000, 2010))
def test_lanes(seed, quiet):
    """Under vmap, where lanes go different ways."""
    f, text = random_function(seed)
    stacked = [np.stack([np.asarray(x[k]) for x in POINTS]) for k in range(3)]
    np.testing.assert_allclose(wg.vmap(adopt(f))(*stacked), [f(*x) for x in POINTS], rtol=1e-9, err_msg=text)


@pytest.mark.parametrize("seed", [0, 5, 7, 11, 16])
def test_hessians(seed, quiet):
    """Compiled, of compiled functions, against differences of gradients that Python runs through."""
    f, text = random_function(seed)
    x, y, a = POINTS[0]
    found = wg.jit(wg.hessian(wg.jit(f), argnums=(0, 1, 2)))(x, y, a)

    def gradient(x, y):
        return np.hstack(wg.grad(f, (0, 1, 2))(x, y, a))

    h = 1e-6
    along_x = (gradient(x + h, y) - gradient(x - h, y)) / (2 * h)
    along_y = (gradient(x, y + h) - gradient(x, y - h)) / (2 * h)
    for row, wanted in zip(found, (along_x, along_y), strict=False):
        np.testing.assert_allclose(np.hstack(row), wanted, rtol=1e-6, atol=1e-7, err_msg=text)
