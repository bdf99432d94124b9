"""wg.jit with every transformation, in every order, against the interpreter and against closed forms."""

import collections
import dataclasses
import math

import numpy
import pytest

import wengert as wg
from wengert.core.tree import flatten

np = wg.numpy
X = numpy.array([0.4, -0.7, 1.3])
V = numpy.array([1.0, 0.5, -2.0])


def same(got, want, rtol=1e-10, atol=1e-12):
    """The same structure of the same types, and the same numbers."""
    (got, tree), (want, expected) = flatten(got), flatten(want)
    assert tree == expected
    for x, y in zip(got, want, strict=True):
        assert numpy.shape(x) == numpy.shape(y)
        assert numpy.asarray(x).dtype == numpy.asarray(y).dtype
        numpy.testing.assert_allclose(x, y, rtol, atol)


# functions of an array that give a number ------------------------------------------------------------------------
@wg.custom_jvp
def softplus(x):
    return np.log1p(np.exp(x))


@softplus.defjvp
def _(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return softplus(x), x_dot / (1 + np.exp(-x))


@wg.custom_vjp
def clipped(x):
    return np.sum(x**3)


clipped.defvjp(lambda x: (np.sum(x**3), x), lambda x, bar: (np.clip(3 * x**2, 0.0, 2.0) * bar,))


def elementwise(x):
    return np.sum(np.sin(x) * np.exp(0.3 * x) + x**3)


def products(x):
    a = np.outer(x, np.cos(x))
    return np.sum(np.tanh(a @ a.T) @ x)


def indexed(x):
    return np.sum(x[np.array([0, 2, 2, 1])] ** 2 * np.arange(4.0)) * x[-1] + np.sum(np.sort(x) * V)


def assigned(x):
    y = np.zeros(5) + x[0]
    y[1:4] = x * y[0]
    y[numpy.array([0, 4])] += x[1] ** 2
    return np.sum(y * y)


def branched(x):
    return wg.cond(np.sum(x) > 0.5, lambda x: np.sum(x**3), lambda x: np.sum(np.cos(x)) * x[0], x)


def switched(x):
    branches = [lambda x: np.sum(x), lambda x: np.sum(x**2) * x[0], lambda x: np.prod(x)]
    return wg.switch(np.asarray(np.argmin(x)), branches, x)


def scanned(x):
    carry, rows = wg.scan(lambda c, r: (np.sin(c) + r * c, c * r), 1.0, x, reverse=True)
    return carry * np.sum(rows**2)


def counted(x):
    return np.sum(wg.fori_loop(0, 4, lambda i, y: np.tanh(y) * x + i * y * 0.1, x))


def repeated(x):
    return wg.while_loop(lambda s: np.sum(s * s) < 40.0, lambda s: s * 1.4 + 0.1 * x * s[0], x)[1] ** 2


def mapped(x):
    return np.sum(wg.map(lambda r: np.sin(r) * np.sum(x), x)) + np.sum(wg.vmap(lambda r: r * r * x[0])(x))


def nested(x):
    def outer(i, y):
        z = wg.while_loop(lambda w: np.sum(w * w) < 10.0, lambda w: w * 1.5 + 0.05, y)
        return 0.3 * wg.scan(lambda c, r: (c * np.cos(r), c), z, x)[0]

    return np.sum(wg.fori_loop(0, 3, outer, x))


def recomputed(x):
    return np.sum(wg.checkpoint(lambda y: np.sin(np.exp(y)) * y)(x)) * wg.stop_gradient(np.sum(x**2))


def ruled(x):
    return np.sum(softplus(x) * x) + clipped(x) ** 2


def derived(x):
    """Derivatives inside of the function."""
    inner = wg.grad(lambda y: np.sum(np.sin(y) * x))(x)
    return np.sum(inner**2) + wg.jvp(lambda y: np.prod(y), (x,), (V,))[1]


def solved(x):
    a = np.diag(x**2 + 1.0) + np.outer(x, V)
    return np.sum(np.linalg.solve(a, x)) + np.linalg.slogdet(a)[1]


FUNCTIONS = [
    elementwise, products, indexed, assigned, branched, switched, scanned, counted, repeated, mapped, nested,
    recomputed, ruled, derived, solved,
]  # fmt: skip

TRANSFORMATIONS = {
    "value": lambda f: f,
    "grad": wg.grad,
    "value and grad": wg.value_and_grad,
    "jvp": lambda f: lambda x: wg.jvp(f, (x,), (V,)),
    "vjp": lambda f: lambda x: wg.vjp(f, x)[1](2.0),
    "linearize": lambda f: lambda x: wg.linearize(f, x)[1](V),
    "jacfwd": wg.jacfwd,
    "jacrev": lambda f: wg.jacrev(lambda x: np.stack([f(x), 2 * f(x) ** 2])),
    "hessian": wg.hessian,
    "hvp": lambda f: lambda x: wg.hvp(f, (x,), (V,)),
    "vmap": lambda f: lambda x: wg.vmap(f)(np.stack([x, 0.5 * x, -x])),
    "checkpoint": lambda f: wg.grad(wg.checkpoint(f)),
    "jit": wg.jit,
    "stopped": lambda f: wg.grad(lambda x: f(x) * wg.stop_gradient(f(x))),
    "mapped": lambda f: lambda x: wg.map(f, np.stack([x, 2 * x])),
    "traced": lambda f: lambda x: wg.trace(f)(x)(x),
}


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("name", ["value", "grad", "hessian", "vmap"])
def test_functions(f, name):
    g = TRANSFORMATIONS[name](f)
    same(wg.jit(g)(X), g(X))


@pytest.mark.parametrize("f", FUNCTIONS)
def test_gradients_of_lanes_that_go_different_ways(f):
    g, xs = wg.vmap(wg.grad(f)), np.stack([X, 0.5 * X, -X, X[::-1], 2 + X])
    same(wg.jit(g)(xs), g(xs))


@pytest.mark.parametrize("f", [elementwise, products, scanned, counted])
def test_gradients_against_the_complex_step(f):
    h = 1e-30
    want = [f(X + 1j * h * numpy.eye(3)[k]).imag / h for k in range(3)]
    numpy.testing.assert_allclose(wg.jit(wg.grad(f))(X), want, 1e-12)


@pytest.mark.parametrize("f", [elementwise, nested])
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_outside_and_inside_of_transformations(name, f):
    transformation = TRANSFORMATIONS[name]
    want = transformation(f)(X)
    same(wg.jit(transformation(f))(X), want)
    same(transformation(wg.jit(f))(X), want)
    same(wg.jit(transformation(wg.jit(f)))(X), want)


ORDERS = [
    lambda f: wg.grad(wg.jit(lambda x: np.sum(wg.jit(wg.grad(f))(x) ** 2))),
    lambda f: lambda x: wg.vmap(wg.jit(wg.grad(wg.jit(f))))(np.stack([x, -x])),
    lambda f: lambda x: wg.vmap(wg.jit(wg.jacfwd(wg.grad(f))))(np.stack([x, 2 * x])),
    lambda f: wg.jacrev(wg.jit(wg.jacfwd(wg.jit(f)))),
    lambda f: lambda x: wg.jvp(wg.jit(wg.grad(wg.jit(wg.checkpoint(f)))), (x,), (V,)),
    lambda f: lambda x: wg.scan(lambda c, r: (c + wg.jit(wg.grad(f))(c * r), wg.jit(f)(c)), x, np.ones(3))[1],
    lambda f: lambda x: wg.cond(np.sum(x) > 0, wg.jit(wg.grad(f)), lambda y: y, x),
    lambda f: wg.grad(lambda x: wg.fori_loop(0, 3, lambda i, s: wg.jit(f)(x * s) * 0.1 + i, 1.0)),
    lambda f: lambda x: wg.vjp(wg.jit(wg.vmap(wg.jit(f))), np.stack([x, 0.5 * x]))[1](np.ones(2)),
    lambda f: lambda x: wg.linearize(wg.jit(wg.grad(f)), x)[1](V),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(ORDERS)))
