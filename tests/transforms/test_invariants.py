"""Loops, branches and calls: what moves in and out, and what is put in place."""

import numpy
import pytest

import wengert as wg
from transforms.agreement import agree, size, traced
from wengert.core.program import Equation, Literal, Program, Var
from wengert.core.record import record
from wengert.core.types import ArrayType
from wengert.primitives import elementwise as ew
from wengert.primitives.control import cond
from wengert.transforms.simplify import simplify

np = wg.numpy
X = numpy.linspace(0.2, 0.9, 6)
W = X.reshape(2, 3)
ONE = numpy.asarray(0.7)


def names(program):
    return [str(eq.primitive) for eq in program.equations]


def only(program, *primitives):
    """The one equation of these primitives."""
    (eq,) = (eq for eq in program.equations if str(eq.primitive) in primitives)
    return eq


# what moves out --------------------------------------------------------------------------------------------------
def test_invariants_move_out():
    """Of a carry that stays: exp(a), the product and what is computed of them once; views are made inside."""

    def f(a, w, xs):
        def step(carry, x):
            c, a, w = carry
            return (c * np.exp(a) + np.sum(w @ w.T) + np.sum(w.T * x), a, w), None

        return wg.scan(step, (0.0, a, w), xs)[0]

    short = agree(traced(f, ONE, W, X), [ONE, W, X])
    eq = only(short, "scan")
    assert "exp" in names(short) and "einsum" in names(short)
    assert eq.params["n_carry"] == 1 and not {"exp", "einsum"} & set(names(eq.params["body"]))


def test_invariants_of_while_move_out():
    f = lambda a: wg.while_loop(
        lambda s: s[0] < np.exp(s[1]) * 3, lambda s: (s[0] + np.sin(s[1]) ** 2 + 0.1, s[1]), (a, a)
    )
    eq = only(agree(traced(f, ONE), [ONE]), "while")
    assert names(eq.params["cond"]) == ["less"] and len(eq.params["body"].equations) == 2


@pytest.mark.parametrize("start", [5.0, 0.0])
def test_what_may_fail_stays(start):
    """A system that is singular is no error where the loop has no round."""
    singular = numpy.zeros((2, 2))

    def f(a, c):
        solved = lambda s: (s[0] + np.sum(np.linalg.solve(s[1], np.ones(2))), s[1])
        return wg.while_loop(lambda s: s[0] < 1, solved, (c, a))[0]

    program = traced(f, singular, numpy.asarray(start))
    assert "solve" in names(only(simplify(program), "while").params["body"])
    if start > 1:
        assert simplify(program)(singular, numpy.asarray(start)) == start
    else:
        with pytest.raises(Exception, match=r"[Ss]ingular"):
            simplify(program)(singular, numpy.asarray(start))


def test_large_invariants_stay():
    """An outer product is not kept: it is larger than what it is made of."""

    def f(a, xs):
        step = lambda s, x: ((s[0] + np.sum(np.outer(s[1], s[1]) * x), s[1]), None)
        return wg.scan(step, (0.0, a), xs)[0][0]

    short = agree(traced(f, X, X), [X, X])
    assert names(short) == ["scan"]


# what moves in ---------------------------------------------------------------------------------------------------
def test_known_values_move_in():
    """Numbers, arrays filled with one, and transposes; a carry that stays is a constant."""

    def f(w, xs):
        def step(carry, x):
            c, one, scale, v = carry
            return (c * one + np.sum(v.T * scale.T) * x, one, scale, v), None

        return wg.scan(step, (np.zeros(2), 1.0, np.full((2, 3), 2.0), w), xs)[0][0]

    short = agree(traced(f, W, X), [W, X])
    eq = only(short, "scan")
    assert eq.params["n_carry"] == 1 and eq.params["n_consts"] <= 2
    assert names(eq.params["body"]).count("mul") == 1


def test_the_same_constant_comes_once():
    """p[0] in every round, again and again."""
    f = lambda p, xs: wg.scan(lambda c, x: (c * p[0] + p[0] * p[1] * x + np.sin(p[0] * c), None), 0.0, xs)[0]
    eq = only(agree(traced(f, X, X), [X, X]), "scan")
    assert eq.params["n_consts"] == 2


def test_rows():
    """The same rows twice, rows that are all the same, rows that are handed on, results that are the same."""

    def f(a, xs):
        xs2 = (xs, xs, np.broadcast_to(a, xs.shape))
        return wg.scan(lambda c, r: (c + r[0] * r[1] + r[2], (r[0], c, c, r[2], 1.0)), 0.0, xs2)

    short = agree(traced(f, ONE, X), [ONE, X])
    eq = only(short, "scan")
    assert len(eq.inputs) == 4 and len(eq.outputs) == 2


def test_carry_that_becomes_constant():
    """c * 1 is c: seen when the body is simplified."""
    f = lambda a, xs: wg.scan(lambda c, x: ((c[0] * 1.0, c[1] + c[0] * x), None), (a, a), xs)[0]
    assert only(agree(traced(f, ONE, X), [ONE, X]), "scan").params["n_carry"] == 1


