"""Residuals of loops: fewer bytes are saved, and the derivatives stay what they are."""

import numpy
import pytest

import wengert as wg
from transforms.agreement import agree, traced
from wengert.primitives.loops import linear_scan, scan, while_
from wengert.transforms.simplify import simplify

np = wg.numpy
X = numpy.linspace(0.2, 0.9, 6)


def loops(program):
    """The loops of a program."""
    return [eq for eq in program.equations if eq.primitive in (scan, linear_scan, while_)]


def saved(program):
    """Numbers that the first loop saves in each round."""
    eq, *_ = loops(program)
    carry = 1 + len(eq.params["cond"].inputs) - eq.params["n_cond"] if eq.primitive is while_ else eq.params["n_carry"]
    return sum(int(numpy.prod(v.type.shape[1:])) for v in eq.outputs[carry:])


def names(body):
    return [str(eq.primitive) for eq in body.equations]


def gradient(step, **kwargs):
    """The gradient of a scan with respect to its carry and its rows."""
    f = lambda c, xs: np.sum(wg.scan(lambda c, x: (step(c, x), None), c, xs, **kwargs)[0])
    return traced(wg.grad(f, argnums=(0, 1)), numpy.asarray(0.3), X), [numpy.asarray(0.3), X]


# step of a scan, numbers saved before and after, what the way back computes again and what it does not
CASES = {
    "polynomial": (lambda c, x: ((c * x + 1) * c + x) * (c - x) * 0.5, None, 1, ["mul"], []),
    "logistic": (lambda c, x: 1 / (1 + np.exp(-(c * x))), None, 2, ["div"], ["exp"]),
    "sine": (lambda c, x: np.sin(c * x) + c, None, 1, ["cos"], ["sin"]),
    "rational": (lambda c, x: c / (1 + c * c) + x / (2 + c), None, 1, ["div"], []),
    "choice": (lambda c, x: np.where(c > x, c * c * x, c - x), None, 1, ["greater"], []),
    "sines": (lambda c, x: np.sin(c) * np.cos(x) * np.tanh(c + x), None, 4, ["cos"], ["tanh"]),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_scan(name, reverse):
    step, _, after, again, not_again = CASES[name]
    program, args = gradient(step, reverse=reverse)
    short = agree(program, args)
    assert saved(short) <= after <= saved(program)
    back = names(loops(short)[1].params["body"])
    assert all(p in back for p in again) and not any(p in back for p in not_again)


def test_state_of_three_numbers():
    """Lorenz's equations: of each step the state alone is saved, twenty numbers are computed again."""

    def step(i, x, h=0.01):
        f = lambda x: np.stack([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])
        return x + h * f(x + h / 2 * f(x))

    x = numpy.array([1.0, 2.0, 20.0])
    program = traced(wg.grad(lambda x: np.sum(wg.fori_loop(0, 40, step, x))), x)
    short = agree(program, [x])
    assert saved(short) == 3 and saved(program) >= 8


def test_while():
    """The stacks of a while loop, of unknown length."""
    f = lambda a: wg.while_loop(lambda x: np.abs(x * x - a) > 1e-9, lambda x: 0.5 * (x + a / x) * (1 + 0 * x), a)
    program = traced(wg.grad(f), numpy.asarray(2.0))
    short = agree(program, [numpy.asarray(2.0)])
    assert saved(short) == 1 < saved(program)


def test_loop_in_a_loop():
    """What the inner loop saves of each round is saved by the outer one, as little as possible."""

    def outer(c, x):
        step = lambda j, d: (d * x + 1) * d * (1 - d) * 0.2 + np.sin(d) * d
        return wg.fori_loop(0, 4, step, c), None

    args = [numpy.asarray(0.3), X]
    program = traced(wg.grad(lambda c, xs: wg.scan(outer, c, xs)[0], argnums=(0, 1)), *args)
    short = agree(program, args)
    assert saved(program) == 5 * 4 and saved(short) == 2 * 4  # the inner carry and its sine
    inner = loops(short)[0].params["body"]
    assert len(loops(inner)) == 1  # no map is left


def test_rows_that_are_results_stay():
    """A row that the user asked for is written anyhow: what follows from it is computed again."""
    f = lambda c, xs: np.sum(wg.scan(lambda c, x: (np.sin(c * x), c * x), c, xs)[1] ** 2)
    args = [numpy.asarray(0.3), X]
    program = traced(wg.value_and_grad(f, argnums=(0, 1)), *args)
    short = agree(program, args)
    assert saved(short) <= saved(program)
    both = lambda c, xs: wg.vjp(lambda c, xs: wg.scan(lambda c, x: (np.sin(c * x), c * x), c, xs), c, xs)
    program = traced(lambda c, xs: (both(c, xs)[0], both(c, xs)[1]((c, xs))), *args)
    agree(program, args)


def test_dear_rows_are_saved():
    """Elementary functions, sums and products of matrices are not computed twice."""
    W = X.reshape(2, 3)

    def step(c, x):
        y = np.exp(W @ (c * x))
        return c / (1 + np.sum(y * y)), None

    args = [numpy.ones(3), X]
    program = traced(wg.grad(lambda c, xs: np.sum(wg.scan(step, c, xs)[0])), *args)
    short = agree(program, args)
    assert "exp" not in names(loops(short)[1].params["body"])
    assert saved(short) < saved(program)


def test_second_derivatives():
    """Loops over the rows of loops."""
    args = [numpy.asarray(0.3), X]
    f = lambda c, xs: wg.scan(lambda c, x: ((c * x + 1) * c * 0.5 + np.sin(x * c), None), c, xs)[0]
    agree(traced(wg.hessian(f), *args), args)
    agree(traced(lambda c, xs: wg.jvp(wg.grad(f, argnums=1), (c, xs), (c, xs)), *args), args)
    agree(traced(wg.grad(lambda c, xs: np.sum(wg.grad(f, argnums=1)(c, xs) ** 2)), *args), args)


def test_lanes():
    """Under vmap, and lanes that stop at different rounds."""
    cs = numpy.array([0.3, 1.7, 4.0])
    f = lambda a: wg.while_loop(lambda x: np.abs(x * x - a) > 1e-9, lambda x: 0.5 * (x + a / x), a)
    agree(traced(wg.vmap(wg.grad(f)), cs), [cs])
    agree(traced(wg.grad(lambda a: np.sum(wg.vmap(f)(a))), cs), [cs])
    g = lambda c: wg.scan(lambda c, x: ((c * x + 1) * c * 0.5, None), c, X)[0]
    agree(traced(wg.vmap(wg.grad(g)), cs), [cs])


def test_nothing_to_save():
    """Without a derivative nothing changes."""
    program = traced(lambda c, xs: wg.scan(lambda c, x: (np.sin(c * x), c * x), c, xs), numpy.asarray(0.3), X)
    (eq,) = simplify(program).equations
    assert len(eq.outputs) == 2 and names(eq.params["body"]) == ["mul", "sin"]


def test_a_map_whose_rows_are_an_argument():
    """The second derivative saves rows that are the same in every round."""

    def f(x, n, m):
        inner = lambda i: wg.fori_loop(i, m, lambda j, t: t + x ** (i + 2 * j), 0.0)
        return wg.fori_loop(0, n, lambda i, s: s * 0.5 + inner(i), 0.0)

    args = [numpy.asarray(1.1), numpy.asarray(3), numpy.asarray(4)]
    agree(traced(wg.grad(wg.grad(f)), *args), args)
