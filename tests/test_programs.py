"""Programs: recorded, printed, checked, evaluated at other points, differentiated, and refused where they would lie."""

import copy
import pickle
import re
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.special

import wengert as wg
from wengert.core.check import check
from wengert.core.primitive import REGISTRY, Constant, Primitive
from wengert.core.program import Equation, Literal, Program, Var, variable_names
from wengert.core.record import assume, record
from wengert.core.types import ArrayType
from wengert.errors import (
    AbstractValueError,
    BranchChangedError,
    LeakedTracerError,
    NonDifferentiableInputError,
    ProgramError,
    ShapeError,
    StructureError,
)
from wengert.primitives import elementwise as ew
from wengert.primitives import shape

F64 = ArrayType((), np.float64)
V3 = ArrayType((3,), np.float64)


def names(program):
    return [eq.primitive.name for eq in program.equations]


# recording -----------------------------------------------------------------------------------------------------------
def test_a_program_is_called_like_the_function():
    def f(p, *, scale):
        return {"y": np.exp(p["x"]) * scale, "z": (p["x"], 2.0)}

    args, kwargs = ({"x": np.arange(3.0)},), {"scale": 3.0}
    program = wg.trace(f)(*args, **kwargs)
    assert program.name == program.__name__ == "f"
    out = program({"x": np.ones(3)}, scale=2.0)
    np.testing.assert_array_equal(out["y"], np.exp(np.ones(3)) * 2.0)
    np.testing.assert_array_equal(out["z"][0], np.ones(3))
    assert out["z"][1] == 2.0
    with pytest.raises(StructureError, match="arguments of program f"):
        program({"y": np.ones(3)}, scale=2.0)


def test_types_alone_suffice():
    program = wg.trace(lambda x, y: np.sin(x) * y)(wg.ArrayType((3,), "float64"), 2.0)
    np.testing.assert_array_equal(program(np.ones(3), 3.0), np.sin(np.ones(3)) * 3.0)
    abstract = wg.trace(lambda x: np.sum(np.exp(x)), abstract=True)(np.ones(3))
    assert abstract.out_types == [F64]
    assert abstract(np.zeros(3)) == 3.0


def test_unused_equations_are_dropped():
    program = wg.trace(lambda x: (np.exp(x), np.sin(x) * 2)[0])(1.0)
    assert names(program) == ["exp"]


def test_shared_results_are_computed_once():
    def f(x):
        e = np.exp(x)
        return e * e + e

    program = wg.trace(f)(1.0)
    assert names(program) == ["exp", "mul", "add"]


def test_arrays_from_outside_are_constants_of_the_program():
    a = np.array([1.0, 2.0, 3.0])
    program = wg.trace(lambda x: x * a + a)(np.ones(3))
    a[:] = 0  # the program keeps what it saw
    np.testing.assert_array_equal(program(np.full(3, 2.0)), [3.0, 6.0, 9.0])
    assert all(not isinstance(atom.value, np.ndarray) for eq in program.equations
               for atom in eq.inputs if isinstance(atom, Literal))  # fmt: skip


def test_scalars_from_outside_are_literals():
    program = wg.trace(lambda x: 2.5 * x + np.float64(3))(1.0)
    assert not program.constants
    assert [a.value for eq in program.equations for a in eq.inputs if isinstance(a, Literal)] == [2.5, 3.0]


def test_results_may_be_arguments_constants_and_numbers():
    a = np.arange(3.0)
    program = wg.trace(lambda x: (x, a, 5.0, 7))(2.0)
    x, b, five, seven = program(3.0)
    assert (x, five, seven) == (3.0, 5.0, 7)
    np.testing.assert_array_equal(b, a)


def test_a_program_within_a_program_is_inlined():
    inner = wg.trace(lambda x: np.sin(x) * x)(1.0)
    outer = check(wg.trace(lambda x: inner(x) + 1)(1.0))
    assert names(outer) == ["sin", "mul", "add"]
    np.testing.assert_allclose(outer(0.3), np.sin(0.3) * 0.3 + 1)