def test_orders_of_transformations(k, monkeypatch):
    got = ORDERS[k](elementwise)(X), wg.jit(ORDERS[k](elementwise))(X)
    monkeypatch.setattr(wg, "jit", lambda f: f)
    same(got, (ORDERS[k](elementwise)(X),) * 2)


def test_third_derivatives():
    f = wg.jit(lambda a: wg.while_loop(lambda x: abs(x * x - a) > 1e-13 * a, lambda x: 0.5 * (x + a / x), 2.0))
    third = wg.grad(wg.grad(wg.grad(f)))
    for a in (2.0, 30.0):
        # the last round of Newton's method has doubled the digits of the value, and of each derivative halved the rest
        assert f(a) == pytest.approx(math.sqrt(a), rel=1e-13)
        assert wg.jit(wg.grad(f))(a) == pytest.approx(0.5 * a**-0.5, rel=1e-9)
        assert wg.jit(third)(a) == pytest.approx(third(a), rel=1e-9)
    cube = wg.jit(lambda x: wg.fori_loop(0, 5, lambda i, y: y * x, 1.0))
    assert wg.jit(wg.grad(wg.grad(wg.grad(cube))))(2.0) == pytest.approx(240.0)


# closures -----------------------------------------------------------------------------------------------------------
def test_closure_over_a_traced_value():
    f = lambda w: wg.jit(lambda x: np.sum(x * w**2))(X)
    same(wg.grad(f)(3.0), 6.0 * numpy.sum(X))
    same(wg.jit(wg.grad(f))(3.0), 6.0 * numpy.sum(X))
    same(wg.hessian(f)(3.0), 2.0 * numpy.sum(X))
    same(wg.vmap(f)(V), f(1.0) * V**2)
    same(wg.grad(lambda w: wg.grad(wg.jit(lambda x: x * w**2))(2.0))(3.0), 6.0)


