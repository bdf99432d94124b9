"""Sums of outer products over the rounds of a loop, taken after it as one product of matrices."""

import numpy
import pytest

import wengert as wg
from transforms.agreement import agree, traced

np = wg.numpy
RNG = numpy.random.default_rng(5)
W, U, B, XS = (0.2 * RNG.normal(size=s) for s in [(16, 32), (32, 32), (32,), (10, 16)])


def names(program):
    return [str(eq.primitive) for eq in program.equations]


def loop(program):
    """The last loop of a program."""
    return [eq for eq in program.equations if str(eq.primitive) in ("scan", "linear_scan")][-1]


@pytest.mark.parametrize("reverse", [False, True])
def test_recurrent_network(reverse):
    """No round of the way back touches a matrix of adjoints."""

    def f(W, U, b, xs):
        step = lambda h, x: (np.tanh(x @ W + h @ U + b), h)
        h, hs = wg.scan(step, np.zeros(32), xs, reverse=reverse)
        return np.sum(h) + np.sum(np.sin(hs))

    short = agree(traced(wg.grad(f, argnums=(0, 1, 2, 3)), W, U, B, XS), [W, U, B, XS])
    body = loop(short).params["body"]
    assert max(v.type.size for eq in body.equations for v in eq.outputs) == 32
    assert names(short).count("einsum") == 2
    agree(traced(wg.hessian(lambda b: f(W, U, b, XS)), B), [B])


def test_of_what_it_is_the_sum():
    """A sum that begins with something, with more than one product, and other terms."""

    def f(A, xs):
        def step(s, x):
            return s + (np.outer(x, np.sin(x)) + (np.outer(np.cos(x), x) + A)), None

        return wg.scan(step, A * A, xs)[0]

    A = RNG.normal(size=(16, 16))
    short = agree(traced(f, A, XS), [A, XS])
    assert names(loop(short).params["body"]).count("einsum") == 0 and loop(short).params["n_carry"] == 1
    assert names(short).count("einsum") == 2


@pytest.mark.parametrize(
    "step, n",
    [
        (lambda s, x: s + np.outer(x, x), 4),  # small: it stays in registers
        (lambda s, x: np.sin(s) + np.outer(x, x), 16),  # the sum is read in the loop
        (lambda s, x: 0.5 * (s + np.outer(x, x)), 16),
        (lambda s, x: s + np.outer(x, x) @ np.outer(x, np.sin(x)), 16),  # no larger than its factors
    ],
)
def test_what_stays(step, n):
    rows, start = XS[:, :n], numpy.ones((n, n))
    short = agree(traced(lambda s, xs: wg.scan(lambda s, x: (step(s, x), None), s, xs)[0], start, rows), [start, rows])
    assert "einsum" not in names(short) and loop(short).params["n_carry"] == 1


def test_few_rounds_stay():
    f = lambda s, xs: wg.scan(lambda s, x: (s + np.outer(x, x), None), s, xs)[0]
    assert names(agree(traced(f, numpy.ones((16, 16)), XS[:3]), [numpy.ones((16, 16)), XS[:3]])) == ["scan"]
