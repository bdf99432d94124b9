"""SymPy, loaded when it is first needed; numbers as SymPy's."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...errors import ArgumentError, MissingPackageError


def load() -> Any:
    """The module sympy; our error where it is not installed."""
    try:
        import sympy
    except ImportError as error:
        raise MissingPackageError(
            "symbolic differentiation needs SymPy, which is not installed",
            why="expressions are SymPy's; wengert itself does not depend on it",
            write="pip install wengert[symbolic]",
        ) from error
    return sympy


_SIMPLE = 2**12  # a float with a denominator up to here was meant as a fraction


def number(value: Any) -> Any:
    """A number as SymPy writes it: 2.0 as 2, 0.5 as 1/2, math.pi as pi, 0.1 as the float that it is."""
    sp = load()
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, np.ndarray):  # of no axes, which NumPy leaves among the elements of an array of objects
        return number(value[()])
    if isinstance(value, bool | np.bool_):
        return sp.true if value else sp.false
    if isinstance(value, int | np.integer):
        return sp.Integer(int(value))
    if isinstance(value, complex | np.complexfloating):
        return number(value.real) + sp.I * number(value.imag)
    if not isinstance(value, float | np.floating):
        raise ArgumentError(
            f"a {type(value).__name__} stands where a number or an expression belongs",
            why="what SymPy computes with are numbers, symbols, and expressions of them",
            write="numbers, sympy.Symbol, or arrays of them",
        )
    return real_number(value)


def real_number(value: Any) -> Any:
    """A floating-point number: exactly, save for pi."""
    sp = load()
    x = float(value)
    if not math.isfinite(x):
        return sp.nan if math.isnan(x) else sp.oo if x > 0 else -sp.oo
    if abs(x) == math.pi:
        return sp.pi if x > 0 else -sp.pi
    top, bottom = x.as_integer_ratio()
    if bottom <= _SIMPLE and abs(top) < 2**53:
        return sp.Rational(top, bottom)
    if isinstance(value, np.longdouble) and value != x:
        return sp.Float(np.format_float_scientific(value, unique=True), 21)
    return sp.Float(x)


@functools.cache
def _each_number() -> Any:
    return np.frompyfunc(number, 1, 1)


def objects(value: Any) -> np.ndarray:
    """An array (or a number) as an array of SymPy objects."""
    array = np.asarray(value, dtype=object) if not isinstance(value, np.ndarray) else value
    made = np.empty(array.shape, object)
    made[...] = _each_number()(array)
    return made
