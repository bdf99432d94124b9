"""Calls of the functions, and the definitions of the forms that a text calls, to be inlined there."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from .table import FAMILIES, TABLE, written
from .text import Code, Target, type_of

SYMBOL = re.compile(r"\bwg_(\w+?)_f(64|32)(?:_v(\d+))?\b")
PURE = "nofree nosync nounwind willreturn memory(none)"
# of the definitions, and of the calls of rare functions: numbers above those that a kernel has for itself
ATTRIBUTES = f"""
attributes #1000 = {{ alwaysinline {PURE} }}
attributes #1001 = {{ cold nounwind willreturn memory(argmem: readwrite) }}
!1000 = !{{!"branch_weights", i32 1, i32 1048576}}
"""

Form = tuple[str, int, int]  # name, bits, lanes; 0 lanes: of one number


def symbol(name: str, bits: int, lanes: int = 0) -> str:
    return f"wg_{name}_f{bits}" + (f"_v{lanes}" if lanes else "")


def call(name: str, dtype: Any, args: Iterable[str], lanes: int = 0) -> str:
    """The text of a call."""
    bits = 8 * np.dtype(dtype).itemsize
    real = type_of("double" if bits == 64 else "float", lanes).text
    return f"call {real} @{symbol(name, bits, lanes)}({', '.join(f'{real} {x}' for x in args)})"


def is_form(name: str) -> bool:
    """Is it a symbol of ours?"""
    match = SYMBOL.fullmatch(name)
    return match is not None and match[1] in TABLE


def forms(text: str) -> list[Form]:
    """The forms that a text calls."""
    found = {(m[1], int(m[2]), int(m[3] or 0)) for m in SYMBOL.finditer(text)}
    return sorted(f for f in found if f[0] in TABLE)


def related(used: Iterable[Form]) -> bool:
    """Are there two among these that share instructions, of the same argument?"""
    names = {name for name, _, _ in used}
    return any(len(family & names) > 1 for family in FAMILIES)


@functools.cache
def definition(name: str, bits: int, lanes: int, target: Target) -> tuple[str, frozenset[str]]:
    """The text of one form, and the declarations it needs."""
    code = Code(symbol(name, bits, lanes), bits, lanes, target)
    return written(name, code), frozenset(code.external.values())


def definitions(used: Iterable[Form], target: Target | None = None) -> tuple[str, set[str]]:
    """The text of these forms, and the declarations that they need."""
    found = [definition(*form, target or host()) for form in used]
    external: set[str] = set().union(*(external for _, external in found))
    return "\n".join([*(text for text, _ in found), ATTRIBUTES]) if found else "", external


@functools.cache
def host() -> Target:
    """This machine."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    x86 = llvm.get_process_triple().startswith(("x86_64", "i"))
    avx512 = all(features.get(name) for name in ("avx512f", "avx512dq", "avx512vl"))
    return Target(fma=not x86 or bool(features.get("fma")), avx512=x86 and avx512)
