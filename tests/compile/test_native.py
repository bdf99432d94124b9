"""Calls of compiled functions: what they take, what they give, how they are copied, shared and freed."""

import collections
import copy
import dataclasses
import functools
import gc
import pickle
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import wengert as wg
from wengert.compile import native
from wengert.compile.machine import entry
from wengert.errors import ArgumentError, StructureError

A = np.array([1.0, -2.0, 0.5])


def double(x):
    """Twice."""
    return x * 2.0


twice = wg.jit(double)


@wg.jit
def plus(x, y=1.0, *, z=2.0):
    return x + 10.0 * y + 100.0 * z


def same(found, expected):
    """Equal in class, dtype, shape and bits."""
    assert type(found) is type(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(found, expected)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-14)


# what is given ---------------------------------------------------------------------------------------------------
ARGUMENTS = {
    "float": 3.0,
    "int": 3,
    "complex": 1 + 2j,
    "float64": np.float64(3.0),
    "float32": np.float32(3.0),
    "int8": np.int8(3),
    "complex64": np.complex64(1 - 1j),
    "0-d": np.array(3.0),
    "vector": A,
    "matrix": np.arange(6.0).reshape(2, 3),
    "float32 array": np.arange(4, dtype=np.float32),
    "ints": np.arange(-3, 3),
    "uint8": np.arange(250, 256, dtype=np.uint8),
    "longlong": np.arange(3, dtype=np.longlong),
    "complex array": np.array([1j, 2.0]),
    "float16": np.arange(3, dtype=np.float16),
    "longdouble": np.arange(3, dtype=np.longdouble),
    "empty": np.ones((0, 3)),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "sliced": np.arange(10.0)[1::3],
    "reversed": np.arange(5.0)[::-1],
    "broadcast": np.broadcast_to(np.float64(2.0), (3, 2)),
    "big-endian": np.arange(3.0).astype(">f8"),
    "unaligned": np.frombuffer(b"x" + np.arange(3.0).tobytes(), np.uint8)[1:].view(np.float64),
    "with metadata": np.arange(3).astype(np.dtype(np.int64, metadata={"unit": "m"})),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_mean_what_they_mean_to_numpy(name):
    x = ARGUMENTS[name]
    f = wg.jit(lambda x: x * 2 + x)
    with np.errstate(over="ignore"):
        expected = np.multiply(x, 2) + x
    for _ in range(3):  # the way that recognises types, and the way that is taught by it
        found = f(x)
        assert np.asarray(found).dtype == np.asarray(expected).dtype.newbyteorder("=")
        assert isinstance(found, np.generic) == (np.ndim(x) == 0)
        np.testing.assert_array_equal(found, expected)


def test_kinds_of_arguments_take_turns():
    f = wg.jit(lambda x: x * 3)
    for _ in range(3):
        for x in ARGUMENTS.values():
            with np.errstate(over="ignore"):
                np.testing.assert_array_equal(f(x), np.multiply(x, 3))


def test_numbers_of_python_are_weak():
    f = wg.jit(lambda x, y: x * y)
    single = np.ones(2, np.float32)
    for _ in range(2):
        assert f(single, 2.0).dtype == np.float32
        assert f(single, np.float64(2.0)).dtype == np.float64
        assert f(single, np.ones(2)).dtype == np.float64
        assert f(np.ones(2, np.int8), 2).dtype == np.int8


def test_read_only_arguments():
    x = A.copy()
    x.flags.writeable = False
    same(twice(x), A * 2)
    same(twice(x), A * 2)


def test_a_memory_map(tmp_path):
    x = np.memmap(tmp_path / "x", np.float64, "w+", shape=(3,))
    x[:] = A
    for _ in range(2):
        np.testing.assert_array_equal(twice(x), A * 2)


def test_subclasses_of_numbers():
    class Metres(float):
        pass

    assert twice(Metres(1.5)) == 3.0
    assert twice(Metres(2.5)) == 5.0


def test_large_integers():
    f = wg.jit(lambda n: n + 1)
    assert f(2**62) == 2**62 + 1
    for _ in range(2):
        with pytest.raises(StructureError, match=r"argument 0 of .*lambda.* is 9223372036854775808"):
            f(2**63)
    assert f(7) == 8


def test_many_arguments():
    f = wg.jit(lambda *xs: sum(xs))
    xs = [np.float64(k) for k in range(200)]
    assert f(*xs) == f(*xs) == sum(xs)


# structures ------------------------------------------------------------------------------------------------------
Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Layer:
    weight: np.ndarray
    name: str = dataclasses.field(metadata={"static": True}, default="layer")


STRUCTURES = {
    "dict": {"w": A, "b": 2.0},
    "nested": {"a": [A, (A, 1.0)], "b": {}, "c": None},
    "namedtuple": Point(A, 3.0),
    "dataclass": Layer(A),
    "ordered": collections.OrderedDict(z=A, y=2.0),
    "odd keys": {(1, 2): A, (0, 1): A * 2},
    "empty": [],
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(name):
    x = STRUCTURES[name]
    f = wg.jit(lambda p: wg.tree_map(lambda a: a * 2, p))
    for _ in range(3):
        assert repr(f(x)) == repr(wg.tree_map(lambda a: np.multiply(a, 2), x))


def test_structures_that_change():
    f = wg.jit(lambda p: sum(np.sum(a) for a in p.values()))
    for _ in range(2):
        assert f({"a": A, "b": A}) == 2 * A.sum()
        assert f({"a": A, "c": A}) == 2 * A.sum()
        assert f({"a": A}) == A.sum()
        assert f({"a": A, "b": 1.0}) == A.sum() + 1.0
        assert f({"b": A[:2], "a": 1.0}) == A[:2].sum() + 1.0


def test_keywords_and_defaults():
    for _ in range(2):
        assert plus(1.0) == 211.0
        assert plus(1.0, 2.0) == 221.0
        assert plus(1.0, z=3.0) == 311.0
        assert plus(z=3.0, x=1.0) == 311.0
        assert plus(y=0.0, x=1.0) == 201.0
    with pytest.raises(TypeError, match="unexpected keyword argument 'w'"):
        plus(1.0, w=2.0)
    with pytest.raises(TypeError, match="missing 1 required"):
        plus()


# static arguments ------------------------------------------------------------------------------------------------
def test_static_values():
    f = wg.jit(lambda x, how, flag, g: g(x) * (2 if flag else 3) + len(how))
    for _ in range(2):
        close(f(A, "a", True, np.sin), np.sin(A) * 2 + 1)
        close(f(A, "ab", True, np.sin), np.sin(A) * 2 + 2)
        close(f(A, "a", False, np.sin), np.sin(A) * 3 + 1)
        close(f(A, "a", False, np.cos), np.cos(A) * 3 + 1)


def test_static_argnums_by_value_and_type():
    f = wg.jit(lambda x, n: x * n, static_argnums=1)
    for _ in range(2):
        assert f(np.arange(3), 2).dtype == np.int64
        assert f(np.arange(3), 2.0).dtype == np.float64
        assert f(np.arange(3), True).dtype == np.int64
    g = wg.jit(lambda x, n: x / n[0], static_argnums=-1)
    for _ in range(2):
        assert g(1.0, (0.5,)) == 2.0
        assert g(1.0, (2,)) == 0.5
    h = wg.jit(lambda x, s: np.copysign(x, s), static_argnames="s")
    for _ in range(2):
        assert h(1.0, 0.0) == 1.0
        assert h(1.0, -0.0) == -1.0
        assert h(1.0, s=-0.0) == -1.0


def test_static_argnums_out_of_range():
    for options in ({"static_argnums": 2}, {"static_argnums": -3}, {"static_argnames": "z"}):
        with pytest.raises(StructureError, match=r"has no such argument\n.*\n? *why: +its arguments are x, y"):
            wg.jit(lambda x, y: x, **options)
    with pytest.raises(ArgumentError, match=r"static_argnums=.y. is neither"):
        wg.jit(lambda x, y: x, static_argnums="y")


def test_static_where_the_structure_library_is_needed():
    f = wg.jit(lambda p, n: p.x * n, static_argnums=1)
    for _ in range(2):
        same(f(Point(A, 1.0), 2), A * 2)
        same(f(Point(A, 1.0), 3), A * 3)


# refusals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (np.array(["2020-01-01"], np.datetime64), r"numpy.ndarray of datetime64\[D\]"),
        (np.array([None]), "numpy.ndarray of object"),
        (np.array(["a"]), "numpy.ndarray of <U1"),
        (np.ones((1, 1)).view(np.recarray), "recarray"),
        (np.ma.masked_array([1.0]), "MaskedArray"),
    ],
)
def test_what_is_no_data(x, kind):
    with pytest.raises(StructureError, match=rf"jit got a .*{kind}.* as argument 1\['x'\] of"):
        wg.jit(lambda a, p: a)(1.0, {"x": x})


