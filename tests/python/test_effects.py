"""wg.print, assert and raise on traced values: they happen when the program runs, in order."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.check import check
from wengert.errors import AssertionFailedError, ControlFlowError
from wengert.python import adopt

F = wg.ArrayType((), float)
I = wg.ArrayType((), int)


def recorded(f, *types):
    return check(wg.trace(adopt(f))(*types))


def lines(capsys):
    return capsys.readouterr().out.splitlines()


# print -------------------------------------------------------------------------------------------------------------
def noisy(x):
    wg.print("begin")
    for i in range(10):
        if x * i > 5:
            wg.print("{} of {name}: {:.1f}", i, x * i, name="x")
    wg.print("end {}", {"x": x, "kind": "text"})
    return x**2


EXPECTED = ["begin", *(f"{i} of x: {i:.1f}" for i in range(6, 10)), "end {'x': 1.0, 'kind': 'text'}"]


def test_print_of_plain_values(capsys):
    assert noisy(1.0) == 1.0
    assert lines(capsys) == EXPECTED


def shown(capsys):
    return [line.replace("np.float64(1.0)", "1.0").replace("array(1.)", "1.0") for line in lines(capsys)]


def test_print_in_a_program(capsys):
    program = recorded(noisy, F)
    assert lines(capsys) == []
    assert program(1.0) == 1.0
    assert shown(capsys) == EXPECTED


@pytest.mark.parametrize("transform", [wg.grad, wg.jacfwd, wg.jacrev, wg.hessian], ids=lambda t: t.__name__)
def test_print_under_derivatives(transform, capsys):
    """Once each time, with primal values; also where the loop is differentiated as a program."""
    transform(adopt(noisy))(1.0)
    assert shown(capsys) == EXPECTED
    program = wg.trace(lambda x: transform(adopt(noisy))(x))(F)
    assert lines(capsys) == []
    program(1.0)
    assert shown(capsys) == EXPECTED
    transform(recorded(noisy, F))(1.0)
    assert shown(capsys) == EXPECTED


def test_print_under_vmap(capsys):
    def f(x, y):
        wg.print("{} {}", x, y)
        return x + y

    wg.vmap(f, (0, None))(np.array([1.0, 2.0]), 3.0)
    assert lines(capsys) == ["1.0 3.0", "2.0 3.0"]
    wg.vmap(wg.vmap(f, (None, 0)), (0, None))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert lines(capsys) == ["1.0 3.0", "1.0 4.0", "2.0 3.0", "2.0 4.0"]


def test_print_of_the_lanes_that_take_the_branch(capsys):
    def f(x):
        if x > 0:
            wg.print("positive {}", x)
        else:
            wg.print("negative {}", x)
        while x > 3:
            wg.print("loop {}", x)
            x = x - 2
        return x

    wg.vmap(adopt(f))(np.array([1.0, -2.0, 7.0]))
    assert sorted(lines(capsys)) == ["loop 5.0", "loop 7.0", "negative -2.0", "positive 1.0", "positive 7.0"]


def test_print_without_results_of_a_loop(capsys):
    def f(n):
        for i in range(n):
            wg.print("{}", i * i)
        return n

    assert recorded(f, I)(3) == 3
    assert lines(capsys) == ["0", "1", "4"]


def test_print_in_bodies_of_wg(capsys):
    def f(x):
        return wg.scan(lambda c, row: (c + row, wg.print("{}", c)), 0.0, x)[0]

    assert wg.trace(f)(wg.ArrayType((3,), float))(np.ones(3)) == 3.0
    assert lines(capsys) == ["0.0", "1.0", "2.0"]


def test_python_print_is_refused():
    def f(x):
        print("x is", x)
        return x

    def g(x):
        if x > 0:
            print("positive")
        return x

    for h in (f, g):
        with pytest.raises(ControlFlowError, match=r"wg\.print") as caught:
            recorded(h, F)
        assert caught.value.where.text.startswith("print(")


# assert and raise --------------------------------------------------------------------------------------------------
def checked(x):
    assert x > 0, f"x is {x}"
    assert x < 10
    total = 0.0
    for i in range(12):
        assert i * x < 40, "too large"
        total += x
    return total


def test_assert():
    program = recorded(checked, F)
    assert program(2.0) == checked(2.0)
    for x, said in [(-1.0, "x is"), (11.0, "an assertion failed"), (5.0, "too large")]:
        with pytest.raises(AssertionError):
            checked(x)
        with pytest.raises(AssertionFailedError, match=said) as caught:
            program(x)
        assert "assert" in caught.value.where.text
    assert wg.trace(wg.grad(adopt(checked)))(F)(2.0) == 12.0
    with pytest.raises(AssertionFailedError):
        wg.trace(wg.grad(adopt(checked)))(F)(-2.0)
    with pytest.raises(AssertionFailedError):
        wg.vmap(program)(np.array([1.0, -1.0]))
    np.testing.assert_array_equal(wg.vmap(program)(np.array([1.0, 2.0])), [12.0, 24.0])


class OwnError(ValueError):
    pass


def raises(x):
    if x < 0:
        raise OwnError("negative", 1)
    if x > 10:
        y = x
        if y > 20:
            raise KeyError
    else:
        y = x * 2
    return y


def test_raise():
    program = recorded(raises, F)
    for x in (1.0, 15.0):
        assert program(x) == raises(x)
    with pytest.raises(OwnError, match="negative") as caught:
        program(-1.0)
    assert caught.value.args == ("negative", 1)
    assert "raise OwnError" in caught.value.__notes__[0] or "if x < 0" in caught.value.__notes__[0]
    with pytest.raises(KeyError):
        program(21.0)
    np.testing.assert_array_equal(wg.vmap(adopt(raises))(np.array([1.0, 15.0])), [2.0, 15.0])
    with pytest.raises(KeyError):
        wg.vmap(adopt(raises))(np.array([1.0, 25.0]))


def test_assert_in_a_branch_counts_where_the_branch_is_taken():
    def f(x):
        if x > 0:
            assert x < 5
            return x
        assert x > -5
        return -x

    program = recorded(f, F)
    assert program(-4.0) == 4.0
    assert program(4.0) == 4.0
    np.testing.assert_array_equal(wg.vmap(program)(np.array([4.0, -4.0])), [4.0, 4.0])
    for x in (6.0, -6.0):
        with pytest.raises(AssertionFailedError):
            program(x)
        with pytest.raises(AssertionFailedError):
            wg.vmap(program)(np.array([1.0, x]))


def test_static_conditions_are_checked_at_once():
    def f(x, n=3):
        assert n == 4, "static"
        return x

    with pytest.raises(AssertionError, match="static"):
        recorded(f, F)


def test_raise_within_try():
    def f(x):
        try:
            if x < 0:
                raise ValueError
        except ValueError:
            x = 0.0
        return x

    with pytest.raises(ControlFlowError, match="within a `try`"):
        recorded(f, F)


def test_effects_are_not_dropped():
    def f(x):
        assert x > 0
        return 1.0

    program = recorded(f, F)
    assert [eq.primitive.name for eq in program.equations][-1] == "check"
    with pytest.raises(AssertionFailedError):
        program(-1.0)
