"""Reverse mode through 10,000 Runge-Kutta steps in the memory of a few: the Lorenz-96 system.

    x_k' = (x_(k+1) - x_(k-2)) x_(k-1) - x_k + F,  periodic;  the value is |x(T)|^2

E. N. Lorenz, Predictability: a problem partly solved, 1996.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.structure import clock
from benchmarks.structure.others import jax as find_jax
from benchmarks.structure.rows import Row, Target
from wengert.derivatives.checkpointing.schedules import executed, recomputed

STEPS, SNAPSHOTS = 10_000, 20
N, LARGE = 2_000, 10_000  # unknowns where time is measured, and where memory is
H, FORCE = 1e-4, 8.0


def step_of(np: Any) -> Callable[[Any], Any]:
    """One step of the classical Runge-Kutta method, in one library's language."""

    def velocity(x):
        return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + FORCE

    def step(x):
        k1 = velocity(x)
        k2 = velocity(x + 0.5 * H * k1)
        k3 = velocity(x + 0.5 * H * k2)
        k4 = velocity(x + H * k3)
        return x + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    return step


def own(checkpoint: Any) -> Callable[[Any], Any]:
    """The compiled gradient with a schedule."""
    step = step_of(np)

    def energy(x):
        return np.sum(wg.scan(lambda x, _: (step(x), None), x, length=STEPS, checkpoint=checkpoint)[0] ** 2)

    return wg.jit(wg.grad(energy))


def of_jax(jax: Any) -> Callable[[Any], Any]:
    """What a user of JAX writes: a loop of loops, of which the inner one is run again; 100 carries, then 100 more."""
    step, part = step_of(jax.numpy), round(STEPS**0.5)

    def rounds(x, _):
        return jax.lax.scan(lambda x, _: (step(x), None), x, None, length=part)[0], None

    def energy(x):
        return jax.numpy.sum(jax.lax.scan(jax.checkpoint(rounds), x, None, length=STEPS // part)[0] ** 2)

    return jax.jit(jax.grad(energy))


def start(n: int) -> np.ndarray:
    """A state that is not in equilibrium."""
    return 1.0 + np.sin(0.1 * np.arange(n))


def rows() -> list[Row]:
    """Rounds, bytes, seconds."""
    return [rounds(), memory(), seconds()]


def rounds() -> Row:
    """What the schedule runs again, counted by running it on positions; and the optimum of the formula."""
    count = executed(wg.checkpointing.binomial(snapshots=SNAPSHOTS).actions(STEPS))
    again, optimum = count.advanced - (STEPS - 1), recomputed(STEPS, SNAPSHOTS)
    targets = (
        Target("rounds run again", again, "equal to", optimum),
        Target("snapshots", count.slots, "at most", SNAPSHOTS),
    )
    numbers = {"wengert": again, "optimum": optimum}
    return Row(f"{STEPS} rounds, {SNAPSHOTS} snapshots", "rounds run again", numbers, targets)


def memory() -> Row:
    """Bytes by the plan, before the gradient runs; then those that its first call asks for, beside its argument."""
    schedule, x = wg.checkpointing.binomial(snapshots=SNAPSHOTS), start(LARGE)
    gradient = own(schedule)
    plan = gradient.memory(x)
    planned = plan.peak - plan.arguments
    numbers = {
        "planned": planned,
        # not of the first, which compiles, but of those after it that read the machine code
        "measured": min(allocated(own(schedule), x) for _ in range(3)),
        "of which carries": schedule.plan(STEPS, x.nbytes).bytes,
        "all carries": STEPS * x.nbytes,
    }
    ratio = numbers["measured"] / planned
    targets = (
        Target("measured over planned", ratio, "at most", 1.1),
        Target("measured over planned", ratio, "at least", 0.9),
    )
    note = "planned by gradient.memory(x); measured as the most that Python and NumPy hold at one time (tracemalloc)"
    return Row(f"{LARGE} unknowns, {STEPS} rounds", "bytes", numbers, targets, note)


def allocated(f: Callable[[Any], Any], x: Any) -> int:
    """The most bytes that Python and NumPy hold at one time in a first call, beyond what they held before it."""
    f.memory(x)  # type: ignore[attr-defined]  # records the program
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        f(x)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def seconds() -> Row:
    """The gradient without checkpoints, with segments of 100 rounds, with 20 snapshots; and JAX's."""
    x, jax = start(N), find_jax()
    ways = {"all rounds kept": False, "segments of 100": True, "20 snapshots": wg.checkpointing.binomial(SNAPSHOTS)}
    gradients = {f"wengert, {name}": own(schedule) for name, schedule in ways.items()}
    calls = {name: lambda g=g: g(x) for name, g in gradients.items()}
    if jax:
        gradient, there = of_jax(jax), jax.numpy.asarray(x)
        calls["JAX, segments of 100"] = lambda: gradient(there).block_until_ready()
    clock.agree({name: call() for name, call in calls.items()})
    taken = clock.race(calls, fill_s=0.0)
    targets = []
    if jax:
        ratio = taken["wengert, segments of 100"] / taken["JAX, segments of 100"]
        targets.append(Target("time over that of JAX, both in segments of 100", ratio, "at most", 1.0))
    return Row(f"{N} unknowns, {STEPS} rounds", "s", taken, tuple(targets))
