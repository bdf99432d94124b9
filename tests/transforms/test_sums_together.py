"""wengert/transforms/sums_together.py: sums over rounds that are added after the loop become one."""

import numpy
import pytest

import wengert as wg
from transforms.agreement import agree, traced
from wengert.primitives.loops import linear_scan, scan

np = wg.numpy
X = numpy.linspace(0.2, 0.9, 6)


def carries(program):
    """The number of carries of the last loop."""
    return [eq.params["n_carry"] for eq in program.equations if eq.primitive in (scan, linear_scan)][-1]


# a loop over X that begins with carries p and q, the sum of the results, and the number of carries that are left
CASES = {
    "two sums": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q + x * x), lambda p, q: p + q), 1),
    "one shrinks": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q - x * x), lambda p, q: p + q), 1),
    "both shrink": (lambda p, q: ((p, q), lambda p, q, x: (p - x, q - x * x), lambda p, q: p + q), 1),
    "and something else": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q + x * x), lambda p, q: p + X[0] + q), 1),
    "from zero": (lambda p, q: ((0.0 * p, q), lambda p, q, x: (p + x, q + x * x), lambda p, q: q + p), 1),
    "one is read": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q + x * p), lambda p, q: p + q), 2),
    "one is used twice": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q + x * x), lambda p, q: (p + q) * p), 2),
    "a difference": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q + x * x), lambda p, q: p - q), 2),
    "one is a product": (lambda p, q: ((p, q), lambda p, q, x: (p + x, q * x), lambda p, q: p + q), 2),
    "x - p": (lambda p, q: ((p, q), lambda p, q, x: (x - p, q + x), lambda p, q: p + q), 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_sums(name):
    make, left = CASES[name]

    def f(p, q):
        start, step, end = make(p, q)
        return end(*wg.scan(lambda c, x: (step(*c, x), None), start, X)[0])

    args = [numpy.asarray(0.3), numpy.asarray(-1.7)]
    assert carries(agree(traced(f, *args), args)) == left


def test_rows_stay_where_they_are():
    def f(p, q):
        (p, q), rows = wg.scan(lambda c, x: ((c[0] + x, c[1] + x * x), x - 1.0), (p, q), X)
        return p + q, rows

    args = [numpy.asarray(0.3), numpy.asarray(-1.7)]
    assert carries(agree(traced(f, *args), args)) == 1


def test_a_constant_that_a_step_reads_several_times():
    """The adjoints of a parameter that the four stages of a Runge-Kutta step read are one sum."""

    def f(u, parameters):
        def velocity(u):
            a, b = parameters
            return np.array([a * (u[1] - u[0]), b * u[0] * u[1]])

        def step(u):
            k1 = velocity(u)
            k2 = velocity(u + 0.05 * k1)
            return u + 0.1 * k2

        return np.sum(wg.fori_loop(0, 7, lambda _, u: step(u), u))

    args = [numpy.array([0.3, 0.4]), numpy.array([1.5, -0.5])]
    assert carries(agree(traced(wg.grad(f, argnums=(0, 1)), *args), args)) == 3
