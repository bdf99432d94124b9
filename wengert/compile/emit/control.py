"""Native control flow: loops of rounds, while loops with stacks that grow, branches; one function for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..loops.ir import Block, Branch, Buffer, Call, For, Loop, Region, While, writes
from .elements import INDEX
from .nests import Emitter

PATIENCE = 2**16  # rounds of a loop after which Python is asked whether to go on: a power of two


class Function(Emitter):
    """An emitter that knows control flow too. divide: what has several threads run a loop, if they can and it pays."""

    divide: Callable[[Function, Loop], bool] | None = None

    def node(self, node: Any) -> None:
        """Any node of a block."""
        kind = type(node)
        if kind is Call:
            self.equation = node.eq
            node.emit(self, node)
            self.forget_all({r.buffer for r in writes(node)})
        elif kind is Region:
            self.block(node.body)
        elif kind is For:
            self.rounds(node)
        elif kind is While:
            self.repeat(node)
        elif kind is Branch:
            self.choose(node)
        else:
            super().node(node)

    def block(self, block: Block) -> None:
        """The nodes of a block in order. Long loops may be divided among threads."""
        for node in block.nodes:
            if type(node) is not Loop or self.divide is None or not self.divide(self, node):
                self.node(node)

    def rounds(self, node: For) -> None:
        """for k in range(count): body; in reverse the axis runs from count - 1 to 0."""
        self.equation = node.eq
        bound = self.operand(node.count, INDEX)
        outer, changed = self.known.copy(), {r.buffer for r in writes(node)}
        long = type(node.axis.extent) is not int or node.axis.extent > PATIENCE

        def body() -> None:
            if long:
                self.patience(self.axes[node.axis])
            if node.reverse:
                last = self.emit(f"sub nsw i64 {bound}, 1")
                self.axes[node.axis] = self.emit(f"sub nsw i64 {last}, {self.axes[node.axis]}")
            self.block(node.body)

        self.counted(node.axis, bound, body, changed)
        self.known = outer.without(changed)

    def choose(self, node: Branch) -> None:
        """The block that the index names."""
        self.equation = node.eq
        index = self.operand(node.index, INDEX)
        labels = [self.new_label("case") for _ in node.blocks]
        done = self.new_label("done")
        cases = " ".join(f"i64 {k}, label %{label}" for k, label in enumerate(labels[:-1]))
        self.do(f"switch i64 {index}, label %{labels[-1]} [ {cases} ]")
        outer, changed = self.known.copy(), {r.buffer for r in writes(node)}
        for label, block in zip(labels, node.blocks, strict=True):
            self.begin(label)
            self.known = outer.copy()
            self.block(block)
            self.jump(done)
        self.begin(done)
        self.known = outer.without(changed)

    def repeat(self, node: While) -> None:
        """while test: body; the rounds are counted, and stacks grow as they need."""
        self.equation = node.eq
        outer, changed = self.known.copy(), {r.buffer for r in writes(node)}
        stacks = [s for s in node.stacks if s in changed]  # others have no place: nothing is ever written there
        head, inside, done = (self.new_label(x) for x in ("while", "round", "done"))
        count = self.slot("i64")
        self.do(f"store i64 0, ptr {count}")
        self.forget_all(changed)
        kept = self.known.copy()
        self.jump(head)
        self.begin(head)
        self.block(node.test)
        going = self.operand(node.flag)
        self.branch(going, inside, done)
        self.begin(inside)
        self.known = kept.copy()
        k = self.emit(f"load i64, ptr {count}")
        self.axes[node.axis] = k
        needed = self.emit(f"add nsw i64 {k}, 1") if stacks else k
        for stack in stacks:
            self.grow(stack, needed)
        self.patience(k)
        self.block(node.body)
        self.do(f"store i64 {self.emit(f'add nsw i64 {k}, 1')}, ptr {count}")
        self.jump(head)
        self.begin(done)
        self.known = outer.without(changed)
        self.store(node.count, self.emit(f"load i64, ptr {count}"))

    def grow(self, stack: Buffer, rows: str) -> None:
        """Room for so many rows: where there is less, the runtime enlarges the stack, or stops the program."""
        assert stack.home is not None
        home = self.pointer(stack.home)
        self.known.pop(("stack", stack), None)
        room = self.emit(f"getelementptr i64, ptr {home}, i64 1")
        full, on = self.new_label("full"), self.new_label("on")
        enough = self.emit(f"icmp sge i64 {self.emit(f'load i64, ptr {room}')}, {rows}")
        self.branch(enough, on, full)
        self.begin(full)
        nbytes = stack.size * stack.dtype.itemsize
        failure = self.code_of(("rows", nbytes), self.equation)
        self.declare("declare i32 @runtime.grow(i64, i64, ptr, i64, i64)")
        run = self.emit("load i64, ptr %ctx")
        call = f"call i32 @runtime.grow(i64 {run}, i64 {failure}, ptr {home}, i64 {nbytes}, i64 {rows})"
        self.stop_unless_zero(self.emit(call))
        self.jump(on)
        self.begin(on)

    def patience(self, row: str) -> None:
        """Every so many rounds Python may stop the program: the user has interrupted it."""
        ask, on = self.new_label("ask"), self.new_label("on")
        last = self.emit(f"and i64 {row}, {PATIENCE - 1}")
        self.branch(self.emit(f"icmp eq i64 {last}, {PATIENCE - 1}"), ask, on)
        self.begin(ask)
        self.declare("declare i32 @runtime.patience()")
        self.stop_unless_zero(self.emit("call i32 @runtime.patience()"))
        self.jump(on)
        self.begin(on)
