"""Options of public functions: whole numbers, positive numbers, lists; ArgumentError where one is something else."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError


def whole(value: Any, name: str, least: int = 0) -> int:
    """A whole number, at least `least`. name: of the option, as in `order`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < least:
        raise ArgumentError(
            f"{name}={value!r} is no whole number from {least} on",
            why="it counts",
            write=f"{name}={max(least, 1)}, or more",
        )
    return int(value)


def positive(value: Any, name: str, zero: bool = False) -> float:
    """A positive number, or zero where that is allowed."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not (value > 0 or (zero and value == 0)):
        raise ArgumentError(
            f"{name}={value!r} is no positive number",
            why="it is a distance",
            write=f"{name}=1e-6",
        )
    return float(value)


def several(value: Any, kind: type, name: str) -> tuple[Any, ...]:
    """One of a kind, or a list of them, as a tuple."""
    if isinstance(value, kind):
        return (value,)
    if not isinstance(value, list | tuple | set | frozenset | range):
        raise ArgumentError(
            f"{name}={value!r} is neither of the type {kind.__name__} nor a list of such",
            why="it names one, or several",
            write=f"{name}={kind()!r}, or a list",
        )
    return tuple(value)
