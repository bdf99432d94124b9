"""wg.debug: where the first NaN came from, whether every program obeys the grammar, which traced values leaked."""

from __future__ import annotations

import contextlib
import gc
import inspect
import itertools
from collections.abc import Iterator, Sequence
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from .core import record, trace
from .core.primitive import REGISTRY, Primitive
from .core.program import Literal, Program
from .core.trace import Trace, Tracer, setting
from .core.types import ArrayType, type_of
from .errors import LeakedTracerError, NonFiniteError, Source, line, user_source
from .transforms.jvp import JVPTrace
from .transforms.tape import LinearEquation, LinearVar, Scaled, Tape, run_equation
from .transforms.transpose import Adjoints, transpose_equation, zero_safe

__all__ = ["checks", "leaks", "nans"]


# the three contexts ----------------------------------------------------------------------------------------------
@contextlib.contextmanager
def nans(nan: bool = True, inf: bool = True) -> Iterator[None]:
    """While this context is open, the first NaN or infinity in a transformation raises NonFiniteError.

    Law: looked at are the value of each primitive, as soon as it is computed, and, where the result of a derivative is
    not finite, the tangents or adjoints that led to it. So a NaN that a mask removes from the derivative is no error.
    An infinity that an input holds already did not appear here; a NaN is reported wherever it is met.

    nan, inf: what to look for. The error names the user's line, the primitive, the direction (forward: a value,
    tangent: forward mode, backward: an adjoint), the indices, and the numbers there; its attributes are `primitive`,
    `direction`, `indices` and `where`. Holds for this thread and context only. It costs time, and nothing when it is
    not open.

    >>> import numpy as np
    >>> import wengert as wg
    >>> with wg.debug.nans():
    ...     wg.grad(lambda x: np.sum(np.sqrt(x)))(np.array([1.0, 0.0]))
    Traceback (most recent call last):
        ...
    wengert.errors.NonFiniteError: inf in the adjoint of sqrt's input ...
    """
    with setting(trace.observer, Watch(nan, inf)), setting(trace.keep_sources, True), np.errstate(all="ignore"):
        yield


@contextlib.contextmanager
def checks() -> Iterator[None]:
    """While this context is open, every program that is recorded is checked against the grammar of programs.

    Raises ProgramError, which names the first equation that breaks a rule of `core/check.py`.
    """
    with setting(record.checking, True):
        yield


@contextlib.contextmanager
def leaks() -> Iterator[None]:
    """At the end of this context, traced values that outlived their transformation raise LeakedTracerError.

    The error says what holds each of them: a global, an attribute, a list, a closure.
    """
    before = next(trace._levels)
    yield
    gc.collect()
    found = [t for t in gc.get_objects() if isinstance(t, Tracer) and _outlived(t.traced_by, before)]
    if found:
        raise LeakedTracerError(
            f"traced values outlived the transformation that made them ({len(found)}): {_holders(found)}",
            why="a traced value belongs to one run of one transformation; used later it raises this error there",
            write="return the value from the function (has_aux=True for extra results) instead of storing it",
        )


def _outlived(ended: trace.Trace, before: int) -> bool:
    """Is this a trace that was opened after a level was given out, and is closed?"""
    return ended.level > before and not ended.alive


def _holders(found: list[Any]) -> str:
    """`f64[3] of the reverse-mode derivative of f, in a list; ...`: what refers to the first leaked tracers."""
    texts = []
    for tracer in itertools.islice(found, 3):
        made = getattr(tracer.traced_by.owner, "__name__", None)
        text = f"{tracer.type} of the {tracer.traced_by.name}" + (f" of {made}" if made else "")
        for holder in gc.get_referrers(tracer):
            if holder is not found and not isinstance(holder, FrameType):
                text += f", {_described(holder, tracer)}"
                break
        texts.append(text)
    return "; ".join(texts)


