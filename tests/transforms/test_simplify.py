"""simplify: the same function with fewer equations."""

import math
import time

import numpy
import optree
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import random_programs
import wengert as wg
from transforms.agreement import agree, size, traced
from transforms.functions import FUNCTIONS
from wengert.core.program import Literal
from wengert.core.record import record
from wengert.core.types import ArrayType
from wengert.errors import BranchChangedError
from wengert.primitives import elementwise as ew
from wengert.primitives.shape import broadcast_to
from wengert.transforms.simplify import simplify

np = wg.numpy
VECTOR = ArrayType((3,), numpy.float64)
LIBRARY = random_programs.Library(np, random_programs.in_place, wg, wg)


def derived(f, mode):
    """A function of two arrays, or one of its derivatives."""
    if mode == "value":
        return f
    if mode == "grad":
        return wg.value_and_grad(f, argnums=(0, 1))
    if mode == "hvp":
        return lambda x, y: wg.jvp(wg.grad(f), (x, y), (x, y))
    return lambda x, y: wg.vmap(wg.grad(f))(np.stack([x, 0.5 * x]), np.stack([y, 2 * y]))


@settings(suppress_health_check=list(HealthCheck))
@given(random_programs.programs(), st.sampled_from(["value", "grad", "hvp", "vmap"]))
def test_random_programs(program, mode):
    f = derived(lambda x, y: program(LIBRARY, x, y), mode)
    short = agree(traced(f, *program.inputs), program.inputs)
    assert size(agree(short, program.inputs)) <= size(short)


@settings(suppress_health_check=list(HealthCheck), max_examples=30)
@given(random_programs.programs(), st.sampled_from([numpy.nan, numpy.inf, -0.0, 1e200]), st.integers(0, 99))
def test_special_values(program, value, k):
    """What is NaN or infinite stays so, and nothing else becomes it."""
    inputs = [x.copy() for x in program.inputs]
    if inputs[0].size:
        inputs[0].reshape(-1)[k % inputs[0].size] = value
    made = traced(lambda x, y: program(LIBRARY, x, y), *inputs)
    with numpy.errstate(all="ignore"):
        (before,), (after,) = made.evaluate(inputs), simplify(made).evaluate(inputs)
    assert numpy.isnan(before) == numpy.isnan(after) and numpy.isinf(before) == numpy.isinf(after)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    """Derivatives of functions of all kinds shrink."""
    f, args, before, after = FUNCTIONS[name]
    types = optree.tree_map(lambda a: ArrayType(a.shape, a.dtype), args)
    program = wg.trace(f)(*types)
    short = agree(program, optree.tree_leaves(args))
    assert abs(size(program) - before) <= 8, "the engine records other programs: look at the table again"
    assert size(short) <= after


@pytest.mark.parametrize("name", ["softmax", "rosenbrock", "kmeans", "bundle", "lorenz", "lstm"])
def test_single_precision(name):
    """float32 stays float32."""
    f, args, *_ = FUNCTIONS[name]
    args = [a.astype(numpy.float32) for a in args]
    assert {t.dtype for t in agree(traced(f, *args), args).out_types} == {numpy.dtype(numpy.float32)}


def test_complex_numbers():
    z = numpy.array([1 + 0.5j, -0.3j, 0.2, 2 - 1j])
    f = lambda z: np.sum(-z[1:] * np.conj(np.conj(z[:-1]) ** 2) + 1 * np.exp(-z[1:]))
    agree(traced(wg.grad(f, holomorphic=True), z), [z])
    agree(traced(wg.grad(lambda z: np.real(f(z) * np.conj(f(z)))), z), [z])


def test_structure_and_source():
    """A simplified program is called like the function, and its equations know the user's lines."""
    program = wg.trace(lambda d: {"y": np.sin(d["x"]) + 0 * d["x"]})({"x": wg.ArrayType((2,), float)})
    short = simplify(program)
    x = numpy.array([1.0, 2.0])
    numpy.testing.assert_allclose(short({"x": x})["y"], numpy.sin(x))
    assert all(eq.source.file == __file__ for eq in short.equations)
    assert simplify(program) is short


# common subexpressions, dead code --------------------------------------------------------------------------------
def primitives(program):
    """The names of a program's primitives, in order."""
    return [str(eq.primitive) for eq in program.equations]


def test_common_subexpressions():
    program = record(
        lambda x, y: [ew.sin(ew.mul(x, y)), ew.sin(ew.mul(y, x)), ew.sub(x, y), ew.sub(y, x)], [VECTOR] * 2
    )
    assert sorted(primitives(simplify(program))) == ["mul", "sin", "sub", "sub"]


