"""Derivatives of solutions, against closed forms, SciPy, mpmath and differences."""

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from wengert import implicit
from wengert.errors import ArgumentError, NonScalarOutputError, NotASolutionError, ShapeError, SingularPointError


def square_root(a, **options):
    return implicit.root(lambda y: y**2 - a, 1.0, **options)


def newton(f, y):
    while abs(f(y)) > 1e-13:
        y = y - f(y) / wg.grad(f)(y)
    return y


def brent(f, _):
    return scipy.optimize.brentq(f, 0.0, 10.0, xtol=1e-15, rtol=1e-15)


SOLVERS = {"scipy": {}, "newton": {"solver": newton}, "brent": {"solver": brent}, "gmres": {"linear": "gmres"}}


# roots -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SOLVERS)
def test_square_root_to_order_four(name):
    f = lambda a: square_root(a, **SOLVERS[name])
    exact = [2.0, 1 / 4, -1 / 32, 3 / 256, -15 / 2048]
    for value in exact:
        assert f(4.0) == pytest.approx(value, rel=1e-10)
        f = wg.grad(f)


@pytest.mark.parametrize("name", SOLVERS)
def test_compiled(name):
    f = lambda a: square_root(a, **SOLVERS[name])
    assert wg.jit(f)(4.0) == pytest.approx(2.0)
    assert wg.jit(wg.grad(f))(4.0) == pytest.approx(0.25)
    assert wg.jit(wg.grad(wg.grad(f)))(4.0) == pytest.approx(-1 / 32)


def test_a_solver_in_numpy_becomes_native_and_others_call_back():
    native = wg.jit(lambda a: square_root(a, solver=newton))
    native(4.0)
    assert not native.report(4.0).callbacks
    outside = wg.jit(lambda a: square_root(a, solver=brent))
    outside(4.0)
    assert set(outside.report(4.0).callbacks) == {"outside"}


@pytest.mark.parametrize("name", ["scipy", "brent", "gmres"])
def test_lanes(name):
    f = lambda a: square_root(a, **SOLVERS[name])
    a = np.array([1.0, 4.0, 9.0])
    np.testing.assert_allclose(wg.vmap(f)(a), np.sqrt(a))
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(a), 0.5 / np.sqrt(a))
    np.testing.assert_allclose(wg.grad(lambda a: np.sum(wg.vmap(f)(a)))(a), 0.5 / np.sqrt(a))
    np.testing.assert_allclose(wg.jit(wg.vmap(f))(a), np.sqrt(a))


def test_structures_and_both_modes():
    """x + y = s, x y = p: dx/ds = x / (x - y), dx/dp = -1 / (x - y)."""

    def f(q):
        equations = lambda u: {"x": u["x"] + u["y"] - q["s"], "y": u["x"] * u["y"] - q["p"]}
        return implicit.root(equations, {"x": 3.0, "y": 0.5})

    q = {"s": 3.0, "p": 2.0}
    assert f(q)["x"] == pytest.approx(2.0)
    for jacobian in (wg.jacfwd(f)(q), wg.jacrev(f)(q), wg.jit(wg.jacobian(f))(q)):
        assert jacobian["x"]["s"] == pytest.approx(2.0)
        assert jacobian["x"]["p"] == pytest.approx(-1.0)
        assert jacobian["y"]["s"] == pytest.approx(-1.0)


@pytest.mark.parametrize("linear", ["dense", "gmres", "bicgstab"])
def test_a_system_against_differences(linear, rng):
    """A y + tanh(y) = b sin(theta), 6 unknowns: first and second derivatives."""
    A, b = rng.normal(size=(6, 6)) + 6 * np.eye(6), rng.normal(size=6)
    f = lambda t: np.sum(
        implicit.root(lambda y, t: A @ y + np.tanh(y) - b * np.sin(t), np.zeros(6), (t,), linear=linear)
    )
    h = 1e-5
    assert wg.grad(f)(0.7) == pytest.approx((f(0.7 + h) - f(0.7 - h)) / (2 * h), rel=1e-7)
    second = wg.grad(wg.grad(f))(0.7)
    assert second == pytest.approx((wg.grad(f)(0.7 + h) - wg.grad(f)(0.7 - h)) / (2 * h), rel=1e-6)
    wg.check_grads(f, (0.7,), order=2)


