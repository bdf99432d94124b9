"""A program beside its simplified form: the same types, and the same values as closely as is claimed."""

import numpy

import wengert as wg
from wengert.core.check import check
from wengert.transforms.builder import Claim
from wengert.transforms.simplify import simplify


def size(program):
    """The number of equations, those of nested programs too."""
    return sum(1 + sum(map(size, eq.programs)) for eq in program.equations)


def traced(f, *args):
    """The program of a function for arrays of these types."""
    return wg.trace(f)(*(wg.ArrayType(numpy.shape(a), numpy.asarray(a).dtype) for a in args))


def agree(program, args, claim=Claim.ROUNDED):
    """Evaluate both on flat arguments, compare, and return the simplified program."""
    short = check(simplify(program))
    assert short.in_types == program.in_types and short.out_types == program.out_types
    assert (short.name, short.in_tree, short.out_tree) == (program.name, program.in_tree, program.out_tree)
    assert short.quiet == program.quiet
    with numpy.errstate(all="ignore"):
        before, after = program.evaluate(args), short.evaluate(args)
    for x, y in zip(before, after, strict=True):
        same(numpy.asarray(x), numpy.asarray(y), claim)
    return short


def same(x, y, claim):
    """Are two results as equal as a rewrite claims?"""
    assert x.shape == y.shape and x.dtype == y.dtype
    if claim == Claim.ROUNDED and x.dtype.kind in "fc":
        single = x.dtype.itemsize <= (4 if x.dtype.kind == "f" else 8)
        numpy.testing.assert_allclose(x, y, rtol=1e-4 if single else 1e-9, atol=1e-5 if single else 1e-11)
        return
    numpy.testing.assert_array_equal(x, y)
    if claim == Claim.EXACT and x.dtype.kind == "f":
        numbers = x == x
        numpy.testing.assert_array_equal(numpy.signbit(x[numbers]), numpy.signbit(y[numbers]))
