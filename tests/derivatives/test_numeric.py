"""Numerical differentiation: figures, steps, orders of convergence, structures, counted calls."""

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert import numeric
from wengert.errors import ArgumentError, NonDifferentiableInputError, NonScalarOutputError, UnsupportedFunctionError


def f(x, y):
    return x * x * y + y + 2


METHODS = ("forward", "central", "complex", "ridders", "automatic")


def test_forward_difference_of_the_example():
    df = numeric.grad(f, (0, 1), method="forward", step=1e-5)(3.0, 4.0)
    assert df[0] == 24.000039999805264
    assert df[1] == pytest.approx(10.0, abs=1e-8)
    assert numeric.grad(f, (0, 1), method="complex")(3.0, 4.0) == (24.0, 10.0)


@pytest.mark.parametrize(("method", "tolerance"), [("forward", 1e-7), ("central", 1e-10), ("ridders", 1e-12),
                                                     ("automatic", 1e-12)])  # fmt: skip
def test_gradients_at_automatic_steps(method, tolerance):
    df = numeric.grad(f, (0, 1), method=method)(3.0, 4.0)
    np.testing.assert_allclose(df, (24, 10), rtol=tolerance)


@pytest.mark.parametrize("d", [1, 5])
@pytest.mark.parametrize(("method", "calls"), [("forward", lambda d: d + 1), ("central", lambda d: 2 * d),
                                               ("complex", lambda d: d), ("ridders", lambda d: 16 * d),
                                               ("automatic", lambda d: 24 * d)])  # fmt: skip
def test_calls_are_as_many_as_the_table_says(method, calls, d):
    g = numeric.counted(lambda x: (x * x).sum())
    numeric.grad(g, method=method)(np.arange(1.0, d + 1))
    assert g.calls == calls(d)


def test_calls_of_a_directional_derivative_do_not_grow_with_the_dimension():
    g = numeric.counted(lambda x: (x * x).sum())
    numeric.directional(g, (np.ones(100),), (np.ones(100),))
    assert g.calls == 2


@pytest.mark.parametrize("method", METHODS)
def test_jacobian(method, rng):
    A = rng.normal(size=(3, 4))
    x = rng.normal(size=4)
    J = numeric.jacobian(lambda x: np.sin(A @ x), method=method)(x)
    np.testing.assert_allclose(J, np.cos(A @ x)[:, None] * A, rtol=1e-6, atol=1e-7)


def test_structures_are_those_of_the_exact_derivatives(rng):
    args = ({"w": rng.normal(size=(2, 3)), "b": (rng.normal(size=2), 0.5)}, rng.normal(size=3))

    def model(p, x):
        b, c = p["b"]
        return {"y": np.tanh(p["w"] @ x + b), "z": c * x[0]}

    numeric_J = numeric.jacobian(model, argnums=(0, 1), method="ridders")(*args)
    exact_J = wg.jacobian(model, argnums=(0, 1))(*args)
    wg.tree_map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11), numeric_J, exact_J)
    assert numeric_J["y"][0]["w"].shape == (2, 2, 3)


def test_directional_derivative_is_the_tangent_of_jvp(rng):
    x, v = rng.normal(size=3), rng.normal(size=3)
    got = numeric.directional(lambda x: (np.exp(x), x[0]), (x,), (v,), method="ridders")
    want = wg.jvp(lambda x: (np.exp(x), x[0]), (x,), (v,))[1]
    np.testing.assert_allclose(got[0], want[0], rtol=1e-11)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-11)


def test_complex_arguments_follow_the_convention_of_grad():
    z = np.array([1.0 + 2.0j, -0.5j])

    def norm2(z):
        return (z.real**2 + z.imag**2).sum()

    np.testing.assert_allclose(numeric.grad(norm2)(z), 2 * z.conj(), rtol=1e-8)
    np.testing.assert_allclose(numeric.jacobian(np.exp)(z), np.diag(np.exp(z)), rtol=1e-8, atol=1e-9)


def test_longdouble_is_true_beyond_double_precision():
    x = np.longdouble("0.7")
    err = abs(numeric.grad(np.exp, method="ridders")(x) - np.exp(x)) / np.exp(x)
    if np.finfo(np.longdouble).eps < 1e-18:
        assert err < 1e-15
    assert type(numeric.grad(np.exp)(x)) is np.longdouble


