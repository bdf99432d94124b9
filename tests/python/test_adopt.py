"""adopt: programs with Python's own control flow, recorded on types, against the same programs run by Python."""

import numpy as np
import pytest

import wengert as wg
from python_programs import CASES, DISCRETE, bisection
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


@pytest.mark.parametrize("f", [f for f in CASES if len(CASES[f]) > 1], ids=name)
def test_vmap(f):
    """Lanes that go different ways."""
    points = CASES[f]
    if len({str(types(p)) for p in points}) > 1:
        pytest.skip("points of different shapes")
    stacked = [np.stack([np.asarray(p[k]) for p in points]) for k in range(len(points[0]))]
    same(wg.vmap(adopt(f))(*stacked), np.stack([f(*p) for p in points]))
    slopes = wg.vmap(wg.grad(adopt(f)))(*stacked)
    same(slopes, np.stack([wg.grad(adopt(f))(*p) for p in points]))


# programs that are short: their long loops are loops of the program ---------------------------------------------------
ROLLED = (
    "bisection", "skips", "trajectory", "rows", "find_row", "found_or_else", "pairs", "backwards", "steps", "table",
    "nested_loops", "returns_from_nested", "fills_matrix", "in_place_views", "two_arrays", "number_becomes_array",
    "previous", "loop_variable_after", "deletes", "dict_state", "dict_in_place", "dataclass_state", "objects",
    "nested_state", "lorenz", "lstm", "newton", "newton_true", "newton_error", "while_return",
)  # fmt: skip
UNROLLED = ("static_index", "list_grows", "named_weights", "horner")


def loops(program):
    found = []
    for eq in program.equations:
        found += [eq.primitive.name] if eq.primitive.name in ("scan", "while") else []
        found += [name for p in eq.programs for name in loops(p)]
    return found


@pytest.mark.parametrize("f", [f for f in CASES if f.__name__ in ROLLED + UNROLLED], ids=name)
def test_long_loops_are_rolled(f):
    program = wg.trace(adopt(f))(*types(CASES[f][0]))
    assert bool(loops(program)) == (f.__name__ in ROLLED)


def test_ten_thousand_rounds():
    def f(x):
        y = np.zeros((10000, 2))
        for i in range(10000):
            x = x + 1e-4 * np.array([-x[1], x[0]])
            y[i] = x
        return np.sum(y[-1] ** 2)

    gradient = wg.trace(wg.grad(adopt(f)))(wg.ArrayType((2,), float))
    assert len(gradient.equations) < 40
    x = np.array([1.0, 0.5])
    np.testing.assert_allclose(gradient(x), 2 * x * (1 + 1e-8) ** 10000, rtol=1e-9)


def test_float32_stays():
    def f(x):
        s, k = 0.0, 1
        for i in range(20):
            s = s + x * 0.5 * i
            if s > 3:
                k = 2.5
        while s > 1:
            s = s / 2
        return s * k

    (kind,) = wg.trace(adopt(f))(wg.ArrayType((), np.float32)).out_types
    assert kind.dtype == f(np.float32(1.5)).dtype == np.float32