def test_types_are_no_values():
    t = wg.ArrayType((3,), np.float64)
    with pytest.raises(StructureError, match=r"was called with a type, f64\[3\], as argument 0"):
        wg.jit(double)(t)
    assert "mul" in str(twice.program(t))


def test_results_must_be_data():
    with pytest.raises(StructureError, match="returned a str under jit"):
        wg.jit(lambda x: "no")(1.0)


# results ---------------------------------------------------------------------------------------------------------
def test_results_alias_nothing():
    f = wg.jit(lambda x: (x, x, x[1:], x.reshape(3, 1)))
    for _ in range(3):
        x = A.copy()
        results = f(x)
        for k, y in enumerate(results):
            assert y.flags.owndata or y.base.flags.owndata
            assert y.flags.writeable
            for other in (x, *results[:k]):
                assert not np.shares_memory(y, other)


def test_number_results_are_their_own():
    f = wg.jit(lambda x: x + 1.0)
    first, second = f(1.0), f(2.0)
    assert (first, second, np.float64()) == (2.0, 3.0, 0.0)
    g = wg.jit(lambda n: (n + 1, n > 0, n * (1 + 1j)))
    assert g(2) == (3, True, 2 + 2j)
    assert [type(y) for y in g(2)] == [np.int64, np.bool_, np.complex128]
    assert np.int64() == 0
    assert np.complex128() == 0


