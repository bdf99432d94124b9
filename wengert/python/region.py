"""Regions: a branch or the body of a loop while it is recorded, on types alone, to become a program of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from ..core.check import check
from ..core.dataflow import closed
from ..core.program import Program, Var
from ..core.record import ProgramTrace, checking, prune
from ..core.trace import Tracer, keep_sources, recording, setting
from ..core.types import ArrayType
from ..errors import ControlFlowError, Source, user_source
from ..primitives import elementwise as ew
from .exits import GO, Exit, Way, code, ways
from .state import UNDEFINED, Cell, Place

staging: ContextVar[bool] = ContextVar("wengert_staging", default=False)  # is an adopted function run on types?


class Frame:
    """Where statements run: a call of an adopted function, or a region in it.

    partial: variables that have a value only where control left the last statement in some of the ways in which it can.
    explicit: errors that were raised by a `raise` of the user's. missing: why variables have no value, by name.
    """

    def __init__(self) -> None:
        self.partial: dict[Any, tuple[Place, frozenset[int]]] = {}
        self.explicit: list[BaseException] = []
        self.missing: dict[str, tuple[str, Source | None]] = {}
        self.handling = 0  # how many `try` statements with handlers it runs in
        self.loop = False

    def lost(self, place: Place, reason: str) -> None:
        """A place has no value from here on; say why if it is read."""
        if not isinstance(place, Cell):
            raise ControlFlowError(
                f"{place.show()}: {reason}",
                why="the program that is recorded runs one way or the other; what it leaves behind has one type",
                write="a value of the same shape and type in every branch and every round",
            )
        place.set(UNDEFINED)
        self.missing[place.name] = reason, user_source()

    def settle(self, way: Way) -> None:
        """Control left in this way: which variables have a value in all the ways that are possible, which in none?"""
        for key, (place, valid) in list(self.partial.items()):
            if valid >= ways(way):
                del self.partial[key]
            elif not valid & ways(way):
                del self.partial[key]
                self.lost(place, "it has a value on some paths only")

    def passed(self, way: Way, by: int, to: int = GO) -> Way:
        """The same way, where `continue` (or `break`) leads to the end of the block, where control goes on."""
        before = ways(way)
        if by not in before:
            return way
        merged = before & {to, by}
        for key, (place, valid) in self.partial.items():
            self.partial[key] = place, valid - {to, by} | ({to} if valid >= merged else set())
        after = before - {by} | {to}
        if after != {to}:
            number = code(way)
            way = Exit(ew.where(ew.equal(number, by), to, number), after)
        else:
            way = to
        self.settle(way)
        return way


OUTSIDE = Frame()  # of all adopted functions
frame: ContextVar[Frame] = ContextVar("wengert_frame", default=OUTSIDE)


class Region(Frame):
    """A program that is written by what runs in `with region.running()`, while its trace is open."""

    def __init__(self, types: Sequence[ArrayType] = (), loop: bool = False) -> None:
        super().__init__()
        outer = frame.get()
        self.loop = loop or outer.loop
        self.missing, self.handling = outer.missing, outer.handling
        self.trace = ProgramTrace(abstract=True)
        if not loop:
            self.trace.captor = self.trace
        self.inputs = [Var(t) for t in types]
        self.tracers = [Tracer(self.trace, t, v) for t, v in zip(types, self.inputs, strict=True)]
        self.way: Way = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Record what runs."""
        with (
            setting(keep_sources, True),
            setting(recording, self.trace),
            setting(frame, self),
            setting(staging, True),
        ):
            yield

    def program(self, outputs: Sequence[Any], name: str, inputs: Sequence[Var] | None = None) -> Any:
        """What was recorded, as a program, and the values from outside that are its first arguments, by identity."""
        trace = self.trace
        atoms = [trace.atom(y) for y in outputs]
        given = self.inputs if inputs is None else inputs
        constants = list(trace.constants.values())
        made = prune(Program(given, constants, trace.equations, atoms, name=name, quiet=trace.quiet))
        program, values = closed(check(made) if checking.get() else made)
        keys = {var: key for key, (var, _) in trace.constants.items()}
        return program, {keys[v]: x for v, x in zip(program.inputs, values, strict=False)}