def test_closure_over_an_array_keeps_its_values():
    a = numpy.arange(3.0)
    f = wg.jit(lambda x: x + a)
    same(f(X), X + [0, 1, 2])
    same(wg.grad(lambda x: np.sum(f(x) * a))(X), a)


def test_closure_in_a_loop():
    def f(w, xs):
        return np.sum(wg.scan(lambda c, x: (wg.jit(lambda y: np.sin(y * w))(c) + x, c), w, xs)[1])

    for g in (wg.grad(f), wg.jit(wg.grad(f)), wg.grad(wg.jit(f))):
        same(g(0.7, X), wg.grad(f)(0.7, X))


# arguments and results ----------------------------------------------------------------------------------------------
Pair = collections.namedtuple("Pair", "a b")


@dataclasses.dataclass
class Layer:
    weights: numpy.ndarray
    bias: numpy.ndarray


class Ring:
    """A class of the user's."""

    def __init__(self, items):
        self.items = items


wg.register_structure(Ring, lambda r: (r.items, None), lambda _, items: Ring(items))


def parts(p):
    return [
        p["layer"].weights,
        p["layer"].bias,
        p["pair"].a,
        p["pair"].b,
        p["list"][0],
        p["list"][1][0],
        p["ring"].items[0],
    ]


def parameters():
    return {
        "layer": Layer(numpy.ones((2, 3)), X[:2]), "pair": Pair(X, 2.0), "list": [1.5, (V,)], "ring": Ring([X * 2]),
    }  # fmt: skip


def loss(p):
    y = np.tanh(p["layer"].weights @ p["pair"].a + p["layer"].bias)
    return np.sum(y) * p["pair"].b + p["list"][0] * np.sum(p["list"][1][0] * p["ring"].items[0])


def test_structures_of_arguments_and_gradients():
    p = parameters()
    got, want = wg.jit(wg.grad(loss))(p), wg.grad(loss)(p)
    assert type(got["layer"]) is Layer and type(got["pair"]) is Pair and type(got["ring"]) is Ring
    for x, y in zip(parts(got), parts(want), strict=True):
        same(x, y)
    numpy.testing.assert_allclose(got["ring"].items[0], 1.5 * V)


