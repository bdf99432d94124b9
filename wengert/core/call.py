"""A call of the user's function with structured data: flat for the transformations, checked, with our errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from operator import index
from typing import Any

import numpy as np

from ..errors import (
    NonDifferentiableInputError,
    StructureError,
    TangentMismatchError,
    clearer,
    user_source,
)
from .provided import provided
from .trace import Tracer, settled
from .tree import LEAF, Structure, flatten, flatten_like, leaf_path, unflatten
from .types import ArrayType, dtype_of, is_inexact, shape_of, type_of

Function = Callable[..., Any]
Argnums = int | Sequence[int]

# Does Python's control flow become part of what is recorded? Set while an adopted function runs: python/adoption.py.
adopting: ContextVar[bool] = ContextVar("wengert_adopting", default=False)


def adopted(fun: Function) -> Function:
    """The user's function as a transformation runs it: adopted, where it is called by an adopted function."""
    return provided("adopt")(fun) if adopting.get() else fun


def called_clearly(fun: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What the user's function returns; an error of another library that we can say more clearly becomes ours."""
    try:
        return fun(*args, **kwargs)
    except Exception as error:
        ours = clearer(error)
        if ours is None:
            raise
        raise ours.with_traceback(error.__traceback__) from None


def flat_results(found: Any, fun: Function, under: str) -> tuple[list[Any], Structure]:
    """The leaves of what fun returned, each an array or a number, and their structure."""
    outs, tree = flatten(found)
    for y in outs:
        if not is_number_like(y):
            raise StructureError(
                f"{name_of(fun)} returned a {type(y).__name__} under {under}",
                why="its results are arrays and numbers, and structures (dict, list, tuple, dataclass) of them",
                write="return arrays; keep other objects outside the function",
            )
    return outs, tree


FLOAT0 = np.dtype([("float0", np.void, 0)])  # the dtype of a derivative in a discrete argument, as in JAX


class Call:
    """A call of the user's function: which leaves of its arguments are followed, and how to put results together.

    It is itself the flat function: `call(*leaves)` puts the leaves in place, runs the user's function, and returns
    the flat result, remembering its structure and the auxiliary output.
    """

    __slots__ = (
        "argnums",
        "args",
        "aux",
        "fun",
        "has_aux",
        "kwargs",
        "leaves",
        "mapped",
        "out_tree",
        "trees",
    )

    def __init__(
        self,
        fun: Function,
        argnums: Argnums,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        has_aux: bool,
        mapped_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.fun, self.args, self.kwargs, self.has_aux = adopted(fun), args, kwargs, has_aux
        self.argnums, self.mapped = argnums, mapped_kwargs
        self.aux: Any = None
        self.out_tree: Structure | None = None
        self.trees: list[tuple[int, Structure, int]] = []
        self.leaves: list[Any] = []
        for i in (argnums,) if isinstance(argnums, int) else argnums:
            if not -len(args) <= i < len(args):
                raise StructureError(
                    f"argnums={argnums} names argument {i}; {name_of(fun)} was called with {len(args)} positional ones",
                    why="only positional arguments are differentiated",
                    write="pass the argument by position",
                    where=self.source,
                )
            leaves, tree = flatten(args[i])
            self.trees.append((i % len(args), tree, len(leaves)))
            self.leaves += leaves
        if not isinstance(argnums, int) and len({i for i, _, _ in self.trees}) < len(argnums):
            raise StructureError(
                f"argnums={argnums} names an argument of {name_of(fun)} twice",
                why="each argument has one gradient",
                write="argnums with different positions",
                where=self.source,
            )
        if mapped_kwargs:
            leaves, tree = flatten(mapped_kwargs)
            self.trees.append((-1, tree, len(leaves)))
            self.leaves += leaves

    @property
    def source(self) -> Any:
        """The user's line that is calling, while it is."""
        return user_source(2)

    def __call__(self, *leaves: Any) -> list[Any]:
        kwargs = self.kwargs
        parts = self.split(leaves)
        if self.mapped:
            kwargs = parts.pop()
        args = list(self.args)
        for (i, _, _), part in zip(self.trees, parts, strict=False):
            args[i] = part
        out = called_clearly(self.fun, args, kwargs)
        if self.has_aux:
            out, self.aux = self._split_aux(out)
        outs, self.out_tree = flatten(out)
        return outs

    def split(self, leaves: Sequence[Any]) -> list[Any]:
        """Flat leaves as one structure for each differentiated argument."""
        if len(self.trees) == 1:
            return [unflatten(self.trees[0][1], leaves)]
        parts, at = [], 0
        for _, tree, n in self.trees:
            parts.append(unflatten(tree, leaves[at : at + n]))
            at += n
        return parts

    def rebuild(self, leaves: Sequence[Any]) -> Any:
        """Adjoints in the structure of the differentiated arguments: bare for an int argnums, else a tuple."""
        parts = self.split(leaves)
        return parts[0] if isinstance(self.argnums, int) else tuple(parts)

    def result(self, leaves: Sequence[Any]) -> Any:
        """Flat results in the structure that the function returned."""
        assert self.out_tree is not None
        return unflatten(self.out_tree, leaves)

    def _split_aux(self, out: Any) -> tuple[Any, Any]:
        if not isinstance(out, tuple) or len(out) != 2:
            raise StructureError(
                f"{name_of(self.fun)} was differentiated with has_aux=True but did not return a pair",
                why="has_aux=True expects (value, auxiliary)",
                write="return value, aux",
                where=self.source,
            )
        return out[0], self._lower(out[1])

    def _lower(self, aux: Any) -> Any:
        """Auxiliary results leave the trace as plain values."""
        leaves, tree = flatten(aux)
        leaves = [settled(x) for x in leaves]
        return unflatten(
            tree, [settled(x.value) if isinstance(x, Tracer) and x.traced_by.level > self._floor else x for x in leaves]
        )

    @property
    def _floor(self) -> int:
        """The level of the outermost tracers that were passed in: what lies above was opened by this call."""
        return max((x.traced_by.level for x in self.leaves if isinstance(x, Tracer)), default=0)

    def leaf_name(self, k: int) -> str:
        """'argument 0', or 'argument 0, leaf 2' where it is a structure."""
        for i, tree, n in self.trees:
            if k < n:
                where = "keyword arguments" if i == -1 and self.mapped else f"argument {i}"
                return where if tree == LEAF else f"leaf {leaf_path(tree, k)} of {where}"
            k -= n
        raise IndexError(k)

    def check_arrays(self, transformation: str) -> None:
        """Every leaf must be an array or a number."""
        for k, x in enumerate(self.leaves):
            if not is_number_like(x):
                raise not_an_array(self, k, transformation)

    def check_results(self, transformation: str, values: Sequence[Any]) -> None:
        """Every result must be an array or a number."""
        for y in values:
            if not is_number_like(y):
                raise StructureError(
                    f"{name_of(self.fun)} returned a {type(y).__name__} under {transformation}",
                    why="results are NumPy arrays and numbers, and structures (dict, list, tuple, dataclass) of them",
                    write="return arrays; with has_aux=True a second result may be anything",
                    where=self.source,
                )

    def check_holomorphic(self, transformation: str) -> None:
        """Every leaf must be complex."""
        for k, x in enumerate(self.leaves):
            if dtype_of(x).kind != "c":
                raise NonDifferentiableInputError(
                    f"{transformation} with holomorphic=True needs complex inputs, but {self.leaf_name(k)} of "
                    f"{name_of(self.fun)} is {type_of(x)}",
                    why="a holomorphic function has a complex derivative in a complex argument",
                    write="pass complex(x) or x.astype(complex), or leave holomorphic=True out",
                    where=self.source,
                )

    def check_inputs(self, transformation: str, allow_int: bool) -> None:
        """Every leaf must have a derivative."""
        for i, _, n in self.trees:
            if n == 0 and self.args[i] is None:
                raise NonDifferentiableInputError(
                    f"{transformation} got None as argument {i} of {name_of(self.fun)}",
                    why="None is a structure without leaves: there is nothing to differentiate",
                    write="pass an array or a number, or leave the argument out of argnums",
                    where=self.source,
                )
        for k, x in enumerate(self.leaves):
            kind = type(x)
            if kind is float or (kind is np.ndarray and x.dtype.kind == "f"):
                continue
            if not is_number_like(x):
                raise not_an_array(self, k, transformation)
            if not is_inexact(dtype_of(x)) and not allow_int:
                raise NonDifferentiableInputError(
                    f"{transformation} needs floating-point inputs, but {self.leaf_name(k)} of {name_of(self.fun)} is "
                    f"{type_of(x)}",
                    why="integers and booleans are discrete: there is no derivative in them",
                    write="pass floats (3.0 instead of 3, x.astype(float)), or leave the argument out of argnums",
                    where=self.source,
                )


def positions(argnums: Any, transformation: str) -> Argnums:
    """argnums as an int or a tuple of ints."""
    try:
        return index(argnums) if np.ndim(argnums) == 0 else tuple(index(i) for i in argnums)
    except TypeError:
        raise StructureError(
            f"{transformation} got argnums={argnums!r}, which is not an int or a sequence of ints",
            why="arguments are named by their position, counted from 0",
            write="argnums=0, or argnums=(0, 2)",
        ) from None


def is_number_like(x: Any) -> bool:
    """A plain array, a NumPy scalar, a Python number, a tracer, or a type standing for one."""
    if isinstance(x, Tracer | ArrayType | bool | int | float | complex):
        return True
    return (type(x) in (np.ndarray, np.memmap) and x.dtype.kind in "fciub") or isinstance(x, np.number | np.bool_)


def not_an_array(call: Call, k: int, transformation: str) -> NonDifferentiableInputError:
    x = call.leaves[k]
    kind = f"{type(x).__module__}.{type(x).__name__}" + (f" of {x.dtype}" if isinstance(x, np.ndarray) else "")
    return NonDifferentiableInputError(
        f"{transformation} got a {kind} as {call.leaf_name(k)} of {name_of(call.fun)}",
        why="values are NumPy arrays and numbers, and structures of them (dict, list, tuple, dataclass, registered)",
        write="convert it with np.asarray(x, dtype=float), register the class with wg.register_structure, or leave the "
        "argument out of argnums",
        where=call.source,
    )


def tangent_leaves(call: Call, tangents: tuple[Any, ...]) -> list[Any]:
    """Leaves of the tangents, checked against the primals; None for a zero tangent of a discrete value."""
    if len(tangents) != len(call.trees):
        raise StructureError(
            f"{name_of(call.fun)} has {len(call.trees)} primals and {len(tangents)} tangents",
            why="each argument moves along a tangent of its own",
            write="one tangent for each primal",
            where=call.source,
        )
    found: list[Any] = []
    for (i, tree, n), tangent in zip(call.trees, tangents, strict=True):
        if tangent is None:
            found += [None] * n
        else:
            found += flatten_like(tree, tangent, f"tangent {i}")
    return [check_tangent(t, x, "tangent", k, call) for k, (t, x) in enumerate(zip(found, call.leaves, strict=True))]


def check_tangent(t: Any, x: Any, what: str, k: int, call: Call) -> Any:
    """A tangent or adjoint in the primal's dtype; TangentMismatchError where it does not fit."""
    if t is None:
        return None
    primal = type_of(x)
    if not is_inexact(primal.dtype):
        if dtype_of(t) == FLOAT0 or (shape_of(t) == primal.shape and not np.any(t)):
            return None
        reason = "a discrete value has no tangent but zero"
    elif not is_number_like(t):
        reason = f"found a {type(t).__name__}"
    elif shape_of(t) != primal.shape:
        reason = f"it has shape {shape_of(t)}"
    elif not np.can_cast(dtype_of(t), primal.dtype, "same_kind"):
        reason = f"it has dtype {dtype_of(t)}"
    else:
        return t if dtype_of(t) == primal.dtype else _cast(t, primal.dtype)
    of = "value" if what == "adjoint" else "primal"
    raise TangentMismatchError(
        f"{what} {k} of {name_of(call.fun)} does not fit its {of} {primal}: {reason}",
        why=f"the {what} of a value has its shape and dtype",
        write=f"np.asarray({what}, dtype=x.dtype).reshape(x.shape)"
        + (", or None for a zero tangent" if what == "tangent" else ""),
        where=call.source,
    )


def _cast(t: Any, dtype: np.dtype[Any]) -> Any:
    return t.astype(dtype) if hasattr(t, "astype") else dtype.type(t)


def check_callable(fun: Any, transformation: str) -> None:
    if not callable(fun):
        raise StructureError(
            f"{transformation} takes a function, got a {type(fun).__name__}",
            why="the function itself is transformed, not its result",
            write=f"wg.{transformation}(f)(x) rather than wg.{transformation}(f(x))",
        )


def check_sequences(primals: Any, tangents: Any, transformation: str) -> None:
    """Primals and tangents must be given in tuples."""
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise StructureError(
            f"{transformation} takes the primals and the tangents as tuples, one entry an argument",
            why=f"it got a {type(primals).__name__} and a {type(tangents).__name__}",
            write=f"wg.{transformation}(f, (x, y), (x_dot, y_dot)), with tuples (x,), (x_dot,) for one argument",
        )


def name_of(fun: Any) -> str:
    return getattr(fun, "__name__", None) or type(fun).__name__


def named(transformation: str, fun: Function) -> Callable[[Function], Function]:
    """Name the transformed function after the user's, and keep its documentation."""

    def decorate(wrapper: Function) -> Function:
        functools.update_wrapper(wrapper, fun, assigned=("__module__", "__doc__"), updated=())
        wrapper.__name__ = wrapper.__qualname__ = f"{transformation}({name_of(fun)})"
        return wrapper

    return decorate
