"""What solvers check of their arguments before anything runs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ...core.call import adopted, check_callable, name_of
from ...core.types import shape_of
from ...errors import ArgumentError, NonScalarOutputError, ShapeError
from .equations import Equations, Function


def applied(fun: Function, args: Sequence[Any]) -> Function:
    """F of y alone."""
    if not isinstance(args, tuple | list):
        raise ArgumentError(
            f"args is a {type(args).__name__}",
            why="it holds what F takes after y, one by one",
            write="args=(a,), with the comma",
        )
    check_callable(fun, "implicit")
    if not args:
        return fun

    @functools.wraps(fun)
    def of_unknowns(*inputs: Any) -> Any:
        return adopted(fun)(*inputs, *args)

    return of_unknowns


def checked_sizes(new: Any, old: Any, fun: Function) -> Any:
    """What g returned, which has as many numbers as y."""
    if shape_of(new) != shape_of(old):
        raise ShapeError(
            f"{name_of(fun)} returned {shape_of(new)[0]} numbers for {shape_of(old)[0]} unknowns, to fixed_point",
            why="y and g(y) are the same thing",
            write="return y's structure",
        )
    return new


def check_scalar(f: Equations) -> None:
    """NonScalarOutputError where a function to be minimised has not one result."""
    if f.program.out_types[0].size != 1:
        raise NonScalarOutputError(
            f"{f.name} returned {f.program.out_types[0].size} numbers, to minimize",
            why="one real number can be minimised",
            write="a sum, a mean or a norm; or least_squares for a vector of residuals",
        )


def check_method(method: str, known: tuple[str, ...], name: str) -> None:
    """ArgumentError for a method that does not exist."""
    if not isinstance(method, str) or method not in known:
        raise ArgumentError(
            f"{name} has no method {method!r}",
            why="SciPy's methods are known here by name, with the derivatives that they use",
            write=f"one of {', '.join(known)}; or a solver of your own: solver=",
        )
