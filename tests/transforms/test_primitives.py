"""Every primitive, alone and differentiated, computes the same when its program is simplified."""

import numpy
import pytest

import wengert as wg
from transforms.agreement import agree
from wengert.core.primitive import REGISTRY
from wengert.core.record import record
from wengert.core.types import DYNAMIC, type_of


@pytest.mark.parametrize("p", [p for p in REGISTRY.values() if p.samples is not None], ids=str)
def test_primitive(p):
    """The first samples of its own tests, and adjoints where its results are floating point of known lengths."""
    for sample in list(p.samples(numpy.random.default_rng(1)))[:4]:
        given = [k for k, a in enumerate(sample.args) if isinstance(a, numpy.ndarray | numpy.generic)]
        arrays = [sample.args[k] for k in given]

        def f(*xs, sample=sample, given=given):
            args = list(sample.args)
            for k, x in zip(given, xs, strict=True):
                args[k] = x
            results = p(*args, **sample.params)
            return list(results) if p.multiple else [results]

        wanted = given if sample.differentiable is None else sample.differentiable
        active = [i for i, k in enumerate(given) if k in wanted and arrays[i].dtype.kind in "fc"]

        def adjoints(*xs, f=f, active=active):
            def g(*ys):
                args = list(xs)
                for i, y in zip(active, ys, strict=True):
                    args[i] = y
                return f(*args)

            results, pull = wg.vjp(g, *(xs[i] for i in active))
            return list(pull([numpy.ones(y.shape, y.dtype) for y in results]))

        program = record(f, [type_of(a) for a in arrays])
        agree(program, arrays)
        if active and all(t.dtype.kind in "fc" and DYNAMIC not in t.shape for t in program.out_types):
            agree(record(adjoints, [type_of(a) for a in arrays]), arrays)
