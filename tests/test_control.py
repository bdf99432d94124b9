"""Loops and branches: against the same program in plain Python, in every mode and order; against JAX; their errors."""

import tracemalloc

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert import errors
from wengert.core.check import check
from wengert.core.execute import python_function
from wengert.core.inplace import Sums
from wengert.core.record import record
from wengert.core.tree import flatten
from wengert.core.types import ArrayType
from wengert.primitives import elementwise as ew

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3)) * 0.4
W = RNG.normal(size=(3, 2, 2))
TS = np.linspace(0.1, 1.0, 4)


# pairs of a program with wg's loops and the same program in plain Python -------------------------------------------
def newton(x):
    return wg.while_loop(lambda c: wnp.abs(c * c - x) > 1e-9, lambda c: 0.5 * (c + x / c), x)


def newton_python(x):
    c = x
    while abs(c * c - x) > 1e-9:
        c = 0.5 * (c + x / c)
    return c


def while_in_fori(x):
    def outer(i, c):
        return wg.while_loop(lambda s: s < 3.0, lambda s: s * 1.5 + 0.1 * wnp.sin(s * x), c * 0.2)

    return wg.fori_loop(0, 3, outer, x)


def while_in_while(x):
    def body(carry):
        k, c = carry
        return k + 1, wg.while_loop(lambda s: s < 3.0, lambda s: s * 1.5 + 0.1 * wnp.sin(s * x), c * 0.2)

    return wg.while_loop(lambda carry: carry[0] < 3, body, (0, x))[1]


def while_in_python(x):
    c = x
    for _ in range(3):
        c = c * 0.2
        while c < 3.0:
            c = c * 1.5 + 0.1 * np.sin(c * x)
    return c


def cond_in_scan(x):
    a = np.sin(x)

    def step(c, t):
        c = wg.cond(c > 0.5, lambda c: c * a - t, lambda c: np.sqrt(c * c + t) * x, c)
        return c, c * t

    c, ys = wg.scan(step, x, TS)
    return c + wnp.sum(ys)


def cond_in_python(x):
    a, c, total = np.sin(x), x, 0
    for t in TS:
        c = c * a - t if c > 0.5 else np.sqrt(c * c + t) * x
        total = total + c * t
    return c + total


def recurrent(x):
    def step(h, u):
        h = np.tanh(A @ h + u * x)
        return h, h

    h, hs = wg.scan(step, np.zeros(3), np.arange(6.0).reshape(2, 3), reverse=True)
    return wnp.concatenate([h, wnp.ravel(hs)])


def recurrent_python(x):
    h, hs = np.zeros(3), [None, None]
    for k in (1, 0):
        hs[k] = h = np.tanh(A @ h + np.arange(6.0).reshape(2, 3)[k] * x)
    return wnp.concatenate([h, *hs])


def rounds_from_data(x):
    n = wnp.sum(wnp.where(x > 0.9, 3, 1))
    return wg.fori_loop(0, n, lambda i, c: np.sin(c) * x + i, x)


def rounds_from_data_python(x):
    c = x
    for i in range(3 if x > 0.9 else 1):
        c = np.sin(c) * x + i
    return c


def assigned(x):
    def body(i, c):
        c[i] = np.sin(c[i - 1]) * x[i] + c[i]
        return c

    return wg.fori_loop(1, 4, body, x * 2)


def assigned_python(x):
    c = x * 2
    for i in range(1, 4):
        c[i] = np.sin(c[i - 1]) * x[i] + c[i]
    return c


def structured(x):
    def step(p, w):
        return {"h": np.tanh((w * x[0]) @ p["h"]), "n": p["n"] + 1}, (p["h"][0], x[1])

    p, (first, second) = wg.scan(step, {"h": x, "n": 0}, W, reverse=True)
    return wnp.concatenate([p["h"], first, second])


def structured_python(x):
    h, first = x, [None] * 3
    for k in (2, 1, 0):
        first[k] = h[0]
        h = np.tanh((W[k] * x[0]) @ h)
    return wnp.concatenate([h, wnp.stack(first), wnp.stack([x[1]] * 3)])