def test_assignment_in_place_becomes_pure_equations():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = x[:-1] * 2
        y += x
        return y

    program = check(wg.trace(f)(np.ones(3)))
    np.testing.assert_array_equal(program(np.array([1.0, 2.0, 3.0])), [1.0, 4.0, 7.0])


# decisions -----------------------------------------------------------------------------------------------------------
def relu_by_if(x):
    if x > 0:
        return x * x
    return 0.0 * x


def test_a_decision_is_written_down_as_an_assumption():
    program = wg.trace(relu_by_if)(2.0)
    assert "assume" in names(program)
    assert program(3.0) == 9.0
    with pytest.raises(BranchChangedError, match="saw True") as caught:
        program(-1.0)
    assert "wg.cond" in str(caught.value)


def test_an_assumption_holds_through_transformations():
    program = wg.trace(relu_by_if)(2.0)
    assert wg.grad(program)(3.0) == 6.0
    assert wg.jvp(program, (3.0,), (1.0,)) == (9.0, 6.0)
    assert wg.grad(wg.grad(program))(3.0) == 2.0
    np.testing.assert_array_equal(wg.vmap(program)(np.array([1.0, 2.0])), [1.0, 4.0])
    for broken in (lambda: wg.grad(program)(-3.0), lambda: wg.vmap(program)(np.array([1.0, -2.0]))):
        with pytest.raises(BranchChangedError):
            broken()
    again = wg.trace(wg.grad(program))(3.0)
    assert "assume" in names(again)
    with pytest.raises(BranchChangedError):
        again(-3.0)


def test_loops_on_data_are_unrolled_as_they_ran():
    def newton(a):
        x = a
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x

    program = wg.trace(newton)(2.0)
    assert program(2.0) == newton(2.0)
    np.testing.assert_allclose(wg.grad(program)(2.0), 0.5 / np.sqrt(2), rtol=1e-8)
    with pytest.raises(BranchChangedError):
        program(1e6)


def test_a_decision_on_types_alone_is_an_error():
    with pytest.raises(AbstractValueError, match=r"wg\.cond"):
        wg.trace(relu_by_if, abstract=True)(2.0)
    with pytest.raises(AbstractValueError):
        wg.vmap(relu_by_if)(np.ones(2))


def test_assumptions_compare_values_and_types():
    assert assume(np.float64(1.5) > 1, value=True) == []
    assert assume(np.int64(3), value=3) == []
    for found, seen in ((np.False_, True), (np.int64(2), 3), (np.ones(2), True)):
        with pytest.raises(BranchChangedError):
            assume(found, value=seen)


# printing ------------------------------------------------------------------------------------------------------------
def test_text_of_a_program():
    def f(x, a):
        return np.sum(np.exp(x) * a)

    program = wg.trace(f)(np.ones(3), np.ones(3))
    text = re.sub(r"\s+#.*", "", str(program))
    assert text == (
        "program f(a: f64[3], b: f64[3]):\n"
        "  c: f64[3] = exp a\n"
        "  d: f64[3] = mul c b\n"
        "  e: f64[] = sum[axis=(0,)] d\n"
        "  return e"
    )
    for line in str(program).splitlines()[1:-1]:
        assert "test_programs.py:" in line
        assert "return np.sum(np.exp(x) * a)" in line
    assert repr(program) == str(program)


def test_text_of_constants_literals_and_nothing():
    a = np.ones(2)
    text = str(wg.trace(lambda x: x * a + 1.5)(np.ones(2)))
    assert "b: f64[2] = constant" in text
    assert "1.5" in text
    assert str(wg.trace(lambda: ())()).endswith("return")


def test_names_go_on_after_z():
    supply = variable_names()
    found = [next(supply) for _ in range(26 + 26 * 26 + 1)]
    assert found[:2] == ["a", "b"]
    assert found[25:28] == ["z", "aa", "ab"]
    assert found[-1] == "aaa"
    assert len(set(found)) == len(found)


def test_a_derivative_prints_the_user_lines():
    def f(x):
        return np.tanh(x) * x

    text = str(wg.trace(wg.grad(f))(1.0))
    assert "return np.tanh(x) * x" in text
    assert text.startswith("program grad(f)(a: f64[]):")


