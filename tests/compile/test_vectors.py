"""Loops in vectors: every number of last rounds, records, windows, sums; what stays scalar; other instruction sets."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import wengert as wg
from wengert.compile.emit.rounds import NotWidened, Place, Round

each = pytest.mark.parametrize
LENGTHS = [1, 3, 4, 7, 8, 13, 16, 31, 65, 100]
RNG = np.random.default_rng(0)


def agree(f, *args, rtol=1e-13, atol=1e-13):
    np.testing.assert_allclose(wg.jit(f)(*args), f(*args), rtol, atol)


@each("n", LENGTHS)
@each("dtype", ["f8", "f4", "i8", "i4", "i2", "u1", "c16"])
def test_elements(n: int, dtype: str) -> None:
    x = (RNG.uniform(1, 5, n) * 3).astype(dtype)
    agree(lambda x: x * x + x, x, rtol=1e-6)
    agree(lambda x: np.where(x > 4, x, 2 * x), x, rtol=1e-6) if dtype != "c16" else None


@each("n", LENGTHS)
@each("f", [np.sum, np.max, np.min, np.prod, np.any, np.all, np.mean])
def test_sums(f, n: int) -> None:
    x = RNG.uniform(0.5, 1.5, n)
    agree(f, x)
    agree(lambda x: f(x > 1.0), x)
    agree(lambda x: f(np.exp(-x)), x)


@each("n", LENGTHS)
@each("k", [2, 3, 4, 5])
def test_records(n: int, k: int) -> None:
    """All parts of records of k numbers, some of them, and records made of vectors."""
    x = RNG.normal(size=(n, k))
    agree(lambda x: x[:, 0] * x[:, 1] + np.sum(x, axis=1), x)
    agree(lambda x: x[:, k - 1] * 2.0, x)
    agree(lambda x: np.stack([x[:, j] * (j + 1.0) for j in range(k)], axis=1), x)
    agree(lambda x: wg.grad(lambda x: np.sum(np.sin(x[:, 0]) * x[:, 1]))(x), x)


@each("n", LENGTHS)
def test_rows_leave_their_neighbours_alone(n: int) -> None:
    """A row is shorter than vectors are: what follows it in memory is the next row."""

    def f(x):
        y = wg.numpy.zeros((3, n))
        y[2] = x + 1
        y[1] = x * 2
        y[0] = np.exp(x)
        return y.T @ np.ones(3), y * 1.0

    x = RNG.normal(size=n)
    got, rows = wg.jit(f)(x)
    expected = np.array([np.exp(x), x * 2, x + 1])
    np.testing.assert_allclose(rows, expected, 1e-14)
    np.testing.assert_allclose(got, expected.sum(0), 1e-13)


@each("n", [n for n in LENGTHS if n > 4])
def test_differences(n: int) -> None:
    """Adjoints of stencils add to neighbours."""
    x = RNG.normal(size=n)
    second = wg.grad(lambda x: np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 3))
    d = x[2:] - 2 * x[1:-1] + x[:-2]
    expected = np.convolve(3 * d**2, [1, -2, 1])
    np.testing.assert_allclose(wg.jit(second)(x), expected, 1e-12, 1e-12)


@each("n", LENGTHS)
def test_gathered(n: int) -> None:
    table, index = RNG.normal(size=50), RNG.integers(-50, 50, n)
    agree(lambda t, i: np.sum(np.sin(t[i]) * t[i] + np.cos(t[i])), table, index)
    got = wg.jit(wg.grad(lambda t: np.sum(np.sin(t[index]))))(table)
    expected = np.zeros(50)
    np.add.at(expected, index, np.cos(table[index]))
    np.testing.assert_allclose(got, expected, 1e-13, 1e-13)


@each("n", [1, 5, 8, 13, 40])
def test_lengths_that_are_data(n: int) -> None:
    """Loops over rows of stacks, whose number is known when they are run."""

    def f(x):
        y, k = x, 0.0
        while np.sum(y) < 1e3:
            y, k = y * 1.5 + np.exp(-y), k + 1
        return np.sum(y) * k

    x = RNG.uniform(0.1, 1, n)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(x), wg.grad(f)(x), 1e-12)


# what a round is made of ----------------------------------------------------------------------------------------
def a_round(text: str, rounds: int | None = 100, slots=None) -> Round:
    return Round(
        [line for line in text.splitlines() if line],
        "%i",
        slots or {},
        lambda x: Place(x, {}),
        lambda x: (0, 0),
        rounds,
    )


COPY = """
  %p = getelementptr inbounds double, ptr %a, i64 %i
  %x = load double, ptr %p
  %y = fmul double %x, %k
  %j = add nsw i64 %i, {shift}
  %q = getelementptr inbounds double, ptr %{to}, i64 %j
  store double %y, ptr %q