def checkpoints(x):
    return wg.fori_loop(0, 3, wg.checkpoint(lambda i, c: wg.checkpoint(np.sin)(c * x) + c * i), x)


def checkpoints_python(x):
    c = x
    for i in range(3):
        c = np.sin(c * x) + c * i
    return c


def lanes_choose(x):
    return wg.vmap(lambda k: wg.switch(k, [np.sin, lambda x: np.exp(x) * x], x))(np.array([0, 1, 5, -1]))


def lanes_choose_python(x):
    return wnp.stack([np.sin(x), np.exp(x) * x, np.exp(x) * x, np.sin(x)])


PAIRS = {
    "newton": (newton, newton_python, 2.3),
    "while in fori": (while_in_fori, while_in_python, 1.3),
    "while in while": (while_in_while, while_in_python, 1.3),
    "cond in scan": (cond_in_scan, cond_in_python, 0.8),
    "recurrent": (recurrent, recurrent_python, np.array([0.3, 0.4, -0.2])),
    "rounds from data": (rounds_from_data, rounds_from_data_python, 1.2),
    "assigned": (assigned, assigned_python, np.array([0.3, 0.4, -0.2, 0.8])),
    "structured": (structured, structured_python, np.array([1.0, 0.5])),
    "checkpoints": (checkpoints, checkpoints_python, np.array([0.7, 0.2])),
    "lanes choose": (lanes_choose, lanes_choose_python, 0.4),
}


def total(f):
    return lambda *args: wnp.sum(f(*args))


def lanes(x):
    return np.stack([np.asarray(x) * k for k in (1.0, 0.5, 1.7)])


def each(f, x):
    return np.stack([np.asarray(f(lane)) for lane in lanes(x)])


# transformation of the loop, and what it must equal, computed from the Python program without vmap or loops
MODES = {
    "value": (lambda f, x: f(x), lambda g, x: g(x)),
    "grad": (lambda f, x: wg.grad(total(f))(x), lambda g, x: wg.grad(total(g))(x)),
    "jvp": (lambda f, x: wg.jvp(f, (x,), (np.cos(x),)), lambda g, x: wg.jvp(g, (x,), (np.cos(x),))),
    "linearize": (
        lambda f, x: wg.linearize(f, x)[1](np.cos(x)),
        lambda g, x: wg.jvp(g, (x,), (np.cos(x),))[1],
    ),
    "forward over reverse": (lambda f, x: wg.hessian(total(f))(x), lambda g, x: wg.hessian(total(g))(x)),
    "reverse over reverse": (lambda f, x: wg.jacrev(wg.grad(total(f)))(x), lambda g, x: wg.hessian(total(g))(x)),
    "forward over forward": (lambda f, x: wg.jacfwd(wg.jacfwd(total(f)))(x), lambda g, x: wg.hessian(total(g))(x)),
    "reverse over forward": (lambda f, x: wg.jacrev(wg.jacfwd(total(f)))(x), lambda g, x: wg.hessian(total(g))(x)),
    "third order": (
        lambda f, x: wg.jacfwd(wg.hessian(total(f)))(x),
        lambda g, x: wg.jacfwd(wg.hessian(total(g)))(x),
    ),
    "vmap": (lambda f, x: wg.vmap(f)(lanes(x)), each),
    "vmap of grad": (lambda f, x: wg.vmap(wg.grad(total(f)))(lanes(x)), lambda g, x: each(wg.grad(total(g)), x)),
    "grad of vmap": (lambda f, x: wg.grad(total(wg.vmap(f)))(lanes(x)), lambda g, x: each(wg.grad(total(g)), x)),
    "vmap of hessian": (
        lambda f, x: wg.vmap(wg.hessian(total(f)))(lanes(x)),
        lambda g, x: each(wg.hessian(total(g)), x),
    ),
    "grad of grad of vmap": (
        lambda f, x: wg.grad(lambda x: wnp.sum(wg.grad(total(wg.vmap(f)))(x) ** 2))(lanes(x)),
        lambda g, x: each(wg.grad(lambda x: wnp.sum(wg.grad(total(g))(x) ** 2)), x),
    ),
    "vmap of vmap of grad": (
        lambda f, x: wg.vmap(wg.vmap(wg.grad(total(f))))(lanes(x)[None])[0],
        lambda g, x: each(wg.grad(total(g)), x),
    ),
    "recorded": (lambda f, x: check(wg.trace(f, abstract=True)(x))(x), lambda g, x: g(x)),
    "recorded gradient": (
        lambda f, x: check(wg.trace(wg.grad(total(f)), abstract=True)(x))(x),
        lambda g, x: wg.grad(total(g))(x),
    ),
    "gradient of recorded": (
        lambda f, x: wg.grad(total(wg.trace(f, abstract=True)(x)))(x),
        lambda g, x: wg.grad(total(g))(x),
    ),
}


