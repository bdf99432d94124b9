"""A loop whose rounds depend on traced values: its body is recorded once, and what it changes is carried.

The body is recorded until everything that it changes is known, and the types of that: a Python number that is carried
takes the dtype that the body makes of it. What has no value before the loop, or none that the body looks at, begins
anew in each round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.body import PYTHON_NUMBERS
from ..core.intern import interned
from ..core.program import Var
from ..core.trace import Tracer
from ..core.tree import describe, flatten, unflatten
from ..core.types import DYNAMIC, ArrayType, dtype_of, shape_of
from ..errors import ControlFlowError
from ..primitives import elementwise as ew
from ..primitives import loops
from .exits import CONTINUE, GO, Exit, Way, code, ways
from .region import Region, frame
from .rows import Rows
from .state import UNDEFINED, Cell, Handle, Place, Snapshot
from .values import as_type, filler, full_type, is_constant, is_numeric, same, show, weak_as

COUNTER = ArrayType((), np.int64, weak=True)
INTEGER = ArrayType((), np.int64)
MOST_TRIALS = 12


class Unsettled(ControlFlowError):
    """What the loop carries is not the same in every round; it may be after the first."""


class Endless(ControlFlowError):
    """A loop that is never left."""


class Carried:
    """A place that the loop changes. types: of the leaves of its value, None for those that are no part of a program.

    fresh: it has no value when a round begins; why: though it had one before the loop. unchanged: no round changes it.
    """

    why = ""
    unchanged = False

    def __init__(self, place: Place, fresh: bool = False) -> None:
        self.place, self.before = place, place.get()
        self.fresh = fresh or self.before is UNDEFINED
        self.leaves: list[Any] = []
        self.tree: Any = None
        self.types: list[ArrayType | None] = []
        if not self.fresh:
            self.leaves, self.tree = flatten(self.before)
            self.types = [full_type(x) if is_numeric(x) else None for x in self.leaves]
        self.after: Any = UNDEFINED
        self.outs: list[Any] = []

    @property
    def inputs(self) -> list[ArrayType]:
        """Types of what a round is given."""
        return [t for t in self.types if t is not None] if not self.fresh else []

    def begin(self, tracers: Iterator[Tracer]) -> None:
        """What a round finds in the place."""
        if self.fresh:
            self.place.set(UNDEFINED)
            return
        self.given = [x if t is None else next(tracers) for x, t in zip(self.leaves, self.types, strict=True)]
        self.handed = [x.snapshot() if isinstance(x, Tracer) else x for x in self.given]
        self.place.set(unflatten(self.tree, self.given))

    def end(self, valid: bool) -> bool:
        """Look at what a round left in the place. False where another trial is needed."""
        if self.after is UNDEFINED or (not self.fresh and not valid):
            return self.fresh or self.renew("it has no value after some rounds")
        leaves, tree = flatten(self.after)
        if self.fresh:
            if not all(is_numeric(x) or is_constant(x) for x in leaves):
                self.after = UNDEFINED
                return True
            self.leaves, self.tree = leaves, tree
            self.types = [full_type(x) if is_numeric(x) else None for x in leaves]
            self.outs = [x for x, t in zip(leaves, self.types, strict=True) if t is not None]
            return True
        if tree != self.tree:
            return self.renew(f"its structure is {describe(self.tree)} before a round and {describe(tree)} after it")
        found = [self.fitted(x, y, t) for x, y, t in zip(self.leaves, leaves, self.types, strict=True)]
        wrong = next((f for f in found if isinstance(f, str)), None)
        if wrong is not None:
            return self.renew(wrong)
        types: list[Any] = found
        if any(
            t is not None and (f.dtype != t.dtype or f.weak != t.weak) for f, t in zip(types, self.types, strict=True)
        ):
            self.types = types
            return False
        self.outs = [as_type(y, t) for y, t in zip(leaves, self.types, strict=True) if t is not None]
        handed = [x for x, t in zip(self.handed, self.types, strict=True) if t is not None]
        self.unchanged = all(
            isinstance(y, Tracer) and y.data is x.data and y.traced_by is x.traced_by
            for x, y in zip(handed, self.outs, strict=True)
        )
        return True

    def fitted(self, x: Any, y: Any, t: ArrayType | None) -> ArrayType | str | None:
        """The type that a leaf needs, which was x of type t before the round and is y after it; or what is wrong."""
        if t is None:
            return None if same(x, y) else f"it is {show(x)} before a round and {show(y)} after it"
        if not is_numeric(y):
            return f"it is {t} before a round and {show(y)} after it"
        u = full_type(y)
        if t.shape == u.shape and (t.dtype.kind == "b") == (u.dtype.kind == "b"):
            if t.weak:
                weak = np.result_type(t.dtype, u.dtype) if u.weak else np.result_type(t.dtype.type(0).item(), u.dtype)
                return ArrayType((), weak, weak=u.weak)
            if np.result_type(t.dtype, u.dtype.type(0).item() if u.weak else u.dtype) == t.dtype:
                return t
        return f"it is {t} before a round and {u} after it"

    def renew(self, reason: str) -> bool:
        """Perhaps its value before a round does not matter."""
        if isinstance(self.place, Cell) and not self.fresh:
            self.fresh, self.why = True, reason
            return False
        raise self.unsettled(reason)

    def unsettled(self, reason: str) -> Unsettled:
        """The error for what changes from round to round."""
        return Unsettled(
            f"a loop changes the type of {self.place.show()}: {reason}",
            why="every round runs the same program, so what it carries keeps its shape, dtype and structure",
            write="give it this shape, dtype and structure before the loop, as in np.zeros(n) or float(x); or convert "
            "it in the loop, with .astype",
        )

    def initial(self) -> list[Any]:
        """What the first round is given; for a fresh one what nobody reads."""
        pairs = [(x, t) for x, t in zip(self.leaves, self.types, strict=True) if t is not None]
        return [filler(t) if self.fresh else as_type(x, t) for x, t in pairs]

    def finish(self, results: list[Any]) -> None:
        """Put the value after the last round in place."""
        if self.fresh and self.after is UNDEFINED:
            return
        rest = iter(results)
        if not self.unchanged:
            pairs = zip(self.leaves, self.types, strict=True)
            self.place.set(unflatten(self.tree, [x if t is None else weak_as(next(rest), t) for x, t in pairs]))


class Loop:
    """A loop that becomes a primitive.

    body: runs a round, and says how control left it; it is given the item where there are rows. test: is there another
    round; None: always. names, into: what it binds, and what it assigns into. unsettled: is it what is carried that
    stands in the way?
    """

    unsettled = False

    def __init__(
        self,
        body: Callable[..., Way],
        test: Callable[[], Any] | None,
        rows: Rows | None,
        names: Sequence[str],
        into: Sequence[str],
        truth: Callable[[Any, Callable[[], Any]], Any],
    ) -> None:
        self.body, self.test, self.rows, self.truth = body, test, rows, truth
        self.snapshot = Snapshot([body, test])
        places = {cell.name: cell for cell, _ in self.snapshot.cells}
        self.carried: dict[Any, Carried] = {}
        for name in (*names, *into):
            if name in places:
                self.carry(places[name], name in into)
        static = rows is not None and rows.static
        self.surely = test is None if rows is None else static and int(rows.length) > 0
        self.stacked = static

    def carry(self, place: Place, into: bool) -> None:
        """Carry a place; where elements are assigned to, the array in it."""
        value = place.get()
        if into and isinstance(value, Tracer) and value.shape:
            place = Handle(value, place.name)
        elif into and not is_numeric(value):
            return  # a container or an object, whose entries are found when they change
        self.carried.setdefault(place.key, Carried(place))

    # recording -----------------------------------------------------------------------------------------------------
    def run(self) -> Way:
        """Record the body, apply the primitive, and put everything in place."""
        for _ in range(MOST_TRIALS):
            row_types = [ArrayType(shape_of(x)[1:], dtype_of(x)) for x in self.arrays]
            inputs = [t for c in self.carried.values() for t in c.inputs]
            self.region = Region([COUNTER, *inputs, *row_types], loop=True)
            with self.region.trace:
                if self.trial(len(inputs)):
                    return self.finish()
        raise ControlFlowError(
            "what a loop carries does not settle",
            why=f"its types were other ones after each of {MOST_TRIALS} trials",
            write="give the variables that it changes their dtypes before the loop",
        )

    @property
    def arrays(self) -> Sequence[Any]:
        """What is scanned row by row: where rounds may be left out, rows are taken by their index instead."""
        return self.rows.arrays if self.rows is not None and self.stacked else ()

    def trial(self, n: int) -> bool:
        """Record one round. False where it must be done again."""
        counter, *tracers = self.region.tracers
        given = iter(tracers[:n])
        for c in self.carried.values():
            c.begin(given)
        found: list[Place] = []
        try:
            with self.region.running():
                args = [] if self.rows is None else [self.item(counter, tracers[n:])]
                way = self.region.passed(self.body(*args), CONTINUE)
            for c in self.carried.values():
                c.after = c.place.get()
            found = [place for place, _, _ in self.snapshot.changes() if place.key not in self.carried]
        except NameError as error:
            self.unsettled = True
            for c in self.carried.values():
                if c.fresh and c.why and isinstance(c.place, Cell) and c.place.name == error.name:
                    raise c.unsettled(c.why) from None
            raise
        finally:
            self.snapshot.restore()
        for place in found:
            self.carry(place, False)
        written = [c.place.tracer for c in self.carried.values() if isinstance(c.place, Handle)]
        if self.arrays and (ways(way) != {GO} or any(x is y for x in self.arrays for y in written)):
            self.stacked = False
            return False
        self.way = way
        if found:
            return False
        self.unsettled = True  # unless the types of what it carries are found to agree
        with self.region.running():
            settled = [c.end(self.valid(c.place, c.after) >= ways(way) & {GO}) for c in self.carried.values()]
        self.unsettled = False
        return all(settled)

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """What a round goes through."""
        assert self.rows is not None
        return self.rows.item(i, rows) if self.stacked else self.rows.at(i)

    def valid(self, place: Place, value: Any) -> frozenset[int]:
        """The ways of leaving a round in which a place has a value."""
        if value is UNDEFINED:
            return frozenset()
        known = self.region.partial.get(place.key)
        return ways(self.way) if known is None else known[1]

    # the primitive -------------------------------------------------------------------------------------------------
    def finish(self) -> Way:
        """Apply it, and put everything in place."""
        changed = list(self.carried.values())
        leaving = ways(self.way) - {GO}
        inputs, first = self.region.inputs, 1
        i: Any = self.region.tracers[0]
        variables, outs = [inputs[0]], [i + 1]
        init: list[Any] = [0]
        for c in changed:
            count = len(c.inputs)
            new = [Var(t) for t in c.types if t is not None] if c.outs else []
            variables += new if c.fresh else inputs[first : first + count]
            first += count
            outs += c.outs
            init += c.initial() if c.outs else []
        if leaving:
            variables.append(Var(INTEGER))
            outs.append(as_type(code(self.way), INTEGER))
            init.append(np.int64(GO))
        rows = inputs[first:]
        if self.rows is not None and not leaving:
            results = self.scan(variables, rows, outs, init)
        else:
            results = self.while_(variables, outs, init, bool(leaving))
        return self.placed(changed, results, leaving)

    def placed(self, changed: list[Carried], results: list[Any], leaving: frozenset[int]) -> Way:
        """What the loop leaves behind."""
        endless = self.test is None and self.rows is None
        possible = leaving if endless else leaving | {GO}
        if not possible:
            raise Endless(
                "a `while True` never ends",
                why="there is no `break` and no `return` in it that a traced condition decides on",
                write="a condition, or a `break`",
            )
        way: Way = Exit(results[-1], possible) if len(possible) > 1 else next(iter(possible), GO)
        here, at = frame.get(), 1
        here.partial = {}
        for c in changed:
            c.finish(results[at : at + len(c.outs)])
            at += len(c.outs)
            valid = self.valid(c.place, c.after) & leaving
            ended = c.after is not UNDEFINED and (not leaving or GO in self.valid(c.place, c.after))
            if not c.fresh or (ended and self.surely):
                valid |= {GO}
            here.partial[c.place.key] = c.place, valid
        here.settle(way)
        for c in changed:
            if c.why and c.place.get() is UNDEFINED and c.place.name in here.missing:
                here.missing[c.place.name] = c.why, here.missing[c.place.name][1]
        return way

    def scan(self, variables: list[Var], rows: list[Var], outs: list[Any], init: list[Any]) -> list[Any]:
        """A number of rounds that is known when the loop begins."""
        assert self.rows is not None
        program, constants = self.region.program(outs, "loop", [*variables, *rows])
        length = int(self.rows.length) if self.rows.static else DYNAMIC
        return loops.scan(
            self.rows.length,
            *constants.values(),
            *_begun(init, variables),
            *self.arrays,
            body=interned(program),
            length=length,
            reverse=False,
            n_consts=len(constants),
            n_carry=len(variables),
        )

    def while_(self, variables: list[Var], outs: list[Any], init: list[Any], leaving: bool) -> list[Any]:
        """Rounds until a condition fails, or one of them leaves the loop."""
        program, constants = self.region.program(outs, "loop", variables)
        test, given = self.condition([v.type for v in variables], leaving)
        results = loops.while_(
            *given.values(),
            *constants.values(),
            *_begun(init, variables),
            cond=interned(test),
            body=interned(program),
            n_cond=len(given),
            n_consts=len(constants),
        )
        return results[1:]

    def condition(self, types: list[ArrayType], leaving: bool) -> Any:
        """Is there another round? Not after one that left the loop; then as `test` or the number of rows say."""
        region = Region(types)
        length: Any = self.rows.length if self.rows is not None else 0
        counter: Any = region.tracers[0]
        given = iter(region.tracers[1:])
        for c in self.carried.values():
            if c.fresh:
                for _ in c.outs:
                    next(given)
            c.begin(given)
        try:
            with region.trace, region.running():
                going: Any = ew.equal(region.tracers[-1], GO) if leaving else True
                if self.test is not None or self.rows is not None:
                    test = self.test or (lambda: counter < length)
                    going = self.truth(going, test)
                changed = [place for place, _, _ in self.snapshot.changes() if place.key not in self.carried]
                if changed:
                    raise ControlFlowError(
                        f"the condition of a `while` changes {changed[0].show()}",
                        why="it is evaluated by itself, and only its truth goes on",
                        write="change it in the body of the loop",
                    )
                return region.program([going if isinstance(going, Tracer) else np.bool_(going)], "condition")
        finally:
            self.snapshot.restore()


def _begun(init: list[Any], variables: list[Var]) -> list[Any]:
    """The initial carry, Python numbers in the dtypes that they take."""
    return [v.type.dtype.type(x) if type(x) in PYTHON_NUMBERS else x for x, v in zip(init, variables, strict=True)]