def test_python_control_flow_in_the_equations():
    def equation(y, a):
        if y > 0.0:
            return y**3 - a
        return y - a

    f = lambda a: implicit.root(equation, 1.0, (a,))
    assert f(8.0) == pytest.approx(2.0)
    assert wg.grad(f)(8.0) == pytest.approx(1 / 12)


def test_float32_empty_and_integers():
    y = implicit.root(lambda y: y * y - 4, np.float32(1.0))
    assert y.dtype == np.float32 and y == pytest.approx(2.0)
    assert implicit.root(lambda y: y * y - 4, 1).dtype == np.float64
    assert implicit.root(lambda y: y, np.zeros((0, 2))).shape == (0, 2)
    assert wg.grad(lambda a: np.sum(implicit.root(lambda y: y * a, np.zeros(0))))(1.0) == 0.0


def test_a_repeated_root_is_refused():
    f = lambda a: implicit.root(lambda y: (y - a) ** 2, 1.0, solver=lambda f, y: y)
    assert f(1.0) == 1.0
    for derivative in (wg.grad(f), wg.jit(wg.grad(f)), lambda a: wg.jvp(f, (a,), (1.0,))):
        with pytest.raises(SingularPointError, match="singular"):
            derivative(1.0)


def test_a_badly_scaled_system_is_not_singular():
    F = lambda y, a: np.stack([1e-12 * (y[0] - a), 1e9 * (y[1] - a * y[0])])
    f = lambda a: implicit.root(F, np.ones(2), (a,), solver=lambda f, y: np.array([3.0, 9.0]))
    np.testing.assert_allclose(wg.jacobian(f)(3.0), [1.0, 6.0])


@pytest.mark.parametrize("linear", ["dense", "gmres", "cg"])
def test_what_is_no_solution_is_refused(linear):
    f = lambda a: implicit.root(lambda y: y**2 - a, 1.0, solver=lambda f, y: y + 0.9, linear=linear)
    for derivative in (wg.grad(f), wg.jit(wg.grad(f)), wg.jacfwd(f), wg.grad(wg.grad(f))):
        with pytest.raises(NotASolutionError, match="Newton step"):
            derivative(4.0)
    loose = lambda a: implicit.root(lambda y: y**2 - a, 1.0, solver=lambda f, y: y + 0.9, tol=0.1)
    assert wg.grad(loose)(4.0) == pytest.approx(1 / 3.8)
    with pytest.raises(NotASolutionError, match="found no solution"):
        implicit.root(lambda y: y**2 + 1.0, 1.0)


def test_errors():
    with pytest.raises(ShapeError, match="2 numbers for 1 unknowns"):
        implicit.root(lambda y: np.stack([y, y]), 1.0)
    with pytest.raises(ArgumentError, match="no method 'secant'"):
        implicit.root(lambda y: y, 1.0, method="secant")
    with pytest.raises(ArgumentError, match="no linear solver 'lu'"):
        implicit.root(lambda y: y, 1.0, linear="lu")
    with pytest.raises(ArgumentError, match="args is a float"):
        implicit.root(lambda y, a: y - a, 1.0, 2.0)
    with pytest.raises(ShapeError, match="returned 3 numbers for 2 unknowns"):
        implicit.root(lambda y: y, np.ones(2), solver=lambda f, y: np.zeros(3))
    with pytest.raises(NotASolutionError, match="nan"):
        wg.grad(lambda a: implicit.root(lambda y: y - a, 1.0, solver=lambda f, y: np.nan))(1.0)
    for start in (np.float16(1.0), np.longdouble(1.0), True, "one"):
        with pytest.raises(wg.errors.NonDifferentiableInputError, match="single or double"):
            implicit.root(lambda y: y, start)


