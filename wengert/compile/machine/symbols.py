"""Addresses of the functions that native code calls by name: BLAS and LAPACK, special functions, call backs.

A name is `<provider>.<function>`, such as `blas.dgemm`; what knows the addresses of a provider is registered here.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

PROVIDERS: dict[str, Callable[[str], int]] = {}  # by the first part of a name: the rest of the name -> the address

_DECLARED = re.compile(r"@([\w.$]+)\(")


def provides(prefix: str) -> Callable[[Callable[[str], int]], Callable[[str], int]]:
    """Declare who knows the addresses of the functions `prefix.*`."""

    def declare(find: Callable[[str], int]) -> Callable[[str], int]:
        PROVIDERS[prefix] = find
        return find

    return declare


def address(name: str) -> int:
    """The address of a function; KeyError where nobody has it."""
    prefix, _, rest = name.partition(".")
    return PROVIDERS[prefix](rest)


def addresses(declarations: Iterable[str]) -> dict[str, int]:
    """The functions of a module's declarations that come from a provider, with their addresses."""
    names = (m[1] for text in declarations if (m := _DECLARED.search(text)))
    return {name: address(name) for name in names if name.partition(".")[0] in PROVIDERS}


# capsules of Cython --------------------------------------------------------------------------------------------------
@functools.cache
def _python() -> Any:
    """CPython's functions on capsules."""
    api = ctypes.PyDLL(None)
    for function, result in ((api.PyCapsule_GetName, ctypes.c_char_p), (api.PyCapsule_GetPointer, ctypes.c_void_p)):
        function.restype = result
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api


def signature(capsule: Any) -> str:
    """The C signature of a function that Cython exports, such as `double (double, int __pyx_skip_dispatch)`."""
    return _python().PyCapsule_GetName(capsule).decode()


def pointer(capsule: Any) -> int:
    """The address of a function that Cython exports."""
    return _python().PyCapsule_GetPointer(capsule, _python().PyCapsule_GetName(capsule))
