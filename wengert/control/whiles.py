"""while_loop: as long as a condition holds; where it is checkpointed, in rounds that are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.body import Body, loop_body
from ..core.call import adopted, check_callable, name_of
from ..core.intern import interned
from ..core.trace import tracing
from ..core.tree import Structure, flatten, unflatten
from ..core.types import ArrayType, dtype_of, shape_of, type_of
from ..errors import AbstractValueError, ShapeError, UnsupportedFunctionError
from ..primitives import elementwise as ew
from ..primitives import loops
from ..primitives.online import online
from .carries import begun, check_carry, own, schedule

Function = Callable[..., Any]


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
        return checkpointed(cond_fun, body_fun, init_val, plan, np.int64(-1))
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


def checkpointed(cond_fun: Function, body_fun: Function, init_val: Any, plan: Any, count: Any) -> Any:
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
