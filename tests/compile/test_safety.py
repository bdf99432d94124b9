"""What can go wrong while machine code runs: our errors and NumPy's, never a dead process, and the next call works."""

import ctypes
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading

import numpy
import pytest

import wengert as wg
from wengert.compile.machine import callbacks
from wengert.errors import ControlFlowError, MemoryLimitError

np = wg.numpy
X = numpy.array([0.4, -0.7, 1.3])


def runaway(x):
    """Ends only where x is large."""
    return wg.while_loop(lambda s: s[0] < 1e9, lambda s: (s[0] + x, np.sin(s[1]) * x), (x, x))[1]


@pytest.fixture
def little_memory(monkeypatch):
    """A limit of a megabyte for what loops keep."""
    monkeypatch.setattr(callbacks, "_limit", [1e6 / callbacks.machine_memory()])


# memory and time ------------------------------------------------------------------------------------------------------
def test_a_loop_that_keeps_too_much(little_memory):
    g = wg.jit(wg.grad(runaway))
    with pytest.raises(MemoryLimitError, match="rows of") as found:
        g(0.5)
    assert isinstance(found.value, MemoryError)
    for words in (f"test_safety.py:{runaway.__code__.co_firstlineno + 2} ", "why:", "write:"):
        assert words in str(found.value)
    with pytest.raises(MemoryLimitError):  # the same again: the first try has given its memory back
        g(0.5)
    assert g(1e9) == pytest.approx(wg.grad(runaway)(1e9))


def test_nested_loops_that_keep_too_much(little_memory):
    f = lambda x, n: wg.fori_loop(0, n, lambda i, y: wg.fori_loop(0, n, lambda j, z: np.sin(z * x), y), x)
    g = wg.jit(wg.grad(f))
    assert g(0.5, 20) == pytest.approx(wg.grad(f)(0.5, 20))
    with pytest.raises(MemoryLimitError):
        g(0.5, 10**6)
    assert g(0.5, 3) == pytest.approx(wg.grad(f)(0.5, 3))


def test_the_limit_is_of_one_call(little_memory):
    """Many calls that keep little each are fine."""
    g = wg.jit(wg.grad(lambda x: wg.while_loop(lambda y: y < 1000.0, lambda y: y + x, x)))
    for _ in range(30):
        assert g(0.5) == pytest.approx(2000.0)


def interrupted(f, *args):
    """Call with an interrupt of the user's on its way."""
    timer = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        f(*args)
    timer.join()


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_an_endless_loop_is_interrupted():
    f = wg.jit(lambda x: wg.while_loop(lambda y: y > 0.0, lambda y: y * x, x))
    assert f(-1.0) == -1.0
    interrupted(f, 1.0)
    assert f(-1.0) == -1.0


def test_an_endless_loop_in_a_loop_is_interrupted():
    inner = lambda y: wg.while_loop(lambda s: s[1] < 1000, lambda s: (0.5 * s[0] + 0.5, s[1] + 1), (y, 0))[0]
    f = wg.jit(lambda x: wg.while_loop(lambda y: y > 0.0, inner, x))
    interrupted(f, 1.0)


def test_a_long_loop_of_known_length_is_interrupted():
    f = wg.jit(lambda x, n: wg.fori_loop(0, n, lambda i, y: np.sin(y + i), x))
    interrupted(f, 1.0, 10**11)


