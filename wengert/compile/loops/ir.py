"""The loop language: arrays in memory, references that are affine in loop axes, statements, loops, native control flow.

    Program --lower--> Block of Nests and Calls --fuse--> Block of Loops and Calls --emit--> LLVM

A Nest is one statement with the axes that it runs over, in no fixed order: fusion decides which loops it shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.program import Equation
from ...core.types import Shape

UNROLL = 8  # an axis of at most so many elements is written out instead of looped over


class Axis:
    """A loop variable, from 0 to extent - 1. The extent of a loop whose length is data is a Ref to an integer.

    small: a loop over it may be written out, and stands inside of longer ones.
    """

    __slots__ = ("extent", "small")

    def __init__(self, extent: Any, most: int = UNROLL) -> None:
        self.extent = extent
        self.small = type(extent) is int and extent <= most


class Buffer:
    """An array in memory, C-contiguous.

    kind: input, output (of the whole program), constant (closed over), temp (in the arena), local (in registers or on
    the stack), stack (rows that grow: its size is that of one row). index: which input, output or constant it is.
    shape: as it was made, where that is known. number: an input that is passed as a Python float. home: of a stack, the
    two integers that hold its address and its room in rows; rows: how many there are, once they are written.
    """

    __slots__ = ("dtype", "home", "index", "kind", "number", "offset", "rows", "shape", "size")

    def __init__(self, dtype: Any, size: int, kind: str = "temp", index: int = -1) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.size, self.kind, self.index = size, kind, index
        self.offset = -1
        self.shape: Shape | None = None
        self.number = False
        self.home: Buffer | None = None
        self.rows: Operand | None = None

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.size * self.dtype.itemsize


Terms = tuple[tuple[Axis, int], ...]


class Indirect(NamedTuple):
    """A part of an index that is read from memory: stride * index, counted from the end where negative.

    slice: (length, step, extent of the axis) where it is the start of a slice, which may not be negative.
    """

    index: Ref | Const  # type: ignore[assignment]
    stride: int
    extent: int
    checked: bool  # must it be checked against the extent?
    axis: int = 0  # of the array that is indexed, for people
    slice: tuple[int, int, int] | None = None


class Ref(NamedTuple):
    """One element of a buffer: const + sum of coefficient * axis, and what is read from arrays of indices."""

    buffer: Buffer
    const: int
    terms: Terms
    indirect: tuple[Indirect, ...] = ()

    def substituted(self, old: Axis, new: Axis) -> Ref:
        """The same with another name for an axis."""
        terms = tuple((new if a is old else a, c) for a, c in self.terms)
        indirect = self.indirect
        if indirect:
            indirect = tuple(
                i._replace(index=i.index.substituted(old, new) if isinstance(i.index, Ref) else i.index)
                for i in indirect
            )
        return Ref(self.buffer, self.const, terms, indirect)

    def coefficient(self, axis: Axis) -> int:
        """By how much one step along the axis moves it."""
        return next((c for a, c in self.terms if a is axis), 0)


class Const(NamedTuple):
    """A number written in place."""

    value: Any


class Position(NamedTuple):
    """The value of an axis, as an operand: offset + step * axis."""

    axis: Axis
    offset: int = 0
    step: int = 1


Operand = Ref | Const | Position


class Stmt:
    """target = op[params](operands), or target = target (accumulate) op(operands). eq: where it came from."""

    __slots__ = ("accumulate", "eq", "op", "operands", "params", "target")

    def __init__(
        self,
        target: Ref,
        op: str,
        operands: Sequence[Operand],
        *,
        params: dict[str, Any] | None = None,
        accumulate: str | None = None,
        eq: Equation | None = None,
    ) -> None:
        self.target, self.op, self.operands = target, op, tuple(operands)
        self.params, self.accumulate, self.eq = params or {}, accumulate, eq

    def refs(self) -> Iterator[Ref]:
        """What it reads: operands and the arrays of indices (of its target too)."""
        for x in self.operands:
            if type(x) is Ref:
                yield x
                yield from indices(x)
        yield from indices(self.target)
        if self.accumulate:
            yield self.target

    def substitute(self, old: Axis, new: Axis) -> None:
        """Another name for an axis, in place."""
        self.target = self.target.substituted(old, new)
        self.operands = tuple(replaced(x, old, new) for x in self.operands)


def replaced(x: Operand, old: Axis, new: Axis) -> Operand:
    """An operand with another name for an axis."""
    if type(x) is Ref:
        return x.substituted(old, new)
    if type(x) is Position and x.axis is old:
        return x._replace(axis=new)
    return x


def indices(ref: Ref) -> Iterator[Ref]:
    """The references to arrays of indices in a reference."""
    for i in ref.indirect:
        if isinstance(i.index, Ref):
            yield i.index
            yield from indices(i.index)


class CallStmt(Stmt):
    """A call of a library function on parts of arrays: it goes through its own axes, `within`, by itself.

    As a statement it can share loops with others. `emit` writes it down, with the references as they are then.
    inline: is it no call, but written down in place? Where its target is among the operands, it adds to it.
    """

    __slots__ = ("emit", "inline", "name", "within")

    def __init__(
        self, name: str, target: Ref, operands: Sequence[Ref], within: Sequence[Axis], emit: Any, eq: Equation | None
    ) -> None:
        super().__init__(target, "call", operands, eq=eq)
        self.name, self.within, self.emit = name, tuple(within), emit
        self.inline = False

    def first(self, ref: Ref) -> Ref:
        """The first of the elements that a reference stands for."""
        return ref._replace(terms=tuple((a, c) for a, c in ref.terms if not any(a is b for b in self.within)))


class Nest:
    """A statement and all axes that it runs over, those of the largest strides first."""

    __slots__ = ("axes", "stmt")

    def __init__(self, axes: Sequence[Axis], stmt: Stmt) -> None:
        self.axes, self.stmt = list(axes), stmt


class Loop:
    """for axis in range(extent): the body's statements and loops in order.

    touched: while loops are fused, for each buffer the references to it, and how they write: "set", "add" ... or None.
    fresh: arrays that the loop need not read, since they hold zeros.
    """

    __slots__ = ("axis", "body", "fresh", "touched")

    def __init__(self, axis: Axis, body: Sequence[Any]) -> None:
        self.axis, self.body = axis, list(body)
        self.touched: dict[Buffer, list[tuple[Ref, str | None]]] = {}
        self.fresh: set[Buffer] = set()


class Straight:
    """Statements without a loop around them, but for short ones that are written out."""

    __slots__ = ("body",)

    def __init__(self, body: Sequence[Any]) -> None:
        self.body = list(body)


class Call:
    """Something that is no loop over elements: reads and writes are whole buffers. `emit` writes it down."""

    __slots__ = ("emit", "eq", "name", "reads", "scratch", "writes")

    def __init__(
        self,
        name: str,
        reads: Sequence[Ref],
        writes: Sequence[Ref],
        emit: Any,
        eq: Equation | None = None,
        scratch: Sequence[Buffer] = (),
    ) -> None:
        self.name, self.reads, self.writes, self.emit, self.eq = name, tuple(reads), tuple(writes), emit, eq
        self.scratch = tuple(scratch)


class Block:
    """A sequence of nodes: Nest, Straight, Loop, Call, For, While, Branch."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: Sequence[Any] = ()) -> None:
        self.nodes = list(nodes)


