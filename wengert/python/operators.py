"""What rewritten source calls: Python's statements, where Python can decide; else branches and loops of the program.

Each function says first what Python does. A condition is decided by Python where its value is known: on plain values,
and on tracers that run beside real ones.
"""

from __future__ import annotations

import contextlib
import dis
import operator
import sys
from builtins import slice as slice
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..errors import ControlFlowError
from ..primitives import elementwise as ew
from ..primitives.effects import check
from .branches import Block, branch, condition, failure_of
from .calls import called as called
from .calls import rewrite_with
from .exits import BREAK, BROKEN, CONTINUE, GO, RETURN, Exit, Way, only
from .loops import Endless, Loop
from .objects import attribute as attribute
from .objects import binary as binary
from .objects import element, of_user
from .objects import in_place as in_place
from .objects import set_attribute as set_attribute
from .objects import unary as unary
from .region import Region, frame, staging
from .rows import Range, Rest, Rows, rows_of, traced_array
from .state import Snapshot
from .values import not_text, undecided

ROLLED = 8  # a loop of known length with more rounds than this becomes a loop of the program, if its body allows

Names = tuple[str, ...]


# statements ----------------------------------------------------------------------------------------------------------
def if_(test: Any, then: Block, orelse: Block | None) -> Way:
    """`if test: then else: orelse`, and how control left it."""
    if undecided(test):
        return branch(test, then, orelse)
    block = then if test else orelse
    return block() if block is not None else GO


def after(way: Way, rest: Block | None) -> Way:
    """Go on with the rest of a block, if control has reached the end of what came before."""
    if rest is None:
        return way
    if not isinstance(way, Exit):
        return way if way else rest()
    if GO not in way.ways:
        return way
    here = frame.get()
    partial, here.partial = here.partial, {}

    def go_on() -> Way:
        mine = frame.get()
        for place, valid in partial.values():
            if GO not in valid:
                mine.lost(place, "it has a value on some paths only")
        return rest()

    def leave() -> Way:
        mine, left = frame.get(), way.ways - {GO}
        mine.partial = {key: (place, valid - {GO}) for key, (place, valid) in partial.items()}
        found = only(way, left)
        mine.settle(found)
        return found

    return branch(ew.equal(way.code, GO), go_on, leave)


def result(way: Way, value: Callable[[], Any]) -> Any:
    """What a function returns."""
    assert way == RETURN
    return value()


def while_(test: Callable[[], Any] | None, body: Block, orelse: Block | None, names: Names, into: Names) -> Way:
    """`while test: body else: orelse`."""
    return _ended(_while(test, body, names, into), orelse)


def _ended(way: Way, orelse: Block | None) -> Way:
    """A loop has ended: `else` follows where it was not broken off, and then what comes after it."""
    here = frame.get()
    if orelse is None:
        return here.passed(way, BREAK)
    return here.passed(after(here.passed(way, BREAK, BROKEN), orelse), BROKEN)


def _while(test: Callable[[], Any] | None, body: Block, names: Names, into: Names, rounds: int = 0) -> Way:
    while True:
        if staging.get() and (rounds == ROLLED or (test is None and not rounds)):
            done = _tried(lambda: _staged_while(test, body, names, into), [test, body])
            if done is not None:
                return done[0]
        if test is not None:
            going = test()
            if undecided(going):
                return _staged_while(test, body, names, into)
            if not going:
                return GO
        way = frame.get().passed(body(), CONTINUE)
        rounds += 1
        if isinstance(way, Exit):
            return after(way, _other_rounds(test, body, names, into, rounds))
        if way:
            return way


def _other_rounds(test: Any, body: Block, names: Names, into: Names, rounds: int) -> Block:
    """What follows after a round that may have left the loop: by Python only where its condition is known."""
    if test is None:
        return lambda: _staged_while(test, body, names, into)
    return lambda: _while(test, body, names, into, rounds)


def _staged_while(test: Callable[[], Any] | None, body: Block, names: Names, into: Names) -> Way:
    if test is None or not _binds(test, names):
        return Loop(body, test, None, names, into, _goes_on).run()
    going = _truth(test())

    def again() -> Way:
        nonlocal going
        going = _truth(test())
        return GO

    def round() -> Way:
        return after(frame.get().passed(body(), CONTINUE), again)

    return Loop(round, lambda: going, None, (*names, "going"), into, _goes_on).run()


def _binds(test: Any, names: Names) -> bool:
    """Does a condition bind a variable, by `:=`?"""
    return any(i.opname == "STORE_DEREF" for i in dis.get_instructions(test.__code__))


