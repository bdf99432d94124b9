"""Every primitive of the registry, on its own samples: its pattern covers what is nonzero in its derivatives."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import REGISTRY
from wengert.core.record import record
from wengert.core.types import dtype_of, type_of
from wengert.derivatives.sparse.dependence import first_order, second_order
from wengert.derivatives.sparse.rules import UNKNOWN

SAMPLED = sorted(name for name, p in REGISTRY.items() if p.samples is not None)
MOST = 6  # samples of one primitive


def real_arguments(sample):
    """The positions of the arguments to differentiate."""
    chosen = range(len(sample.args)) if sample.differentiable is None else sample.differentiable
    return [i for i in chosen if dtype_of(sample.args[i]).kind == "f"]


def function_of(primitive, sample, places):
    """The primitive's real results, flat, as a function of these arguments."""

    def f(*xs):
        args = list(sample.args)
        for i, x in zip(places, xs, strict=True):
            args[i] = x
        ys = primitive(*args, **sample.params)
        return [y for y in (ys if primitive.multiple else [ys]) if dtype_of(y).kind == "f" and -1 not in np.shape(y)]

    return f


def samples_of(name):
    primitive, found = REGISTRY[name], []
    for sample in primitive.samples(np.random.default_rng(0)):
        places = real_arguments(sample)
        if places:
            found.append((function_of(primitive, sample, places), [np.asarray(sample.args[i]) for i in places]))
    return found[:MOST]


def stacked(f):
    return lambda *xs: np.concatenate([np.zeros(0), *(np.reshape(y, -1) for y in f(*xs))])


@pytest.mark.parametrize("name", SAMPLED)
def test_pattern_covers_the_jacobian(name):
    for f, xs in samples_of(name):
        J = wg.jacfwd(stacked(f), argnums=tuple(range(len(xs))))(*xs)
        exact = np.concatenate([np.reshape(j, (len(j), x.size)) for j, x in zip(J, xs, strict=True)], axis=1) != 0
        program = record(f, [type_of(x) for x in xs])
        for values in ([UNKNOWN] * len(xs), xs):
            found = first_order(program, [True] * len(xs), values).toarray()
            assert found.shape == exact.shape
            assert not (exact & ~found).any()


@pytest.mark.parametrize("name", SAMPLED)
def test_pattern_covers_the_hessian(name):
    for f, xs in samples_of(name)[:2]:
        if sum(x.size for x in xs) > 12 or not all(x.size for x in xs):
            continue
        weighted = lambda *xs, f=f: sum(np.sum(np.cos(1.0 + np.arange(float(np.size(y)))).reshape(np.shape(y)) * y)
                                        for y in f(*xs))  # fmt: skip
        try:
            H = wg.hessian(weighted, argnums=tuple(range(len(xs))))(*xs)
        except (wg.errors.WengertError, np.linalg.LinAlgError):
            continue
        rows = [np.concatenate([np.reshape(h, (x.size, z.size)) for h, z in zip(row, xs, strict=True)], axis=1)
                for row, x in zip(H, xs, strict=True)]  # fmt: skip
        exact = np.concatenate(rows) != 0
        program = record(lambda *xs, g=weighted: [g(*xs)], [type_of(x) for x in xs])
        found = second_order(program, [True] * len(xs), [UNKNOWN] * len(xs)).toarray()
        assert not (exact & ~found).any()
