"""Costs are counted: against counts by hand."""

import numpy as np

import textbook_functions as functions
from wengert.explain import explain


def costs(fun, *args, **kwargs):
    made = explain(fun, *args, **kwargs).cost
    return {r.name: r for r in made.rows}, made


def test_one_product_of_matrices():
    """(m, k) (k, n): 2mkn; a tangent has two more products and their sum; an adjoint of both factors two more."""
    m, k, n = 2, 3, 4
    rows, made = costs(lambda a, b: a @ b, np.ones((m, k)), np.ones((k, n)))
    product = 2 * m * k * n
    assert rows["function"].operations == product
    assert rows["one tangent (JVP)"].operations == 3 * product + m * n
    assert rows["one adjoint (VJP)"].operations == 3 * product
    assert (made.inputs, made.outputs) == (m * k + k * n, m * n)
    assert rows["Jacobian, forward"].passes == 18 and rows["Jacobian, reverse"].passes == 8
    assert rows["function"].bytes == 8 * (m * k + k * n + m * n)


def test_users_of_one_variable_are_added_up():
    """x*x: a product; backwards two products and their sum."""
    rows, _ = costs(lambda x: x * x, np.ones(10))
    assert rows["function"].operations == 10
    assert rows["one adjoint (VJP)"].operations == 40


def test_a_gradient_costs_a_small_multiple_whatever_the_number_of_inputs():
    few, _ = costs(lambda x: np.sum(np.sin(x) * x), np.ones(10))
    many, _ = costs(lambda x: np.sum(np.sin(x) * x), np.ones(1000))
    assert 2 < many["gradient (VJP)"].operations_ratio < 4
    assert abs(few["gradient (VJP)"].operations_ratio - many["gradient (VJP)"].operations_ratio) < 0.5
    assert many["Jacobian, forward"].operations_ratio > 2000


def test_loops_count_with_the_rounds_that_they_ran():
    rows, _ = costs(functions.loop, 1.0, 2.0)
    one, _ = costs(lambda a, b: functions.loop(a, b), 1.0, 2.0, unroll=True)
    assert rows["function"].operations == 800  # eight operations a round, with the counter's
    assert 2 < rows["gradient (VJP)"].operations_ratio < 4
    assert one["function"].operations < 800
    until, _ = costs(functions.halved, 9.0)
    # four rounds of a quotient and a sum, five tests of the condition; the comparison of the branch, and a square
    assert until["function"].operations == 4 * 2 + 5 + 2


def test_what_has_no_derivative_costs_no_more():
    rows, _ = costs(lambda x: x * np.floor(3.5), 2.0)
    assert rows["one tangent (JVP)"].operations == 2