# loops of few rounds ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [0, 1])
def test_few_rounds(n):
    """A scan of no or one round is put in place, also backwards."""
    f = lambda c, xs: wg.scan(lambda c, x: (np.sin(c * x), c + x), c, xs, reverse=True)
    short = agree(traced(f, ONE, X[:n]), [ONE, X[:n]])
    assert "scan" not in names(short)
    g = lambda c, xs: np.sum(f(c, xs)[1]) + f(c, xs)[0]
    short = agree(traced(wg.grad(g, argnums=(0, 1)), ONE, X[:n]), [ONE, X[:n]])
    assert not {"scan", "linear_scan"} & set(names(short))


def test_more_rounds_stay():
    f = lambda c, xs: wg.scan(lambda c, x: (np.sin(c * x), c + x), c, xs)
    assert names(simplify(traced(f, ONE, X[:2]))) == ["scan"]


# branches --------------------------------------------------------------------------------------------------------
BRANCHES = (
    record(lambda a, b, k: [ew.sin(a), b, ew.mul(k, a), ew.mul(a, a)], [ArrayType((), float)] * 3),
    record(lambda a, b, k: [ew.cos(a), b, ew.exp(a), ew.mul(a, a)], [ArrayType((), float)] * 3),
)


def conditional(index):
    """cond[branches](index, a, b, 2.0) of two numbers a and b."""
    i, a, b = Var(ArrayType((), numpy.int64)), Var(ArrayType((), float)), Var(ArrayType((), float))
    outputs = [Var(ArrayType((), float)) for _ in range(4)]
    chosen = i if index is None else Literal(index)
    eq = Equation(cond, [chosen, a, b, Literal(numpy.float64(1.0))], {"branches": BRANCHES}, outputs)
    return Program([i, a, b], [], [eq], outputs)


@pytest.mark.parametrize("index", [0, 1])
def test_known_branch(index):
    args = [numpy.asarray(index), numpy.asarray(0.3), numpy.asarray(0.9)]
    assert "cond" not in names(agree(conditional(index), args))
    eq = only(agree(conditional(None), args), "cond")
    assert len(eq.outputs) == 3 and len(eq.inputs) == 2  # b is handed on, and 1 k is k: only a is read
    assert "mul" in names(eq.params["branches"][0])


def test_branches_of_derivatives():
    f = lambda x: wg.cond(x[0] > 0.5, lambda x: np.sum(np.sin(x) * 1.0), lambda x: np.sum(x * x), x)
    for x in (X, 1 - X):
        agree(traced(wg.grad(f), x), [x])
        agree(traced(wg.vmap(wg.grad(f)), numpy.stack([x, 1 - x])), [numpy.stack([x, 1 - x])])


# calls -----------------------------------------------------------------------------------------------------------
def test_checkpoint_in_a_value_is_opened():
    f = lambda x: np.sum(wg.checkpoint(lambda x: np.sin(x) * 2)(x))
    assert "checkpoint" not in names(agree(traced(f, X), [X]))


def test_checkpoint_is_computed_again():
    """On the way back: sin(x) is computed twice, though it is known."""
    f = lambda x: np.sum(np.exp(wg.checkpoint(lambda x: np.sin(np.sin(x)))(x)))
    short = agree(traced(wg.grad(f), X), [X])
    calls = [eq for eq in short.equations if str(eq.primitive) == "checkpoint"]
    assert len(calls) == 2
    assert all("sin" in names(eq.params["program"]) for eq in calls)


def test_checkpoints_of_shared_weights():
    """A weight that several checkpoints read keeps them closed: any of them may be the way back of another."""

    def f(w, x):
        for _ in range(3):
            x = wg.checkpoint(lambda w, x: np.tanh(w * x))(w, x)
        return np.sum(x)

    agree(traced(wg.grad(f), X, X), [X, X])
    assert names(simplify(traced(f, X, X))).count("checkpoint") == 3


def test_jit_is_opened():
    inner = wg.jit(lambda x: np.sin(x) * 2)
    short = agree(traced(lambda x: inner(x) + np.sin(x), X), [X])
    assert sorted(names(short)) == ["add", "mul", "sin"]


def test_functions_with_rules_are_opened():
    @wg.custom_jvp
    def f(x):
        return np.sin(x) * 1.0

    f.defjvp(lambda primals, tangents: (f(*primals), np.cos(primals[0]) * tangents[0] * 1.0))

    @wg.custom_vjp
    def g(x, y):
        return np.sin(x) * y

    g.defvjp(lambda x, y: (g(x, y), (x, y)), lambda r, z_bar: (np.cos(r[0]) * r[1] * z_bar, np.sin(r[0]) * z_bar))
    total = lambda x: np.sum(f(x) * g(x, f(x)))
    for h in (total, wg.grad(total), lambda x: wg.jvp(wg.grad(total), (x,), (x,))):
        short = agree(traced(h, X), [X])
        assert not any(name.startswith("custom") for name in names(short))


def test_programs_alike_are_simplified_once():
    """The same body in two loops is the same program afterwards."""
    step = lambda c, x: (np.sin(c * x) * 1.0, None)
    f = lambda c, xs: wg.scan(step, wg.scan(step, c, xs)[0], xs)[0]
    first, second = (eq for eq in simplify(traced(f, ONE, X)).equations)
    assert first.params["body"] is second.params["body"]


def test_loop_in_a_loop():
    f = lambda xs: wg.scan(lambda c, x: (wg.scan(lambda d, y: (d * 1.0 + y * c, None), c * x, xs)[0], None), 0.1, xs)[0]
    program = traced(wg.grad(f), X)
    assert size(agree(program, [X])) <= size(program)