# evaluating ----------------------------------------------------------------------------------------------------------
def test_other_types_are_refused():
    program = wg.trace(lambda x: np.sum(x))(np.ones(3))
    with pytest.raises(ShapeError, match=r"f64\[4\].*f64\[3\]"):
        program(np.ones(4))
    with pytest.raises(ShapeError):
        program(np.ones(3, np.float32))
    scalar = wg.trace(lambda x: x * 2)(1.0)
    assert scalar(3) == 6.0
    assert scalar(np.float64(3)) == 6.0


def test_values_are_dropped_after_their_last_use():
    """A chain of twenty operations never holds more than an argument and a result beside the input."""

    def chain(x):
        for _ in range(10):
            x = np.sin(np.cos(x))
        return x

    program, x = wg.trace(chain, abstract=True)(np.ones(100_000)), np.ones(100_000)
    tracemalloc.start()
    program(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.5 * x.nbytes


def test_evaluation_does_not_depend_on_earlier_ones():
    program = wg.trace(lambda x: np.exp(x) * x)(np.ones(2))
    first = program(np.zeros(2))
    program(np.ones(2))
    np.testing.assert_array_equal(first, 0)


# the grammar ---------------------------------------------------------------------------------------------------------
def broken(equations, inputs=(), outputs=(), constants=()):
    return Program(list(inputs), list(constants), equations, list(outputs))


def test_the_grammar_is_checked():
    x, y = Var(V3), Var(V3)
    exp = Equation(ew.exp, [x], {}, [y])
    assert check(broken([exp], [x], [y]))
    stranger = object.__new__(Primitive)
    stranger.name, stranger.multiple = "stranger", False
    for program, message in [
        (broken([exp, exp], [x], [y]), "assigns a variable twice"),
        (broken([exp], [x, x], [y]), "assigns a variable twice"),
        (broken([exp], [], [y]), "uses a variable before it is assigned"),
        (broken([], [x], [y]), "output list uses a variable before"),
        (broken([Equation(ew.exp, [x], {}, [Var(F64)])], [x]), "its type rule gives"),
        (broken([Equation(stranger, [x], {}, [y])], [x], [y]), "not registered"),
        (broken([Equation(ew.add, [x, Literal(np.ones(3))], {}, [y])], [x], [y]), "literal of type"),
        (broken([], [], [y], [(y, np.ones(4))]), "under the type"),
    ]:
        with pytest.raises(ProgramError, match=message):
            check(program)


def test_every_way_to_make_a_program_obeys_the_grammar():
    def f(x):
        return np.sum(np.tanh(x) * x)

    x = np.ones(3)
    for g in (
        f,
        wg.grad(f),
        wg.jacfwd(wg.grad(f)),
        wg.hessian(f),
        wg.vmap(wg.grad(lambda t: np.tanh(t) * t)),
        lambda x: wg.jvp(f, (x,), (x,)),
        lambda x: wg.vjp(np.sin, x)[1](x),
        lambda x: wg.hvp(f, (x,), (x,)),
        wg.trace(wg.grad(f))(x),
        wg.grad(wg.trace(f)(x)),
    ):
        for abstract in (False, True):
            program = check(wg.trace(g, abstract=abstract)(x))
            wg.tree_map(np.testing.assert_array_equal, program(x), g(x))


def test_the_derivative_is_a_program_that_can_be_evaluated_elsewhere_and_differentiated_again():
    def f(x):
        return np.sum(np.exp(x) * np.sin(x))

    first = wg.trace(wg.grad(f))(np.ones(3))
    second = wg.trace(wg.jacobian(first))(np.ones(3))
    x = np.array([0.1, -0.7, 2.0])
    np.testing.assert_allclose(first(x), np.exp(x) * (np.sin(x) + np.cos(x)), rtol=1e-15)
    np.testing.assert_allclose(second(x), np.diag(2 * np.exp(x) * np.cos(x)), rtol=1e-14, atol=1e-15)


# misuse --------------------------------------------------------------------------------------------------------------
def test_tracers_do_not_leave_their_trace():
    kept = []

    def f(x):
        kept.append(x * 2)
        return x

    wg.trace(f)(1.0)
    with pytest.raises(LeakedTracerError, match="after the"):
        kept[0] + 1


def test_what_is_no_array_cannot_be_traced():
    with pytest.raises(NonDifferentiableInputError, match="str"):
        wg.trace(lambda x: x)("text")


def test_primitives_are_declared_once_and_whole():
    kind = Constant()
    with pytest.raises(ValueError, match="declared twice"):
        Primitive("sin", np.sin, kind, pointwise=True)
    with pytest.raises(TypeError, match="type rule"):
        Primitive("new", np.sin, kind)
    with pytest.raises(TypeError, match="batching rule"):
        Primitive("new", np.sin, kind, type_rule=lambda x: x)
    with pytest.raises(TypeError, match="five kinds"):
        Primitive("new", np.sin, None, pointwise=True)
    assert "new" not in REGISTRY


def test_pointwise_operands_have_one_shape():
    with pytest.raises(TypeError, match="one shape"):
        record(lambda x, y: [ew.add(x, y)], [V3, ArrayType((4,), float)])
    assert shape.sum_.type_rule(V3, axis=(0,)) == F64


# arrays of another order of bytes, as files hold them ----------------------------------------------------------------
SWAPPED = np.arange(1.0, 7.0).reshape(2, 3).astype(np.dtype(float).newbyteorder())
PLACES = np.array([2, 0, 1], np.dtype(np.intp).newbyteorder())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.sin(x) * x),
        lambda x: np.sum(x * SWAPPED) + np.sum(SWAPPED[:, PLACES] * x),
        lambda x: np.sum(x[:, PLACES] * np.arange(3)),
        lambda x: np.sum(wg.checkpoint(lambda t: np.sin(t) * SWAPPED)(x)),
        lambda x: np.sum(wg.scan(lambda c, row: (c * row, c), SWAPPED[0], x)[0]),
        lambda x: np.sum(wg.fori_loop(0, 3, lambda i, c: c * x, SWAPPED)),
    ],
)
def test_the_order_of_bytes_does_not_matter(f) -> None:
    native = SWAPPED.astype(float)
    value, gradient = wg.value_and_grad(f)(native)
    for transformed in (wg.value_and_grad(f), wg.jit(wg.value_and_grad(f)), wg.value_and_grad(wg.checkpoint(f))):
        found, slopes = transformed(SWAPPED)
        np.testing.assert_allclose(found, value)
        np.testing.assert_allclose(slopes, gradient)
        assert slopes.dtype.kind == "f"
    np.testing.assert_allclose(wg.jvp(f, (SWAPPED,), (SWAPPED,))[1], np.sum(gradient * native))
    np.testing.assert_allclose(wg.trace(f)(SWAPPED)(native), value)
    wg.check_grads(f, (SWAPPED,), order=1)


