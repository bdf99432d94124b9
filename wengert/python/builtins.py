"""Python's builtin functions, and those of `math`, on traced values."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import ArrayType
from ..errors import ControlFlowError
from ..numpy.ufuncs import to_dtype
from .region import Region, frame, staging
from .rows import Enumerated, Range, Reversed, Rows, Zip, rows_of
from .values import full_type, not_text, undecided, weak_as

Function = Callable[..., Any]

BUILTINS: dict[Any, Function] = {}
ROWS = 8  # sums over longer arrays are NumPy's


def replaces(*theirs: Any) -> Callable[[Function], Function]:
    """What is called in the place of these functions."""

    def decorate(ours: Function) -> Function:
        for f in theirs:
            BUILTINS[f] = ours
        return ours

    return decorate


def any_undecided(args: Any) -> bool:
    """Is a value among these known by its type alone?"""
    return any(map(undecided, args))


# sequences -----------------------------------------------------------------------------------------------------------
@replaces(range)
def range_(*args: Any) -> Any:
    """range: with traced bounds one that only loops can go through."""
    if not any_undecided(args):
        return builtins.range(*args)
    return Range(0, *args) if len(args) == 1 else Range(*args)


def _rows(iterables: Any) -> list[Rows] | None:
    """The iterables as rows, where one of them is an array or a traced range, and all can be."""
    if not staging.get() and not any(isinstance(x, Rows) for x in iterables):
        return None
    found = [rows_of(x) for x in iterables]
    return found if found and all(r is not None for r in found) else None  # type: ignore[return-value]


@replaces(zip)
def zip_(*iterables: Any, strict: bool = False) -> Any:
    """zip."""
    rows = _rows(iterables)
    if rows is None or (strict and len({r.length for r in rows if r.static}) > 1):
        return builtins.zip(*iterables, strict=strict)
    return Zip(rows)


@replaces(enumerate)
def enumerate_(iterable: Any, start: Any = 0) -> Any:
    """enumerate."""
    rows = _rows([iterable])
    return builtins.enumerate(iterable, start) if rows is None else Enumerated(rows[0], start)


@replaces(reversed)
def reversed_(iterable: Any) -> Any:
    """reversed."""
    rows = _rows([iterable])
    return builtins.reversed(iterable) if rows is None else Reversed(rows[0])


@replaces(len)
def len_(x: Any) -> Any:
    """len: of a range with traced bounds it is traced."""
    return x.length if isinstance(x, Rows) else builtins.len(x)


@replaces(next)
def next_(*args: Any) -> Any:
    """next: an iterator is changed by it."""
    return refuse_in_loops(next)(*args)


# numbers -------------------------------------------------------------------------------------------------------------
def _scalar(x: Any) -> Any:
    return x.reshape(()) if x.shape else x


def _weak(x: Any, dtype: Any) -> Any:
    """A traced number as Python's number of this dtype."""
    y = to_dtype(_scalar(x), np.dtype(dtype))
    y = y.snapshot() if y is x else y
    return weak_as(y, ArrayType((), dtype, weak=True))


@replaces(float)
def float_(*args: Any) -> Any:
    """float(x): of a traced value, it stays traced."""
    if len(args) == 1 and isinstance(args[0], Tracer):
        return _weak(args[0], float)
    return builtins.float(*args)


@replaces(int)
def int_(*args: Any, **kwargs: Any) -> Any:
    """int(x): of a traced value, the whole number towards zero, whose derivative is zero."""
    if len(args) == 1 and isinstance(args[0], Tracer):
        return _weak(args[0], int)
    return builtins.int(*args, **kwargs)


@replaces(bool)
def bool_(*args: Any) -> Any:
    """bool(x)."""
    if len(args) == 1 and undecided(args[0]):
        return np.not_equal(_scalar(args[0]), 0)
    return builtins.bool(*args)


@replaces(complex)
def complex_(*args: Any) -> Any:
    """complex(a, b)."""
    if any(isinstance(x, Tracer) for x in args):
        return args[0] + 1j * args[1] if len(args) == 2 else _weak(args[0], complex)
    return builtins.complex(*args)


def _scalar_type(kind: Any) -> None:
    @replaces(kind)
    def f(*args: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], Tracer):
            return to_dtype(args[0], np.dtype(kind))
        return kind(*args)


for _kind in {np.dtype(code).type for code in "?bBhHiIlLqQefdgFDG"}:
    _scalar_type(_kind)


@replaces(round)
def round_(x: Any, ndigits: Any = None) -> Any:
    """round(x): to an integer, or to digits."""
    if not isinstance(x, Tracer):
        return builtins.round(x, ndigits)
    y: Any = np.round(x, ndigits or 0)  # type: ignore[call-overload]
    return _weak(y, int) if ndigits is None else y


def _rounding(theirs: Any, ours: Any) -> None:
    @replaces(theirs)
    def f(x: Any) -> Any:
        return _weak(ours(x), int) if isinstance(x, Tracer) else theirs(x)


for _theirs, _ours in ((math.ceil, np.ceil), (math.floor, np.floor), (math.trunc, np.trunc)):
    _rounding(_theirs, _ours)


