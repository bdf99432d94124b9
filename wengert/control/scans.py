"""scan, map: one round for each row; and the loop that counted loops are."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ..core.body import loop_body
from ..core.call import adopted, check_callable, name_of
from ..core.options import whole
from ..core.trace import tracing
from ..core.tree import flatten, leaf_path, unflatten
from ..core.types import ArrayType, dtype_of, shape_of, type_of
from ..errors import AbstractValueError, ShapeError, StructureError
from ..primitives import loops
from ..primitives.scheduled import scheduled
from ..primitives.segments import rounds_per_segment, segmented_scan
from .carries import begun, check_carry, own, schedule, stacked

Function = Callable[..., Any]


def scan(
    f: Function,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
    checkpoint: Any = False,
) -> tuple[Any, Any]:
    """Carry a value through the rows of arrays: `carry, y = f(carry, x)` for each row x; the ys are stacked.

    Law: `c_0 = init, (c_i+1, y_i) = f(c_i, xs[i])`, result `(c_n, stack(y))`. Structures of arrays throughout; the
    carry keeps its structure, shapes and dtypes. reverse: from the last row to the first. length: the number of rounds
    where xs is None. unroll has no meaning here. Reverse mode keeps what a round's derivative needs, stacked by round;
    with checkpoint=k it keeps the carry of every k-th round, and runs k rounds again at a time (True: k = sqrt(n)).
    Raises StructureError and ShapeError where the carry changes.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 1., 3.]))
    """
    check_callable(f, "scan")
    f = adopted(f)

    def step(carry: Any, row: Any) -> tuple[Any, Any]:
        result = f(carry, row)
        if not isinstance(result, tuple) or len(result) != 2:
            raise StructureError(
                f"the body of scan, {name_of(f)}, returned a {type(result).__name__}, not a pair",
                why="each round returns the carry for the next one, and its row of the stacked results",
                write="return carry, y (y may be None)",
            )
        return result

    loop = Loop("scan", f, step, init, xs)
    n = _number_of_rows(loop, length)
    return loop.run(n, n, reverse, checkpoint)


def map(f: Function, xs: Any) -> Any:
    """Apply a function to each row, one after the other, and stack the results. `wg.vmap` applies it to all at once.

    Law: `map(f, xs)[i] = f(xs[i])`.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.map(lambda x: x**2, np.array([1.0, 2.0, 3.0]))
    array([1., 4., 9.])
    """
    check_callable(f, "map")
    f = adopted(f)
    loop = Loop("map", f, lambda _, x: ((), f(x)), (), xs)
    n = _number_of_rows(loop, None)
    return loop.run(n, n)[1]


def _number_of_rows(loop: Loop, length: int | None) -> int:
    """The one length of the first axes, and of `length` where it is given."""
    lengths = {} if length is None else {whole(length, "length"): "length"}
    for k, x in enumerate(loop.rows):
        if not shape_of(x):
            raise ShapeError(
                f"{loop.what} goes through the rows of xs{leaf_path(loop.row_tree, k)}, which is {type_of(x)}",
                why="a number has no rows",
                write="pass it in the carry, or let the body close over it",
            )
        lengths.setdefault(shape_of(x)[0], f"xs{leaf_path(loop.row_tree, k)}")
    if len(lengths) != 1:
        found = ", ".join(f"{n} ({name})" for n, name in lengths.items()) or "neither xs nor length"
        raise ShapeError(
            f"{loop.what} needs one number of rows, found {found}",
            why="each round takes one row of every array",
            write="arrays of one length, or length=n",
        )
    return next(iter(lengths))


class Loop:
    """A loop of `count` rounds of `step(carry, row) -> (carry, y)`: as one program, or round by round in Python.

    length: the count where it is known. settled: how many of the first carries are numbers that stay such.
    """

    def __init__(self, what: str, owner: Function, step: Function, init: Any, xs: Any, settled: int = 0) -> None:
        self.what, self.owner, self.step, self.settled = what, owner, step, settled
        self.carry, self.tree = flatten(init)
        self.rows, self.row_tree = flatten(xs)

    def run(self, count: Any, length: int, reverse: bool = False, checkpoint: Any = False) -> tuple[Any, Any]:
        """(carry, ys): a program where something is traced, and its body can be one."""
        plan = schedule(checkpoint, self.what)
        if not tracing() and count != 0:
            return self.in_python(count, reverse)
        types = [ArrayType(shape_of(x)[1:], dtype_of(x)) for x in self.rows]
        try:
            body, carried = loop_body(self.flat_step, self.carry, self.tree, types, self.owner, self.what, self.settled)
        except AbstractValueError:
            return self.in_python(operator.index(count), reverse)
        n = len(self.carry)
        args = [*body.constants, *begun(self.carry, carried), *self.rows]
        program = body.with_types([*carried, *body.out_types[n:]])
        sizes = {"n_consts": len(body.constants), "n_carry": n}
        k = rounds_per_segment(length, plan) if isinstance(plan, int) and plan else length
        if not isinstance(plan, int) and length > 1:
            results = scheduled(*args, body=program, length=length, reverse=bool(reverse), **sizes, schedule=plan)
        elif k < length:
            results = segmented_scan(length, k, args, program, bool(reverse), **sizes)
        else:
            results = loops.scan(count, *args, body=program, length=length, reverse=bool(reverse), **sizes)
        assert body.out_tree is not None
        _, y_tree = body.out_tree.children()
        return unflatten(self.tree, results[:n]), unflatten(y_tree, results[n:])

    def flat_step(self, *leaves: Any) -> tuple[Any, Any]:
        """The step on flat leaves."""
        n = len(self.carry)
        return self.step(unflatten(self.tree, leaves[:n]), unflatten(self.row_tree, leaves[n:]))

    def in_python(self, count: int, reverse: bool) -> tuple[Any, Any]:
        """The rounds one after the other, on the arrays or tracers themselves."""
        value = unflatten(self.tree, [own(x) for x in self.carry])
        stacks: list[Any] = [None] * count
        y_tree = flatten(None)[1]
        for done, k in enumerate(range(count - 1, -1, -1) if reverse else range(count)):
            value, y = self.step(value, unflatten(self.row_tree, [own(x[k]) for x in self.rows]))
            stacks[k], y_tree = flatten(y)
            if not done:
                check_carry(self.carry, self.tree, value, self.owner, self.what)
        return value, unflatten(y_tree, [stacked(ys) for ys in zip(*stacks, strict=True)])
