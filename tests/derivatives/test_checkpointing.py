"""Checkpointing: schedules against dynamic programming and formulas, loops against plain ones, plans against memory."""

import functools
import math
import tracemalloc

import numpy as np
import pytest

import wengert as wg
from wengert.derivatives.checkpointing import schedules
from wengert.derivatives.checkpointing.schedules import Advance, Restore, Reverse, Store, executed
from wengert.errors import ShapeError, UnsupportedFunctionError
from wengert.primitives import elementwise

binomial = wg.checkpointing.binomial


# schedules -------------------------------------------------------------------------------------------------------
@functools.cache
def best(n, snapshots):
    """The fewest advances, by dynamic programming over all places of the next snapshot."""
    if n <= 1:
        return 0
    if snapshots == 1:
        return n * (n - 1) // 2
    return min(m + best(n - m, snapshots - 1) + best(m, snapshots) for m in range(1, n))


@pytest.mark.parametrize("snapshots", range(1, 8))
def test_binomial_is_optimal(snapshots):
    for n in range(50):
        found = executed(schedules.binomial(n, snapshots))
        assert found.reversed == n and found.slots <= snapshots
        assert found.advanced == best(n, snapshots) == schedules.fewest_advances(n, snapshots)


def test_binomial_of_many_rounds():
    """t = 4, as C(23, 3) < 10^4 <= C(24, 4): 4 n - C(24, 3) advances."""
    found = executed(schedules.binomial(10_000, 20))
    assert found == (4 * 10_000 - math.comb(24, 3), 10_000, 20)
    assert schedules.recomputed(10_000, 20) == found.advanced - 9_999


def test_schedules_of_other_kinds():
    for n in range(40):
        for k in range(1, n + 2):
            assert executed(schedules.uniform(n, k)).reversed == n
        assert executed(schedules.sqrt(n)).slots <= 2 * math.isqrt(n) + 2
        for snapshots in range(1, 7):
            found = executed(schedules.online(iter(range(n)), snapshots))
            assert found.reversed == n and found.slots <= snapshots
    assert executed(schedules.uniform(100, 10)) == (180, 100, 19)  # all rounds of the segments but the last, twice


@pytest.mark.parametrize(
    "wrong",
    [
        [Store(0), Advance(0, 2), Reverse(1)],
        [Store(0), Advance(0, 1), Reverse(1)],
        [Store(0), Advance(0, 1), Reverse(1), Reverse(0)],
        [Store(0), Advance(0, 1), Reverse(1), Restore(0), Advance(1, 2)],
    ],
)
def test_the_interpreter_refuses_what_is_no_schedule(wrong):
    with pytest.raises(AssertionError):
        executed(wrong)


def test_no_snapshots():
    with pytest.raises(ShapeError, match="snapshots=1 or more"):
        binomial(0)
    with pytest.raises(ShapeError, match="every=1 or more"):
        schedules.uniform(3, 0)


# loops -----------------------------------------------------------------------------------------------------------
S = np.linspace(0.1, 1.0, 5)
LOOPS = [
    {},
    {"reverse": True},
    {"xs": np.linspace(0, 0.1, 17)},
    {"xs": np.linspace(0, 0.1, 17), "reverse": True},
    {"n": 0},
    {"n": 1},
    {"n": 2},
]


def total(s, checkpoint, n=30, reverse=False, xs=None, w=1.01):
    def step(c, x):
        return np.sin(c) * w + 0.01 * c * c + (0 if x is None else x), np.sum(c)

    length = None if xs is not None else n
    c, ys = wg.scan(step, s, xs, length=length, checkpoint=checkpoint, reverse=reverse)
    return np.sum(c) + np.sum(ys * ys)


