"""What a function keeps and what its derivative sees: checkpoint (run again, keep nothing) and stop_gradient."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .core.body import Body, is_array
from .core.call import adopted, check_callable
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
    fun: Function, *, prevent_cse: bool = True, policy: Any = None, static_argnums: int | Sequence[int] = ()
) -> Function:
    """The same function, whose reverse mode keeps its arguments alone and runs it again on the way back.

    Law: the derivatives of `checkpoint(f)` are those of f. Memory: the arguments instead of the intermediate values;
    time: one more run of f in reverse mode. Nested checkpoints save more and run more often. Arrays and traced values
    that f closes over count as arguments. Numbers, strings and other objects are passed on as they are; prevent_cse and
    static_argnums are accepted for JAX's sake and change nothing.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.grad(lambda x: wg.checkpoint(np.sin)(x) * x)(0.0)
    np.float64(0.0)
    """
    check_callable(fun, "checkpoint")
    if policy is not None:
        raise UnsupportedFunctionError(
            "checkpoint got a policy",
            why="what is kept is decided by which functions are checkpointed: their arguments are",
            write="wg.checkpoint around the parts whose intermediate values shall be computed again",
        )

    @functools.wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not tracing():
            return fun(*args, **kwargs)
        leaves, tree = flatten((args, kwargs))
        arrays = [x for x in leaves if is_array(x)]

        def run(*leaves: Any) -> Any:
            args, kwargs = unflatten(tree, leaves)
            return adopted(fun)(*args, **kwargs)

        body = _body(run, leaves, arrays, fun)
        assert body.out_tree is not None
        program = body.with_types(body.out_types)
        return unflatten(body.out_tree, program_call.checkpoint(*body.constants, *arrays, program=program))

    return checkpointed


remat = checkpoint


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
