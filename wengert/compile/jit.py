"""wg.jit: a function whose calls run as machine code, compiled when a combination of types is first met."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.call import check_callable, is_number_like, name_of
from ..core.dataflow import closed
from ..core.program import Program
from ..core.record import record
from ..core.trace import Tracer, tracing
from ..core.tree import LEAF, Structure, flatten, unflatten
from ..core.types import type_of
from ..errors import StructureError
from ..primitives.program_call import jit as jit_call
from ..python import adopt
from .native import Native, argument

Function = Callable[..., Any]


class Compiled:
    """A function for one combination of structures, types and static values: its program, and machine code."""

    def __init__(
        self, fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any], tree: Structure, leaves: Any
    ) -> None:
        self.fun, self.tree = fun, tree
        self.dynamic = [is_traced(x) for x in leaves]
        self.static = [None if on else x for x, on in zip(leaves, self.dynamic, strict=True)]
        self.out_tree: Structure = LEAF
        types = [type_of(x) for x, on in zip(leaves, self.dynamic, strict=True) if on]
        self.program = record(self.flat, types, name=name_of(fun), owner=fun)
        self.lock = threading.Lock()
        self.made: Native | None = None

    def flat(self, *tracers: Any) -> list[Any]:
        """The user's function on flat arguments."""
        given = iter(tracers)
        leaves = [next(given) if on else x for x, on in zip(self.static, self.dynamic, strict=True)]
        args, kwargs = unflatten(self.tree, leaves)
        outs, self.out_tree = flatten(self.fun(*args, **kwargs))
        for y in outs:
            if not is_number_like(y):
                raise StructureError(
                    f"{name_of(self.fun)} returned a {type(y).__name__} under jit",
                    why="its results are arrays and numbers, and structures (dict, list, tuple, dataclass) of them",
                    write="return arrays; keep other objects outside the function",
                )
        return outs

    @property
    def native(self) -> Native:
        """The machine code, made when first needed, by one thread."""
        if self.made is None:
            with self.lock:
                if self.made is None:
                    self.made = Native(self.program)
        return self.made

    @property
    def closes_over_tracers(self) -> bool:
        """Does the program hold values of a transformation that is running?"""
        return any(isinstance(x, Tracer) for _, x in self.program.constants)


def is_traced(x: Any) -> bool:
    """Is this leaf of the arguments data, rather than a static value (a string, a boolean, a function ...)?"""
    return is_number_like(x) and type(x) is not bool


def kind_of(x: Any) -> Any:
    """What a leaf contributes to the key under which compiled code is found."""
    if type(x) is np.ndarray:
        return x.shape, x.dtype
    if not is_traced(x):
        return type(x), x
    t = type_of(x)
    return t.shape, t.dtype, t.weak


