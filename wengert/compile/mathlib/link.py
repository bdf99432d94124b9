"""Calls of the functions, their declarations for the vectoriser, and the definitions, linked and inlined after it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from .table import FAMILIES, NUMBERS, TABLE, written
from .text import Code, Target, type_of

FIRST_GROUP = 1000  # attribute groups of calls: a kernel's own are numbered below
KEPT = "llvm.compiler.used"
SYMBOL = re.compile(r"wg_(\w+?)_f(64|32)(?:_v(\d+))?$")
PURE = "nofree nosync nounwind willreturn memory(none)"
# of the definitions, and of the calls of rare functions
ATTRIBUTES = f"""
attributes #0 = {{ alwaysinline {PURE} }}
attributes #1 = {{ cold nounwind willreturn memory(argmem: readwrite) }}
!0 = !{{!"branch_weights", i32 1, i32 1048576}}
"""


def bits_of(dtype: Any) -> int:
    return 8 * np.dtype(dtype).itemsize


def symbol(name: str, bits: int, lanes: int = 0) -> str:
    return f"wg_{name}_f{bits}" + (f"_v{lanes}" if lanes else "")


def group(name: str, bits: int) -> int:
    return FIRST_GROUP + 2 * NUMBERS[name] + (bits == 32)


def call(name: str, dtype: Any, args: Iterable[str]) -> str:
    """The text of a call of the scalar form, which the vectoriser can widen."""
    bits = bits_of(dtype)
    real = type_of("double" if bits == 64 else "float", 0).text
    passed = ", ".join(f"{real} {x}" for x in args)
    return f"call {real} @{symbol(name, bits)}({passed}) #{group(name, bits)}"


def vector_lanes(bits: int, width: int) -> list[int]:
    """The widths a vectoriser may choose: powers of two up to the register's; width: float64 numbers in a register."""
    most = width * 64 // bits
    return [n for n in (2, 4, 8, 16) if n <= most]


def declarations(used: Iterable[tuple[str, Any]], width: int) -> str:
    """What a kernel's module needs for its calls: declarations, kept from removal, and attributes with the variants."""
    lines, kept = [], []
    for name, bits in sorted({(name, bits_of(dtype)) for name, dtype in used}):
        lanes = vector_lanes(bits, width)
        for n in [0, *lanes]:
            real = type_of("double" if bits == 64 else "float", n).text
            args = ", ".join([real] * TABLE[name][0])
            lines.append(f"declare {real} @{symbol(name, bits, n)}({args}) #{group(name, bits)}")
        kept += [f"ptr @{symbol(name, bits, n)}" for n in lanes]
        lines.append(f"attributes #{group(name, bits)} = {{ {PURE} {variants(name, bits, lanes)} }}")
    if kept:
        lines.append(f'@{KEPT} = appending global [{len(kept)} x ptr] [{", ".join(kept)}], section "llvm.metadata"')
    return "\n".join([*lines, ""])


def variants(name: str, bits: int, lanes: list[int]) -> str:
    """The attribute that names the vector forms (LLVM's vector function ABI)."""
    scalar, shape = symbol(name, bits), "v" * TABLE[name][0]
    forms = [f"_ZGV_LLVM_N{n}{shape}_{scalar}({symbol(name, bits, n)})" for n in lanes]
    return f'"vector-function-abi-variant"="{",".join(forms)}"' if forms else ""


@functools.cache
def definition(name: str, bits: int, lanes: int, target: Target) -> tuple[str, frozenset[str]]:
    """The text of one form, and the declarations it needs."""
    code = Code(symbol(name, bits, lanes), bits, lanes, target)
    return written(name, code), frozenset(code.external.values())


def module_text(forms: Iterable[tuple[str, int, int]], target: Target) -> str:
    """A module with the definitions of these forms: (name, bits, lanes)."""
    found = [definition(*form, target) for form in forms]
    declared = sorted(set().union(*(external for _, external in found)))
    return "\n".join([*declared, *(text for text, _ in found), ATTRIBUTES])


def library(used: Iterable[tuple[str, Any]], width: int, target: Target | None = None) -> str:
    """The definitions of the scalar and of every vector form of these functions."""
    pairs = sorted({(name, bits_of(dtype)) for name, dtype in used})
    forms = [(name, bits, n) for name, bits in pairs for n in [0, *vector_lanes(bits, width)]]
    return module_text(forms, target or host())


@functools.cache
def host() -> Target:
    """This machine."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    x86 = llvm.get_process_triple().startswith(("x86_64", "i"))
    avx512 = all(features.get(name) for name in ("avx512f", "avx512dq", "avx512vl"))
    return Target(fma=not x86 or bool(features.get("fma")), avx512=x86 and avx512)


def inline(module: Any, target_machine: Any, target: Target | None = None) -> None:
    """Link the forms that an optimised module calls, and inline them; nothing where it calls none."""
    import llvmlite.binding as llvm

    try:
        kept = module.get_global_variable(KEPT)
    except NameError:
        return
    kept.name, kept.linkage = "wg.kept", "internal"  # no longer special, and so unused
    builder = llvm.create_pass_builder(target_machine, llvm.create_pipeline_tuning_options(speed_level=1))
    unused = llvm.create_new_module_pass_manager()
    unused.add_global_dead_code_eliminate_pass()
    unused.add_strip_dead_prototype_pass()
    unused.run(module, builder)
    forms = [form for f in module.functions if f.is_declaration and (form := form_of(f.name))]
    if not forms:
        return
    definitions = llvm.parse_assembly(module_text(forms, target or host()))
    definitions.triple, definitions.data_layout = module.triple, module.data_layout
    module.link_in(definitions)
    cleanup = llvm.create_new_module_pass_manager()
    cleanup.add_always_inliner_pass()
    cleanup.add_global_dead_code_eliminate_pass()
    if any(len(family & {name for name, _, _ in forms}) > 1 for family in FAMILIES):
        cleanup.add_new_gvn_pass()
    cleanup.run(module, builder)


def form_of(name: str) -> tuple[str, int, int] | None:
    """(name, bits, lanes) of a symbol of ours."""
    match = SYMBOL.match(name)
    if match is None or match[1] not in TABLE:
        return None
    return match[1], int(match[2]), int(match[3] or 0)
