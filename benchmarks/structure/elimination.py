"""Jacobians by elimination: four programs of the literature.

The count is that of the literature: every operation is a vertex, every product of two edges a multiplication. What the
compiled Jacobian really multiplies is less: it is the second table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.structure import clock
from benchmarks.structure.elimination_programs import PROGRAMS, PUBLISHED
from benchmarks.structure.others import jax as find_jax
from benchmarks.structure.rows import Row, Target
from wengert.derivatives.elimination.linearise import Linearisation
from wengert.derivatives.elimination.orders import RULES, total
from wengert.derivatives.elimination.search import search

TRIALS, BATCH = 4000, 1000
HEURISTIC = {"HumanHeartDipole": 172, "PropaneCombustion": 88, "RobotArm_6DOF": 288, "RoeFlux_1d": 364}
SEARCHED = {"HumanHeartDipole": 150, "PropaneCombustion": 88, "RobotArm_6DOF": 240, "RoeFlux_1d": 325}


def rows() -> list[Row]:
    """Counts of the literature, counts of what is carried out, and times."""
    return [*map(counted, PROGRAMS), *map(carried_out, PROGRAMS), *(r for name in PROGRAMS for r in timed(name))]


def counted(name: str) -> Row:
    """Products of edges, by each order; beside them the best that is published."""
    f, x = PROGRAMS[name]
    graph = Linearisation(wg.trace(f)(*x)).graph
    found = {rule: total(graph, order(graph, "pairs"), "pairs") for rule, order in RULES.items()}
    searched = total(graph, search(graph, "pairs", TRIALS, 0), "pairs")
    published = dict(zip(("forward", "reverse", "markowitz"), PUBLISHED[name], strict=False))
    clock.agree({"published": list(published.values()), "found": [found[rule] for rule in published]})
    targets = (
        Target("by the best rule", min(found.values()), "at most", HEURISTIC[name]),
        Target("by search", searched, "at most", SEARCHED[name]),
    )
    return Row(name, "products of edges", {**found, "search": searched, "best published": PUBLISHED[name][-1]}, targets)


@functools.cache
def planned(name: str) -> wg.elimination.Plan:
    """What the search finds."""
    f, x = PROGRAMS[name]
    return wg.elimination.jacobian(f, argnums=tuple(range(len(x))), order="search", trials=TRIALS).plan(*x)


def carried_out(name: str) -> Row:
    """Multiplications that are carried out, by each order."""
    plan = planned(name)
    return Row(name, "multiplications carried out", {**plan.costs, "search": plan.multiplications})


def ways(name: str) -> Iterator[tuple[str, Callable, Callable]]:
    """Jacobians, by the name of a way, and what compiles and what batches them."""
    f, x = PROGRAMS[name]
    every = tuple(range(len(x)))
    yield "wengert, elimination", wg.elimination.jacobian(f, argnums=every, order=planned(name).steps), wg
    yield "wengert, forward", wg.jacfwd(f, argnums=every), wg
    yield "wengert, reverse", wg.jacrev(f, argnums=every), wg
    if jax := find_jax():
        g = functools.partial(f, np=jax.numpy)
        yield "JAX, forward", jax.jacfwd(g, argnums=every), jax
        yield "JAX, reverse", jax.jacrev(g, argnums=every), jax


def timed(name: str) -> Iterator[Row]:
    """At one point, and at many."""
    x = PROGRAMS[name][1]
    points = [np.linspace(0.9, 1.1, BATCH) * v for v in x]
    for title, args, batched in ((f"{name}, one point", x, False), (f"{name}, {BATCH} points", points, True)):
        calls = {}
        for way, jacobian, library in ways(name):
            g = library.jit(library.vmap(jacobian) if batched else jacobian)
            calls[way] = functools.partial(waited, g, args)
        clock.agree({way: call() for way, call in calls.items()}, rtol=1e-8)
        taken = clock.race(calls, fill_s=0.2)
        of_jax = [t for way, t in taken.items() if way.startswith("JAX")]
        yield Row(title, "s", taken, targets(taken["wengert, elimination"], of_jax))


def waited(g: Callable, args: Any) -> Any:
    """A call that ends when its results are there."""
    found = g(*args)
    leaf = found[0][0]
    if hasattr(leaf, "block_until_ready"):
        leaf.block_until_ready()
    return found


def targets(ours: float, of_jax: list[float]) -> tuple[Target, ...]:
    """No slower than the faster of JAX's."""
    return (
        (Target("time over that of the faster of JAX's modes", ours / min(of_jax), "at most", 1.0),) if of_jax else ()
    )