class Jit:
    """A function that compiles itself: see `jit`."""

    def __init__(self, fun: Function, static_argnums: tuple[int, ...], static_argnames: tuple[str, ...]) -> None:
        functools.update_wrapper(self, fun, updated=())
        self.fun, self.static_argnums, self.static_argnames = fun, static_argnums, static_argnames
        self.known: dict[Any, Compiled] = {}
        self.fast: dict[Any, Any] = {}
        self.lock = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            try:
                run = self.fast[tuple([(x.shape, x.dtype) if type(x) is np.ndarray else type(x) for x in args])]
            except (KeyError, TypeError):
                pass
            else:
                return run(*args)
        return self.slowly(args, kwargs)

    def slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call whose types, structures or static values need a closer look."""
        compiled, leaves = self.compiled(args, kwargs)
        values = [x for x, on in zip(leaves, compiled.dynamic, strict=True) if on]
        if any(isinstance(x, Tracer) for x in values) or compiled.closes_over_tracers or tracing():
            return self.inside(compiled, values)
        program = compiled.program
        given = map(argument, values, program.in_types)
        result = unflatten(compiled.out_tree, compiled.native.run(*given))
        self.remember(args, kwargs, compiled)
        return result

    def remember(self, args: tuple[Any, ...], kwargs: dict[str, Any], compiled: Compiled) -> None:
        """The next call with arrays of these types need not look at structures."""
        plain = not kwargs and not self.static_argnums and all(type(x) in (np.ndarray, float) for x in args)
        if plain and all(x.dtype.isnative for x in args if type(x) is np.ndarray):
            key = tuple((x.shape, x.dtype) if type(x) is np.ndarray else type(x) for x in args)
            run, tree = compiled.native.run, compiled.out_tree
            if tree == LEAF:
                self.fast[key] = lambda *xs: run(*xs)[0]
            else:
                self.fast[key] = lambda *xs: unflatten(tree, run(*xs))

    def inside(self, compiled: Compiled, values: Sequence[Any]) -> Any:
        """A call inside a transformation: one equation, whose derivatives are compiled too."""
        program, constants = closed(compiled.program)
        return unflatten(compiled.out_tree, jit_call(*constants, *values, program=program))

    def compiled(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Compiled, list[Any]]:
        """What was compiled for these arguments, and their leaves."""
        args = tuple(Static(x) if k in self.static_argnums else x for k, x in enumerate(args))
        kwargs = {k: Static(x) if k in self.static_argnames else x for k, x in kwargs.items()}
        leaves, tree = flatten((args, kwargs))
        try:
            key = tree, tuple(map(kind_of, leaves))
            found = self.known.get(key)
        except TypeError:
            raise not_hashable(self.fun, leaves) from None
        if found is None:
            with self.lock:
                found = self.known.get(key)
                if found is None:
                    found = Compiled(self.bare, args, kwargs, tree, leaves)
                    if not found.closes_over_tracers:
                        self.known[key] = found
        return found, leaves

    def bare(self, *args: Any, **kwargs: Any) -> Any:
        """The user's function, with static arguments as they were given."""
        args = tuple(x.value if isinstance(x, Static) else x for x in args)
        kwargs = {k: x.value if isinstance(x, Static) else x for k, x in kwargs.items()}
        return adopt(self.fun)(*args, **kwargs)

    # looking inside
    def program(self, *args: Any, **kwargs: Any) -> Program:
        """The program that is compiled for these arguments."""
        return self.compiled(args, kwargs)[0].program

    def loops(self, *args: Any, **kwargs: Any) -> str:
        """The loops that it becomes, and where its arrays live."""
        return self.compiled(args, kwargs)[0].native.stages.loops()

    def llvm(self, *args: Any, **kwargs: Any) -> str:
        """LLVM's text before optimisation."""
        return self.compiled(args, kwargs)[0].native.text


class Static:
    """An argument that is not data: a leaf that is compared by value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and type(self.value) is type(other.value) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)


def not_hashable(fun: Function, leaves: Sequence[Any]) -> StructureError:
    """The error for a static argument that cannot be compared."""
    kinds = sorted({type(x).__name__ for x in leaves if not is_traced(x) and not hashable(x)})
    return StructureError(
        f"jit got an argument of {name_of(fun)} that is neither data nor hashable: {', '.join(kinds)}",
        why="compiled code is kept for each value of a static argument, which must be found again by its value",
        write="pass arrays, numbers and structures of them as data, and hashable objects otherwise",
    )


def hashable(x: Any) -> bool:
    """Can it be a key?"""
    try:
        hash(x)
    except TypeError:
        return False
    return True


def jit(fun: Function, *, static_argnums: int | Sequence[int] = (), static_argnames: str | Sequence[str] = ()) -> Jit:
    """The same function as machine code: compiled for each combination of types, when it is first called with it.

    Law: `jit(f)(x) = f(x)`, to rounding. Arguments are arrays, numbers, and structures of them; strings, booleans,
    functions and other objects are static: code is compiled for each of their values, as it is for the arguments that
    static_argnums and static_argnames name. It composes with every transformation, in any order.

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = wg.jit(wg.grad(lambda x: np.sum(np.sin(x) ** 2)))
    >>> f(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    """
    check_callable(fun, "jit")
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    return Jit(fun, numbers, names)
