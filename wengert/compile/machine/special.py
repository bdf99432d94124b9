"""SciPy's special functions as C functions of numbers: those that scipy.special.cython_special exports.

A name is `<function>.<arguments>_<results>`, a letter for each: d real, D complex, l integer; where there are several
results they are written to addresses. `special.jv.dD_D` is J of a real order at a complex number.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from .symbols import pointer, provides, signature

_LETTERS = {"double": "d", "__pyx_t_double_complex": "D", "Py_ssize_t": "l"}
_FUSED = re.compile(r"__pyx_fuse_(?:\d_)?\d(?P<name>\w+)")
if sys.platform != "win32":  # where a long has 32 bits, and complex numbers are passed in another way
    _LETTERS["long"] = "l"
else:
    del _LETTERS["__pyx_t_double_complex"]


def letters(text: str) -> str | None:
    """The signature of a C function in letters; None where it is not one that native code can call."""
    result, _, arguments = text.rstrip(")").partition(" (")
    passed = [a.strip() for a in arguments.split(",") if a.strip() != "int __pyx_skip_dispatch"]
    values = [_LETTERS.get(a) for a in passed if not a.endswith("*")]
    pointers = [_LETTERS.get(a.rstrip(" *")) for a in passed if a.endswith("*")]
    results = pointers if result == "void" else [_LETTERS.get(result)]
    if None in values or None in results or (pointers and result != "void"):
        return None
    return f"{''.join(map(str, values))}_{''.join(map(str, results))}"


@functools.cache
def functions() -> dict[str, dict[str, Any]]:
    """The exported functions by name, and for each its capsules by signature."""
    from scipy.special import cython_special

    found: dict[str, dict[str, Any]] = {}
    for name, capsule in cython_special.__pyx_capi__.items():
        match, kind = _FUSED.fullmatch(name), letters(signature(capsule))
        if kind is not None:
            found.setdefault(match["name"] if match else name, {})[kind] = capsule
    return found


@provides("special")
def find(name: str) -> int:
    """The address of `<function>.<signature>`."""
    function, _, kind = name.partition(".")
    return pointer(functions()[function][kind])
