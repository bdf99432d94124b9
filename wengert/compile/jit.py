"""wg.jit: a function whose calls run as machine code, compiled when a combination of types is first met."""

from __future__ import annotations

import functools
import importlib
import operator
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.call import called_clearly, check_callable, flat_results, is_number_like, name_of
from ..core.dataflow import closed
from ..core.program import Program
from ..core.record import record
from ..core.trace import Tracer, tracing
from ..core.tree import LEAF, Structure, flatten, leaf_path, unflatten
from ..core.types import ArrayType, type_of
from ..errors import StructureError
from ..primitives.program_call import jit as jit_call
from ..python import adopt
from .machine.callers import OTHER_TYPES, Call, Static, caller_like
from .machine.entry import builtin
from .machine.llvm import assembly, prepare
from .memory import Memory
from .native import Native, argument
from .report import Report
from .stages import Stages, without_collections
from .statics import static_arguments

Function = Callable[..., Any]

CALLERS = 8  # for one number of arguments: more combinations of types than these are found by a longer way


class Compiled:
    """A function for one combination of structures, types and static values: its program, and machine code."""

    def __init__(self, fun: Function, call: Call) -> None:
        self.fun, self.tree = fun, call.tree
        self.traced = [is_traced(x) for x in call.leaves]
        self.static = [None if on else x for x, on in zip(call.leaves, self.traced, strict=True)]
        self.leaf_numbers = [k for k, on in enumerate(self.traced) if on]
        self.out_tree: Structure = LEAF
        types = [type_of(x) for x, on in zip(call.leaves, self.traced, strict=True) if on]
        start = time.perf_counter()
        with without_collections():
            self.program = record(self.flat, types, name=name_of(fun), owner=fun)
        self.recorded_in = time.perf_counter() - start
        self.lock = threading.RLock()
        self._stages: Stages | None = None
        self._native: Native | None = None

    def flat(self, *tracers: Any) -> list[Any]:
        """The user's function on flat arguments."""
        given = iter(tracers)
        leaves = [next(given) if on else x for x, on in zip(self.static, self.traced, strict=True)]
        args, kwargs = unflatten(self.tree, leaves)
        args = tuple(x.value if isinstance(x, Static) else x for x in args)
        kwargs = {k: x.value if isinstance(x, Static) else x for k, x in kwargs.items()}
        outs, self.out_tree = flat_results(called_clearly(adopt(self.fun), args, kwargs), self.fun, "jit")
        return outs

    @property
    def stages(self) -> Stages:
        """The program on its way to machine code, as far as it can be followed without LLVM."""
        with self.lock:
            if self._stages is None:
                self._stages = Stages(self.program)
                self._stages.seconds = {"record": self.recorded_in, **self._stages.seconds}
            return self._stages

    @property
    def native(self) -> Native:
        """The machine code, made when first needed, by one thread."""
        with self.lock:
            if self._native is None:
                self._native = Native(self.stages)
            return self._native

    @property
    def closes_over_tracers(self) -> bool:
        """Does the program hold values of a transformation that is running?"""
        return any(isinstance(x, Tracer) for _, x in self.program.constants)


def is_traced(x: Any) -> bool:
    """Is this leaf of the arguments data, rather than a static value (a string, a boolean, a function ...)?"""
    return is_number_like(x) and type(x) is not bool


def kind_of(x: Any) -> Any:
    """What a leaf contributes to the key under which compiled code is found."""
    if not is_traced(x):
        return type(x), x
    t = type_of(x)
    return t.shape, t.dtype, t.weak


