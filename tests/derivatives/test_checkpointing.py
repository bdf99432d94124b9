"""Checkpointing of loops: schedules against dynamic programming and formulas, loops against plain ones, and memory."""

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
    assert executed(schedules.uniform(100, 10)) == (180, 100, 19)  # all rounds of the segments but the last, twice


@pytest.mark.parametrize("snapshots", [1, 2, 3, 5, 8])
def test_online_schedules(snapshots):
    """Up to C(s + 2, 2) rounds as few advances as if their number were known; beyond, 16% more at most."""
    for n in range(250):
        found = executed(schedules.online(iter(range(n)), snapshots))
        assert found.reversed == n and found.slots <= snapshots
        known = schedules.fewest_advances(n, snapshots)
        assert known <= found.advanced <= 1.16 * known
        if n <= math.comb(snapshots + 2, 2):
            assert found.advanced == known


def can_be_online(n, snapshots):
    """Can all numbers of rounds up to n be reversed with the fewest advances? By search over all sets of snapshots."""
    states = {(0,)}
    for k in range(3, n + 1):
        found = set()
        for kept in states:  # the state before round k - 2 is left; one of the others may be given up for it
            for base in (kept, *(tuple(p for p in kept if p != gone) for gone in kept[1:])):
                found.update(
                    c for c in (base, (*base, k - 2)) if len(c) <= snapshots and total_advances(k, c, snapshots)
                )
        states = found
    return bool(states)


def total_advances(n, kept, snapshots):
    """Are n rounds reversed with the fewest advances from these snapshots?"""
    advances, stop = n - 1, n - 1
    for used, start in sorted(enumerate(kept), reverse=True):
        advances, stop = advances + best(stop - start, snapshots - used), start
    return advances == best(n, snapshots)


@pytest.mark.parametrize(("snapshots", "most"), [(2, 6), (3, 10)])
def test_the_range_in_which_an_online_schedule_can_be_optimal(snapshots, most):
    """C(s + 2, 2), which the schedule reaches (Stumm and Walther, theorem 3.4): no other does better for all n."""
    assert most == math.comb(snapshots + 2, 2)
    assert can_be_online(most, snapshots) and not can_be_online(most + 2, snapshots)


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


# loops of unknown length -----------------------------------------------------------------------------------------
def newton(x, checkpoint=False, small=1e-3):
    """Down a slope until what is left is small: about 700 rounds of small steps."""
    return np.sum(wg.while_loop(lambda v: np.max(v) > small, lambda v: v - 0.01 * np.sin(v), x, checkpoint=checkpoint))


online = wg.checkpointing.online


@pytest.mark.parametrize("checkpoint", [True, "online", 1, 30, 10_000, online(1), online(3), online(1000)], ids=str)
def test_while_loops(checkpoint):
    x = np.linspace(0.5, 1.0, 4)
    for small in (0.1, 0.99, 5.0):  # many rounds, one, none
        expected = wg.grad(lambda x: newton(x, small=small))(x)  # noqa: B023
        g = wg.grad(lambda x: newton(x, checkpoint, small))  # noqa: B023
        np.testing.assert_allclose(g(x), expected, rtol=1e-12)
        np.testing.assert_allclose(wg.jit(g)(x), expected, rtol=1e-10)
    assert newton(x, checkpoint) == newton(x)
    forwards = (wg.jvp(lambda x, c=c: newton(x, c), (x,), (x,))[1] for c in (checkpoint, False))
    np.testing.assert_allclose(*forwards, rtol=1e-12)


@pytest.mark.parametrize("checkpoint", ["online", online(2)], ids=str)
def test_while_loops_in_lanes_and_of_higher_order(checkpoint):
    """Lanes that stop at different rounds; second derivatives."""
    x = np.linspace(0.5, 1.0, 3)
    both, small = np.stack([x, x / 3]), 0.3
    expected = [wg.grad(lambda x: newton(x, small=small))(row) for row in both]
    np.testing.assert_allclose(wg.vmap(wg.grad(lambda x: newton(x, checkpoint, small)))(both), expected, rtol=1e-11)
    of_lanes = wg.grad(lambda both: np.sum(wg.vmap(lambda x: newton(x, checkpoint, small))(both)))
    np.testing.assert_allclose(of_lanes(both), expected, rtol=1e-11)
    second = wg.hessian(lambda x: newton(x, small=small))(x)
    for transform in (lambda g: wg.jacrev(wg.grad(g)), lambda g: wg.jacfwd(wg.grad(g))):
        found = transform(lambda x: newton(x, checkpoint, small))(x)
        np.testing.assert_allclose(found, second, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("checkpoint", [True, 7, "binomial", "online", binomial(2), online(3)], ids=str)
def test_fori_loops_of_traced_bounds(checkpoint):
    def f(x, n, **kw):
        return wg.fori_loop(0, n, lambda i, v: np.sin(v) + x * i * 1e-3, x, **kw)

    gradient = wg.grad(lambda x, n: f(x, n, checkpoint=checkpoint))
    compiled = wg.jit(gradient)
    counts = (0, 1, 2, 30)
    expected = [wg.grad(lambda x: f(x, n))(1.0) for n in counts]  # noqa: B023
    for n, slope in zip(counts, expected, strict=True):
        assert compiled(1.0, n) == pytest.approx(slope, rel=1e-12)
        assert gradient(1.0, n) == pytest.approx(slope, rel=1e-12)
    np.testing.assert_allclose(wg.vmap(gradient)(np.ones(4), np.array(counts)), expected, rtol=1e-12)


@pytest.mark.parametrize("schedule", [binomial(4), online(4)], ids=str)
def test_rounds_of_unknown_number_that_are_run_again(monkeypatch, schedule):
    """As many as the schedule says, though it is followed by arrays of integers."""
    calls, arctan = 0, elementwise.arctan.impl

    def counting(*args):
        nonlocal calls
        calls += 1
        return arctan(*args)

    monkeypatch.setattr(elementwise.arctan, "impl", counting)
    for n in (1, 14, 60):
        h, calls = 1 / (n + (17 if schedule == online(4) else 117)), 0  # a round that nobody has met before

        def gradient(n, h=h):
            def loop(x):
                return wg.fori_loop(0, n, lambda i, v: v - h * np.arctan(v), x, checkpoint=schedule)

            return wg.vjp(loop, 1.0)[1](1.0)

        wg.vmap(gradient)(np.array([n]))  # a number of rounds that is traced; the slope needs no arctan
        assert calls == n + schedule.recomputed(n)


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


def test_memory_of_an_online_schedule():
    """Some 460 rounds of 40 kB: some copies of ten states and the present one, whatever n is; compiled and not."""
    x = np.linspace(0.5, 1.0, 5000)
    g = wg.grad(lambda x: newton(x, online(10), 1e-2))
    g(x[:5])
    tracemalloc.start()
    g(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * x.nbytes  # NumPy makes an array anew to change a row of it
    assert wg.jit(g).memory(x).peak < 60 * x.nbytes  # the states there, back, and while they move


def test_schedules_that_a_while_loop_cannot_follow():
    class Mine:
        def actions(self, n):
            return schedules.binomial(n, 3)

    x = np.linspace(0.5, 1.0, 4)
    with pytest.raises(UnsupportedFunctionError, match="known number of rounds"):
        wg.grad(lambda x: newton(x, binomial(3)))(x)
    loop = wg.jit(lambda x, n: wg.fori_loop(0, n, lambda i, v: v * x, x, checkpoint=Mine()))
    with pytest.raises(UnsupportedFunctionError, match="schedule of its own"):
        loop(2.0, 5)
