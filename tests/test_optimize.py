"""Minimisation with and without gradients, against closed forms and the theory's rates."""

import dataclasses

import numpy as np
import pytest

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


def test_rates_on_a_convex_function():
    """f(x_k) - f* is at most 2 L R^2 / (k + 4) for descent and 2 L R^2 / (k + 1)^2 for Nesterov's method."""
    L, R2 = 30.0, float(np.sum(MINIMUM**2))
    k = np.arange(200)
    descent = optimize.gradient_descent(quadratic, np.zeros(4), step=1 / L, steps=199)
    assert np.all(descent.values <= 2 * L * R2 / (k + 4))
    fast = optimize.nesterov(quadratic, np.zeros(4), step=1 / L, steps=199)
    assert fast.values[-1] <= 2 * L * R2 / 199**2


def test_the_descent_lemma_never_lets_the_value_rise():
    result = optimize.gradient_descent(rosenbrock, np.array([-1.2, 1.0, 0.5]), steps=200)
    assert np.all(np.diff(result.values) <= 0)
    assert result.gradients[-1] > 200  # refused trials are counted


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
    if method == "dogleg":  # needs a positive definite Hessian throughout
        f, start, minimum = quadratic, np.zeros(4), MINIMUM
    else:
        f, start, minimum = rosenbrock, np.array([0.8, 0.7]), np.ones(2)
    options = {"maxiter": 5000} if method in ("Nelder-Mead", "COBYLA", "COBYQA") else {}
    result = optimize.minimize(f, start, method, tol=1e-7, options=options)
    np.testing.assert_allclose(result.x, minimum, atol=2e-2 if method == "COBYLA" else 1e-3)
    blind = method in ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
    assert (result.gradients[-1] == 0) == blind
    assert result.details.nfev == result.evaluations[-1]


def test_bounds_go_to_scipy():
    result = optimize.minimize(quadratic, np.zeros(4), bounds=[(0.0, 2.0)] * 4)
    np.testing.assert_allclose(result.x, np.clip(MINIMUM, 0.0, 2.0), atol=1e-6)


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


def test_float32_stays_float32():
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
    with pytest.raises(ValueError, match="from 1 to the number of variables, 4"):
        optimize.multi_point(quadratic, np.zeros(4), rng, 5)
    with pytest.raises(TypeError, match="default_rng"):
        optimize.multi_point(quadratic, np.zeros(4), None, 2)
    with pytest.raises(TypeError, match="supplies jac"):
        optimize.minimize(quadratic, np.zeros(4), jac=True)
