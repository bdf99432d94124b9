"""Random compositions of array operations: every mode against differences in extended precision, loops and JAX."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings

import wengert as wg
from random_programs import NUMPY, Library, RandomProgram, functional, programs
from random_statements import Statements, statements
from wengert.core.check import check

OURS = NUMPY  # NumPy's own namespace: its functions hand tracers over to us


def examples(n: int) -> settings:
    """So many random programs; ten times as many with --hypothesis-profile explore."""
    return settings(max_examples=n * settings.default.max_examples // 100)


def smooth(program: RandomProgram) -> None:
    """Leave out what overflows; differences could not judge it."""
    with np.errstate(all="ignore"):
        largest = program.largest()
    assume(np.isfinite(largest) and largest < 30)


def extended(xs):
    """In the longest format there is."""
    return tuple(np.asarray(x, np.longdouble) for x in xs)


def directions(xs, seed=3):
    rng = np.random.default_rng(seed)
    return tuple(np.asarray(rng.uniform(-1, 1, x.shape)) for x in xs)


def pair(a, b):
    return sum(np.sum(x * y) for x, y in zip(a, b, strict=True))


@examples(200)
@given(programs())
def test_first_derivatives_against_differences(program):
    smooth(program)
    xs, f = program.inputs, lambda *xs: program(OURS, *xs)
    v = directions(xs)
    want = float(wg.numeric.directional(f, extended(xs), extended(v), method="ridders"))
    value, tangent = wg.jvp(f, xs, v)
    both, grads = wg.value_and_grad(f, (0, 1))(*xs)
    np.testing.assert_allclose([value, both], f(*xs), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(tangent, want, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(pair(grads, v), want, rtol=1e-8, atol=1e-10)
    for x, g in zip(xs, grads, strict=True):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)


@examples(80)
@given(programs(max_steps=6))
def test_second_derivatives_against_differences_of_gradients(program):
    smooth(program)
    xs, f = program.inputs, lambda *xs: program(OURS, *xs)
    v, w = directions(xs), directions(xs, 4)
    gradient = wg.grad(f, (0, 1))
    want = wg.numeric.directional(gradient, xs, v, method="ridders")
    forward = wg.jvp(gradient, xs, v)[1]
    for a, b in zip(forward, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7 * (1 + np.max(np.abs(b), initial=0)))
    reverse = wg.grad(lambda *xs: pair(gradient(*xs), w), (0, 1))(*xs)
    np.testing.assert_allclose(pair(reverse, v), pair(forward, w), rtol=1e-9, atol=1e-11)


@examples(80)
@given(programs())
def test_vmap_against_a_loop(program):
    smooth(program)
    f = lambda *xs: program(OURS, *xs)
    lanes = [program.inputs, tuple(0.9 * x for x in program.inputs), tuple(-x for x in program.inputs)]
    stacked = [np.stack(column) for column in zip(*lanes, strict=True)]
    np.testing.assert_allclose(wg.vmap(f)(*stacked), [f(*xs) for xs in lanes], rtol=1e-12, atol=1e-14)
    g = wg.grad(f, (0, 1))
    for k, got in enumerate(wg.vmap(g)(*stacked)):
        np.testing.assert_allclose(got, np.stack([g(*xs)[k] for xs in lanes]), rtol=1e-10, atol=1e-12)
    got = wg.vmap(g, in_axes=(None, 0))(program.inputs[0], stacked[1])[0]
    want = np.stack([g(program.inputs[0], xs[1])[0] for xs in lanes])
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@examples(80)
@given(programs())
def test_recorded_programs(program):
    smooth(program)
    xs, f = program.inputs, lambda *xs: program(OURS, *xs)
    recorded = check(wg.trace(f, abstract=True)(*xs))
    other = tuple(0.8 * x for x in xs)
    np.testing.assert_allclose(recorded(*other), f(*other), rtol=1e-14, atol=1e-15)
    derivative = check(wg.trace(wg.grad(f, (0, 1)), abstract=True)(*xs))
    for got, again, want in zip(
        derivative(*other), wg.grad(recorded, (0, 1))(*other), wg.grad(f, (0, 1))(*other), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(again, want, rtol=1e-10, atol=1e-13)


@examples(60)
@given(programs())
def test_single_precision_gradients_are_single(program):
    smooth(program)
    xs = tuple(x.astype(np.float32) for x in program.inputs)
    f = lambda *xs: program(OURS, *xs)
    value, low = wg.value_and_grad(f, (0, 1))(*xs)
    assert value.dtype == np.float32
    for x, g, high in zip(xs, low, wg.grad(f, (0, 1))(*program.inputs), strict=True):
        assert (g.shape, g.dtype) == (x.shape, np.float32)
        np.testing.assert_allclose(g, high, rtol=1e-2, atol=1e-3)


@examples(20)
@given(programs(max_steps=4))
def test_against_jax(program):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    smooth(program)
    lax = SimpleNamespace(**vars(jax.lax) | {"while_loop": lambda test, step, s: step(step(step(s)))})
    theirs = Library(jax.numpy, functional, jax, lax)  # JAX does not go back through while; here it has three rounds
    with jax.disable_jit(False):
        value, grads = jax.value_and_grad(lambda *xs: program(theirs, *xs), (0, 1))(
            *map(jax.numpy.asarray, program.inputs)
        )
    got_value, got = wg.value_and_grad(lambda *xs: program(OURS, *xs), (0, 1))(*program.inputs)
    np.testing.assert_allclose(got_value, value, rtol=1e-12)
    for a, b in zip(got, grads, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


# shared memory -------------------------------------------------------------------------------------------------------
@examples(200)
@given(statements())
def test_views_and_assignments_against_numpy(program):
    """Values are NumPy's, whatever shares memory with what; where NumPy raises, so do we."""
    expected = program.expected()
    if expected is None:
        with pytest.raises((ValueError, IndexError, TypeError)):
            wg.grad(program)(*program.inputs)
    else:
        assume(np.isfinite(expected) and abs(expected) < 1e3)
        agrees_with_numpy(program, expected)