@pytest.mark.parametrize("loop", LOOPS, ids=str)
@pytest.mark.parametrize("snapshots", [1, 3, 100])
def test_binomial_changes_no_derivative(snapshots, loop):
    plain = wg.grad(lambda s, w: total(s, False, **loop, w=w), argnums=(0, 1))(S, 1.01)
    for run in (lambda f: f, wg.jit):
        f = run(wg.grad(lambda s, w: total(s, binomial(snapshots), **loop, w=w), argnums=(0, 1)))
        for a, b in zip(f(S, 1.01), plain, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_rows_have_adjoints():
    x = np.linspace(0, 0.1, 17)
    for reverse in (False, True):
        f, g = (wg.grad(lambda x, c=c: total(S, c, xs=x, reverse=reverse)) for c in ("binomial", False))  # noqa: B023
        np.testing.assert_allclose(f(x), g(x), rtol=1e-12)
        np.testing.assert_allclose(wg.jit(f)(x), g(x), rtol=1e-12)


SECOND = {
    "forward of reverse": lambda f: wg.jacfwd(wg.grad(f)),
    "reverse of reverse": lambda f: wg.jacrev(wg.grad(f)),
    "reverse of forward": lambda f: wg.jacrev(wg.jacfwd(f)),
    "compiled": lambda f: wg.jit(wg.jacrev(wg.grad(f))),
}


@pytest.mark.parametrize("second", SECOND)
def test_second_derivatives(second):
    expected = wg.hessian(lambda s: total(s, False, n=9))(S)
    np.testing.assert_allclose(SECOND[second](lambda s: total(s, binomial(3), n=9))(S), expected, rtol=1e-10)


def test_lanes_and_forward_mode():
    f, g = (lambda s, c=c: total(s, c) for c in (binomial(3), False))
    both = np.stack([S, 2 * S])
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(both), wg.vmap(wg.grad(g))(both), rtol=1e-12)
    of_lanes = (wg.grad(lambda s, h=h: np.sum(wg.vmap(h)(s)))(both) for h in (f, g))
    np.testing.assert_allclose(*of_lanes, rtol=1e-12)
    np.testing.assert_allclose(wg.jvp(f, (S,), (S,)), wg.jvp(g, (S,), (S,)), rtol=1e-12)
    y, linear = wg.linearize(f, S)
    np.testing.assert_allclose([y, linear(S)], [g(S), wg.grad(g)(S) @ S], rtol=1e-12)


def test_fori_loop_and_what_is_no_schedule():
    def f(x, **kw):
        return wg.fori_loop(0, 50, lambda i, v: np.sin(v) + x * i * 1e-3, x, **kw)

    expected = wg.grad(f)(1.0)
    for checkpoint in ("binomial", binomial(4)):
        assert wg.grad(lambda x, c=checkpoint: f(x, checkpoint=c))(1.0) == pytest.approx(expected, rel=1e-12)
    for wrong in ("often", -3, 2.5):
        with pytest.raises(UnsupportedFunctionError, match=r"checkpoint="):
            wg.grad(lambda x, c=wrong: f(x, checkpoint=c))(1.0)


# cost, measured --------------------------------------------------------------------------------------------------
def rk4(v, h=1e-3):
    """A step of v' = -arctan(v)."""
    f = np.arctan
    k1 = f(v)
    k2 = f(v - h / 2 * k1)
    k3 = f(v - h / 2 * k2)
    return v - h / 6 * (k1 + 2 * k2 + 2 * k3 + f(v - h * k3))


def decay(x, n, checkpoint, h=1e-3):
    return np.sum(wg.scan(lambda v, _: (rk4(v, h), None), x, length=n, checkpoint=checkpoint)[0] ** 2)


@pytest.mark.parametrize(("n", "snapshots"), [(300, 5), (10_000, 20)])
def test_rounds_that_are_run_again(monkeypatch, n, snapshots):
    """Each round evaluates arctan four times: forwards, when it is run again, and when it is reversed."""
    calls, arctan = 0, elementwise.arctan.impl

    def counting(*args):
        nonlocal calls
        calls += 1
        return arctan(*args)

    monkeypatch.setattr(elementwise.arctan, "impl", counting)
    h = 1 / (n + 1)  # a round that nobody has met before, and has made into a function that does not count
    wg.grad(lambda x: decay(x, n, binomial(snapshots), h))(np.ones(3))
    last = n  # of the last stage of a reversed round only the slope is needed, not the value
    assert 4 * n + 4 * schedules.recomputed(n, snapshots) + 4 * n - last == calls


