"""What takes a value out of its trace (plain numbers, indices, text, pickles): shown where known, else refused."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.record import ProgramTrace
from ..core.trace import Tracer, concrete, leaked, settled
from ..core.types import ArrayType, shape_of
from ..errors import ConcretizationError, WengertError, is_ours
from .dispatch import HANDLERS

_STOP = "wg.stop_gradient(t) where only the value is wanted"
_COMPILED = "or leave it as it is and compile, wg.jit(wg.grad(f)), where the functions that follow t take its place"
_OWN_ARRAY = "make the array that is assigned to with wnp.zeros(n) or np.zeros_like(t)"

# What was asked for: what asks for it, and what to write.
_ADVICE = {
    "float": (
        "float(t), math.sin(t), and a[0] = t on a plain array take a plain number out of the trace",
        f"np.sin(t) for math.sin(t); {_OWN_ARRAY}; f'{{t:.3f}}' to print; {_STOP}; {_COMPILED}",
    ),
    "complex number": (
        "complex(t), cmath.sin(t), and a[0] = t on a plain array take a plain number out of the trace",
        f"np.sin(t) for cmath.sin(t); a + 1j * b for complex(a, b); {_OWN_ARRAY}; {_STOP}",
    ),
    "number by item()": (
        "item() takes a plain number out of the trace",
        f"t itself, or t[i] for t.item(i): elements of traced arrays are traced numbers; {_STOP}",
    ),
    "int": (
        "int(t), round(t), math.trunc(t), range(t), an index and a shape need a plain integer",
        "int(np.floor(t)), int(np.round(t)): steps, which have derivative zero; or int(wg.stop_gradient(t)); "
        f"{_OWN_ARRAY}, of floating-point dtype",
    ),
    "NumPy array": (
        "np.array([t, t]), np.full(3, t) and a[mask] = t on a plain array fill plain arrays, which hold no derivatives",
        "wnp.array([t, t]), np.stack([t, t]), wnp.full(3, t), with import wengert.numpy as wnp; t.astype(np.float32) "
        f"for np.float32(t); {_OWN_ARRAY}; {_STOP}; {_COMPILED}",
    ),
    "pickle": (
        "what is sent to a file or to another process is plain data",
        f"pickle results after the transformation; return what is to be kept with has_aux=True; {_STOP}",
    ),
}


def install() -> None:
    """Give tracers the conversions."""
    for name, method in _METHODS.items():
        setattr(Tracer, name, method)


def plain_number(tracer: Tracer, asked: str) -> WengertError:
    """The error for turning a traced value into a plain number or array."""
    if not tracer.traced_by.alive:
        return leaked(tracer)
    became = f"a plain {asked}" if asked != "pickle" else "a pickle"
    what = f"a traced array {tracer.type} was turned into {became}"
    why, write = _ADVICE[asked]
    package = calling_package()
    if package:
        return ConcretizationError(
            f"{package} was called with a traced array {tracer.type}, whose derivative would be lost",
            why="it computes with plain arrays, and NumPy's protocols do not reach it",
            write=(f"{_INSTEAD[package]}, where that has it, {_COMPILED}; " if package in _INSTEAD else "")
            + f"wg.custom_jvp or wg.custom_vjp for a derivative of your own; {_STOP}",
        )
    if tracer.dtype.kind not in "fc":
        why = "its value is known to the trace alone; an index, for example, may differ between the lanes of vmap"
        static = "wg.jit(f, static_argnums=k) where shapes depend on it"
        write = f"wnp.take(a, i) for a[i] with a traced index i; {static}; {_STOP}"
        return ConcretizationError(what, why=why, write=write)
    return ConcretizationError(f"{what}, which would lose its derivative", why=why, write=write)


# What to write instead of parts of SciPy.
_OURS = ("fft", "integrate", "interpolate", "linalg", "ndimage", "signal", "special", "stats")
_INSTEAD = {f"scipy.{name}": f"from wengert.scipy import {name}" for name in _OURS}
_INSTEAD["scipy.integrate"] += "; wg.implicit.ode or quad"
_INSTEAD["scipy"] = "the function of this name in wengert.scipy"
_INSTEAD["scipy.optimize"] = "wg.implicit.root, fixed_point, minimize or least_squares"


def calling_package() -> str:
    """The part of SciPy, as `scipy.special`, that the user's code called, if what runs runs inside it."""
    found, frame = "", sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        names = frame.f_globals.get("__name__", "").split(".")
        if names[0] == "scipy":
            private = names[1].startswith("_")  # what its functions have in common
            found = found or "scipy" if private else ".".join(names[:2])
        frame = frame.f_back  # type: ignore[assignment]
    return found