class Jit:
    """A function that compiles itself: see `jit`.

    known: what was compiled, by structure, types and static values. fast: callers of it, the latest first, by the
    number of arguments and the names of keywords.
    """

    def __init__(self, fun: Function, static_argnums: tuple[int, ...], static_argnames: tuple[str, ...]) -> None:
        functools.update_wrapper(self, fun, updated=())
        self.fun, self.static_argnums, self.static_argnames = fun, static_argnums, static_argnames
        prepare(builtin)
        self.known: dict[Any, Compiled] = {}
        self.fast: dict[Any, tuple[Callable[..., Any], ...]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        key: Any = (len(args), *kwargs) if kwargs else len(args)
        callers = self.fast.get(key, ())
        for call in callers:
            result = call(*args, *kwargs.values()) if kwargs else call(*args)
            if result is not OTHER_TYPES:
                if call is not callers[0]:
                    self.fast[key] = (call, *(c for c in callers if c is not call))
                return result
        return self.slowly(args, kwargs)

    def slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call whose types, structures or static values need a closer look."""
        call = self.called(args, kwargs)
        with without_collections():  # nor between two stages
            compiled = self.compiled(call)
            values = [x for x, on in zip(call.leaves, compiled.traced, strict=True) if on]
            if any(isinstance(x, Tracer) for x in values) or compiled.closes_over_tracers or tracing():
                return self.inside(compiled, values)
            native = compiled.native
        arguments = [self.argument(x, k, compiled) for k, x in enumerate(values)]
        result = unflatten(compiled.out_tree, native.run(*arguments))
        self.remember(call, compiled)
        return result

    def argument(self, x: Any, k: int, compiled: Compiled) -> Any:
        """Argument k as native code takes it."""
        if isinstance(x, ArrayType):
            raise StructureError(
                f"{name_of(self)} was called with a type, {x}, as {path(compiled.tree, compiled.leaf_numbers[k])}",
                why="a call needs values; types are enough to look at what is compiled",
                write="f.program(t), f.report(t), f.memory(t) with types; f(x) with arrays and numbers",
            )
        t = compiled.program.in_types[k]
        try:
            return argument(x, t)
        except OverflowError:
            raise StructureError(
                f"{path(compiled.tree, compiled.leaf_numbers[k])} of {name_of(self)} is {x}",
                why=f"native code computes with {t.dtype} here, which does not hold it",
                write="a float, or smaller numbers",
            ) from None

    def remember(self, call: Call, compiled: Compiled) -> None:
        """The next call with arguments like these takes a shorter way."""
        caller = caller_like(compiled.native, call, compiled.traced, compiled.out_tree)
        if caller is not None:
            key: Any = (len(call.args), *call.kwargs) if call.kwargs else len(call.args)
            self.fast[key] = (caller, *self.fast.get(key, ()))[:CALLERS]

    def inside(self, compiled: Compiled, values: Sequence[Any]) -> Any:
        """A call inside a transformation: one equation, whose derivatives are compiled too."""
        program, constants = closed(compiled.program)
        return unflatten(compiled.out_tree, jit_call(*constants, *values, program=program))

    def called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """A call's leaves and structure."""
        if self.static_argnums:
            numbers = {k % len(args) if -len(args) <= k < len(args) else k for k in self.static_argnums}
            args = tuple(Static(x) if k in numbers else x for k, x in enumerate(args))
        if self.static_argnames:
            kwargs = {k: Static(x) if k in self.static_argnames else x for k, x in kwargs.items()}
        return Call(args, kwargs, *flatten((args, kwargs)))

    def compiled(self, call: Call) -> Compiled:
        """What was compiled for a call. Where two threads ask for it at once, both record and one is taken."""
        try:
            key = call.tree, tuple(map(kind_of, call.leaves))
            found = self.known.get(key)
        except TypeError:
            raise not_hashable(self.fun, call) from None
        if found is None:
            found = Compiled(self.fun, call)
            if not found.closes_over_tracers:
                found = self.known.setdefault(key, found)
        return found

    # as a method, and copied
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else Bound(self, instance)

    def __reduce__(self) -> Any:
        name = vars(self).get("__qualname__", "")
        try:
            found = operator.attrgetter(name)(importlib.import_module(self.__module__))
        except (ImportError, AttributeError):
            found = None
        if found is self:
            return name
        return Jit, (self.fun, self.static_argnums, self.static_argnames)

    def __copy__(self) -> Jit:
        return self

    def __deepcopy__(self, memo: Any) -> Jit:
        return self

    def __repr__(self) -> str:
        kinds = len(self.known)
        return f"<wg.jit of {name_of(self)}, compiled for {kinds} combination{'s' * (kinds != 1)} of types>"

    # looking inside
    def look(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Compiled:
        """What belongs to these arguments, which may be types."""
        return self.compiled(self.called(args, kwargs))

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """The program that is compiled for these arguments (arrays, or their wg.ArrayType), before it is simplified."""
        return self.look(args, kwargs).program

    def loops(self, *args: Any, **kwargs: Any) -> str:
        """The loops that it becomes, and where its arrays live."""
        return self.look(args, kwargs).stages.loops()

    def llvm(self, *args: Any, **kwargs: Any) -> str:
        """LLVM's text before optimisation."""
        return self.look(args, kwargs).stages.text()

    def assembly(self, *args: Any, **kwargs: Any) -> str:
        """The instructions for this CPU."""
        return assembly(self.look(args, kwargs).stages.text())

    def memory(self, *args: Any, **kwargs: Any) -> Memory:
        """The bytes that a call takes, known before any call: a number, the peak, that prints as a table."""
        return Memory.of(self.look(args, kwargs).stages)

    def report(self, *args: Any, **kwargs: Any) -> Report:
        """Loops, calls, operations, bytes, what is saved and what computed again, and how long it took to compile."""
        found = self.look(args, kwargs)
        return Report(found.program, found.stages, found.native.cached)


class Bound:
    """A compiled function as a method of an object, which is its first argument."""

    __slots__ = ("__func__", "__self__")

    def __init__(self, function: Jit, instance: Any) -> None:
        self.__func__, self.__self__ = function, instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__func__, name)
        if name in ("program", "loops", "llvm", "assembly", "memory", "report"):
            return functools.partial(found, self.__self__)
        return found

    def __repr__(self) -> str:
        return f"<bound {self.__func__!r} of {self.__self__!r}>"


def not_hashable(fun: Function, call: Call) -> StructureError:
    """The error for an argument that is neither data nor can be compared."""
    k = next(k for k, x in enumerate(call.leaves) if not is_traced(x) and not hashable(x))
    x = call.leaves[k]
    kind = f"{type(x).__module__}.{type(x).__name__}" + (f" of {x.dtype}" if isinstance(x, np.ndarray) else "")
    return StructureError(
        f"jit got a {kind} as {path(call.tree, k)} of {name_of(fun)}",
        why="arguments are data (arrays of numbers, numbers, structures of them) or, where they are not, static: code "
        "is kept for each value of a static argument, which must be found again by its hash",
        write="convert it with np.asarray(x, dtype=float), or pass something hashable",
    )


def path(tree: Structure, k: int) -> str:
    """How a leaf of (args, kwargs) is reached: `argument 0['w']`, `argument n`."""
    which, where, rest = re.fullmatch(r"\[(\d)\]\[('?\w+'?)\](.*)", leaf_path(tree, k)).groups()  # type: ignore[union-attr]
    return f"argument {where}{rest}" if which == "0" else f"argument {where.strip(chr(39))}{rest}"


def hashable(x: Any) -> bool:
    """Can it be a key?"""
    try:
        hash(x)
    except TypeError:
        return False
    return True


def jit(
    fun: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
) -> Any:
    """The same function as machine code: compiled for each combination of types, when it is first called with it.

    Law: `jit(f)(x) = f(x)`, to rounding. Arguments are arrays, numbers, and structures of them; strings, booleans,
    functions and other objects are static: code is compiled for each of their values, as it is for the arguments that
    static_argnums and static_argnames name. What f reads from elsewhere (global arrays, attributes of objects) is read
    when it is compiled. It composes with every transformation, in any order, and as a decorator, `@wg.jit` or
    `@wg.jit(static_argnums=1)`, also of methods.

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = wg.jit(wg.grad(lambda x: np.sum(np.sin(x) ** 2)))
    >>> f(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    """
    if fun is None:
        return functools.partial(jit, static_argnums=static_argnums, static_argnames=static_argnames)
    check_callable(fun, "jit")
    return Jit(fun, *static_arguments(fun, static_argnums, static_argnames))
