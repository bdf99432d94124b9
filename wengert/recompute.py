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
from .core.types import ArrayType, is_inexact, shape_of, type_of
from .errors import AbstractValueError, UnsupportedFunctionError
from .primitives import call, program_call
from .primitives.planned import Limits, beyond_types, planned

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
    kept: Any = None,
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

    budget: bytes (2e9, "2 GB", "512 MiB") that the gradient may take at most, with arguments, results, adjoints and
    temporaries. As little as possible is then made again: `checkpoint(f, budget=...).plan(*args)` says the peak and the
    work before anything runs, for arrays or types. A budget that cannot be met raises ShapeError, with the smallest
    that can. kept: the same for the values that are kept alone. segments: so many parts of about equal size, all but
    the last run again. policy: "products" keeps the results of products, "everything", "nothing"; or a function of an
    equation (`eq.primitive.name`, `eq.inputs`, `eq.outputs`) that says whether its results are kept.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.grad(lambda x: wg.checkpoint(np.sin)(x) * x)(0.0)
    np.float64(0.0)
    >>> def waves(x):
    ...     for _ in range(16):
    ...         x = np.sin(x)
    ...     return np.sum(x)
    >>> thrifty = wg.checkpoint(waves, budget="10 kB")
    >>> thrifty.plan(wg.ArrayType((100,), np.float64)).peak <= 10_000
    True
    >>> np.array_equal(wg.grad(thrifty)(np.ones(100)), wg.grad(waves)(np.ones(100)))
    True
    """
    check_callable(fun, "checkpoint")
    limits = limits_of(budget, kept, segments, policy)

    @functools.wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not tracing():
            return fun(*args, **kwargs)
        arrays, body = _recorded(fun, args, kwargs, limits is not None)
        assert body.out_tree is not None
        program = body.with_types(body.out_types)
        values = [*body.constants, *arrays]
        if limits is not None:
            return unflatten(body.out_tree, planned(*values, program=interned(program), limits=limits))
        return unflatten(body.out_tree, program_call.checkpoint(*values, program=program))

    def plan(*args: Any, **kwargs: Any) -> Any:
        """What the gradient by all arguments will take, for arrays or types like these."""
        _, body = _recorded(fun, args, kwargs, True)
        program, n = interned(body.with_types(body.out_types)), len(body.constants)
        active = tuple(is_inexact(t.dtype) for t in program.in_types)
        more = beyond_types(body.constants, active[:n])
        return provided("checkpoint_plan")(program, active, limits or Limits(), more)

    checkpointed.plan = plan  # type: ignore[attr-defined]
    return checkpointed


def limits_of(budget: Any, kept: Any, segments: int | None, policy: Any) -> Limits | None:
    """At most one of them; None where the function is run again as a whole."""
    if sum(x is not None for x in (budget, kept, segments, policy)) > 1:
        raise UnsupportedFunctionError(
            "checkpoint got more than one of budget=, kept=, segments= and policy=",
            why="each of them decides what is kept",
            write="one of them",
        )
    if segments is not None and (not hasattr(segments, "__index__") or segments < 1):
        raise UnsupportedFunctionError(
            f"checkpoint got segments={segments!r}", why="it is a number of parts", write="segments=8, say"
        )
    if policy is not None and not callable(policy) and policy not in POLICIES:
        raise UnsupportedFunctionError(
            f"checkpoint got policy={policy!r}",
            why="a policy says of an equation whether its results are kept",
            write=f"{', '.join(map(repr, POLICIES))}, or a function of an equation, such as "
            "lambda eq: eq.primitive.name == 'matmul'",
        )
    if budget is not None:
        return Limits(budget=provided("in_bytes")(budget))
    if kept is not None:
        return Limits(kept=provided("in_bytes")(kept))
    if segments is not None:
        return Limits(segments=int(segments))
    return None if policy is None else Limits(policy=POLICIES[policy] if isinstance(policy, str) else policy)


PRODUCTS = frozenset(("matmul", "einsum", "convolve", "correlate"))
POLICIES: dict[str, Callable[[Any], bool]] = {
    "everything": lambda eq: True,
    "nothing": lambda eq: False,
    "products": lambda eq: eq.primitive.name in PRODUCTS,
}


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
