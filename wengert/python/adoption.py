"""adopt: a function whose control flow on traced values becomes part of the program that is recorded of it."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from ..core.call import adopting, name_of
from ..core.provided import provide
from ..core.trace import setting, tracing
from ..core.tree import flatten
from ..errors import ControlFlowError, Source, UndefinedVariableError, last_line
from . import higher, operators
from .calls import called
from .region import OUTSIDE, Frame, frame, staging
from .statements import VALUE
from .values import undecided

Function = Callable[..., Any]
_ = higher, operators  # what rewritten functions call


@provide
def adopt(fun: Function) -> Function:
    """The same function, in which Python's control flow on traced values becomes branches and loops of the program."""
    if hasattr(fun, "__wengert_adopted__"):
        return fun

    @functools.wraps(fun)
    def adopted(*args: Any, **kwargs: Any) -> Any:
        if not tracing():
            return fun(*args, **kwargs)
        if inspect.isgeneratorfunction(fun) or inspect.iscoroutinefunction(fun):
            raise ControlFlowError(
                f"{name_of(fun)} is a generator or a coroutine",
                why="it runs piece by piece, when its values are asked for; a program runs as a whole",
                write="a function that returns its values, in an array or a tuple",
            )
        on_types = staging.get() or any(map(undecided, flatten((args, kwargs))[0]))
        outer = frame.get()
        mine = Frame() if outer is OUTSIDE else outer
        with setting(adopting, True), setting(staging, on_types), setting(frame, mine):
            try:
                return called(fun)(*args, **kwargs)
            except NameError as error:
                ours = _explained(error, mine)
                if ours is None:
                    raise
                raise ours from None
            except RecursionError as error:
                raise ControlFlowError(
                    f"{name_of(fun)} calls itself without end",
                    why="a recursion must end by values that are known when the program is recorded; of a traced "
                    "condition both sides are",
                    write="a `while` loop, with a stack in an array where one is needed",
                ) from error

    adopted.__wengert_adopted__ = True  # type: ignore[attr-defined]
    return adopted


def _explained(error: NameError, here: Frame) -> UndefinedVariableError | None:
    """Our error in the place of Python's, where a branch or a loop left a variable without a value."""
    named = re.search(r"'(\w+)'", str(error))
    name = named[1] if named else ""
    if name not in here.missing:
        return None
    reason, where = here.missing[name]
    if name == VALUE:
        return UndefinedVariableError(
            f"a function returns something else on different paths: {reason}",
            why="the program that is recorded runs one way or the other; what it returns has one type either way",
            write="return values of one structure, shape and type on every path, also at the end of the function",
            where=where,
        )
    line = last_line(error.__traceback__)
    return UndefinedVariableError(
        f"the variable {name!r} is read, but after the branch or loop"
        + (f" on line {where.line}" if where is not None else "")
        + f" {reason}",
        why="the program that is recorded runs one way or the other; a variable must have one type either way",
        write=f"give {name!r} a value of the same shape and type on every path, or before the branch or loop",
        where=Source(*line, "") if line is not None else None,
    )
