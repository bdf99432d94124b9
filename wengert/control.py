"""Loops and branches that stay so: scan, while_loop, fori_loop, map, cond, switch. Signatures are JAX's.

Python's own `for`, `while` and `if` are differentiated as they stand; these functions make one program of a loop, whose
derivative costs memory and time by the round, not by the operation. Outside of transformations they are plain Python.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .core.body import PYTHON_NUMBERS, Body, carry_changed, carry_structure, fits, is_array, loop_body, weak
from .core.call import adopted, check_callable, name_of
from .core.dataflow import rewired
from .core.intern import interned
from .core.options import whole
from .core.program import Var
from .core.provided import provided
from .core.trace import Tracer, tracing
from .core.tree import Structure, describe, flatten, leaf_path, unflatten
from .core.types import DYNAMIC, ArrayType, dtype_of, shape_of, type_of
from .errors import AbstractValueError, ShapeError, StructureError, UnsupportedFunctionError
from .numpy.joining import stack
from .primitives import control, loops
from .primitives import elementwise as ew
from .primitives.online import online
from .primitives.scheduled import scheduled
from .primitives.segments import rounds_per_segment, segmented_scan

__all__ = ["cond", "fori_loop", "map", "scan", "switch", "while_loop"]

Function = Callable[..., Any]


# scan ------------------------------------------------------------------------------------------------------------
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

    loop = _Loop("scan", f, step, init, xs)
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
    loop = _Loop("map", f, lambda _, x: ((), f(x)), (), xs)
    n = _number_of_rows(loop, None)
    return loop.run(n, n)[1]


def fori_loop(lower: Any, upper: Any, body_fun: Function, init_val: Any, *, checkpoint: Any = False) -> Any:
    """Repeat `value = body_fun(i, value)` for i = lower, ..., upper - 1.

    Law: `v_lower = init_val, v_i+1 = body_fun(i, v_i)`, result `v_upper`. The bounds are integers, traced ones as well;
    both modes of differentiation work either way. checkpoint as in `scan`, and for traced bounds as in `while_loop`,
    save that binomial schedules place their snapshots by the number of rounds, once it is known. Raises StructureError
    and ShapeError where the value changes.

    >>> import wengert as wg
    >>> wg.fori_loop(0, 5, lambda i, product: product * (i + 1), 1.0)
    120.0
    >>> wg.grad(lambda x: wg.fori_loop(0, 5, lambda i, product: product * x, 1.0))(2.0)
    np.float64(80.0)
    """
    check_callable(body_fun, "fori_loop")
    body_fun = adopted(body_fun)
    lower, upper = _bound(lower, "lower"), _bound(upper, "upper")
    static = not isinstance(lower, Tracer) and not isinstance(upper, Tracer)
    count = max(int(upper) - int(lower), 0) if static else ew.maximum(ew.sub(upper, lower), 0)

    def step(carry: Any, row: Any) -> tuple[Any, Any]:
        i, value = carry
        return (i + 1, body_fun(i, value)), None

    if checkpoint and not static:
        plan = schedule(checkpoint, "fori_loop")
        return _checkpointed(
            lambda state: state[0] < upper, lambda state: step(state, None)[0], (lower, init_val), plan, count
        )[1]
    loop = _Loop("fori_loop", body_fun, step, (lower, init_val), None, settled=1)
    return loop.run(count, count if static else DYNAMIC, checkpoint=checkpoint)[0][1]


def schedule(checkpoint: Any, what: str) -> Any:
    """What `checkpoint=` says: rounds of a segment (True: their root), or an object that gives the actions."""
    if isinstance(checkpoint, str) and checkpoint in ("binomial", "online"):
        return provided(checkpoint)()
    if hasattr(checkpoint, "actions"):
        return checkpoint
    if isinstance(checkpoint, (bool, np.bool_)) or (hasattr(checkpoint, "__index__") and checkpoint >= 0):
        return checkpoint if checkpoint is True else operator.index(checkpoint)
    raise UnsupportedFunctionError(
        f"{what} got checkpoint={checkpoint!r}",
        why="that is no schedule of checkpoints",
        write="rounds of a segment, True for their square root, 'binomial', 'online' or "
        "wg.checkpointing.binomial(snapshots=20)",
    )


def _bound(x: Any, name: str) -> Any:
    """A bound of a loop: one integer, like those of Python's range where it is not traced."""
    if shape_of(x) != () or dtype_of(x).kind not in "iu":
        raise ShapeError(
            f"fori_loop got {name} = {type_of(x)}; its bounds are integers",
            why="the number of rounds is upper - lower",
            write="convert it with int(x) or x.astype(int), or use wg.while_loop",
        )
    return x if isinstance(x, Tracer) else int(x)


