"""Machine code of a program, in memory: what it needs from outside, and what to do when it stops early."""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.program import Program
from ..core.provided import provide
from ..core.types import ArrayType
from ..errors import MemoryLimitError
from .machine import cache, llvm, symbols
from .machine.callbacks import raised, running
from .machine.callers import OTHER_TYPES, flat_caller
from .machine.entry import NO_MEMORY, NOT_IN_ORDER, OTHER, run_instead
from .machine.failures import exception
from .machine.guards import RAISED
from .mathlib import rare  # noqa: F401 - it knows addresses, when asked for by name
from .plain import PLAIN
from .stages import CAREFUL, Stages

ARENA_KEPT = 2**28  # bytes of working memory that a compiled program keeps between calls, at most

_numbers = itertools.count(1)


class Native:
    """A compiled program. `run(*args)` takes arrays of the program's types, and floats where it was recorded so.

    address: of `wengert_main`; context: what that is given first; cell: where working memory waits between calls.
    """

    def __init__(self, stages: Stages) -> None:
        self.stages = stages
        self.text = stages.timed("emit", stages.text)
        self.code, self.cached = cache.found_or_made(self.text, self.compiled)
        self.number = next(_numbers)
        running[self.number] = self
        self.calls = stages.constants.calls
        self.arrays = stages.constants.arrays
        self.context = np.array([self.number, 0, *(a.ctypes.data for a in self.arrays)], np.int64)
        self.failures = {code: what for what, code in stages.module.failures.items()}
        self.careful: Native | None = None  # the same with products that keep zeros, once it was needed
        self.tables: list[Any] = []  # what entries expect and run
        found = symbols.addresses(stages.module.declared)
        self.address, self.library = stages.timed("load", lambda: llvm.loaded(self.code, found))
        self.cell = np.zeros(1, np.int64)
        self.keeps = int(stages.arena <= ARENA_KEPT)
        self.releases = int(not stages.brief)
        weakref.finalize(self, free, self.cell)
        self.run: Callable[..., list[Any]] = flat_caller(self, stages.program.in_types)

    def compiled(self) -> bytes:
        """Object code, by LLVM."""
        with llvm.lock:
            module = self.stages.timed("optimise", lambda: llvm.optimised(self.text))
            return self.stages.timed("machine code", lambda: llvm.object_code(module))

    def stopped(self, code: int, args: Sequence[Any]) -> Any:
        """What to do when native code has stopped: copy arguments and run again, leave it to others, or raise."""
        if code == OTHER:
            return OTHER_TYPES
        if code == NOT_IN_ORDER:
            types = self.stages.program.in_types
            return self.run(*(argument(in_order(x), t) for x, t in zip(args, types, strict=True)))
        if code == NO_MEMORY:
            raise no_memory(self.stages)
        if code == RAISED:
            raise raised()
        if self.stages.plain:
            return self.carefully(code, args)
        raise exception(*self.failures[code], int(self.context[1]))

    def carefully(self, code: int, args: Sequence[Any]) -> Any:
        """A program with plain products was not enough: run it with those that keep zeros, next time at once."""
        if self.careful is None:
            self.careful = Native(Stages(self.stages.recorded, plain=False))
        if code >= CAREFUL:
            return self.careful.stopped(code, args)
        if self.failures[code][0] == (PLAIN,):
            for table in self.tables:
                run_instead(table, self.careful)
        types = self.stages.program.in_types
        return self.careful.run(*(argument(in_order(x), t) for x, t in zip(args, types, strict=True)))


def free(cell: Any) -> None:
    """Give working memory back."""
    block, cell[0] = int(cell[0]), 0
    if block:
        release = ctypes.pythonapi.PyMem_RawFree
        release.argtypes, release.restype = [ctypes.c_void_p], None
        release(block)


def no_memory(stages: Stages) -> MemoryLimitError:
    """The error where working memory cannot be had."""
    return MemoryLimitError(
        f"{stages.program.name} needs {stages.arena:,} bytes of working memory, and the machine does not give them",
        why="values that are computed in one loop and used in another are kept in between",
        write="smaller arrays, or wg.checkpoint around parts whose values are large; f.memory(*args) says beforehand",
    )


def in_order(x: Any) -> Any:
    """An array in C order, aligned, in memory of its own if need be."""
    return np.require(x, requirements=["C", "A"]) if isinstance(x, np.ndarray) else x


def argument(x: Any, t: ArrayType) -> Any:
    """An argument as native code takes it: a float where it was recorded as a Python number, an array elsewhere."""
    if t.weak and t.dtype.kind == "f":
        return float(x)
    dtype = np.dtype(t.dtype.type)  # of several equal ones, that which entries know
    y = np.asarray(x, dtype)
    return y if y.dtype is dtype else y.view(dtype)


def compiled(program: Program) -> Native:
    """The machine code of a program."""
    return Native(Stages(program))


@provide
def run_natively(program: Program, args: Sequence[Any]) -> list[Any]:
    """Run a program as machine code, on arrays and numbers of its types."""
    native: Native = program.remember(compiled)
    return native.run(*map(argument, args, program.in_types))
