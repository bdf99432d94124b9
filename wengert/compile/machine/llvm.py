"""LLVM: text to optimised object code for this CPU, object code to functions in memory. Loads llvmlite when used."""

from __future__ import annotations

import functools
import itertools
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from .. import mathlib

lock = threading.RLock()  # LLVM's global state is touched by one thread at a time
_names = itertools.count()


def prepare(more: Callable[[], Any]) -> None:
    """Load LLVM, which takes a while, in another thread: what is declared now is called a little later. more: what
    every program needs besides."""

    def load() -> None:
        session()
        more()

    if not _loaders and "llvmlite.binding" not in sys.modules:
        _loaders.append(threading.Thread(target=load, name="wengert loads LLVM"))
        _loaders[0].start()


def _wait() -> None:
    for thread in _loaders:
        thread.join()


_loaders: list[threading.Thread] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait)  # a lock that the thread holds would stay locked in the new process


@functools.cache
def target(level: int = 3) -> Any:
    """The target machine: this CPU with all its features. level: how much work machine code is worth."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features(), opt=level, reloc="pic", jit=False
    )


@functools.cache
def features() -> str:
    """What this CPU can do, and what it had better not: Zen takes apart gathers and scatters, slower than code does."""
    import llvmlite.binding as llvm

    tuning = ",+prefer-no-gather,+prefer-no-scatter" if llvm.get_host_cpu_name().startswith("znver") else ""
    return str(llvm.get_host_cpu_features().flatten()) + tuning


@functools.cache
def description() -> tuple[Any, ...]:
    """What object code depends on besides its text: versions, the CPU and its features."""
    import llvmlite
    import llvmlite.binding as llvm

    machine = llvm.get_process_triple(), llvm.get_host_cpu_name(), features()
    return llvmlite.__version__, llvm.llvm_version_info, *machine


@functools.cache
def width() -> int:
    """Doubles in a vector register."""
    import llvmlite.binding as llvm

    has = llvm.get_host_cpu_features()
    return 8 if has.get("avx512f") and has.get("avx512dq") else 4 if has.get("avx2") else 2


@functools.cache
def masks() -> bool:
    """Can some lanes of a vector be read and written, at no cost?"""
    import llvmlite.binding as llvm

    has = llvm.get_host_cpu_features()
    return bool(has.get("avx512bw") and has.get("avx512vl"))


def optimised(text: str) -> Any:
    """The module of a text, after the few passes of LLVM that it needs.

    Loops have been fused, vectorised and freed of what does not change in them when they were written. So the pipelines
    of the optimisation levels would look for what is not there, at several times the cost.
    """
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target().triple, str(target().target_data)
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    if mathlib.related(mathlib.forms(text)):
        passes.add_new_gvn_pass()
    passes.add_simplify_cfg_pass()
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    passes.run(module, llvm.create_pass_builder(target(), options))
    return module


def object_code(module: Any) -> bytes:
    """Machine code of a module, as an object file."""
    return bytes(target().emit_object(module))


def quick_code(text: str) -> bytes:
    """Machine code of a text as it stands, made quickly: for what hardly ever runs."""
    import llvmlite.binding as llvm

    with lock:
        machine = target(0)
        module = llvm.parse_assembly(text)
        module.triple, module.data_layout = machine.triple, str(machine.target_data)
        return bytes(machine.emit_object(module))


def assembly(text: str) -> str:
    """The instructions for this CPU, as text."""
    with lock:
        return target().emit_assembly(optimised(text))


def session() -> Any:
    """LLVM's linker in this process."""
    with lock:
        return _session()


@functools.cache
def _session() -> Any:
    import llvmlite.binding as llvm

    return llvm.create_lljit_compiler(target())


def loaded(code: bytes, symbols: dict[str, int], name: str = "wengert_main") -> tuple[int, Any]:
    """The address of a function of an object file, and what keeps it in memory. symbols: addresses it may call."""
    import llvmlite.binding as llvm

    with lock:
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for symbol, address in symbols.items():
            builder = builder.import_symbol(symbol, address)
        library = builder.export_symbol(name).link(session(), f"program_{next(_names)}")
        return library[name], library
