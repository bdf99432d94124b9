"""Rewritten source: the user's file, lines and names in tracebacks and equations; what is kept of a function."""

import functools
import gc
import inspect
import traceback
import weakref

import numpy as np
import pytest

import wengert as wg
from wengert.python import adopt, source

F = wg.ArrayType((), float)


def line_of(f, text):
    lines, first = inspect.getsourcelines(f)
    return first + next(k for k, line in enumerate(lines) if text in line)


def everything(x):
    y = np.zeros(
        12,
    )
    for i in range(12):
        if x > i:
            y[i] = np.sin(x)  # sine
        else:
            while x < 3:  # loop
                x = x + 0.5  # add
    assert (
        x > 0  # compare
    )
    return np.sum(y) if x > 1 else np.cos(x)


def equations(program):
    for eq in program.equations:
        yield eq
        for p in eq.programs:
            yield from equations(p)


def test_equations_know_their_lines():
    program = wg.trace(adopt(everything))(F)
    found = {(eq.primitive.name, eq.source.line) for eq in equations(program)}
    for name, text in [("scan", "for i"), ("cond", "if x > i"), ("sin", "# sine"), ("while", "# loop"),
                       ("cos", "return"), ("check", "# compare"), ("less", "# loop")]:  # fmt: skip
        assert (name, line_of(everything, text)) in found, name
    assert {eq.source.file for eq in equations(program)} == {__file__}
    assert {eq.source.function for eq in equations(program)} == {"everything"}


def broken(x):
    if x > 0:
        for i in range(20):
            x = x + {"a": 1}["b"] * i  # here
    return x


def test_tracebacks_point_to_the_user_s_lines():
    with pytest.raises(KeyError) as caught:
        wg.trace(adopt(broken))(F)
    frames = [f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == __file__]
    assert frames[-1].lineno == line_of(broken, "# here")
    assert {f.name for f in frames[1:]} == {"broken"}


def test_lines_of_decorated_functions():
    @wg.jit
    @functools.lru_cache
    def f(x):
        y = 1.0

        if x > 0:  # here
            y = np.zeros(3)
        return y  # there

    with pytest.raises(wg.errors.UndefinedVariableError) as caught:
        f(2.0)
    assert "# there" in caught.value.where.text
    assert f"on line {caught.value.where.line - 2} " in str(caught.value)

    @wg.jit
    def g(x):
        while x:  # here
            x = x - 1
        return x

    with pytest.raises(wg.errors.ControlFlowError) as caught:
        g(np.ones(2))
    assert "# here" in caught.value.where.text


def test_shape_errors_are_at_the_line():
    def f(x):
        while x[0] > 0:
            x = x + np.ones(3)  # here
        return x

    with pytest.raises(wg.errors.ShapeError) as caught:
        wg.trace(adopt(f))(wg.ArrayType((2,), float))
    assert "# here" in caught.value.where.text


# what is kept of a function ----------------------------------------------------------------------------------------
def test_signature_defaults_and_attributes():
    def f(x, /, a, b=2.0, *rest, k=3.0, **more):
        """Doc."""
        return x + a * b + k + sum(rest) + more.get("z", 0) if x > 0 else x

    f.tag = "kept"
    g = adopt(f)
    assert g.__name__ == "f"
    assert g.__doc__ == "Doc."
    assert g.tag == "kept"
    assert inspect.signature(g) == inspect.signature(f)
    assert adopt(g) is g
    program = wg.trace(lambda x: g(x, 1.0, 2.0, 5.0, k=1.0, z=7.0))(F)
    assert program(1.0) == f(1.0, 1.0, 2.0, 5.0, k=1.0, z=7.0)
    assert wg.trace(lambda x: g(x, 1.0))(F)(1.0) == f(1.0, 1.0)