"""


def test_rounds_that_are_independent() -> None:
    assert a_round(COPY.format(shift=0, to="a")).varying == {"%x", "%y"}
    assert a_round(COPY.format(shift=1, to="b")).varying == {"%x", "%y"}
    a_round(COPY.format(shift=100, to="a"))  # as far as there are rounds


@each("shift", [1, -1, 7, 99])
def test_rounds_that_depend_on_each_other(shift: int) -> None:
    with pytest.raises(NotWidened, match="depend"):
        a_round(COPY.format(shift=shift, to="a"))
    with pytest.raises(NotWidened, match="depend"):
        a_round(COPY.format(shift=100, to="a"), rounds=None)


SUM = """
  %old = load double, ptr %s
  %new = {how} double %old, %term
  store double %new, ptr %s
"""


def test_sums_are_told_from_values_that_are_carried() -> None:
    slots = {"%s": ("double", 1)}
    assert a_round(SUM.format(how="fadd reassoc"), slots=slots).sums["%s"].how == "fadd"
    for how in ("fadd", "fsub", "fdiv"):  # in this order only
        with pytest.raises(NotWidened, match="carried"):
            a_round(SUM.format(how=how), slots=slots)
    with pytest.raises(NotWidened, match="carried"):  # each of them is used
        a_round(SUM.format(how="fadd reassoc") + COPY.format(shift=0, to="b").replace("%k", "%new"), slots=slots)


def test_what_has_effects_is_not_widened() -> None:
    with pytest.raises(NotWidened, match="call"):
        a_round("  %y = call double @special.f(double %x)")
    with pytest.raises(NotWidened):
        a_round("  call void @blas.dgemm(ptr %x)")


OTHER = """
import functools, sys
import llvmlite.binding as binding
import numpy as np
from wengert.compile.machine import llvm
from wengert.compile import mathlib
from wengert.compile.mathlib import link

def target(level=3):
    binding.initialize_native_target(), binding.initialize_native_asmprinter()
    triple = binding.Target.from_triple(binding.get_process_triple())
    return triple.create_target_machine(cpu={cpu!r}, features={features!r}, opt=level, reloc="pic", jit=False)

llvm.target, llvm.width, llvm.masks = functools.cache(target), lambda: {width}, lambda: False
link.host = lambda: mathlib.Target(fma={fma})
import wengert as wg
assert f"<{width} x double>" in wg.jit(np.sin).llvm(np.ones(64))
for n in (1, 2, 3, 5, 8, 13, 33):
    x = np.linspace(0.2, 2.0, n)
    f = lambda x: np.sum(np.exp(x) * x) + np.max(x) + np.sum(np.diff(x) ** 2 * x[1:])
    np.testing.assert_allclose(wg.jit(f)(x), f(x), 1e-13)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(x), wg.grad(f)(x), 1e-12)
    z = np.stack([x, x**2, x**3], 1)
    np.testing.assert_allclose(wg.jit(lambda z: z[:, 0] + z[:, 1] * z[:, 2])(z), x + x**5, 1e-13)
"""
MACHINES = {
    "sse2": {"cpu": "x86-64", "features": "", "width": 2, "fma": False},
    "avx2": {"cpu": "haswell", "features": "+avx2,+fma,+bmi,+bmi2", "width": 4, "fma": True},
}


@each("machine", MACHINES)
def test_on_smaller_machines(machine: str) -> None:
    """Without masks, and with shorter vectors. In a process of its own, whose compiler is told of another machine."""
    import llvmlite.binding as binding

    has = binding.get_host_cpu_features()
    if not binding.get_process_triple().startswith("x86_64") or not (machine == "sse2" or has.get("avx2")):
        pytest.skip("this machine is of another kind")

    environment = {**os.environ, "WENGERT_CACHE_DIR": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    code = OTHER.format(**MACHINES[machine])
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
