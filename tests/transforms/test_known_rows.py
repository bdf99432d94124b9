"""wengert/transforms/known_rows.py: what the loop has computed is not computed again on the way back."""

import numpy
import pytest

import wengert as wg
from transforms.agreement import agree, traced
from wengert.primitives.loops import linear_scan, scan, while_

np = wg.numpy
X = numpy.linspace(0.2, 0.9, 6)
LOOPS = (scan, linear_scan, while_)


def bodies(program):
    """The names of what the loops of a program compute, of each loop by itself."""
    return [
        [str(e.primitive) for e in eq.params["body"].equations] for eq in program.equations if eq.primitive in LOOPS
    ]


# step, what the way back does not compute, and what it does since the loop itself does not
STEPS = {
    "sine and cosine": (lambda c, x: np.sin(c) * x + np.cos(c), ["sin", "cos"], []),
    "sine": (lambda c, x: np.sin(c) * x, ["sin"], ["cos"]),
    "of a product": (lambda c, x: np.sin(c * x) * np.cos(x * c), ["sin", "cos"], []),
    "of different values": (lambda c, x: np.sin(c) * np.cos(x), [], ["sin", "cos"]),
    "exponential": (lambda c, x: np.exp(-c) + x, ["exp"], []),
    "after a dear value": (lambda c, x: np.sin(np.exp(c)) + np.cos(np.exp(c)) * x, ["sin", "cos", "exp"], []),
}


@pytest.mark.parametrize("name", STEPS)
def test_scan(name):
    step, known, computed = STEPS[name]
    f = lambda c, xs: np.sum(wg.scan(lambda c, x: (step(c, x), None), c, xs)[0])
    args = [numpy.asarray(0.3), X]
    _, back = bodies(agree(traced(wg.grad(f, argnums=(0, 1)), *args), args))
    assert set(known).isdisjoint(back) and set(computed) <= set(back)


def test_rows_of_xs_are_not_mistaken_for_one_another():
    """cos of one array of rows is not that of another."""
    f = lambda c, xs, ys: wg.scan(lambda c, r: (np.sin(c * r[0]) + np.cos(c * r[1]), None), c, (xs, ys))[0]
    args = [numpy.asarray(0.3), X, X[::-1].copy()]
    _, back = bodies(agree(traced(wg.grad(f, argnums=(0, 1, 2)), *args), args))
    assert {"sin", "cos"} <= set(back)


def test_while():
    def root(e, mean):
        def step(state):
            E, _ = state
            d = (E - e * np.sin(E) - mean) / (1.0 - e * np.cos(E))
            return E - d, d

        return wg.while_loop(lambda s: abs(s[1]) > 1e-12, step, (mean, 1.0))[0]

    args = [numpy.asarray(0.4), numpy.asarray(1.0)]
    program = agree(traced(wg.grad(root, argnums=(0, 1)), *args), args)
    back = bodies(program)[-1]
    assert {"sin", "cos"}.isdisjoint(back)


def test_literals_differ():
    """The tangent of the n-th power is not another power that the loop takes."""
    f = lambda c, xs: wg.scan(lambda c, x: (0.1 * c**2.5 + x * c**0.5, None), c, xs)[0]
    args = [numpy.asarray(0.7), X]
    agree(traced(wg.grad(f, argnums=(0, 1)), *args), args)


def test_higher_orders_agree():
    f = lambda c: np.sum(wg.scan(lambda c, x: (np.sin(c) * x + np.cos(c), c), c, X)[0])
    hessian = traced(wg.grad(wg.grad(f)), numpy.asarray(0.3))
    agree(hessian, [numpy.asarray(0.3)])


def test_what_has_an_unknown_number_of_rows_is_not_saved():
    """A loop over lanes that stop after different numbers of rounds, in a loop."""

    def halved(x):
        return wg.while_loop(lambda y: y > 1.0, lambda y: 0.5 * y * np.cos(0.1 * y), x)

    f = lambda x: wg.fori_loop(0, 3, lambda k, x: 1.5 * wg.vmap(halved)(x) + np.sin(x), x)
    args = [numpy.array([3.0, 7.0, 0.5])]
    program = traced(wg.grad(lambda x: np.sum(f(x))), *args)
    agree(program, args)
    numpy.testing.assert_allclose(wg.jit(wg.grad(lambda x: np.sum(f(x))))(*args), program.evaluate(args)[0], rtol=1e-12)