# copied and pickled ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(x) * x @ np.eye(4),
        lambda x: wg.fori_loop(0, 3, lambda i, c: c * x, x),
        wg.grad(lambda x: np.sum(np.sin(x[1:]) * x[:-1])),
        lambda x: wg.while_loop(lambda c: c[0] < 10, lambda c: 2 * c, x),
        lambda x: wg.jit(np.sin)(x) * wg.checkpoint(np.cos)(x),
        lambda x: np.linalg.solve(np.eye(4) + np.outer(x, x), x),
    ],
)
@pytest.mark.parametrize("copied", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_programs_are_copied_and_pickled(f, copied) -> None:
    x = np.linspace(0.5, 1.0, 4)
    program = wg.trace(f)(wg.ArrayType((4,), float))
    jacobian = wg.jit(wg.jacobian(program))(x)  # leaves compiled code with the program
    other = copied(program)
    check(other)
    assert other is not program and str(other) == str(program)
    np.testing.assert_array_equal(other(x), program(x))
    np.testing.assert_allclose(wg.jit(wg.jacobian(other))(x), jacobian)


def test_programs_of_special_functions_are_pickled_for_processes_that_have_not_met_them() -> None:
    text = pickle.dumps(wg.trace(scipy.special.jv)(wg.ArrayType((), float), wg.ArrayType((), float)))
    code = f"import pickle, wengert; print(pickle.loads({text!r})(0.5, 2.0))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) == scipy.special.jv(0.5, 2.0)
