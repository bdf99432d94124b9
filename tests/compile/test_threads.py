"""Loops on several threads: the same results, whoever runs which part of them, in forks and under many callers too."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.compile.emit import parallel
from wengert.compile.machine import lapack, pool
from wengert.errors import StructureError

X = np.linspace(-2.0, 2.0, 20_001)


@pytest.fixture(autouse=True)
def short_loops_too(monkeypatch):
    """Divide every loop that can be; afterwards the number of threads is as before."""
    monkeypatch.setattr(parallel, "LONG_ENOUGH", 0)
    monkeypatch.setattr(pool, "set_library_threads", lambda n: True)
    before = wg.get_threads()
    yield
    wg.set_threads(before)


def rows(x):
    return x[:20_000].reshape(200, 100)


def steps(x):
    """Heat: each round needs its neighbours, and a sum; rows are kept."""

    def step(u, k):
        v = u + 0.1 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) + np.mean(u) * k
        return v, np.sin(v[:50])

    u, rows = wg.scan(step, x, np.arange(5.0))
    return u + np.sum(rows)


PROGRAMS = {
    "elementwise": lambda x: np.sin(x) * x + 1.0,
    "sum": lambda x: np.sum(np.exp(-x * x)),
    "gradient": wg.grad(lambda x: np.sum(np.sin(x) ** 2 * np.mean(x))),
    "columns": lambda x: np.sum(np.tanh(rows(x)), axis=0),
    "float32": lambda x: np.sum(x.astype(np.float32) + 1),
    "complex": lambda x: np.sum(np.exp(1j * x) * x),
    "integers": lambda x: np.sum((x * 10).astype(np.int64) // 3),
    "softmax": lambda x: np.exp(rows(x)) / np.sum(np.exp(rows(x)), axis=1, keepdims=True),
    "scratch": lambda x: np.cumsum(np.exp(rows(x)), axis=1),
    "bins": lambda x: wg.grad(lambda w: np.sum(w[np.arange(20_001) % 7] * x))(np.ones(7)),
    "maximum": lambda x: np.max(x * x),
    "extrema": lambda x: np.max(rows(x), axis=0) - np.min(rows(x) * x[:100], axis=0),
    "no number": lambda x: np.min(np.where(x == x[7], np.nan, x)),
    "largest integer": lambda x: np.max((x * 1000).astype(np.int32)) + np.min((x * 9).astype(np.int8)),
    "neighbours": wg.grad(lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2)),
    "stack of products": lambda x: rows(x).reshape(20, 10, 100) @ (rows(x).reshape(20, 10, 100).transpose(0, 2, 1) * 2),
    "in a loop": lambda x: steps(x),
    "gradient of a loop": wg.grad(lambda x: np.sum(steps(x) ** 2)),
    "in a branch": lambda x: wg.cond(x[0] < 0, lambda x: np.cumsum(np.sin(rows(x)), axis=1), lambda x: rows(x), x),
    "until": lambda x: wg.while_loop(lambda y: np.sum(y * y) > 1.0, lambda y: 0.5 * y / (1 + np.max(y)), x),
    "few rounds": lambda x: rows(x)[:20] * 2.0,
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("threads", [1, 2, 3, 5, 64])
def test_results(name, threads):
    f = PROGRAMS[name]
    jitted = wg.jit(f)
    wg.set_threads(threads)
    found, expected = jitted(X), f(X)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=1e-4 if name == "float32" else 1e-10, atol=1e-12)
    for _ in range(5):
        np.testing.assert_array_equal(jitted(X), found)  # to the bit


def divided(f, *args):
    return "@pool.run" in wg.jit(f).llvm(*args)


def test_which_loops_are_divided():
    for name in set(PROGRAMS) - {"neighbours", "stack of products"}:
        assert divided(PROGRAMS[name], X), name
    assert wg.jit(PROGRAMS["gradient of a loop"]).llvm(X).count("@pool.run(ptr") > 10  # forwards and backwards
    assert not divided(lambda x: wg.fori_loop(0, 1000, lambda i, c: np.sin(c), x), 1.0)


def test_short_loops_are_left_alone(monkeypatch):
    monkeypatch.undo()
    f = PROGRAMS["elementwise"]
    assert not divided(f, X[:1000])
    assert divided(f, np.tile(X, 100))


def test_the_number_of_threads_is_read_at_run_time():
    f = wg.jit(PROGRAMS["sum"])
    sums = {}
    for n in (1, 2, 1, 3, 2, 3):
        wg.set_threads(n)
        value = f(X)
        assert sums.setdefault(n, value) == value
    assert len(f.known) == 1


def test_what_goes_wrong_is_the_first_in_order():
    f = wg.jit(lambda x, i: x[i] * 2.0)
    for n in (1, 2, 4):
        wg.set_threads(n)
        i = np.arange(20_000)
        np.testing.assert_array_equal(f(X, i), X[i] * 2)
        i[15_000] = 20_001
        with pytest.raises(IndexError, match="out of bounds for axis 0 with size 20001"):
            f(X, i)
        np.testing.assert_array_equal(f(X, np.arange(20_000)), X[:20_000] * 2)


def test_many_python_threads_share_the_pool():
    wg.set_threads(4)
    f = wg.jit(PROGRAMS["gradient"])
    expected = f(X)
    wrong = []

    def work():
        for _ in range(100):
            if not np.array_equal(f(X), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_without_threads_the_caller_does_it_all():
    """As where threads cannot be made, or another call has them."""
    f = wg.jit(PROGRAMS["gradient"])
    wg.set_threads(3)
    expected = f(X)
    words = pool.pool().state
    assert words[pool.BUSY] == 0
    words[pool.BUSY] = 1
    try:
        np.testing.assert_array_equal(f(X), expected)
    finally:
        words[pool.BUSY] = 0


FORKS = """
import os
import numpy as np
import wengert as wg
from wengert.compile.machine import pool
from wengert.compile.emit import parallel

