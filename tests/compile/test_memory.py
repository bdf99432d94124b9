"""Bytes of a call: known beforehand, and those that the call takes."""

import gc
import tracemalloc

import numpy as np
import pytest

import wengert as wg
from wengert.compile.machine import llvm

rng = np.random.default_rng(0)
A, B, V = rng.normal(size=(300, 200)), rng.normal(size=(200, 100)), rng.normal(size=50_000)
KEPT = rng.normal(size=(200, 100))


def loss(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


CASES = {
    "elementwise": (lambda x: np.sin(x) * 2.0, (V,)),
    "gradient": (wg.grad(loss), (B, A)),
    "several results": (wg.value_and_grad(loss), (B, A)),
    "constants": (lambda x: x @ (KEPT * 2.0), (A,)),
    "sort": (wg.grad(lambda x: np.sum(np.sort(x) * np.arange(50_000.0))), (V,)),
    "scan": (wg.grad(lambda x: wg.fori_loop(0, 1000, lambda i, c: np.sin(c) * x[i], 1.0)), (V,)),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_beforehand_is_taken(name):
    f, args = CASES[name]
    jitted = wg.jit(f)
    said = jitted.memory(*args)
    parts = (said.arguments, said.results, said.constants, said.working, said.callbacks)
    assert said.peak == int(said) == sum(parts)
    jitted(*args)  # compiled, and its working memory made
    native = jitted.look(args, {}).native
    gc.collect()
    tracemalloc.start()
    try:
        jitted_again = wg.jit(f)
        jitted_again.look(args, {}).native.cell[0]  # compiled, not yet called
        gc.collect()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = jitted_again.look(args, {}).native.run(*args)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    taken = peak - before
    assert native.stages.arena == said.working
    assert sum(np.asarray(y).nbytes for y in result) == said.results
    assert taken == pytest.approx(said.results + said.working + said.callbacks, abs=said.peak * 0.01 + 16_000)


def test_the_parts():
    m = wg.jit(lambda x: x @ KEPT).memory(A)
    assert (m.arguments, m.results, m.constants) == (A.nbytes, 300 * 100 * 8, KEPT.nbytes)
    assert str(m).splitlines()[-1].split() == ["peak", f"{int(m):,}", "bytes"]
    assert repr(m) == str(m)
    assert f"{m:,}" == f"{int(m):,}"


def test_nothing_is_compiled_for_it(monkeypatch):
    monkeypatch.setattr(llvm, "optimised", None)
    f = wg.jit(wg.grad(loss))
    t = [wg.ArrayType(x.shape, x.dtype) for x in (B, A)]
    assert f.memory(*t) == f.memory(B, A) > A.nbytes
    assert "for" in f.loops(*t)


def test_values_that_live_in_registers_take_nothing():
    m = wg.jit(lambda x: np.exp(np.sin(x) * np.cos(x) + x) * x).memory(V)
    assert m.working == 0


def test_memory_of_values_that_are_dead_is_used_again():
    def chain(x):
        for _ in range(6):
            x = np.sort(x) * 2.0
        return x

    assert wg.jit(chain).memory(V).working <= 3 * (V.nbytes + 64)  # one is read, one written, one holds the order


def test_loops_write_over_what_they_read():
    def network(x, w):
        for _ in range(4):
            y = np.tanh(x @ w)
            x = y / np.sum(y, axis=1, keepdims=True)
        return x

    x, w = rng.normal(size=(500, 200)), rng.normal(size=(200, 200))
    f = wg.jit(network)
    assert f.memory(x, w).working <= 2 * (x.nbytes + 64)
    np.testing.assert_allclose(f(x, w), network(x, w), rtol=1e-9, atol=1e-11)


def test_loops_write_over_nothing_that_is_read_later():
    w = rng.normal(size=(60, 60))
    for f in (
        lambda x: np.tanh((x @ w)[::-1]) @ w,
        lambda x: (lambda a: (np.sin(a) + a.T) @ w)(x @ w),
        lambda x: (lambda a: (a - np.sum(a, axis=1)) @ w)(x @ w),
        lambda x: (lambda a: (np.roll(a, 1, axis=1) * a) @ w)(x @ w),
        lambda x: (lambda a: (a / (1.0 + np.max(a, axis=0))) @ (np.cos(a) @ w))(x @ w),
        lambda x: (lambda a: (a[np.arange(60)[::-1]] + 1.0) @ w)(x @ w),
    ):
        np.testing.assert_allclose(wg.jit(f)(w), f(w), rtol=1e-9, atol=1e-9)


def test_stacks_of_while_loops_are_apart():
    f = wg.jit(wg.grad(lambda x: wg.while_loop(lambda c: c < 100.0, lambda c: c * np.sin(x) * 5.0, x)))
    m = f.memory(2.0)
    assert m.stack_rows
    assert sum(m.stack_rows) < 100
    assert "more for each round of a while loop" in str(m)


def test_memory_that_cannot_be_had():
    f = wg.jit(lambda x: np.sort(np.broadcast_to(x, (2**20, 2**26)) * 1.0, axis=1)[0, 0])
    with pytest.raises(MemoryError, match="bytes of working memory"):
        f(1.0)


def test_functions_do_not_leak():
    def once():
        f = wg.jit(lambda x: np.sum(x * 2.0))
        f(A)

    for _ in range(30):
        once()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(20):
            once()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(200):
            once()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200 * 500