@pytest.fixture
def alarm():
    """Sets a handler and starts a timer, which stops after the test."""

    def start(handler, seconds):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    if not hasattr(signal, "setitimer"):
        pytest.skip("no timers here")
    before = signal.getsignal(signal.SIGALRM)
    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_what_a_signal_handler_raises_comes_out(alarm):
    def late(*_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise TimeoutError("that took too long")

    f = wg.jit(lambda x: wg.while_loop(lambda y: y > 0.0, lambda y: 0.5 * y + 0.5, x))
    g = wg.jit(lambda a, n: wg.fori_loop(0, n, lambda i, b: np.fft.fft(b).real * 0.1, a))  # call backs alone
    f(-1.0), g(numpy.ones(17), 3)
    for call in (lambda: f(1.0), lambda: g(numpy.ones(17), 10**9)):
        alarm(late, 0.05)
        with pytest.raises(TimeoutError, match="too long"):
            call()
    assert f(-1.0) == -1.0


def test_a_signal_handler_that_calls_compiled_code(alarm):
    """Its own loops keep what they keep, apart from those of the call that was interrupted."""
    g = wg.jit(wg.grad(lambda x, top: wg.while_loop(lambda y: y < top, lambda y: y + x * y / y, x)))
    g(0.5, 10.0)
    found = []
    alarm(lambda *_: found.append(g(0.25, 100.0)), 0.01)
    got = g(0.5, 3e6)
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert got == pytest.approx(6e6, rel=1e-5)
    assert found and found == pytest.approx([400.0] * len(found))


def test_arrays_on_the_stack_stay_small():
    """In a thread of 256 KiB, where a program with large arrays would crash if it kept them there."""

    def f(x):
        y = np.outer(x, x)
        for _ in range(6):
            y = np.tanh(y @ y.T / 1e3) + np.cumsum(y, 0)
        return np.sum(np.sort(y, 1)) + wg.fori_loop(0, 3, lambda i, s: s + np.sum(np.sin(y * s)), 0.1)

    x, g = numpy.linspace(0, 1, 200), wg.jit(wg.grad(f))
    want, found = g(x), []
    size = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append(g(x)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    numpy.testing.assert_array_equal(found[0], want)


# exceptions -----------------------------------------------------------------------------------------------------------
def line_of(error):
    """The line of this file that the error names, in its words or in its traceback."""
    notes = str(error) + "".join(getattr(error, "__notes__", ()))
    return [int(n) for n in re.findall(rf"{re.escape(os.path.basename(__file__))}:(\d+)", notes)]


def test_numpys_exceptions_come_out_as_they_are():
    def f(a):
        b = a @ a.T
        return np.linalg.inv(b)  # this line

    first = f.__code__.co_firstlineno
    with pytest.raises(numpy.linalg.LinAlgError) as found:
        wg.jit(f)(numpy.zeros((9, 9)))
    assert line_of(found.value) == [first + 2]
    with pytest.raises(numpy.linalg.LinAlgError):
        wg.jit(lambda a: np.linalg.cholesky(a))(-numpy.eye(12))
    with pytest.raises(numpy.linalg.LinAlgError):
        wg.jit(lambda a: np.linalg.eigh(a)[0])(numpy.full((9, 9), numpy.nan))
    numpy.testing.assert_allclose(wg.jit(f)(numpy.eye(9) * 2), numpy.eye(9) / 4)


def test_exceptions_of_the_users():
    def f(x):
        if x.shape[0] > 2:
            raise ValueError("too long")
        return x

    with pytest.raises(ValueError, match="too long"):
        wg.jit(f)(X)
    numpy.testing.assert_array_equal(wg.jit(f)(X[:2]), X[:2])


@wg.custom_vjp
def picky(x):
    return x * x


def backwards(x, bar):
    if x.shape[0] > 2:
        raise ArithmeticError("no rule for that")
    return (2 * x * bar,)


picky.defvjp(lambda x: (x * x, x), backwards)


def test_exceptions_in_a_rule():
    g = wg.jit(wg.grad(lambda x: np.sum(picky(x))))
    with pytest.raises(ArithmeticError, match="no rule for that"):
        g(X)
    numpy.testing.assert_allclose(g(X[:2]), 2 * X[:2])


def test_recursion():
    """On static structure it ends; without an end that is said."""

    def total(xs):
        return xs[0] if len(xs) == 1 else total(xs[: len(xs) // 2]) + total(xs[len(xs) // 2 :])

    def endless(x):
        return endless(x + 1)

    assert wg.jit(total)(X) == pytest.approx(numpy.sum(X))
    with pytest.raises(ControlFlowError, match="calls itself without end"):
        wg.jit(endless)(1.0)
    assert wg.jit(total)(X) == pytest.approx(numpy.sum(X))


# numbers --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
def test_integers_wrap_around(dtype):
    info = numpy.iinfo(dtype)
    x = numpy.array([info.max, info.min, 3, info.max - 1], dtype)
    ones = numpy.ones(4, dtype)
    f = lambda x, y: (x + y, x - y, x * x, -x, np.sum(x), np.prod(x), np.cumsum(x), x**3, np.abs(x))
    with numpy.errstate(all="ignore"):
        for got, want in zip(wg.jit(f)(x, ones), f(x, ones), strict=True):
            assert numpy.asarray(got).dtype == numpy.asarray(want).dtype
            numpy.testing.assert_array_equal(got, want)


def test_integer_division_by_zero():
    x, y = numpy.array([5, -5, 0, numpy.iinfo(int).min]), numpy.array([0, 0, 0, -1])
    f = lambda x, y: (x // y, x % y, np.floor_divide(x, y), x / y)
    with numpy.errstate(all="ignore"):
        for got, want in zip(wg.jit(f)(x, y), f(x, y), strict=True):
            numpy.testing.assert_array_equal(got, want)


def test_numbers_that_do_not_fit():
    x = numpy.array([1e300, -1e300, numpy.nan, numpy.inf, 3.7, -3.7])
    f = lambda x: (x.astype(numpy.float32), x * x, np.exp(x), np.floor(x), np.sign(x), x > 2, x.astype(bool))
    with numpy.errstate(all="ignore"):
        for got, want in zip(wg.jit(f)(x), f(x), strict=True):
            numpy.testing.assert_array_equal(got, want)


# memory that is not ours ----------------------------------------------------------------------------------------------
def test_nothing_outside_of_an_array_is_read_or_written():
    """An array between two pages that may not be touched."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "mprotect"):
        pytest.skip("no mprotect here")
    import mmap

    page, n = mmap.PAGESIZE, 1021
    area = mmap.mmap(-1, 6 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for guard in (start, start + 5 * page):
        assert libc.mprotect(guard, page, 0) == 0
    end, f = start + 5 * page, lambda x: (np.sin(x) * x, np.sum(x), np.cumsum(x), x[::-1] * 2, np.outer(x[:9], x[-9:]))
    g = wg.jit(wg.grad(lambda x: sum(np.sum(y) for y in f(x))))
    for first in (end - 8 * n, start + page):
        memory = (ctypes.c_double * n).from_address(first)
        x = numpy.frombuffer(memory)
        x[:] = numpy.linspace(0, 1, n)
        for got, want in zip(wg.jit(f)(x), f(x.copy()), strict=True):
            numpy.testing.assert_allclose(got, want, 1e-12)
        numpy.testing.assert_allclose(g(x), wg.grad(lambda x: sum(np.sum(y) for y in f(x)))(x.copy()), 1e-12)


def test_rows_without_elements():
    """Nothing is written for them, so they have no place: what makes room for rows must leave them alone."""

    def f(x, y):
        step = lambda s: (s[0] + 1.0, np.sin(s[1] * s[0]), np.sin(s[2]) * s[0])
        return wg.while_loop(lambda s: s[0] < 5.0, step, (0.0, x, y))[1:]

    g = wg.jit(lambda x, y: wg.vjp(f, x, y)[1]((x, y)))
    args = numpy.ones(0), numpy.ones(2)
    assert "ptr %arena, i64 -" not in g.llvm(*args)
    assert [a.shape for a in g(*args)] == [(0,), (2,)]


# threads and processes ------------------------------------------------------------------------------------------------
def test_threads_at_once():
    """One function, compiled and called by eight threads, with loops that keep rows."""

    def f(x):
        return wg.while_loop(lambda y: np.sum(y) < 50.0, lambda y: y * 1.01 + np.sin(x), x)[0]

    g, gradient = wg.jit(wg.grad(f)), wg.grad(f)
    inputs = [numpy.array([1.0, 0.5 + 0.1 * k]) for k in range(8)]
    wants, wrong = [gradient(x) for x in inputs], []
    barrier = threading.Barrier(8)

    def work(k):
        barrier.wait()
        for _ in range(40):
            if not numpy.allclose(g(inputs[k]), wants[k], 1e-12):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


FORKS = """
import multiprocessing
import numpy
import wengert as wg

np, x = wg.numpy, numpy.array([0.4, -0.7, 1.3])
slope = wg.jit(wg.grad(lambda x: np.sum(x**3)))

def called(x):
    return slope(x), wg.jit(lambda x: np.sum(np.exp(x)))(x)

if __name__ == "__main__":
    slope(x)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for k, (found, value) in enumerate(pool.map(called, [x, 2 * x, 3 * x], chunksize=1), 1):
            numpy.testing.assert_allclose(found, 3 * (k * x) ** 2)
            numpy.testing.assert_allclose(value, numpy.sum(numpy.exp(k * x)))
    print("fine")
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_processes(tmp_path):
    """What was compiled before a fork runs after it, and more can be compiled there. Alone: other libraries' threads
    would make a fork a risk of theirs."""
    script = tmp_path / "forks.py"
    script.write_text(FORKS)
    root = os.path.dirname(os.path.dirname(wg.__file__))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert done.stdout == "fine\n", done.stdout + done.stderr
