"""The tenth derivative of a function of 35 operations."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.structure import clock
from benchmarks.structure.others import jax as find_jax
from benchmarks.structure.rows import Row, Target

ORDER, AT = 10, 0.3
NESTED = {  # the orders to which nesting takes seconds: each order more takes three times as long
    "wengert eager, nested grad": 10,
    "wengert, nested grad": 6,
    "JAX eager, nested grad": 6,
    "JAX, nested grad": 5,
}
SLOW_S = 1.0  # what takes longer is called once


def text(np: Any) -> Callable[[Any], Any]:
    """Five rounds of sines and Gaussians, in one library's language: 35 operations."""

    def f(x):
        for k in range(5):
            x = np.sin(x) * 0.9 + np.exp(-x * x) / (1.5 + k)
        return x

    return f


def nested(grad: Callable, f: Callable, order: int) -> Callable:
    """The derivative of this order, by nesting."""
    for _ in range(order):
        f = grad(f)
    return f


def own() -> dict[str, Callable]:
    """The ways of this library: the derivative of an order at a point, compiled or not."""
    f = text(np)
    return {
        "wengert": lambda order: wg.jit(lambda x: wg.derivatives(f, x, order=order)[order]),
        "wengert eager": lambda order: lambda x: wg.derivatives(f, x, order=order)[order],
        "wengert eager, nested grad": lambda order: nested(wg.grad, f, order),
        "wengert, nested grad": lambda order: wg.jit(nested(wg.grad, f, order)),
    }


def of_jax(jax: Any) -> dict[str, Callable]:
    """Those of JAX, jet's coefficients being derivatives."""
    from jax.experimental.jet import jet

    f = text(jax.numpy)

    def series(x, order):
        return jet(f, (x,), ([1.0] + [0.0] * (order - 1),))[1][-1]

    block = lambda g: lambda x: g(x).block_until_ready()
    return {
        "JAX jet": lambda order: block(jax.jit(lambda x: series(x, order))),
        "JAX eager, nested grad": lambda order: nested(jax.grad, f, order),
        "JAX, nested grad": lambda order: block(jax.jit(nested(jax.grad, f, order))),
    }


def first_call(make: Callable[[], Callable]) -> tuple[Callable, float]:
    """A function, and the seconds that it took to make and to call it once: tracing and compiling included."""
    start = time.perf_counter()
    g = make()
    g(AT)
    return g, time.perf_counter() - start


def rows() -> list[Row]:
    jax = find_jax()
    ways = own() | (of_jax(jax) if jax else {})
    clock.agree({name: way(4)(AT) for name, way in ways.items()})  # and whatever loads once has been loaded
    orders = {name: NESTED.get(name, ORDER) for name in ways}
    made = {name: first_call(lambda name=name: ways[name](orders[name])) for name in ways}
    clock.agree({name: g(AT) for name, (g, _) in made.items() if orders[name] == ORDER}, rtol=1e-7)
    first = {name: seconds for name, (_, seconds) in made.items()}
    calls = {name: lambda g=g: g(AT) for name, (g, _) in made.items() if compiles(name) or first[name] < SLOW_S}
    return [once(first), again(clock.race(calls))]


def compiles(name: str) -> bool:
    """Is a later call faster than the first?"""
    return "eager" not in name


def once(first: dict[str, float]) -> Row:
    """The first call, by which nesting is judged where nothing is compiled."""
    targets = [
        Target(f"time of {name} to order {order}, over that of {ORDER} by series, eager", ratio, "at least", 20)
        for name, order in NESTED.items()
        if name in first and not compiles(name)
        for ratio in [first[name] / first["wengert eager"]]
    ]
    orders = ", ".join(f"{name} {order}" for name, order in NESTED.items())
    note = f"orders of nested gradients: {orders}; every order more takes three times as long to compile or to run"
    return Row(f"order {ORDER}, first call", "s", first, tuple(targets), note)


def again(taken: dict[str, float]) -> Row:
    """Calls of what is compiled."""
    targets = []
    if "JAX jet" in taken:
        targets.append(Target("time over that of JAX jet", taken["wengert"] / taken["JAX jet"], "at most", 1.0))
    return Row(f"order {ORDER}, later calls", "s", taken, tuple(targets))