def test_a_result_that_was_closed_over_cannot_be_spoiled():
    kept = A.copy()
    f = wg.jit(lambda x: (kept, x))
    f(1.0)[0][:] = 7.0
    same(f(1.0)[0], A)
    same(kept, A)


# functions as objects --------------------------------------------------------------------------------------------
def test_it_looks_like_the_function():
    assert twice.__name__ == "double"
    assert twice.__doc__ == "Twice."
    assert twice.__wrapped__ is double
    assert repr(plus).startswith("<wg.jit of plus, compiled for ")


def test_pickle_and_copies():
    assert pickle.loads(pickle.dumps(plus)) is plus
    again = pickle.loads(pickle.dumps(twice))
    same(again(A), A * 2)
    assert copy.deepcopy({"f": plus})["f"] is plus
    assert copy.copy(plus) is plus


def test_decorators():
    @wg.jit(static_argnums=1)
    def f(x, n):
        return x * n

    @functools.partial(wg.jit, static_argnames="n")
    def g(x, n):
        return x * n

    assert f(2.0, 3) == g(2.0, n=3) == g(2.0, 3) == 6.0


class Model:
    def __init__(self, scale):
        self.scale = scale

    @wg.jit
    def apply(self, x):
        return x * self.scale


def test_methods():
    one, two = Model(2.0), Model(3.0)
    for _ in range(3):
        same(one.apply(A), A * 2)
        same(two.apply(A), A * 3)
    assert "mul" in str(one.apply.program(A))
    assert one.apply.__name__ == "apply"
    same(Model.apply(two, A), A * 3)


def test_methods_of_structures_follow_their_data():
    @dataclasses.dataclass
    class Scaled:
        scale: float

        @wg.jit
        def apply(self, x):
            return x * self.scale

    m = Scaled(2.0)
    same(m.apply(A), A * 2)
    m.scale = 5.0
    same(m.apply(A), A * 5)


