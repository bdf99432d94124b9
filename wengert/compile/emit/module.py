"""The whole program as one module: a function for each node, alike ones once, and `wengert_main`, which calls them in order.

    i32 wengert_main(i64* context, char* arena, i64 argument_0, ..., i64 result_0, ...)

context[0] is the program's number for call backs, context[1 + k] the address of constant k. Arguments and results are
addresses of Python objects: of arrays, whose data pointer is read from them, or of numbers, which hold their value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import mathlib
from ..ir import Block, Buffer, Call, Loop
from ..mathlib import rare
from .control import Function
from .writer import Writer

DATA_OFFSET = 16  # of the data pointer in a NumPy array, and of the value in a Python float
FLAGS_OFFSET = 64  # of a NumPy array's flags
IN_ORDER = 0x101  # NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED
NOT_IN_ORDER = -2


class Module:
    """Text in the making: functions that were written, and what can go wrong in them."""

    def __init__(self) -> None:
        self.functions: dict[str, str] = {}  # text -> name
        self.failures: list[tuple[Any, Any]] = []  # what goes wrong, and in which equation
        self.math: set[tuple[str, str]] = set()
        self.declared: set[str] = set()

    def code_of(self, what: Any, eq: Any) -> int:
        """The number by which the program says that this went wrong."""
        if (what, eq) not in self.failures:
            self.failures.append((what, eq))
        return 1 + self.failures.index((what, eq))

    def function(self, node: Any) -> tuple[str, list[Buffer], bool]:
        """The function that runs a node, its arrays, and whether it can fail."""
        f = Function(self.code_of)
        f.node(node)
        finish(f)
        parameters = ", ".join(["ptr %ctx", *(f"ptr noalias {f.pointers[b]}" for b in f.parameters)])
        kind = "noinline " if type(node) is Loop else ""
        text = f"({parameters}) {kind}#0 {{\n{f.text()}\n}}"
        name = self.functions.setdefault(text, f"part_{len(self.functions)}")
        self.math |= f.math
        self.declared |= f.declared
        return name, f.parameters, bool(f.failures) or f.stops

    def main(self, block: Block, inputs: Sequence[Buffer], outputs: int, stacks: Sequence[Buffer] = ()) -> str:
        """The text of `wengert_main`."""
        m = Main(self.code_of, len(inputs))
        m.check_arguments(inputs)
        for k in range(2 * len(stacks)):
            m.do(f"store i64 0, ptr {m.first(f'getelementptr i64, ptr %arena, i64 {k}')}")
        for node in block.nodes:
            if type(node) is Call:
                m.node(node)
                continue
            name, buffers, fails = self.function(node)
            arguments = ", ".join(["ptr %ctx", *(f"ptr {m.pointer(b)}" for b in buffers)])
            code = m.emit(f"call i32 @{name}({arguments})")
            if fails:
                m.stop_unless_zero(code)
        finish(m)
        self.math |= m.math
        self.declared |= m.declared
        parameters = ", ".join(
            ["ptr %ctx", "ptr noalias %arena", *(f"i64 %a{k}" for k in range(len(inputs) + outputs))]
        )
        return f"define i32 @wengert_main({parameters}) #0 {{\n{m.text()}\n}}"

    def text(self, main: str, width: int) -> str:
        """The module."""
        parts = [f"define internal i32 @{name}{text}" for text, name in self.functions.items()]
        parts.append(main)
        body = "\n\n".join(parts)
        intrinsics = declarations(body)
        self.declared |= rare.externals(self.math)
        math = mathlib.declarations(self.math, width)
        return "\n".join([body, *sorted(self.declared), *intrinsics, math, ATTRIBUTES])


ATTRIBUTES = 'attributes #0 = { nounwind "no-trapping-math"="true" "prefer-vector-width"="512" }\n'


def finish(f: Function) -> None:
    """The function's end: the code of what went wrong, or zero."""
    for code, flag in f.failures.items():
        bad, next_ = f.new_label("failed"), f.new_label("next")
        f.branch(f.emit(f"load i1, ptr {flag}"), bad, next_)
        f.begin(bad)
        f.do(f"ret i32 {code}")
        f.begin(next_)
    f.do("ret i32 0")


class Main(Function):
    """The main function: its arrays are where the caller and the memory plan have put them."""

    def __init__(self, code_of: Any, inputs: int) -> None:
        super().__init__(code_of)
        self.inputs = inputs

    def check_arguments(self, inputs: Sequence[Buffer]) -> None:
        """Return unless all arguments that are arrays with axes are contiguous and aligned."""
        flags = [self.emit(f"add i64 %a{b.index}, {FLAGS_OFFSET}") for b in inputs if b.size > 1]
        if not flags:
            return
        loaded = [self.emit(f"load i32, ptr {self.emit(f'inttoptr i64 {x} to ptr')}") for x in flags]
        both = loaded[0]
        for x in loaded[1:]:
            both = self.emit(f"and i32 {both}, {x}")
        fine = self.emit(f"icmp eq i32 {self.emit(f'and i32 {both}, {IN_ORDER}')}, {IN_ORDER}")
        self.stop_unless_zero(self.emit(f"select i1 {fine}, i32 0, i32 {NOT_IN_ORDER}"))

    def pointer(self, buffer: Buffer) -> str:
        """Where a buffer begins."""
        found = self.pointers.get(buffer)
        if found is None:
            found = self.pointers[buffer] = self.located(buffer)
        return found

    def located(self, buffer: Buffer) -> str:
        """The address, in the function's first block."""
        if buffer.home is not None:
            return super().pointer(buffer)
        if buffer.kind == "temp":
            return self.first(f"getelementptr i8, ptr %arena, i64 {buffer.offset}")
        if buffer.kind == "constant":
            slot = self.first(f"getelementptr i64, ptr %ctx, i64 {1 + buffer.index}")
            return self.first(f"load ptr, ptr {slot}")
        if buffer.kind == "local":
            return super().pointer(buffer)
        k = buffer.index if buffer.kind == "input" else self.inputs + buffer.index
        address = self.first(f"add i64 %a{k}, {DATA_OFFSET}")
        pointer = self.first(f"inttoptr i64 {address} to ptr")
        if buffer.kind == "input" and buffer.number:
            return pointer
        return self.first(f"load ptr, ptr {pointer}")

    def first(self, text: str) -> str:
        """An instruction of the first block."""
        self.count += 1
        self.slots.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"


def declarations(text: str) -> list[str]:
    """Declarations of LLVM's own functions that a text calls."""
    found = {}
    for line in text.split("\n"):
        k = line.find("@llvm.")
        if k < 0:
            continue
        start, end = line.rfind(" ", 0, k), line.index("(", k)
        result = line[line.rfind(" ", 0, start) + 1 : start]
        name = line[k:end]
        if name not in found:
            arguments = [a.strip().split(" ")[0] for a in line[end + 1 : line.index(")", end)].split(",")]
            found[name] = f"declare {result} {name}({', '.join(arguments)})"
    return list(found.values())


__all__ = ["Module", "Writer", "np"]
