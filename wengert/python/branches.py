"""A branch on a traced condition: both sides are recorded, and what they changed becomes what the primitive returns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.dataflow import rewired
from ..core.intern import interned
from ..core.program import Var
from ..core.tree import describe, flatten, unflatten
from ..core.types import ArrayType, dtype_of, type_of
from ..errors import AssertionFailedError, ControlFlowError, user_source
from ..primitives import control
from ..primitives import elementwise as ew
from ..primitives.effects import Failure, check
from .exits import GO, Exit, Way, code, ways
from .region import Region, frame
from .state import UNDEFINED, Place, Snapshot
from .values import as_type, common_type, filler, full_type, is_constant, is_numeric, same, show, weak_as

Block = Callable[[], Way]
INTEGER = ArrayType((), np.int64)


def condition(x: Any) -> Any:
    """A traced value as Python's `if` sees it: one boolean."""
    if x.shape != ():
        if x.size != 1:
            raise ControlFlowError(
                f"a condition is an array {x.type}",
                why="the truth of an array with more than one element is ambiguous, as it is in NumPy",
                write="np.any(x) or np.all(x); np.where(x, a, b) to choose element by element",
            )
        x = x.reshape(())
    return x if dtype_of(x) == np.bool_ else ew.not_equal(x, dtype_of(x).type(0))


def branch(test: Any, then: Block, orelse: Block | None) -> Way:
    """`if test: then else: orelse`, and how control leaves it."""
    test = condition(test)
    snapshot = Snapshot([then, orelse])
    sides: list[Side] = []
    with contextlib.ExitStack() as opened:
        for taken, block in ((True, then), (False, orelse)):
            side = Side(snapshot)
            opened.enter_context(side.region.trace)
            failure = side.run(block)
            if failure is not None:
                check(ew.logical_not(test) if taken else test, failure=failure)
                other = orelse if taken else then
                return other() if other is not None else GO
            sides.append(side)
        return Join(test, sides).finish()


