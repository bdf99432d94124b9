"""The derivatives of every primitive, compiled, agree with their evaluation: forward, reverse, forward over reverse."""

import importlib
import pkgutil
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import wengert
from rules_cases import Case, all_close, cases, jvp, random_like, valid_tangents, vjp
from wengert.compile.native import compiled
from wengert.core.primitive import REGISTRY
from wengert.core.record import record
from wengert.core.types import type_of

for module in pkgutil.walk_packages(wengert.__path__, "wengert."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

NAMES = sorted(name for name, p in REGISTRY.items() if p.samples is not None)
MOST = 4  # samples of one primitive
TOLERANCE = 1e-9


def derivatives(c: Case, arguments: Sequence[Any]) -> list[Any]:
    """The derivatives at arguments: those of the function, tangents of them, adjoints of its results."""
    n = len(c.xs)
    xs, v, w = arguments[:n], arguments[n : 2 * n], arguments[2 * n :]
    found = [*jvp(c.f, xs, v), *vjp(c.f, xs, w)]
    if c.sample.order >= 2:
        found += jvp(lambda *xs: vjp(c.f, xs, w), xs, v)
    return found


def chosen(name: str) -> list[Case]:
    """Samples that differ, those with the most differentiable arguments first."""
    found = [c for c in cases(REGISTRY[name]) if c.xs and c.f(*c.xs)]
    step = max(1, len(found) // MOST)
    return sorted(found[::step], key=lambda c: -len(c.xs))[:MOST]


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = chosen(name)
        if not found:
            pytest.skip("it has no derivative")
        arguments = []
        for c in found:
            rng, xs = c.rng(14), [np.asarray(x) for x in c.xs]
            v = [np.asarray(t) for t in valid_tangents(c, [random_like(rng, x) for x in xs])]
            arguments.append([*xs, *v, *(np.asarray(random_like(rng, y)) for y in c.f(*xs))])
        expected = [derivatives(c, given) for c, given in zip(found, arguments, strict=True)]

        def together(*flat: Any) -> list[Any]:
            rest, ys = iter(flat), []
            for c, given in zip(found, arguments, strict=True):
                ys += derivatives(c, [next(rest) for _ in given])
            return ys

        flat = [x for given in arguments for x in given]
        ys = iter(compiled(record(together, list(map(type_of, flat)))).run(*flat))
    for k, (c, want) in enumerate(zip(found, expected, strict=True)):
        tolerance = max(TOLERANCE, c.tolerance * 1e-2) if c.tolerance > 1e-6 else TOLERANCE
        all_close([next(ys) for _ in want], want, tolerance, f"{name}, sample {k}: {c.sample}")
