"""Minima with bounds and constraints, against closed forms, SciPy and differences of re-solved problems."""

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from wengert import implicit
from wengert.errors import (
    ArgumentError,
    DegenerateSolutionWarning,
    InaccurateSolutionWarning,
    NotASolutionError,
    SingularPointError,
)

C = np.array([2.0, -1.0, 0.3])


def nearest(c, top, **options):
    """The point of the box [0, top] that is nearest to c: c, cut off."""
    return implicit.minimize(lambda y: np.sum((y - c) ** 2), np.zeros(3), bounds=(0.0, top), **options)


# bounds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options",
    [{}, {"method": "TNC"}, {"method": "SLSQP"}, {"method": "trust-constr"}, {"linear": "sparse"}, {"linear": "gmres"}],
)
def test_a_box(options):
    f = lambda c, top: nearest(c, top, **options)
    np.testing.assert_allclose(f(C, 1.0), [1.0, 0.0, 0.3], atol=1e-12)
    for jacobian in (wg.jacfwd(f, (0, 1)), wg.jacrev(f, (0, 1)), wg.jit(wg.jacrev(f, (0, 1)))):
        in_c, in_top = jacobian(C, 1.0)
        np.testing.assert_allclose(in_c, np.diag([0.0, 0.0, 1.0]), atol=1e-9)
        np.testing.assert_allclose(in_top, [1.0, 0.0, 0.0], atol=1e-9)


def test_a_box_in_lanes_in_loops_and_without_elements():
    lanes = np.stack([C, -0.5 * C])
    np.testing.assert_allclose(wg.vmap(nearest, (0, None))(lanes, 1.0), np.clip(lanes, 0.0, 1.0), atol=1e-12)
    slopes = wg.vmap(wg.jacobian(nearest), (0, None))(lanes, 1.0)
    np.testing.assert_allclose(slopes, [np.diag([0.0, 0.0, 1.0]), np.diag([0.0, 1.0, 0.0])], atol=1e-9)
    f = lambda a: wg.scan(lambda s, x: (s + nearest(a * C + x, 1.0).sum(), None), 0.0, np.zeros((2, 3)))[0]
    assert wg.grad(f)(1.0) == pytest.approx(0.6) and wg.jit(wg.grad(f))(1.0) == pytest.approx(0.6)
    assert implicit.minimize(lambda y: np.sum(y**2), np.zeros(0), bounds=(0.0, 1.0)).shape == (0,)


def test_bounds_in_every_form():
    f = lambda y: (y["a"] - 2.0) ** 2 + np.sum((y["b"] + 2.0) ** 2)
    start = {"a": 0.0, "b": np.zeros(2)}
    wanted = {"a": 1.0, "b": np.array([-1.0, -1.0])}
    box = {"a": -1.0, "b": np.array([-1.0, -1.0])}, {"a": 1.0, "b": 1.0}
    for bounds in ((-1.0, 1.0), box, scipy.optimize.Bounds(-1.0, 1.0)):
        y = implicit.minimize(f, start, bounds=bounds)
        assert y["a"] == pytest.approx(wanted["a"]) and y["b"] == pytest.approx(wanted["b"])
    assert implicit.minimize(f, start, bounds=(None, 1.0))["b"] == pytest.approx([-2.0, -2.0])
    y, found = implicit.minimize(f, start, bounds=box, multipliers=True)
    assert found.upper["a"] == pytest.approx(2.0) and found.lower["b"] == pytest.approx([2.0, 2.0])
    assert found.lower["a"] == 0.0 and not found.upper["b"].any()


def test_multipliers_of_nothing():
    f = lambda a: implicit.minimize(lambda y: np.sum(np.cosh(y - a)), np.zeros(2), multipliers=True)
    y, found = f(0.5)
    np.testing.assert_allclose(y, 0.5)
    assert not found.lower.any() and not found.upper.any() and found.constraints == []
    np.testing.assert_allclose(wg.jacobian(lambda a: f(a)[0])(0.5), 1.0)


