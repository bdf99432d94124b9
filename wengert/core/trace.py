"""Traces and tracers: a transformation in progress, and the values that it follows.

Each transformation that runs (grad, jvp, vmap, trace) opens one `Trace`. Its `level` comes from one ever-growing
counter, so that an inner transformation always has the higher level; a primitive applied to tracers of several
traces is processed by the highest, for which the others are constants. This is all that keeps nested derivatives
apart (no perturbation confusion), and no global stack is needed: threads do not see one another.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..errors import LeakedTracerError, line, user_source
from .types import ArrayType, Shape, dtype_of, shape_of

_levels = itertools.count(2)
SPLIT_LEVEL = 1  # beneath all transformations that run: see transforms/split.py

# How many transformations are running in this thread and context.
depth: ContextVar[int] = ContextVar("wengert_depth", default=0)

# Do tapes keep the user's line of each equation? They do while a program is recorded, and under wg.debug.nans().
keep_sources: ContextVar[bool] = ContextVar("wengert_keep_sources", default=False)

# The program that is being recorded, innermost: where effects (print, assertions) of plain values are written down.
recording: ContextVar[Any] = ContextVar("wengert_recording", default=None)

# Under vmap, where lanes go different ways: the lanes for which what runs now counts. Effects of the others are none.
live_lanes: ContextVar[Any] = ContextVar("wengert_live_lanes", default=None)

# The observer of wg.debug.nans(): sees each trace that is opened, and the results of derivatives.
observer: ContextVar[Any] = ContextVar("wengert_observer", default=None)


@contextlib.contextmanager
def setting(variable: ContextVar[Any], value: Any) -> Iterator[None]:
    """Set a context variable for a while."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def deriving(step: str) -> contextlib.AbstractContextManager[None]:
    """What is computed in this context is derived, in this step, from the user's line that is running."""
    source = user_source()
    return setting(line, source and source.derive(step))


def located(equations: Iterable[Any], step: str = "") -> contextlib.AbstractContextManager[Iterable[Any]]:
    """Equations to be handled one by one: what is computed meanwhile belongs to the user's line of the equation."""
    return _located(equations, step) if keep_sources.get() else contextlib.nullcontext(equations)


@contextlib.contextmanager
def _located(equations: Iterable[Any], step: str) -> Iterator[Iterable[Any]]:
    here = user_source()

    def each() -> Iterator[Any]:
        for eq in equations:
            source = eq.source or here
            line.set(source.derive(f"{step} of {eq.primitive}") if step and source else source)
            yield eq

    with setting(line, line.get()):
        yield each()