def test_complex_unknowns():
    """y^2 = a, of which the derivative is 1 / (2 y): along both axes, in both modes."""
    f = lambda a, **options: implicit.root(lambda y: y * y - a, 1.0 + 1.0j, **options)
    a, y = 3.0 + 4.0j, 2.0 + 1.0j
    assert f(a) == pytest.approx(y)
    for a_dot in (1.0 + 0.0j, 1.0j):
        assert wg.jvp(f, (a,), (a_dot,))[1] == pytest.approx(a_dot / (2 * y))
    size = lambda f: lambda a: np.abs(f(a) - 1.0) ** 2
    assert wg.grad(size(f))(a) == pytest.approx(wg.grad(size(np.sqrt))(a))
    assert wg.jit(wg.grad(size(f)))(a) == pytest.approx(wg.grad(size(np.sqrt))(a))
    pair = lambda c: implicit.fixed_point(
        lambda p: {"x": 0.5 * p["z"].real, "z": 0.5j * p["x"] + c}, {"x": 0.0, "z": 0j}
    )
    assert pair(1.0 + 2.0j)["z"] == pytest.approx(1.0 + 2.25j)
    assert wg.grad(lambda c: pair(c)["z"].imag)(1.0 + 2.0j) == pytest.approx(wg.grad(lambda c: c.imag + c.real / 4)(1j))
    nearest = lambda c: implicit.minimize(lambda y: np.abs(y - c) ** 2, 0j)
    assert nearest(1.0 + 2.0j) == pytest.approx(1.0 + 2.0j)
    assert implicit.root(lambda y: y + 1j, np.complex64(0)).dtype == np.complex64
    with pytest.raises(ShapeError, match="2 numbers for 1"):
        implicit.root(lambda y: y + 1j, 1.0)
    with pytest.raises(ArgumentError, match="complex"):
        implicit.minimize(lambda y: np.abs(y) ** 2, 0j, bounds=(0.0, 1.0))


ONES = {
    "newton": lambda F, y: scipy.optimize.newton(F, y),
    "bisect": lambda F, y: scipy.optimize.bisect(F, 0.0, 10.0, xtol=1e-14),
    "fsolve": lambda F, y: scipy.optimize.fsolve(F, y)[0],
    "root": lambda F, y: scipy.optimize.root(lambda z: F(z[0]), [y]).x[0],
}


@pytest.mark.parametrize("name", ONES)
def test_solvers_that_know_nothing_of_us(name):
    f = lambda a: implicit.root(lambda y: y**3 - a, 1.5, solver=ONES[name])
    assert wg.grad(f)(8.0) == pytest.approx(1 / 12) and wg.jit(wg.grad(f))(8.0) == pytest.approx(1 / 12)
    assert wg.grad(wg.grad(f))(8.0) == pytest.approx(-2 / 9 / 32)
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(np.array([8.0, 1.0])), [1 / 12, 1 / 3])
    loop = lambda a: wg.scan(lambda s, x: (s + f(a + x), None), 0.0, np.array([0.0, 19.0]))[0]
    assert wg.jit(wg.grad(loop))(8.0) == pytest.approx(1 / 12 + 1 / 27)


def test_arguments_in_structures():
    """u = b_0 / a, v = b_1 u."""
    F = lambda y, p: {"u": y["u"] * p["a"] - p["b"][0], "v": y["v"] - p["b"][1] * y["u"]}
    f = lambda p: implicit.root(F, {"u": 1.0, "v": 0.0}, (p,))["v"]
    slope = wg.grad(f)({"a": 2.0, "b": (3.0, np.float64(4.0))})
    assert slope["a"] == pytest.approx(-3.0) and slope["b"] == pytest.approx((2.0, 1.5))
    wg.check_grads(f, ({"a": 2.0, "b": (3.0, 4.0)},), order=2)