def close(found, expected, rtol=1e-9):
    ours, theirs = flatten(found)[0], flatten(expected)[0]
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-11)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pair", PAIRS)
def test_against_python(pair, mode):
    loop, python, x = PAIRS[pair]
    ours, theirs = MODES[mode]
    close(ours(loop, x), theirs(python, x))


# the loop of 100 iterations that symbolic differentiation cannot do --------------------------------------------------
def seed_python(a, b, z):
    for i in range(100):
        z = a * np.cos(z + i) + z * np.sin(b - i)
    return z


def seed_fori(a, b, z):
    return wg.fori_loop(0, 100, lambda i, z: a * np.cos(z + i) + z * np.sin(b - i), z)


def seed_scan(a, b, z):
    return wg.scan(lambda z, i: (a * np.cos(z + i) + z * np.sin(b - i), None), z, np.arange(100.0))[0]


def seed_while(a, b, z):
    def body(carry):
        i, z = carry
        return i + 1, a * np.cos(z + i) + z * np.sin(b - i)

    return wg.while_loop(lambda carry: carry[0] < 100, body, (0, z))[1]


@pytest.mark.parametrize("f", [seed_fori, seed_scan, seed_while])
def test_loop_of_the_seed(f):
    args = (0.7, 0.3, 0.5)
    close(f(*args), seed_python(*args), 1e-12)
    close(wg.grad(f, (0, 1, 2))(*args), wg.grad(seed_python, (0, 1, 2))(*args), 1e-12)
    close(wg.jvp(f, args, (1.0, 2.0, 3.0)), wg.jvp(seed_python, args, (1.0, 2.0, 3.0)), 1e-12)
    close(wg.hessian(f, (0, 1))(*args), wg.hessian(seed_python, (0, 1))(*args))


def test_loop_of_the_seed_against_the_complex_step():
    step = np.imag(seed_python(0.7 + 1e-30j, 0.3, 0.5)) / 1e-30
    close(wg.grad(seed_fori)(0.7, 0.3, 0.5), step, 1e-12)


# against JAX -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def test_scan_against_jax(jax):
    def program(lax, np):
        def step(carry, row):
            h, k = carry
            w, t = row
            h = lax.cond(t > 0.4, lambda h: np.tanh(w @ h) * t, lambda h: h + k, h)
            return (h, k + 1), {"norm": np.sum(h * h), "h": h}

        def f(x):
            (h, k), ys = lax.scan(step, (x, 0), (W, TS[:3]))
            return np.sum(h) * k + np.sum(ys["norm"]) + np.sum(ys["h"])

        return f

    ours, theirs = program(wg, wnp), program(jax.lax, jax.numpy)
    x = np.array([0.3, -0.8])
    close(ours(x), np.asarray(theirs(x)))
    close(wg.grad(ours)(x), np.asarray(jax.grad(theirs)(x)))
    hvp = lambda d, grad, f: d(grad(f), (x,), (x[::-1],))[1]
    close(hvp(wg.jvp, wg.grad, ours), np.asarray(hvp(jax.jvp, jax.grad, theirs)))
    xs = RNG.normal(size=(4, 2))
    close(wg.vmap(wg.grad(ours))(xs), np.asarray(jax.vmap(jax.grad(theirs))(xs)))