# numbers and arrays ----------------------------------------------------------------------------------------------
def plain(self: Tracer, asked: str, convert: Callable[[Any], Any]) -> Any:
    """The value, converted, of a constant or of wg.stop_gradient: there is no derivative to lose."""
    value = settled(self)
    if not isinstance(value, Tracer):
        return convert(value)
    if value.traced_by.follows(value):
        raise plain_number(self, asked) from None
    return convert(value.traced_by.concretize(value, convert))


def _to_float(self: Tracer) -> float:
    return plain(self, "float", float)


def _to_complex(self: Tracer) -> complex:
    return plain(self, "complex number", complex)


def _to_array(self: Tracer, dtype: Any = None, copy: Any = None) -> Any:
    value = settled(self)
    while isinstance(value, Tracer):
        if isinstance(value.traced_by, ProgramTrace) or value.traced_by.follows(value):
            raise plain_number(self, "NumPy array") from None
        value = settled(value.value)
    array = np.array(value, dtype=dtype)
    array.flags.writeable = copy is True  # what is written into np.asarray(t) would not reach t
    return array


# decisions and indices -------------------------------------------------------------------------------------------
def _decision(convert: Callable[[Any], Any]) -> Callable[[Tracer], Any]:
    """A Python decision on the value as it is now."""

    def decide(self: Tracer) -> Any:
        if not self.traced_by.alive:
            raise leaked(self)
        if self.alias is not None:
            self.alias.refresh(self)
        return convert(self.traced_by.concretize(self, convert))

    return decide


def _to_int(self: Tracer) -> int:
    if self.dtype.kind in "fc":
        return plain(self, "int", int)
    return int(_decision(int)(self))


def _index(self: Tracer) -> int:
    if self.dtype.kind in "iub" and not self.shape:
        return int(_decision(operator.index)(self))
    if self.dtype.kind in "fc" and isinstance(settled(self), Tracer):
        raise plain_number(self, "int") from None
    raise TypeError("only integer scalar arrays can be converted to a scalar index")


def _round(self: Tracer, ndigits: Any = None) -> Any:
    return _to_int(self) if ndigits is None else np.round(self, ndigits)  # type: ignore[call-overload]


# text ------------------------------------------------------------------------------------------------------------
def _known(self: Tracer) -> Any:
    """The value, None where only its type is known, or where it is one for each lane of vmap."""
    if self.alias is not None and self.traced_by.alive:
        self.alias.refresh(self)
    value = concrete(self)
    return None if isinstance(value, ArrayType) or shape_of(value) != self.shape else value


def _repr(self: Tracer) -> str:
    value = concrete(self)
    shown = "" if isinstance(value, ArrayType) else f", value {np.array2string(np.asarray(value), threshold=10)}"
    return f"Tracer<{self.type}, {self.traced_by.name}{shown}>"


def _str(self: Tracer) -> str:
    value = _known(self)
    return _repr(self) if value is None else str(value)


def _format(self: Tracer, spec: str) -> str:
    value = _known(self)
    if value is None or not spec:
        return _str(self)
    return format(value, spec)


def _reduce(self: Tracer, protocol: Any = None) -> Any:
    raise plain_number(self, "pickle")


def _text_of(function: Any) -> Any:
    """A NumPy function that writes an array as text, on the value where it is known."""

    def text(a: Any, *args: Any, **kwargs: Any) -> str:
        value = _known(a) if isinstance(a, Tracer) else a
        return _repr(a) if value is None else function(np.asarray(value), *args, **kwargs)

    return text


for _function in (np.array2string, np.array_repr, np.array_str):
    HANDLERS[_function] = _text_of(_function)

_METHODS: dict[str, Any] = {
    "__array__": _to_array,
    "__float__": _to_float,
    "__complex__": _to_complex,
    "__int__": _to_int,
    "__trunc__": _to_int,
    "__index__": _index,
    "__round__": _round,
    "__bool__": _decision(bool),
    "__repr__": _repr,
    "__str__": _str,
    "__format__": _format,
    "__reduce_ex__": _reduce,
}