def test_numbers_are_told_apart():
    """1, 1.0 and True; 0.0 and -0.0; and complex ones that differ in the sign of a zero."""
    kinds = (1, 1.0, True, numpy.float64(1.0), numpy.float32(1.0), 0.0, -0.0, complex(1, 0.0), complex(1, -0.0))
    x = numpy.array([0.0, 2.0])
    f = lambda x: [ew.add(x, k) if k.__class__ is complex else ew.arctan2(k, x) for k in kinds]
    program = record(f, [ArrayType((2,), float)])
    before, after = program.evaluate([x]), simplify(program).evaluate([x])
    for a, b in zip(before, after, strict=True):
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_params_are_told_apart():
    """axis=1, reverse=False is not axis=0, reverse=True, in whichever order they are written."""
    x = numpy.arange(4.0).reshape(2, 2)
    program = record(
        lambda x: [
            wg.primitives.reduce.cumsum(x, axis=1, reverse=False),
            wg.primitives.reduce.cumsum(x, reverse=True, axis=0),
        ],
        [ArrayType((2, 2), float)],
    )
    for a, b in zip(program.evaluate([x]), simplify(program).evaluate([x]), strict=True):
        numpy.testing.assert_array_equal(a, b)


def test_dead_code():
    def f(x):
        ew.exp(x)
        return [ew.sin(x), wg.scan(lambda c, r: (c + r, (np.exp(c), c)), 0.0, x)[1][1]]

    short = simplify(record(f, [VECTOR]))
    assert primitives(short) == ["sin", "scan"]
    assert primitives(short.equations[1].params["body"]) == ["add"]


def test_effects_stay():
    """Assumptions stay in their order, once each."""
    x = numpy.array([1.0, -2.0])

    def f(x):
        for _ in range(2):
            y = 2 * x[0] if x[0] > 0 else x[0]
            if x[1] < 0:
                y = y + 1
        return y

    program = wg.trace(f)(x)
    short = simplify(program)
    assert primitives(program).count("assume") == 4 and primitives(short).count("assume") == 2
    assert short(x) == 3.0
    with pytest.raises(BranchChangedError):
        short(numpy.array([1.0, 2.0]))


# constants -------------------------------------------------------------------------------------------------------
def test_constants_are_folded():
    c = numpy.array([1.0, 2.0, 4.0])
    short = simplify(record(lambda x: [ew.mul(x, ew.add(ew.sqrt(broadcast_to(c, shape=(3,))), ew.exp(0.0)))], [VECTOR]))
    assert primitives(short) == ["mul"]
    assert simplify(record(lambda x: [ew.mul(x, ew.sqrt(np.ones(10**5)[:3]))], [VECTOR])).constants == ()


def test_filled_arrays_stay_symbolic():
    """An array filled with one number, and what is computed of it, is a number that is repeated."""
    big = ArrayType((1000,), numpy.float64)
    short = simplify(record(lambda x: [x, ew.mul(ew.exp(numpy.full(1000, 2.0)), ew.power(x, 0))], [big]))
    (eq,) = short.equations
    assert eq.primitive is broadcast_to and isinstance(eq.inputs[0], Literal)
    assert eq.inputs[0].value == math.exp(2) and not short.constants


def test_large_constants_are_left_alone():
    c = numpy.arange(1000.0)
    short = simplify(record(lambda x: [ew.add(x, ew.mul(2.0, ew.add(c, ew.mul(x, 0))))], [ArrayType((1000,), float)]))
    assert len(short.constants) == 1 and short.constants[0][1] is not None


def test_equal_constants_are_one():
    c = numpy.arange(20.0)
    short = simplify(record(lambda x: [ew.add(ew.mul(x, c), c.copy())], [ArrayType((20,), float)]))
    assert len(short.constants) == 1


def test_errors_of_constants_are_the_programs():
    """What cannot be computed is left for the program to fail at."""
    program = record(lambda x: [ew.power(numpy.array([2, 3]), ew.sub(-1, ew.mul(0, x)))], [ArrayType((2,), int)])
    with pytest.raises(ValueError):
        simplify(program).evaluate([numpy.array([1, 2])])