class Trace:
    """One transformation in progress. Subclasses say in `process` what applying a primitive means for it."""

    __slots__ = ("alive", "level", "owner")
    name = "trace"
    transparent = False  # do its tracers count as plain arrays where they leave the library?

    def __init__(self) -> None:
        self.level = next(_levels)
        self.alive = True
        self.owner: Any = None  # the user's function that is being followed

    def process(self, primitive: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Apply a primitive to arguments of which at least one is a tracer of this trace."""
        raise NotImplementedError

    def concretize(self, tracer: Tracer, convert: Callable[[Any], Any]) -> Any:
        """A Python decision (`if`, `while`, an index) on a traced value: taken on the value beneath."""
        return convert(tracer.value)

    def follows(self, tracer: Tracer) -> bool:
        """Would something be lost if the tracer's value were taken out of the trace? A zero tangent is nothing."""
        return tracer.data is not None

    def literal(self, value: Any) -> Any:
        """A number that a derivative brings in (a seed, a zero), as this trace wants to see it."""
        return value

    def __enter__(self) -> Trace:
        depth.set(depth.get() + 1)
        watch = observer.get()
        if watch is not None:
            watch.opened(self)
        return self

    def __exit__(self, *exc: object) -> None:
        depth.set(depth.get() - 1)
        self.alive = False


class Tracer:
    """An array whose operations are followed by a trace. Exists only while a function is being traced.

    `traced_by` is that trace; `value` is what it computes with below itself (an array, a number, a tracer of a lower
    level, or an ArrayType where only the type is known); `data` is what it knows besides: a tangent, a node, a
    variable. A tracer is a handle: assignment to its elements replaces `value` and `data`, as NumPy's assignment would
    change the array. `alias` ties views to their base; it is None for an array that nobody views.
    """

    __slots__ = ("__weakref__", "alias", "data", "traced_by", "value")

    def __init__(self, trace: Trace, value: Any, data: Any = None) -> None:
        self.traced_by = trace
        self.value = value
        self.data = data
        self.alias: Any = None

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        if self.alias is not None:
            kind = type(self)
            self.alias.refresh(self)
            if type(self) is not kind:
                return self.shape  # it was assigned a value of another trace
        try:
            return self.value.shape  # type: ignore[no-any-return]
        except AttributeError:
            return shape_of(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        try:
            return self.value.dtype  # type: ignore[no-any-return]
        except AttributeError:
            return dtype_of(self.value)

    @property
    def type(self) -> ArrayType:
        """Shape and dtype."""
        return ArrayType(self.shape, self.dtype)

    def snapshot(self) -> Tracer:
        """The same traced value under a handle of its own, which later assignments to this one do not change."""
        if self.alias is not None:
            self.alias.refresh(self)
        copy = object.__new__(type(self))
        copy.traced_by, copy.value, copy.data, copy.alias = self.traced_by, self.value, self.data, None
        return copy

    def become(self, other: Tracer) -> None:
        """Take over the traced value of another tracer: what assignment to elements does to the handle."""
        if type(self) is not type(other):
            self.__class__ = type(other)
        self.traced_by, self.value, self.data = other.traced_by, other.value, other.data


class ConstantTrace(Trace):
    """The lowest trace: its tracers are plain arrays in a handle, so that tracers can be assigned into them."""

    __slots__ = ()
    name = "constant"
    transparent = True

    def __init__(self) -> None:
        super().__init__()
        self.level = 0

    def process(self, primitive: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute with the plain arrays; floating-point results stay in a handle."""
        outs = primitive(*(a.value if isinstance(a, Tracer) else a for a in args), **params)
        return [constant(y) for y in outs] if primitive.multiple else constant(outs)


CONSTANT = ConstantTrace()


def constant(value: Any) -> Any:
    """A plain floating-point array as a handle that can be assigned to; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return Tracer(CONSTANT, value)
    return value


def tracing() -> bool:
    """Is a transformation running in this thread?"""
    return depth.get() > 0


def concrete(value: Any) -> Any:
    """The plain array beneath all traces, or an ArrayType where only the type is known."""
    while isinstance(value, Tracer):
        value = value.value
    return value


def unaliased(x: Any) -> Any:
    """An argument as it is now, under a handle of its own: later assignments to the caller's do not change it."""
    return x.snapshot() if isinstance(x, Tracer) else x


def settled(y: Any) -> Any:
    """A result as it is now: a view after all assignments, and the plain array of a handle that holds a constant."""
    if isinstance(y, Tracer):
        if y.alias is not None:
            y.alias.refresh(y)
        if y.traced_by.transparent:
            return settled(y.value)
        if not y.traced_by.alive:
            raise leaked(y)
    return y


def handed_out(y: Any) -> Any:
    """A result of a transformation: plain where no other one is running."""
    return settled(y) if isinstance(y, Tracer) and depth.get() == 0 else y


def literal(value: Any, like: Any) -> Any:
    """A number that a derivative brings in, as the traces beneath `like` want to see it."""
    if not isinstance(like, Tracer):
        return value
    return like.traced_by.literal(literal(value, like.value))


def leaked(tracer: Tracer) -> LeakedTracerError:
    """The error for a tracer whose transformation has ended."""
    code = getattr(tracer.traced_by.owner, "__code__", None)
    made = f" (inside {code.co_name}, {code.co_filename}:{code.co_firstlineno})" if code else ""
    return LeakedTracerError(
        f"a traced array {tracer.type} is used after the {tracer.traced_by.name} that made it has ended{made}",
        why="it was stored outside the traced function (a global, an attribute, a closure, a list); its derivative "
        "belongs to a computation that is over",
        write="return the value from the function (has_aux=True for extra results) instead of storing it; "
        "wg.debug.leaks() says what holds it",
        where=user_source(3),
    )
