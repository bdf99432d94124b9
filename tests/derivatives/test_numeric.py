"""Numerical differentiation: figures, steps, orders of convergence, structures, counted calls."""

import numpy as np
import pytest

import wengert as wg
from wengert import numeric
from wengert.errors import NonDifferentiableInputError, NonScalarOutputError, UnsupportedFunctionError


def f(x, y):
    return x * x * y + y + 2


METHODS = ("forward", "central", "complex", "ridders")


def test_forward_difference_of_the_example():
    df = numeric.grad(f, (0, 1), method="forward", step=1e-5)(3.0, 4.0)
    assert df[0] == 24.000039999805264
    assert df[1] == pytest.approx(10.0, abs=1e-8)
    assert numeric.grad(f, (0, 1), method="complex")(3.0, 4.0) == (24.0, 10.0)


@pytest.mark.parametrize(("method", "tolerance"), [("forward", 1e-7), ("central", 1e-10), ("ridders", 1e-12)])
def test_gradients_at_automatic_steps(method, tolerance):
    df = numeric.grad(f, (0, 1), method=method)(3.0, 4.0)
    np.testing.assert_allclose(df, (24, 10), rtol=tolerance)


@pytest.mark.parametrize("d", [1, 5])
@pytest.mark.parametrize(("method", "calls"), [("forward", lambda d: d + 1), ("central", lambda d: 2 * d),
                                               ("complex", lambda d: d), ("ridders", lambda d: 16 * d)])  # fmt: skip
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
    with pytest.raises(UnsupportedFunctionError, match="'ridders'"):
        numeric.grad(np.sin, method="best")(2.0)
    with pytest.raises(NonDifferentiableInputError):
        numeric.grad(np.sin)(3)