# elementwise work before views -----------------------------------------------------------------------------------
def test_elementwise_before_broadcast():
    """A quotient by what is repeated along an axis is computed once a row."""
    short = agree(
        traced(lambda x: np.exp(1 / np.broadcast_to(np.sum(x, 1, keepdims=True), x.shape)) * x, numpy.ones((2, 3))),
        [numpy.arange(6.0).reshape(2, 3)],
    )
    shapes = {str(eq.primitive): eq.outputs[0].type.shape for eq in short.equations}
    assert shapes["div"] == shapes["exp"] == (2,) and shapes["mul"] == (2, 3)


@pytest.mark.parametrize(
    "shapes", [((3,), (1, 3)), ((2, 1), (2, 1)), ((2, 1), (1, 3)), ((), (3,)), ((1,), (2, 1)), ((0,), (1, 0))]
)
def test_broadcast_operands(shapes):
    x, y = (numpy.arange(math.prod(s), dtype=float).reshape(s) + 0.5 for s in shapes)
    full = (4, *numpy.broadcast_shapes(*shapes))
    agree(traced(lambda x, y: np.broadcast_to(x, full) * np.sin(np.broadcast_to(y, full)), x, y), [x, y])


# values that are used once ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "f, shape, expected",
    [
        (lambda x: np.sum(x[1:] * x[:-1]), (5,), {"place": 2, "add": 1}),
        (lambda x: np.sum(np.sin(x[:2])) + np.sum(np.cos(x[2:])), (5,), {"concatenate": 1}),
        (lambda x: np.sin(x[0]) + np.cos(x[1]) * x[0] + np.exp(x[2]), (3,), {"stack": 1}),
        (lambda x: np.sin(x[0]) + np.cos(x[3]) * x[0], (4,), {"concatenate": 1}),
        (lambda x: np.sin(x[0]) + np.cos(x[3]) * x[0], (40,), {"place": 2}),
        (lambda x: np.sum(np.sin(x[:, 1]) + x[:, 0] ** 2 * x[:, 1]), (4, 2), {"stack": 1}),
        (lambda x: np.sum(x[::2] ** 2) + np.sum(np.sin(x[1::2])), (6,), {"place": 2}),
        (lambda x: np.sum(x**2) + np.sum(np.sin(x[:2])) + np.sum(np.exp(x[:2])), (6,), {"place": 1}),
    ],
)
def test_sums_of_parts(f, shape, expected):
    """Adjoints of parts that lie side by side are joined; those of one part are added before."""
    x = numpy.linspace(0.1, 1, math.prod(shape)).reshape(shape)
    names = primitives(agree(traced(wg.grad(f), x), [x]))
    assert {n: names.count(n) for n in expected} == expected
    assert all(n in expected for n in names if n in ("place", "concatenate", "stack"))


def test_products_in_disguise():
    """A sum of products of matrices that were broadcast is a product of matrices; transposes are labels."""
    x, y = numpy.arange(6.0).reshape(2, 3), numpy.arange(12.0).reshape(3, 4)
    short = agree(traced(lambda x, y: np.sum(x[:, :, None] * y, 1), x, y), [x, y])
    assert primitives(short) == ["einsum"]
    short = agree(traced(lambda x, y: (x @ y).T @ x, x, y), [x, y])
    assert primitives(short) == ["einsum", "einsum"]
    short = agree(traced(lambda x, y: np.sum(np.einsum("i,j->ij", x[:, 0], y[0]), 0), x, y), [x, y])
    assert max(v.type.size for eq in short.equations for v in eq.outputs) == 4
    short = agree(traced(lambda x, y: np.sum(x * x[1]), x, y), [x, y])
    assert "einsum" not in primitives(short)  # no free axis on either side: a fused sum is better


def test_time_is_linear():
    """Programs of many equations take as long an equation as small ones."""

    def f(n):
        def g(x):
            for _ in range(n):
                x = np.sin(x) * 0.5 + x[::-1] * x[0]
            return np.sum(x)

        return wg.trace(wg.grad(g))(wg.ArrayType((5,), float))

    def seconds(program):
        start = time.perf_counter()
        simplify(program)
        return (time.perf_counter() - start) / len(program.equations)

    small, large = f(50), f(1000)
    assert seconds(large) < 5 * max(seconds(small), 1e-5)


def test_one_round_of_a_loop_in_a_loop():
    """What has several results is found again where the program around it is put in the place of its call."""

    def f(x):
        return wg.fori_loop(0, 1, lambda i, v: wg.while_loop(lambda w: w < 3.0, lambda w: 1.5 * w + x, v), x)

    short = agree(traced(f, 0.5), [numpy.asarray(0.5)])
    assert "scan" not in str(short) and "while" in str(short)
