"""What cannot become part of a program is refused with our error, at the user's line, and nothing is left behind."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.errors import AbstractValueError, ControlFlowError, ShapeError, UndefinedVariableError
from wengert.python import adopt

F, N, A = wg.ArrayType((), float), wg.ArrayType((), int), wg.ArrayType((5,), float)
TOTAL = 0.0
LOG = []
COUNTS = np.zeros(3)


class Box:
    value = 0.0


BOX = Box()
BOX.value = 0.0


def global_variable(x):
    global TOTAL
    TOTAL = x  # here
    return x


def global_in_branch(x):
    global TOTAL
    if x > 0:
        TOTAL = 1.0  # here
    return x


def grows_in_branch(x):
    if x > 0:  # here
        LOG.append(1)
    return x


def grows_in_loop(n):
    found = []
    for i in range(n):  # here
        found.append(i)
    return found


def set_grows(n):
    found = set()
    for _ in range(n):  # here
        found.add(3)
    return n


def global_attribute(x):
    if x > 0:  # here
        BOX.value = x
    return x


def plain_array(n):
    for i in range(n):
        COUNTS[i] = 1.0  # here
    return n


def comprehension(n):
    return [i for i in range(n)]  # here


def text(x):
    return f"{x}"  # here


def str_of(x):
    return str(x)  # here


def percent(x):
    return "{}".format(x)  # noqa: UP032  # here


def key(n):
    return {1: 2.0}[n]  # here


def get(n):
    return {1: 2.0}.get(n, 0.0)  # here


def member(n):
    return 1.0 if n in {1, 2} else 0.0  # here


def random_numbers(n):
    s = 0.0
    for _ in range(n):
        s += np.random.normal()  # here
    return s


def array_condition(a):
    if a > 0:  # here
        return 1.0
    return 2.0


def changing_condition(x):
    found = [1.0]
    while found.append(2.0) is None and x > 0:  # here
        x = x - 1
    return x


def endless(x):
    while True:  # here
        x = x + 1


def deletes_entry(x):
    d = {"a": x}
    if x > 0:  # here
        del d["a"]
    return x


def iterator(n):
    it = iter([1.0, 2.0])
    s = 0.0
    for _ in range(n):
        s += next(it)  # here
    return s


def mixed_values(x):
    return x if x > 0 else "text"  # here


def file(x):
    with open("/dev/null", "w") as f:
        if x > 0:
            f.write("a")  # here
    return x


REFUSED = {
    global_variable: F, global_in_branch: F, grows_in_branch: F, grows_in_loop: N, set_grows: N, global_attribute: F,
    plain_array: N, comprehension: N, text: F, str_of: F, percent: F, key: N, get: N, member: N, random_numbers: N,
    array_condition: A, changing_condition: F, endless: F, deletes_entry: F, iterator: N, mixed_values: F, file: F,
}  # fmt: skip


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f):
    with pytest.raises(ControlFlowError) as caught:
        wg.trace(adopt(f))(REFUSED[f])
    error = caught.value
    assert error.where.file == __file__
    assert error.where.function == f.__name__
    assert "# here" in error.where.text
    assert error.why
    assert error.write
    assert (TOTAL, LOG, BOX.value, COUNTS.tolist()) == (0.0, [], 0.0, [0.0, 0.0, 0.0])


def test_generators_and_coroutines():
    def generator(x):
        yield x

    async def coroutine(x):
        return x

    for f in (generator, coroutine):
        with pytest.raises(ControlFlowError, match="generator or a coroutine"):
            wg.trace(adopt(f))(F)


def test_endless_recursion():
    def factorial(n):
        if n <= 1:
            return 1
        return n * factorial(n - 1)

    with pytest.raises(ControlFlowError, match="calls itself without end"):
        wg.trace(adopt(factorial))(N)


def test_shapes_that_depend_on_data():
    with pytest.raises(AbstractValueError):
        wg.trace(adopt(lambda n: np.zeros(n)))(N)
    with pytest.raises(AbstractValueError):
        wg.trace(adopt(lambda a: a[a > 0]))(A)
    with pytest.raises(ShapeError, match="its bounds are integers"):
        wg.trace(adopt(lambda x: range(x)))(F)


# variables without a value -----------------------------------------------------------------------------------------
def one_branch(x):
    if x > 0:
        y = 1.0
    return y * x  # here


def after_loop(n):
    for i in range(n):
        y = i * 2.0
    return y  # here


def two_shapes(x):
    if x > 0:
        y = np.ones(3)
    else:
        y = 1.0
    return np.sum(y)  # here


def changing_carry(n):
    y = 1.0
    for _ in range(n):
        y = np.ones(3) * y  # here
    return y


def before_break(x):
    while True:
        x = x * 2
        if x > 10:
            break
        y = x
    return y  # here


def continues(x):
    total = 0.0
    for i in range(12):
        if x * i < 3:
            continue
        y = x * i
    return total + y  # here


def inner(x):
    def f():
        return z  # here

    if x > 0:
        z = 1.0
    return f()


@pytest.mark.parametrize(
    ("f", "type", "name", "why"),
    [
        (one_branch, F, "y", "after one of the branches only"),
        (after_loop, N, "y", "on some paths only"),
        (two_shapes, F, "y", r"f64\[3\] after one branch and f64\[\] after the other"),
        (before_break, F, "y", "on some paths only"),
        (continues, F, "y", "on some paths only"),
        (inner, F, "z", "after one of the branches only"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_variables_without_a_value(f, type, name, why):
    with pytest.raises(UndefinedVariableError, match=why) as caught:
        wg.trace(adopt(f))(type)
    assert f"the variable '{name}'" in caught.value.what
    assert "# here" in caught.value.where.text
    assert isinstance(caught.value, NameError)


def test_a_carry_that_changes():
    with pytest.raises(ControlFlowError, match=r"the variable 'y': it is f64\[\] before a round and f64\[3\] after it"):
        wg.trace(adopt(changing_carry))(N)


def test_a_variable_that_is_not_read_may_lack_a_value():
    def f(n, x):
        if x > 0:
            y, kind = np.ones(3), "a"
            x = x * y[0] + len(kind)
        else:
            y, kind = "none", None
        for i in range(n):
            last = x * i
            x = x + last
        return x + n

    program = wg.trace(adopt(f))(N, F)
    assert program(2, 3.0) == f(2, 3.0)
    assert program(0, -3.0) == f(0, -3.0)


def test_results_of_different_kinds():
    def nothing(x):
        if x > 0:
            return x

    def pair(x):
        if x > 0:
            return x, x
        return x

    for f in (nothing, pair):
        with pytest.raises(UndefinedVariableError, match="returns something else on different paths"):
            wg.trace(adopt(f))(F)


def test_without_source_a_function_is_used_as_it_is():
    space = {"np": np, "wnp": wnp}
    exec(
        "def f(x):\n    y = wnp.zeros(3)\n    y[1] = x\n    return y\ndef g(x):\n    return x if x > 0 else -x\n", space
    )
    assert wg.trace(adopt(space["f"]))(F)(2.0).tolist() == [0.0, 2.0, 0.0]
    assert adopt(space["g"])(-1.0) == 1.0
    with pytest.raises(AbstractValueError):
        wg.trace(adopt(space["g"]))(F)