def test_single_precision_uses_the_step_of_single_precision():
    assert numeric.step_size("central", np.float32(1)) == 2.0**-8
    assert numeric.grad(np.exp)(np.float32(1)) == pytest.approx(np.e, rel=1e-4)


@pytest.mark.parametrize(("method", "power"), [("forward", 1), ("central", 2)])
def test_truncation_falls_with_the_power_of_the_step_and_rounding_rises(method, power):
    steps = 10.0 ** -np.arange(1, 14)
    errors = numeric.step_errors(np.exp, (1.0,), (1.0,), np.e, steps, method)
    slopes = np.log10(errors[:-1] / errors[1:])
    assert slopes[0] == pytest.approx(power, abs=0.1)  # O(h) and O(h^2)
    best = steps[np.argmin(errors)]
    assert best / 100 <= numeric.step_size(method) <= best * 100
    assert errors[-1] > 1e3 * errors.min()  # O(1/h)


def test_empty_arguments_and_integer_results():
    assert numeric.grad(lambda x: x.sum() + 1.0)(np.zeros(0)).shape == (0,)
    assert numeric.jacobian(lambda x: x)(np.zeros((0, 2))).shape == (0, 2, 0, 2)
    assert numeric.grad(lambda x: np.floor(x) // 1)(0.3) == 0
    np.testing.assert_array_equal(numeric.jacobian(lambda x: (x > 0, 2 * x))(3.0)[0], 0.0)


def test_errors_say_what_to_write():
    with pytest.raises(NonScalarOutputError, match="jacobian"):
        numeric.grad(np.sin)(np.zeros(3))
    with pytest.raises(UnsupportedFunctionError, match="central"):
        numeric.grad(abs, method="complex")(2.0)
    with pytest.raises(ArgumentError, match="'ridders'"):
        numeric.grad(np.sin, method="best")(2.0)
    with pytest.raises(ArgumentError, match="'right'"):
        numeric.grad(np.sin, side="up")(2.0)
    with pytest.raises(ArgumentError, match="second"):
        numeric.hessian(np.sin, method="ridders")(2.0)
    for step in (0, -1e-3, np.nan, "small", 1j, np.ones(2)):
        with pytest.raises(ArgumentError, match="no step"):
            numeric.grad(np.sin, step=step)(2.0)
    with pytest.raises(NonDifferentiableInputError):
        numeric.grad(np.sin)(3)


# error estimates ---------------------------------------------------------------------------------------------------
CURVES = {  # function, the same in mpmath, point
    "exp": (np.exp, mpmath.exp, 1.0),
    "oscillation": (lambda x: np.sin(1000 * x), lambda x: mpmath.sin(1000 * x), 0.3),
    "near a pole": (np.log, mpmath.log, 1e-6),
    "near the edge of the domain": (np.sqrt, mpmath.sqrt, 1e-4),
    "Runge's": (lambda x: 1 / (1 + 25 * x * x), lambda x: 1 / (1 + 25 * x * x), 0.1),
    "power": (lambda x: x**9, lambda x: x**9, 1.3),
    "large point": (np.sin, mpmath.sin, 1e6),
    "large values": (lambda x: 1e8 * np.sin(x) + x, lambda x: 1e8 * mpmath.sin(x) + x, 0.5),
    "steep": (np.tan, mpmath.tan, 1.55),
}


@pytest.mark.parametrize("side", ["both", "right"])
@pytest.mark.parametrize("name", CURVES)
def test_automatic_steps_find_the_scale_and_say_their_error(name, side):
    f, g, x = CURVES[name]
    with mpmath.workdps(40):
        true = float(mpmath.diff(g, mpmath.mpf(x)))
    slope, error = numeric.grad(f, method="automatic", side=side, error=True)(x)
    assert abs(slope - true) <= error
    assert error < 1e-8 * abs(true)


@pytest.mark.parametrize("method", ["forward", "central", "complex", "ridders"])
def test_error_estimates_of_smooth_functions_hold(method, rng):
    """Of 200 random points, the error is below the estimate for nearly all, below ten times it for all."""
    x = rng.uniform(0.5, 2, 200)
    found = [numeric.directional(lambda x: np.exp(x) * np.sin(x), (v,), (1.0,), method, error=True) for v in x]
    slopes, errors = np.array(found).T
    wrong = abs(slopes - np.exp(x) * (np.sin(x) + np.cos(x))) / errors
    assert np.mean(wrong < 1.5) > 0.95 and wrong.max() < 10
    assert np.all(errors < 1e-6)


@pytest.mark.parametrize(("method", "calls"), [("forward", 2 * 3 + 1), ("central", 4 * 3), ("complex", 2 * 3),
                                               ("ridders", 16 * 3), ("automatic", 24 * 3)])  # fmt: skip
def test_calls_with_errors(method, calls):
    f = numeric.counted(lambda x: (x * x).sum())
    value, error = numeric.grad(f, method=method, error=True)(np.ones(3))
    assert f.calls == calls
    assert error.shape == value.shape == (3,)


def test_errors_have_the_structure_of_the_derivative():
    def f(p):
        return {"y": p["a"] * p["b"], "n": 3}

    J, error = numeric.jacobian(f, error=True)({"a": np.ones(2), "b": 2.0})
    assert J["y"]["a"].shape == error["y"]["a"].shape == (2, 2)
    assert np.all(error["y"]["b"] < 1e-8) and np.all(error["n"]["a"] < 1e-8)


# one side ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["forward", "central", "ridders", "automatic"])
def test_one_side_of_a_kink_and_of_a_domain(method):
    for side, slope in (("right", 1), ("left", -1)):
        assert numeric.grad(abs, method=method, side=side)(0.0) == slope
    right = numeric.grad(lambda x: x**1.5 + 2 * x, method=method, side="right")(0.0)  # NaN on the left
    assert right == pytest.approx(2, abs=2e-2 if method == "ridders" else 6e-3)
    assert numeric.grad(np.exp, method=method, side="left")(1.0) == pytest.approx(np.e, rel=1e-7)


@pytest.mark.parametrize(("method", "calls"), [("forward", 4), ("central", 7), ("ridders", 25), ("automatic", 37)])
def test_calls_on_one_side(method, calls):
    f = numeric.counted(lambda x: (x * x).sum())
    numeric.grad(f, method=method, side="right")(np.ones(3))
    assert f.calls == calls


def test_one_sided_differences_keep_their_order():
    """(4 f(h) - f(2h) - 3 f(0)) / 2h: O(h^2)."""
    errors = [abs(numeric.grad(np.exp, side="left", step=h)(1.0) - np.e) for h in (1e-1, 1e-2)]
    assert np.log10(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


# second derivatives ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("method", "tolerance"), [("forward", 1e-4), ("central", 1e-6), ("complex", 1e-9)])
def test_hessian(method, tolerance, rng):
    x = rng.normal(size=4)
    H = numeric.hessian(lambda x: np.exp(x.sum()) * np.sin(x[0]), method=method)(x)
    np.testing.assert_allclose(H, wg.hessian(lambda x: np.exp(x.sum()) * np.sin(x[0]))(x), atol=tolerance * 30)
    np.testing.assert_array_equal(H, H.T)


@pytest.mark.parametrize("d", [1, 5])
@pytest.mark.parametrize(("method", "calls"), [("forward", lambda d: 1 + d + d * (d + 1) // 2),
                                               ("central", lambda d: 1 + 2 * d * d),
                                               ("complex", lambda d: d * (d + 1))])  # fmt: skip
def test_calls_of_a_hessian(method, calls, d):
    f = numeric.counted(lambda x: (x**3).sum())
    numeric.hessian(f, method=method)(np.ones(d))
    assert f.calls == calls(d)


def test_hessian_of_structures_results_and_kinds(rng):
    p = {"a": rng.normal(size=2), "b": 0.5}

    def f(p):
        return {"y": p["a"] ** 2 * p["b"], "s": np.sum(p["a"]) * p["b"] ** 3}

    got, want = numeric.hessian(f)(p), wg.hessian(f)(p)
    wg.tree_map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), got, want)
    assert numeric.hessian(lambda x: x.sum())(np.zeros(0)).shape == (0, 0)
    assert numeric.hessian(lambda x: x**3)(np.array(2.0)) == pytest.approx(12, abs=1e-6)
    z = 1.0 + 0.5j
    assert numeric.hessian(np.exp)(z) == pytest.approx(np.exp(z), abs=1e-6)
    with pytest.raises(NonDifferentiableInputError, match="complex"):
        numeric.hessian(lambda z: z.real**2)(z)
    assert numeric.hessian(np.exp)(np.float32(1)).dtype == np.float32
    if np.finfo(np.longdouble).eps < 1e-18:
        assert abs(numeric.hessian(np.exp)(np.longdouble(1)) - np.exp(np.longdouble(1))) < 1e-8
