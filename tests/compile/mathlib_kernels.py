"""Loops that call every function of the math library, compiled for a width: in vectors, and one by one."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from wengert.compile import mathlib
from wengert.compile.mathlib import rare
from wengert.compile.mathlib.table import RARE, TABLE

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
TRIPLE = llvm.get_process_triple()
FEATURES = llvm.get_host_cpu_features()
X86 = TRIPLE.startswith("x86_64")


def machines() -> dict[str, tuple[int, str, str, mathlib.Target]]:
    """By name: float64 numbers in a register, processor, features, what the library may use."""
    host = llvm.get_host_cpu_name()
    found: dict[str, tuple[int, str, str, mathlib.Target]] = {}
    if not X86:
        return {"host": (2, host, FEATURES.flatten(), mathlib.Target(fma=True))}
    found["sse2"] = (2, "x86-64", "", mathlib.Target(fma=False))
    if FEATURES.get("avx2") and FEATURES.get("fma"):
        found["avx2"] = (4, "haswell", "", mathlib.Target(fma=True))
    if all(FEATURES.get(name) for name in ("avx512f", "avx512dq", "avx512vl")):
        found["avx512"] = (8, host, FEATURES.flatten(), mathlib.Target(fma=True, avx512=True))
    return found


MACHINES = machines()


def loop(function: str, name: str, bits: int, lanes: int) -> str:
    """y[i] = name(x0[i], ...) for i < n, so many lanes at a time, of which n is a multiple; 0: one by one."""
    real, dtype = ("double", np.float64) if bits == 64 else ("float", np.float32)
    count, step = TABLE[name][0], max(lanes, 1)
    wide = f"<{lanes} x {real}>" if lanes else real
    loads = "\n".join(
        f"  %p{i} = getelementptr {real}, ptr %x{i}, i64 %i\n  %v{i} = load {wide}, ptr %p{i}, align {bits // 8}"
        for i in range(count)
    )
    return f"""
define void @{function}({", ".join(f"ptr noalias %x{i}" for i in range(count))}, ptr noalias %y, i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{loads}
  %e = {mathlib.call(name, dtype, [f"%v{i}" for i in range(count)], lanes)}
  %q = getelementptr {real}, ptr %y, i64 %i
  store {wide} %e, ptr %q, align {bits // 8}
  %next = add i64 %i, {step}
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %exit
exit:
  ret void
}}"""


class Kernels:
    """All functions of one precision on one machine."""

    def __init__(self, machine: str, bits: int, names: tuple[str, ...]) -> None:
        self.width, cpu, features, target = MACHINES[machine]
        self.dtype = np.float64 if bits == 64 else np.float32
        self.lanes = self.width * 64 // bits
        loops = [loop(f"{kind}_{name}", name, bits, self.lanes * (kind == "v")) for name in names for kind in "vs"]
        text = "\n".join(loops)
        definitions, external = mathlib.definitions(mathlib.forms(text), target)
        module = llvm.parse_assembly("\n".join([text, *sorted(external), definitions]))
        module.triple = TRIPLE
        machine_target = llvm.Target.from_triple(TRIPLE)
        tm = machine_target.create_target_machine(cpu=cpu, features=features, opt=3)
        options = llvm.create_pipeline_tuning_options(speed_level=1)
        options.loop_vectorization = False
        builder = llvm.create_pass_builder(tm, options)
        builder.getModulePassManager().run(module, builder)
        self.text = str(module)
        for name in RARE:
            llvm.add_symbol(f"math.{name}", rare.address(name))
        self.engine = llvm.create_mcjit_compiler(module, tm)
        self.engine.finalize_object()

    def __call__(self, kind: str, name: str, *args: np.ndarray) -> np.ndarray:
        """The loop over these arrays; kind: "v" for the one in vectors, "s" for the other."""
        address = self.engine.get_function_address(f"{kind}_{name}")
        pointers = [ctypes.c_void_p] * (len(args) + 1)
        function: Any = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(address)
        size = args[0].size
        more = -size % self.lanes  # lanes beyond the end get the last number again
        xs = [np.pad(np.ravel(np.asarray(x, self.dtype)), (0, more), mode="edge") for x in args]
        y = np.empty_like(xs[0])
        function(*(x.ctypes.data for x in xs), y.ctypes.data, y.size)
        return y[:size].reshape(args[0].shape)

    def body(self, name: str) -> str:
        """The optimised text of the function of the loop in vectors."""
        start = self.text.index(f"@v_{name}(")
        return self.text[start : self.text.index("\n}", start)]


@functools.cache
def kernels(machine: str, bits: int) -> Kernels:
    return Kernels(machine, bits, tuple(sorted(mathlib.NAMES)))
