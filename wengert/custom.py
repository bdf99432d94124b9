"""Functions with a derivative of your own: custom_jvp and custom_vjp, with JAX's signatures."""

from __future__ import annotations

import functools
import inspect
import operator
import types
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from .core.body import is_array
from .core.call import adopted, check_callable, is_number_like, name_of, positions
from .core.trace import Trace, Tracer, setting
from .core.tree import Structure, describe, flatten, leaf_path, tree_map, unflatten
from .core.types import dtype_of, is_inexact, shape_of, type_of
from .errors import (
    ClosureError,
    LeakedTracerError,
    NonDifferentiableInputError,
    StructureError,
    TangentMismatchError,
    UnsupportedFunctionError,
)
from .primitives import call
from .primitives.elementwise import convert
from .transforms.homogeneous import check_homogeneous, is_known

__all__ = ["custom_jvp", "custom_vjp"]

Function = Callable[..., Any]


class _Custom:
    """What custom_jvp and custom_vjp have in common: calls with structured arguments, some not differentiated."""

    kind = "custom"

    def __init__(self, fun: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        check_callable(fun, self.kind)
        functools.update_wrapper(self, fun)
        self.fun = fun
        nondiff = positions(nondiff_argnums, self.kind)
        self.nondiff = (nondiff,) if isinstance(nondiff, int) else nondiff

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = positional(self.fun, args, kwargs)
        leaves, call = flat_call(self, args)
        traces = (x.traced_by for x in leaves if isinstance(x, Tracer) and x.traced_by.level)
        trace = max(traces, key=lambda trace: trace.level, default=None)
        if trace is not None:
            with setting(_applying, trace):
                return call.result(self.apply(leaves, call))
        result = adopted(self.fun)(*args)
        if any(isinstance(y, Tracer) and y.traced_by.level > 0 for y in flatten(result)[0]):
            raise closes_over(self)
        return result

    def places_without(self, n: int) -> set[int]:
        """Where among n arguments those without derivative stand."""
        for i in self.nondiff:
            if not -n <= i < n:
                raise StructureError(
                    f"nondiff_argnums of {name_of(self.fun)} names argument {i}; it was called with {n}",
                    why="arguments are counted from 0",
                    write="give the argument, or leave it out of nondiff_argnums",
                )
        return {i % n for i in self.nondiff}

    def apply(self, leaves: Sequence[Any], call: _Call) -> list[Any]:
        """Flat results of the primitive."""
        raise NotImplementedError

    def missing(self, what: str) -> UnsupportedFunctionError:
        """The error for a call before the rule was given."""
        return UnsupportedFunctionError(
            f"{name_of(self.fun)} was declared with {self.kind} and has no rule",
            why="its derivative is what you say it is",
            write=what,
        )


def positional(fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Keyword arguments at their places."""
    if not kwargs:
        return args
    bound = inspect.signature(fun).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise StructureError(
            f"{name_of(fun)} takes the keyword-only arguments {', '.join(bound.kwargs)}",
            why="rules see positional arguments",
            write="make them positional, or close over them with functools.partial",
        )
    return bound.args


# The trace that is applying a rule.
_applying: ContextVar[Trace | None] = ContextVar("wengert_applying", default=None)


class _Call:
    """How a function with a rule is called: the structures of its arguments, and those without derivative.

    Calls that are alike are equal, so that loops with such functions in them are recognised.
    """

    def __init__(self, custom: _Custom, args: tuple[Any, ...], trees: Sequence[Structure]) -> None:
        nondiff = custom.places_without(len(args))
        self.custom, self.trees = custom, tuple(trees)
        self.places = [i for i in range(len(args)) if i not in nondiff]
        self.template = [x if i in nondiff else None for i, x in enumerate(args)]
        self.static = [args[i] for i in sorted(nondiff)]
        self.out_tree: Structure | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Call) or self.custom is not other.custom or self.trees != other.trees:
            return False
        return len(self.static) == len(other.static) and all(map(operator.is_, self.static, other.static))

    def __hash__(self) -> int:
        return hash((id(self.custom), self.trees))

    @property
    def name(self) -> str:
        """The user's name of the function."""
        return name_of(self.custom.fun)

    def leaf_name(self, k: int) -> str:
        """`1['w']`: the argument and the way to the leaf in it."""
        for i, tree in zip(self.places, self.trees, strict=True):
            if k < tree.num_leaves:
                return f"{i}{leaf_path(tree, k)}"
            k -= tree.num_leaves
        raise IndexError(k)

    def split(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Flat leaves as the differentiated arguments."""
        parts, at = [], 0
        for tree in self.trees:
            parts.append(unflatten(tree, leaves[at : at + tree.num_leaves]))
            at += tree.num_leaves
        return tuple(parts)

    def whole(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments, in the order in which the function takes them."""
        args = list(self.template)
        for i, part in zip(self.places, self.split(leaves), strict=True):
            args[i] = part
        return args

    def of_user(self, f: Function, args: Sequence[Any], *inputs: Sequence[Any]) -> Any:
        """Run the user's function or rule on flat inputs. What is traced reaches it through them alone.

        So while it runs, the trace that applies the rule is closed: other values of it raise.
        """
        trace = _applying.get()
        before = trace is not None and trace.alive
        try:
            if trace is not None:
                trace.alive = False
            result = adopted(f)(*args)
        except LeakedTracerError:
            raise closes_over(self.custom) from None
        finally:
            if trace is not None:
                trace.alive = before
        if trace is not None:
            given = max((x.traced_by.level for xs in inputs for x in xs if isinstance(x, Tracer)), default=0)
            known = max(given, trace.level - 1)
            if any(isinstance(y, Tracer) and y.traced_by.level > known for y in flatten(result)[0]):
                raise closes_over(self.custom)
        return result

    def outs(self, result: Any) -> list[Any]:
        """The flat results of a run; their structure is remembered."""
        leaves, self.out_tree = flatten(result)
        return leaves

    def run(self, *leaves: Any) -> list[Any]:
        """The function itself, flat."""
        return self.outs(self.of_user(self.custom.fun, self.whole(leaves), leaves))

    def result(self, leaves: Sequence[Any]) -> Any:
        """Flat results in the structure that the function or its rule returned."""
        assert self.out_tree is not None
        return unflatten(self.out_tree, leaves)


def flat_call(custom: _Custom, args: tuple[Any, ...]) -> tuple[list[Any], _Call]:
    """The leaves of the differentiated arguments, which must be numbers and arrays, and the rest about the call."""
    nondiff = custom.places_without(len(args))
    flat = [flatten(x) for i, x in enumerate(args) if i not in nondiff]
    call = _Call(custom, args, [tree for _, tree in flat])
    leaves = [x for xs, _ in flat for x in xs]
    for k, x in enumerate(leaves):
        if not isinstance(x, Tracer | np.ndarray | np.generic | bool | int | float | complex):
            raise NonDifferentiableInputError(
                f"{call.name} got a {type(x).__name__} as argument {call.leaf_name(k)}",
                why="its rule is given tangents or adjoints of all arguments, which are arrays and numbers",
                write=f"@functools.partial(wg.{custom.kind}, nondiff_argnums=(i,)) for such arguments",
            )
    return leaves, call


def closes_over(custom: _Custom) -> ClosureError:
    """The error for a function with a rule that closes over a traced value."""
    name = name_of(custom.fun)
    return ClosureError(
        f"{name}, which has a {custom.kind} rule, closes over a traced value",
        why="the rule gives derivatives in the arguments only; the derivative in the other value would be lost",
        write=f"pass the value to {name} as an argument, and give it a part in the rule",
    )


# custom_jvp ------------------------------------------------------------------------------------------------------
class custom_jvp(_Custom):
    """A function whose derivative in forward mode you define; reverse mode follows by transposing your rule.

    `@wg.custom_jvp` above the function, then `@f.defjvp` above `rule(primals, tangents) -> (y, y_dot)`: both arguments
    are tuples with one entry an argument of f, tangents in the structure of primals; y_dot must be linear in the
    tangents (NonLinearError; forward mode looks once, where values are known). Or `f.defjvps(d0, d1, ...)` with one
    function `d(x_dot, y, *primals) -> y_dot`, or None, an argument. nondiff_argnums: arguments without derivative,
    which rules get first, before primals and tangents. All transformations work on the result, and higher derivatives
    are those of your rule.

    >>> import numpy as np
    >>> import wengert as wg
    >>> @wg.custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def log1pexp_jvp(primals, tangents):
    ...     (x,), (x_dot,) = primals, tangents
    ...     return log1pexp(x), (1 - 1 / (1 + np.exp(x))) * x_dot
    >>> wg.grad(log1pexp)(0.0)
    np.float64(0.5)
    """

    kind = "custom_jvp"

    def __init__(self, fun: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        super().__init__(fun, nondiff_argnums)
        self.jvp: Function | None = None
        self.checked: set[Any] = set()  # the types at which the rule was found to be linear

    def defjvp(self, jvp: Function, symbolic_zeros: bool = False) -> Function:
        """Give the rule: `jvp(*nondiff, primals, tangents) -> (y, y_dot)`."""
        check_callable(jvp, "defjvp")
        if symbolic_zeros:
            raise UnsupportedFunctionError(
                "defjvp has no symbolic_zeros",
                why="tangents and adjoints that are zero are given to rules as arrays",
                write="leave it out",
            )
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps: Function | None) -> None:
        """Give one rule an argument, `jvp(x_dot, y, *primals) -> y_dot`; None where the derivative is zero."""

        def jvp(*args: Any) -> tuple[Any, Any]:
            *static, primals, tangents = args
            y = self(*self.interleaved(static, primals))
            terms = [d(t, y, *primals) for d, t in zip(jvps, tangents, strict=True) if d is not None]
            if not terms:
                return y, tree_map(lambda v: np.zeros(shape_of(v), dtype_of(v)), y)
            return y, functools.reduce(lambda a, b: tree_map(lambda u, v: u + v, a, b), terms)

        self.jvp = jvp

    def interleaved(self, static: Sequence[Any], primals: Sequence[Any]) -> tuple[Any, ...]:
        """All arguments from those without derivative and the others."""
        n = len(static) + len(primals)
        nondiff = self.places_without(n)
        rest, fixed = iter(primals), iter(static)
        return tuple(next(fixed) if i in nondiff else next(rest) for i in range(n))

    def apply(self, leaves: Sequence[Any], one: _Call) -> list[Any]:
        """The primitive with this call's rule."""
        if self.jvp is None:
            raise self.missing("@f.defjvp above its rule, or f.defjvps(...), before it is called")
        rule = call.JVPRule(one.run, lambda xs, x_dots: self.flat_rule(one, xs, x_dots), one.name, one)
        return call.custom_jvp(*leaves, rule=rule)

    def flat_rule(self, one: _Call, xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The rule on flat primals and tangents, checked."""
        assert self.jvp is not None
        result = one.of_user(self.jvp, (*one.static, one.split(xs), one.split(x_dots)), xs, x_dots)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise StructureError(
                f"the rule of {one.name} returned a {type(result).__name__}, not a pair",
                why="a rule gives the value together with its tangent",
                write="return y, y_dot",
            )
        ys = one.outs(result[0])
        y_dots, tree = flatten(result[1])
        assert one.out_tree is not None
        if tree != one.out_tree:
            raise StructureError(
                f"the rule of {one.name} returned a tangent of structure {describe(tree)} for a result of structure "
                f"{describe(one.out_tree)}",
                why="each tangent belongs to the value at the same place",
                write="return y, y_dot in the same containers",
            )
        names = [f"the tangent of result{leaf_path(tree, k)}" for k in range(len(ys))]
        y_dots = [fitted(d, y, name, one.name) for d, y, name in zip(y_dots, ys, names, strict=True)]
        self.check_linear(one, xs, x_dots, y_dots)
        return ys, y_dots

    def check_linear(self, one: _Call, xs: Sequence[Any], x_dots: Sequence[Any], y_dots: Sequence[Any]) -> None:
        """Looked at once for each of the types of primals. Reverse mode finds by itself what is not linear."""
        types = tuple(map(type_of, xs))
        if types not in self.checked and all(map(is_known, [*xs, *x_dots, *y_dots])):

            def rule(xs: Sequence[Any], x_dots: Sequence[Any]) -> list[Any]:
                assert self.jvp is not None
                return flatten(adopted(self.jvp)(*one.static, one.split(xs), one.split(x_dots))[1])[0]

            check_homogeneous(rule, xs, x_dots, y_dots, one.name)
            self.checked.add(types)


def fitted(t: Any, x: Any, what: str, function: str) -> Any:
    """A tangent or adjoint that a rule returned, in the dtype of its value; None for a discrete one."""
    dtype, shape = dtype_of(x), shape_of(x)
    if t is None or not is_inexact(dtype):
        return None
    number = is_number_like(t)
    if not number or shape_of(t) != shape or (dtype_of(t).kind == "c" and dtype.kind == "f"):
        raise TangentMismatchError(
            f"the rule of {function} returned {what} as {type_of(t) if number else repr(t)}, its value is {type_of(x)}",
            why="a tangent or adjoint has the shape of its value, and is real where it is real",
            write="sum over broadcast axes, or broadcast, so that the shapes agree",
        )
    if dtype_of(t) == dtype and isinstance(t, Tracer | np.ndarray | np.generic):
        return t
    return convert(t, dtype=dtype)


# custom_vjp ------------------------------------------------------------------------------------------------------
class custom_vjp(_Custom):
    """A function whose derivative in reverse mode you define; forward mode follows by transposing your rule.

    `@wg.custom_vjp` above the function, then `f.defvjp(fwd, bwd)`: `fwd(*args) -> (y, residuals)` runs in its place,
    `bwd(residuals, y_bar) -> (x_bar, ...)` returns a tuple with one adjoint an argument, in its structure, or None for
    zero; it must be linear in y_bar. nondiff_argnums: arguments without derivative, which bwd gets first. Higher
    derivatives are those of your rules.

    >>> import numpy as np
    >>> import wengert as wg
    >>> @wg.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, y_bar: (np.clip(y_bar, -1, 1),))
    >>> wg.grad(lambda x: clipped(x) * 10)(1.0)
    np.float64(1.0)
    """

    kind = "custom_vjp"

    def __init__(self, fun: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        super().__init__(fun, nondiff_argnums)
        self.fwd: Function | None = None
        self.bwd: Function | None = None

    def defvjp(self, fwd: Function, bwd: Function, symbolic_zeros: bool = False, optimize_remat: bool = False) -> None:
        """Give the rule: `fwd(*args) -> (y, residuals)` and `bwd(*nondiff, residuals, y_bar) -> (x_bar, ...)`."""
        check_callable(fwd, "defvjp")
        check_callable(bwd, "defvjp")
        if symbolic_zeros:
            raise UnsupportedFunctionError(
                "defvjp has no symbolic_zeros",
                why="tangents and adjoints that are zero are given to rules as arrays",
                write="leave it out",
            )
        self.fwd, self.bwd = fwd, bwd

    def apply(self, leaves: Sequence[Any], one: _Call) -> list[Any]:
        """The primitive with this call's rule."""
        if self.fwd is None:
            raise self.missing("f.defvjp(fwd, bwd) before it is called")
        rule = call.VJPRule(
            one.run,
            lambda *xs: self.flat_fwd(one, xs),
            lambda static, residuals, y_bars: self.flat_bwd(one, static, residuals, y_bars),
            one.name,
            one,
        )
        return call.custom_vjp(*leaves, rule=rule)

    def flat_fwd(self, one: _Call, xs: Sequence[Any]) -> tuple[list[Any], list[Any], Any]:
        """fwd on flat arguments: results, arrays among the residuals, and all else about them."""
        assert self.fwd is not None
        result = one.of_user(self.fwd, one.whole(xs), xs)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise StructureError(
                f"fwd of {one.name} returned a {type(result).__name__}, not a pair",
                why="fwd gives the value, and what bwd needs of it",
                write="return y, residuals (residuals may be None)",
            )
        ys = one.outs(result[0])
        leaves, tree = flatten(result[1])
        saved = [x for x in leaves if is_array(x)]
        others = tuple(_SAVED if is_array(x) else x for x in leaves)
        return ys, saved, (tree, others, one.out_tree, tuple(type_of(x) for x in xs))

    def flat_bwd(self, one: _Call, static: Any, residuals: Sequence[Any], y_bars: Sequence[Any]) -> list[Any]:
        """bwd on flat residuals and adjoints, checked."""
        assert self.bwd is not None
        tree, others, out_tree, in_types = static
        saved = iter(residuals)
        kept = unflatten(tree, [next(saved) if x is _SAVED else x for x in others])
        given = (*one.static, kept, unflatten(out_tree, y_bars))
        x_bars = one.of_user(self.bwd, given, residuals, y_bars)
        if not isinstance(x_bars, tuple | list) or len(x_bars) != len(one.trees):
            found = f"{len(x_bars)} adjoints" if isinstance(x_bars, tuple | list) else f"a {type(x_bars).__name__}"
            raise StructureError(
                f"bwd of {one.name} returned {found} for {len(one.trees)} arguments",
                why="each differentiated argument has an adjoint",
                write="return a tuple with one entry an argument, None for zero; (x_bar,) for a single one",
            )
        flat: list[Any] = []
        for i, arg_tree, x_bar in zip(one.places, one.trees, x_bars, strict=True):
            flat += adjoint_leaves(arg_tree, x_bar, f"argument {i} of {one.name}")
        names = [f"the adjoint of argument {one.leaf_name(k)}" for k in range(len(flat))]
        return [fitted(b, t, name, one.name) for b, t, name in zip(flat, in_types, names, strict=True)]


_SAVED = object()  # in the place of an array among residuals


def adjoint_leaves(tree: Structure, x_bar: Any, what: str) -> list[Any]:
    """The leaves of an adjoint in the structure of its argument; None, for the whole or a leaf, is zero."""
    if x_bar is None:
        return [None] * tree.num_leaves
    leaves, found = flatten(x_bar)
    if found == tree:
        return leaves
    raise StructureError(
        f"bwd returned an adjoint of structure {describe(found)} for {what}, which has the structure {describe(tree)}",
        why="each leaf of an argument has its adjoint at the same place",
        write="return the adjoint in the containers of the argument, or None for zero",
    )