def _tried(run: Callable[[], Way], functions: Any) -> tuple[Way] | None:
    """Run a loop as one of the program, if its body allows; else nothing has happened, and None."""
    here = frame.get()
    partial, missing = dict(here.partial), dict(here.missing)
    snapshot = Snapshot(functions)
    try:
        return (run(),)
    except Endless:
        raise
    except Exception:
        snapshot.restore()
        here.partial = partial
        here.missing.clear()
        here.missing.update(missing)
        return None


def for_(iterable: Any, body: Callable[[Any], Way], orelse: Block | None, names: Names, into: Names) -> Way:
    """`for item in iterable: body(item) else: orelse`."""
    return _ended(_for(iterable, body, names, into), orelse)


def _for(iterable: Any, body: Callable[[Any], Way], names: Names, into: Names) -> Way:
    rows = rows_of(iterable) if staging.get() or isinstance(iterable, Rows) else None
    if rows is not None and not rows.static:
        return Loop(body, None, rows, names, into, _goes_on).run()
    if rows is not None and int(rows.length) > ROLLED and staging.get():
        return _long(rows, body, names, into)
    return _rounds(iter(iterable), body)


def _long(rows: Rows, body: Callable[[Any], Way], names: Names, into: Names) -> Way:
    """Many rounds, as one loop of the program; where what it carries is other after the first, from the second on."""
    whole = Loop(body, None, rows, names, into, _goes_on)
    done = _tried(whole.run, [body])
    if done is not None:
        return done[0]
    first, rest = rows.at(0), Rest(rows)
    way = frame.get().passed(body(first), CONTINUE)
    if isinstance(way, Exit):
        return after(way, lambda: _rounds(iter(rest), body))
    if way:
        return way
    if whole.unsettled:
        done = _tried(lambda: Loop(body, None, rest, names, into, _goes_on).run(), [body])
    return done[0] if done is not None else _rounds(iter(rest), body)


def _rounds(items: Iterator[Any], body: Callable[[Any], Way]) -> Way:
    """The rounds one after the other, by Python."""
    for item in items:
        way = frame.get().passed(body(item), CONTINUE)
        if isinstance(way, Exit):
            return _guarded(way, list(items), body)
        if way:
            return way
    return GO


def _guarded(way: Way, rest: list[Any], body: Callable[[Any], Way]) -> Way:
    """The other rounds, if this one has not left the loop."""
    return after(way, lambda: _rounds(iter(rest), body)) if rest else way


def _truth(x: Any) -> Any:
    """The truth of a value: a traced boolean, or Python's."""
    return condition(x) if undecided(x) else bool(x)


def _goes_on(going: Any, test: Callable[[], Any]) -> Any:
    """`going and test`, as a boolean."""
    return _truth(test()) if going is True else and_(going, lambda: _truth(test()))


# expressions ---------------------------------------------------------------------------------------------------------
def choose(test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """`then if test else orelse`."""
    if not undecided(test):
        return then() if test else orelse()
    chosen: Any = None

    def first() -> Way:
        nonlocal chosen
        chosen = then()
        return GO

    def second() -> Way:
        nonlocal chosen
        chosen = orelse()
        return GO

    branch(test, first, second)
    here = frame.get()
    if "chosen" in here.missing:
        reason, _ = here.missing.pop("chosen")
        raise ControlFlowError(
            f"the value of a conditional expression, `and` or `or` depends on a traced condition: {reason}",
            why="the program that is recorded runs one way or the other; what comes after has one type either way",
            write="values of one shape and type: float(x), np.asarray(x, dtype=float)",
        )
    return chosen


def and_(x: Any, *rest: Callable[[], Any]) -> Any:
    """`x and y and ...`."""
    for k, y in enumerate(rest):
        if undecided(x):
            return choose(x, lambda k=k, y=y: and_(y(), *rest[k + 1 :]), lambda x=x: x)  # type: ignore[misc]
        if not x:
            return x
        x = y()
    return x


def or_(x: Any, *rest: Callable[[], Any]) -> Any:
    """`x or y or ...`."""
    for k, y in enumerate(rest):
        if undecided(x):
            return choose(x, lambda x=x: x, lambda k=k, y=y: or_(y(), *rest[k + 1 :]))  # type: ignore[misc]
        if x:
            return x
        x = y()
    return x


def not_(x: Any) -> Any:
    """`not x`."""
    return ew.logical_not(condition(x)) if undecided(x) else not x


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "is": operator.is_, "is not": operator.is_not,
    "in": lambda a, b: contains(b, a), "not in": lambda a, b: not_(contains(b, a)),
}  # fmt: skip


def compare(x: Any, *rest: Any) -> Any:
    """`x < y < z ...`: comparisons and what they compare with, in turn; each operand is evaluated once, if at all."""
    how, right, *more = rest
    y = right()
    found = _COMPARE[how](x, y)
    return and_(found, lambda: compare(y, *more)) if more else found


