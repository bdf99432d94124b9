"""The worked examples of the literature, every node of them: figures that anyone can recompute by hand."""

import math

import mpmath
import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp


# f(x, y) = x^2 y + y + 2: five ways to differentiate ------------------------------------------------------------------
def polynomial(x, y):
    return x**2 * y + y + 2


def test_polynomial_every_way():
    x, y = 3.0, 4.0
    assert polynomial(x, y) == 42
    forward = wg.numeric.grad(polynomial, (0, 1), method="forward", step=0.00001)(x, y)
    assert forward[0] == 24.000039999805264
    assert wg.numeric.grad(polynomial, (0, 1), method="complex")(x, y) == (24, 10)
    assert wg.grad(polynomial, (0, 1))(x, y) == (24, 10)
    assert wg.jvp(polynomial, (x, y), (1.0, 0.0)) == (42, 24)
    assert wg.jvp(polynomial, (x, y), (0.0, 1.0)) == (42, 10)
    np.testing.assert_array_equal(wg.hessian(lambda v: polynomial(v[0], v[1]))(np.array([x, y])), [[8, 6], [6, 0]])


def test_calls_of_the_function():
    """d + 1 for forward differences, 2 d for central ones; one run for reverse mode, whatever d is."""
    d = 1000
    x = np.linspace(0, 1, d)
    for method, calls in (("forward", d + 1), ("central", 2 * d)):
        f = wg.numeric.counted(lambda x: np.sum(np.sin(x)))
        wg.numeric.grad(f, method=method)(x)
        assert f.calls == calls
    f = wg.numeric.counted(lambda x: np.sum(np.sin(x)))
    np.testing.assert_allclose(wg.grad(f)(x), np.cos(x), rtol=1e-15)
    assert f.calls == 1


def test_expression():
    """g(x, y) = 5 + x y."""
    assert wg.grad(lambda x, y: 5 + x * y, (0, 1))(3.0, 4.0) == (4.0, 3.0)


# f = x1 exp(-(x1^2 + x2^2) / 2) at (2, 1/2): every node --------------------------------------------------------------
def gaussian_nodes(x1, x2, e=(0.0,) * 6):
    """The nodes u1 ... u6; e is added to them, so that df/de_i is the adjoint of u_i."""
    u1 = x1**2 + e[0]
    u2 = x2**2 + e[1]
    u3 = u1 + u2 + e[2]
    u4 = -u3 / 2 + e[3]
    u5 = wnp.exp(u4) + e[4]
    u6 = x1 * u5 + e[5]
    return u1, u2, u3, u4, u5, u6


E = math.exp(-2.125)  # 0.1194


def test_gaussian_forward_trace():
    nodes = (4, 0.25, 4.25, -2.125, E, 2 * E)
    along = {(1.0, 0.0): (4, 0, 4, -2, -2 * E, -3 * E), (0.0, 1.0): (0, 1, 1, -0.5, -E / 2, -E)}
    for direction, dots in along.items():
        values, tangents = wg.jvp(gaussian_nodes, (2.0, 0.5), direction)
        np.testing.assert_allclose(values, nodes, rtol=1e-15)
        np.testing.assert_allclose(tangents, dots, rtol=1e-15)
    assert f"{E:.4f} {2 * E:.4f} {-3 * E:.4f} {-E:.4f}" == "0.1194 0.2389 -0.3583 -0.1194"


def test_gaussian_adjoints():
    def f(x1, x2, e):
        return gaussian_nodes(x1, x2, e)[-1]

    x1_bar, x2_bar, e_bar = wg.grad(f, (0, 1, 2))(2.0, 0.5, (0.0,) * 6)
    np.testing.assert_allclose(e_bar, (-E, -E, -E, 2 * E, 2, 1), rtol=1e-15)
    np.testing.assert_allclose((x1_bar, x2_bar), (-3 * E, -E), rtol=1e-15)


