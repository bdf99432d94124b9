"""Functions that adopted code calls: the user's are adopted, NumPy's and SciPy's are the traced language's."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import numpy as wnp
from .. import scipy
from ..core.trace import Tracer
from ..errors import ControlFlowError, is_ours
from ..numpy import creation
from .builtins import BUILTINS, refuse_in_loops, refuse_recorded
from .source import is_rewritten, rewritten
from .values import undecided

Function = Callable[..., Any]

_KEPT = "__wengert_called__"  # attribute of a function: a reference to itself, and what is called in its place
_replaced = BUILTINS
_contents: dict[str, set[int]] = {}  # of modules that have been imported: ids of what is in them, until it was sought


def called(f: Any) -> Any:
    """What is called in the place of f."""
    kind = type(f)
    if kind is types.FunctionType:
        return function(f)
    if kind is types.MethodType:
        return method(f)
    if isinstance(f, type):
        found = replaced(f)
        return found if found is not f else constructor(f)
    if kind in _HASHABLE:
        found = replaced(f)
        return found if found is not f else builtin(f)
    if kind is functools.partial:
        return functools.partial(called(f.func), *f.args, **f.keywords)
    if hasattr(f, "cache_info") and hasattr(f, "__wrapped__"):
        return called(f.__wrapped__)  # functools.lru_cache: a traced result must not be kept
    found = replaced(f)  # scipy.fft's functions are objects
    return found if found is not f else instance(f)


_HASHABLE = (types.BuiltinFunctionType, np.ufunc, type(np.sum))


def function(f: Any) -> Any:
    """A Python function: adopted if it is the user's."""
    known, found = vars(f).get(_KEPT, (None, None))
    if known is None or known() is not f:
        found = f
        if not is_rewritten(f):
            found = replaced(f) if is_ours(f.__code__.co_filename) else rewritten(f, *_operators) or f
        vars(f)[_KEPT] = weakref.ref(f), found  # kept by the function: so that both are collected together
    return found


_operators: list[Any] = []  # the module of operators, which itself calls what is adopted


def rewrite_with(operators: Any) -> None:
    """Functions are rewritten in terms of these operators."""
    _operators[:] = [operators]


def method(f: Any) -> Any:
    """A bound method: the function that it calls, adopted."""
    owner = f.__self__
    ours = replaced(owner) if type(owner).__module__.startswith("scipy.stats") else owner
    if ours is not owner:
        return getattr(ours, f.__name__)
    inner = f.__func__
    return types.MethodType(called(inner), owner) if isinstance(inner, types.FunctionType) else builtin(f)


def constructor(cls: type) -> Any:
    """A class of the user's: its __init__ is adopted, and what a dataclass runs after its own."""
    init: Any = cls.__init__  # type: ignore[misc]
    plain = type(cls) is type and cls.__new__ is object.__new__ and isinstance(init, types.FunctionType)
    if not plain or is_ours(init.__code__.co_filename):
        return cls
    after = getattr(cls, "__post_init__", None) if dataclasses.is_dataclass(cls) and cls.__dictoffset__ else None
    if function(init) is init and not isinstance(after, types.FunctionType):
        return cls

    def construct(*args: Any, **kwargs: Any) -> Any:
        made: Any = object.__new__(cls)
        if isinstance(after, types.FunctionType):  # found on the object first
            vars(made)["__post_init__"] = types.MethodType(function(after), made)
        function(init)(made, *args, **kwargs)
        if after is not None:
            vars(made).pop("__post_init__", None)
        return made

    return construct


def instance(f: Any) -> Any:
    """An object that is called: its class's __call__, adopted."""
    inner = getattr(type(f), "__call__", None)  # noqa: B004
    if isinstance(inner, types.FunctionType) and not is_ours(inner.__code__.co_filename):
        return types.MethodType(function(inner), f)
    if isinstance(f, np.vectorize):
        return wnp.vectorize(called(f.pyfunc), f.otypes, f.__doc__, f.excluded, f.cache, f.signature)
    return f


# builtin functions ---------------------------------------------------------------------------------------------------
_LOOKUPS = frozenset(("get", "pop", "setdefault", "__getitem__", "__contains__", "index", "remove", "format"))