class Region:
    """A block that is emitted as one piece: a loop with what leads to it, so that its state is in registers."""

    __slots__ = ("body", "eq")

    def __init__(self, body: Block, eq: Equation | None = None) -> None:
        self.body, self.eq = body, eq


class For:
    """A loop of `count` rounds of a block. axis: the row that the round is about (from the last in reverse)."""

    __slots__ = ("axis", "body", "count", "eq", "reverse")

    def __init__(self, axis: Axis, count: Operand, reverse: bool, body: Block, eq: Equation | None = None) -> None:
        self.axis, self.count, self.reverse, self.body, self.eq = axis, count, reverse, body, eq


class While:
    """while test: body. `flag` is where the test leaves its result; `count` where the rounds are counted.

    stacks: buffers to which each round adds a row, and which grow.
    """

    __slots__ = ("axis", "body", "count", "eq", "flag", "stacks", "test")

    def __init__(
        self, axis: Axis, test: Block, flag: Ref, body: Block, count: Ref, stacks: Sequence[Buffer], eq: Any = None
    ) -> None:
        self.axis, self.test, self.flag, self.body, self.count = axis, test, flag, body, count
        self.stacks, self.eq = tuple(stacks), eq


class Branch:
    """The block that an integer names."""

    __slots__ = ("blocks", "eq", "index")

    def __init__(self, index: Operand, blocks: Sequence[Block], eq: Equation | None = None) -> None:
        self.index, self.blocks, self.eq = index, tuple(blocks), eq


