"""NumPy's function protocol: which of our functions answers when a NumPy function is called with a tracer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from ..core.trace import Tracer, settled
from ..errors import UnsupportedFunctionError

Function = Callable[..., Any]

HANDLERS: dict[Any, Function] = {}
REFUSED: dict[Any, str] = {}  # NumPy functions without a derivative by decision, with the reason


def implements(*numpy_functions: Any) -> Callable[[Function], Function]:
    """Declare the differentiable implementation of NumPy functions (several where they are aliases).

    The public function calls NumPy's own where no argument is traced, so that plain programs get NumPy's exact
    results and errors; with tracers among its arguments (or in lists and tuples of them) it calls ours.
    """
    numpy_function = numpy_functions[0]

    def decorate(ours: Function) -> Function:
        for f in numpy_functions:
            HANDLERS[f] = ours

        @functools.wraps(ours)
        def public(*args: Any, **kwargs: Any) -> Any:
            for a in args:
                if isinstance(a, Tracer):
                    return ours(*args, **kwargs)
            if any_traced(args) or (kwargs and any_traced(tuple(kwargs.values()))):
                return ours(*args, **kwargs)
            return numpy_function(*args, **kwargs)

        public.__module__ = "wengert.numpy"
        return public

    return decorate


def refuse(numpy_function: Any, reason: str) -> None:
    """Declare that a NumPy function is not differentiated, and why."""
    REFUSED[numpy_function] = reason


def any_traced(args: Any) -> bool:
    """Is there a tracer among these arguments, or in the lists, tuples and dicts among them?"""
    for a in args:
        if isinstance(a, Tracer):
            return True
        kind = type(a)
        if (kind is list or kind is tuple) and a and any_traced(a):
            return True
        if kind is dict and any_traced(a.values()):
            return True
    return False


def array_function(self: Tracer, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """NumPy's protocol: a function was called with a tracer among its arguments."""
    handler = HANDLERS.get(func)
    if handler is not None:
        return handler(*args, **kwargs)
    plain = lowered((args, kwargs))
    if any_traced(plain):
        raise unsupported(func)
    return func(*plain[0], **plain[1])


def lowered(tree: Any) -> Any:
    """Handles of constants as the plain arrays in them: they have no derivative that a function could lose."""
    kind = type(tree)
    if kind is list or kind is tuple:
        return kind(lowered(item) for item in tree)
    if kind is dict:
        return {name: lowered(item) for name, item in tree.items()}
    return settled(tree)


def unsupported(func: Any) -> UnsupportedFunctionError:
    """The error for a NumPy function that we have no derivative for."""
    module = getattr(func, "__module__", "numpy") or "numpy"
    name = f"{module}.{getattr(func, '__name__', func)}"
    return UnsupportedFunctionError(
        f"{name} is not differentiated",
        why=REFUSED.get(func, "it has no derivative rule here"),
        write="write it with functions of wengert.numpy, give it a derivative with wg.custom_jvp or wg.custom_vjp, "
        "or apply it to wg.stop_gradient(x) where its derivative is not wanted",
    )


def unsupported_argument(function: str, argument: str, value: Any, write: str) -> UnsupportedFunctionError:
    """The error for an argument of a NumPy function that has no meaning under differentiation."""
    return UnsupportedFunctionError(
        f"{function}({argument}={value!r}) is not differentiated",
        why="this argument has no meaning for traced arrays",
        write=write,
    )


def normalize_axis(axis: Any, ndim: int) -> tuple[int, ...]:
    """None, an int or a tuple as a sorted tuple of axes in range(ndim); NumPy's AxisError otherwise."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    found = tuple(sorted(np.lib.array_utils.normalize_axis_index(index(a), ndim) for a in axes))
    if len(set(found)) != len(found):
        raise ValueError("repeated axis")
    return found
