"""Builtin functions that are given a function of the user's, which is adopted: map, filter, reduce, min, max."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.trace import Tracer
from .builtins import any_undecided, replaces
from .calls import called
from .values import undecided

Function = Callable[..., Any]


@replaces(map)
def map_(f: Any, *iterables: Any) -> Any:
    """map, of a function that is adopted."""
    return builtins.map(called(f), *iterables)


@replaces(filter)
def filter_(f: Any, iterable: Any) -> Any:
    """filter, by a function that is adopted."""
    return builtins.filter(called(f) if f is not None else f, iterable)


@replaces(functools.reduce)
def reduce_(f: Any, *args: Any) -> Any:
    """functools.reduce, by a function that is adopted."""
    return functools.reduce(called(f), *args)


def _extreme(theirs: Any, first: Function, of_array: Any) -> None:
    """min or max: the first of the least; only a later one that is less takes its place."""

    @replaces(theirs)
    def f(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], Tracer) and undecided(args[0]) and not kwargs:
            return of_array(args[0])
        items = list(args[0]) if len(args) == 1 else args
        key = called(kwargs["key"]) if kwargs.get("key") is not None else (lambda x: x)
        keys = [key(x) for x in items]
        if not any_undecided(keys):
            return theirs(items, **kwargs)
        best, least = items[0], keys[0]
        for x, k in builtins.zip(items[1:], keys[1:], strict=True):
            better = first(k, least)
            best, least = np.where(better, x, best), np.where(better, k, least)
        return best


_extreme(min, lambda a, b: a < b, np.min)
_extreme(max, lambda a, b: a > b, np.max)
