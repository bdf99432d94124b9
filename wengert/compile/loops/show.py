"""Blocks as text, for people: one line a statement, loops indented, arrays with where they live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.program import variable_names
from ...core.types import short_dtype
from .ir import (
    Axis,
    Block,
    Branch,
    Buffer,
    Call,
    CallStmt,
    Const,
    For,
    Indirect,
    Loop,
    Position,
    Ref,
    Region,
    Stmt,
    Straight,
    While,
)

_SIGNS = {"add": "+=", "mul": "*=", "max": "max=", "min": "min=", "and": "&=", "or": "|="}
_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "less": "<", "greater": ">",
    "less_equal": "<=", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
    "logical_and": "and", "logical_or": "or",
}  # fmt: skip


class Printer:
    """Names for arrays and loop variables, in the order in which they appear."""

    def __init__(self) -> None:
        self.buffers: dict[Buffer, str] = {}
        self.axes: dict[Axis, str] = {}
        self.supply = variable_names()
        self.loops = iter(f"{c}{n or ''}" for n in range(10**6) for c in "ijklmnpq")

    def buffer(self, b: Buffer) -> str:
        """Results and arguments by number, constants too; temporary arrays by letters."""
        if b not in self.buffers:
            letter = {"input": "arg", "output": "out", "constant": "const"}.get(b.kind)
            self.buffers[b] = f"{letter}{b.index}" if letter else next(self.supply)
        return self.buffers[b]

    def axis(self, a: Axis) -> str:
        """A loop variable."""
        if a not in self.axes:
            self.axes[a] = next(self.loops)
        return self.axes[a]

    def operand(self, x: Any) -> str:
        """What a statement reads."""
        if type(x) is Const:
            return f"{x.value}"
        if type(x) is Position:
            scaled = self.axis(x.axis) if x.step == 1 else f"{x.step}*{self.axis(x.axis)}"
            return scaled if not x.offset else f"{scaled}+{x.offset}"
        return self.ref(x)

    def ref(self, r: Ref) -> str:
        """An element."""
        terms = [f"{c}*{self.axis(a)}" if c != 1 else self.axis(a) for a, c in r.terms]
        terms += [self.indirect(i) for i in r.indirect]
        if r.const or not terms:
            terms.append(str(r.const))
        name = self.buffer(r.buffer)
        return name if r.buffer.size == 1 and terms == ["0"] else f"{name}[{' + '.join(terms)}]"

    def indirect(self, i: Indirect) -> str:
        """A part of an index that is read from memory."""
        return f"{i.stride}*{self.operand(i.index)}" if i.stride != 1 else self.operand(i.index)

    def statement(self, s: Stmt) -> str:
        """target = operation(operands)."""
        if type(s) is CallStmt:
            operands = (self.ref(s.first(x)) for x in s.operands if type(x) is Ref)
            return f"{self.ref(s.first(s.target))} = {s.name}({', '.join(operands)})"
        xs = [self.operand(x) for x in s.operands]
        if s.op in _INFIX and len(xs) == 2:
            right = f"{xs[0]} {_INFIX[s.op]} {xs[1]}"
        else:
            right = xs[0] if s.op == "copy" else f"{s.op}({', '.join(xs)})"
        return f"{self.ref(s.target)} {_SIGNS[s.accumulate] if s.accumulate else '='} {right}"

    def node(self, node: Any, indent: str) -> Iterator[str]:
        """The lines of a node."""
        kind, deeper = type(node), indent + "  "
        if isinstance(node, Stmt):
            yield indent + self.statement(node)
        elif kind is Straight:
            for child in node.body:
                yield from self.node(child, indent)
        elif kind is Loop:
            yield f"{indent}for {self.axis(node.axis)} < {self.extent(node.axis)}:"
            for child in node.body:
                yield from self.node(child, deeper)
        elif kind is Call:
            results, operands = (", ".join(map(self.ref, refs)) for refs in (node.writes, node.reads))
            yield f"{indent}{results} = {node.name}({operands})"
        elif kind is Region:
            yield from self.block(node.body, indent)
        elif kind is For:
            backwards = " backwards" if node.reverse else ""
            yield f"{indent}repeat {self.operand(node.count)} times{backwards}, {self.axis(node.axis)}:"
            yield from self.block(node.body, deeper)
        elif kind is While:
            yield f"{indent}repeat, counting {self.axis(node.axis)}:"
            yield from self.block(node.test, deeper)
            yield f"{deeper}stop unless {self.ref(node.flag)}"
            yield from self.block(node.body, deeper)
        elif kind is Branch:
            for k, block in enumerate(node.blocks):
                yield f"{indent}where {self.operand(node.index)} is {k}:"
                yield from self.block(block, deeper)

    def extent(self, a: Axis) -> str:
        """How many rounds."""
        return str(a.extent) if type(a.extent) is int else self.operand(a.extent)

    def block(self, block: Block, indent: str = "") -> Iterator[str]:
        """The lines of a block."""
        for node in block.nodes:
            yield from self.node(node, indent)


def loops_text(block: Block) -> str:
    """The loops of a compiled program, then its arrays."""
    printer = Printer()
    lines = list(printer.block(block))
    for b, name in printer.buffers.items():
        where = {"temp": f"at byte {b.offset}", "local": "in registers or on the stack"}.get(b.kind, b.kind)
        lines.append(f"# {name}: {short_dtype(b.dtype)}[{b.size}] {where}")
    return "\n".join(lines)
