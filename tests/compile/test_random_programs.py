"""Random programs, compiled, agree with their evaluation: values, gradients, tangents, batched gradients, Hessians.

More of them: python -m tests.compile.test_random_programs FIRST LAST
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from random_programs import NUMPY, RULES, RandomProgram
from random_statements import KINDS, Statements
from wengert.compile.native import compiled

# lengths below and above what is written out, and no multiples of a vector's
SHAPES = [(), (12,), (13,), (9, 10), (17, 3), (3, 20), (2, 9, 11), (11, 11), (1, 12), (10, 1, 9), (40, 10), (3, 3)]
LARGEST = 5000  # elements of an array
GROUPS = 8


def random_program(seed: int) -> RandomProgram:
    """A program of two inputs; every third one with loops, branches and transformations inside."""
    rng = np.random.default_rng([seed, 0])
    rules = RULES if seed % 3 == 0 else [r for r in RULES if r != "inner"]
    steps = []
    for _ in range(rng.integers(1, 9)):
        j, k, choice = (int(n) for n in rng.integers(0, 1000, 3))
        steps.append((rules[rng.integers(len(rules))], (j, k), choice))
    shapes = [SHAPES[k] for k in rng.integers(0, len(SHAPES), 2)]
    return RandomProgram(tuple(np.asarray(rng.uniform(-1, 1, s)) for s in shapes), steps, LARGEST)


def random_statements(seed: int) -> Statements:
    """Statements on two arrays that may share memory."""
    rng = np.random.default_rng([seed, 1])
    steps = []
    for _ in range(rng.integers(2, 10)):
        j, k, choice, variant = (int(n) for n in rng.integers(0, 1000, 4))
        steps.append((KINDS[rng.integers(len(KINDS))], j, k, choice, variant))
    shapes = [s for s in SHAPES if s and s[0] > 1]
    chosen = [shapes[k] for k in rng.integers(0, len(shapes), 2)]
    return Statements(tuple(np.asarray(rng.uniform(-1, 1, s)) for s in chosen), steps)


def derived(f: Callable[..., Any], inputs: Any) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """A function and what is derived of it, each with arguments."""
    gradient = wg.grad(f, tuple(range(len(inputs))))
    lanes = tuple(np.stack([x, 0.5 * x + 0.1]) for x in inputs)
    yield "value", f, inputs
    yield "gradient", gradient, inputs
    yield "tangent", lambda *xs: wg.jvp(f, xs, xs), inputs
    yield "batched gradient", lambda *xs: wg.vmap(gradient)(*xs), lanes
    yield "Hessian times vector", lambda *xs: wg.jvp(gradient, xs, xs)[1], inputs


def check(what: str, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The compiled program's results are those of its evaluation."""
    program = wg.trace(f)(*(wg.ArrayType(x.shape, x.dtype) for x in args))
    expected = program.evaluate(args)
    found = compiled(program).run(*args)
    for y, right in zip(found, expected, strict=True):
        assert (np.shape(y), np.asarray(y).dtype) == (np.shape(right), np.asarray(right).dtype), what
        scale = max(1.0, float(np.max(np.abs(right), initial=0.0)))
        np.testing.assert_allclose(y, right, rtol=1e-8, atol=1e-9 * scale, err_msg=what)


def check_program(seed: int) -> None:
    """A program in all derived forms."""
    program = random_program(seed)
    try:
        program(NUMPY, *program.inputs)
    except ValueError:  # shapes that do not fit
        return
    for name, f, args in derived(lambda *xs: program(NUMPY, *xs), program.inputs):
        check(f"{name} of random_program({seed}), {program}", f, args)


def check_statements(seed: int) -> None:
    """Statements and their gradient; the value is NumPy's own."""
    program = random_statements(seed)
    expected = program.expected()
    if expected is None or not np.isfinite(expected):
        return
    try:
        wg.trace(program)(*(wg.ArrayType(x.shape, x.dtype) for x in program.inputs))
    except (wg.errors.ConcretizationError, ValueError):  # traced values into plain arrays: refused, compiled or not
        return
    np.testing.assert_allclose(wg.jit(program)(*program.inputs), expected, rtol=1e-8, err_msg=f"{seed}: {program}")
    check(f"gradient of random_statements({seed}), {program}", wg.grad(program, (0, 1)), program.inputs)


@pytest.mark.parametrize("look", [check_program, check_statements])
@pytest.mark.parametrize("seed", [117, 1002, 1015, 1020, 1035, 1053, 1086, 1133, 2334])
def test_what_has_failed_before(seed: int, look: Callable[[int], None]) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        look(seed)


@pytest.mark.parametrize("group", range(GROUPS))
def test_programs(group: int) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for seed in range(6 * group, 6 * group + 6):
            check_program(seed)


@pytest.mark.parametrize("group", range(GROUPS))
def test_statements(group: int) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for seed in range(4 * group, 4 * group + 4):
            check_statements(seed)


def main(first: int, last: int) -> None:
    """Look for failures."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for seed in range(first, last):
        for look in (check_program, check_statements):
            try:
                look(seed)
            except Exception as error:
                print(seed, look.__name__, type(error).__name__, " ".join(str(error).split())[:300], flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
