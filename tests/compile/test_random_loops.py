"""Random programs with loops and branches in loops and branches, compiled, agree with their evaluation.

More of them: python -m tests.compile.test_random_loops FIRST LAST
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from random_loops import LoopProgram, loop_program
from random_programs import Library, in_place
from wengert.core.tree import flatten

LIBRARY = Library(wg.numpy, lambda x, index, y, how: in_place(wg.numpy.array(x), index, y, how), wg, wg)
TOO_LARGE = 1e8


def program(seed: int) -> LoopProgram:
    """A small one, or one with bodies in bodies."""
    rng = np.random.default_rng(seed)
    return loop_program(lambda n: int(rng.integers(n)), *((2, 1) if seed % 2 else (4, 2)))


def derived(p: LoopProgram) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """The function and what is derived of it, each with arguments."""
    n, args = len(p.inputs), (*p.inputs, *p.counts)
    f = lambda *a: p(LIBRARY, *a)
    g = wg.grad(f, tuple(range(n)))
    yield "value and gradient", wg.value_and_grad(f, tuple(range(n))), args
    ones = tuple(np.ones_like(x) for x in p.inputs)
    yield "Hessian times ones", lambda *a: wg.jvp(lambda *xs: g(*xs, *a[n:]), a[:n], ones), args
    lanes = [np.stack([x, 0.5 * x, x]) if k < n else np.array([x, x + 1, x]) for k, x in enumerate(args)]
    yield "gradients of lanes", wg.vmap(g), tuple(lanes)


def check(seed: int) -> None:
    """One program."""
    for name, f, args in derived(program(seed)):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, wanted = flatten(wg.jit(f)(*args))[0], flatten(f(*args))[0]
        for y, want in zip(found, wanted, strict=True):
            y, want = np.asarray(y), np.asarray(want)
            assert (y.shape, y.dtype) == (want.shape, want.dtype), f"program {seed}, {name}"
            size = np.max(np.abs(want), initial=1.0)
            if size < TOO_LARGE:
                np.testing.assert_allclose(y, want, 0, 1e-8 * size, err_msg=f"program {seed}, {name}")


@pytest.mark.parametrize("seed", range(24))
def test_loops(seed: int) -> None:
    check(seed)


if __name__ == "__main__":
    for seed in range(*map(int, sys.argv[1:3])):
        try:
            check(seed)
        except Exception as error:
            print(seed, type(error).__name__, str(error).strip().splitlines()[:4], flush=True)
