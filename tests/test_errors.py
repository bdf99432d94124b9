"""What a user can get wrong: each mistake is our error, names the user's own line, and says why and what to write.

In each example the line to be named ends in the comment `here`.
"""

import array
import ast
import asyncio
import cmath
import copy
import dataclasses
import decimal
import json
import linecache
import math
import operator
import pickle
import re
import statistics
import struct
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.cluster.vq
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats

import wengert as wg
import wengert.numpy as wnp
from wengert import errors
from wengert.errors import (
    AbstractValueError,
    BranchChangedError,
    ConcretizationError,
    GradientCheckError,
    LeakedTracerError,
    NonDifferentiableInputError,
    NonFiniteError,
    NonScalarOutputError,
    ShapeError,
    StructureError,
    TangentMismatchError,
    UnsupportedFunctionError,
)

ROOT = Path(__file__).parents[1]
X = np.array([1.0, 2.0])
WRONG = {}


def wrong(kind, *says):
    """An example of a mistake: the class of its error, and what the message says."""

    def declare(example):
        assert example.__name__ not in WRONG
        WRONG[example.__name__] = (example, kind, says)
        return example

    return declare


def square(x):
    return np.sum(x * x)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # NumPy advises against matrices too
    MATRIX = np.matrix([[1.0, 2.0]])


