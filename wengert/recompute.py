"""What a function keeps and what its derivative sees: checkpoint (run again, keep nothing) and stop_gradient."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .core.body import Body, is_array
from .core.call import adopted, check_callable
from .core.intern import interned
from .core.provided import provided
from .core.trace import Tracer, concrete, tracing
from .core.tree import flatten, tree_map, unflatten
from .core.types import ArrayType, shape_of, type_of
from .errors import AbstractValueError, UnsupportedFunctionError
from .primitives import call, program_call

__all__ = ["checkpoint", "remat", "stop_gradient"]

Function = Callable[..., Any]


def stop_gradient(x: Any) -> Any:
    """The value of x, with derivative zero: identity in the program, a constant in its derivative.

    Law: `stop_gradient(x) = x`, `x_dot = 0`. For structures leaf by leaf.

    >>> import wengert as wg
    >>> wg.grad(lambda x: x * wg.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return tree_map(lambda leaf: call.stop_gradient(leaf) if isinstance(leaf, Tracer) else leaf, x)


def checkpoint(
    fun: Function,
    *,
    budget: Any = None,
    segments: int | None = None,
    prevent_cse: bool = True,
    policy: Any = None,
    static_argnums: int | Sequence[int] = (),
) -> Function:
    """The same function, whose reverse mode keeps its arguments alone and runs it again on the way back.

    Law: the derivatives of `checkpoint(f)` are those of f. Memory: the arguments instead of the intermediate values;
    time: one more run of f in reverse mode. Nested checkpoints save more and run more often. Arrays and traced values
    that f closes over count as arguments. Numbers, strings and other objects are passed on as they are; prevent_cse and
    static_argnums are accepted for JAX's sake and change nothing.

    budget: bytes (2e9, "2 GB", "512 MiB") that the values kept for the way back may take at most, adjoints and the
    arguments apart. f is then cut into parts, of which as little as possible is run again: `checkpoint(f,
    budget=...).plan(*args)` says the peak and the work before anything runs, for arrays or types. A budget that cannot
    be met raises ShapeError, with the smallest that can. segments: so many parts of about equal size instead.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.grad(lambda x: wg.checkpoint(np.sin)(x) * x)(0.0)
    np.float64(0.0)
    >>> def waves(x):
    ...     for _ in range(16):
    ...         x = np.sin(x)
    ...     return np.sum(x)
    >>> thrifty = wg.checkpoint(waves, budget="5 kB")
    >>> thrifty.plan(wg.ArrayType((100,), np.float64)).peak <= 5000
    True
    >>> np.array_equal(wg.grad(thrifty)(np.ones(100)), wg.grad(waves)(np.ones(100)))
    True
    """
    check_callable(fun, "checkpoint")
    if policy is not None:
        raise UnsupportedFunctionError(
            "checkpoint got a policy",
            why="what is kept is decided by which functions are checkpointed: their arguments are",
            write="wg.checkpoint around the parts whose intermediate values shall be computed again, or budget=",
        )
    check_limits(budget, segments)
    planned = budget is not None or segments is not None

    @functools.wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not tracing():
            return fun(*args, **kwargs)
        arrays, body = _recorded(fun, args, kwargs, planned)
        assert body.out_tree is not None
        program = body.with_types(body.out_types)
        values = [*body.constants, *arrays]
        if planned:
            plan = provided("checkpoint_plan")(interned(program), budget, segments)
            return unflatten(body.out_tree, provided("run_in_parts")(plan, values))
        return unflatten(body.out_tree, program_call.checkpoint(*values, program=program))

    def plan(*args: Any, **kwargs: Any) -> Any:
        """What reverse mode will keep and run again, for arrays or types like these."""
        _, body = _recorded(fun, args, kwargs, True)
        program = interned(body.with_types(body.out_types))
        return provided("checkpoint_plan")(program, budget, segments if planned else 1)

    checkpointed.plan = plan  # type: ignore[attr-defined]
    return checkpointed


def check_limits(budget: Any, segments: int | None) -> None:
    """One of them, and segments a positive integer."""
    if budget is not None and segments is not None:
        raise UnsupportedFunctionError(
            "checkpoint got budget= and segments=", why="each of them decides where f is cut", write="one of them"
        )
    if segments is not None and (not hasattr(segments, "__index__") or segments < 1):
        raise UnsupportedFunctionError(
            f"checkpoint got segments={segments!r}", why="it is a number of parts", write="segments=8, say"
        )


remat = checkpoint


def _recorded(fun: Function, args: Any, kwargs: Any, unrolled: bool) -> tuple[list[Any], Body]:
    """The arrays among the arguments, and the program of the function; unrolled: loops as they run, if they can."""
    leaves, tree = flatten((args, kwargs))
    arrays = [x for x in leaves if is_array(x)]

    def run(*leaves: Any) -> Any:
        args, kwargs = unflatten(tree, leaves)
        return fun(*args, **kwargs)

    def looping(*leaves: Any) -> Any:
        args, kwargs = unflatten(tree, leaves)
        return adopted(fun)(*args, **kwargs)

    if not unrolled:
        return arrays, _body(looping, leaves, arrays, fun)
    try:
        return arrays, _body(run, leaves, arrays, fun)
    except AbstractValueError:
        return arrays, _body(looping, leaves, arrays, fun)


def _body(run: Function, leaves: Sequence[Any], arrays: Sequence[Any], fun: Function) -> Body:
    """The program of a function on types; beside the values where Python decisions in it need them."""
    known = [type_of(x) if is_array(x) else x for x in leaves]
    try:
        return Body(run, known, fun)
    except AbstractValueError:
        values = [concrete(x) for x in arrays]
        if any(isinstance(v, ArrayType) or shape_of(v) != shape_of(x) for v, x in zip(values, arrays, strict=True)):
            raise
        return Body(run, known, fun, beside=values)