def _number_of_rows(loop: _Loop, length: int | None) -> int:
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


class _Loop:
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


def own(x: Any) -> Any:
    """What a body may assign to, as it may where it is traced."""
    return x.copy() if type(x) is np.ndarray else x


def begun(carry: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """The initial carry, Python numbers in the dtypes that they take."""
    return [t.dtype.type(x) if type(x) in PYTHON_NUMBERS else x for x, t in zip(carry, types, strict=True)]


def stacked(ys: tuple[Any, ...]) -> Any:
    """Rows as one array."""
    return stack(ys) if any(isinstance(y, Tracer) for y in ys) else np.array(ys)


def check_carry(before: Sequence[Any], tree: Structure, value: Any, owner: Function, what: str) -> None:
    """The carry after a round has the structure and the types of the one before it; Python numbers adapt."""
    leaves, found = flatten(value)
    if found != tree:
        raise carry_structure(owner, tree, found, what)
    for k, (x, y) in enumerate(zip(before, leaves, strict=True)):
        old, new = type_of(x), type_of(y)
        if old.shape == new.shape and (old.dtype == new.dtype or type(x) in PYTHON_NUMBERS or fits(y, old)):
            continue
        raise carry_changed(owner, tree, k, old, new, what)


# while -----------------------------------------------------------------------------------------------------------
def while_loop(cond_fun: Function, body_fun: Function, init_val: Any, *, checkpoint: Any = False) -> Any:
    """Repeat `value = body_fun(value)` while `cond_fun(value)` holds.

    Law: `v_0 = init_val, v_i+1 = body_fun(v_i)`, result: the first v_i for which cond_fun is false. Both modes of
    differentiation work, without a bound on the number of rounds: reverse mode keeps what a round's derivative needs,
    round by round. The derivative is that of the rounds that were run. Under vmap all lanes run until the last has
    finished. Raises StructureError and ShapeError where the value changes, or the condition is not one boolean.

    checkpoint=k: reverse mode keeps the value of every k-th round, and runs k rounds again at a time. True: the first
    round, the next two, the next three and so on, so that n rounds keep about sqrt(2 n) values, and residuals of as
    many rounds at a time. "online" or wg.checkpointing.online(snapshots=20): so many values, whatever n is, which shows
    only when the loop ends; up to n = C(snapshots + 2, 2) with the fewest rounds run again that are possible.

    >>> import wengert as wg
    >>> halve = lambda x: wg.while_loop(lambda x: x > 1.0, lambda x: x / 2, x)
    >>> halve(5.0), wg.grad(halve)(5.0)
    (0.625, np.float64(0.125))
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    cond_fun, body_fun = adopted(cond_fun), adopted(body_fun)
    if checkpoint and tracing():
        plan = schedule(checkpoint, "while_loop")
        if not isinstance(plan, int) and not hasattr(plan, "places"):
            raise UnsupportedFunctionError(
                "while_loop got a schedule that is made for a known number of rounds",
                why="how many rounds there are shows only when the loop ends",
                write="checkpoint='online', wg.checkpointing.online(snapshots=20), or the rounds of a segment",
            )
        return _checkpointed(cond_fun, body_fun, init_val, plan, np.int64(-1))
    carry, tree = flatten(init_val)
    if tracing():
        try:
            cond, body, types = _while_bodies(cond_fun, body_fun, carry, tree)
        except AbstractValueError:
            return _while_in_python(cond_fun, body_fun, carry, tree)
        results = loops.while_(
            *cond.constants,
            *body.constants,
            *begun(carry, types),
            cond=interned(cond.program),
            body=body.with_types(types),
            n_cond=len(cond.constants),
            n_consts=len(body.constants),
        )
        return unflatten(tree, results[1:])
    return _while_in_python(cond_fun, body_fun, carry, tree)


def _checkpointed(cond_fun: Function, body_fun: Function, init_val: Any, plan: Any, count: Any) -> Any:
    """A while loop that keeps some of its values. count: its rounds, where a schedule needs them; else negative."""
    if isinstance(plan, int):
        return _in_segments(cond_fun, body_fun, init_val, plan)
    if not hasattr(plan, "snapshots"):
        raise UnsupportedFunctionError(
            "a loop whose number of rounds is traced got a schedule of its own",
            why="its list of actions would be made before the loop runs",
            write="wg.checkpointing.binomial(snapshots=20), 'online', or the rounds of a segment",
        )
    carry, tree = flatten(init_val)
    try:
        cond, body, types = _while_bodies(cond_fun, body_fun, carry, tree)
    except AbstractValueError:
        return _while_in_python(cond_fun, body_fun, carry, tree)
    results = online(
        np.int64(-1) if hasattr(plan, "places") else ew.convert(count, dtype=np.dtype(np.int64)),
        *cond.constants,
        *body.constants,
        *begun(carry, types),
        cond=interned(cond.program),
        body=body.with_types(types),
        n_cond=len(cond.constants),
        n_consts=len(body.constants),
        snapshots=plan.snapshots,
    )
    return unflatten(tree, results[1:])


def _in_segments(cond_fun: Function, body_fun: Function, init_val: Any, found: int) -> Any:
    """A loop of loops: stacks of the inner one are of unknown length, and made again on the way back."""

    def segment(state: Any) -> Any:
        length, value = state

        def going(state: Any) -> Any:
            return (state[0] < length) & cond_fun(state[1])

        _, value = while_loop(going, lambda state: (state[0] + 1, body_fun(state[1])), (np.int64(0), value))
        return length + (found is True), value

    return while_loop(lambda state: cond_fun(state[1]), segment, (np.int64(found), init_val))[1]


def _while_bodies(cond_fun: Function, body_fun: Function, carry: Sequence[Any], tree: Structure) -> Any:
    body, types = loop_body(
        lambda *leaves: (body_fun(unflatten(tree, leaves)), None), carry, tree, [], body_fun, "while_loop"
    )
    cond = Body(lambda *leaves: cond_fun(unflatten(tree, leaves)), types, cond_fun)
    if len(cond.out_types) != 1 or cond.out_types[0] != ArrayType((), bool):
        raise _not_a_condition(cond_fun, ", ".join(str(t) for t in cond.out_types) or "nothing")
    return cond, body, types


def _while_in_python(cond_fun: Function, body_fun: Function, carry: Sequence[Any], tree: Structure) -> Any:
    value = unflatten(tree, [own(x) for x in carry])
    first = True
    while _decided(cond_fun, value):
        value = body_fun(value)
        if first:
            check_carry(carry, tree, value, body_fun, "while_loop")
            first = False
    return value


def _decided(cond_fun: Function, value: Any) -> bool:
    going = cond_fun(value)
    if type(going) is not bool and (shape_of(going) != () or dtype_of(going) != np.bool_):
        raise _not_a_condition(cond_fun, str(type_of(going)))
    return bool(going)


def _not_a_condition(cond_fun: Function, found: str) -> ShapeError:
    return ShapeError(
        f"the condition of while_loop, {name_of(cond_fun)}, returned {found}",
        why="it decides whether there is another round: one boolean",
        write="compare, as in x > 0; for arrays np.any(x > 0) or np.all(x > 0)",
    )


# branches --------------------------------------------------------------------------------------------------------
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