def test_gaussian_program_lists_the_nodes():
    program = wg.trace(lambda x1, x2: gaussian_nodes(x1, x2)[-1])(2.0, 0.5)
    names = [eq.primitive.name for eq in program.equations]
    assert names.count("exp") == 1
    assert names.index("exp") > names.index("neg")
    np.testing.assert_allclose(program(2.0, 0.5), 2 * E, rtol=1e-15)
    np.testing.assert_allclose(wg.grad(program, (0, 1))(2.0, 0.5), (-3 * E, -E), rtol=1e-15)
    np.testing.assert_allclose(wg.trace(wg.grad(program, (0, 1)))(1.0, 1.0)(2.0, 0.5), (-3 * E, -E), rtol=1e-15)


# L = w2 log w1 + sqrt(w2 log w1): every node -------------------------------------------------------------------------
def log_root_nodes(w1, w2, e=(0.0,) * 4):
    v1 = np.log(w1) + e[0]
    v2 = w2 * v1 + e[1]
    v3 = np.sqrt(v2) + e[2]
    L = v2 + v3 + e[3]
    return v1, v2, v3, L


@pytest.mark.parametrize(("w1", "w2"), [(2.0, 3.0), (math.e, 4.0), (1.5, 0.5)])
def test_log_root_every_node(w1, w2):
    v1 = math.log(w1)
    v2 = w2 * v1
    v3 = math.sqrt(v2)
    _, dots1 = wg.jvp(log_root_nodes, (w1, w2), (1.0, 0.0))
    np.testing.assert_allclose(dots1, (1 / w1, w2 / w1, w2 / w1 / (2 * v3), w2 / w1 * (1 + 1 / (2 * v3))), rtol=1e-14)
    values, dots2 = wg.jvp(log_root_nodes, (w1, w2), (0.0, 1.0))
    np.testing.assert_allclose(values, (v1, v2, v3, v2 + v3), rtol=1e-15)
    np.testing.assert_allclose(dots2, (0, v1, v1 / (2 * v3), v1 * (1 + 1 / (2 * v3))), rtol=1e-14)
    bars = wg.grad(lambda w1, w2, e: log_root_nodes(w1, w2, e)[-1], (0, 1, 2))(w1, w2, (0.0,) * 4)
    v2_bar = 1 + 1 / (2 * v3)
    np.testing.assert_allclose(bars[2], (w2 * v2_bar, v2_bar, 1, 1), rtol=1e-14)
    np.testing.assert_allclose(bars[:2], (w2 / w1 * v2_bar, v1 * v2_bar), rtol=1e-14)


def test_log_root_at_e_and_four():
    """At (e, 4): log e = 1, sqrt 4 = 2, so L = 6, dL/dw1 = 5/e and dL/dw2 = 5/4."""
    L = lambda w: log_root_nodes(w[0], w[1])[-1]
    w = np.array([math.e, 4.0])
    np.testing.assert_allclose(L(w), 6, rtol=1e-15)
    np.testing.assert_allclose(wg.grad(L)(w), (5 / math.e, 5 / 4), rtol=1e-15)


# sin(x1 x2) + x3^2 ---------------------------------------------------------------------------------------------------
def test_sine_of_a_product():
    f = lambda x: np.sin(x[0] * x[1]) + x[2] ** 2
    x = np.array([0.5, 1.25, -3.0])
    c = math.cos(0.625)
    np.testing.assert_allclose(wg.grad(f)(x), (1.25 * c, 0.5 * c, -6), rtol=1e-15)
    np.testing.assert_allclose(wg.jacfwd(f)(x), (1.25 * c, 0.5 * c, -6), rtol=1e-15)
    s = math.sin(0.625)
    mixed = c - 0.625 * s
    want = [[-1.5625 * s, mixed, 0], [mixed, -0.25 * s, 0], [0, 0, 2]]
    np.testing.assert_allclose(wg.hessian(f)(x), want, rtol=1e-14)


