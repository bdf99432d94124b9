"""fori_loop: a round for each integer in a range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.call import adopted, check_callable
from ..core.trace import Tracer
from ..core.types import DYNAMIC, dtype_of, shape_of, type_of
from ..errors import ShapeError
from ..primitives import elementwise as ew
from .carries import schedule
from .scans import Loop
from .whiles import checkpointed

Function = Callable[..., Any]


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
        return checkpointed(
            lambda state: state[0] < upper, lambda state: step(state, None)[0], (lower, init_val), plan, count
        )[1]
    loop = Loop("fori_loop", body_fun, step, (lower, init_val), None, settled=1)
    return loop.run(count, count if static else DYNAMIC, checkpoint=checkpoint)[0][1]


def _bound(x: Any, name: str) -> Any:
    """A bound of a loop: one integer, like those of Python's range where it is not traced."""
    if shape_of(x) != () or dtype_of(x).kind not in "iu":
        raise ShapeError(
            f"fori_loop got {name} = {type_of(x)}; its bounds are integers",
            why="the number of rounds is upper - lower",
            write="convert it with int(x) or x.astype(int), or use wg.while_loop",
        )
    return x if isinstance(x, Tracer) else int(x)