class Thing:
    """A class of the user's that is no structure."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(2)


@dataclasses.dataclass
class Layer:
    w: object
    b: object


# arguments -------------------------------------------------------------------------------------------------------
@wrong(NonDifferentiableInputError, "argument 0 of square is i64[]", "3.0 instead of 3")
def integer():
    wg.grad(square)(3)  # here


@wrong(NonDifferentiableInputError, "i64[2]", "astype(float)")
def integers():
    wg.grad(square)(np.array([1, 2]))  # here


@wrong(NonDifferentiableInputError, "bool[]")
def boolean():
    wg.grad(square)(True)  # here


@wrong(NonDifferentiableInputError, "leaf [1] of argument 0", "i64[]")
def integer_in_a_list():
    wg.grad(lambda p: p[0])([1.0, 2])  # here


@wrong(NonDifferentiableInputError, "leaf ['b'][0] of argument 1")
def integer_in_a_dict():
    wg.value_and_grad(lambda n, p: p["a"], argnums=1)(1, {"a": 1.0, "b": (2, 3.0)})  # here


@wrong(NonDifferentiableInputError, "leaf .b of argument 0")
def integer_in_a_dataclass():
    wg.jacobian(lambda p: p.w)(Layer(1.0, 2))  # here


@wrong(NonDifferentiableInputError, "builtins.str", "np.asarray(x, dtype=float)")
def text():
    wg.grad(square)("abc")  # here


@wrong(NonDifferentiableInputError, "leaf [0]", "builtins.str")
def list_of_texts():
    wg.grad(square)(["a", "b"])  # here


@wrong(NonDifferentiableInputError, "numpy.ndarray of object")
def objects():
    wg.grad(square)(np.array([1.0, None]))  # here


@wrong(NonDifferentiableInputError, "numpy.ndarray of datetime64[D]")
def dates():
    wg.grad(square)(np.array(["2024-01-01"], "datetime64[D]"))  # here


@wrong(NonDifferentiableInputError, "got None as argument 0", "nothing to differentiate")
def none():
    wg.grad(square)(None)  # here


@wrong(NonDifferentiableInputError, "Thing", "wg.register_structure")
def other_class():
    wg.grad(square)(Thing())  # here


@wrong(NonDifferentiableInputError, "matrix")
def matrix():
    wg.grad(square)(MATRIX)  # here


@wrong(NonDifferentiableInputError, "MaskedArray")
def masked_array():
    wg.grad(square)(np.ma.array([1.0, 2.0], mask=[0, 1]))  # here


@pytest.mark.parametrize("call", [wg.jvp, wg.vjp, wg.linearize, wg.jacfwd, wg.jacrev, wg.jacobian, wg.hessian])
def test_text_as_argument_of_every_transformation(call):
    with pytest.raises(NonDifferentiableInputError, match=r"builtins\.str as argument 0 of (jacrev\()?square"):
        if call is wg.jvp:
            call(square, ("a",), (1.0,))
        elif call in (wg.vjp, wg.linearize):
            call(square, "a")
        else:
            call(square)("a")


@wrong(NonDifferentiableInputError, "trace got a builtins.str")
def text_to_trace():
    wg.trace(square)("a")  # here


@wrong(NonDifferentiableInputError, "holomorphic=True needs complex inputs", "complex(x)")
def holomorphic_of_a_real():
    wg.grad(lambda z: z * z, holomorphic=True)(1.0)  # here


@wrong(StructureError, "argnums=2 names argument 2", "called with 2 positional", "by position")
def argnums_out_of_range():
    wg.grad(lambda x, y: x * y, argnums=2)(1.0, 2.0)  # here


@wrong(StructureError, "called with 0 positional")
def argument_by_keyword():
    wg.grad(square)(x=1.0)  # here


@wrong(StructureError, "argnums='x'", "argnums=(0, 2)")
def argnums_is_a_name():
    wg.grad(square, argnums="x")  # here


@wrong(StructureError, "twice")
def argnums_twice():
    wg.jacfwd(lambda x, y: x * y, argnums=(0, -2))(1.0, 2.0)  # here


@wrong(StructureError, "grad takes a function, got a float64", "wg.grad(f)(x) rather than wg.grad(f(x))")
def result_instead_of_function():
    wg.grad(square(X))  # here


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacfwd", "jacrev", "jacobian", "hessian", "vmap", "trace"])
def test_every_transformation_takes_a_function(name):
    with pytest.raises(StructureError, match="takes a function, got a float64"):
        getattr(wg, name)(square(X))


# results ---------------------------------------------------------------------------------------------------------
@wrong(NonScalarOutputError, "returned an array f64[2]", "np.sum", "wg.jacobian")
def array_result():
    wg.grad(np.sin)(X)  # here


@wrong(NonScalarOutputError, "returned an array f64[1]")
def array_of_one():
    wg.grad(lambda x: x[:1])(X)  # here


@wrong(NonScalarOutputError, "the structure (*, *)", "has_aux=True")
def tuple_result():
    wg.grad(lambda x: (square(x), x))(X)  # here


@wrong(NonScalarOutputError, "the structure {'loss': *}")
def dict_result():
    wg.grad(lambda x: {"loss": square(x)})(X)  # here


@wrong(NonScalarOutputError, "returned None")
def no_return():
    def f(x):
        x * x

    wg.grad(f)(1.0)  # here


@wrong(NonScalarOutputError, "i64[], which has no derivative")
def integer_result():
    wg.grad(lambda x: 3)(1.0)  # here


@wrong(NonScalarOutputError, "bool[]")
def boolean_result():
    wg.grad(lambda x: x > 2)(1.0)  # here


@wrong(NonScalarOutputError, "complex number c128[]", "holomorphic=True")
def complex_result():
    wg.grad(lambda x: x * 1j)(1.0)  # here


@wrong(NonScalarOutputError, "real number f64[], with holomorphic=True")
def holomorphic_to_real():
    wg.grad(lambda z: np.abs(z), holomorphic=True)(1.0 + 2.0j)  # here


@wrong(NonScalarOutputError, "returned a str")
def text_result():
    wg.grad(lambda x: "a")(1.0)  # here


@wrong(NonScalarOutputError, "returned a generator")
def generator_result():
    wg.grad(lambda x: (x for _ in range(2)))(1.0)  # here


@pytest.mark.parametrize("name", ["jacfwd", "jacrev", "jacobian", "vmap", "trace", "vjp", "linearize", "jvp"])
def test_text_as_result_of_every_transformation(name):
    transform = getattr(wg, name)
    with pytest.raises(StructureError, match=f"returned a str under {name}"):
        if name == "jvp":
            transform(lambda x: "a", (X,), (X,))
        elif name in ("vjp", "linearize"):
            transform(lambda x: "a", X)
        else:
            transform(lambda x: "a")(X)


@pytest.mark.parametrize("result", [lambda x: x, lambda x: (x, 1, 2), lambda x: [x, 1]])
def test_aux_needs_a_pair(result):
    with pytest.raises(StructureError, match="did not return a pair") as caught:
        wg.grad(result, has_aux=True)(1.0)
    assert "return value, aux" in str(caught.value)


@pytest.mark.parametrize("constant", [3.0, np.float64(3.0), np.array(3.0)])
def test_a_constant_function_has_gradient_zero_in_silence(constant):
    outside = constant * 2
    assert wg.grad(lambda x: outside)(1.0) == 0
    np.testing.assert_array_equal(wg.grad(lambda x: outside)(X), [0, 0])


# tangents and adjoints -------------------------------------------------------------------------------------------
@wrong(StructureError, "as tuples", "(x,), (x_dot,)")
def jvp_without_tuples():
    wg.jvp(square, X, X)  # here


@wrong(TangentMismatchError, "f64[2]: it has shape (3,)", "reshape")
def tangent_of_other_shape():
    wg.jvp(square, (X,), (np.ones(3),))  # here


@wrong(TangentMismatchError, "it has shape ()")
def number_as_tangent_of_an_array():
    wg.jvp(square, (X,), (1.0,))  # here


@wrong(TangentMismatchError, "complex128")
def complex_tangent_of_a_real():
    wg.jvp(square, (X,), (X * 1j,))  # here


@wrong(TangentMismatchError, "found a str")
def text_as_tangent():
    wg.jvp(square, (X,), ("a",))  # here


@wrong(TangentMismatchError, "discrete value has no tangent")
def tangent_of_an_integer():
    wg.jvp(lambda n, x: n * x, (2, 1.0), (1.0, 1.0))  # here


@wrong(StructureError, "1 primals and 2 tangents")
def too_many_tangents():
    wg.jvp(square, (X,), (X, X))  # here


@wrong(StructureError, "{'b': *}", "expected {'a': *}")
def tangent_with_other_keys():
    wg.jvp(lambda p: p["a"], ({"a": 1.0},), ({"b": 1.0},))  # here


@wrong(TangentMismatchError, "adjoint 0 of sin", "f64[2]", "(3,)")
def adjoint_of_other_shape():
    pull = wg.vjp(np.sin, X)[1]
    pull(np.ones(3))  # here


@wrong(StructureError, "structure is *, expected (*, *)")
def adjoint_of_other_structure():
    pull = wg.vjp(lambda x: (x, x), X)[1]
    pull(X)  # here


@wrong(TangentMismatchError, "(3,)")
def linearized_on_other_shape():
    push = wg.linearize(np.sin, X)[1]
    push(np.ones(3))  # here


@wrong(StructureError, "1 primals and 2 tangents")
def linearized_on_too_many():
    push = wg.linearize(np.sin, X)[1]
    push(X, X)  # here


# vmap ------------------------------------------------------------------------------------------------------------
@wrong(StructureError, "in_axes has 2 entries for 1 positional")
def in_axes_for_too_many():
    wg.vmap(square, in_axes=(0, 0))(np.eye(2))  # here


@wrong(StructureError, "in_axes='rows'")
def in_axes_is_a_name():
    wg.vmap(square, in_axes="rows")(np.eye(2))  # here


@wrong(StructureError, "in_axes=(0.5,)")
def in_axes_is_a_fraction():
    wg.vmap(square, in_axes=(0.5,))(np.eye(2))  # here


@wrong(StructureError, "does not fit the structure")
def in_axes_of_other_structure():
    wg.vmap(lambda p: p["a"], in_axes=({"b": 0},))({"a": X})  # here


@wrong(ShapeError, "axis 2 of argument 0", "f64[2,2]")
def in_axes_out_of_range():
    wg.vmap(square, in_axes=2)(np.eye(2))  # here


@wrong(ShapeError, "axis 0 of argument 0", "f64[]", "in_axes=None")
def vmap_over_a_number():
    wg.vmap(square)(1.0)  # here


@wrong(ShapeError, "2 (argument 0), 3 (argument 1)")
def lengths_that_differ():
    wg.vmap(np.add)(np.ones(2), np.ones(3))  # here


@wrong(ShapeError, "found none", "axis_size")
def nothing_mapped():
    wg.vmap(square, in_axes=None)(X)  # here


@wrong(ShapeError, "out_axes=None")
def out_axes_none():
    wg.vmap(np.sin, out_axes=None)(X)  # here


@wrong(ShapeError, "at axis 3", "between -1 and 0")
def out_axes_out_of_range():
    wg.vmap(np.sin, out_axes=3)(X)  # here


@wrong(AbstractValueError, "differs between vmap's lanes", "wnp.where")
def decision_under_vmap():
    def f(x):
        return x if x > 0 else -x  # here

    wg.vmap(f)(X)


@wrong(ConcretizationError, "i64[]", "wnp.take(a, i)")
def traced_index_of_a_plain_array():
    table = np.arange(5.0)

    def f(i):
        return table[i]  # here

    wg.vmap(f)(np.array([1, 2]))


# values taken out of the trace ------------------------------------------------------------------------------------
MODES = {
    "grad": lambda f: wg.grad(f)(2.0),
    "jvp": lambda f: wg.jvp(f, (2.0,), (1.0,)),
    "grad of grad": lambda f: wg.grad(wg.grad(f))(2.0),
    "trace of grad": lambda f: wg.trace(wg.grad(f))(2.0),
}


def differentiated(kind, *says):
    """The same for a function that is wrong under differentiation: it is run by grad, jvp, and grad of grad."""

    def declare(f):
        for name, transform in MODES.items():
            # each example has a closure of its own
            def example(f=f, transform=transform):
                return transform(f)

            example.__name__ = f"{f.__name__} under {name}"
            wrong(kind, *says)(example)
        return f

    return declare


LOST = "which would lose its derivative"


@differentiated(ConcretizationError, "plain float", LOST, "wg.stop_gradient")
def to_float(t):
    return float(t)  # here


@differentiated(ConcretizationError, "plain int", LOST, "int(np.floor(t))")
def to_int(t):
    return int(t)  # here


@differentiated(ConcretizationError, "plain complex number", "a + 1j * b")
def to_complex(t):
    return complex(t)  # here


@differentiated(ConcretizationError, "plain float", "np.sin(t) for math.sin(t)")
def math_function(t):
    return math.sin(t)  # here


@differentiated(ConcretizationError, "plain complex", "np.sin(t) for cmath.sin(t)")
def cmath_function(t):
    return cmath.sin(t)  # here


@differentiated(ConcretizationError, "item()")
def item(t):
    return t.item()  # here


@differentiated(ConcretizationError, "NumPy array", "wnp.array([t, t])")
def array_of_traced(t):
    return np.array([t, t]).sum()  # here


@differentiated(ConcretizationError, "NumPy array")
def asarray(t):
    return np.asarray(t)  # here


@differentiated(ConcretizationError, "NumPy array")
def scalar_type(t):
    return np.float64(t)  # here


@differentiated(ConcretizationError, "NumPy array", "wnp.full")
def full(t):
    return np.full(3, t).sum()  # here


@differentiated(ConcretizationError, "plain int")
def used_in_range(t):
    return sum(range(t))  # here


@differentiated(ConcretizationError, "plain int")
def rounded(t):
    return round(t) * t  # here


@differentiated(ConcretizationError, "plain int")
def truncated(t):
    return math.trunc(t) * t  # here


@differentiated(ConcretizationError)
def index_of_a_plain_array(t):
    return X[t]  # here


@differentiated(ConcretizationError, "plain int")
def index_of_a_list(t):
    return [1.0, 2.0][t]  # here


@differentiated(ConcretizationError, "plain int")
def bound_of_a_slice(t):
    return X[:t].sum()  # here


@differentiated(ConcretizationError, "plain int")
def shape_of_an_array(t):
    return np.zeros(t).sum()  # here


@differentiated(ConcretizationError, "plain float", "f'{t:.3f}'")
def percent_format(t):
    return len("%.3f" % t) * t  # noqa: UP031  # here


@differentiated(ConcretizationError, "plain float")
def machine_array(t):
    a = array.array("d", [0.0])
    a[0] = t  # here
    return a[0]


@differentiated(ConcretizationError, "plain float")
def packed(t):
    return len(struct.pack("d", t)) * t  # here


@differentiated(ConcretizationError, "pickle", "has_aux=True")
def pickled(t):
    return len(pickle.dumps(t)) * t  # here


@differentiated(ConcretizationError, "plain float")
def from_iterator(t):
    return np.fromiter([t, t], float).sum()  # here


@differentiated(ConcretizationError)
def random_parameter(t):
    return np.random.default_rng(0).normal(t)  # here


@differentiated(UnsupportedFunctionError, "not JSON serializable")
def to_json(t):
    return len(json.dumps({"loss": t})) * t  # here


@differentiated(UnsupportedFunctionError, "Decimal")
def to_decimal(t):
    return float(decimal.Decimal(t))  # here


@differentiated(UnsupportedFunctionError, "Tracer")
def statistics_function(t):
    return statistics.mean([t, t])  # here


@differentiated(UnsupportedFunctionError, "'Tracer' and 'str'")
def sum_with_text(t):
    return t + "a"  # here


@differentiated(UnsupportedFunctionError, "not callable")
def called(t):
    return t(2)  # here


# assignment into plain arrays -------------------------------------------------------------------------------------
PLAIN = "np.zeros_like(t)"


@differentiated(ConcretizationError, PLAIN)
def set_element(t):
    a = np.zeros(3)
    a[0] = t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_element_of_matrix(t):
    a = np.zeros((3, 3))
    a[0, 1] = t * 2.0  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_slice(t):
    a = np.zeros(3)
    a[:2] = t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_mask(t):
    a = np.zeros(3)
    a[a == 0] = t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_indices(t):
    a = np.zeros(3)
    a[[0, 2]] = t * np.ones(2)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_all(t):
    a = np.zeros(3)
    a[...] = t * np.ones(3)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_in_single_precision(t):
    a = np.zeros(3, np.float32)
    a[0] = t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_complex(t):
    a = np.zeros(3, complex)
    a[0] = t  # here
    return a.real.sum()


@differentiated(ConcretizationError, PLAIN)
def set_integer(t):
    a = np.zeros(3, int)
    a[0] = t  # here
    return a.sum() * t


@differentiated(ConcretizationError, PLAIN)
def set_zero_dimensional(t):
    a = np.zeros(())
    a[()] = t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_row_of_numbers(t):
    a = np.zeros((2, 2))
    a[0] = [t, 1.0]  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def set_flat(t):
    a = np.zeros(3)
    a.flat[0] = t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def fill(t):
    a = np.zeros(3)
    a.fill(t)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def put(t):
    a = np.zeros(3)
    a.put(0, t)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def add_to(t):
    a = np.zeros(3)
    a += t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def add_to_element(t):
    a = np.zeros(3)
    a[0] += t  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def out_argument(t):
    a = np.zeros(3)
    np.multiply(t, np.ones(3), out=a)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def copyto(t):
    a = np.zeros(3)
    np.copyto(a, t)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def add_at(t):
    a = np.zeros(3)
    np.add.at(a, [0, 0], t)  # here
    return a.sum()


@differentiated(ConcretizationError, PLAIN)
def in_a_helper(t):
    def helper(a, value):
        a[0] = value  # here

    a = np.zeros(3)
    helper(a, t)
    return a.sum()


@differentiated(UnsupportedFunctionError, "numpy.packbits", "wg.stop_gradient")
def function_without_derivative(t):
    return np.packbits(t) * t  # here


# abstract values and recorded programs ----------------------------------------------------------------------------
@wrong(AbstractValueError, "bool[]", "wg.cond")
def decision_on_types():
    def f(t):
        return t if t > 0 else -t  # here

    wg.trace(f, abstract=True)(1.0)


@wrong(AbstractValueError, "i64[]")
def range_on_types():
    def f(n, x):
        for _ in range(n):  # here
            x = x * x
        return x

    wg.trace(f, abstract=True)(3, 2.0)


@wrong(BranchChangedError, "saw True; here it sees False", "wg.cond")
def other_branch():
    def f(t):
        return t if t > 0 else -t

    program = wg.trace(f)(1.0)
    program(-1.0)  # here


@wrong(ShapeError, "f64[3]", "recorded for f64[2]")
def program_on_other_shape():
    program = wg.trace(square)(X)
    program(np.ones(3))  # here


@wrong(StructureError, "the arguments of program square")
def program_on_too_many():
    program = wg.trace(square)(X)
    program(X, X)  # here


@wrong(ShapeError, "(2,) and (3,)", "reshape")
def shapes_that_do_not_broadcast():
    def f(x):
        return np.sum(x + np.ones(3))  # here

    wg.grad(f)(X)


# leaks -----------------------------------------------------------------------------------------------------------
SAVED = []
LEAKS = {
    "grad": lambda f: wg.grad(f)(2.0),
    "jvp": lambda f: wg.jvp(f, (2.0,), (1.0,)),
    "vmap": lambda f: wg.vmap(f)(X),
    "trace": lambda f: wg.trace(f)(2.0),
}
HOLDERS = {
    "list": lambda x: SAVED.append(lambda: x),
    "result of an operation": lambda x: SAVED.append(lambda y=x * 2.0: y),
    "generator": lambda x: SAVED.append((y for y in [x]).__next__),
    "attribute": lambda x: (setattr(Thing, "kept", x), SAVED.append(lambda: Thing.kept)),
}
USES = {
    "operator": lambda t: t + 1.0,
    "reflected operator": lambda t: 1.0 + t,
    "function": lambda t: np.sin(t),
    "reduction": lambda t: np.sum(t),
    "float": float,
    "array": np.asarray,
    "comparison": lambda t: t > 1.0,
    "truth": bool,
    "index": lambda t: t[...],
    "assignment": lambda t: operator.setitem(t * 1.0, ..., 1.0),
    "item": lambda t: t.item(),
    "copy": lambda t: copy.copy(t) * 2.0,
    "result of another function": lambda t: wg.grad(lambda x: t)(1.0),
    "closure of another function": lambda t: wg.grad(lambda x: t * x)(1.0),
    "argument of another function": lambda t: wg.grad(lambda x: x * x)(t),
}


def keep(hold):
    def keeps(x):
        hold(x)
        return x * x

    return keeps


def leak(transform, hold):
    SAVED.clear()
    transform(keep(hold))
    return SAVED.pop()()


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("transform", LEAKS.values(), ids=LEAKS)
def test_leaks(transform, hold):
    t = leak(transform, hold)
    with pytest.raises(LeakedTracerError, match=rf"inside keeps, {re.escape(__file__)}") as caught:
        t * 2.0  # here
    check_message(caught.value)
    assert "wg.debug.leaks()" in str(caught.value)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("transform", [LEAKS["grad"], LEAKS["jvp"]], ids=["grad", "jvp"])
def test_every_use_of_a_leaked_value_is_refused(transform, use):
    t = leak(transform, HOLDERS["list"])
    with pytest.raises(LeakedTracerError):
        use(t)


def test_leak_between_nested_transformations():
    def outer(x):
        wg.grad(keep(HOLDERS["list"]))(x)
        return SAVED.pop()() * x

    with pytest.raises(LeakedTracerError):
        wg.grad(outer)(1.0)


def test_leak_assigned_into_a_plain_array():
    a = np.zeros(2)
    t = leak(LEAKS["grad"], HOLDERS["list"])

    def f(x):
        a[0] = t  # here
        return x

    with pytest.raises(LeakedTracerError) as caught:
        wg.grad(f)(1.0)
    check_message(caught.value)


def test_what_is_known_of_a_leaked_value_can_be_looked_at():
    t = leak(LEAKS["grad"], HOLDERS["list"])
    assert t.shape == () and t.dtype == float
    assert repr(t) == "Tracer<f64[], reverse-mode derivative, value 2.>"
    assert f"{t} {t:.2f}" == "2.0 2.00"


# the messages ----------------------------------------------------------------------------------------------------
def check_message(error):
    """what, where (the line that is marked), why, write."""
    assert isinstance(error, errors.WengertError)
    assert error.where is not None and error.where.file == __file__
    assert "# here" in linecache.getline(error.where.file, error.where.line), error.where
    lines = str(error).splitlines()
    assert lines[0] == error.what and not error.what.endswith(".")
    assert lines[1].startswith(f"  where: {__file__}:{error.where.line}")
    assert error.why and f"  why:   {error.why}" in str(error)
    assert error.write and f"  write: {error.write}" in str(error)
    assert "Tracer<" not in str(error) and "PyTreeSpec" not in str(error)


@pytest.mark.parametrize("name", WRONG)
def test_mistake(name):
    example, kind, says = WRONG[name]
    with pytest.raises(errors.WengertError) as caught:
        example()
    assert type(caught.value) is kind
    check_message(caught.value)
    for words in says:
        assert words in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "During handling" not in shown and "direct cause" not in shown
    assert re.search(rf'File "{re.escape(__file__)}", line {caught.value.where.line}\b', shown)


def test_errors_are_the_python_errors_of_their_kind():
    for kind in (NonDifferentiableInputError, NonScalarOutputError, ConcretizationError, UnsupportedFunctionError):
        assert issubclass(kind, TypeError)
    for kind in (TangentMismatchError, StructureError, ShapeError):
        assert issubclass(kind, TypeError) and issubclass(kind, ValueError)
    assert issubclass(NonFiniteError, FloatingPointError) and issubclass(GradientCheckError, AssertionError)
    assert issubclass(LeakedTracerError, RuntimeError) and issubclass(UnsupportedFunctionError, NotImplementedError)


def test_errors_of_the_user_pass_as_they_are():
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        wg.grad(f)(1.0)

    def g(x):
        try:
            float(x)
        except TypeError as error:
            raise ValueError("a model of mine needs numbers") from error

    with pytest.raises(ValueError, match="a model of mine") as caught:
        wg.grad(g)(1.0)
    assert type(caught.value) is ValueError

    def h(x):
        np.zeros(2) + np.zeros(3)
        return x

    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        wg.grad(h)(1.0)
    assert type(caught.value) is ValueError


def test_error_that_the_user_catches():
    def f(x):
        try:
            y = math.exp(x)
        except TypeError:
            y = np.exp(x)
        return y * x

    assert wg.grad(f)(1.0) == pytest.approx(2 * np.e)


def test_error_in_a_coroutine():
    async def f():
        await asyncio.sleep(0)
        return wg.grad(square)(3)  # here

    with pytest.raises(NonDifferentiableInputError) as caught:
        asyncio.run(f())
    check_message(caught.value)


# what is allowed -------------------------------------------------------------------------------------------------
def test_printing_shows_values():
    seen = []

    def f(x):
        y = 2.0 * x
        seen.append((str(y), f"{y}", f"{y:.3f}", f"{x:8.2e}", repr(y), f"{x * np.ones(2)}"))
        return y * y

    wg.grad(f)(1.5)
    shown = ("3.0", "3.0", "3.000", "1.50e+00", "Tracer<f64[], reverse-mode derivative, value 3.>", "[1.5 1.5]")
    assert seen.pop() == shown
    wg.grad(wg.grad(f))(1.5)
    assert seen[-1][:4] == ("3.0", "3.0", "3.000", "1.50e+00")
    wg.trace(f)(1.5)
    assert seen[-1][2] == "3.000"
    wg.trace(f, abstract=True)(1.5)
    assert seen[-1][0] == seen[-1][2] == "Tracer<f64[], trace>"
    wg.vmap(f)(X)
    assert seen[-1][2].startswith("Tracer<f64[], vmap, value")


def test_traced_values_are_keys_by_identity():
    assert wg.grad(lambda t: {t: 3.0}[t] * t)(2.0) == 3.0
    assert wg.grad(lambda t: 1.0 * t if t in [1.0, 2.0] else 0.0 * t)(2.0) == 1.0
    assert wg.grad(lambda t: t * [5.0, t].index(t))(2.0) == 1.0


def test_copies_are_snapshots():
    def f(x):
        a, b = copy.copy(x), copy.deepcopy([x])
        x[0] = 0.0
        return np.sum(a * 2.0) + np.sum(b[0] * 3.0) + np.sum(x * 5.0)

    np.testing.assert_array_equal(wg.grad(f)(X), [5.0, 10.0])


def test_rounding_to_digits_has_derivative_zero():
    assert wg.grad(lambda t: round(t, 1) * t)(2.34) == pytest.approx(2.3)


TAKEN_OUT = {
    "float": lambda t: t * float(wg.stop_gradient(t)),
    "int": lambda t: t * int(wg.stop_gradient(t)),
    "item": lambda t: t * wg.stop_gradient(t).item(),
    "complex": lambda t: t * complex(wg.stop_gradient(t)).real,
    "math": lambda t: t * math.sqrt(wg.stop_gradient(t * t)),
    "int of floor": lambda t: t * int(np.floor(t)),
    "index": lambda t: t * [0.0, 1.0, 2.0, 3.0][int(np.round(t))],
}


@pytest.mark.parametrize("f", TAKEN_OUT.values(), ids=TAKEN_OUT)
def test_what_has_no_derivative_may_be_taken_out(f):
    assert wg.grad(f)(2.0) == 2.0
    assert wg.jvp(f, (2.0,), (1.0,)) == (4.0, 2.0)
    assert wg.grad(wg.grad(f))(2.0) == 0.0
    assert wg.jvp(wg.grad(f), (2.0,), (1.0,)) == (2.0, 0.0)
    program = wg.trace(wg.grad(f))(2.0)
    assert program(2.0) == 2.0
    with pytest.raises(BranchChangedError):
        program(5.0)
    with pytest.raises(ConcretizationError):
        wg.vmap(f)(X)


def test_array_without_derivative_may_be_taken_out():
    assert wg.grad(lambda x: np.sum(x * np.asarray(wg.stop_gradient(x))))(X).tolist() == [1.0, 2.0]


def test_nothing_is_lost_where_the_array_is_ours():
    def f(t):
        a = wnp.zeros(3)
        a[0] = t
        a += t
        return np.sum(a * a)

    assert wg.grad(f)(3.0) == 2 * (2 * 3.0 * 2 + 3.0 * 1 + 3.0 * 1)


# all raises in the source, all classes in the documentation -------------------------------------------------------
KINDS = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.WengertError)
}


def test_every_raise_says_why_and_what_to_write():
    silent = []
    for path in sorted((ROOT / "wengert").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name in KINDS and not {"why", "write"} <= {keyword.arg for keyword in node.keywords}:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not silent


def test_every_class_has_its_page():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for name in KINDS - {"WengertError"}:
        section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
        assert section, f"docs/errors.md has no section {name}"
        assert f"<!-- raises: {name} -->" in section[1]
        assert section[1].count("```python") >= 2, f"{name}: a failing and a fixed example"


# what SciPy was given ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("f", "package", "instead"),
    [
        (lambda x: scipy.special.logsumexp(x), "scipy.special", "from wengert.scipy import special"),
        (lambda x: np.sum(scipy.stats.norm.logpdf(x)), "scipy.stats", "from wengert.scipy import stats"),
        (lambda x: np.sum(scipy.linalg.expm(np.outer(x, x))), "scipy.linalg", "from wengert.scipy import linalg"),
        (lambda x: scipy.optimize.brentq(lambda t: t - x[0], 0, 3), "scipy.optimize", "wg.implicit.root"),
        (lambda x: scipy.integrate.quad(lambda t: t * x[0], 0, 3)[0], "scipy.integrate", "wg.implicit.ode or quad"),
        (lambda x: scipy.interpolate.CubicSpline([0, 1, 2], x)(0.5), "scipy.interpolate", "import interpolate"),
        (
            lambda x: np.sum(scipy.linalg.cho_factor(np.outer(x, x) + np.eye(3))[0]),
            "scipy",
            "wg.jit(wg.grad(f))",
        ),
        (lambda x: scipy.cluster.vq.whiten(np.outer(x, x)).sum(), "scipy.cluster", "wg.custom_jvp"),
    ],
)
def test_what_scipy_was_given(f, package, instead):
    with pytest.raises(errors.ConcretizationError, match=f"{package} was called with a traced array") as caught:
        wg.grad(f)(np.ones(3))
    assert instead in caught.value.write
    assert __file__ in str(caught.value)


# what is more than its elements, and what arrays have not ----------------------------------------------------------
MORE = [np.ma.array(np.ones(3), mask=[0, 1, 0]), np.matrix([1.0, 2.0, 3.0]).T]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("more", MORE, ids=["masked", "matrix"])
@pytest.mark.parametrize("transformed", [wg.grad, wg.jit, wg.vmap], ids=lambda t: t.__name__)
def test_arrays_that_are_more_than_their_elements_are_refused(more, transformed):
    x = np.ones((3, 3))
    for f in (
        lambda x: np.sum(x * more),
        lambda x: np.sum(np.add(x, more)),
        lambda x: np.sum(np.where(x > 0, more, x)),
    ):
        with pytest.raises(errors.UnsupportedFunctionError, match="is combined with a traced array"):
            transformed(f)(x)


@pytest.mark.parametrize("transformed", [wg.grad, wg.jit, wg.vmap], ids=lambda t: t.__name__)
def test_attributes_that_arrays_have_not(transformed):
    x = np.ones((2, 2))
    for f, text in (
        (lambda x: x.sin(), "np.sin(x)"),
        (lambda x: x.flags, "memory"),
        (lambda x: x.tobytes(), "memory"),
        (lambda x: x.foo, "'foo'"),
    ):
        with pytest.raises(errors.MissingAttributeError) as caught:
            transformed(f)(x)
        assert text in str(caught.value)
    transformed(lambda x: np.sum(x * (2 if hasattr(x, "flags") else 3)))(x)
    with pytest.raises(errors.UnsupportedFunctionError, match="modulus"):
        transformed(lambda x: np.sum(pow(x, 2, 3)))(x)


@pytest.mark.parametrize("transformed", [wg.grad, wg.vmap], ids=lambda t: t.__name__)
def test_a_dict_is_asked_for_a_traced_key(transformed):
    with pytest.raises(errors.ControlFlowError, match="looked up in a dict"):
        transformed(lambda x: {1.0: x}[x[0]])(np.ones((2, 2)))