def test_structures_of_results():
    f = wg.jit(lambda p: {"same": p["pair"], "list": [p["list"][0] * 2, None], "layer": p["layer"]})
    got = f(parameters())
    assert got["list"] == [3.0, None] and type(got["same"]) is Pair
    numpy.testing.assert_array_equal(got["layer"].weights, numpy.ones((2, 3)))


def test_aux():
    f = wg.value_and_grad(lambda x: (np.sum(x**2), {"double": 2 * x, "n": np.sum(x)}), has_aux=True)
    same(wg.jit(f)(X), f(X))
    g = wg.grad(wg.jit(lambda x: (np.sum(x**2), 3 * x)), has_aux=True)
    same(g(X), (2 * X, 3 * X))


def test_keywords_and_static_arguments():
    def f(x, *, power=2, scale):
        return np.sum(x**power) * scale

    g = wg.jit(f, static_argnames="power")
    same(g(X, scale=2.0), f(X, scale=2.0))
    same(g(X, scale=2.0, power=3), f(X, scale=2.0, power=3))
    same(wg.grad(g)(X, scale=2.0, power=3), 6 * X**2)
    same(wg.jit(wg.grad(lambda x, n: np.sum(x**n)), static_argnums=1)(X, 3), 3 * X**2)


@pytest.mark.parametrize(
    "x",
    [
        3, numpy.int32(-4), True, numpy.bool_(False), 2.5, numpy.float32(1.5), 1 + 2j, numpy.arange(5),
        numpy.arange(4, dtype=numpy.uint8), numpy.array([True, False]), X.astype(numpy.float32), X + 1j * V,
        (X + 1j * V).astype(numpy.complex64), numpy.float16(0.5), numpy.ones(3, numpy.longdouble), numpy.asarray(2.0),
        numpy.zeros((0, 3)), numpy.zeros(0, int), numpy.asarray(7), numpy.int8(50),
    ],
    ids=lambda x: f"{type(x).__name__}-{numpy.asarray(x).dtype}-{numpy.shape(x)}",
)  # fmt: skip
def test_kinds_of_arguments(x):
    def f(x):
        y = x * 2 + 1
        return y, np.sum(y), np.prod(y), np.real(y) > 1, np.abs(y), np.where(y == 3, y, -1)

    same(wg.jit(f)(x), f(x), 1e-6 if numpy.asarray(x).dtype.char in "fFe" else 1e-12)


@pytest.mark.parametrize("x", [X.astype(numpy.float32), X + 1j * V, numpy.float32(0.7), 1 - 0.5j])
def test_gradients_have_the_dtype_of_the_argument(x):
    f = lambda x: np.sum(np.abs(np.sin(x) * x) ** 2)
    got = wg.jit(wg.grad(f))(x)
    assert numpy.asarray(got).dtype == numpy.asarray(x).dtype or type(x) is complex
    same(got, wg.grad(f)(x), 1e-5 if numpy.asarray(x).dtype.char == "f" else 1e-12)


KINDS_OF_FLOATS = [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble]


@pytest.mark.parametrize("kind", KINDS_OF_FLOATS, ids=lambda kind: np.dtype(kind).name)
def test_constants_of_each_kind(kind):
    """As results, in branches, in arrays; what LLVM has no type for as bits."""
    third = kind(1) / kind(3)
    for f in (
        lambda x: third,
        lambda x: np.where(x > 0, third, kind(4)),
        lambda x: wg.cond(x > 0, lambda: third, lambda: kind(2)),
        lambda x: np.full(3, third) * third,
        lambda x: kind(x) * third,
    ):
        for x in (1.5, -2.0):
            found, right = wg.jit(f)(x), f(x)
            assert np.asarray(found).dtype == np.asarray(right).dtype == np.dtype(kind)
            np.testing.assert_array_equal(found, right)


