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


def test_what_is_no_solution_is_refused():
    f = lambda a: implicit.root(lambda y: y**2 - a, 1.0, solver=lambda f, y: y + 0.9)
    with pytest.raises(NotASolutionError, match="Newton step"):
        wg.grad(f)(4.0)
    loose = lambda a: implicit.root(lambda y: y**2 - a, 1.0, solver=lambda f, y: y + 0.9, tol=0.1)
    assert wg.grad(loose)(4.0) == pytest.approx(1 / 3.8)
    with pytest.raises(NotASolutionError, match="found no solution"):
        implicit.root(lambda y: y**2 + 1.0, 1.0)


def test_errors():
    with pytest.raises(ShapeError, match="2 numbers for 1 unknowns"):
        implicit.root(lambda y: np.stack([y, y]), 1.0)
    with pytest.raises(ArgumentError, match="no method 'newton'"):
        implicit.root(lambda y: y, 1.0, method="newton")
    with pytest.raises(ArgumentError, match="no linear solver 'lu'"):
        implicit.root(lambda y: y, 1.0, linear="lu")
    with pytest.raises(ArgumentError, match="args is a float"):
        implicit.root(lambda y, a: y - a, 1.0, 2.0)
    with pytest.raises(wg.errors.NonDifferentiableInputError, match="complex128"):
        implicit.root(lambda y: y, 1j)


def test_quality():
    found = implicit.quality(lambda y: np.stack([y[0] - 1.0, 1e3 * y[1]]), np.array([1.0, 1e-3]))
    assert found.residual == pytest.approx(1.0) and found.step == pytest.approx(1e-3)
    assert found.condition == pytest.approx(1e3)
    assert implicit.quality(lambda y: y**2, 0.0).condition == np.inf


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
    with pytest.raises(ArgumentError, match="no method 'SLSQP'"):
        implicit.minimize(lambda y: y @ y, np.ones(3), method="SLSQP")
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
    with pytest.raises(SingularPointError):
        wg.grad(f)(np.ones(4))
