"""Functions that kernels need too rarely to contain them: called through an address, compiled when first called.

The address is that of a call back into Python, which compiles the function and passes on to it. A kernel with sines
so carries nothing for angles beyond 10^9 but the call.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from ..machine import llvm, symbols
from .link import host
from .table import RARE
from .text import Code
from .trigonometric import TWO_OVER_PI

LOOP = """
define void @wengert_main({parameters}, ptr %y, i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{loads}
  %r = call double @one({values})
  %q = getelementptr double, ptr %y, i64 %i
  store double %r, ptr %q
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %exit
exit:
  ret void
}}
declare double @fmod(double, double)
declare double @lgamma(double)
attributes #0 = {{ nounwind }}
"""


def text(name: str) -> str:
    """A module: the function of numbers, and a loop over arrays."""
    count, algorithm = RARE[name]
    code = Code("one", 64, 0, host())
    one = code.definition(count, algorithm(code, *code.arguments(count)))
    loads = "\n".join(
        f"  %p{k} = getelementptr double, ptr %x{k}, i64 %i\n  %v{k} = load double, ptr %p{k}" for k in range(count)
    )
    names = {"parameters": ", ".join(f"ptr %x{k}" for k in range(count)), "loads": loads}
    data = ", ".join(f"i8 {byte}" for byte in TWO_OVER_PI)
    table = f"@two_over_pi = internal constant [{len(TWO_OVER_PI)} x i8] [{data}]\n"
    return table + one + LOOP.format(**names, values=", ".join(f"double %v{k}" for k in range(count)))


_compiled: dict[str, tuple[Any, Any]] = {}  # functions of arrays, and what keeps them in memory


def compiled(name: str) -> Any:
    """The function of arrays."""
    import llvmlite.binding as binding

    with llvm.lock:
        if name in _compiled:
            return _compiled[name][0]
        llvm.target()
        module = binding.parse_assembly(text(name))
        module.triple = binding.get_process_triple()
        found, library = llvm.loaded(llvm.object_code(module), {})
        _compiled[name] = prototype(name)(found), library
        return _compiled[name][0]


def prototype(name: str) -> Any:
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (RARE[name][0] + 1), ctypes.c_int64)


@functools.cache
def call_back(name: str) -> Any:
    return prototype(name)(lambda *args: compiled(name)(*args))


@symbols.provides("math")
def address(name: str) -> int:
    """The address of a rare function."""
    function = _compiled[name][0] if name in _compiled else call_back(name)
    return ctypes.cast(function, ctypes.c_void_p).value or 0