def differs(x: Any, y: Any) -> Any:
    """`x != y`, which is `not x == y` where a class of the user's says only what is equal."""
    by_equality = any(of_user(z, "__eq__") is not None for z in (x, y))
    if by_equality and all(of_user(z, "__ne__") is None for z in (x, y)):
        return not_(binary("eq", x, y))
    return binary("ne", x, y)


def contains(container: Any, x: Any) -> Any:
    """`x in container`."""
    if isinstance(container, list | tuple) and (undecided(x) or any(map(undecided, container))):
        return or_(False, *((lambda y=y: x is y or x == y) for y in container))
    if isinstance(container, Tracer) and (undecided(x) or undecided(container)):
        return np.any(container == x)
    if undecided(x) and of_user(container, "__contains__") is None:
        raise ControlFlowError(
            f"a traced value {x.type} is looked up in a {type(container).__name__}",
            why="what is looked up there must be known when the program is recorded",
            write="`x in (1, 2, 3)`, which compares; or an array and an index",
        )
    method = of_user(container, "__contains__")
    return x in container if method is None else called(method)(container, x)


def item(x: Any, index: Any) -> Any:
    """`x[index]`."""
    if isinstance(x, np.ndarray) and _traced(index) and x.dtype.kind in "biufc":
        x = traced_array(x)
    elif isinstance(x, Range):
        return x.at(index)
    elif isinstance(x, dict) and undecided(index):
        contains(x, index)
    return element(x, index)


def _traced(index: Any) -> bool:
    """Is there a tracer in an index expression?"""
    if isinstance(index, tuple):
        return any(map(_traced, index))
    if type(index) is slice:
        return isinstance(index.start, Tracer) or isinstance(index.stop, Tracer)
    return isinstance(index, Tracer)


def target(x: Any) -> Any:
    """`x` in `x[i] = v`: a plain array from outside cannot be changed in a branch or loop that is recorded."""
    if isinstance(x, np.ndarray) and isinstance(frame.get(), Region):
        raise ControlFlowError(
            "a plain array is assigned to in a branch or loop that depends on traced values",
            why="the branch or the body of the loop is recorded once, and runs as often as the values say",
            write="an array that is made in the function, with np.zeros(n), np.array(x) or x.copy()",
        )
    return x


def augmented(x: Any, index: Any, name: str, value: Callable[[], Any]) -> None:
    """`x[index] += value`. Where the index is a mask that is not known, x is changed everywhere, and chosen."""
    change = getattr(operator, name)
    x = target(x)
    if isinstance(x, Tracer) and undecided(index) and index.dtype == bool:
        _augmented_where(index, x, change, value())
        return
    old = x[index]
    x[index] = change(old, value())


def _augmented_where(mask: Any, x: Any, change: Callable[[Any, Any], Any], v: Any) -> None:
    """`x[mask] += v`; each row that the mask takes is changed by the same v, or it must be known how many there are."""
    inner = len(x.shape) - len(mask.shape)
    if np.ndim(v) <= inner and mask.shape == x.shape[: len(mask.shape)]:
        x[...] = np.where(mask.reshape(mask.shape + (1,) * inner), change(x.copy(), v), x)
    else:
        x[mask] = change(x[mask], v)


def shown(x: Any) -> Any:
    """A value in an f-string."""
    if undecided(x):
        raise not_text(x)
    return x


# errors --------------------------------------------------------------------------------------------------------------
def holds(test: Any, message: Callable[[], Any]) -> Any:
    """The condition of an `assert`: of traced values it is checked when the program runs."""
    if not undecided(test):
        return test
    said = message()
    check(condition(test), failure=failure_of(AssertionError() if said is None else AssertionError(said)))
    return True


def raised(error: Any) -> Any:
    """The error of a `raise`: under a traced condition it is raised when the program runs."""
    error = error() if isinstance(error, type) else error
    frame.get().explicit.append(error)
    return error


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """The body of a `try` with handlers."""
    here = frame.get()
    here.handling += 1
    try:
        yield
    finally:
        here.handling -= 1


def leaves(name: str, value: Any) -> Any:
    """What is assigned to a global variable."""
    if isinstance(value, Tracer) or isinstance(frame.get(), Region):
        raise ControlFlowError(
            f"the global variable {name!r} is assigned to"
            + (
                " a traced value"
                if isinstance(value, Tracer)
                else ", in a branch or loop that depends on traced values"
            ),
            why="the function is run once, to record its program; what it does besides is not part of that",
            write="return the value",
        )
    return value


rewrite_with(sys.modules[__name__])
