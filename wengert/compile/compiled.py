"""Programs as native functions: the stages in order, and the call."""

from __future__ import annotations

import ctypes
import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.program import Program
from ..core.types import ArrayType
from . import llvm
from .callbacks import RAISED, raised, running
from .emit.module import Module
from .failures import exception
from .fuse import fuse
from .ir import Block, Buffer, View, row_major, size_of
from .lower import Constants, lower_program
from .plan import plan
from .shrink import shrink
from .symbols import addresses

ARENA_KEPT = 2**28  # bytes of working memory that a compiled program keeps between calls


class Stages:
    """A program on its way to machine code; each stage can be looked at. seconds: what each took."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.seconds: dict[str, float] = {}
        self.constants = Constants()
        self.inputs = [Buffer(t.dtype, size_of(t.shape), "input", k) for k, t in enumerate(program.in_types)]
        self.outputs = [Buffer(t.dtype, size_of(t.shape), "output", k) for k, t in enumerate(program.out_types)]
        self.block = self.timed("lower", self.lowered)
        self.block = self.timed("fuse", self.fused)
        self.arena = self.timed("plan", lambda: plan(self.block))

    def timed(self, stage: str, f: Any) -> Any:
        """Run a stage and remember how long it took."""
        start = time.perf_counter()
        result = f()
        self.seconds[stage] = time.perf_counter() - start
        return result

    def lowered(self) -> Block:
        """Nests and calls, in the program's order; results end in the memory of the caller."""
        values = [View(b, t.shape, 0, row_major(t.shape)) for b, t in zip(self.inputs, self.program.in_types, strict=True)]
        places = [
            View(b, t.shape, 0, row_major(t.shape)) for b, t in zip(self.outputs, self.program.out_types, strict=True)
        ]
        return lower_results(self.program, self.constants, values, places)

    def fused(self) -> Block:
        """Loops."""
        block = fuse(self.block)
        shrink(block)
        return block

    def text(self) -> str:
        """LLVM's text."""
        self.module = Module()
        main = self.module.main(self.block, [is_array(t) for t in self.program.in_types], len(self.outputs))
        return self.module.text(main, llvm.width())


def is_array(type: ArrayType) -> bool:
    """Is it passed as an array, rather than as a Python or NumPy number?"""
    return True


def lower_results(program: Program, constants: Constants, values: list[View], places: list[View]) -> Block:
    """The block of a program whose results are written to these places."""
    from .lower.lowering import Lowering

    low = Lowering(program, constants)
    made = low.run(values, places)
    for value, place in zip(made, places, strict=True):
        if not (isinstance(value, View) and value.buffer is place.buffer and value.whole):
            low.copy(value, place)
    return Block(low.nodes)


_numbers = itertools.count(1)


class Native:
    """Machine code of a program, and what it needs to run."""

    def __init__(self, program: Program) -> None:
        self.program = program
        stages = self.stages = Stages(program)
        text = stages.timed("emit", stages.text)
        with llvm.lock:
            module = stages.timed("optimise", lambda: llvm.optimised(text))
            code = stages.timed("machine code", lambda: llvm.object_code(module))
        self.failures = stages.module.failures
        self.arrays = stages.constants.arrays
        self.calls = stages.constants.calls
        self.number = next(_numbers)
        running[self.number] = self
        self.context = np.array([self.number, *(a.ctypes.data for a in self.arrays)], np.int64)
        address, self.library = stages.timed("load", lambda: llvm.loaded(code, addresses(stages.module.declared)))
        n = len(program.inputs) + len(program.outputs)
        self.run = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * n)(address)
        self.arenas: list[Any] = []
        self.out_types = [(t.shape, t.dtype) for t in program.out_types]
        self.context_address = self.context.ctypes.data

    def __call__(self, args: Sequence[Any]) -> list[Any]:
        """Contiguous arrays of the program's types to arrays."""
        outs = [np.empty(shape, dtype) for shape, dtype in self.out_types]
        arena = self.arenas.pop() if self.arenas else self.new_arena()
        code = self.run(self.context_address, arena[1], *map(id, args), *map(id, outs))
        self.arenas.append(arena)
        if code:
            raise raised() if code == RAISED else exception(*self.failures[code - 1])
        return outs

    def new_arena(self) -> tuple[Any, int]:
        """Working memory for one call at a time."""
        memory = np.empty(self.stages.arena + 64, np.uint8)
        address = memory.ctypes.data
        return memory, -(-address // 64) * 64