def test_minimisers_of_minimisers():
    """c(l) = argmin (y(c) - 1)^2 + c^2 / 10 with y(c) = argmin (y - c)^2 + l y^2 = c / (1 + l), in closed form."""

    def upper(ratio):
        inner = lambda c: implicit.minimize(lambda y: (y - c) ** 2 + ratio * y**2, 0.0)
        return implicit.minimize(lambda c: (inner(c) - 1.0) ** 2 + 0.1 * c**2, 0.5)

    closed = lambda ratio: (1 + ratio) / (1.0 + 0.1 * (1 + ratio) ** 2)
    assert upper(0.5) == pytest.approx(closed(0.5))
    assert wg.grad(upper)(0.5) == pytest.approx(wg.grad(closed)(0.5))


def test_quality():
    found = implicit.quality(lambda y: np.stack([y[0] - 1.0, 1e3 * y[1]]), np.array([1.0, 1e-3]))
    assert found.residual == pytest.approx(1.0) and found.step == pytest.approx(1e-3)
    assert found.condition == pytest.approx(1e3)
    assert implicit.quality(lambda y: y**2, 0.0).condition == np.inf


def test_within_other_programs():
    """In loops, branches, checkpoints, other solutions; and the start in lanes."""

    def repeated(a):
        y = a
        for _ in range(3):
            y = square_root(y) + a
        return y

    plain = wg.grad(lambda a: np.sqrt(np.sqrt(np.sqrt(a) + a) + a) + a)(2.0)
    loop = lambda a: wg.fori_loop(0, 3, lambda i, y: square_root(y) + a, a)
    for f in (repeated, loop, wg.checkpoint(repeated)):
        assert wg.grad(f)(2.0) == pytest.approx(plain)
        assert wg.jit(wg.grad(f))(2.0) == pytest.approx(plain)
    branch = wg.jit(wg.grad(lambda a: square_root(a) if a > 1 else a))
    assert branch(4.0) == pytest.approx(0.25) and branch(0.5) == 1.0
    np.testing.assert_allclose(wg.vmap(lambda s: implicit.root(lambda y: y**2 - 4, s))(np.array([-1.0, 1.0])), [-2, 2])
    assert wg.grad(lambda a: implicit.root(lambda y: y - square_root(a * y), 1.0))(2.0) == pytest.approx(1.0)
    cube = lambda a: implicit.minimize(lambda y: (implicit.root(lambda z: z**3 - y, 1.0) - a) ** 2, 2.0)
    assert wg.grad(cube)(1.5) == pytest.approx(6.75)
    complex_one = lambda a: implicit.root(lambda y: np.abs(a) * y - 1, 1.0)
    assert wg.grad(complex_one)(3 + 4j) == pytest.approx(wg.grad(lambda a: 1 / np.abs(a))(3 + 4j))


# fixed points ----------------------------------------------------------------------------------------------------
def kepler(e, M, **options):
    """Kepler's equation E = M + e sin E."""
    return implicit.fixed_point(lambda E: M + e * np.sin(E), M, **options)


@pytest.mark.parametrize("options", [{}, {"solver": lambda g, y: wg.fori_loop(0, 60, lambda i, y: g(y), y)}])
def test_kepler(options):
    f = lambda e, M: kepler(e, M, **options)
    e, M = 0.3, 1.0
    E = scipy.optimize.brentq(lambda E: E - e * np.sin(E) - M, 0.0, 3.0, xtol=1e-15)
    slope = 1 - e * np.cos(E)
    assert f(e, M) == pytest.approx(E, rel=1e-14)
    assert wg.grad(f, (0, 1))(e, M) == pytest.approx((np.sin(E) / slope, 1 / slope), rel=1e-12)
    assert wg.hessian(f, 1)(e, M) == pytest.approx(-e * np.sin(E) / slope**3, rel=1e-11)
    assert wg.jit(wg.grad(f))(e, M) == pytest.approx(np.sin(E) / slope, rel=1e-12)


