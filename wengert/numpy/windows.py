"""x[i:i + k] where i is known only by its type: a window of k elements, if `stop - start` is the same for every i.

That is found out from the equations that made start and stop, each a linear form of variables: c + sum a_j v_j.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Literal, Var
from ..core.record import ProgramTrace
from ..core.trace import Tracer, concrete
from ..core.types import ArrayType, Shape
from ..errors import AbstractValueError
from ..primitives.gather import gather, scatter_set
from ..primitives.window import slice_places
from .alias import _WRITERS, View, is_number

LOOK_BACK = 200  # equations that are searched for what made a variable


class Window(NamedTuple):
    """length elements of an axis, from start (traced) on, step apart; the axis has `extent` elements."""

    axis: int
    start: Any
    length: int
    step: int
    extent: int


def has_windows(index: Any) -> bool:
    """Is there a slice whose bounds are known only by their type?"""
    if type(index) is slice:
        return any(isinstance(b, Tracer) and isinstance(concrete(b), ArrayType) for b in (index.start, index.stop))
    return type(index) is tuple and any(type(e) is slice and has_windows(e) for e in index)


def taken_out(index: Any, shape: Shape) -> tuple[list[Window], tuple[Any, ...]]:
    """The windows of an index expression, and what remains of it: whole slices in their place."""
    entries = list(index) if type(index) is tuple else [index]
    used = [0 if e is None or e is ... else len(e.shape) if is_mask(e) else 1 for e in entries]
    found, axis = [], 0
    for k, e in enumerate(entries):
        if type(e) is slice and has_windows(e):
            found.append(window(e, axis, shape[axis]))
            entries[k] = slice(None)
        axis += len(shape) - sum(used) if e is ... else used[k]
    return found, tuple(entries)


def is_mask(e: Any) -> bool:
    """Is it an array of booleans?"""
    return isinstance(e, np.ndarray | Tracer) and e.dtype.kind == "b"


def window(e: slice, axis: int, extent: int) -> Window:
    """A slice as a window; AbstractValueError where its length depends on data."""
    step = 1 if e.step is None else e.step
    span = None
    if e.start is not None and e.stop is not None and type(step) is int and step > 0:
        span = difference(e.stop, e.start)
    if span is None:
        raise AbstractValueError(
            "the length of a slice is needed, and its bounds are known only by their types",
            why="shapes may not depend on data (under jit, vmap or in a loop)",
            write="x[i:i + k] with a plain number k, whose length is k; or np.where(mask, x, 0) for any length",
        )
    length = len(range(0, max(span, 0), step))
    return Window(axis, e.start, length, step, extent)


# what bounds are made of -------------------------------------------------------------------------------------------
def difference(stop: Any, start: Any) -> int | None:
    """stop - start, if it is a number whatever their values are."""
    a, b = form(stop), form(start)
    if a is None or b is None:
        return None
    a.subtract(b)
    constant = a.pop(None, 0)
    return None if any(a.values()) else constant


def form(x: Any) -> Counter[Any] | None:
    """An integer as a linear form: variables with their coefficients, and None with the constant."""
    if isinstance(x, int | np.integer):
        return Counter({None: int(x)})
    while isinstance(x, Tracer) and not isinstance(x.traced_by, ProgramTrace) and isinstance(x.value, Tracer):
        x = x.value  # an integer has no tangent
    if not isinstance(x, Tracer) or not isinstance(x.traced_by, ProgramTrace) or x.dtype.kind not in "iu":
        return None
    if x.alias is not None:
        x.alias.refresh(x)
    recent = itertools.islice(reversed(x.traced_by.equations), LOOK_BACK)
    made = {v: eq for eq in recent for v in eq.outputs}
    return form_of(x.data, made)


def form_of(atom: Any, made: dict[Var, Any]) -> Counter[Any]:
    """The linear form of a variable or literal. What is made in another way counts as a variable: the same one where it
    is made of the same in the same way."""
    if isinstance(atom, Literal):
        return Counter({None: int(atom.value)})
    eq = made.get(atom)
    if eq is None or any(a.type.dtype.kind not in "iu" for a in eq.inputs) or eq.primitive.multiple:
        return Counter({atom: 1})
    name, parts = eq.primitive.name, [form_of(a, made) for a in eq.inputs]
    if name == "convert":
        return parts[0]
    if name in ("add", "sub"):
        parts[0].update(parts[1]) if name == "add" else parts[0].subtract(parts[1])
        return parts[0]
    scale = [p for p in parts if set(p) <= {None}]
    if name == "mul" and scale:
        other = parts[1] if scale[0] is parts[0] else parts[0]
        return Counter({v: c * scale[0][None] for v, c in other.items()})
    if name == "neg":
        return Counter({v: -c for v, c in parts[0].items()})
    return Counter({(name, repr(eq.params), tuple(frozenset(p.items()) for p in parts)): 1})


# windows of arrays -------------------------------------------------------------------------------------------------
def windowed(x: Any, *, window: Window) -> Any:
    """The elements of a window."""
    return gather(x, places(window), axis=window.axis)


def places(window: Window) -> Any:
    """The indices of a window."""
    return slice_places(window.start, length=window.length, step=window.step, extent=window.extent)


def put_window(x: Any, new: Any, *, window: Window) -> Any:
    """x with other elements in the place of a window."""
    return scatter_set(x, new, places(window), axis=window.axis)


_WRITERS[windowed] = put_window


def view_of(x: Tracer, windows: list[Window]) -> Any:
    """The windows of x, one axis after the other, tied to x as NumPy's slices are."""
    for w in windows:
        y = windowed(x, window=w)
        if isinstance(y, Tracer) and not is_number(x):
            y.alias = View(x, windowed, {"window": w}, True)
        x = y
    return x


def is_window(v: Any, x: Tracer, windows: list[Window], rest: tuple[Any, ...]) -> bool:
    """Is v this window of x? After `x[i:i + k] += 1` Python assigns it to where it already is."""
    alias = v.alias if isinstance(v, Tracer) else None
    if type(alias) is not View or alias.primitive is not windowed or alias.parent is not x or len(windows) != 1:
        return False
    own: Window = alias.params["window"]
    same = own._replace(start=None) == windows[0]._replace(start=None)
    return same and all(e == slice(None) for e in rest) and difference(own.start, windows[0].start) == 0