@examples(80)
@given(statements())
def test_views_and_assignments_batched_and_recorded(program):
    expected = program.expected()
    assume(expected is not None and np.isfinite(expected))
    agrees_with_itself(program)


def agrees_with_numpy(program: Statements, expected: float) -> None:
    xs, v = program.inputs, directions(program.inputs)
    want = float(wg.numeric.directional(program, extended(xs), extended(v), method="ridders"))
    value, tangent = wg.jvp(program, xs, v)
    both, grads = wg.value_and_grad(program, (0, 1))(*xs)
    np.testing.assert_allclose([value, both], expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose([tangent, pair(grads, v)], want, rtol=1e-7, atol=1e-8)


def agrees_with_itself(program: Statements) -> None:
    xs = program.inputs
    lanes = [xs, tuple(0.9 * x for x in xs)]
    stacked = [np.stack(column) for column in zip(*lanes, strict=True)]
    np.testing.assert_allclose(wg.vmap(program)(*stacked), [program(*x) for x in lanes], rtol=1e-12, atol=1e-14)
    recorded = check(wg.trace(program, abstract=True)(*xs))
    np.testing.assert_allclose(recorded(*lanes[1]), program(*lanes[1]), rtol=1e-13, atol=1e-14)
    for a, b in zip(wg.grad(recorded, (0, 1))(*xs), wg.grad(program, (0, 1))(*xs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


# What such programs have found, in one line each: the statement and the shapes.
FOUND = {
    "a flattened array that was filled by broadcasting is a view": [("out", 1, 0, 0, 2), ("view", 1, 0, 3, 0),
        ("augmented", 0, 0, 0, 0), ("set", 1, 0, 0, 0)],
    "a view of an array that was filled with one number, in lanes": [("view", 0, 0, 0, 0), ("out", 0, 0, 0, 4),
        ("compute", 2, 0, 5, 0)],
    "a contiguous array of a flipped one is a copy": [("compute", 0, 0, 0, 0), ("view", 0, 0, 0, 0),
        ("view", 0, 0, 11, 0), ("compute", 4, 0, 9, 0), ("set", 0, 0, 0, 0)],
    "a flattened array of a flipped one is a copy, also where types alone are known": [("view", 0, 0, 11, 0),
        ("view", 2, 0, 3, 0), ("set", 0, 1, 0, 0)],
}  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3)])
def test_programs_that_were_wrong_once(text, shape, rng):
    program = Statements((rng.uniform(-1, 1, shape), rng.uniform(-1, 1, (3,))), FOUND[text])
    agrees_with_numpy(program, program.expected())
    agrees_with_itself(program)
