"""adopt: programs with Python's own control flow, recorded on types, against the same programs run by Python."""

import numpy as np
import pytest

import wengert as wg
from python_programs import CASES, DISCRETE, bisection, guard
from wengert.core.check import check
from wengert.core.tree import flatten
from wengert.core.types import type_of
from wengert.python import adopt

POINTS = [(f, args) for f, points in CASES.items() for args in points]
WHOLE = [(f, args) for f, points in DISCRETE.items() for args in points]


def types(args):
    return [wg.ArrayType(type_of(a).shape, type_of(a).dtype) for a in args]


def same(found, wanted, tolerance=1e-10):
    found, wanted = flatten(found)[0], flatten(wanted)[0]
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def name(value):
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("f", "args"), POINTS + WHOLE, ids=name)
def test_value(f, args):
    program = check(wg.trace(adopt(f))(*types(args)))
    same(program(*args), f(*args))


@pytest.mark.parametrize(("f", "args"), POINTS, ids=name)
def test_gradient(f, args):
    """Recorded on types, against the tape beside real values, and that against differences."""
    program = check(wg.trace(lambda *xs: wg.grad(adopt(f))(*xs))(*types(args)))
    eager = wg.grad(adopt(f))(*args)
    same(program(*args), eager)
    if f is not bisection:  # whose result moves by steps, unlike the derivative of its last round
        same(eager, differences(f, args), 1e-5)


def differences(f, args, h=1e-6):
    x = np.asarray(args[0], float)
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(plain(up), *args[1:]) - f(plain(down), *args[1:])) / (2 * h)
    return slopes


def plain(x):
    return x if x.shape else float(x)


@pytest.mark.parametrize("f", CASES, ids=name)
def test_all_points_by_one_program(f):
    """The program of one point is that of the others."""
    points = CASES[f]
    program = wg.trace(adopt(f))(*types(points[0]))
    for args in points[1:]:
        if types(args) == types(points[0]):
            same(program(*args), f(*args))


@pytest.mark.parametrize(("f", "args"), POINTS + WHOLE, ids=name)
def test_plain_values(f, args):
    """Without tracers an adopted function is the function."""
    found, wanted = adopt(f)(*args), f(*args)
    same(found, wanted, 0.0)
    assert type(found) is type(wanted)


@pytest.mark.parametrize("f", [f for f in CASES if len(CASES[f]) > 1 and f is not guard], ids=name)
def test_vmap(f):
    """Lanes that go different ways."""
    points = CASES[f]
    if len({str(types(p)) for p in points}) > 1:
        pytest.skip("points of different shapes")
    stacked = [np.stack([np.asarray(p[k]) for p in points]) for k in range(len(points[0]))]
    same(wg.vmap(adopt(f))(*stacked), np.stack([f(*p) for p in points]))
    slopes = wg.vmap(wg.grad(adopt(f)))(*stacked)
    same(slopes, np.stack([wg.grad(adopt(f))(*p) for p in points]))
