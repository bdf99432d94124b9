"""The whole program as one module: a function for each node, alike ones once, and `wengert_main`, which calls them.

    i32 wengert_main(i64* context, char* arena, void** data)

context[0] is the program's number for call backs, context[1] a number that a failure leaves, context[2 + k] the address
of constant k. data: where the elements of the arguments are, and then those of the results; all are contiguous and
aligned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import mathlib
from ..loops.ir import Block, Buffer, Call, Loop, Ref, blocks, nodes, reads, writes
from ..loops.plan import first_rows
from . import parallel
from .control import Function
from .writer import Writer


class Module:
    """Text in the making: functions that were written, and what can go wrong in them."""

    def __init__(self, first: int) -> None:
        self.first = first  # the number of the first failure
        self.functions: dict[str, str] = {}  # text -> name
        self.failures: dict[tuple[Any, Any], int] = {}  # what goes wrong, and in which equation -> its number
        self.declared: set[str] = set()

    def code_of(self, what: Any, eq: Any) -> int:
        """The number by which the program says that this went wrong."""
        return self.failures.setdefault((what, eq), self.first + len(self.failures))

    def function(self, node: Any, users: Counter[Buffer]) -> tuple[str, list[Buffer], bool]:
        """The function that runs a node, its arrays, and whether it can fail."""
        f = Function(self.code_of)
        if any(type(inner) is Loop and parallel.is_long(inner) for block in blocks(node) for inner in nodes(block)):
            inside = Counter(b for leaf in leaves(node) for b in buffers_of(leaf))
            inside.update(b for b in list(inside) if users[b] > 1)
            f.divide = lambda f, loop: self.divided_inside(f, loop, inside)
        f.node(node)
        return self.named(f, "noinline " if type(node) is Loop else "")

    def named(self, f: Function, kind: str, more: str = "") -> tuple[str, list[Buffer], bool]:
        """A function that is written, under the name of one like it if there is one. more: further parameters."""
        finish(f)
        share_memory(f)
        parameters = ", ".join(["ptr %ctx", *(f"ptr noalias {f.pointers[b]}" for b in f.parameters)]) + more
        text = f"({parameters}) {kind}#0 {{\n{f.text()}\n}}"
        name = self.functions.setdefault(text, f"part_{len(self.functions)}")
        self.declared |= f.declared
        return name, f.parameters, bool(f.failures or f.furthest) or f.stops

    def main(self, block: Block, inputs: int, stacks: Sequence[Buffer] = ()) -> str:
        """The text of `wengert_main`."""
        m = Main(self.code_of, inputs)
        for k, stack in enumerate(stacks):
            m.do(f"store ptr {m.first(f'getelementptr i8, ptr %arena, i64 {stack.offset}')}, ptr {m.word(2 * k)}")
            m.do(f"store i64 {first_rows(stack)}, ptr {m.word(2 * k + 1)}")
        users = Counter(b for node in block.nodes for b in buffers_of(node))
        if len(block.nodes) <= SEGMENT:
            self.run(m, block.nodes, users)
        else:
            for k in range(0, len(block.nodes), SEGMENT):
                segment = Main(self.code_of, inputs)
                self.run(segment, block.nodes[k : k + SEGMENT], users)
                text = f"{MAIN} noinline #0 {{\n{self.finished(segment)}\n}}"
                name = self.functions.setdefault(text, f"segment_{len(self.functions)}")
                m.stop_unless_zero(m.emit(f"call i32 @{name}(ptr %ctx, ptr %arena, ptr %data)"))
        return f"define i32 @wengert_main{MAIN} #0 {{\n{self.finished(m)}\n}}"

    def run(self, m: Main, nodes: Sequence[Any], users: Counter[Buffer]) -> None:
        """Nodes in order: calls in place, each of the others a function of its own."""
        for node in nodes:
            if type(node) is Call:
                m.node(node)
                continue
            if type(node) is Loop and (how := parallel.division(node, users)):
                self.divided(m, node, how, users)
                continue
            name, buffers, fails = self.function(node, users)
            arguments = ", ".join(["ptr %ctx", *(f"ptr {m.pointer(b)}" for b in buffers)])
            code = m.emit(f"call i32 @{name}({arguments})")
            if fails:
                m.stop_unless_zero(code)

    def finished(self, m: Main) -> str:
        """The body of a function that is written."""
        finish(m)
        self.declared |= m.declared
        return m.text()

    def divided(self, m: Function, loop: Loop, how: parallel.Division, users: Counter[Buffer]) -> None:
        """A loop that several threads run."""
        f = parallel.Part(self.code_of, loop, how, users, m.axes)
        name, buffers, fails = self.named(f, "noinline ", f.more)
        task = parallel.task(name, buffers, how, len(f.outer))
        name = self.functions.setdefault(task, f"task_{len(self.functions)}")
        code = parallel.run(m, name, buffers, how, f.length, [m.axes[a] for a in f.outer])
        if fails or how.large:
            m.stop_unless_zero(code)

    def divided_inside(self, f: Function, loop: Loop, users: Counter[Buffer]) -> bool:
        """The same within control flow, if the loop can be divided."""
        how = parallel.division(loop, users)
        if how is not None:
            self.divided(f, loop, how, users)
            f.forget_all({r.buffer for r in writes(loop)})
        return how is not None

    def text(self, main: str) -> str:
        """The module."""
        parts = [f"define internal i32 @{name}{text}" for text, name in self.functions.items()]
        parts.append(main)
        body = "\n\n".join(parts)
        math, external = mathlib.definitions(mathlib.forms(body))
        self.declared |= external
        return "\n".join([body, *sorted(self.declared), math, ATTRIBUTES])


SEGMENT = 256  # nodes of one function: LLVM takes more than twice as long for one that is twice as long
MAIN = "(ptr %ctx, ptr noalias %arena, ptr %data)"
ATTRIBUTES = 'attributes #0 = { nounwind "no-trapping-math"="true" "prefer-vector-width"="512" }\n'


def buffers_of(node: Any) -> set[Buffer]:
    """The buffers that a node uses."""
    return {r.buffer for r in (*reads(node), *writes(node))}


def leaves(node: Any) -> Iterator[Any]:
    """What is in control flow, and is none itself; and its own references, as nodes that read them."""
    inner = blocks(node)
    if not inner:
        yield node
    own = [getattr(node, name, None) for name in ("count", "index", "flag")] if inner else []
    yield from (Call("control", [x], [], None) for x in own if type(x) is Ref)
    for block in inner:
        for child in block.nodes:
            yield from leaves(child)


def share_memory(f: Function) -> None:
    """Arrays that overlap in the arena, since one dies before the other begins, are parts of one parameter.

    Of parameters LLVM is told that they do not overlap.
    """
    own: list[Buffer] = []
    first, end = None, 0
    for b in sorted((b for b in f.parameters if b.kind == "temp"), key=lambda b: b.offset):
        if first is None or b.offset >= end:
            first = b
            own.append(b)
        else:
            start = b.offset - first.offset
            f.slots.insert(0, f"  {f.pointers[b]} = getelementptr i8, ptr {f.pointers[first]}, i64 {start}")
        end = max(end, b.offset + b.nbytes)
    f.parameters = [b for b in f.parameters if b.kind != "temp" or b in own]


def finish(f: Function) -> None:
    """The function's end: the code of what went wrong, or zero."""
    for code, (slot, extent) in f.furthest.items():
        bad, next_ = f.new_label("beyond"), f.new_label("next")
        place = f.emit(f"load i64, ptr {slot}")
        f.branch(f.emit(f"icmp uge i64 {place}, {extent}"), bad, next_)
        f.begin(bad)
        f.do(f"store i64 {place}, ptr {f.emit('getelementptr i64, ptr %ctx, i64 1')}")
        f.do(f"ret i32 {code}")
        f.begin(next_)
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

    def pointer(self, buffer: Buffer) -> str:
        """Where a buffer begins. Addresses in the arena are computed where they are used: they are many, and free."""
        if buffer.kind == "temp" and buffer.home is None:
            return self.emit(f"getelementptr i8, ptr %arena, i64 {buffer.offset}")
        found = self.pointers.get(buffer)
        if found is None:
            found = self.pointers[buffer] = self.located(buffer)
        return found

    def located(self, buffer: Buffer) -> str:
        """The address, in the function's first block."""
        if buffer.home is not None:
            return super().pointer(buffer)
        if buffer.kind == "constant":
            slot = self.first(f"getelementptr i64, ptr %ctx, i64 {2 + buffer.index}")
            return self.first(f"load ptr, ptr {slot}")
        if buffer.kind == "local":
            return super().pointer(buffer)
        k = buffer.index if buffer.kind == "input" else self.inputs + buffer.index
        return self.first(f"load ptr, ptr {self.first(f'getelementptr ptr, ptr %data, i64 {k}')}")

    def word(self, k: int) -> str:
        """The address of a word of the arena."""
        return self.first(f"getelementptr i64, ptr %arena, i64 {k}")

    def first(self, text: str) -> str:
        """An instruction of the first block."""
        self.count += 1
        self.slots.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"


__all__ = ["Module", "Writer", "np"]
