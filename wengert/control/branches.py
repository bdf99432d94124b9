"""cond, switch: one of several functions runs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.body import Body, fits, is_array, weak
from ..core.call import adopted, check_callable
from ..core.dataflow import rewired
from ..core.intern import interned
from ..core.program import Var
from ..core.trace import Tracer
from ..core.tree import describe, flatten, leaf_path, unflatten
from ..core.types import ArrayType, dtype_of, shape_of, type_of
from ..errors import AbstractValueError, ShapeError, StructureError
from ..primitives import control
from ..primitives import elementwise as ew

Function = Callable[..., Any]


def cond(pred: Any, true_fun: Function, false_fun: Function, *operands: Any) -> Any:
    """`true_fun(*operands)` where pred holds, `false_fun(*operands)` otherwise; only one of them runs.

    Both return the same structure of the same types. Under vmap with a predicate that differs between lanes both run
    on all lanes (also loops inside them), and each lane takes its own; the other contributes nothing to its
    derivatives, not even a NaN. Raises StructureError and ShapeError where the branches differ, or pred is not one
    boolean or number.

    >>> import wengert as wg
    >>> f = lambda x: wg.cond(x > 0, lambda x: x**2, lambda x: -x, x)
    >>> f(3.0), wg.grad(f)(3.0), wg.grad(f)(-3.0)
    (9.0, np.float64(6.0), np.float64(-1.0))
    """
    check_callable(true_fun, "cond")
    check_callable(false_fun, "cond")
    true_fun, false_fun = adopted(true_fun), adopted(false_fun)
    if shape_of(pred) != () or dtype_of(pred).kind not in "biufc":
        raise ShapeError(
            f"the predicate of cond is {type_of(pred)}",
            why="it decides between two branches: one boolean, or one number that is compared with zero",
            write="np.any(pred), np.all(pred), or wg.numpy.where(pred, a, b) to choose element by element",
        )
    if dtype_of(pred) != np.bool_:
        pred = pred != 0
    if not isinstance(pred, Tracer):
        return (true_fun if pred else false_fun)(*operands)
    index = ew.convert(pred, dtype=np.dtype(np.int64))
    try:
        return _branch(index, (false_fun, true_fun), operands, ("false_fun", "true_fun"), "cond")
    except AbstractValueError:
        return (true_fun if pred else false_fun)(*operands)


def switch(index: Any, branches: Sequence[Function], *operands: Any) -> Any:
    """`branches[index](*operands)`, with the index clamped to the branches there are. See `cond`.

    >>> import wengert as wg
    >>> [wg.switch(k, [lambda x: x, lambda x: x**2], 3.0) for k in (0, 1, 7)]
    [3.0, 9.0, 9.0]
    """
    if not isinstance(branches, list | tuple):
        raise StructureError(
            f"switch takes its branches as a list, got a {type(branches).__name__}",
            why="the index counts them",
            write="wg.switch(k, [f, g, h], x)",
        )
    for f in branches:
        check_callable(f, "switch")
    branches = [adopted(f) for f in branches]
    if not branches or shape_of(index) != () or dtype_of(index).kind not in "iub":
        raise ShapeError(
            f"switch got the index {type_of(index)} for {len(branches)} branches",
            why="it chooses one of them: one integer",
            write="convert it with .astype(int); np.argmax gives the index of the largest of several scores",
        )
    last = len(branches) - 1
    if not isinstance(index, Tracer) or last == 0:
        return branches[min(max(int(index), 0), last) if last else 0](*operands)
    number = ew.minimum(ew.maximum(ew.convert(index, dtype=np.dtype(np.int64)), 0), last)
    try:
        return _branch(number, branches, operands, [f"branch {k}" for k in range(last + 1)], "switch")
    except AbstractValueError:
        return branches[operator.index(number)](*operands)


def _branch(index: Any, branches: Sequence[Function], operands: Any, names: Sequence[str], what: str) -> Any:
    """The primitive `cond`, whose operands are what any of the branches closes over, and the operands."""
    leaves, tree = flatten(operands)
    traced = [is_array(x) for x in leaves]
    types = [type_of(x) if on else x for x, on in zip(leaves, traced, strict=True)]
    bodies = [Body(lambda *xs, f=f: f(*unflatten(tree, xs)), types, f) for f in branches]
    results = _common_types(bodies, names, what)
    constants = [x for body in bodies for x in body.constants]
    programs, at = [], 0
    for body in bodies:
        program, own = body.with_types(results), len(body.constants)
        others = [Var(type_of(x)) for x in constants]
        inputs = [*others[:at], *program.inputs[:own], *others[at + own :], *program.inputs[own:]]
        programs.append(interned(rewired(program, inputs, program.outputs)))
        at += own
    given = [x for x, on in zip(leaves, traced, strict=True) if on]
    outs = control.cond(index, *constants, *given, branches=tuple(programs))
    assert bodies[0].out_tree is not None
    return unflatten(bodies[0].out_tree, outs)


def _common_types(bodies: Sequence[Body], names: Sequence[str], what: str) -> list[ArrayType]:
    """The types of the results of all branches; Python numbers take the dtype of the others."""
    first = bodies[0]
    assert first.out_tree is not None
    for body, name in zip(bodies, names, strict=True):
        assert body.out_tree is not None
        if body.out_tree != first.out_tree:
            raise StructureError(
                f"the branches of {what} return different structures: {names[0]} {describe(first.out_tree)}, "
                f"{name} {describe(body.out_tree)}",
                why="what comes after must not depend on which branch was taken",
                write="return the same containers and keys from each branch",
            )
    types = []
    for k, atoms in enumerate(zip(*(body.program.outputs for body in bodies), strict=True)):
        strong = [a.type for a in atoms if not weak(a)]
        found = strong[0] if strong else ArrayType((), np.result_type(*(a.type.dtype for a in atoms)))
        for a, name in zip(atoms, names, strict=True):
            if a.type != found and not (weak(a) and fits(a.value, found)):
                raise ShapeError(
                    f"the branches of {what} return different types at result{leaf_path(first.out_tree, k)}: "
                    f"{names[0]} {atoms[0].type}, {name} {a.type}",
                    why="what comes after must not depend on which branch was taken",
                    write="convert with .astype, or broadcast, so that each branch returns one type",
                )
        types.append(found)
    return types