# lifetime --------------------------------------------------------------------------------------------------------
def test_compiled_code_dies_with_its_function():
    f = wg.jit(lambda x: np.sum(np.outer(x, x) @ np.outer(x, x)))
    f(A)
    (compiled,) = f.known.values()
    gone = [weakref.ref(x) for x in (f, compiled.native, compiled.native.cell)]
    del f, compiled
    gc.collect()
    assert [r() for r in gone] == [None, None, None]


def test_a_cycle_through_a_closure_is_collected():
    def make():
        def f(x):
            return x + (0.0 if g is None else 1.0)

        g = wg.jit(f)
        g(1.0)
        return weakref.ref(g)

    r = make()
    gc.collect()
    assert r() is None


def test_working_memory_is_given_back(monkeypatch):
    freed = []
    real = native.free
    monkeypatch.setattr(native, "free", lambda cell: (freed.append(int(cell[0])), real(cell)))
    f = wg.jit(lambda x: (x[:, None] * x) @ np.sin(x))
    f(np.ones(50))
    f(np.ones(50))
    assert f.memory(np.ones(50)).working > 0
    del f
    gc.collect()
    assert len(freed) == 1
    assert freed[0] != 0


# threads ---------------------------------------------------------------------------------------------------------
def in_threads(n, work):
    """Results and errors of `work(k)` in n threads that begin together."""
    start, found = threading.Barrier(n), [None] * n

    def run(k):
        start.wait()
        try:
            found[k] = work(k)
        except BaseException as error:
            found[k] = error

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return found


def test_many_threads_compile_and_call():
    f = wg.jit(lambda x: np.sum(np.sin(x[:, None] * x) @ x))
    sizes = [3, 17, 50]

    def work(k):
        return [f(np.full(sizes[(k + i) % 3], 0.1 * (k + 1))) for i in range(30)]

    for k, found in enumerate(in_threads(8, work)):
        for i, y in enumerate(found):
            x = np.full(sizes[(k + i) % 3], 0.1 * (k + 1))
            np.testing.assert_allclose(y, np.sum(np.sin(x[:, None] * x) @ x), rtol=1e-12)
    assert len(f.known) == 3


def test_other_threads_run_meanwhile():
    f = wg.jit(lambda n: wg.fori_loop(0, n, lambda i, x: np.sin(x + i), 0.5))
    f(10)
    done = []

    def long():
        f(30_000_000)
        done.append(time.perf_counter())

    thread = threading.Thread(target=long)
    thread.start()
    time.sleep(0.01)
    rounds = 0
    while not done and rounds < 20:
        rounds += 1
        time.sleep(0.001)
    assert rounds == 20, "the interpreter stood still while native code ran"
    thread.join()


# long programs ---------------------------------------------------------------------------------------------------
def test_long_programs_are_cut_into_segments():
    lines = ["y = np.tanh(y @ x)", "y = (y + 1.0) @ x", "y = np.sin(x) @ y / 40.0"]
    space = {"np": np}
    exec("def f(x):\n  y = x\n" + "\n".join(f"  {lines[k % 3]}" for k in range(450)) + "\n  return y", space)
    x = np.random.default_rng(0).normal(size=(40, 40)) / 20
    f = wg.jit(space["f"])
    assert "@segment_" in f.llvm(x)
    np.testing.assert_allclose(f(x), space["f"](x), rtol=1e-9, atol=1e-12)


# the native entry ------------------------------------------------------------------------------------------------
def test_objects_are_laid_out_as_the_entry_thinks():
    entry.check_places()
    assert sys.getsizeof(object()) == entry.HEAD


def test_references_are_counted():
    x, p = A.copy(), {"w": A}
    f = wg.jit(lambda x, p: x * p["w"])
    f(x, p)
    before = sys.getrefcount(x), sys.getrefcount(p), sys.getrefcount(np.dtype(float))
    for _ in range(100):
        f(x, p)
        f(x[::-1], p)
    assert abs(sys.getrefcount(np.dtype(float)) - before[2]) < 50
    assert (sys.getrefcount(x), sys.getrefcount(p)) == before[:2]