parallel.LONG_ENOUGH = 0
x = np.linspace(-2.0, 2.0, 20_001)
wg.set_threads(3)
f = wg.jit(wg.grad(lambda x: np.sum(np.sin(x) ** 2 * np.mean(x))))
expected = f(x)
words = pool.pool().state
assert words[pool.WORKERS] == 2

def child():
    assert words[pool.WORKERS] == 0 and wg.get_threads() == 3
    assert all(np.array_equal(f(x), expected) for _ in range(20))
    assert words[pool.WORKERS] == 2
    assert wg.jit(lambda x: x * 2.0)(4.0) == 8.0

for _ in range(3):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            child()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert np.array_equal(f(x), expected)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_have_threads_of_their_own():
    """And make them when they need them. In a process of its own: other libraries here may not like forks."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, cwd=Path(wg.__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr


def test_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(pool, "_wanted", [])
    monkeypatch.setenv("WENGERT_NUM_THREADS", "3")
    assert wg.get_threads() == 3
    for unclear in ("", "0", "many"):
        monkeypatch.setenv("WENGERT_NUM_THREADS", unclear)
        assert wg.get_threads() == min(pool.cores(), pool.MOST)
    for bad in (0, -1, 1.5, True, "2"):
        with pytest.raises(StructureError, match="set_threads got"):
            wg.set_threads(bad)


def test_systems_without_such_threads(monkeypatch):
    monkeypatch.setattr(pool, "available", lambda: False)
    monkeypatch.setattr(pool, "_wanted", [])
    assert wg.get_threads() == 1
    wg.set_threads(8)
    assert wg.get_threads() == 1


def test_libraries_follow(monkeypatch):
    asked = []
    monkeypatch.setattr(pool, "set_library_threads", asked.append)
    wg.set_threads(2)
    assert asked == [2]
    assert callable(lapack.set_threads)