def builtin(f: Any) -> Any:
    """A function that is written in C: what looks a traced value up, or draws random numbers, says what is wrong."""
    owner = getattr(f, "__self__", None)
    module = getattr(f, "__module__", None) or type(owner).__module__
    if isinstance(owner, np.ndarray) and f.__name__ in ("copy", "astype", "flatten"):
        return functools.partial(_made, f)
    if type(owner).__module__ == "_io":
        return refuse_recorded(f)
    if module in ("time", "random", "_random") or type(owner).__module__.startswith("numpy.random"):
        return refuse_in_loops(f)
    if isinstance(owner, dict | set | str) and f.__name__ in _LOOKUPS:

        def looking(*args: Any, **kwargs: Any) -> Any:
            if any(undecided(x) for x in (*args[: None if isinstance(owner, str) else 1], *kwargs.values())):
                raise ControlFlowError(
                    f"a traced value is given to {type(owner).__name__}.{f.__name__}",
                    why="what is looked up, or turned into text, must be known when the program is recorded",
                    write='an array and an index; or wg.print("x = {}", x), which prints when the program runs',
                )
            return f(*args, **kwargs)

        return looking
    return f


# the traced language -------------------------------------------------------------------------------------------------
def replaced(f: Any) -> Any:
    """The traced language's function in the place of NumPy's, SciPy's or Python's; f itself where there is none."""
    try:
        found = _replaced.get(f)
    except TypeError:
        return f
    if found is None:
        _learn(f)
        found = _replaced.get(f, f)
    return found


def _learn(f: Any) -> None:
    """Find f in the modules that have been imported by now."""
    for name, others in _MODULES.items():
        if name not in sys.modules:
            continue
        theirs = vars(sys.modules[name])
        if name not in _contents:
            _contents[name] = set(map(id, theirs.values()))
        if id(f) in _contents[name]:
            _contents[name].discard(id(f))
            ours = importlib.import_module(others)
            for key in [key for key, g in theirs.items() if g is f and not key.startswith("_")]:
                g = getattr(ours, key, f)
                if g is not f and callable(f) and (not isinstance(f, type) or isinstance(g, type)):
                    _replaced.setdefault(f, g)


_MODULES = {
    "numpy": "wengert.numpy",
    "numpy.linalg": "wengert.numpy.linalg",
    "numpy.fft": "wengert.numpy.fft",
    "scipy.special": "wengert.scipy.special",
    "scipy.fft": "wengert.scipy.fft",
    "scipy.integrate": "wengert.scipy.integrate",
    "scipy.interpolate": "wengert.scipy.interpolate",
    "scipy.linalg": "wengert.scipy.linalg",
    "scipy.ndimage": "wengert.scipy.ndimage",
    "scipy.signal": "wengert.scipy.signal",
    "scipy.stats": "wengert.scipy.stats",
}


def _made(make: Function, *args: Any, **kwargs: Any) -> Any:
    x = make(*args, **kwargs)
    return creation.blank(x) if isinstance(x, np.ndarray) else x


for _f in (np.array, np.arange):  # arrays of integers, too, may be assigned traced values
    _replaced[_f] = functools.partial(_made, getattr(wnp, _f.__name__))

_MATH = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
    "atanh": "arctanh", "cbrt": "cbrt", "ceil": "ceil", "copysign": "copysign", "cos": "cos", "cosh": "cosh",
    "degrees": "degrees", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "fabs": "fabs", "floor": "floor",
    "fmod": "fmod", "gcd": "gcd", "isfinite": "isfinite", "isinf": "isinf", "isnan": "isnan", "lcm": "lcm",
    "ldexp": "ldexp", "log10": "log10", "log1p": "log1p", "log2": "log2", "nextafter": "nextafter", "pow": "power",
    "radians": "radians", "remainder": "remainder", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "tan": "tan",
    "tanh": "tanh", "trunc": "trunc",
}  # fmt: skip


def _math(theirs: Any, ours: Any) -> Any:
    def f(*args: Any, **kwargs: Any) -> Any:
        return (ours if any(isinstance(x, Tracer) for x in args) else theirs)(*args, **kwargs)

    return f


def _special(name: str) -> Function:
    """A function of wengert.scipy.special, which is imported when it is called."""
    return lambda *args: getattr(scipy.special, name)(*args)


for _theirs, _ours in _MATH.items():
    if hasattr(math, _theirs) and _theirs not in ("ceil", "floor", "trunc", "remainder"):
        _replaced[getattr(math, _theirs)] = _math(getattr(math, _theirs), getattr(wnp, _ours))
for _theirs, _ours in (("erf", "erf"), ("erfc", "erfc"), ("gamma", "gamma"), ("lgamma", "gammaln")):
    _replaced[getattr(math, _theirs)] = _math(getattr(math, _theirs), _special(_ours))