@pytest.mark.parametrize("snapshots", [5, 20])
def test_compiled_memory_is_as_planned(snapshots):
    n, x = 10_000, np.linspace(0.1, 1.0, 20_000)
    round = wg.jit(lambda v, b: wg.vjp(rk4, v)[1](b)).memory(x, x)
    plan = binomial(snapshots).plan(n, x.nbytes, int(round))
    measured = wg.jit(wg.grad(lambda x: decay(x, n, binomial(snapshots)))).memory(x)
    assert measured.peak == pytest.approx(plan.bytes, rel=0.1)
    assert plan.snapshots == snapshots and f"{plan.recomputed:,} rounds run again" in str(plan)


# budgets ---------------------------------------------------------------------------------------------------------
def perceptron(weights, x):
    for w in weights:
        x = np.tanh(x @ w)
    return np.sum(x**2)


def layers(depth=24, width=32, rows=128):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(width, width)) / np.sqrt(width) for _ in range(depth)]
    return weights, rng.normal(size=(rows, width))


def test_plan_of_a_chain():
    """Of d layers each keeps one value, and the square its argument (once); the last layer need not be run again."""
    weights, x = layers()
    plan = wg.checkpoint(perceptron).plan(weights, x)
    assert plan.unlimited == plan.peak == pytest.approx(24 * x.nbytes, abs=64)
    third = wg.checkpoint(perceptron, budget=plan.peak / 3).plan(weights, x)
    assert third.peak <= plan.peak / 3 and third.extra <= 1 / 3
    types = wg.tree_map(lambda a: wg.ArrayType(a.shape, a.dtype), (weights, x))
    assert str(wg.checkpoint(perceptron, budget=plan.peak / 3).plan(*types)) == str(third)


