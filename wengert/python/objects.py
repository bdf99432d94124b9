"""Operators and attributes of objects of the user's classes: the methods behind them are adopted when they are called.

Python looks the method up on the class (`type(x).__add__`, a property), where nothing of ours stands between. So
rewritten source asks here, and for all other objects does what Python does.
"""

from __future__ import annotations

import functools
import operator
import types
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..errors import is_ours
from .calls import function

# Classes without methods of the user's, and most of what operators see.
_PLAIN = {
    Tracer,
    np.ndarray,
    float,
    int,
    bool,
    complex,
    str,
    list,
    tuple,
    dict,
    slice,
    type(None),
    np.float64,
    np.int64,
}

_IN_PLACE_OR_NOT = {f"i{name}": name for name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift",
)}  # fmt: skip
_REFLECTED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def of_user(x: Any, name: str) -> Any:
    """The method of the user's class of x, if there is one of this name."""
    found = getattr(type(x), name, None)
    return found if isinstance(found, types.FunctionType) and not is_ours(found.__code__.co_filename) else None


def binary(name: str, x: Any, y: Any) -> Any:
    """`x + y` and the like; name: `add`."""
    plain = getattr(operator, f"{name}_" if name in ("and", "or") else name)
    if type(x) in _PLAIN and type(y) in _PLAIN:
        return plain(x, y)
    there, back = f"__{name}__", f"__{_REFLECTED.get(name) or 'r' + name}__"
    if of_user(x, there) is None and of_user(y, back) is None:
        return plain(x, y)
    found = tried(x, y, there, back)
    return plain(x, y) if found is NotImplemented else found


def tried(x: Any, y: Any, there: str, back: str) -> Any:
    """x.there(y), else y.back(x): the other way round where y is of a class derived from that of x."""
    ways = [(x, y, there), (y, x, back)]
    if type(y) is not type(x) and isinstance(y, type(x)) and getattr(type(y), back, None) is not None:
        ways.reverse()
    if type(x) is type(y) and there not in _COMPARISONS:
        ways.pop()
    for own, other, name in ways:
        method = getattr(type(own), name, None)
        if method is not None:
            found = (function(method) if isinstance(method, types.FunctionType) else method)(own, other)
            if found is not NotImplemented:
                return found
    return NotImplemented


_COMPARISONS = {f"__{name}__" for name in _REFLECTED}


def in_place(name: str, x: Any, y: Any) -> Any:
    """What `x += y` makes x; name: `iadd`."""
    if type(x) not in _PLAIN:
        method = of_user(x, f"__{name}__")
        found = function(method)(x, y) if method is not None else NotImplemented
        if found is not NotImplemented:
            return found
        if method is not None or not hasattr(type(x), f"__{name}__"):
            return binary(_IN_PLACE_OR_NOT[name], x, y)
    elif type(y) not in _PLAIN and not hasattr(type(x), f"__{name}__"):
        return binary(_IN_PLACE_OR_NOT[name], x, y)
    return getattr(operator, name)(x, y)


def unary(name: str, x: Any) -> Any:
    """`-x`, `+x`, `~x`; name: `neg`."""
    method = of_user(x, f"__{name}__") if type(x) not in _PLAIN else None
    return getattr(operator, name)(x) if method is None else function(method)(x)


# attributes --------------------------------------------------------------------------------------------------------
def attribute(x: Any, name: str) -> Any:
    """`x.name`: a property is computed by its adopted function."""
    kind = type(x)
    if kind in _PLAIN or kind is types.ModuleType:
        return getattr(x, name)
    found = on_class(kind, name)
    if type(found) is property and is_users(found.fget):
        return function(found.fget)(x)
    if type(found) is functools.cached_property and is_users(found.func) and name not in vars(x):
        return function(found.func)(x)  # not kept: it may be traced
    return getattr(x, name)


def set_attribute(value: Any, x: Any, name: str) -> None:
    """`x.name = value`: a property is set by its adopted function."""
    found = on_class(type(x), name) if type(x) not in _PLAIN else None
    if type(found) is property and is_users(found.fset):
        function(found.fset)(x, value)
    else:
        setattr(x, name, value)


def on_class(cls: type, name: str) -> Any:
    """What a class and those it is derived from hold under a name."""
    for c in cls.__mro__:
        if name in c.__dict__:
            return c.__dict__[name]
    return None


def is_users(f: Any) -> bool:
    """Is it a function of the user's?"""
    return isinstance(f, types.FunctionType) and not is_ours(f.__code__.co_filename)


def element(x: Any, index: Any) -> Any:
    """`x[index]` of an object of the user's."""
    method = of_user(x, "__getitem__") if type(x) not in _PLAIN else None
    return x[index] if method is None else function(method)(x, index)