def test_special_values():
    x = numpy.array([numpy.nan, numpy.inf, -numpy.inf, 0.0, -0.0, 1e308, 5e-324])
    f = lambda x: (
        np.maximum(x, 1.0),
        x * x - x * x,
        np.exp(x),
        1 / x,
        np.sum(x),
        np.max(x),
        np.where(x > 0, x, 2 * x),
        x - x,
    )
    with numpy.errstate(all="ignore"):
        for got, want in zip(wg.jit(f)(x), f(x), strict=True):
            numpy.testing.assert_array_equal(got, want)
            zeros = numpy.asarray(want == 0)
            numpy.testing.assert_array_equal(numpy.signbit(got)[zeros], numpy.signbit(want)[zeros])
    g = wg.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)))
    with numpy.errstate(all="ignore"):
        same(wg.jit(g)(numpy.array([-1.0, 0.0, 2.0])), numpy.array([0.0, 0.0, 0.5]))


def test_the_same_array_twice_and_views_of_one_array():
    f = wg.jit(lambda x, y: (x * y, x + 1, y))
    got = f(X, X)
    same(got, (X * X, X + 1, X))
    got[2][:] = 0
    assert X[0] == 0.4
    whole = numpy.arange(12.0).reshape(3, 4)
    g = lambda a, b, c: np.sum(a[:, :3] @ b[:3]) + np.sum(c * c)
    same(wg.jit(g)(whole, whole.T, whole[::2, ::-1]), g(whole, whole.T, whole[::2, ::-1]))
    gradient = wg.grad(g, (0, 1, 2))
    same(wg.jit(gradient)(whole, whole.T, whole[::2, ::-1]), gradient(whole, whole.T, whole[::2, ::-1]))


def test_results_are_arrays_of_their_own():
    f = wg.jit(lambda x: (x, x, x[1:], x.T, np.zeros(3), np.zeros(3)))
    a, b, c, *_ = found = f(X)
    for k, x in enumerate(found):
        assert not numpy.shares_memory(x, X) and x.flags.writeable and x.flags.owndata
        assert not any(numpy.shares_memory(x, y) for y in found[k + 1 :])
    a += 1
    same((b, c), (X, X[1:]))


def test_inputs_are_never_written():
    x = X.copy()
    x.flags.writeable = False

    def f(x):
        y = x
        for _ in range(3):
            y = wg.fori_loop(0, 3, lambda i, y: np.where(np.arange(3) == i, y * 2, y), y)
            z = np.array(y)
            z[0] = 5.0
        return y + z

    same(wg.jit(f)(x), f(x))
    same(wg.jit(wg.grad(lambda x: np.sum(f(x) ** 2)))(x), wg.grad(lambda x: np.sum(f(x) ** 2))(x))
    numpy.testing.assert_array_equal(x, X)


# loops ----------------------------------------------------------------------------------------------------------------
def test_a_loop_of_unknown_length():
    power = lambda x, n: wg.fori_loop(0, n, lambda i, y: y * x, 1.0)
    value, slope, bend = wg.jit(power), wg.jit(wg.grad(power)), wg.jit(wg.grad(wg.grad(power)))
    for n in (0, 1, 2, 7, 100):
        x = 1.01
        assert value(x, n) == pytest.approx(x**n)
        assert slope(x, n) == pytest.approx(n * x ** (n - 1))
        assert bend(x, n) == pytest.approx(n * (n - 1) * x ** (n - 2))
    assert value(2.0, -3) == 1.0