def test_bounds_from_above_and_below_are_equal():
    f = lambda s: implicit.minimize(lambda y: np.sum((y - 3.0) ** 2), np.zeros(2), bounds=(np.stack([s, 0.0]), 1.0 * s))
    np.testing.assert_allclose(wg.jacobian(f)(2.0), [1.0, 1.0])


def test_float32():
    f = lambda c: implicit.minimize(lambda y: (y - c) ** 2, np.float32(0.5), bounds=(0.0, 1.0), tol=1e-3)
    assert f(np.float32(0.25)).dtype == np.float32
    assert wg.grad(f)(np.float32(0.25)) == pytest.approx(1.0) and wg.grad(f)(np.float32(2.0)) == 0.0


# constraints -----------------------------------------------------------------------------------------------------
Q = np.array([[2.0, 0.5], [0.5, 1.0]])


def quadratic(s, top, **options):
    """min y Q y / 2 - y_0, y_0 + y_1 = s, y_0 <= top: y = (top, s - top), with both constraints active."""
    line = {"type": "eq", "fun": lambda y: y[0] + y[1] - s}
    side = {"type": "ineq", "fun": lambda y, top: top - y[0], "args": (top,)}
    return implicit.minimize(lambda y: 0.5 * y @ Q @ y - y[0], np.zeros(2), constraints=[line, side], **options)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_a_quadratic_program(method):
    """Q y - e_0 = lambda (1, 1) - mu (1, 0): lambda = (Q y)_1, mu = lambda - (Q y)_0 + 1."""
    f = lambda s, top: quadratic(s, top, method=method, multipliers=True)
    y, found = f(1.0, 0.2)
    np.testing.assert_allclose(y, [0.2, 0.8], rtol=1e-9)
    np.testing.assert_allclose(found.constraints, [0.9, 1.1], rtol=1e-9)
    for derivative in (wg.jacfwd(f, (0, 1)), wg.jacrev(f, (0, 1)), wg.jit(wg.jacobian(f, (0, 1)))):
        y, found = derivative(1.0, 0.2)
        np.testing.assert_allclose(y, [[0.0, 1.0], [1.0, -1.0]], atol=1e-9)
        np.testing.assert_allclose(found.constraints, [[1.0, -0.5], [0.5, -2.0]], atol=1e-9)
    np.testing.assert_allclose(wg.jacfwd(wg.jacrev(lambda s: f(s, 0.2)[0] ** 3))(1.0), [0.0, 6 * 0.8], atol=1e-8)


def test_the_multiplier_is_the_slope_of_the_minimum():
    """d f(y(s)) / d s = lambda, for h(y) = s; and its sensitivity is the second derivative of the minimum."""

    def minimum(s):
        circle = {"type": "eq", "fun": lambda y: y @ y - s}
        y, found = implicit.minimize(lambda y: y[0] + np.exp(y[1]), -np.ones(2), constraints=circle, multipliers=True)
        return y[0] + np.exp(y[1]), found.constraints[0]

    slope, curvature = wg.jacobian(minimum)(2.0)
    assert slope == pytest.approx(minimum(2.0)[1], rel=1e-9)
    assert curvature == pytest.approx(wg.grad(wg.grad(lambda s: minimum(s)[0]))(2.0), rel=1e-7)


def test_a_nonlinear_constraint_to_order_three():
    """min a . y, |y|^2 <= r^2: y = -r a / |a|."""
    a = np.array([1.0, 2.0])
    f = lambda r: implicit.minimize(
        lambda y: a @ y, -np.ones(2), constraints={"type": "ineq", "fun": lambda y: r**2 - y @ y}
    )
    for derivative, value in ((f, 2.0), (wg.jacfwd(f), 1.0), (wg.jacrev(f), 1.0), (wg.jacfwd(wg.jacfwd(f)), 0.0)):
        np.testing.assert_allclose(derivative(2.0), -value * a / np.sqrt(5), atol=1e-9)
    g = lambda r: f(r**2)[0]  # r^2: second derivative -2 / sqrt(5)
    assert wg.grad(wg.grad(g))(1.3) == pytest.approx(-2 / np.sqrt(5))
    assert wg.grad(wg.grad(wg.grad(g)))(1.3) == pytest.approx(0.0, abs=1e-8)