class Side:
    """One of the two branches, recorded, and what it changed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.region = Region()
        self.snapshot = snapshot
        self.after: dict[Any, Any] = {}
        self.places: dict[Any, tuple[Place, Any]] = {}
        self.outs: list[Any] = []

    def run(self, block: Block | None) -> Failure | None:
        """Record the block, and put back what it changed. An error that it raises by itself is returned."""
        if block is None:
            return None
        try:
            with self.region.running():
                self.region.way = block()
            for place, old, new in self.snapshot.changes():
                self.after[place.key], self.places[place.key] = new, (place, old)
        except Exception as error:
            if not isinstance(error, AssertionError) and not any(error is e for e in self.region.explicit):
                raise
            return failure_of(error)
        finally:
            self.snapshot.restore()
        return None

    def valid(self, place: Place, value: Any) -> frozenset[int]:
        """The ways of leaving this side in which a place has a value."""
        if value is UNDEFINED:
            return frozenset()
        known = self.region.partial.get(place.key)
        return ways(self.region.way) if known is None else known[1] & ways(self.region.way)


def failure_of(error: BaseException) -> Failure:
    """What is raised when the program runs, for an error that was raised while it was recorded."""
    if frame.get().handling:
        raise ControlFlowError(
            f"a traced condition decides whether {type(error).__name__} is raised, within a `try` that may handle it",
            why="the error is raised when the program runs, outside of the function",
            write="the handler's work in the branch itself, instead of raising",
        ) from error
    if type(error) is AssertionError:
        message = f"an assertion failed: {error}" if error.args else "an assertion failed"
        return Failure(AssertionFailedError, (message,), user_source())
    return Failure(type(error), error.args, user_source())


class Join:
    """What comes after a branch: everything that either side changed, and how control goes on."""

    def __init__(self, test: Any, sides: list[Side]) -> None:
        self.test, self.sides = test, sides
        self.ways = frozenset().union(*(ways(s.region.way) for s in sides))
        places: dict[Any, tuple[Place, Any]] = {}
        for side in sides:
            places.update(side.places)
            places.update((key, (place, place.get())) for key, (place, _) in side.region.partial.items())
        self.joined = [self.join(place, old) for place, old in places.values()]

    def join(self, place: Place, old: Any) -> Joined:
        """One place after both sides."""
        values = [side.after.get(place.key, old) for side in self.sides]
        valid = [side.valid(place, v) for side, v in zip(self.sides, values, strict=True)]
        reason = "it has a value after one of the branches only"
        if all(valid):
            joined = Joined(place, values)
            if joined.reason is None:
                return joined.with_valid(self.everywhere(valid))
            reason = joined.reason
            if ways(self.sides[0].region.way) == ways(self.sides[1].region.way):
                return Joined(place, [UNDEFINED] * 2, reason)
            # The value of the side on which control goes on is the one that is read.
            valid[0 if GO not in valid[0] else 1] = frozenset()
        values = [v if ok else UNDEFINED for v, ok in zip(values, valid, strict=True)]
        joined = Joined(place, values, reason).with_valid(self.everywhere(valid))
        return joined if joined.valid else Joined(place, [UNDEFINED] * 2, reason)

    def everywhere(self, valid: list[frozenset[int]]) -> frozenset[int]:
        """The ways in which there is a value, whichever side was taken."""
        pairs = list(zip(self.sides, valid, strict=True))
        return frozenset(w for w in self.ways if all(w in v or w not in ways(s.region.way) for s, v in pairs))

    def finish(self) -> Way:
        """Apply the primitive, and put everything in place."""
        several = len(self.ways) > 1
        for side in self.sides:
            side.outs = [y for j in self.joined for y in j.outputs(self.sides.index(side))]
            if several:
                side.outs.append(as_type(code(side.region.way), INTEGER))
        acts = any(eq.effect for s in self.sides for eq in s.region.trace.equations)
        results = iter(cond(self.test, self.sides) if self.sides[0].outs or acts else ())
        here = frame.get()
        here.partial = {}
        for j in self.joined:
            j.finish(results)
        way: Way = Exit(next(results), self.ways) if several else next(iter(self.ways))
        here.partial = {j.place.key: (j.place, j.valid) for j in self.joined if j.valid}
        here.settle(way)
        return way


class Joined:
    """A place after a branch: its value on both sides, of one structure and one type each; or why there is none."""

    def __init__(self, place: Place, values: list[Any], reason: str = "") -> None:
        self.place, self.values = place, values
        self.valid: frozenset[int] = frozenset()
        self.reason: str | None = reason
        present = [v for v in values if v is not UNDEFINED]
        if present:
            self.flat = [flatten(v) if v is not UNDEFINED else None for v in values]
            self.reason = self.fit([f for f in self.flat if f is not None])

    def with_valid(self, valid: frozenset[int]) -> Joined:
        """The ways in which it has a value."""
        self.valid = valid
        return self

    def fit(self, flat: list[Any]) -> str | None:
        """Find the types of the leaves, None for those that are the same on both sides."""
        (first, self.tree), (last, tree) = flat[0], flat[-1]
        if tree != self.tree:
            return f"its structure is {describe(self.tree)} after one branch and {describe(tree)} after the other"
        self.leaves, self.types = first, []
        for a, b in zip(first, last, strict=True):
            found: ArrayType | None = None
            if len(flat) == 1:
                if not is_numeric(a) and not is_constant(a):
                    return f"it is {show(a)}, made in one branch only"
                found = full_type(a) if is_numeric(a) else None
            elif not same(a, b):
                found = common_type(full_type(a), full_type(b)) if is_numeric(a) and is_numeric(b) else None
                if found is None:
                    return f"it is {show(a)} after one branch and {show(b)} after the other"
            self.types.append(found)
        return None

    def outputs(self, side: int) -> Iterator[Any]:
        """What one side returns for it."""
        if self.reason is not None:
            return
        flat = self.flat[side]
        for k, t in enumerate(self.types):
            if t is not None:
                yield filler(t) if flat is None else as_type(flat[0][k], t)

    def finish(self, results: Iterator[Any]) -> None:
        """Put the results in place."""
        if self.reason is not None:
            frame.get().lost(self.place, self.reason)
            return
        leaves = [x if t is None else weak_as(next(results), t) for x, t in zip(self.leaves, self.types, strict=True)]
        self.place.set(unflatten(self.tree, leaves))


def cond(test: Any, sides: Sequence[Side]) -> list[Any]:
    """The primitive, whose operands are what the branches close over; a value that both do is one of them."""
    made = [side.region.program(side.outs, "branch") for side in reversed(sides)]
    operands = {key: x for _, constants in made for key, x in constants.items()}
    shared = {key: Var(type_of(x)) for key, x in operands.items()}
    programs = []
    for program, constants in made:
        own = dict(zip(constants, program.inputs, strict=True))
        inputs = [own.get(key, v) for key, v in shared.items()]
        programs.append(interned(rewired(program, inputs, program.outputs)))
    index = ew.convert(test, dtype=np.dtype(np.int64))
    return control.cond(index, *operands.values(), branches=tuple(programs))
