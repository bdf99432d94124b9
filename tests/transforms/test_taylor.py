"""Taylor series against mpmath, closed forms and nested forward mode; all kinds of primitives, loops, nesting."""

import math
import time

import mpmath
import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.core.primitive import REGISTRY, Constant, Unknown
from wengert.core.types import dtype_of, is_inexact
from wengert.errors import WengertError
from wengert.primitives import special
from wengert.transforms.jvp import jvp_flat
from wengert.transforms.taylor_programs import taylor_flat

special.every()  # declares the special functions

mp = mpmath
A, B = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[0.6, 0.3], [0.3, 1.0]])


def assert_series(found, g, x, rtol=1e-12):
    with mp.workdps(50):
        want = [float(c) for c in mp.taylor(g, mp.mpf(x), len(found) - 1)]
    np.testing.assert_allclose(np.asarray(found, dtype=float), want, rtol=rtol, atol=rtol * np.max(np.abs(want)))


FUNCTIONS = {
    "exp": (np.exp, mp.exp),
    "expm1": (np.expm1, mp.expm1),
    "log": (np.log, mp.log),
    "log1p": (np.log1p, mp.log1p),
    "sqrt": (np.sqrt, mp.sqrt),
    "cbrt": (np.cbrt, mp.cbrt),
    "sin": (np.sin, mp.sin),
    "tan": (np.tan, mp.tan),
    "tanh": (np.tanh, mp.tanh),
    "cosh": (np.cosh, mp.cosh),
    "arcsin": (np.arcsin, mp.asin),
    "arctan": (np.arctan, mp.atan),
    "arcsinh": (np.arcsinh, mp.asinh),
    "sinc": (np.sinc, mp.sincpi),
    "erf": (wg.scipy.special.erf, mp.erf),
    "gammaln": (wg.scipy.special.gammaln, mp.loggamma),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x),
    "square": (lambda x: np.square(np.sin(x)), lambda x: mp.sin(x) ** 2),
    "real power": (lambda x: x**2.5, lambda x: x ** mp.mpf("2.5")),
    "negative power": (lambda x: x**-3, lambda x: x**-3),
    "exponential": (lambda x: 2.0**x, lambda x: mp.mpf(2) ** x),
    "x^x": (lambda x: x**x, lambda x: x**x),
    "quotient": (lambda x: np.sin(x) / (2 + np.cos(x)), lambda x: mp.sin(x) / (2 + mp.cos(x))),
    "hypot": (lambda x: np.hypot(x, 2.0), lambda x: mp.sqrt(x * x + 4)),
    "arctan2": (lambda x: np.arctan2(x, 1 + x * x), lambda x: mp.atan(x / (1 + x * x))),
    "abs": (lambda x: np.abs(np.sin(x) - 2), lambda x: 2 - mp.sin(x)),
    "where": (lambda x: np.where(x > 0, np.exp(x), np.sqrt(x - 5)), mp.exp),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_one_number(name):
    f, g = FUNCTIONS[name]
    with np.errstate(invalid="ignore"):
        assert_series(wg.taylor(f, 0.7, order=12), g, 0.7, rtol=2e-13)


S = wg.scipy.special
HIGH = {  # to order 30, at a point
    "exp": (np.exp, mp.exp, 0.7),
    "tan": (np.tan, mp.tan, 0.7),
    "arctan": (np.arctan, mp.atan, 0.7),
    "real power": (lambda x: x**2.5, lambda x: x ** mp.mpf("2.5"), 0.7),
    "logarithm of a sum": (lambda x: np.logaddexp(x, 1.0), lambda x: mp.log(mp.exp(x) + mp.e), 0.7),
    "expit": (S.expit, lambda x: 1 / (1 + mp.exp(-x)), 0.7),
    "erfc": (S.erfc, mp.erfc, 0.7),
    "dawsn": (S.dawsn, lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x), 0.7),
    "gammainc": (lambda x: S.gammainc(2.5, x), lambda x: mp.gammainc(2.5, 0, x, regularized=True), 0.7),
    "lambertw": (lambda x: S.lambertw(x), mp.lambertw, 0.3),
    "ellipk": (S.ellipk, mp.ellipk, 0.3),
    "expi": (S.expi, mp.ei, 0.7),
    "sici": (lambda x: S.sici(x)[0], mp.si, 0.7),
    "fresnel": (lambda x: S.fresnel(x)[0], mp.fresnels, 0.7),
    "j0": (S.j0, lambda x: mp.besselj(0, x), 1.3),
    "jv": (lambda x: S.jv(2.5, x), lambda x: mp.besselj(2.5, x), 1.3),
    "kv": (lambda x: S.kv(1.5, x), lambda x: mp.besselk(1.5, x), 1.3),
}