def test_against_differences_of_solved_problems(rng):
    """Bounds, equalities and inequalities of random data, all of which move with a parameter."""
    P, q, r = rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5)

    def f(t):
        loss = lambda y: 0.5 * np.sum((P @ y) ** 2) + 0.05 * np.sum(y**4) + np.sum(y * (q + t * r))
        constraints = [
            {"type": "eq", "fun": lambda y: np.sum(y) - np.cos(t)},
            {"type": "ineq", "fun": lambda y: {"ball": 1.0 + t - y @ y, "half": y[:2] + 0.4}},
        ]
        return implicit.minimize(loss, np.full(5, 0.2), bounds=(-0.5 * np.ones(5), 0.6 + t), constraints=constraints)

    h = 1e-5
    slope = (f(0.3 + h) - f(0.3 - h)) / (2 * h)
    np.testing.assert_allclose(wg.jacfwd(f)(0.3), slope, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(wg.jacrev(f)(0.3), slope, rtol=1e-5, atol=1e-7)
    wg.check_grads(lambda t: np.sum(f(t) ** 2), (0.3,), order=2)


def test_a_support_vector_machine(rng):
    """The dual: 0 <= a <= C, a . labels = 0; the minimum falls with C as the upper multipliers say."""
    x = np.concatenate([rng.normal(size=(8, 2)) + 1.0, rng.normal(size=(8, 2)) - 1.0])
    labels = np.repeat([1.0, -1.0], 8)
    K = (x @ x.T + 0.1 * np.eye(16)) * np.outer(labels, labels)
    loss = lambda a: 0.5 * a @ K @ a - np.sum(a)

    def dual(C):
        line = {"type": "eq", "fun": lambda a: a @ labels}
        return implicit.minimize(loss, np.full(16, 0.1), bounds=(0.0, C), constraints=line, multipliers=True)

    a, found = dual(0.7)
    assert abs(a @ labels) < 1e-10 and ((a > 0) & (a < 0.7)).any() and (a == 0.7).any()
    assert wg.grad(lambda C: loss(dual(C)[0]))(0.7) == pytest.approx(-found.upper.sum(), rel=1e-8)


def test_a_solver_of_the_user():
    inside = lambda f, y: np.clip(C, 0.0, 1.0) + 1e-9  # a little outside of the box
    f = lambda c: nearest(c, 1.0, solver=inside)
    np.testing.assert_allclose(wg.jacobian(f)(C), np.diag([0.0, 0.0, 1.0]), atol=1e-9)
    wrong = lambda f, y: np.full(3, 0.5)
    with pytest.raises(NotASolutionError, match="away"):
        nearest(C, 1.0, solver=wrong)
    with pytest.warns(InaccurateSolutionWarning, match=r"5\.\de-06 away"):
        nearest(C, 1.0, solver=lambda f, y: np.clip(C, 0.0, 1.0) + 1e-5)


# degenerate minima -----------------------------------------------------------------------------------------------
def test_a_constraint_that_is_met_and_not_needed():
    f = lambda a: implicit.minimize(lambda y: (y - a) ** 2, 1.0, bounds=(0.0, None))
    assert f(0.0) == 0.0
    for derivative in (wg.grad(f), wg.jit(wg.grad(f)), wg.jacfwd(f)):
        with pytest.warns(DegenerateSolutionWarning, match="1 of the constraints"):
            assert derivative(0.0) in (0.0, 1.0)
    assert wg.grad(f)(0.1) == pytest.approx(1.0) and wg.grad(f)(-0.1) == 0.0
    g = lambda a: implicit.minimize(
        lambda y: np.sum((y - a) ** 2), np.zeros(2), constraints={"type": "ineq", "fun": lambda y: 1.0 - y[0]}
    )
    with pytest.warns(DegenerateSolutionWarning):
        wg.jacobian(g)(1.0)


def test_gradients_of_constraints_that_depend_on_one_another():
    twice = [{"type": "ineq", "fun": lambda y: 1 - y[0]}, {"type": "ineq", "fun": lambda y: 2 - 2 * y[0]}]
    f = lambda a: implicit.minimize(lambda y: np.sum((y - a) ** 2), np.zeros(2), constraints=twice)
    np.testing.assert_allclose(f(2.0), [1.0, 2.0])
    for derivative in (wg.jacfwd(f), wg.jacrev(f), wg.jit(wg.jacrev(f))):
        with pytest.raises(SingularPointError, match="LICQ"):
            derivative(2.0)


def test_flat_along_the_constraints():
    line = {"type": "eq", "fun": lambda y: y[0] - 1.0}
    f = lambda a: implicit.minimize(lambda y: a * y[0] ** 2, np.ones(2), constraints=line)
    with pytest.raises(SingularPointError, match="not isolated"):
        wg.jacobian(f)(1.0)


def test_refusals():
    f = lambda y: np.sum(y**2)
    for bounds in ([(0.0, 1.0)] * 3, 1.0, ((0.0, 1.0), (0.0, 1.0)), (np.zeros(2), None), (1.0, 0.0)):
        with pytest.raises(ArgumentError, match="bound"):
            implicit.minimize(f, np.ones(3), bounds=bounds)
    for constraints in ([f], {"type": "le", "fun": f}, {"type": "eq", "fun": f, "jac": f}):
        with pytest.raises(ArgumentError, match="constraint"):
            implicit.minimize(f, np.ones(3), constraints=constraints)
    with pytest.raises(ArgumentError, match="no method 'BFGS'"):
        implicit.minimize(f, np.ones(3), bounds=(0.0, 1.0), method="BFGS")
    with pytest.raises(ArgumentError, match="no method 'L-BFGS-B'"):
        implicit.minimize(f, np.ones(3), constraints={"type": "eq", "fun": f}, method="L-BFGS-B")
    with pytest.raises(ArgumentError, match="cholesky"):
        implicit.minimize(f, np.ones(3), bounds=(0.0, 1.0), linear="cholesky")
    with pytest.raises(NotASolutionError):
        implicit.minimize(f, np.ones(2), constraints={"type": "ineq", "fun": lambda y: -1.0 - y @ y})


# least squares ---------------------------------------------------------------------------------------------------
def test_a_fit_with_bounds():
    """Data of 2 exp(-2 t), the first factor held at 1.5: differences of the root of the derivative in the other one."""
    t = np.linspace(0.0, 1.0, 10)
    data, d = 2 * np.exp(-2 * t), np.cos(5 * t)
    model = lambda p, data: p[0] * np.exp(-p[1] * t) - data
    f = lambda data: implicit.least_squares(model, np.ones(2), (data,), bounds=(0.0, np.array([1.5, 3.0])))
    slope_in_k = lambda k, data: np.sum((1.5 * np.exp(-k * t) - data) * t * np.exp(-k * t))
    alone = lambda data: scipy.optimize.brentq(slope_in_k, 0.5, 3.0, (data,), xtol=1e-15, rtol=1e-15)
    h = 1e-5
    slope = (alone(data + h * d) - alone(data - h * d)) / (2 * h)
    np.testing.assert_allclose(wg.jacobian(f)(data) @ d, [0.0, slope], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(wg.jit(wg.jacobian(f))(data) @ d, [0.0, slope], rtol=1e-8, atol=1e-9)


def test_nonnegative_least_squares_agrees_with_scipy(rng):
    A, b = rng.normal(size=(12, 5)), rng.normal(size=12)
    f = lambda b: implicit.least_squares(lambda y: A @ y - b, np.ones(5), bounds=(0.0, None))
    y, _ = scipy.optimize.nnls(A, b)
    np.testing.assert_allclose(f(b), y, atol=1e-10)
    on = y > 0
    slope = np.zeros((5, 12))
    slope[on] = np.linalg.pinv(A[:, on])
    np.testing.assert_allclose(wg.jacobian(f)(b), slope, atol=1e-9)
