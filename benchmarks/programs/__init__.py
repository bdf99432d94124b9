"""The programs of the comparison: each in a file of its own, written once for each library."""

from __future__ import annotations

import importlib

from benchmarks.program import Program

NAMES = (
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


def program(name: str) -> Program:
    """The program of that name."""
    return importlib.import_module(f"benchmarks.programs.{name}").PROGRAM
