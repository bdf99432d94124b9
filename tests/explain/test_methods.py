"""Five methods side by side, the error against the step: with the figures of the textbooks."""

import numpy as np
import pytest

import textbook_functions as functions
from wengert.errors import ArgumentError
from wengert.explain import explain


def rows(made):
    return {m.scheme or m.kind: m for m in made.methods.rows}


def test_the_polynomial_with_a_step_of_1e5():
    """f = x^2 y + y + 2 at (3, 4): the forward difference gives 24.000039999805264; exact are 24 and 10."""
    made = explain(functions.polynomial, 3.0, 4.0, step=1e-5, by_hand={"x": "2*x*y", "y": "x**2 + 1"})
    found = rows(made)
    assert list(found) == [
        "by hand",
        "symbolic",
        "forward difference",
        "central difference",
        "extrapolated (Ridders)",
        "automatic step",
        "complex step",
        "forward mode",
        "reverse mode",
    ]
    assert float(found["forward difference"].values[0]) == 24.000039999805264
    for name in ("by hand", "symbolic", "complex step", "forward mode", "reverse mode"):
        assert [float(v) for v in found[name].values] == [24.0, 10.0], name
        assert found[name].error < 1e-40
    assert abs(found["forward difference"].error - 3.9999805264e-05) < 1e-12


def test_evaluations_and_passes_are_counted():
    found = rows(explain(functions.sine, 1.0, 2.0, 3.0))
    calls = {name: m.evaluations for name, m in found.items() if m.kind == "numerical"}
    expected = {"forward difference": 4, "central difference": 6, "extrapolated (Ridders)": 48, "automatic step": 72}
    assert calls == {**expected, "complex step": 3}
    assert found["forward mode"].passes == 3 and found["reverse mode"].passes == 1


def test_errors_are_what_theory_says():
    found = rows(explain(functions.gaussian, 2.0, 0.5))
    assert 1e-9 < found["forward difference"].relative < 1e-7
    assert 1e-12 < found["central difference"].relative < 1e-9
    assert found["complex step"].relative < 1e-15
    assert found["forward mode"].relative < 1e-15 and found["reverse mode"].relative < 1e-15
    assert found["reverse mode"].seconds > 0


def test_a_loop_is_refused_by_symbolic_differentiation_with_the_reason():
    found = rows(explain(functions.loop, 1.0, 2.0))
    assert found["symbolic"].values == () and "tree" in found["symbolic"].note
    np.testing.assert_allclose(
        [float(v) for v in found["reverse mode"].values], [-1.1264881486365121, 0.99582687550802893]
    )
    refused = rows(explain(functions.halved, 9.0))["symbolic"]
    assert refused.values == () and refused.note


def test_symbolic_size_is_that_of_its_expressions():
    """2xy and x^2 + 1 have four operations: two products, a power, a sum."""
    assert rows(explain(functions.polynomial, 3.0, 4.0))["symbolic"].size == 4


def test_by_hand_as_a_function_a_formula_and_wrongly():
    def gradient(x, y):
        return 2 * x * y, x**2 + 1

    assert rows(explain(functions.polynomial, 3.0, 4.0, by_hand=gradient))["by hand"].error < 1e-40
    assert rows(explain(np.sin, 0.5, by_hand="cos(x)"))["by hand"].relative < 1e-15
    wrong = rows(explain(functions.polynomial, 3.0, 4.0, by_hand={"x": "2*x*y", "y": "x**2"}))["by hand"]
    assert float(wrong.error) == 1.0
    with pytest.raises(ArgumentError, match="by_hand"):
        str(explain(functions.polynomial, 3.0, 4.0, by_hand=(24.0,)))


def test_structures_are_compared_along_directions():
    params = [{"w": np.full((3, 2), 0.3), "b": np.zeros(2)}]
    made = explain(functions.network, params, np.linspace(0, 1, 12).reshape(4, 3))
    found = rows(made)
    assert made.methods.directions == ("params[0]['b'] + t", "params[0]['w'] + t", "x + t")
    assert found["reverse mode"].relative < 1e-14 and found["complex step"].relative < 1e-14
    assert found["symbolic"].relative < 1e-12


def test_what_a_method_cannot_do_is_said_in_its_row():
    found = rows(explain(lambda x: np.floor(x) + np.abs(x) * x, 1.5))
    assert found["complex step"].values == () and found["complex step"].note
    assert found["reverse mode"].relative < 1e-15


def test_a_function_that_only_jit_takes_is_differentiated_as_there():
    def f(x):
        y = np.zeros(3)
        for i in range(3):
            y[i] = np.sin(x) * i
        return np.sum(y)

    made = explain(f, 0.5)
    assert abs(rows(made)["reverse mode"].relative) < 1e-15 and any("wg.jit" in note for note in made.notes)
    assert "ComplexWarning" in rows(made)["complex step"].note


def test_a_slow_function_is_not_called_hundreds_of_times():
    calls = []

    def slow(x):
        calls.append(x)
        return x * x

    made = explain(slow, 3.0)
    made.point.seconds = 0.7  # as if it had taken so long
    found = rows(made)
    assert found["automatic step"].values == () and "0.7 s" in found["automatic step"].note
    assert float(found["reverse mode"].values[0]) == 6.0
    assert len(made.curve.steps) == 9
    assert sum(isinstance(x, complex) for x in calls) < 50


def test_functions_of_complex_numbers():
    found = rows(explain(lambda z: np.abs(z) ** 2, 1.0 + 2.0j))
    for name in ("forward difference", "central difference", "forward mode", "reverse mode"):
        np.testing.assert_allclose(complex(found[name].values[0]), 2.0, rtol=1e-6, err_msg=name)


# the curve -------------------------------------------------------------------------------------------------------
def test_errors_against_the_step():
    """Truncation: h |f''|/2 forward, h^2 |f'''|/6 central and complex; rounding grows as 1/h, but not for the last."""
    curve = explain(np.exp, 1.0).curve
    lines = {line.scheme: line.errors for line in curve.lines}
    at = {round(-np.log10(h), 1): k for k, h in enumerate(curve.steps)}
    for k in (2.0, 3.0, 4.0):
        np.testing.assert_allclose(lines["forward difference"][at[k]], 10**-k / 2, rtol=0.02)
    for k in (1.0, 2.0, 3.0):
        np.testing.assert_allclose(lines["central difference"][at[k]], 10 ** (-2 * k) / 6, rtol=0.02)
        np.testing.assert_allclose(lines["complex step"][at[k]], 10 ** (-2 * k) / 6, rtol=0.02)
    assert lines["central difference"][at[12.0]] > 1e-6 and lines["complex step"][at[12.0]] < 1e-15
    assert curve.forward < 1e-15 and curve.reverse < 1e-15
    best = {line.scheme: line.best(curve.steps) for line in curve.lines}
    assert 1e-9 < best["forward difference"][0] < 1e-6 and 1e-7 < best["central difference"][0] < 1e-4


def test_the_curve_takes_a_direction_that_moves_the_function():
    assert explain(lambda x, y: x**2 + y, 0.0, 1.0).curve.direction == "y"


def test_a_function_without_complex_step_has_a_curve_of_the_others():
    curve = explain(lambda x: np.abs(x) ** 2, 1.5).curve
    notes = {line.scheme: line.note for line in curve.lines}
    assert notes["complex step"] and not notes["central difference"]