def _described(holder: Any, held: Any) -> str:
    owner = holder
    if isinstance(holder, dict):
        owner = next((o for o in gc.get_referrers(holder) if getattr(o, "__dict__", None) is holder), None)
        if owner is None:
            return f"under {next(k for k, v in holder.items() if v is held)!r} in a dict"
    for name, value in getattr(owner, "__dict__", {}).items():
        if value is held:
            if isinstance(owner, ModuleType):
                return f"the global {name} of {owner.__name__}"
            return f"the attribute {name} of a {type(owner).__name__}"
    if type(holder).__name__ == "cell":
        return "a variable of an enclosing function"
    return f"in a {type(holder).__name__}"


# values and tangents, as they are computed -----------------------------------------------------------------------
class Watched:
    """Mixed into the class of each trace that is opened: looks at what a primitive gave."""

    __slots__ = ()

    def process(self: Any, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """As the trace does; then look."""
        watch = trace.observer.get()
        begin = len(watch.inner) if watch is not None else 0
        outs = super().process(primitive, args, params)  # type: ignore[misc]
        if watch is not None:
            watch.computed(self, primitive, args, outs if primitive.multiple else [outs], watch.inner[begin:])
        return outs


_watched: dict[type, type] = {}


class Bad(NamedTuple):
    """A plain array with elements that are not finite."""

    array: Any
    mask: Any
    tangent: Any  # of forward mode, to which the array belongs, or None

    @property
    def name(self) -> str:
        """nan, inf or -inf: the first that is found."""
        first = self.array[tuple(np.argwhere(self.mask)[0])]
        return "nan" if np.isnan(first) else str(first)


class Event(NamedTuple):
    """Numbers that are not finite, and the equation that they came out of."""

    what: str  # "inf in the value of log"
    direction: str  # forward, tangent, backward
    primitive: Primitive | None
    mask: Any  # of the elements that are not finite
    details: list[str]  # the numbers there
    where: Source | None

    def error(self) -> NonFiniteError:
        """The exception that reports it."""
        indices = [tuple(int(i) for i in index) for index in np.argwhere(self.mask)]
        n = np.size(self.mask)
        shown = ", ".join(map(str, indices[:3])) + (f" and {len(indices) - 3} more" if len(indices) > 3 else "")
        place = (
            f"at {'indices' if len(indices) > 1 else 'index'} {shown} of {n} elements: " if np.ndim(self.mask) else ""
        )
        error = NonFiniteError(
            self.what, why=place + "; ".join(self.details), write=_WRITE[self.direction], where=self.where
        )
        error.primitive, error.direction, error.indices = self.primitive, self.direction, indices
        return error


_WRITE = {
    "forward": "keep the argument inside the domain of the function: np.sqrt(np.where(x > 0, x, 1.0)) under a mask, "
    "an epsilon, or a form that does not overflow (np.logaddexp, scipy.special.logsumexp)",
    "tangent": "the function has no finite slope there: mask the argument before the function, "
    "np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0), or see the guide on singular points",
}
_WRITE["backward"] = _WRITE["tangent"]


class Watch:
    """What `nans` looks for, and the tangents that were found."""

    def __init__(self, nan: bool, inf: bool) -> None:
        self.nan, self.inf = nan, inf
        self.tangents: dict[int, tuple[Any, Event]] = {}  # by id: the tangent (held), and where it came from
        self.inner: list[Event] = []  # found in derivatives of bodies of loops and branches

    def opened(self, t: Trace) -> None:
        """A transformation begins: from now on its operations are looked at."""
        cls = type(t)
        if cls not in _watched:
            _watched[cls] = type(cls.__name__, (Watched, cls), {"__slots__": ()})
        t.__class__ = _watched[cls]

    def bad(self, value: Any) -> Bad | None:
        """The part of a value in which something is found that is looked for, None where there is nothing."""
        for part, tangent in _parts(value):
            if self.nan and self.inf:
                mask = ~np.isfinite(part)
            else:
                mask = np.isnan(part) if self.nan else np.isinf(part) & self.inf
            if mask.any():
                return Bad(part, mask, tangent)
        return None

    def computed(
        self, t: Trace, primitive: Primitive, args: Sequence[Any], outs: Sequence[Any], inner: list[Event]
    ) -> None:
        """A primitive was applied: look at values now, and remember where tangents came from."""
        self._values(primitive, args, outs)
        if isinstance(t, JVPTrace):
            self._tangent(t, primitive, args, outs, inner)

    def _values(self, primitive: Primitive, args: Sequence[Any], outs: Sequence[Any]) -> None:
        here = line.get()
        if here is None or not here.derivation:  # what a derivative computes on its way is judged by its result
            for y in outs:
                self._value(primitive, args, y)

    def _value(self, primitive: Primitive, args: Sequence[Any], y: Any) -> None:
        bad = self.bad(trace.concrete(y))
        if bad is None:
            return
        inputs = [trace.concrete(a) for a in args]
        came_in = [a for a in inputs if self.bad(a) is not None]
        if came_in and not np.isnan(bad.array).any():
            return
        details = [_numbers(f"input {i}", x, bad.mask) for i, x in enumerate(inputs)]
        if any(np.isnan(_array(a)).any() for a in came_in):
            details.append("the NaN was in the input already: it came in with the data")
        what = f"{bad.name} in the value of {primitive}"
        raise Event(what, "forward", primitive, bad.mask, details, user_source()).error()

    def _tangent(
        self, t: Trace, primitive: Primitive, args: Sequence[Any], outs: Sequence[Any], inner: list[Event]
    ) -> None:
        own = [a for a in args if isinstance(a, Tracer) and a.traced_by is t]
        earlier = next((self.tangents[id(a.data)][1] for a in own if id(a.data) in self.tangents), None)
        for y in outs:
            if not isinstance(y, Tracer) or y.traced_by is not t or y.data is None:
                continue
            bad = self.bad(y.data)
            if bad is not None:
                event = earlier or next(iter(inner), None)
                if event is None:
                    details = [_numbers(f"input {i}", a, bad.mask) for i, a in enumerate(args)]
                    details += [_numbers(f"tangent {i}", a.data, bad.mask) for i, a in enumerate(own)]
                    here = user_source()
                    what = f"{bad.name} in the tangent of {primitive}"
                    event = Event(what, "tangent", primitive, bad.mask, details, here)
                self.tangents[id(y.data)] = (y.data, event)

    def evaluate(self, program: Program, args: Sequence[Any]) -> list[Any]:
        """What Program.evaluate does, with a look at every value: bodies of loops, branches, recorded functions."""
        env: dict[Any, Any] = dict(program.constants)
        env.update(zip(program.inputs, args, strict=True))

        def value(a: Any) -> Any:
            return a.value if isinstance(a, Literal) else env[a]

        with trace.located(program.equations) as equations:
            for eq in equations:
                inputs = [value(a) for a in eq.inputs]
                outs = eq.primitive(*inputs, **eq.params)
                outs = outs if eq.primitive.multiple else [outs]
                self._values(eq.primitive, inputs, outs)
                env.update(zip(eq.outputs, outs, strict=True))
        self._derived(program, {a for a in program.outputs if self.bad(value(a))}, env)
        return [trace.handed_out(value(a)) for a in program.outputs]

    def _derived(self, program: Program, bad: set[Any], env: dict[Any, Any]) -> None:
        """Note where the bad results of a program came from, if it was in a derivative."""
        origin = None
        for eq in reversed(program.equations):
            if any(v in bad for v in eq.outputs):
                earlier = [a for a in eq.inputs if not isinstance(a, Literal) and self.bad(env[a])]
                bad.update(earlier)
                origin = origin if earlier else eq
        if origin is None or origin.source is None or not origin.source.derivation:
            return
        found = next(b for v in origin.outputs if (b := self.bad(env[v])))
        inputs = [a.value if isinstance(a, Literal) else env[a] for a in origin.inputs]
        numbers = (_numbers(f"input {i}", x, found.mask) for i, x in enumerate(inputs))
        details = [f"{origin.primitive} of " + ", ".join(numbers)]
        primitive = REGISTRY.get(origin.source.derivation[-1].rpartition(" ")[2], origin.primitive)
        what = f"{found.name} in the derivative of {primitive}"
        self.inner.append(Event(what, "tangent", primitive, found.mask, details, origin.source))

    # results of derivatives --------------------------------------------------------------------------------------
    def jvp(self, y_dots: Sequence[Any]) -> None:
        """Forward mode has ended with these tangents."""
        for y_dot in y_dots:
            bad = self.bad(y_dot)
            if bad is not None:
                known = self.tangents.get(id(y_dot))
                raise (known[1] if known else self._given("tangent", bad)).error()

    def run(self, tape: Tape, ins: Any, outs: Any, x_dots: Any, y_dots: Sequence[Any]) -> None:
        """A tape was run forwards with these results: if they are bad, run it again and watch."""
        if any(self.bad(y_dot) is not None for y_dot in y_dots):
            env: list[Any] = [None] * tape.count
            for var, x_dot in zip(ins, x_dots, strict=True):
                env[var.index] = x_dot
            history = History(self, "tangent")
            with trace.located(tape.equations, "tangent") as equations:
                for eq in equations:
                    history.begin()
                    run_equation(env, eq)
                    for var in [eq] if isinstance(eq, Scaled) else eq.outs:
                        history.add(eq, var.index, env[var.index], [(v.index, env[v.index]) for v in _variables(eq)])
            raise history.origin([v for v in outs if v is not None], env).error()

    def transposed(self, tape: Tape, ins: Any, outs: Any, y_bars: Any, x_bars: Sequence[Any]) -> None:
        """A tape was run backwards with these results: if they are bad, run it again and watch."""
        if any(self.bad(x_bar) is not None for x_bar in x_bars):
            adjoints = WatchedAdjoints(tape.count, History(self, "backward"))
            for var, y_bar in zip(outs, y_bars, strict=True):
                if var is not None and y_bar is not None:
                    adjoints.add(var.index, y_bar)
            with trace.located(reversed(tape.equations), "adjoint") as equations:
                for eq in equations:
                    adjoints.equation = eq
                    adjoints.history.begin()
                    transpose_equation(adjoints, eq, zero_safe)
            raise adjoints.history.origin(ins, adjoints.values).error()

    def _given(self, direction: str, bad: Bad) -> Event:
        """Where nothing is known of the line: it was given, or made outside of the context."""
        what = f"{bad.name} in {'a tangent' if direction == 'tangent' else 'an adjoint'}"
        detail = "it was given to the derivative, or came of an operation that ran outside of wg.debug.nans()"
        return Event(what, direction, None, bad.mask, [detail], user_source())


class WatchedAdjoints(Adjoints):
    """Adjoints that write down every contribution that is not finite."""

    __slots__ = ("equation", "history")

    def __init__(self, count: int, history: History) -> None:
        super().__init__(count)
        self.history = history
        self.equation: Any = None

    def add(self, i: int, x_bar: Any, fresh: bool = False) -> None:
        """x_i_bar += x_bar, looked at before."""
        if self.equation is not None:
            outs = [self.equation] if isinstance(self.equation, Scaled) else self.equation.outs
            self.history.add(self.equation, i, x_bar, [(v.index, self.values[v.index]) for v in outs])
        super().add(i, x_bar)

    def into(self, equation: LinearEquation, var: LinearVar, y_bar: Any) -> bool:
        """Never in place, so that every contribution is seen."""
        return False


class History:
    """The equations of a tape, in the order they were run, that gave something not finite."""

    def __init__(self, watch: Watch, direction: str) -> None:
        self.watch, self.direction = watch, direction
        self.steps: list[tuple[Any, int, Bad, list[tuple[int, Any]], Event | None]] = []
        self.begun = 0

    def begin(self) -> None:
        """The next equation is run."""
        self.begun = len(self.watch.inner)

    def add(self, equation: Any, out: int, value: Any, sources: list[tuple[int, Any]]) -> None:
        """An equation gave this value to the variable `out`, from these variables."""
        bad = self.watch.bad(value)
        if bad is not None:
            self.steps.append((equation, out, bad, sources, next(iter(self.watch.inner[self.begun :]), None)))

    def origin(self, results: Sequence[LinearVar], env: list[Any]) -> Event:
        """The first step, among those that reached the results, whose sources were still finite."""
        wanted = {v.index for v in results if env[v.index] is not None and self.watch.bad(env[v.index]) is not None}
        found = None
        for step in reversed(self.steps):
            _, out, _, sources, _ = step
            if out in wanted:
                earlier = {i for i, x in sources if self.watch.bad(x) is not None}
                wanted |= earlier
                if not earlier:
                    found = step
        if found is None:
            bad = self.watch.bad(next(env[v.index] for v in results if v.index in wanted))
            assert bad is not None
            return self.watch._given(self.direction, bad)
        with setting(trace.observer, None):  # the slopes that are told are not judged
            return self._event(*found)

    def _event(self, eq: Any, out: int, bad: Bad, sources: list[tuple[int, Any]], inner: Event | None) -> Event:
        if inner is not None:
            return inner._replace(direction=self.direction)
        if bad.tangent is not None and id(bad.tangent) in self.watch.tangents:
            return self.watch.tangents[id(bad.tangent)][1]
        role = "adjoint of its result" if self.direction == "backward" else "tangent of its input"
        details = [_numbers(role, x, bad.mask) for _, x in sources if x is not None]
        if isinstance(eq, Scaled):
            for partial, residuals, var in eq.terms:
                if not partial.constant and (self.direction == "tangent" or var.index == out):
                    details.append(_numbers("slope", partial(residuals), bad.mask))
                    names = inspect.signature(partial.law).parameters
                    details += [_numbers(n, r, bad.mask) for n, r in zip(names, residuals, strict=False)]
        else:
            values = [a for a in eq.args if not isinstance(a, LinearVar | ArrayType)]
            details += [_numbers("with", v, bad.mask) for v in values]
        side = "adjoint of" if self.direction == "backward" else "tangent of"
        what = f"{bad.name} in the {side} {eq.primitive}"
        what += "'s input" if self.direction == "backward" else ""
        if eq.source is None:
            details.append("the derivative was made outside of wg.debug.nans(), so that its line is not known")
        return Event(what, self.direction, eq.primitive, bad.mask, details, eq.source or user_source())


def _variables(eq: Any) -> list[LinearVar]:
    if isinstance(eq, Scaled):
        return [var for _, _, var in eq.terms]
    return [a for a in eq.args if isinstance(a, LinearVar)]


# numbers ---------------------------------------------------------------------------------------------------------
def _parts(value: Any, tangent: Any = None) -> Iterator[tuple[Any, Any]]:
    """The plain arrays in a value: beneath its traces, then the tangents that forward mode carries along."""
    plain = trace.concrete(value)
    if isinstance(plain, (np.ndarray, np.generic, float, complex)) and np.asarray(plain).dtype.kind in "fc":
        yield np.asarray(plain), tangent
    while isinstance(value, Tracer):
        if isinstance(value.traced_by, JVPTrace) and value.data is not None:
            yield from _parts(value.data, value.data)
        value = value.value


def _array(value: Any) -> Any:
    plain = trace.concrete(value)
    return np.asarray(plain) if isinstance(plain, (np.ndarray, np.generic, bool, int, float, complex)) else np.zeros(())


def _numbers(name: str, value: Any, mask: Any) -> str:
    """`x = 0.0`: the element where the first bad one is, or a summary where the shapes differ."""
    array = _array(value)
    if array.ndim == 0:
        return f"{name} = {array}"
    if array.shape == np.shape(mask)[-array.ndim :]:  # the mask may have vmap's axis in front
        return f"{name} = {array[tuple(np.argwhere(mask)[0][-array.ndim :])]}"
    return f"{name} is {type_of(array)}" + (
        f" from {array.min():.4g} to {array.max():.4g}" if array.size and array.dtype.kind in "fiu" else ""
    )
