"""A user's function of structured data as a closed Program: body of a loop, branch, what a checkpoint runs again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, StructureError
from .call import is_number_like, name_of
from .dataflow import closed
from .intern import interned
from .program import Literal, Program
from .record import record
from .trace import Tracer
from .tree import Structure, describe, flatten, leaf_path
from .types import ArrayType, type_of

Function = Callable[..., Any]

PYTHON_NUMBERS = (bool, int, float, complex)


class Body:
    """The program of `run(*leaves) -> result`: what it closes over comes first among its inputs.

    Leaves are types; any other object stands for itself. Results that are Python numbers are literals. beside: real
    values of the leaves, beside which the function runs.
    """

    def __init__(self, run: Function, leaves: Sequence[Any], owner: Any, beside: Sequence[Any] | None = None) -> None:
        self.owner = owner
        self.out_tree: Structure | None = None

        def flat(*tracers: Any) -> list[Any]:
            given = iter(tracers)
            result = run(*(next(given) if isinstance(t, ArrayType) else t for t in leaves))
            outs, self.out_tree = flatten(result)
            for k, y in enumerate(outs):
                if not is_number_like(y):
                    raise self.not_a_number(y, k)
            return outs

        traced = [t for t in leaves if isinstance(t, ArrayType)] if beside is None else beside
        self.program, self.constants = closed(record(flat, traced, name_of(owner), owner, beside is not None))

    @property
    def out_types(self) -> list[ArrayType]:
        """Types of the results."""
        return self.program.out_types

    def with_types(self, types: Sequence[ArrayType]) -> Program:
        """The program, in which results that are Python numbers have taken these types."""
        outputs = [
            Literal(t.dtype.type(a.value)) if isinstance(a, Literal) else a
            for a, t in zip(self.program.outputs, types, strict=True)
        ]
        p = self.program
        return interned(Program(p.inputs, p.constants, p.equations, outputs, name=p.name, quiet=p.quiet))

    def not_a_number(self, y: Any, k: int) -> StructureError:
        """The error for a result that is no array."""
        assert self.out_tree is not None
        return StructureError(
            f"{name_of(self.owner)} returned a {type(y).__name__} at result{leaf_path(self.out_tree, k)}",
            why="its results are arrays and numbers in structures: they become part of a program",
            write="return arrays; keep other objects outside the function",
        )


def is_array(x: Any) -> bool:
    """An array or a traced value, rather than a number or another object that is passed on as it is."""
    return isinstance(x, Tracer | np.ndarray | np.generic)


def weak(atom: Any) -> bool:
    """Is this result of a program a Python number, which takes the dtype of its surroundings?"""
    return isinstance(atom, Literal) and type(atom.value) in PYTHON_NUMBERS


# carries ---------------------------------------------------------------------------------------------------------
def loop_body(
    step: Function,
    carry: Sequence[Any],
    tree: Structure,
    rows: Sequence[ArrayType],
    owner: Any,
    what: str,
    settled: int = 0,
) -> tuple[Body, list[ArrayType]]:
    """The body of a loop, whose first results have the structure and the types of its carry.

    A carry that begins as a Python number takes the dtype that the body makes of it, as in JAX; the first `settled`
    ones stay what they are.
    """
    numbers = [type(x) in PYTHON_NUMBERS and k >= settled for k, x in enumerate(carry)]
    types = [type_of(x) for x in carry]
    if any(numbers):
        first = Body(step, [*(x if n else t for x, t, n in zip(carry, types, numbers, strict=True)), *rows], owner)
        check_structure(first, tree, what)
        for k, (x, n) in enumerate(zip(carry, numbers, strict=True)):
            if n and not weak(first.program.outputs[k]):
                types[k] = ArrayType((), np.result_type(x, first.out_types[k].dtype))
    body = Body(step, [*types, *rows], owner)
    check_structure(body, tree, what)
    for k, (before, after) in enumerate(zip(types, body.program.outputs, strict=False)):
        if before != after.type and not (isinstance(after, Literal) and fits(after.value, before)):
            raise carry_changed(owner, tree, k, before, after.type, what)
    return body, types


def fits(value: Any, type: ArrayType) -> bool:
    """Is this a Python number that can stand for a value of this type?"""
    return value.__class__ in PYTHON_NUMBERS and type.shape == () and np.result_type(type.dtype, value) == type.dtype


def check_structure(body: Body, tree: Structure, what: str) -> None:
    """The carry that comes out must be structured like the one that went in."""
    assert body.out_tree is not None
    (found, *_) = body.out_tree.children() if body.out_tree.num_nodes > 1 else (body.out_tree,)
    if found != tree:
        raise carry_structure(body.owner, tree, found, what)


def carry_structure(owner: Any, tree: Structure, found: Structure, what: str) -> StructureError:
    """The error for a carry of another structure."""
    return StructureError(
        f"the body of {what}, {name_of(owner)}, changes the structure of its carry from {describe(tree)} to "
        f"{describe(found)}",
        why="what a round returns is what the next round gets",
        write="return the carry in the containers in which it came",
    )


def carry_changed(owner: Any, tree: Structure, k: int, before: ArrayType, after: ArrayType, what: str) -> ShapeError:
    """The error for a carry of another type."""
    return ShapeError(
        f"the body of {what}, {name_of(owner)}, changes the type of carry{leaf_path(tree, k)} from {before} to {after}",
        why="every round runs the same program, so a carry keeps its shape and dtype",
        write="give it this shape and dtype before the loop, as in np.zeros(n) or np.asarray(x, dtype=float), or "
        "convert it in the body with .astype",
    )