@pytest.mark.parametrize("name", HIGH)
def test_thirty_coefficients(name):
    """Each to 1e-12 of the terms that it is made of: of what is left of the series at its radius."""
    f, g, x = HIGH[name]
    found = np.real(wg.taylor(f, x, order=30))
    with mp.workdps(60):
        want = np.array([float(mp.re(c)) for c in mp.taylor(g, mp.mpf(x), 30)])
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-13 * np.max(abs(want)))


def test_chains_of_slopes_grow_as_the_square():
    """jv(v, x) has jv(v - 1, x) and jv(v + 1, x) in its slope, and these have jv(v, x): each is met once."""
    orders = np.array([8, 16])
    made = [len(wg.trace(lambda x, n=n: wg.taylor(lambda x: S.jv(2.5, x), x, order=n))(0.7).equations) for n in orders]
    assert made[1] < 6 * made[0] < 6 * 8 * 8**2


def test_order_zero_is_the_value():
    (found,) = wg.taylor(lambda p: {"y": p["a"] * np.sin(p["b"])}, {"a": 2.0, "b": B}, {"a": 1.0, "b": B}, order=0)
    np.testing.assert_array_equal(found["y"], 2 * np.sin(B))
    assert wg.derivatives(rounds, 0.4, order=0) == [rounds(0.4)]
    np.testing.assert_array_equal(wg.derivative_tensor(cubic, POINT, order=0), cubic(POINT))


def matrix(x):
    return A + np.sin(x) * B


def mp_matrix(x):
    return mp.matrix(A.tolist()) + mp.sin(x) * mp.matrix(B.tolist())


def mp_largest(x):
    M = mp_matrix(x)
    half = (M[0, 0] + M[1, 1]) / 2
    return half + mp.sqrt(half**2 - mp.det(M))


ARRAYS = {
    "solve": (
        lambda x: np.sum(np.linalg.solve(matrix(x), A[0] * np.exp(x))),
        lambda x: sum(mp.lu_solve(mp_matrix(x), mp.matrix([2, 1]) * mp.exp(x))),
    ),
    "inv": (lambda x: np.sum(np.linalg.inv(matrix(x))), lambda x: sum(mp.inverse(mp_matrix(x)))),
    "det": (lambda x: np.linalg.det(matrix(x)), lambda x: mp.det(mp_matrix(x))),
    "cholesky": (lambda x: np.sum(np.linalg.cholesky(matrix(x))), lambda x: sum(mp.cholesky(mp_matrix(x)))),
    "eigvalsh": (lambda x: np.linalg.eigvalsh(matrix(x))[1], mp_largest),
    "eigh": (lambda x: np.linalg.eigh(matrix(x))[0][1], mp_largest),
    "norm": (lambda x: np.linalg.norm(A[0] * x + 1), lambda x: mp.sqrt((2 * x + 1) ** 2 + (x + 1) ** 2)),
    "prod": (lambda x: np.prod(A * x + 1), lambda x: (2 * x + 1) * (x + 1) ** 2 * (3 * x + 1)),
    "max": (lambda x: np.max(A * np.exp(x)), lambda x: 3 * mp.exp(x)),
    "logsumexp": (
        lambda x: wg.scipy.special.logsumexp(A[0] * x),
        lambda x: mp.log(mp.exp(2 * x) + mp.exp(x)),
    ),
    "matmul": (lambda x: np.sum((A * x) @ (B + x)), lambda x: _mp_matmul(x)),
    "convolve": (lambda x: np.convolve(A[0] * x, A[1] + x * x)[1], lambda x: x * (2 * (3 + x * x) + 1 + x * x)),
}


def _mp_matmul(x):
    return sum(sum(A[i, k] * x * (mp.mpf(float(B[k, j])) + x) for k in (0, 1)) for i in (0, 1) for j in (0, 1))


@pytest.mark.parametrize("name", ARRAYS)
def test_array_functions(name):
    f, g = ARRAYS[name]
    assert_series(wg.taylor(f, 0.3, order=7), g, 0.3)


# loops, branches, calls, assignment --------------------------------------------------------------------------------
def rounds(x):
    return wg.fori_loop(0, 6, lambda i, c: np.sin(c) * x + c, x)


def mp_rounds(x):
    c = x
    for _ in range(6):
        c = mp.sin(c) * x + c
    return c


