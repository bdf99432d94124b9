"""Loops whose rounds are divided among threads: which they are, and the functions that run a part of the rounds.

The rounds are cut into chunks. A round may write what no other round touches; add to sums, of which each chunk has its
own until all are done; and use memory for itself alone, of which each chunk has its own too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..loops.costs import cost
from ..loops.fuse import span
from ..loops.ir import Axis, Buffer, CallStmt, Loop, Position, Ref, Stmt
from ..loops.plan import ALIGNMENT, padded
from ..machine.entry import NO_MEMORY
from .control import Function
from .nests import combined
from .short import every
from .windows import windows
from .writer import memory_type

LONG_ENOUGH = 50_000  # nanoseconds that a loop takes, about; to wake a thread takes some 5,000
LARGEST_SUMS, LARGEST_OWN = 2**15, 2**18  # bytes of sums, and of other memory, that each chunk has for itself
ON_STACK = 2**15  # bytes of memory of its own that a chunk has on the stack: threads of the user may have small ones


class Division(NamedTuple):
    """How a loop is divided: the sums that chunks make apart, by add, max or min, and the memory that is theirs for a
    while."""

    sums: dict[Buffer, str]
    own: list[Buffer]

    @property
    def large(self) -> bool:
        """Is there more of that memory than the stack has room for?"""
        return sum(b.nbytes for b in self.own) > ON_STACK


def is_long(loop: Loop) -> bool:
    """Does it take so long that other threads are worth waking?"""
    return type(loop.axis.extent) is int and loop.axis.extent >= 2 and cost(loop).nanoseconds >= LONG_ENOUGH


def division(loop: Loop, users: Mapping[Buffer, int]) -> Division | None:
    """How a loop can be divided; None where it cannot, or need not. users: how many nodes use each buffer."""
    if not is_long(loop):
        return None
    if windows(loop) or any(type(s) is CallStmt and not s.inline for s in every(loop)):
        return None  # rounds that follow one another; libraries that have threads of their own
    refs: dict[Buffer, list[Ref]] = {}
    for stmt in every(loop):
        for ref in (stmt.target, *stmt.refs()):
            refs.setdefault(ref.buffer, []).append(ref)
    inside = own_axes(loop)
    outer = [a for a in axes_used(loop) if a not in inside]
    sums: dict[Buffer, str] = {}
    own: list[Buffer] = []
    for buffer in dict.fromkeys(s.target.buffer for s in every(loop)):
        if (buffer.kind == "local" and users[buffer] <= 1) or apart(refs[buffer], loop.axis, outer):
            continue
        found = summed(loop, buffer)
        if found:
            sums[buffer] = found
        elif buffer.kind == "temp" and users[buffer] == 1 and in_one_round(refs[buffer], loop.axis):
            own.append(buffer)
        else:
            return None
    if sum(b.nbytes for b in sums) > LARGEST_SUMS or sum(b.nbytes for b in own) > LARGEST_OWN:
        return None
    return Division(sums, own)


def own_axes(loop: Loop) -> set[Axis]:
    """The axes of a loop, of the loops in it, and of the calls."""
    found = {loop.axis}
    for child in loop.body:
        found |= own_axes(child) if type(child) is Loop else set(getattr(child, "within", ()))
    return found


def apart(refs: Sequence[Ref], axis: Axis, outer: Sequence[Axis] = ()) -> bool:
    """Does each round reach places that no other round reaches, while the axes around the loop stand still?"""
    steps = {r.coefficient(axis) for r in refs}
    if len(steps) != 1 or steps == {0}:
        return False
    still = [a for a in outer if len({r.coefficient(a) for r in refs}) == 1]
    lows, highs = zip(*(span(r, (axis, *still)) for r in refs), strict=True)
    return max(highs) - min(lows) < abs(steps.pop())


def in_one_round(refs: Sequence[Ref], axis: Axis) -> bool:
    """Is it memory for one round, that the next writes anew?"""
    return all(not r.coefficient(axis) and not r.indirect for r in refs)


SUMS = {"add": "fciu", "max": "fiu", "min": "fiu"}  # what may be made in parts, and of which kinds of numbers


def summed(loop: Loop, buffer: Buffer) -> str | None:
    """By what, if that is all that the loop does with a buffer, it is accumulated: add, max or min."""
    ways = set()
    for stmt in every(loop):
        if stmt.target.buffer is buffer:
            ways.add(accumulates(stmt))
        if any(r.buffer is buffer for r in read_beside(stmt)):
            return None
    way = ways.pop() if len(ways) == 1 else None
    return way if buffer.dtype.kind in SUMS.get(way or "", "") else None


def accumulates(stmt: Stmt) -> str | None:
    """How a statement accumulates in its target; None where it sets it."""
    if type(stmt) is CallStmt:
        return "add" if stmt.target in stmt.operands else None
    return stmt.accumulate


def read_beside(stmt: Stmt) -> list[Ref]:
    """What a statement reads, without the total that it adds to."""
    if type(stmt) is CallStmt:
        return [r for r in stmt.refs() if r != stmt.target]
    return [r for r in stmt.refs() if r is not stmt.target]


class Part(Function):
    """A function that runs a part of a loop: of its rounds, or of their blocks, %rounds from %begin on.

    length: how many there are altogether. around: the axes of the loops around it; outer: those that it needs.
    """

    length = 0

    def __init__(
        self, code_of: Any, loop: Loop, how: Division, users: Mapping[Buffer, int], around: Mapping[Axis, Any]
    ) -> None:
        super().__init__(code_of)
        self.how = how
        written = {s.target.buffer for s in every(loop)}
        self.private = {b for b in written if b.kind == "local" and users[b] <= 1}
        self.outer = [a for a in axes_used(loop) if a in around]
        self.axes.update((a, f"%outer{k}") for k, a in enumerate(self.outer))
        self.node(loop)

    @property
    def more(self) -> str:
        """Its parameters besides the context and arrays."""
        return "".join(f", i64 %outer{k}" for k in range(len(self.outer))) + ", i64 %begin, i64 %rounds"

    def pointer(self, buffer: Buffer) -> str:
        """What others on the stack of the caller use too is passed on."""
        if buffer.kind == "local" and buffer not in self.private and buffer not in self.pointers:
            found = self.pointers[buffer] = f"%b{len(self.parameters)}"
            self.parameters.append(buffer)
            self.origins[found] = buffer
        return super().pointer(buffer)

    def room(self, pointer: str) -> tuple[int, int]:
        """Other threads have what is behind the elements of this one, but on the stack."""
        buffer = self.origins.get(pointer)
        own = buffer is not None and (buffer in self.private or buffer in self.how.own)
        return super().room(pointer) if own else (0, 0)

    def counted(
        self,
        axis: Axis,
        bound: str,
        body: Any,
        changed: set[Buffer],
        may_be_empty: bool = True,
        start: str = "0",
    ) -> None:
        """The first loop that is emitted, the outermost, is the one that is divided."""
        if self.length:
            super().counted(axis, bound, body, changed, may_be_empty, start)
            return
        self.length = int(bound)

        def shifted() -> None:
            self.axes[axis] = self.emit(f"add nuw nsw i64 {self.axes[axis]}, %begin")
            body()

        super().counted(axis, "%rounds", shifted, changed, True)


def axes_used(loop: Loop) -> list[Axis]:
    """The axes on which statements in a loop depend."""
    found: dict[Axis, None] = {}
    for stmt in every(loop):
        for ref in (stmt.target, *stmt.refs()):
            found.update((a, None) for a, _ in ref.terms)
        found.update((x.axis, None) for x in stmt.operands if type(x) is Position)
    return list(found)


def task(part: str, buffers: Sequence[Buffer], how: Division, outer: int = 0) -> str:
    """The text of a function that the pool calls: it takes pointers from a pack, and gives a chunk what is its own.

    The pack: the context, the buffers, for each sum where the chunks after the first make theirs, and the values of the
    axes of loops around it, of which there are `outer`.
    """
    lines = ["  %ctx = load ptr, ptr %pack", "  %first = icmp eq i64 %chunk, 0", "  %other = sub i64 %chunk, 1"]
    passed = ["ptr %ctx"]
    begin, release = own_room(how)
    lines += begin
    at_own = 0
    for k, buffer in enumerate(buffers):
        if buffer in how.own:
            lines.append(f"  %b{k} = getelementptr i8, ptr %own, i64 {at_own}")
            at_own += padded(max(buffer.nbytes, 1))
        else:
            lines.append(f"  %at{k} = getelementptr ptr, ptr %pack, i64 {1 + k}")
            lines.append(f"  %b{k} = load ptr, ptr %at{k}")
        passed.append(f"ptr %b{k}")
    for k in range(outer):
        at = 1 + len(buffers) + len(how.sums) + k
        lines.append(f"  %at.outer{k} = getelementptr ptr, ptr %pack, i64 {at}")
        lines.append(f"  %outer{k} = load i64, ptr %at.outer{k}")
        passed.append(f"i64 %outer{k}")
    lines.append("  br i1 %first, label %run, label %apart\napart:")
    for j, buffer in enumerate(how.sums):
        lines.append(f"  %at.sum{j} = getelementptr ptr, ptr %pack, i64 {1 + len(buffers) + j}")
        lines.append(f"  %sums{j} = load ptr, ptr %at.sum{j}")
        lines.append(f"  %offset{j} = mul i64 %other, {buffer.nbytes}")
        lines.append(f"  %sum{j} = getelementptr i8, ptr %sums{j}, i64 %offset{j}")
        if how.sums[buffer] == "add":
            lines.append(f"  call void @llvm.memset.p0.i64(ptr %sum{j}, i8 0, i64 {buffer.nbytes}, i1 false)")
    lines.append("  br label %run\nrun:")
    for j, buffer in enumerate(how.sums):
        k = list(buffers).index(buffer)
        lines.append(f"  %mine{j} = phi ptr [ %b{k}, %{'room' if release else 'entry'} ], [ %sum{j}, %apart ]")
        passed[1 + k] = f"ptr %mine{j}"
    lines.append(f"  %code = call i32 @{part}({', '.join(passed)}, i64 %begin, i64 %rounds)")
    lines += [*release, "  ret i32 %code"]
    return "(ptr %pack, i64 %begin, i64 %rounds, i64 %chunk) #0 {\nentry:\n" + "\n".join(lines) + "\n}"


def own_room(how: Division) -> tuple[list[str], list[str]]:
    """What gives a chunk memory of its own, %own, and what gives it back: the stack has room for little."""
    size = sum(padded(max(b.nbytes, 1)) for b in how.own)
    if not how.large:
        return ([f"  %own = alloca i8, i64 {size}, align {ALIGNMENT}"] if size else []), []
    lines = [f"  %own = call ptr @PyMem_RawMalloc(i64 {size})", "  %missing = icmp eq ptr %own, null"]
    lines.append(f"  br i1 %missing, label %none, label %room\nnone:\n  ret i32 {NO_MEMORY}\nroom:")
    return lines, ["  call void @PyMem_RawFree(ptr %own)"]


def run(m: Any, name: str, buffers: Sequence[Buffer], how: Division, rounds: int, outer: Sequence[Any] = ()) -> str:
    """In the main function, or in that of the control flow around it: all rounds of a divided loop. The code that it
    returns. outer: the values of axes that it needs."""
    m.declare("declare ptr @PyMem_RawMalloc(i64)")
    m.declare("declare void @PyMem_RawFree(ptr)")
    m.declare("declare i64 @pool.chunks()")
    m.declare("declare i32 @pool.run(ptr, ptr, i64, i64)")
    n = 1 + len(buffers) + len(how.sums) + len(outer)
    pack = m.slot("ptr", n + 1)
    chunks = m.emit("call i64 @pool.chunks()")
    others = m.emit(f"sub i64 {chunks}, 1")
    stack = m.emit("call ptr @llvm.stacksave.p0()") if how.sums else ""
    sums = []
    for buffer in how.sums:
        size = m.emit(f"mul i64 {others}, {buffer.nbytes}")
        sums.append(m.emit(f"alloca i8, i64 {size}, align 64"))
        if how.sums[buffer] != "add":
            over_chunks(m, buffer, sums[-1], others, first_value)
    for k, pointer in enumerate(["%ctx", *map(m.pointer, buffers), *sums]):
        m.do(f"store ptr {pointer}, ptr {m.emit(f'getelementptr ptr, ptr {pack}, i64 {k}')}")
    for k, value in enumerate(outer, n - len(outer)):
        m.do(f"store i64 {value}, ptr {m.emit(f'getelementptr ptr, ptr {pack}, i64 {k}')}")
    code = m.emit(f"call i32 @pool.run(ptr @{name}, ptr {pack}, i64 {rounds}, i64 {chunks})")
    for buffer, apart_ in zip(how.sums, sums, strict=True):
        over_chunks(m, buffer, apart_, others, functools.partial(together, how=how.sums[buffer]))
    if stack:
        m.do(f"call void @llvm.stackrestore.p0(ptr {stack})")
    return code


def over_chunks(m: Any, buffer: Buffer, sums: str, others: str, change: Callable[..., None]) -> None:
    """Go through the elements of the sums of the other chunks in order, each with the element of the first's."""
    t = memory_type(buffer.dtype)
    n = buffer.size * (2 if buffer.dtype.kind == "c" else 1)
    total = m.emit(f"mul i64 {others}, {n}")
    head, body, done = m.new_label("sums"), m.new_label("sum"), m.new_label("added")
    before = m.label
    m.jump(head)
    m.begin(head)
    i, after = m.fresh(), m.fresh()
    m.do(f"{i} = phi i64 [ 0, %{before} ], [ {after}, %{body} ]")
    m.branch(m.emit(f"icmp slt i64 {i}, {total}"), body, done)
    m.begin(body)
    place = m.emit(f"getelementptr {t}, ptr {m.pointer(buffer)}, i64 {m.emit(f'urem i64 {i}, {n}')}")
    change(m, buffer, place, m.emit(f"getelementptr {t}, ptr {sums}, i64 {i}"))
    m.do(f"{after} = add i64 {i}, 1")
    m.jump(head)
    m.begin(done)


def together(m: Any, buffer: Buffer, place: str, own: str, how: str) -> None:
    """The sum of a chunk goes into the whole."""
    t = memory_type(buffer.dtype)
    term, so_far = m.emit(f"load {t}, ptr {own}"), m.emit(f"load {t}, ptr {place}")
    if how == "add":
        found = m.emit(f"{'fadd' if buffer.dtype.kind in 'fc' else 'add'} {t} {so_far}, {term}")
    else:
        found = combined(m, how, buffer.dtype, so_far, term)
    m.do(f"store {t} {found}, ptr {place}")


def first_value(m: Any, buffer: Buffer, place: str, own: str) -> None:
    """A chunk begins with what is there: an extremum may count it more than once."""
    t = memory_type(buffer.dtype)
    m.do(f"store {t} {m.emit(f'load {t}, ptr {place}')}, ptr {own}")
