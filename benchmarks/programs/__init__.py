"""The programs of the comparison: the compiler's, each in a file of its own, and the eager engine's, in eager.py."""

from __future__ import annotations

import importlib

from benchmarks.program import Program
from benchmarks.programs import eager

COMPILED = (
    "gmm",
    "kmeans",
    "mlp",
    "cnn",
    "rosenbrock",
    "black_scholes",
    "mds",
    "lstm",
    "lorenz",
    "kalman",
    "newton",
    "kepler",
    "iteration",
    "bundle",
    "scalar",
)


NAMES = (*COMPILED, *eager.PROGRAMS)


def program(name: str) -> Program:
    """The program of that name."""
    if name in eager.PROGRAMS:
        return eager.PROGRAMS[name]
    return importlib.import_module(f"benchmarks.programs.{name}").PROGRAM