def test_globals_and_closures_are_live():
    scale = 2.0

    def f(x):
        return x * scale if x > 0 else x * RATE

    assert wg.trace(adopt(f))(F)(1.0) == 2.0
    scale = 3.0
    assert wg.trace(adopt(f))(F)(1.0) == 3.0
    globals()["RATE"] = 5.0
    assert wg.trace(adopt(f))(F)(-1.0) == -5.0
    globals()["RATE"] = 0.5


RATE = 0.5


def test_functions_are_not_kept_alive():
    def make():
        def f(x):
            return x if x > 0 else -x

        return f

    f = make()
    wg.trace(adopt(f))(F)
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_one_rewriting_for_a_code_object():
    def make(n):
        return lambda x: x * n if x > 0 else x

    f, g = make(2.0), make(3.0)
    assert source.rewritten_code(f) is source.rewritten_code(g)
    assert wg.trace(adopt(f))(F)(1.0) == 2.0
    assert wg.trace(adopt(g))(F)(1.0) == 3.0


def test_lambdas_on_one_line():
    f, g = (lambda x: (lambda y: y if y > 0 else -y)(x) * 2), (lambda x: x * 3 if x > 0 else x)
    assert wg.trace(adopt(f))(F)(-1.0) == 2.0
    assert wg.trace(adopt(g))(F)(1.0) == 3.0
    pair = [functools.partial(lambda n, x: x**n if x > 0 else x, 2), lambda x: x**3 if x > 0 else x]
    assert [wg.trace(adopt(h))(F)(2.0) for h in pair] == [4.0, 8.0]


def test_text_can_be_read():
    def f(x):
        if x > 0:
            x = -x
        return x

    text = source.text(f)
    assert "_wg_.if_(_wg_.binary('gt', x, 0)" in text
    assert "nonlocal x" in text


# where adoption reaches --------------------------------------------------------------------------------------------
def absolute(x):
    if x < 0:
        return -x
    return x


@pytest.mark.parametrize(
    "f",
    [
        lambda x: wg.grad(absolute)(x),
        lambda x: wg.value_and_grad(absolute)(x)[1],
        lambda x: wg.jvp(absolute, (x,), (1.0,))[1],
        lambda x: wg.fori_loop(0, 3, lambda i, c: absolute(c), x),
        lambda x: wg.scan(lambda c, _: (absolute(c), None), x, length=2)[0],
        lambda x: wg.while_loop(lambda c: absolute(c) > 1, lambda c: c / 2, x),
        lambda x: wg.cond(x > -3, absolute, absolute, x),
        lambda x: wg.checkpoint(absolute)(x),
        lambda x: sum(map(absolute, [x, x])),
        lambda x: np.vectorize(absolute)(np.array([x, 2 * x]))[0],
    ],
)
def test_functions_of_transformations_are_adopted(f):
    program = wg.trace(adopt(f))(F)
    for x in (2.5, -2.5):
        assert program(x) == f(x)


def test_lanes_of_adopted_functions():
    f = lambda x: np.sum(wg.vmap(absolute)(x * np.array([1.0, -2.0])))
    program = wg.trace(adopt(f))(F)
    assert program(2.0) == 6.0
    assert program(-2.0) == 6.0


def test_transformations_of_transformations():
    for order in (wg.grad(wg.grad(lambda x: absolute(x) ** 3)), wg.jacfwd(wg.grad(lambda x: absolute(x) ** 3))):
        program = wg.trace(adopt(order))(F)
        for x in (2.5, -2.5):
            assert program(x) == pytest.approx(order(x), rel=1e-12)


def test_custom_rules_are_adopted():
    @wg.custom_jvp
    def f(x):
        return absolute(x)

    @f.defjvp
    def rule(primals, tangents):
        (x,), (x_dot,) = primals, tangents
        return f(x), 5.0 * x_dot

    assert wg.trace(adopt(lambda x: f(x) * 2))(F)(-3.0) == 6.0
    assert wg.trace(adopt(wg.grad(lambda x: f(x) * 2)))(F)(-3.0) == 10.0
