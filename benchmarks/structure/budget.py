"""A byte budget of a third of the peak: what gradients of deep networks take and how much longer, compiled and not."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.structure.clock import agree
from benchmarks.structure.rows import Row, Target

ROWS, WIDTH, REPEATS = 4096, 64, 5


def perceptron(weights: Any, x: Any) -> Any:
    """48 layers tanh(x w)."""
    for w in weights:
        x = np.tanh(x @ w)
    return np.sum(x**2)


def residual(weights: Any, x: Any) -> Any:
    """24 blocks x + tanh(x a) b."""
    for a, b in zip(weights[::2], weights[1::2], strict=True):
        x = x + np.tanh(x @ a) @ (0.1 * b)
    return np.sum(x**2)


def normalised(weights: Any, x: Any) -> Any:
    """24 blocks as before, of normalised rows."""
    for a, b in zip(weights[::2], weights[1::2], strict=True):
        y = x - np.mean(x, axis=1, keepdims=True)
        y = y / np.sqrt(np.mean(y * y, axis=1, keepdims=True) + 1e-5)
        x = x + np.tanh(y @ a) @ (0.1 * b)
    return np.sum(x**2)


MODELS = {"perceptron, 48 layers": perceptron, "residual, 24 blocks": residual, "normalised, 24 blocks": normalised}


def data() -> tuple[list[Any], Any]:
    """Weights, and a batch."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH) for _ in range(48)], rng.normal(size=(ROWS, WIDTH))


def seconds(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The least processor time of each, in turn."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = time.process_time()
            call()
            taken[name].append(time.process_time() - start)
    return {name: min(times) for name, times in taken.items()}


def traced(call: Callable[[], Any], args: Any) -> int:
    """Bytes at most while NumPy runs it, with its arguments."""
    call()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak + sum(x.nbytes for x in (*args[0], args[1]))


def measured(f: Any, args: Any, compiled: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Bytes and seconds of the gradient, without a budget and within a third."""

    def made(f: Any) -> tuple[Callable[[], Any], int]:
        gradient = wg.jit(wg.grad(f)) if compiled else wg.grad(f)
        call = partial(gradient, *args)
        return call, gradient.memory(*args).peak if compiled else traced(call, args)

    plain, whole = made(f)
    thrifty, third = made(wg.checkpoint(f, budget=whole // 3))
    calls = {"whole": plain, "a third": thrifty}
    agree({name: call() for name, call in calls.items()})
    return {"whole": whole, "a third": third}, seconds(calls)


def rows() -> list[Row]:
    """Each network, compiled and run by NumPy, on one thread; bytes first, then seconds."""
    wg.set_threads(1)
    args, found = data(), []
    for name, f in MODELS.items():
        for compiled in (True, False):
            bytes_, times = measured(f, args, compiled)
            title = f"{name}, {'compiled' if compiled else 'NumPy'}"
            within = Target("measured peak over a third", 3 * bytes_["a third"] / bytes_["whole"], "at most", 1.02)
            found.append(Row(f"{title}: peak of the gradient", "bytes", bytes_, (within,)))
            longer = Target("time, of that without a budget", times["a third"] / times["whole"], "at most", 1.35)
            found.append(Row(f"{title}: processor time", "s", times, (longer,)))
    return sorted(found, key=lambda row: row.unit)