# what nodes read and write -----------------------------------------------------------------------------------------
def statements(node: Any) -> Iterator[Stmt]:
    """All statements in a node (not those of calls)."""
    kind = type(node)
    if isinstance(node, Stmt):
        yield node
    elif kind is Nest:
        yield node.stmt
    elif kind in (Loop, Straight):
        for child in node.body:
            yield from statements(child)
    else:
        for block in blocks(node):
            for child in block.nodes:
                yield from statements(child)


def blocks(node: Any) -> tuple[Block, ...]:
    """The blocks that a node runs."""
    if type(node) in (For, Region):
        return (node.body,)
    if type(node) is While:
        return node.test, node.body
    return node.blocks if type(node) is Branch else ()


def nodes(block: Block) -> Iterator[Any]:
    """All nodes of a block and of the blocks in it, outer ones first."""
    for node in block.nodes:
        yield node
        for inner in blocks(node):
            yield from nodes(inner)


def reads(node: Any) -> Iterator[Ref]:
    """References that a node reads, those of nested blocks included."""
    kind = type(node)
    if kind is Call:
        yield from node.reads
        return
    if kind in (For, Branch):
        first = node.count if kind is For else node.index
        if type(first) is Ref:
            yield first
    elif kind is While:
        yield node.flag
    if kind in (For, While, Branch, Region):
        for block in blocks(node):
            for child in block.nodes:
                yield from reads(child)
    else:
        for stmt in statements(node):
            yield from stmt.refs()


def writes(node: Any) -> Iterator[Ref]:
    """References that a node writes, those of nested blocks included."""
    kind = type(node)
    if kind is Call:
        yield from node.writes
        for buffer in node.scratch:
            yield Ref(buffer, 0, ())
    elif kind in (For, While, Branch, Region):
        if kind is While:
            yield node.count
        for block in blocks(node):
            for child in block.nodes:
                yield from writes(child)
    else:
        for stmt in statements(node):
            yield stmt.target


# values ------------------------------------------------------------------------------------------------------------
class View:
    """An array as programs see it, somewhere in a buffer: element i is at const + sum of strides * i (+ terms)."""

    __slots__ = ("buffer", "const", "shape", "strides", "terms")

    def __init__(self, buffer: Buffer, shape: Shape, const: int, strides: Sequence[int], terms: Terms = ()) -> None:
        self.buffer, self.shape, self.const = buffer, tuple(shape), const
        self.strides, self.terms = tuple(strides), terms

    def ref(self, index: Sequence[Axis | int]) -> Ref:
        """The element at an index of axes and integers."""
        const, terms = self.const, list(self.terms)
        for i, s, n in zip(index, self.strides, self.shape, strict=True):
            if n == 1 or not s:
                continue
            if type(i) is int:
                const += i * s
            else:
                terms.append((i, s))  # type: ignore[arg-type]
        return Ref(self.buffer, const, tuple(terms))

    @property
    def contiguous(self) -> bool:
        """Are its elements those of a block of memory, in order?"""
        expected = 1
        for n, s in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if n != 1 and s != expected:
                return False
            expected *= n
        return True

    @property
    def whole(self) -> bool:
        """Is it all of its buffer, in order?"""
        return self.contiguous and self.const == 0 and not self.terms and self.size == self.buffer.size

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.buffer.dtype


class Splat:
    """An array that holds one number, written in place."""

    __slots__ = ("dtype", "shape", "value")

    def __init__(self, value: Any, shape: Shape, dtype: Any) -> None:
        self.value, self.shape, self.dtype = value, tuple(shape), np.dtype(dtype)

    def ref(self, index: Sequence[Axis | int]) -> Const:
        """The number."""
        return Const(self.value)


Value = View | Splat


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a contiguous array, in elements."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def size_of(shape: Sequence[int]) -> int:
    """The number of elements of a shape."""
    size = 1
    for n in shape:
        size *= n
    return size