def test_while_against_jax(jax):
    def program(lax, np):
        def f(x):
            return lax.while_loop(
                lambda c: (c[1] < 8) & (np.sum(c[0] ** 2) > 0.05), lambda c: (np.sin(c[0]) * x[0], c[1] + 1), (x, 0)
            )[0]

        return f

    ours, theirs = program(wg, wnp), program(jax.lax, jax.numpy)
    x = np.array([0.7, 0.2])
    close(wg.jacfwd(ours)(x), np.asarray(jax.jacfwd(theirs)(x)))
    close(wg.jacrev(ours)(x), np.asarray(jax.jacfwd(theirs)(x)))  # JAX has no reverse mode here
    xs = RNG.normal(size=(5, 2))
    close(wg.vmap(ours)(xs), np.asarray(jax.vmap(theirs)(xs)))
    close(wg.vmap(wg.jacrev(ours))(xs), np.asarray(jax.vmap(jax.jacfwd(theirs))(xs)))


@pytest.mark.parametrize("init", [0, 0.0, 1, np.float32(0), np.float64(0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_of_number_carries_as_jax(jax, init, dtype):
    xs = np.ones(3, dtype)
    try:
        expected = jax.lax.scan(lambda c, x: (c + x, c), init, xs)
    except TypeError:
        with pytest.raises(errors.ShapeError):
            wg.jvp(lambda xs: wg.scan(lambda c, x: (c + x, c), init, xs), (xs,), (xs,))
        return
    (total, ys), _ = wg.jvp(lambda xs: wg.scan(lambda c, x: (c + x, c), init, xs), (xs,), (xs,))
    assert total.dtype == np.asarray(expected[0]).dtype
    assert ys.dtype == np.asarray(expected[1]).dtype
    close((total, ys), jax.tree.map(np.asarray, expected), 1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_indices_and_counters_are_as_weak_as_python_numbers(dtype):
    """As in a Python loop, where the index of range is a Python int: float32 times index stays float32."""
    x = np.array([0.3, 0.8]).astype(dtype)

    def fori(x):
        return wg.fori_loop(0, 3, lambda i, c: np.sin(c) * x * 2 + (i + 1) / 2, x)

    def counted(x):
        return wg.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, np.sin(c[1]) * x * 2 + (c[0] + 1) / 2), (0, x))[1]

    for f in (fori, counted):
        assert f(x).dtype == dtype
        assert [a.dtype for a in wg.jvp(f, (x,), (x,))] == [dtype, dtype]
        assert wg.vjp(f, x)[1](x)[0].dtype == dtype
        close(wg.jvp(f, (x,), (x,))[0], f(x), 1e-2)


# lanes that go different ways --------------------------------------------------------------------------------------
def test_lanes_finish_at_different_rounds():
    def f(x):
        return wg.while_loop(lambda c: c < 10.0, lambda c: c * x, 1.0)

    xs = np.array([1.5, 2.0, 11.0, 1.1])
    rounds = np.ceil(np.log(10) / np.log(xs))
    close(wg.vmap(f)(xs), xs**rounds)
    close(wg.vmap(wg.grad(f))(xs), rounds * xs ** (rounds - 1))
    close(wg.vmap(wg.grad(wg.grad(f)))(xs), rounds * (rounds - 1) * xs ** (rounds - 2))


def test_finished_lanes_contribute_no_nan():
    """After its last round a lane would compute sqrt of a negative number."""

    def f(x):
        return wg.while_loop(lambda c: c > 0.5, lambda c: wnp.sqrt(c - 0.5) * x, x)

    xs = np.array([0.6, 0.9, 0.55, 0.2])
    close(wg.vmap(f)(xs), np.stack([f(x) for x in xs]))
    close(wg.vmap(wg.grad(f))(xs), np.stack([wg.grad(f)(x) for x in xs]))
    close(wg.grad(total(wg.vmap(f)))(xs), np.stack([wg.grad(f)(x) for x in xs]))


def test_branch_that_a_lane_does_not_take_contributes_no_nan():
    def f(x):
        return wg.cond(x > 0, lambda x: np.sqrt(x) * x, lambda x: x * 0 + 1, x)

    xs = np.array([-1.0, 0.0, 4.0])
    expected = np.array([0.0, 0.0, 3.0])
    close(wg.vmap(f)(xs), np.array([1.0, 1.0, 8.0]))
    close(wg.vmap(wg.grad(f))(xs), expected)
    close(wg.grad(total(wg.vmap(f)))(xs), expected)
    close(wg.vmap(wg.jacfwd(f))(xs), expected)
    looped = lambda xs: wg.fori_loop(0, 1, lambda i, c: wg.vmap(f)(c), xs)
    close(wg.grad(total(looped))(xs), expected)


def test_bounds_that_differ_between_lanes():
    f = lambda n, x: wg.fori_loop(0, n, lambda i, c: c * x + i, x)
    ns, xs = np.array([3, 0, 1]), np.array([1.1, 0.7, -2.0])
    each = [(int(n), x) for n, x in zip(ns, xs, strict=True)]
    close(wg.vmap(f)(ns, xs), np.stack([f(*a) for a in each]))
    close(wg.vmap(wg.grad(f, 1))(ns, xs), np.stack([wg.grad(f, 1)(*a) for a in each]))
    close(wg.vmap(wg.hessian(f, 1))(ns, xs), np.stack([wg.hessian(f, 1)(*a) for a in each]))


def test_more_lanes_than_one():
    """A batch of batches, each lane with its own number of rounds."""
    f = lambda x: wg.while_loop(lambda c: c < 10.0, lambda c: c * x, 1.0)
    xs = np.array([[1.5, 2.0], [11.0, 1.1]])
    expected = np.vectorize(lambda x: wg.grad(f)(x))(xs)
    close(wg.vmap(wg.vmap(wg.grad(f)))(xs), expected)
    close(wg.grad(total(wg.vmap(wg.vmap(f))))(xs), expected)


# what runs, and what is kept ---------------------------------------------------------------------------------------
def test_only_the_taken_branch_runs():
    ran = []

    def f(x):
        return wg.cond(x > 0, lambda: ran.append("true") or x * 2, lambda: ran.append("false") or x * 3)

    assert wg.grad(f)(1.0) == 2.0
    assert wg.grad(f)(-1.0) == 3.0
    assert wg.switch(1, [lambda: ran.append(0), lambda: ran.append(1)]) is None
    assert ran == ["true", "false", 1]


def test_a_loop_stays_a_loop():
    program = wg.trace(wg.grad(seed_fori), abstract=True)(0.7, 0.3, 0.5)
    names = [eq.primitive.name for eq in program.equations]
    assert names.count("scan") == 1
    assert names.count("linear_scan") == 1
    assert len(names) < 8


def test_stacks_of_unknown_length_stay_inside_a_round():
    """The inner loop of a nest is run again on the way back, so that every residual of the outer has one shape."""
    program = wg.trace(wg.grad(while_in_while), abstract=True)(1.3)
    (outer,) = (eq for eq in program.equations if eq.primitive.name == "while")
    inner = [eq for eq in outer.params["body"].equations if eq.primitive.name == "while"]
    assert all(-1 not in v.type.shape for eq in inner for v in eq.outputs)
    assert "f64[?]" in str(program)


def test_constants_of_a_loop_are_not_stacked():
    w = np.eye(400) * 0.5  # 1.28 MB, used in each of 30 rounds

    def f(x):
        return wnp.sum(wg.fori_loop(0, 30, lambda i, h: np.tanh(np.sin(w) @ h), x))

    wg.grad(f)(np.ones(400))
    tracemalloc.start()
    wg.grad(f)(np.ones(400))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * w.nbytes


def test_ten_thousand_rounds():
    f = lambda x: wg.fori_loop(0, 10_000, lambda i, c: c * 0.999 + x, 0.0)
    geometric = (1 - 0.999**10_000) / (1 - 0.999)
    close(wg.grad(f)(2.0), geometric, 1e-10)
    close(wg.jvp(f, (2.0,), (1.0,))[1], geometric, 1e-10)


def test_what_is_added_at_the_end_of_a_round_is_kept_until_then():
    """2 y is used once more before total + (2 y + 3 y) is computed, in one sum, in place."""
    row = ArrayType((2,), float)

    def body(total, y):
        twice, thrice = y * 2.0, y * 3.0
        both = ew.add(twice, thrice)
        return [ew.add(total, ew.add(both, ew.cos(y))), ew.sin(twice)]

    program = record(body, [row, row], "body")
    sums = Sums(program, [(program.inputs[0], program.outputs[0])])
    y = np.array([1.0, 2.0])
    total, sine = python_function(program, sums=sums)(np.ones(2), y)
    np.testing.assert_allclose(total, 1 + 5 * y + np.cos(y))
    np.testing.assert_allclose(sine, np.sin(2 * y))


@pytest.mark.parametrize("mode", ["grad", "jvp", "forward over reverse", "vmap of grad"])
def test_sums_that_are_written_in_place(mode):
    """Adjoints of what is indexed, sliced or multiplied in every round are summed in place, in compiled rounds."""
    n = 25

    def loop(x):
        def body(i, c):
            return np.tanh(wnp.reshape(x[:4], (2, 2)) @ c * 0.3) + x[i] * x[i - 1] + x[1:3] * c[0] * 0.1

        return wg.fori_loop(0, n, body, x[:2])

    def python(x):
        c = x[:2]
        for i in range(n):
            c = np.tanh(wnp.reshape(x[:4], (2, 2)) @ c * 0.3) + x[i] * x[i - 1] + x[1:3] * c[0] * 0.1
        return c

    x = np.cos(np.arange(float(n)))
    ours, theirs = MODES[mode]
    close(ours(loop, x), theirs(python, x))


def test_nothing_that_goes_in_is_written_over():
    """The running sum of a loop begins as a copy of what it was given."""
    start, xs = np.ones(3), np.ones((40, 3))
    start.flags.writeable = True
    add = lambda start: wg.scan(lambda c, x: (c + x, None), start, xs)[0]
    value, pull = wg.vjp(add, start)
    close(value, np.full(3, 41.0))
    close(start, np.ones(3))
    y_bar = np.ones(3)
    close(pull(y_bar)[0], np.ones(3))
    close(y_bar, np.ones(3))
    close(wg.jvp(add, (start,), (start,)), (np.full(3, 41.0), np.ones(3)))
    close(start, np.ones(3))


def test_a_loop_that_comes_again_is_not_derived_again():
    def loss(x):
        return wg.fori_loop(0, 3, lambda i, c: c * x, x)

    def body():
        program = wg.trace(wg.grad(loss), abstract=True)(2.0)
        return next(eq for eq in program.equations if eq.primitive.name == "linear_scan").params["body"]

    assert body() is body()


# plain calls -------------------------------------------------------------------------------------------------------
def test_plain_calls_return_plain_arrays_and_leave_arguments_alone():
    x = np.ones(3)

    def body(i, c):
        c[i] = i
        return c

    assert type(wg.fori_loop(0, 3, body, x)) is np.ndarray
    assert np.array_equal(x, np.ones(3))
    carry, ys = wg.scan(lambda c, t: (c + t, {"y": c * t}), 1, np.arange(3))
    assert carry == 4
    assert np.array_equal(ys["y"], [0, 1, 4])
    assert wg.map(lambda t: (t, -t), np.arange(2))[1].tolist() == [0, -1]


@pytest.mark.parametrize("traced", [False, True])
def test_no_rounds(traced):
    def f(x):
        carry, ys = wg.scan(lambda c, t: (c * t, np.stack([c, t])), x, np.zeros(0))
        return wg.fori_loop(3, 1, lambda i, c: c * 7, carry), ys

    value, ys = wg.jvp(f, (2.0,), (1.0,))[0] if traced else f(2.0)
    assert value == 2.0
    assert ys.shape == (0, 2)
    assert wg.grad(lambda x: f(x)[0])(2.0) == 1.0


def test_length_without_rows():
    carry, ys = wg.scan(lambda c, _: (c * 2, c), 1.0, length=3)
    assert (carry, ys.tolist()) == (8.0, [1.0, 2.0, 4.0])
    assert wg.grad(lambda x: wg.scan(lambda c, _: (c * x, None), 1.0, None, 3)[0])(2.0) == 12.0


def test_python_decisions_on_data_in_a_body():
    """Where types are not enough, the rounds run one after the other on the values."""

    def f(x):
        def step(c, t):
            return (c * t if c > 1 else c + t), c

        c, ys = wg.scan(step, x, TS)
        d = wg.fori_loop(0, 3, lambda i, c: c * x if i % 2 else c + x, c)
        e = wg.while_loop(lambda c: c < 5, lambda c: c * 2 if c > 1 else c + 0.4, d)
        return e + wnp.sum(ys)

    def python(x):
        c, s = x, 0
        for t in TS:
            c, s = (c * t if c > 1 else c + t), s + c
        for i in range(3):
            c = c * x if i % 2 else c + x
        while c < 5:
            c = c * 2 if c > 1 else c + 0.4
        return c + s

    close(wg.grad(f)(0.7), wg.grad(python)(0.7))
    close(wg.hessian(f)(0.7), wg.hessian(python)(0.7))


def test_a_loop_inside_a_recorded_program_beside_values():
    program = wg.trace(newton)(2.3)
    assert [eq.primitive.name for eq in program.equations] == ["while"]
    close(program(7.1), np.sqrt(7.1))


# errors ------------------------------------------------------------------------------------------------------------
def carry_grows(x):
    return wg.scan(lambda c, t: (wnp.concatenate([c, c]), None), x, TS)[0]


def carry_restructured(x):
    return wg.fori_loop(0, 2, lambda i, c: {"v": c["u"]}, {"u": x})["v"]


def integer_carry_becomes_float(x):
    return wg.while_loop(
        lambda c: c["k"][0] < 2, lambda c: {"k": c["k"] + 0.5, "x": c["x"]}, {"k": np.arange(1), "x": x}
    )


def no_pair(x):
    return wg.scan(lambda c, t: c, x, TS)


def condition_is_an_array(x):
    return wg.while_loop(lambda c: c > 0, lambda c: c - 1, x)


def condition_is_a_number(x):
    return wg.while_loop(lambda c: wnp.sum(c), lambda c: c - 1, x)


def predicate_is_an_array(x):
    return wg.cond(x > 0, lambda: x, lambda: -x)


def bounds_are_floats(x):
    return wg.fori_loop(0, x[0], lambda i, c: c, x)


def rows_of_two_lengths(x):
    return wg.scan(lambda c, t: (c, None), x, (TS, W))


def no_rows(x):
    return wg.scan(lambda c, t: (c, None), x)


def rows_of_a_number(x):
    return wg.scan(lambda c, t: (c, None), x, (x, 1.0))


def result_is_no_array(x):
    return wg.scan(lambda c, t: (c, "text"), x, TS)


ERRORS = {
    carry_grows: (errors.ShapeError, "changes the type of carry from f64[2] to f64[4]"),
    carry_restructured: (errors.StructureError, "changes the structure of its carry"),
    integer_carry_becomes_float: (errors.ShapeError, "carry['k'] from i64[1] to f64[1]"),
    no_pair: (errors.StructureError, "not a pair"),
    condition_is_an_array: (errors.ShapeError, "returned bool[2]"),
    condition_is_a_number: (errors.ShapeError, "returned f64[]"),
    predicate_is_an_array: (errors.ShapeError, "predicate of cond is bool[2]"),
    bounds_are_floats: (errors.ShapeError, "upper = f64[]"),
    rows_of_two_lengths: (errors.ShapeError, "4 (xs[0]), 3 (xs[1])"),
    no_rows: (errors.ShapeError, "neither xs nor length"),
    rows_of_a_number: (errors.ShapeError, "xs[1], which is f64[]"),
    result_is_no_array: (errors.StructureError, "returned a str at result[1]"),
}


TRACED_ONLY = (result_is_no_array,)  # plain Python stacks whatever the body returns
CASES = [(f, plain) for f in ERRORS for plain in (True, False) if not (plain and f in TRACED_ONLY)]


@pytest.mark.parametrize(("f", "plain"), CASES, ids=lambda case: getattr(case, "__name__", str(case)))
def test_errors_say_what_and_where(f, plain):
    kind, text = ERRORS[f]
    x = np.array([0.5, 1.0])
    with pytest.raises(kind) as caught:
        f(x) if plain else wg.jvp(f, (x,), (x,))
    message = str(caught.value)
    assert text in message
    assert "where:" in message
    assert __file__ in message


def test_branches_that_differ():
    x = np.ones(2)
    lanes = np.array([True, False])
    with pytest.raises(errors.ShapeError, match=r"result\[0\]: false_fun f64\[\], true_fun f64\[2\]"):
        wg.vmap(lambda p: wg.cond(p, lambda: (x,), lambda: (x[0],)))(lanes)
    with pytest.raises(errors.StructureError, match="different structures"):
        wg.vmap(lambda p: wg.cond(p, lambda: (x,), lambda: [x]))(lanes)
    assert wg.vmap(lambda p: wg.cond(p, lambda: 0, lambda: x[0]))(lanes).tolist() == [0.0, 1.0]


def test_a_decision_on_types_alone():
    with pytest.raises(errors.AbstractValueError):
        wg.trace(lambda x: wg.while_loop(lambda c: c < 3, lambda c: c + 1 if c > 0 else c, x), abstract=True)(1.0)


def test_lanes_whose_branches_have_loops_of_their_own():
    """The number of rounds of one lane's loop is not taken for that of another's."""

    def f(x):
        long = lambda x: wg.while_loop(lambda c: c < 20.0, lambda c: c * (1.5 + 0.01 * x), x)
        short = lambda x: wg.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, wnp.sin(c[1] * x)), (0, x))[1]
        return wg.cond(x > 1.0, long, lambda x: wg.cond(x > 0.5, short, lambda x: x * x, x), x)

    x = np.array([2.0, 0.7, 0.2, 3.0])
    program = wg.trace(f)(wg.ArrayType((), float))
    for g in (f, program):
        np.testing.assert_allclose(wg.vmap(wg.grad(g))(x), [wg.grad(f)(v) for v in x], rtol=1e-12)


def test_lanes_do_not_run_what_would_never_end_for_them():
    """Nor read past the end of an array: lanes that do not take a branch compute what one does that takes it."""

    def f(x, i):
        doubled = lambda x: wg.while_loop(lambda c: c < 20.0, lambda c: c * 2.0, x)
        other = lambda x: wg.cond(i < 4, lambda x, i: wnp.take(TS, i) * x, lambda x, i: -x, x, i)
        return wg.cond(x > 0, doubled, other, x)

    x, i = np.array([2.0, -0.7, -0.2, -3.0]), np.array([9, 9, 1, 2])
    np.testing.assert_allclose(wg.vmap(f)(x, i), [32.0, 0.7, TS[1] * -0.2, TS[2] * -3.0])
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(x, i), [16.0, -1.0, TS[1], TS[2]])
    np.testing.assert_allclose(wg.vmap(f)(-abs(x), i), [2.0, 0.7, TS[1] * -0.2, TS[2] * -3.0])
