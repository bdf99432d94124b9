"""Calls on stacks of matrices: a native loop over the stack around what is written down for one matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...core.program import Equation
from ..emit.library import call
from ..loops.ir import Axis, Call, Ref, Value, View, row_major
from .lowering import Lowering

Body = Callable[[Any, Sequence[Ref]], None]  # (emitter, references to the first element of each array) -> text


class Step(NamedTuple):
    """An axis of a stack: its length, and by how much one step along it moves in each array."""

    length: int
    moves: tuple[int, ...]


def first(x: View) -> Ref:
    """The reference to the first element."""
    return Ref(x.buffer, x.const, x.terms)


def element(ref: Ref, x: View, *index: int) -> Ref:
    """An element of the matrix (or vector) whose first element ref is: x tells the strides."""
    strides = x.strides[len(x.strides) - len(index) :]
    return ref._replace(const=ref.const + sum(i * s for i, s in zip(index, strides, strict=True)))


def along(x: View, ref: Ref, axis: Axis, of: int) -> Ref:
    """The reference moved along an axis of the matrix: of = -1 or -2."""
    return ref._replace(terms=(*ref.terms, (axis, x.strides[of]))) if x.shape[of] > 1 else ref


def stack_of(stack: Sequence[int], arrays: Sequence[View]) -> list[Step]:
    """The axes of a stack, those that memory allows as one; each array begins with them."""
    steps: list[Step] = []
    for d, n in enumerate(stack):
        moves = tuple(x.strides[d] for x in arrays)
        if n == 1:
            continue
        if steps and all(a == n * b for a, b in zip(steps[-1].moves, moves, strict=True)):
            steps[-1] = Step(steps[-1].length * n, moves)
        else:
            steps.append(Step(n, moves))
    return steps


def over(f: Any, stack: Sequence[Step], refs: Sequence[Ref], written: Sequence[Ref], body: Body) -> None:
    """The loops of a stack around a body. written: the references whose arrays the body writes."""
    if not stack:
        body(f, refs)
        return
    axis = Axis(stack[0].length)
    moved = [r._replace(terms=(*r.terms, (axis, m))) if m else r for r, m in zip(refs, stack[0].moves, strict=True)]
    rounds(f, axis, {w.buffer for w in written}, lambda: over(f, stack[1:], moved, written, body))


def rounds(f: Any, axis: Axis, changed: set[Any], body: Callable[[], None]) -> None:
    """for axis in range(extent): body; what is known of arrays that change is forgotten."""
    outer = f.known.copy()
    f.counted(axis, str(axis.extent), body, changed, may_be_empty=False)
    f.known = outer.without(changed)


def on_matrices(
    low: Lowering,
    eq: Equation,
    name: str,
    reads: Sequence[View],
    writes: Sequence[View],
    cores: Sequence[int],
    body: Body,
    scratch: Sequence[View] = (),
) -> None:
    """A call for each matrix of a stack; the body gets references into what is read and then into what is written.

    cores: the number of axes of each operand that belong to one matrix. An array that is worked on in place stands in
    `writes`, and in `reads` as well. scratch: working memory.
    """
    arrays = [*reads, *writes]
    stack = arrays[0].shape[: len(arrays[0].shape) - cores[0]]
    assert all(x.shape[: len(x.shape) - core] == stack for x, core in zip(arrays, cores, strict=True)), name
    steps = stack_of(stack, arrays)

    def emit(f: Any, node: Call) -> None:
        over(f, steps, [*node.reads, *node.writes], node.writes, body)

    buffers = [x.buffer for x in scratch]
    low.nodes.append(Call(name, [first(x) for x in reads], [first(x) for x in writes], emit, eq, buffers))


# memory ------------------------------------------------------------------------------------------------------------
def column_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a stack of matrices whose columns are contiguous."""
    *stack, m, n = shape
    strides = row_major((*stack, n, m))
    return (*strides[:-2], strides[-1], strides[-2])


def by_columns(low: Lowering, x: Value) -> View:
    """A copy of matrices with contiguous columns, as LAPACK has them."""
    return low.copy(x, columns(low, x.shape, x.dtype))


def columns(low: Lowering, shape: Sequence[int], dtype: Any) -> View:
    """New memory for matrices with contiguous columns."""
    return View(low.new(tuple(shape), dtype).buffer, tuple(shape), 0, column_major(shape))


def is_by_columns(x: Value) -> bool:
    """Are the columns of the matrices contiguous, rather than their rows?"""
    return isinstance(x, View) and abs(x.strides[-2]) < abs(x.strides[-1])


def same_order(low: Lowering, x: Value) -> View:
    """A copy of matrices with contiguous rows or columns, in the order in which they are."""
    return by_columns(low, x) if is_by_columns(x) else low.copy(x)


# LAPACK ------------------------------------------------------------------------------------------------------------
def lapack(f: Any, name: str, what: Any, *args: Any) -> None:
    """A subroutine that reports its success in a last argument; the program stops if there was none."""
    info = f.slot("i32")
    call(f, f"lapack.{name}", *args, info)
    stop_if(f, f.emit(f"icmp ne i32 {f.emit(f'load i32, ptr {info}')}, 0"), what)


def stop_if(f: Any, condition: str, what: Any) -> None:
    """The program stops here if the condition holds."""
    f.stop_unless_zero(f.emit(f"select i1 {condition}, i32 {f.code_of(what, f.equation)}, i32 0"))