# loops: what symbolic differentiation cannot do ----------------------------------------------------------------------
def loop(a, b, cos=np.cos, sin=np.sin):
    z = 0
    for i in range(100):
        z = a * cos(z + i) + z * sin(b - i)
    return z


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.7, -0.3), (1.3, 0.5)])
def test_loop_of_a_hundred_iterations(a, b):
    """Against differentiation at 50 digits; the loop amplifies rounding errors, hence the tolerance."""
    mp = lambda *v: loop(*v, cos=mpmath.cos, sin=mpmath.sin)
    with mpmath.workdps(50):
        value = float(mp(mpmath.mpf(a), mpmath.mpf(b)))
        want = [float(mpmath.diff(mp, (mpmath.mpf(a), mpmath.mpf(b)), n)) for n in ((1, 0), (0, 1))]
        second = [float(mpmath.diff(mp, (mpmath.mpf(a), mpmath.mpf(b)), n)) for n in ((2, 0), (1, 1), (0, 2))]
    got_value, got = wg.value_and_grad(loop, (0, 1))(a, b)
    np.testing.assert_allclose(got_value, value, rtol=1e-11)
    np.testing.assert_allclose(got, want, rtol=1e-10)
    forward = [wg.jvp(loop, (a, b), d)[1] for d in ((1.0, 0.0), (0.0, 1.0))]
    np.testing.assert_allclose(forward, want, rtol=1e-10)
    H = wg.hessian(lambda v: loop(v[0], v[1]))(np.array([a, b]))
    np.testing.assert_allclose([H[0, 0], H[0, 1], H[1, 1]], second, rtol=1e-8)
    np.testing.assert_allclose(wg.trace(wg.grad(loop, (0, 1)))(a, b)(a, b), want, rtol=1e-10)


# data structures -----------------------------------------------------------------------------------------------------
def test_adjoint_of_a_dictionary():
    """The adjoint of {"cat": ..., "dog": ...} is a dictionary of adjoints."""

    def f(animals):
        return np.sum(animals["cat"] ** 2) * animals["dog"] + 3 * animals["dog"]

    animals = {"cat": np.array([1.0, 2.0]), "dog": 3.0}
    bar = wg.grad(f)(animals)
    assert list(bar) == ["cat", "dog"]
    np.testing.assert_array_equal(bar["cat"], [6.0, 12.0])
    assert bar["dog"] == 8.0
    y, y_dot = wg.jvp(f, (animals,), ({"cat": np.array([1.0, 0.0]), "dog": 0.5},))
    assert (y, y_dot) == (24.0, 10.0)
    H = wg.hessian(f)(animals)
    np.testing.assert_array_equal(H["cat"]["dog"], [2.0, 4.0])
    np.testing.assert_array_equal(H["cat"]["cat"], 6 * np.eye(2))
    assert H["dog"]["dog"] == 0.0


def test_adjoints_through_a_change_of_structure():
    """A tuple of two, made of a dictionary inside the program: adjoints come back as the dictionary."""

    def split(d):
        return d["cat"] * 2, (d["dog"], d["cat"] * d["dog"])

    y, pull = wg.vjp(split, {"cat": 3.0, "dog": 5.0})
    assert y == (6.0, (5.0, 15.0))
    assert pull((1.0, (10.0, 100.0))) == ({"cat": 2 + 100 * 5.0, "dog": 10 + 100 * 3.0},)


# the gradient of a gradient is a program as well ---------------------------------------------------------------------
def test_gradient_of_a_function_of_the_gradient():
    """The penalty |grad f|^2 of f = x1 exp(...): differentiating it goes through the backward pass."""
    f = lambda x: x[0] * np.exp(-(x[0] ** 2 + x[1] ** 2) / 2)
    penalty = lambda x: (wg.grad(f)(x) ** 2).sum()
    x = np.array([2.0, 0.5])
    want = 2 * wg.hessian(f)(x) @ wg.grad(f)(x)
    np.testing.assert_allclose(wg.grad(penalty)(x), want, rtol=1e-14)
    np.testing.assert_allclose(wg.numeric.grad(penalty, method="ridders")(x), want, rtol=1e-10)
    wg.check_grads(penalty, (x,), order=2)