def test_the_plan_is_optimal():
    """Against all ways to cut a chain of 9 equal rounds into parts that are kept or run again."""

    def chain(x):
        for _ in range(9):
            x = np.sin(x)
        return x

    n, size = 9, 8 * 1000

    def ways(start):
        if start == n:
            yield []
        for stop in range(start + 1, n + 1):
            for rest in ways(stop):
                yield from ([(start, stop, again), *rest] for again in (False, True))

    def cost(parts):
        """Bytes and rounds, in units of a value: sin keeps its argument, and the first one's is there anyway."""
        held = peak = work = 0
        for start, stop, again in parts:
            inside, handed = stop - 1 - start, 1
            peak = max(peak, held + max(inside, handed if again else inside + handed))
            held += handed if again else inside + handed
            work += (stop - start) * again
        return peak, work

    costs = [cost(parts) for parts in ways(0)]
    for limit in range(4, 11):
        best = min(work for peak, work in costs if peak <= limit)
        plan = wg.checkpoint(chain, budget=limit * size).plan(np.ones(1000))
        assert plan.again == best * 1000 * (plan.forward // (n * 1000))
        assert plan.peak <= limit * size


@pytest.mark.parametrize("limits", [{"budget": 0.3}, {"budget": 0.6}, {"segments": 1}, {"segments": 5}])
def test_budgets_change_no_derivative(limits):
    weights, x = layers(12)
    if "budget" in limits:
        limits = {"budget": limits["budget"] * wg.checkpoint(perceptron).plan(weights, x).unlimited + 2 * x.nbytes}
    f, expected = wg.checkpoint(perceptron, **limits), wg.grad(perceptron)(weights, x)
    assert f(weights, x) == perceptron(weights, x)
    for g in (wg.grad(f), wg.jit(wg.grad(f)), wg.grad(wg.jit(f))):
        for a, b in zip(g(weights, x), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    v = np.cos(x)
    by_x, plain = (wg.grad(lambda x, h=h: h(weights, x)) for h in (f, perceptron))
    np.testing.assert_allclose(wg.jvp(by_x, (x,), (v,))[1], wg.jvp(plain, (x,), (v,))[1], rtol=1e-9, atol=1e-11)


def test_budget_in_memory():
    """A third of what is kept: less than two fifths of the working memory of the compiled gradient."""
    weights, x = layers(rows=1024)
    whole = wg.checkpoint(perceptron).plan(weights, x).unlimited
    f = wg.checkpoint(perceptron, budget=whole / 3)
    plain, thrifty = (wg.jit(wg.grad(g)).memory(weights, x).working for g in (perceptron, f))
    assert thrifty < 0.4 * plain


def test_budgets_that_cannot_be_met():
    weights, x = layers()
    with pytest.raises(ShapeError, match=r"the smallest that is possible is [\d,]+ bytes") as error:
        wg.checkpoint(perceptron, budget="1 kB").plan(weights, x)
    smallest = int("".join(c for c in str(error.value).split("possible is")[1].split("bytes")[0] if c.isdigit()))
    assert wg.checkpoint(perceptron, budget=smallest + 1).plan(weights, x).peak <= smallest + 1
    with pytest.raises(ShapeError, match="smallest"):
        wg.checkpoint(perceptron, budget=0.99 * smallest).plan(weights, x)
    for wrong in ("much", "2 elephants", -1, "."):
        with pytest.raises(ShapeError, match="number of bytes"):
            wg.checkpoint(perceptron, budget=wrong).plan(weights, x)
    with pytest.raises(UnsupportedFunctionError, match="one of them"):
        wg.checkpoint(perceptron, budget=1, segments=1)
    with pytest.raises(UnsupportedFunctionError, match="number of parts"):
        wg.checkpoint(perceptron, segments=0)


def test_budgets_of_small_programs():
    """No equation, no argument that has a derivative, numbers, empty arrays, several results."""
    assert wg.grad(wg.checkpoint(lambda x: x, budget=0))(2.0) == 1.0
    assert wg.grad(wg.checkpoint(np.sin, budget=8))(0.0) == 1.0  # the result
    assert wg.grad(wg.checkpoint(lambda x: np.sum(np.exp(np.sin(x))), budget=64))(np.ones(0)).shape == (0,)
    pair = wg.checkpoint(lambda x, n: {"a": np.exp(np.sin(x)), "b": (x, n)}, budget="1 MiB")
    assert wg.grad(lambda x: pair(x, 3)["a"] + pair(x, 3)["b"][0])(0.0) == 2.0
    assert "0 operations more" in str(wg.checkpoint(lambda n: n + 1, budget=100).plan(3))


# loops of unknown length -----------------------------------------------------------------------------------------
def newton(x, checkpoint=False, small=1e-3):
    """Down a slope until what is left is small: about 700 rounds of small steps."""
    return np.sum(wg.while_loop(lambda v: np.max(v) > small, lambda v: v - 0.01 * np.sin(v), x, checkpoint=checkpoint))


@pytest.mark.parametrize("checkpoint", [True, "online", 1, 30, 10_000])
def test_while_loops(checkpoint):
    x = np.linspace(0.5, 1.0, 4)
    for small in (1e-3, 0.99, 5.0):  # many rounds, one, none
        expected = wg.grad(lambda x: newton(x, small=small))(x)  # noqa: B023
        g = wg.grad(lambda x: newton(x, checkpoint, small))  # noqa: B023
        np.testing.assert_allclose(g(x), expected, rtol=1e-12)
        np.testing.assert_allclose(wg.jit(g)(x), expected, rtol=1e-10)
    assert newton(x, checkpoint) == newton(x)
    forwards = (wg.jvp(lambda x, c=c: newton(x, c), (x,), (x,))[1] for c in (checkpoint, False))
    np.testing.assert_allclose(*forwards, rtol=1e-12)


def test_while_loops_keep_less():
    """About 690 rounds: 37 values and the residuals of 37 rounds instead of those of all."""
    x, peaks = np.linspace(0.5, 1.0, 5000), []
    for checkpoint in (False, "online"):
        g = wg.grad(lambda x, c=checkpoint: newton(x, c))
        g(x[:5])
        tracemalloc.start()
        g(x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] / 5
    with pytest.raises(UnsupportedFunctionError, match="known number of rounds"):
        wg.grad(lambda x: newton(x, binomial(3)))(x)