def until(x):
    return wg.while_loop(lambda c: c < 20, lambda c: c * c + x, 1 + x)


def mp_until(x):
    c = 1 + x
    while c < 20:
        c = c * c + x
    return c


def rows(x):
    last, ys = wg.scan(lambda c, r: (c * np.cos(r) + x, c * r), x, wnp.stack([x, x * x, x + 1]))
    return last + np.sum(ys)


def mp_rows(x):
    c, total = x, 0
    for r in (x, x * x, x + 1):
        total, c = total + c * r, c * mp.cos(r) + x
    return c + total


def assigned(x):
    y = wnp.zeros(3)
    y[1] = np.sin(x)
    y[1:] += x
    return y[1] * y[2]


@wg.custom_jvp
def sine(x):
    return np.sin(x)


@sine.defjvp
def _(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return sine(x), np.cos(x) * x_dot


PROGRAMS = {
    "fori": (rounds, mp_rounds),
    "while": (until, mp_until),
    "scan": (rows, mp_rows),
    "cond": (lambda x: wg.cond(x > 0, lambda x: np.sin(x) * x, np.exp, x), lambda x: mp.sin(x) * x),
    "checkpoint": (wg.checkpoint(lambda x: np.sin(x) * x), lambda x: mp.sin(x) * x),
    "jit": (wg.jit(rounds), mp_rounds),
    "assignment": (assigned, lambda x: (mp.sin(x) + x) * x),
    "custom_jvp": (lambda x: sine(x * x), lambda x: mp.sin(x * x)),
    "vmap": (lambda x: np.sum(wg.vmap(lambda a: np.sin(a * x))(A[0])), lambda x: mp.sin(2 * x) + mp.sin(x)),
    "grad inside": (wg.grad(lambda x: np.sin(x) * x), lambda x: mp.cos(x) * x + mp.sin(x)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    f, g = PROGRAMS[name]
    assert_series(wg.taylor(f, 0.4, order=6), g, 0.4)


def test_a_loop_that_is_differentiated_inside():
    g = wg.taylor(wg.grad(rounds), 0.4, order=4)
    f = wg.taylor(rounds, 0.4, order=5)
    np.testing.assert_allclose(g, [k * f[k] for k in range(1, 6)], rtol=1e-12)


@pytest.mark.parametrize("outer", [lambda x: x, np.exp, lambda x: x * x])
def test_a_rule_for_reverse_mode(outer):
    @wg.custom_vjp
    def f(x, k):
        return np.sin(x) * k

    f.defvjp(lambda x, k: (np.sin(x) * k, (x, k)), lambda r, y_bar: (np.cos(r[0]) * r[1] * y_bar, np.sin(r[0]) * y_bar))
    for g in (lambda x: f(outer(x), 2.0), lambda x: f(outer(x), x), lambda x: wg.grad(f)(outer(x), x)):
        found = wg.derivatives(g, 0.4, order=3)
        nested, orders = g, []
        for _ in range(3):
            nested = wg.grad(nested)
            orders.append(nested(0.4))
        np.testing.assert_allclose(found[1:], orders, rtol=1e-12)
    np.testing.assert_allclose(
        wg.derivatives(lambda x: f(outer(x), 1.0), 0.4, order=3),
        wg.derivatives(lambda x: np.sin(outer(x)), 0.4, order=3),
        rtol=1e-12,
    )


# every primitive ---------------------------------------------------------------------------------------------------
def differentiable(name):
    p = REGISTRY[name]
    unknown = any(isinstance(d, Unknown) for d in getattr(p.kind, "partials", ()))
    return p.samples is not None and not p.effect and not isinstance(p.kind, Constant) and not unknown


# Applied to tangents of a custom_vjp only: forward mode of it is refused where it begins.
# What a scheduled scan or a planned program runs backwards; these themselves are tested here.
EXEMPT = {"custom_vjp", "replayed", "planned_linear"}


@pytest.mark.parametrize("name", sorted(n for n in REGISTRY if differentiable(n) and n not in EXEMPT))
def test_second_order_of_every_primitive_is_nested_forward_mode(name):
    """y_1 = y_dot and 2 y_2 = (y_dot)_dot along a line."""
    p = REGISTRY[name]
    rng = np.random.default_rng(5)
    for sample in list(p.samples(rng))[:3]:
        args = list(sample.args)
        moving = sample.differentiable
        if moving is None:
            moving = [i for i, a in enumerate(args) if is_inexact(dtype_of(a)) and not isinstance(a, float)]
        xs = [np.asarray(args[i]) for i in moving]
        vs = [rng.normal(size=x.shape).astype(x.dtype) for x in xs]
        if sample.wrap is not None:
            whole = list(args)
            for i, v in zip(moving, vs, strict=True):
                whole[i] = v
            whole = sample.wrap(*whole)
            vs = [np.asarray(whole[i], x.dtype) for i, x in zip(moving, xs, strict=True)]

        def f(*xs, args=args, moving=moving, sample=sample):
            given = list(args)
            for i, x in zip(moving, xs, strict=True):
                given[i] = x
            outs = p(*given, **sample.params)
            return outs if p.multiple else [outs]

        def first(*xs, f=f, vs=vs):
            return [0.0 if d is None else d for d in jvp_flat(f, xs, vs)[1]]

        with np.errstate(all="ignore"):
            dots = first(*xs)
            second = first(*xs) if sample.order < 2 else jvp_flat(first, xs, vs)[1]
            _, series = taylor_flat(f, xs, [[v, None] for v in vs], 2)
        for dot, dot2, cs in zip(dots, second, series, strict=True):
            close(cs[0], dot)
            if sample.order >= 2:
                close(cs[1], 0.0 if dot2 is None else np.asarray(dot2) / 2)


def close(found, want):
    if found is None:
        found = np.zeros(np.shape(want))
    scale = max(1.0, np.max(np.abs(want), initial=0.0))
    np.testing.assert_allclose(found, np.broadcast_to(want, np.shape(found)), rtol=1e-8, atol=1e-9 * scale)


# the public functions ----------------------------------------------------------------------------------------------
def test_derivatives_are_factorials_times_coefficients():
    found = wg.derivatives(lambda x: np.exp(2 * x), 0.5, order=9)
    np.testing.assert_allclose(found, [2.0**k * math.e for k in range(10)], rtol=1e-14)


def test_along_a_direction_of_a_structure():
    x, v = {"a": 2.0, "b": np.array([1.0, 3.0])}, {"a": 1.0, "b": np.array([0.5, -1.0])}
    y = wg.taylor(lambda p: (p["a"] * p["b"], {"s": np.sum(p["b"] ** 2)}), x, v, order=3)
    np.testing.assert_allclose(y[1][0], v["a"] * x["b"] + x["a"] * v["b"])
    np.testing.assert_allclose(y[2][0], v["a"] * v["b"])
    assert y[2][1]["s"] == 1.25 and np.all(y[3][0] == 0) and y[3][1]["s"] == 0


def test_along_a_curve():
    """sin(0.3 + t + 2 t^2 - t^3)."""
    found = wg.taylor(np.sin, 0.3, order=6, path=[1.0, 2.0, -1.0])
    assert_series(found, lambda t: mp.sin(mp.mpf(0.3) + t + 2 * t**2 - t**3), 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 2)])
def test_elements_shapes_and_dtypes(shape, dtype):
    x = np.random.default_rng(1).uniform(0.5, 1.0, shape).astype(dtype)
    found = wg.derivatives(lambda x: 2 * np.exp(x) / (1 + x), x, order=3)
    assert all(d.shape == shape and d.dtype == dtype for d in found)
    want = 2 * np.exp(x) * (1 / (1 + x) - 3 / (1 + x) ** 2 + 6 / (1 + x) ** 3 - 6 / (1 + x) ** 4)
    np.testing.assert_allclose(found[3], want, rtol=1e-4 if dtype in (np.float32, np.complex64) else 1e-12)


def test_non_contiguous_and_not_shared():
    x = np.arange(8.0)[::2]
    found = wg.taylor(lambda x: x, x, x, order=2)
    assert not np.shares_memory(found[0], x) and not np.shares_memory(found[1], x)
    np.testing.assert_array_equal(found, [x, x, 0 * x])


def test_zero_to_a_power():
    assert wg.derivatives(lambda x: x**3, 0.0, order=5) == [0, 0, 0, 6, 0, 0]
    assert wg.derivatives(lambda x: x**0 + x**1, 0.0, order=3) == [1, 1, 0, 0]


def test_high_orders():
    """(1 + x)^-1, also as the solution of equations, and log(1 + x); orders beyond Python's stack are refused."""
    for f in (lambda x: np.linalg.solve((1 + x) * np.eye(2), np.ones(2))[0], lambda x: 1 / (1 + x)):
        assert wg.taylor(f, 0.0, order=150)[150] == 1
    assert wg.taylor(np.log1p, 0.0, order=150)[150] == pytest.approx(-1 / 150, rel=1e-12)
    with pytest.raises(WengertError, match="stack"):
        wg.taylor(lambda x: x**2.5, 0.5, order=1000)


def test_with_other_transformations():
    def third(x):
        return wg.derivatives(rounds, x, order=3)[3]

    x = np.array([0.2, 0.4])
    want = [float(mp.diff(mp_rounds, v, 3)) for v in x]
    fourth = [float(mp.diff(mp_rounds, v, 4)) for v in x]
    np.testing.assert_allclose(wg.jit(third)(0.4), want[1], rtol=1e-9)
    np.testing.assert_allclose(wg.vmap(third)(x), want, rtol=1e-9)
    np.testing.assert_allclose([wg.grad(third)(v) for v in x], fourth, rtol=1e-9)
    np.testing.assert_allclose(wg.jit(wg.vmap(wg.grad(third)))(x), fourth, rtol=1e-9)
    np.testing.assert_allclose(wg.derivatives(third, 0.4, order=1)[1], fourth[1], rtol=1e-9)
    assert wg.derivatives(lambda x: x * wg.derivatives(lambda y: x + y, 1.0, order=1)[1], 1.0, order=1)[1] == 1


def cubic(x):
    return np.sin(x[0] * x[1]) * np.exp(x[2]) + x[0] ** 3 * x[2]


POINT = np.array([0.3, 0.7, 0.2])


def test_mixed_derivatives():
    fourth = wg.jacfwd(wg.jacfwd(wg.hessian(cubic)))(POINT)
    vs = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(
        wg.mixed_derivative(cubic, POINT, list(vs)), np.einsum("abcd,a,b,c,d", fourth, *vs), rtol=1e-12
    )
    assert wg.mixed_derivative(cubic, POINT, []) == cubic(POINT)
    np.testing.assert_allclose(wg.mixed_derivative(cubic, POINT, [vs[0]]), vs[0] @ wg.grad(cubic)(POINT), rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivative_tensors(order):
    want = wg.grad(cubic)
    for _ in range(order - 1):
        want = wg.jacfwd(want)
    found = wg.derivative_tensor(cubic, POINT, order=order)
    np.testing.assert_allclose(found, want(POINT), rtol=1e-11, atol=1e-12)


def test_derivative_tensors_of_other_shapes():
    x = np.arange(1.0, 5.0).reshape(2, 2)
    found = wg.derivative_tensor(lambda x: x @ x, x, order=2)
    assert found.shape == (2, 2, 2, 2, 2, 2)
    np.testing.assert_allclose(found, wg.jacfwd(wg.jacfwd(lambda x: x @ x))(x), atol=1e-13)
    assert wg.derivative_tensor(np.exp, 0.0, order=3) == pytest.approx(1.0)
    assert wg.derivative_tensor(lambda x: np.sum(x), np.zeros(0), order=2).shape == (0, 0)
    np.testing.assert_allclose(
        wg.jit(lambda x: wg.derivative_tensor(cubic, x, order=3))(POINT), wg.derivative_tensor(cubic, POINT, order=3)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: wg.taylor(np.sin, 1.0, order=-1),
        lambda: wg.taylor(np.sin, 1.0, order=1.5),
        lambda: wg.taylor(np.sin, 1, order=2),
        lambda: wg.taylor(3.0, 1.0, order=2),
        lambda: wg.taylor(np.sin, np.ones(3), np.ones(2), order=2),
        lambda: wg.taylor(np.sin, 1.0, 1.0, order=2, path=[1.0]),
        lambda: wg.taylor(lambda p: p[0], (1.0, 2.0), order=2),
        lambda: wg.taylor(lambda x: "x", 1.0, order=2),
        lambda: wg.derivative_tensor(lambda p: p[0], [1.0, 2.0], order=2),
    ],
)
def test_errors(wrong):
    with pytest.raises(WengertError):
        wrong()


# cost --------------------------------------------------------------------------------------------------------------
def thirty(x):
    """Thirty operations."""
    for k in range(6):
        x = np.sin(x) * 0.9 + np.exp(-x * x) / (1.5 + k)
    return x


def test_much_cheaper_than_nested_gradients():
    def seconds(f):
        start = time.process_time()
        f()
        return time.process_time() - start

    g = thirty
    for _ in range(7):
        g = wg.grad(g)
    nested = seconds(lambda: g(0.3))
    series = min(seconds(lambda: wg.derivatives(thirty, 0.3, order=10)) for _ in range(3))
    assert nested > 20 * series  # at order 7 already, beside order 10