def test_loops_of_unknown_length_in_loops():
    def f(x, n, m):
        inner = lambda i: wg.fori_loop(i, m, lambda j, t: t + x ** (i + 2 * j), 0.0)
        return wg.fori_loop(0, n, lambda i, s: s * 0.5 + inner(i), 0.0)

    def truth(x, n, m, order):
        total = 0.0
        for i in range(n):
            p = numpy.polynomial.Polynomial([0.0])
            for j in range(i, m):
                p += numpy.polynomial.Polynomial.basis(i + 2 * j)
            total = total * 0.5 + (p.deriv(order) if order else p)(x)
        return total

    made = [wg.jit(f), wg.jit(wg.grad(f)), wg.jit(wg.grad(wg.grad(f)))]
    for n, m in [(0, 3), (3, 0), (1, 1), (3, 4), (5, 2)]:
        for order, g in enumerate(made):
            assert g(1.1, n, m) == pytest.approx(truth(1.1, n, m, order), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize("reverse", [False, True])
def test_lengths_of_scans(n, reverse):
    xs = numpy.linspace(0.1, 1.0, n)

    def f(c, xs):
        c, rows = wg.scan(lambda c, x: (c * x + 1.0, (c, {"x": x * x})), c, xs, reverse=reverse)
        return c, rows

    same(wg.jit(f)(0.5, xs), f(0.5, xs))
    g = wg.grad(lambda c, xs: f(c, xs)[0] ** 2 + np.sum(f(c, xs)[1][0]), (0, 1))
    same(wg.jit(g)(0.5, xs), g(0.5, xs))
    h = wg.hessian(lambda xs: f(0.5, xs)[0])
    same(wg.jit(h)(xs), h(xs))


def test_integers_and_flags_are_carried():
    def f(x):
        def step(s):
            total, n, odd = s
            return total + np.where(odd, x, -0.5 * x) * n, n + 1, ~odd

        return wg.while_loop(lambda s: s[1] < 6, step, (0.0 * x, 0, np.asarray(True)))

    same(wg.jit(f)(1.5), f(1.5))
    same(wg.jit(wg.grad(lambda x: f(x)[0]))(1.5), (0 + 2 + 4) - 0.5 * (1 + 3 + 5))


def test_carries_that_change_places():
    def f(x):
        return wg.fori_loop(0, 5, lambda i, s: (s[1], s[2], s[0] + s[1] * x), (x, 2.0, 2 * x))

    for g in (f, wg.jacfwd(f), wg.jacrev(f)):
        same(wg.jit(g)(0.5), g(0.5))


def test_lanes_of_a_while_loop():
    def collatz(n):
        return wg.while_loop(
            lambda s: s[0] > 1, lambda s: (np.where(s[0] % 2 == 0, s[0] // 2, 3 * s[0] + 1), s[1] + 1), (n, 0)
        )[1]

    ns = numpy.array([1, 2, 3, 7, 27, 97])
    numpy.testing.assert_array_equal(wg.jit(wg.vmap(collatz))(ns), [0, 1, 7, 16, 111, 118])
    numpy.testing.assert_array_equal(wg.vmap(wg.jit(collatz))(ns), [0, 1, 7, 16, 111, 118])
    grow = lambda x, stop: wg.while_loop(lambda y: y < stop, lambda y: y * x, x)
    lanes = wg.jit(wg.vmap(wg.value_and_grad(grow), (None, 0)))
    value, slope = lanes(2.0, numpy.array([0.0, 3.0, 100.0, 4.0]))
    numpy.testing.assert_allclose(value, [2, 4, 128, 4])
    numpy.testing.assert_allclose(slope, [1, 2 * 2, 7 * 64, 2 * 2])


def test_a_row_at_a_traced_place():
    def f(a):
        def step(i, a):
            a = np.array(a)
            a[i] = a[i - 1] * 2 + a[(i + 1) % 4]
            return a

        return wg.fori_loop(0, 4, step, a)

    a = numpy.arange(8.0).reshape(4, 2)
    same(wg.jit(f)(a), f(a))
    g = wg.grad(lambda a: np.sum(f(a) ** 2))
    same(wg.jit(g)(a), g(a))


def test_lorenz_against_jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def system(lib, np):
        def f(state):
            def step(s, _):
                x, y, z = s
                k = (10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z)
                return tuple(a + 0.01 * b for a, b in zip(s, k, strict=True)), s[0] * s[2]

            last, rows = lib.scan(step, state, None, length=40)
            return last[0] + np.sum(np.tanh(rows * 0.1))

        return f

    state = (1.0, 2.0, 3.0)
    ours = wg.jit(wg.value_and_grad(system(wg, np)))(state)
    theirs = jax.jit(jax.value_and_grad(system(jax.lax, jax.numpy)))(state)
    numpy.testing.assert_allclose(numpy.hstack(ours), numpy.hstack(theirs), 1e-11)


def test_a_program_is_a_function_of_the_same_kind():
    program = wg.trace(wg.jit(elementwise))(X)
    same(program(X), elementwise(X))
    same(wg.jit(program)(X), elementwise(X))
    same(wg.grad(wg.jit(program))(X), wg.grad(elementwise)(X))