def test_a_map_without_fixed_point():
    with pytest.raises(NotASolutionError, match="did not settle"):
        implicit.fixed_point(lambda y: -y, 1.0, maxiter=50)
    with pytest.raises(NotASolutionError, match="ran away"):
        implicit.fixed_point(lambda y: y * y, 2.0)
    with pytest.raises(ShapeError, match="2 numbers for 1"):
        implicit.fixed_point(lambda y: np.stack([y, y]), 1.0)


# minimisers ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{}, {"linear": "cg"}, {"method": "trust-exact"}])
def test_ridge_regression(options, rng):
    """w = (A^T A + c)^-1 A^T b: dw/dc = -(A^T A + c)^-1 w, dw/db = (A^T A + c)^-1 A^T."""
    A, b, c = rng.normal(size=(20, 5)), rng.normal(size=20), 0.7

    def f(c, b):
        return implicit.minimize(
            lambda w: 0.5 * np.sum((A @ w - b) ** 2) + 0.5 * c * np.sum(w**2), np.zeros(5), **options
        )

    inverse = np.linalg.inv(A.T @ A + c * np.eye(5))
    w = inverse @ A.T @ b
    np.testing.assert_allclose(f(c, b), w, rtol=1e-10)
    in_c, in_b = wg.jacobian(f, (0, 1))(c, b)
    np.testing.assert_allclose(in_c, -inverse @ w, rtol=1e-8)
    np.testing.assert_allclose(in_b, inverse @ A.T, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(wg.jacfwd(wg.jacfwd(f))(c, b), 2 * inverse @ inverse @ w, rtol=1e-7)
    np.testing.assert_allclose(wg.jit(wg.jacfwd(f))(c, b), -inverse @ w, rtol=1e-8)


def test_minimize_with_a_solver_of_the_user():
    def descent(f, y):
        for _ in range(200):
            y = y - 0.2 * wg.grad(f)(y)
        return y

    f = lambda a: implicit.minimize(lambda y: np.cosh(y - np.sin(a)), 0.5, solver=descent)
    assert wg.grad(f)(0.4) == pytest.approx(np.cos(0.4))
    assert wg.jit(wg.grad(f))(0.4) == pytest.approx(np.cos(0.4))


def test_minimize_refuses():
    with pytest.raises(NonScalarOutputError, match="3 numbers"):
        implicit.minimize(lambda y: y, np.ones(3))
    with pytest.raises(ArgumentError, match="no method 'Powell'"):
        implicit.minimize(lambda y: y @ y, np.ones(3), method="Powell")
    flat = lambda a: np.sum(implicit.minimize(lambda y: (y[0] + y[1] - a) ** 2, np.zeros(2)))
    assert flat(1.0) == pytest.approx(1.0)
    with pytest.raises(SingularPointError):
        wg.grad(flat)(1.0)


def test_linear_least_squares_agrees_with_lstsq(rng):
    A, b = rng.normal(size=(9, 3)), rng.normal(size=9)
    f = lambda A, b: np.linalg.lstsq(A, b, rcond=None)[0]
    g = lambda A, b: implicit.least_squares(lambda w: A @ w - b, np.zeros(3))
    for one, other in zip(wg.jacobian(f, (0, 1))(A, b), wg.jacobian(g, (0, 1))(A, b), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_nonlinear_fit_against_differences():
    """With large residuals, so that the second derivatives of r count."""
    t = np.linspace(0.0, 1.0, 15)
    data = np.exp(-2.0 * t) + 0.3 * np.sin(9.0 * t)
    f = lambda data: implicit.least_squares(lambda p: p["a"] * np.exp(-p["k"] * t) - data, {"a": 1.0, "k": 1.0})["k"]
    h, d = 1e-5, np.cos(5.0 * t)
    slope = (f(data + h * d) - f(data - h * d)) / (2 * h)
    assert wg.grad(f)(data) @ d == pytest.approx(slope, rel=1e-7)


def test_a_fit_that_data_do_not_determine():
    f = lambda b: np.sum(implicit.least_squares(lambda w: (w[0] + w[1]) * np.ones(4) - b, np.zeros(2)))
    assert f(np.ones(4)) == pytest.approx(1.0)
    with pytest.raises(SingularPointError, match=r"np\.linalg\.lstsq"):
        wg.grad(f)(np.ones(4))
    shortest = lambda b: np.linalg.lstsq(np.ones((4, 2)), b, rcond=None)[0]
    np.testing.assert_allclose(wg.jacobian(shortest)(np.arange(4.0)), np.full((2, 4), 0.125))


# linear systems --------------------------------------------------------------------------------------------------
def symmetric(c, v):
    """A symmetric positive definite operator: minus the second difference, plus c."""
    return (2.0 + c) * v - np.append(v[1:], 0.0) - np.append(0.0, v[:-1])


@pytest.mark.parametrize("method", ["cg", "gmres", "bicgstab"])
def test_a_linear_operator(method):
    """x = A^-1 b: dx/dc = -A^-1 x, d2x/dc2 = 2 A^-2 x."""
    n, c, b = 8, 0.5, np.linspace(1.0, 2.0, 8)
    inverse = np.linalg.inv(np.stack([symmetric(c, e) for e in np.eye(n)]))
    f = lambda c, b: implicit.linear_solve(lambda v: symmetric(c, v), b, method=method)
    x = inverse @ b
    np.testing.assert_allclose(f(c, b), x, rtol=1e-9)
    for derivative in (wg.jacfwd, wg.jacrev):
        in_c, in_b = derivative(f, (0, 1))(c, b)
        np.testing.assert_allclose(in_c, -inverse @ x, rtol=1e-8)
        np.testing.assert_allclose(in_b, inverse, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(wg.jacrev(wg.jacrev(f))(c, b), 2 * inverse @ inverse @ x, rtol=1e-7)
    np.testing.assert_allclose(wg.jit(wg.jacrev(f))(c, b), -inverse @ x, rtol=1e-8)
    np.testing.assert_allclose(wg.vmap(f, (None, 0))(c, np.stack([b, 2 * b])), [x, 2 * x], rtol=1e-8)


def test_a_linear_operator_that_is_not_symmetric(rng):
    A, b = rng.normal(size=(5, 5)) + 5 * np.eye(5), rng.normal(size=5)
    f = lambda A, b: np.sum(implicit.linear_solve(lambda v: A @ v, b) ** 2)
    g = lambda A, b: np.sum(implicit.linear_solve(A, b) ** 2)
    h = lambda A, b: np.sum(implicit.linear_solve(A, b, method="bicgstab") ** 2)
    for one, two, three in zip(*(wg.grad(q, (0, 1))(A, b) for q in (f, g, h)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(three, two, rtol=1e-7, atol=1e-9)


def test_linear_systems_with_structures_and_without_solution():
    rotation = lambda v: {"x": v["x"] - v["y"], "y": v["x"] + v["y"]}
    x = implicit.linear_solve(rotation, {"x": 1.0, "y": np.ones(())})
    assert x["x"] == pytest.approx(1.0) and x["y"] == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(NotASolutionError, match="relative residual"):
        implicit.linear_solve(lambda v: np.stack([v[0] + v[1], v[0] + v[1]]), np.array([1.0, 2.0]))
    with pytest.raises(wg.errors.NonLinearError, match="of zero"):
        implicit.linear_solve(lambda v: 2 * v + 1, np.array([2.0, 3.0]))
    with pytest.raises(ArgumentError, match="matrix-free"):
        implicit.linear_solve(lambda v: v, np.ones(2), method="lu")
    with pytest.raises(ShapeError):
        implicit.linear_solve(lambda v: v[:1], np.ones(2))
    assert not implicit.linear_solve(lambda v: 2 * v, np.zeros(3)).any()


# integrals -------------------------------------------------------------------------------------------------------
def test_powers():
    """int_0^b x^p = b^(p+1) / (p+1)."""
    f = lambda p, b: implicit.quad(lambda x: x**p, 0.0, b)
    p, b = 0.5, 2.0
    y = b ** (p + 1) / (p + 1)
    assert f(p, b) == pytest.approx(y, rel=1e-10)
    assert wg.grad(f, (0, 1))(p, b) == pytest.approx((y * (np.log(b) - 1 / (p + 1)), b**p), rel=1e-8)
    (_, mixed), (_, twice) = wg.hessian(f, (0, 1))(p, b)
    assert mixed == pytest.approx(b**p * np.log(b), rel=1e-8) and twice == pytest.approx(p * b ** (p - 1))
    assert wg.jvp(f, (p, b), (0.0, 1.0))[1] == pytest.approx(b**p)
    assert wg.jit(wg.grad(f, 1))(p, b) == pytest.approx(b**p)
    np.testing.assert_allclose(wg.vmap(wg.grad(f), (None, 0))(p, np.array([1.0, b])), [-4 / 9, wg.grad(f)(p, b)])


def test_gaussian_to_order_three():
    """int exp(-k x^2) = sqrt(pi / k)."""
    f = lambda k: implicit.quad(lambda x: np.exp(-k * x**2), -np.inf, np.inf)
    exact = np.sqrt(np.pi) * np.array([1.0, -1 / 2, 3 / 4, -15 / 8])
    for value in exact:
        assert f(1.0) == pytest.approx(value, rel=1e-8)
        f = wg.grad(f)


def test_an_infinite_limit_does_not_move():
    f = lambda a, b: implicit.quad(lambda x: np.exp(-x), a, b)
    assert wg.grad(f, (0, 1))(0.5, np.inf) == pytest.approx((-np.exp(-0.5), 0.0))


def test_integrals_of_arrays():
    """int_0^1 cos(w x) = sin(w) / w, element by element."""
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    f = lambda w: implicit.quad(lambda x: np.cos(w * x), 0, 1)
    np.testing.assert_allclose(f(w), np.sin(w) / w)
    slope = np.diag(((w * np.cos(w) - np.sin(w)) / w**2).ravel()).reshape(2, 2, 2, 2)
    np.testing.assert_allclose(wg.jacobian(f)(w), slope, atol=1e-10)
    np.testing.assert_allclose(wg.jacrev(f)(w), slope, atol=1e-10)


def test_complex_integrals():
    """int_0^1 exp(i k x) = (exp(i k) - 1) / (i k), for real and for complex k."""
    f = lambda k: implicit.quad(lambda x: np.exp(1j * k * x), 0.0, 1.0, jit=False)
    exact = lambda k: (np.exp(1j * k) - 1) / (1j * k)
    assert f(1.0) == pytest.approx(exact(1.0))
    assert wg.jvp(f, (1.0,), (1.0,))[1] == pytest.approx(wg.jvp(exact, (1.0,), (1.0,))[1])
    size = lambda f: lambda k: np.abs(f(k)) ** 2
    assert wg.grad(size(f))(1.0 + 0.5j) == pytest.approx(wg.grad(size(exact))(1.0 + 0.5j))


def test_compiled_integrands():
    f = lambda k, b: implicit.quad(lambda x: np.exp(-k * x), 0.0, b, jit=True)
    assert f(1.0, 1.0) == pytest.approx(1 - np.exp(-1.0))
    assert wg.grad(f, (0, 1))(1.0, 1.0) == pytest.approx((2 * np.exp(-1.0) - 1, np.exp(-1.0)))


def test_integrals_that_do_not_exist():
    with pytest.raises(NotASolutionError, match="quadrature"):
        implicit.quad(lambda x, c: c / x, 0.0, 1.0, (1.0,))
    with pytest.raises(wg.errors.NonDifferentiableInputError, match="a = "):
        implicit.quad(lambda x: x, np.zeros(2), 1.0)
