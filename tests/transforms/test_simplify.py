"""simplify: the same function with fewer equations."""

import numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import random_programs
import wengert as wg
from wengert.core.check import check
from wengert.transforms.simplify import simplify

np = wg.numpy


def size(program):
    """Equations, those of nested programs too."""
    return sum(1 + sum(map(size, eq.programs)) for eq in program.equations)


def agree(program, args, exact=False):
    """Evaluate a program and its simplified form: the same types, and the same values."""
    short = check(simplify(program))
    assert short.in_types == program.in_types and short.out_types == program.out_types
    assert (short.name, short.in_tree, short.out_tree) == (program.name, program.in_tree, program.out_tree)
    with numpy.errstate(all="ignore"):
        before, after = program.evaluate(args), short.evaluate(args)
    for x, y in zip(before, after, strict=True):
        x, y = numpy.asarray(x), numpy.asarray(y)
        assert x.shape == y.shape and x.dtype == y.dtype
        if exact:
            numpy.testing.assert_array_equal(x, y)
            if x.dtype.kind == "f":
                numpy.testing.assert_array_equal(numpy.signbit(x[x == x]), numpy.signbit(y[y == y]))
        elif x.dtype.kind in "fc":
            numpy.testing.assert_allclose(x, y, rtol=1e-9 if x.dtype.itemsize > 4 else 1e-4, atol=1e-11, equal_nan=True)
        else:
            numpy.testing.assert_array_equal(x, y)
    return short


def traced(f, *args):
    return wg.trace(f)(*(wg.ArrayType(numpy.shape(a), numpy.asarray(a).dtype) for a in args))


NUMPY = random_programs.Library(np, random_programs.in_place, wg, wg)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(random_programs.programs(), st.sampled_from(["value", "grad", "hvp", "vmap"]))
def test_random_programs(program, mode):
    def f(x, y):
        return program(NUMPY, x, y)

    def derived(x, y):
        if mode == "value":
            return f(x, y)
        if mode == "grad":
            return wg.value_and_grad(f, argnums=(0, 1))(x, y)
        if mode == "hvp":
            return wg.jvp(wg.grad(f), (x, y), (x, y))
        return wg.vmap(wg.grad(f))(np.stack([x, 0.5 * x]), np.stack([y, 2 * y]))

    agree(traced(derived, *program.inputs), program.inputs)


def test_one_round_of_a_loop_in_a_loop():
    def f(x):
        return wg.fori_loop(0, 1, lambda i, v: wg.while_loop(lambda w: w < 3.0, lambda w: 1.5 * w + x, v), x)

    program = traced(f, 0.5)
    short = agree(program, [numpy.asarray(0.5)])
    assert "scan" not in str(short) and "while" in str(short)
