"""Minimisation with and without gradients, against closed forms and the theory's rates."""

import dataclasses
import io

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from wengert import errors, optimize

SCALES = np.array([1.0, 3.0, 10.0, 30.0])
MINIMUM = np.array([1.0, -2.0, 0.5, 3.0])


def quadratic(x):
    """f(x) = sum_i SCALES_i (x_i - MINIMUM_i)^2 / 2: Hessian diag(SCALES), L = 30."""
    return 0.5 * np.sum(SCALES * (x - MINIMUM) ** 2)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def distances_loss(places):
    """Multidimensional scaling: a loss whose minimum is 0, at the places themselves."""
    D = np.sum((places[:, None] - places[None]) ** 2, axis=-1)

    def loss(W):
        squares = np.sum(W * W, axis=1)
        return np.sum((squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D) ** 2)

    return loss


# --------------------------------------------------------------------------------------------- with gradients


@pytest.mark.parametrize(
    "method, options",
    [
        (optimize.gradient_descent, {"steps": 600}),
        (optimize.gradient_descent, {"steps": 600, "step": 1 / 30}),
        (optimize.momentum, {"steps": 400}),
        (optimize.momentum, {"steps": 400, "step": 0.05, "beta": 0.8}),
        (optimize.nesterov, {"steps": 2000}),
        (optimize.adam, {"steps": 3000, "step": 0.05}),
        (optimize.zeroth_order_descent, {"steps": 4000}),
        (optimize.zeroth_order_descent, {"steps": 4000, "step": 1 / 120}),
        (optimize.zeroth_order_descent, {"steps": 1500, "directions": 2}),
        (optimize.zeroth_order_descent, {"steps": 600, "directions": None, "step": 1 / 30}),
        (optimize.minimize, {}),
    ],
)
def test_every_method_finds_the_minimum_of_a_quadratic(method, options):
    result = method(quadratic, np.zeros(4), **options)
    np.testing.assert_allclose(result.x, MINIMUM, atol=1e-4)
    assert result.fun == pytest.approx(quadratic(result.x), abs=1e-8)
    assert type(result.x) is np.ndarray and result.x.dtype == float
    assert result.values.shape == result.evaluations.shape == result.gradients.shape
    assert np.all(np.diff(result.evaluations) >= 0) and np.all(np.diff(result.gradients) >= 0)


def test_gradient_descent_is_its_formula():
    result = optimize.gradient_descent(quadratic, np.zeros(4), step=0.01, steps=3)
    x = np.zeros(4)
    for k in range(4):
        assert result.values[k] == pytest.approx(quadratic(x), rel=1e-14)
        last, x = x, x - 0.01 * SCALES * (x - MINIMUM)
    np.testing.assert_allclose(result.x, last, rtol=1e-14)
    assert result.evaluations.tolist() == result.gradients.tolist() == [1, 2, 3, 4]


def test_momentum_is_its_formula():
    result = optimize.momentum(quadratic, np.zeros(4), step=0.01, steps=3, beta=0.7)
    before, x = np.zeros(4), np.zeros(4)
    for _ in range(3):
        before, x = x, x - 0.01 * SCALES * (x - MINIMUM) + 0.7 * (x - before)
    np.testing.assert_allclose(result.x, x, rtol=1e-13)


def test_first_step_of_adam_has_the_length_of_its_rate():
    result = optimize.adam(quadratic, np.zeros(4), step=0.1, steps=1)
    np.testing.assert_allclose(result.x, 0.1 * np.sign(MINIMUM), rtol=1e-6)


# ------------------------------------------------------------------------------------------------------- rates


def chain(n, L):
    """Nesterov's worst function in the world: convex, smooth, not strongly convex along its tail (2018, eq. 2.1.54).

    f(x) = L/4 ((x_1^2 + sum (x_i - x_i+1)^2 + x_n^2)/2 - x_1);  x*_i = 1 - i/(n+1),  f* = -L/8 (1 - 1/(n+1)).
    """
    f = lambda x: L / 4 * ((x[0] ** 2 + np.sum((x[1:] - x[:-1]) ** 2) + x[-1] ** 2) / 2 - x[0])
    return f, 1 - np.arange(1, n + 1) / (n + 1), -L / 8 * (1 - 1 / (n + 1))