@replaces(math.log)
def log_(x: Any, *base: Any) -> Any:
    """math.log(x, base)."""
    if isinstance(x, Tracer) or any(isinstance(b, Tracer) for b in base):
        return np.log(x) / np.log(base[0]) if base else np.log(x)
    return math.log(x, *base)


@replaces(math.hypot)
def hypot_(*xs: Any) -> Any:
    """math.hypot of any number of coordinates."""
    if not any(isinstance(x, Tracer) for x in xs):
        return math.hypot(*xs)
    return functools.reduce(np.hypot, xs) if len(xs) > 1 else np.abs(xs[0])


@replaces(math.dist)
def dist_(p: Any, q: Any) -> Any:
    """math.dist of two points."""
    if not any(isinstance(x, Tracer) for x in (p, q, *p, *q)):
        return math.dist(p, q)
    return functools.reduce(np.hypot, [a - b for a, b in zip(p, q, strict=True)])


@replaces(math.fsum)
def fsum_(xs: Any) -> Any:
    """math.fsum, of traced values in floating point."""
    xs = list(xs)
    return functools.reduce(lambda a, b: a + b, xs) if any(isinstance(x, Tracer) for x in xs) else math.fsum(xs)


@replaces(math.isclose)
def isclose_(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    """math.isclose."""
    if not any(isinstance(x, Tracer) for x in (a, b)):
        return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
    return np.abs(a - b) <= np.maximum(rel_tol * np.maximum(np.abs(a), np.abs(b)), abs_tol)


@replaces(sum)
def sum_(iterable: Any, /, start: Any = 0) -> Any:
    """sum: of the rows of a long array it is NumPy's."""
    if isinstance(iterable, Tracer) and iterable.shape and iterable.shape[0] > ROWS and staging.get():
        total: Any = np.sum(iterable, axis=0)  # type: ignore[call-overload]
        return total if type(start) is int and start == 0 else start + total
    return builtins.sum(iterable, start)


def _all_or_any(theirs: Any, together: Function, of_array: Any) -> None:
    @replaces(theirs)
    def f(iterable: Any) -> Any:
        if isinstance(iterable, Tracer):
            return of_array(iterable) if undecided(iterable) and len(iterable.shape) == 1 else theirs(iterable)
        items = list(iterable) if isinstance(iterable, list | tuple) else iterable
        found: Any = None
        for x in items:
            if undecided(x):
                found = bool_(x) if found is None else together(found, bool_(x))
            elif theirs((x,)) is (theirs is any):
                return theirs is any
        return (theirs is all) if found is None else found


_all_or_any(all, np.logical_and, np.all)
_all_or_any(any, np.logical_or, np.any)


# what looks at values ------------------------------------------------------------------------------------------------
@replaces(isinstance)
def isinstance_(x: Any, kinds: Any) -> Any:
    """isinstance: a traced value is of the class of what it stands for."""
    if not isinstance(x, Tracer):
        return builtins.isinstance(x, kinds)
    t = full_type(x)
    example: Any = np.empty((0,), t.dtype) if t.shape else t.dtype.type(0)
    if t.weak:
        example = example.item()
    return builtins.isinstance(x, kinds) or builtins.isinstance(example, kinds)


def _text(theirs: Any) -> None:
    @replaces(theirs)
    def f(*args: Any, **kwargs: Any) -> Any:
        if any_undecided(args):
            raise not_text(next(filter(undecided, args)))
        return theirs(*args, **kwargs)


for _f in (str, repr, format, ascii):
    _text(_f)


@replaces(print)
def print_(*args: Any, **kwargs: Any) -> None:
    """print: where the program is recorded it would print once, or nothing that is known."""
    if any_undecided(args) or isinstance(frame.get(), Region):
        raise ControlFlowError(
            "print() " + ("of a traced value" if any_undecided(args) else "in a branch or loop that is recorded"),
            why="the function is run once, on types, to record its program; print() would print then",
            write='wg.print("x = {}", x), which prints whenever the program runs',
        )
    builtins.print(*args, **kwargs)


def refuse_recorded(f: Any) -> Any:
    """A method of a file: in a branch or a loop it would read or write when the program is recorded."""

    def once(*args: Any, **kwargs: Any) -> Any:
        if any_undecided(args) or isinstance(frame.get(), Region):
            raise ControlFlowError(
                f"{f.__name__}() of a file is called in a branch or loop that depends on traced values, or with one",
                why="the function is run once, on types, to record its program",
                write="read before, write after: return what is to be written",
            )
        return f(*args, **kwargs)

    return once


def refuse_in_loops(f: Any) -> Any:
    """A function that gives something else each time: in the body of a loop it would be called once."""

    def once(*args: Any, **kwargs: Any) -> Any:
        if frame.get().loop:
            raise ControlFlowError(
                f"{getattr(f, '__name__', f)}() is called in a loop that depends on traced values",
                why="the body of the loop is recorded once, so it would give the same in each round",
                write="call it before the loop, for all rounds: rng.normal(size=n)",
            )
        return f(*args, **kwargs)

    return once
