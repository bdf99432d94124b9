"""Machine code of a program, and its call: arrays in, arrays out, errors as exceptions."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.program import Program
from ..core.provided import provide
from ..core.types import ArrayType
from . import llvm, symbols
from .callbacks import RAISED, raised, release, running
from .failures import exception
from .stages import Stages

ARENA_KEPT = 2**28  # bytes of working memory that a compiled program keeps between calls, at most
NOT_CONTIGUOUS = -2  # what native code returns when an argument must be copied first

_numbers = itertools.count(1)


class Native:
    """A compiled program. `run(args)` takes contiguous arrays of the program's types; numbers are arrays without axes."""

    def __init__(self, program: Program) -> None:
        stages = self.stages = Stages(program)
        self.text = stages.timed("emit", stages.text)
        with llvm.lock:
            self.module = stages.timed("optimise", lambda: llvm.optimised(self.text))
            self.code = stages.timed("machine code", lambda: llvm.object_code(self.module))
        self.number = next(_numbers)
        running[self.number] = self
        self.calls = stages.constants.calls
        self.arrays = arrays = stages.constants.arrays
        self.context = np.array([self.number, *(a.ctypes.data for a in arrays)], np.int64)
        self.failures = stages.module.failures
        found = symbols.addresses(stages.module.declared)
        address, self.library = stages.timed("load", lambda: llvm.loaded(self.code, found))
        n = len(program.inputs) + len(program.outputs)
        self.entry = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * (2 + n))(address)
        self.arenas: list[tuple[Any, int]] = []
        self.run: Callable[..., Any] = self.caller(program)

    def caller(self, program: Program) -> Callable[..., Any]:
        """A Python function of the arguments that makes the arrays of results and calls the machine code."""
        xs = [f"x{k}" for k in range(len(program.inputs))]
        ys = [f"y{k}" for k in range(len(program.outputs))]
        space: dict[str, Any] = {"empty": np.empty, "arenas": self.arenas, "entry": self.entry, "fail": self.fail}
        space |= {
            "new_arena": self.new_arena,
            "context": self.context.ctypes.data,
            "keep": self.keep,
            "release": release,
        }
        lines = [f"def run({', '.join(xs)}):"]
        for k, t in enumerate(program.out_types):
            space[f"dtype{k}"] = t.dtype
            lines.append(f"    y{k} = empty({t.shape}, dtype{k})")
        if self.stages.arena:
            lines.append("    arena = arenas.pop() if arenas else new_arena()")
        address = "arena[1]" if self.stages.arena else "0"
        ids = ", ".join(f"id({x})" for x in (*xs, *ys))
        lines.append(f"    code = entry(context, {address}, {ids})")
        if self.stages.arena:
            lines.append("    keep(arena)")
        if self.stages.stacks:
            lines.append("    release()")
        lines.append(f"    if code: return fail(code, [{', '.join(xs)}])")
        results = ", ".join(y if t.shape else f"{y}[()]" for y, t in zip(ys, program.out_types, strict=True))
        lines.append(f"    return [{results}]")
        exec("\n".join(lines), space)
        return space["run"]  # type: ignore[no-any-return]

    def new_arena(self) -> tuple[Any, int]:
        """Working memory for one call at a time, and its aligned address."""
        memory = np.empty(self.stages.arena + 64, np.uint8)
        return memory, -(-memory.ctypes.data // 64) * 64

    def keep(self, arena: tuple[Any, int]) -> None:
        """Working memory that the next call may use."""
        if self.stages.arena <= ARENA_KEPT:
            self.arenas.append(arena)

    def fail(self, code: int, args: Sequence[Any]) -> Any:
        """What to do when native code has stopped: copy arguments and run again, or raise."""
        if code == NOT_CONTIGUOUS:
            return self.run(*map(contiguous, args))
        if code == RAISED:
            raise raised()
        raise exception(*self.failures[code - 1])


def contiguous(x: Any) -> Any:
    """An array in C order, aligned, in memory of its own if need be."""
    return np.require(x, requirements=["C", "A"]) if isinstance(x, np.ndarray) else x


@provide
def run_natively(program: Program, args: Sequence[Any]) -> list[Any]:
    """Run a program as machine code, on arrays and numbers of its types."""
    native = program.remember(Native)
    return native.run(*map(argument, args, program.in_types))  # type: ignore[no-any-return]


def argument(x: Any, t: ArrayType) -> Any:
    """An argument as native code takes it: a float where it was recorded as a Python number, an array elsewhere."""
    if t.weak and t.dtype.kind == "f":
        return float(x)
    if type(x) is np.ndarray and x.dtype == t.dtype and x.dtype.isnative:
        return x
    return np.asarray(x, t.dtype.newbyteorder("="))