def test_rates_on_a_convex_function():
    """f(x_k) - f* is at most 2 L R^2 / (k + 4) for descent, and 2 L R^2 / (k + 1)^2 for Nesterov's method."""
    n, L = 60, 2.0
    f, minimum, lowest = chain(n, L)
    R2, k = float(np.sum(minimum**2)), np.arange(n // 2)
    descent = optimize.gradient_descent(f, np.zeros(n), step=1 / L, steps=n // 2 - 1).values - lowest
    fast = optimize.nesterov(f, np.zeros(n), step=1 / L, steps=n // 2 - 1).values - lowest
    assert np.all(descent <= 2 * L * R2 / (k + 4))
    assert np.all(fast <= 2 * L * R2 / (k + 1) ** 2)
    # After k gradients only the first k variables have moved: the best then is f* of that many (Theorem 2.1.7).
    assert np.all(fast >= L / 8 * (1 / (k + 1) - 1 / (n + 1)) - 1e-12)
    assert fast[-1] < descent[-1] / 2.5


def test_the_rates_are_of_the_order_that_theory_says():
    """On a least-squares problem whose singular values reach down to 0 evenly: slopes of log(f - f*) on log k."""
    scales = np.linspace(0.0, 1.0, 400) ** 4
    f = lambda x: 0.5 * np.sum(scales * x**2)
    descent = optimize.gradient_descent(f, np.ones(400), step=1.0, steps=800).values
    fast = optimize.nesterov(f, np.ones(400), step=1.0, steps=800).values
    window = np.arange(100, 800)
    slope = lambda values: np.polyfit(np.log(window), np.log(values[window]), 1)[0]
    # sum_i s_i exp(-2 s_i k), s = u^4: integral ~ k^(-5/4); accelerated, k^2 in the place of k.
    assert slope(descent) == pytest.approx(-1.25, abs=0.05)
    assert slope(fast) == pytest.approx(-2.5, abs=0.3)


def test_the_rate_on_a_strongly_convex_function_is_linear():
    """|x_k - x*|^2 <= (1 - mu/L)^k |x_0 - x*|^2."""
    mu, L = 1.0, 30.0
    for steps in (1, 10, 100, 300):
        x = optimize.gradient_descent(quadratic, np.zeros(4), step=1 / L, steps=steps).x
        assert np.sum((x - MINIMUM) ** 2) <= (1 - mu / L) ** steps * np.sum(MINIMUM**2)


def test_the_rate_without_convexity():
    """min_i<k |grad f(x_i)|^2 <= 2 L (f(x_0) - f*) / k, for cos, where L = 1 and f* = -1."""
    gradients = []
    result = optimize.gradient_descent(
        np.cos, 0.1, step=1.0, steps=20, callback=lambda k, x, value: gradients.append(np.sin(x) ** 2)
    )
    k = np.arange(1, 21)
    assert np.all(np.minimum.accumulate(gradients)[:20] <= 2 * (result.values[0] + 1) / k)


@pytest.mark.parametrize("directions", [1, 2])
def test_the_rate_without_gradients_is_divided_by_n(directions):
    """E|x_k - x*|^2 <= (1 - mu m/(nL))^k |x_0 - x*|^2: linear, with n/m in the exponent's denominator."""
    n, mu, L, steps = 4, 1.0, 30.0, 120
    squares = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        step = directions / (n * L)
        x = optimize.zeroth_order_descent(
            quadratic, np.zeros(n), step, steps, rng=rng, directions=directions, central=False
        ).x
        squares.append(np.sum((x - MINIMUM) ** 2))
    assert np.mean(squares) <= (1 - mu * directions / (n * L)) ** steps * np.sum(MINIMUM**2)


def test_the_step_needs_n_times_more_iterations_without_gradients():
    """On |x|^2/2 the gap falls by the factor (1 - 1/n) a step, exactly, whatever direction is drawn on average."""
    for n in (2, 8, 32):
        k, gaps = 4 * n, []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            run = optimize.zeroth_order_descent(lambda x: np.sum(x**2) / 2, np.ones(n), 1.0 / n, k, rng=rng)
            gaps.append(run.fun / run.values[0])
        assert np.mean(gaps) == pytest.approx((1 - 1 / n) ** k, rel=0.5)


def test_the_descent_lemma_never_lets_the_value_rise():
    result = optimize.gradient_descent(rosenbrock, np.array([-1.2, 1.0, 0.5]), steps=200)
    assert np.all(np.diff(result.values) <= 0)
    assert result.gradients[-1] > 200  # refused trials are counted


@pytest.mark.parametrize("step", ["armijo", "wolfe"])
def test_line_searches_find_the_minimum(step):
    result = optimize.gradient_descent(quadratic, np.zeros(4), step=step, steps=500)
    np.testing.assert_allclose(result.x, MINIMUM, atol=1e-5)
    assert np.all(np.diff(result.values) <= 0) and result.evaluations[-1] > len(result.values)


def test_a_schedule_of_steps():
    result = optimize.gradient_descent(quadratic, np.zeros(4), step=lambda k: 0.01 / (k + 1), steps=2)
    x = np.zeros(4)
    for k in range(2):
        x = x - 0.01 / (k + 1) * SCALES * (x - MINIMUM)
    np.testing.assert_allclose(result.x, x, rtol=1e-14)


@pytest.mark.parametrize("first", [1e-3, 1.0, 64.0])
@pytest.mark.parametrize("method", ["armijo", "wolfe"])
def test_a_line_search_ends_where_its_conditions_hold(method, first):
    x, c1, c2 = np.array([-1.2, 1.0, 0.4]), 1e-4, 0.9
    slope = lambda x: complex_step(rosenbrock, x)
    d = -slope(x)
    found = optimize.line_search(rosenbrock, x, d, method, first=first)
    np.testing.assert_allclose(found.x, x + found.step * d, rtol=1e-14)
    assert found.fun == rosenbrock(found.x) <= rosenbrock(x) + c1 * found.step * (slope(x) @ d)
    if method == "wolfe":
        assert abs(slope(found.x) @ d) <= c2 * abs(slope(x) @ d)
    else:
        assert np.log2(first / found.step) % 1 == 0  # a half of a half of the first
        if found.step < first:
            assert rosenbrock(x + 2 * found.step * d) > rosenbrock(x) + c1 * 2 * found.step * (slope(x) @ d)


def complex_step(f, x):
    return np.array([f(x + 1e-30j * e).imag / 1e-30 for e in np.eye(x.size)])


def test_a_line_search_that_finds_nothing_says_so():
    found = optimize.line_search(lambda x: -x[0], np.array([1.0]), np.array([1.0]), "wolfe")
    assert found.step is None and found.fun == -1.0 and found.x == [1.0]
    with pytest.raises(errors.ArgumentError, match="downhill"):
        optimize.line_search(quadratic, np.zeros(4), np.ones(4) * -1e3 * np.sign(MINIMUM))
    with pytest.raises(errors.ArgumentError, match="elements"):
        optimize.line_search(quadratic, np.zeros(4), np.ones(3))
    with pytest.raises(errors.ArgumentError, match="c2"):
        optimize.line_search(quadratic, np.zeros(4), MINIMUM, c1=0.9, c2=0.1)
    with pytest.raises(errors.ArgumentError, match="armijo"):
        optimize.gradient_descent(quadratic, np.zeros(4), step="goldstein")


def test_smoothness_is_the_largest_eigenvalue():
    assert optimize.smoothness(quadratic, np.zeros(4)) == pytest.approx(30.0, rel=1e-6)
    assert optimize.smoothness(lambda x: -quadratic(x), np.zeros(4)) == pytest.approx(30.0, rel=1e-6)
    assert optimize.smoothness(lambda x: np.sum(x), np.zeros(4)) == 0.0


# ------------------------------------------------------------------------------------------- without gradients


@pytest.mark.parametrize("central, tolerance", [(True, 1e-7), (False, 1e-5)])
def test_coordinate_differences_are_the_gradient(central, tolerance):
    x = np.array([0.3, -0.2, 0.9])
    exact = np.array([np.cos(0.3), 2 * -0.2, np.exp(0.9)])
    estimate = optimize.multi_point(lambda x: np.sin(x[0]) + x[1] ** 2 + np.exp(x[2]), x, central=central)
    np.testing.assert_allclose(estimate, exact, atol=tolerance)


@pytest.mark.parametrize("directions, second_moment", [(1, 4.0), (2, 2.0), (4, 1.0)])
def test_estimates_are_unbiased_with_the_moments_of_theory(rng, directions, second_moment):
    """E G = grad f and E|G|^2 = (n/m) |grad f|^2."""
    gradient = np.array([1.0, -2.0, 0.5, 1.5])
    draws = np.array(
        [optimize.multi_point(lambda x: np.sum(gradient * x), np.zeros(4), rng, directions) for _ in range(3000)]
    )
    np.testing.assert_allclose(draws.mean(axis=0), gradient, atol=0.2)
    moment = np.mean(np.sum(draws**2, axis=1)) / np.sum(gradient**2)
    assert moment == pytest.approx(second_moment, rel=0.05)


@pytest.mark.parametrize(
    "options, calls",
    [
        ({"directions": 1}, 2),
        ({"directions": 3}, 6),
        ({"directions": None}, 8),
        ({"directions": 3, "central": False}, 4),
    ],
)
def test_calls_of_f_are_counted_as_promised(rng, options, calls):
    made = []

    def f(x):
        made.append(1)
        return quadratic(x)

    optimize.multi_point(f, np.zeros(4), rng, **options)
    assert len(made) == calls
    made.clear()
    result = optimize.zeroth_order_descent(f, np.zeros(4), step=1e-3, steps=5, rng=rng, **options)
    assert len(made) == result.evaluations[-1] == 6 * calls
    assert result.gradients[-1] == 0


def test_without_gradients_n_times_more_steps_are_needed(rng):
    """Step m/(nL) divides the progress of each step by n/m."""
    loss = distances_loss(rng.standard_normal((6, 2)))
    start = 0.1 * rng.standard_normal((6, 2))
    minimum = optimize.minimize(loss, start).x
    n, L = start.size, optimize.smoothness(loss, minimum)
    goal = {"target": 1e-5 * loss(start)}
    descent = optimize.gradient_descent(loss, start, 1 / L, 5000, **goal)
    assert descent.message.startswith("target reached")
    taken = []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        blind = optimize.zeroth_order_descent(loss, start, 1 / (n * L), 100_000, rng=generator, **goal)
        assert blind.message.startswith("target reached")
        taken.append(blind.values.size / descent.values.size)
    assert 0.6 * n < np.median(taken) < 1.6 * n


def test_the_same_generator_gives_the_same_run():
    runs = [optimize.zeroth_order_descent(quadratic, np.zeros(4), steps=20, rng=np.random.default_rng(7)) for _ in "ab"]
    np.testing.assert_array_equal(runs[0].values, runs[1].values)


# ---------------------------------------------------------------------------------------- SciPy and structures


@pytest.mark.parametrize(
    "method",
    """Nelder-Mead Powell COBYLA COBYQA CG BFGS Newton-CG L-BFGS-B TNC SLSQP
    trust-constr dogleg trust-ncg trust-exact trust-krylov""".split(),  # noqa: SIM905
)
def test_every_method_of_scipy(method):
    if method in ("dogleg", "COBYLA"):  # needs a positive definite Hessian throughout; is slow in curved valleys
        f, start, minimum = quadratic, np.zeros(4), MINIMUM
    else:
        f, start, minimum = rosenbrock, np.array([0.8, 0.7]), np.ones(2)
    options = {"maxiter": 1500} if method in ("Nelder-Mead", "COBYLA", "COBYQA") else {}
    result = optimize.minimize(f, start, method, tol=1e-7, options=options)
    np.testing.assert_allclose(result.x, minimum, atol=1e-3)
    blind = method in ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
    assert (result.gradients[-1] == 0) == blind
    assert result.details.nfev == result.evaluations[-1]


@pytest.mark.parametrize("method", optimize.minimizer.METHODS)
def test_the_callback_sees_iterates_and_stops_every_method(method):
    f, start = (quadratic, np.zeros(4)) if method == "dogleg" else (rosenbrock, np.array([0.8, 0.7]))
    seen = []
    callback = lambda k, x, value: seen.append((k, f(x), value)) or k == 2
    result = optimize.minimize(f, start, method, callback=callback)
    assert [k for k, _, _ in seen] == [1, 2]
    assert all(value == expected for _, expected, value in seen)
    assert result.message == "stopped by the callback after 2 iterations" and result.fun == seen[-1][-1]


def test_products_of_one_point_share_its_linearization():
    calls = []

    def f(x):
        calls.append(1)
        return rosenbrock(x)

    objective = optimize.objective.Objective(f, np.ones(3))
    columns = [objective.hvp(objective.start, e) for e in np.eye(3)]
    assert len(calls) == 1
    np.testing.assert_allclose(columns, [[802, -400, 0], [-400, 1002, -400], [0, -400, 200]])
    np.testing.assert_allclose(objective.hessian(objective.start), columns, rtol=1e-14)


@pytest.mark.parametrize("method", optimize.minimizer.BOUNDED)
@pytest.mark.parametrize("form", ["structure", "pairs", "Bounds"])
def test_bounds(method, form):
    bounds = {
        "structure": {"a": (0.0, 2.0), "b": (None, 1.0)},
        "pairs": [(0.0, 2.0), (0.0, 2.0), (None, 1.0), (None, 1.0)],
        "Bounds": scipy.optimize.Bounds([0, 0, -np.inf, -np.inf], [2, 2, 1, 1]),
    }[form]
    f = lambda p: quadratic(np.concatenate([p["a"], p["b"]]))
    start = {"a": np.array([1.4, 0.5]), "b": np.array([0.2, 0.6])}
    result = optimize.minimize(f, start, method, bounds=bounds, tol=1e-8)
    tolerance = 1e-2 if method in ("COBYLA", "trust-constr", "Nelder-Mead") else 1e-4
    np.testing.assert_allclose(result.x["a"], [1.0, 0.0], atol=tolerance)
    np.testing.assert_allclose(result.x["b"], [0.5, 1.0], atol=tolerance)


def test_one_pair_of_bounds_for_an_array():
    result = optimize.minimize(quadratic, np.zeros(4), bounds=(0.0, 2.0))
    np.testing.assert_allclose(result.x, np.clip(MINIMUM, 0.0, 2.0), atol=1e-6)
    result = optimize.minimize(quadratic, np.zeros(4), bounds=(None, np.array([0.5, 0.5, np.inf, 2.0])))
    np.testing.assert_allclose(result.x, np.minimum(MINIMUM, [0.5, 0.5, 9.0, 2.0]), atol=1e-6)


@pytest.mark.parametrize("method", optimize.minimizer.CONSTRAINED)
@pytest.mark.parametrize("form", ["dict", "nonlinear", "linear", "several"])
def test_constraints(method, form):
    """min |p - (2, 1)|^2 on the disc |p| <= 1: p = (2, 1)/sqrt(5). On x + y <= 1: (1, 0). On both: (1, 0)."""
    f = lambda p: (p["x"] - 2.0) ** 2 + (p["y"] - 1.0) ** 2
    disc = lambda p: 1.0 - p["x"] ** 2 - p["y"] ** 2
    linear = scipy.optimize.LinearConstraint([[1.0, 1.0]], -np.inf, 1.0)
    constraints = {
        "dict": {"type": "ineq", "fun": disc},
        "nonlinear": scipy.optimize.NonlinearConstraint(disc, 0.0, np.inf),
        "linear": linear,
        "several": [{"type": "ineq", "fun": disc}, linear],
    }[form]
    expected = (1.0, 0.0) if form in ("linear", "several") else (2 / np.sqrt(5), 1 / np.sqrt(5))
    result = optimize.minimize(f, {"x": 0.1, "y": 0.1}, method, constraints=constraints, tol=1e-8)
    found = (result.x["x"], result.x["y"])
    np.testing.assert_allclose(found, expected, atol=2e-3 if method in ("COBYLA", "trust-constr") else 1e-5)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_compiled_constraints(method):
    f = lambda p: (p["x"] - 2.0) ** 2 + (p["y"] - 1.0) ** 2
    disc = {"type": "ineq", "fun": lambda p: 1.0 - p["x"] ** 2 - p["y"] ** 2}
    result = optimize.minimize(f, {"x": 0.1, "y": 0.1}, method, constraints=disc, jit=True, tol=1e-8)
    np.testing.assert_allclose((result.x["x"], result.x["y"]), np.array([2, 1]) / np.sqrt(5), atol=1e-3)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYQA"])
def test_an_equality_and_an_array_of_inequalities(method):
    """Maximum entropy on the simplex with a given mean: p_i proportional to r^i."""
    values = np.arange(4.0)
    constraints = [
        {"type": "eq", "fun": lambda p, total: np.sum(p) - total, "args": (1.0,)},
        {"type": "eq", "fun": lambda p: p @ values - 1.0},
        {"type": "ineq", "fun": lambda p: p - 1e-9},
    ]
    f = lambda p: np.sum(p * np.log(np.maximum(p, 1e-12)))
    result = optimize.minimize(f, np.full(4, 0.25), method, constraints=constraints, tol=1e-9)
    ratio = scipy.optimize.brentq(lambda r: (r**values @ values) / np.sum(r**values) - 1.0, 0.1, 2.0)
    np.testing.assert_allclose(result.x, ratio**values / np.sum(ratio**values), atol=1e-4)


def test_derivatives_of_constraints_are_exact():
    g = optimize.vector.VectorFunction(
        optimize.objective.Variables({"a": np.array([0.3, -0.7]), "b": 1.5}),
        lambda p: {"first": p["a"] * p["b"], "second": np.sin(p["b"]) * p["a"][0] ** 2},
    )
    a, b = (0.3, -0.7), 1.5
    np.testing.assert_allclose(g(g.variables.start), [a[0] * b, a[1] * b, np.sin(b) * a[0] ** 2], rtol=1e-15)
    J = [[b, 0, a[0]], [0, b, a[1]], [2 * a[0] * np.sin(b), 0, np.cos(b) * a[0] ** 2]]
    np.testing.assert_allclose(g.jacobian(g.variables.start), J, rtol=1e-14)
    H1, H2 = np.zeros((3, 3)), np.zeros((3, 3))
    H1[0, 2] = H1[2, 0] = 1
    H2[0, 0], H2[2, 2] = 2 * np.sin(b), -np.sin(b) * a[0] ** 2
    H2[0, 2] = H2[2, 0] = 2 * a[0] * np.cos(b)
    np.testing.assert_allclose(g.weighted_hessian(g.variables.start, [3, 0, -2]), 3 * H1 - 2 * H2, rtol=1e-14)
    operator, w = g.operator(g.variables.start), np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(operator @ w, np.array(J) @ w, rtol=1e-14)
    np.testing.assert_allclose(operator.T @ w, np.array(J).T @ w, rtol=1e-14)


def test_extra_arguments():
    f = lambda x, scale, shift: np.sum(scale * (x - shift) ** 2)
    result = optimize.minimize(f, np.zeros(2), args=(2.0, np.array([1.0, 3.0])))
    np.testing.assert_allclose(result.x, [1.0, 3.0], atol=1e-6)


@pytest.mark.parametrize("method", ["L-BFGS-B", "Newton-CG", "trust-exact", "Nelder-Mead"])
@pytest.mark.parametrize("how", ["jit=True", "wg.jit"])
def test_compiled(method, how):
    plain = optimize.minimize(rosenbrock, np.array([0.8, 0.7]), method)
    compiled = optimize.minimize(
        wg.jit(rosenbrock) if how == "wg.jit" else rosenbrock, np.array([0.8, 0.7]), method, jit=how == "jit=True"
    )
    np.testing.assert_allclose(compiled.x, plain.x, atol=1e-4)
    assert compiled.fun < 1e-7


def test_derivatives_of_a_compiled_function_are_compiled_once():
    f = wg.jit(rosenbrock)
    for start in ([0.8, 0.7], [0.5, 0.5]):
        optimize.minimize(f, np.array(start), "trust-ncg")
        optimize.gradient_descent(f, np.array(start), steps=3)
    combinations = {t.__name__: len(kept.known) for t, kept in f.derived.items()}
    assert combinations == {"value_and_grad": 1, "hessian": 0, "_product": 1}


def test_compiled_descent_follows_the_same_path():
    start = {"x": -1.2, "y": np.array([1.0])}
    f = lambda p: 100 * (p["y"][0] - p["x"] ** 2) ** 2 + (1 - p["x"]) ** 2
    for method in (optimize.gradient_descent, optimize.momentum, optimize.nesterov, optimize.adam):
        plain, compiled = (method(f, start, 1e-3, 50, jit=jit) for jit in (False, True))
        np.testing.assert_allclose(compiled.values, plain.values, rtol=1e-9)


# --------------------------------------------------------------------------------------------------- equations


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov", "df-sane", "broyden1"])
def test_root(method):
    """The intersections of the circle of radius 2 with y = x: (sqrt 2, sqrt 2)."""
    g = lambda p: {"circle": p["x"] ** 2 + p["y"] ** 2 - 4.0, "line": p["x"] - p["y"]}
    found = optimize.root(g, {"x": 1.0, "y": 1.5}, method)
    assert found.converged and (found.jacobians > 0) == (method in ("hybr", "lm"))
    np.testing.assert_allclose([found.x["x"], found.x["y"]], np.sqrt(2), atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"method": "lm"}, {"matrix_free": True}, {"jit": True}, {"loss": "soft_l1"}])
def test_least_squares(options):
    t = np.linspace(0.0, 2.0, 30)
    residuals = lambda p: p["scale"] * np.exp(-p["rate"] * t) + p["shift"][0] - (3.0 * np.exp(-1.5 * t) + 0.5)
    fit = optimize.least_squares(residuals, {"scale": 1.0, "rate": 1.0, "shift": np.zeros(1)}, **options)
    assert fit.converged and fit.jacobians > 0
    np.testing.assert_allclose([fit.x["scale"], fit.x["rate"], fit.x["shift"][0]], [3.0, 1.5, 0.5], atol=1e-4)


def test_least_squares_within_bounds():
    fit = optimize.least_squares(lambda x: x - np.array([1.0, 5.0]), np.ones(2), bounds=[(None, None), (0.0, 2.0)])
    np.testing.assert_allclose(fit.x, [1.0, 2.0], atol=1e-8)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("method", ["newton", "halley", "secant", "brentq", None])
def test_root_scalar(method, jit):
    kw = {"bracket": (0.0, 2.0)} if method == "brentq" else {"x1": 1.1} if method == "secant" else {}
    start = None if method == "brentq" else 1.0
    found = optimize.root_scalar(lambda x: x**3 - 2.0, start, method, jit=jit, **kw)
    assert found.converged and found.root == pytest.approx(2 ** (1 / 3), rel=1e-9)


def test_halley_needs_fewer_steps_than_newton():
    steps = [optimize.root_scalar(lambda x: np.exp(x) - 5.0, 6.0, method).iterations for method in ("newton", "halley")]
    assert steps[1] < steps[0]


# ------------------------------------------------------------------------------------------------ what is shown


def test_plot():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    result = optimize.gradient_descent(quadratic, np.zeros(4), step=1 / 30, steps=9)
    assert result.plot(ax, label="descent") is ax and ax.get_yscale() == "log"
    result.plot(ax, "evaluations")
    (first, second) = ax.get_lines()
    np.testing.assert_array_equal(first.get_xdata(), np.arange(10))
    np.testing.assert_array_equal(first.get_ydata(), result.values)
    np.testing.assert_array_equal(second.get_xdata(), result.evaluations)
    with pytest.raises(errors.ArgumentError, match="'time'"):
        result.plot(ax, "time")


def test_a_result_prints_what_matters():
    text = str(optimize.gradient_descent(lambda x: np.sum(x**2), np.ones(2), step=0.25, steps=3))
    assert text.startswith("f = 0.03125 after 4 evaluations, 4 gradients") and "x = [0.125 0.125]" in text


def test_seconds_run_on():
    result = optimize.gradient_descent(quadratic, np.zeros(4), step=1 / 30, steps=20)
    assert result.seconds.shape == result.values.shape and np.all(np.diff(result.seconds) > 0)


def test_progress_writes_and_stops():
    file = io.StringIO()
    progress = optimize.Progress(every=0.0, file=file)
    optimize.gradient_descent(quadratic, np.zeros(4), step=1 / 30, steps=3, callback=progress)
    assert [line.split("  ")[0] for line in file.getvalue().splitlines()] == [f"step {k}" for k in range(4)]
    progress = optimize.Progress(limit=0.0, file=io.StringIO())
    result = optimize.minimize(rosenbrock, np.zeros(3), callback=progress)
    assert "stopped by the callback" in result.message


def test_structures_keep_their_shape_and_types():
    @dataclasses.dataclass
    class Line:
        slope: np.ndarray
        shift: float

    x = np.linspace(0.0, 1.0, 9)

    def loss(p):
        return np.sum((p["line"].slope[0] * x + p["line"].shift - (2.0 * x - 1.0)) ** 2) + np.sum(p["rest"][0] ** 2)

    start = {"line": Line(np.zeros(1), 0.0), "rest": (np.ones((2, 3)),)}
    for result in (
        optimize.minimize(loss, start),
        optimize.minimize(loss, start, "trust-ncg"),
        optimize.gradient_descent(loss, start, steps=2000),
        optimize.zeroth_order_descent(loss, start, steps=4000),
    ):
        assert result.x["line"].slope == pytest.approx(2.0, abs=1e-3)
        assert float(result.x["line"].shift) == pytest.approx(-1.0, abs=1e-3)
        assert result.x["rest"][0].shape == (2, 3)


def test_float32_stays_float32_and_its_differences_are_wide_enough():
    f = lambda x: np.sum((x - 1) ** 2)
    np.testing.assert_allclose(optimize.multi_point(f, np.zeros(3, np.float32)), -2, atol=1e-3)
    result = optimize.zeroth_order_descent(f, np.zeros(3, np.float32), steps=100)
    assert result.x.dtype == np.float32
    np.testing.assert_allclose(result.x, 1, atol=1e-2)


def test_numbers_and_empty_arrays():
    result = optimize.gradient_descent(lambda x: (x - 3.0) ** 2, 0.0, step=0.5, steps=1)
    assert type(result.x) is np.float64 and result.x == 3.0
    result = optimize.gradient_descent(lambda p: np.sum(p["a"] ** 2) + p["b"] ** 2, {"a": np.zeros(0), "b": 1.0})
    assert result.x["a"].shape == (0,) and abs(result.x["b"]) < 1e-12
    result = optimize.gradient_descent(lambda x: np.sum(x**2), np.zeros((0, 3)), steps=2)
    assert result.x.shape == (0, 3) and result.fun == 0.0


def test_float32_gradients_stay_float32():
    result = optimize.gradient_descent(lambda x: np.sum((x - 1) ** 2), np.zeros(3, np.float32), step=0.5, steps=1)
    assert result.x.dtype == np.float32
    np.testing.assert_array_equal(result.x, np.ones(3))


# ---------------------------------------------------------------------------------------- stopping and errors


def test_target_and_callback_stop():
    result = optimize.gradient_descent(quadratic, np.zeros(4), step=1 / 30, steps=10_000, target=1e-3)
    assert result.fun <= 1e-3 < result.values[-2] and "target" in result.message
    seen = []
    result = optimize.gradient_descent(
        quadratic, np.zeros(4), step=1 / 30, steps=50, callback=lambda k, x, value: seen.append((k, value)) or k == 4
    )
    assert [k for k, _ in seen] == [0, 1, 2, 3, 4] and "callback" in result.message
    assert [value for _, value in seen] == result.values.tolist()


def test_divergence_is_told_and_the_last_finite_iterate_kept():
    with np.errstate(over="ignore", invalid="ignore"):
        result = optimize.gradient_descent(lambda x: np.sum(x**4), np.full(2, 10.0), step=1.0, steps=100)
    assert "diverged" in result.message and "smaller step" in result.message
    assert np.all(np.isfinite(result.x)) and np.all(np.isfinite(result.values))


def test_at_the_minimum_nothing_moves():
    result = optimize.gradient_descent(quadratic, MINIMUM, steps=10)
    np.testing.assert_array_equal(result.x, MINIMUM)
    assert "no step decreases" in result.message


METHODS = [optimize.gradient_descent, optimize.momentum, optimize.nesterov, optimize.adam, optimize.minimize]
METHODS += [optimize.zeroth_order_descent]


@pytest.mark.parametrize("method", METHODS)
def test_bad_input_is_named(method):
    with pytest.raises(errors.NonScalarOutputError):
        method(lambda x: x * 2.0, np.zeros(3))
    with pytest.raises(errors.NonFiniteError, match="start"):
        method(quadratic, np.array([1.0, np.nan, 0.0, 0.0]))
    with pytest.raises(errors.NonDifferentiableInputError, match="complex"):
        method(lambda x: np.sum(np.abs(x)), np.zeros(3, complex))
    with pytest.raises(errors.NonDifferentiableInputError):
        method(lambda x: 0.0, np.array(["a"]))


def test_a_start_at_which_f_is_infinite_is_named():
    with pytest.raises(errors.NonFiniteError, match="at the start"), np.errstate(divide="ignore"):
        optimize.zeroth_order_descent(lambda x: np.sum(1.0 / x**2), np.zeros(2), radius=0.0, step=0.1)


def test_bad_directions_and_missing_generator(rng):
    with pytest.raises(errors.ArgumentError, match="from 1 to the number of variables, 4"):
        optimize.multi_point(quadratic, np.zeros(4), rng, 5)
    with pytest.raises(errors.ArgumentError, match="default_rng"):
        optimize.multi_point(quadratic, np.zeros(4), None, 2)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: optimize.minimize(quadratic, np.zeros(4), jac=True), "supplies jac"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), "newton"), "no method 'newton'"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), "BFGS", bounds=[(0, 1)] * 4), "no bounds"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), "BFGS", constraints={"type": "eq"}), "no constraints"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), constraints={"type": "eq"}), "a constraint is a dict"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), constraints=np.sum), "a constraint is"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), bounds=[(0, 1)] * 3), "one pair for each variable"),
        (lambda: optimize.minimize(quadratic, np.zeros(4), bounds=(1.0, 0.0)), "bounds of variable 0 are 1 and 0"),
        (lambda: optimize.root(quadratic, np.zeros(4), "newton"), "no method 'newton'"),
        (lambda: optimize.root(quadratic, np.zeros(4), jac=True), "supplies jac"),
        (lambda: optimize.least_squares(quadratic, np.zeros(4), jac="3-point"), "supplies jac"),
        (lambda: optimize.root_scalar(np.cos), "neither a start nor a bracket"),
        (lambda: optimize.root_scalar(np.cos, 1.0, fprime=np.sin), "supplies fprime"),
    ],
)
def test_options_that_cannot_be(call, words):
    with pytest.raises(errors.ArgumentError, match=words):
        call()


def test_too_few_equations_and_complex_residuals():
    with pytest.raises(errors.ShapeError, match="1 equations for 2 variables"):
        optimize.root(lambda x: x[:1], np.zeros(2))
    with pytest.raises(errors.NonScalarOutputError, match="complex"):
        optimize.least_squares(lambda x: x - 1j, np.zeros(2))


def test_no_derivative_is_lost_in_a_minimisation():
    with pytest.raises(errors.ConcretizationError):
        wg.grad(lambda a: optimize.minimize(lambda x: np.sum((x - a) ** 2), np.ones(2)).fun)(2.0)


def test_no_results_are_no_equations():
    with pytest.raises(errors.StructureError, match="returned nothing"):
        optimize.root(lambda x: None, np.zeros(2))
