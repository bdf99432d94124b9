"""Every exception and warning: what happened, where in the user's file, why, and what to write instead."""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from collections.abc import Sequence
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any, NamedTuple


class Source(NamedTuple):
    """A line of the user's program. derivation: how a derived equation came from it, the last step first."""

    file: str
    line: int
    function: str
    derivation: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The source line itself, stripped; empty where the source is not available."""
        text = linecache.getline(self.file, self.line).strip()
        return text if len(text) <= 100 else text[:97] + "..."

    @property
    def note(self) -> str:
        """`adjoint of mul in tangent of exp` for a derived equation, empty for one of the user's own."""
        return " in ".join(self.derivation)

    def derive(self, step: str) -> Source:
        """The same line, for an equation that is derived in one more step."""
        return self._replace(derivation=(step, *self.derivation))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


# The user's line of what is computed now, where it is not the line that runs: that of the equation which a tape or a
# program is evaluating. What is derived from the equation, or goes wrong in it, is there.
line: ContextVar[Source | None] = ContextVar("wengert_line", default=None)

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("numpy", "optree", "scipy"))
_STDLIB = os.path.dirname(os.__file__) + os.sep


def is_ours(filename: str) -> bool:
    """Does this frame belong to the library, to what it stands on or to what it writes, rather than to the user?"""
    if filename.startswith((_HERE, "<program ", "<frozen ")):
        return True
    if "-packages" in filename:  # site-packages, dist-packages
        return any(name in filename for name in _LIBRARIES)
    return filename.startswith(_STDLIB)


_ours: dict[str, bool] = {}


def user_source(depth: int = 1) -> Source | None:
    """The line of the equation that is evaluated, else the innermost on the stack that is not the library's own."""
    known = line.get()
    if known is not None:
        return known
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        filename = frame.f_code.co_filename
        ours = _ours.get(filename)
        if ours is None:
            ours = _ours[filename] = is_ours(filename)
        if not ours:
            return Source(filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None


class WengertError(Exception):
    """Base of all our exceptions.

    what:  one sentence, what happened
    where: the user's file and line (found on the stack unless given)
    why:   the reason it cannot work
    write: what to write instead
    """

    def __init__(self, what: str, *, why: str = "", write: str = "", where: Source | None = None) -> None:
        self.what, self.why, self.write = what, why, write
        self.where = where if where is not None else user_source(2)
        super().__init__(self._message())
        _latest.set((type(self), what, why, write, self.where) if self.where is not None else None)

    def _message(self) -> str:
        return told(self.what, self.where, self.why, self.write)


def told(what: str, where: Source | None, why: str, write: str) -> str:
    """The four parts of a message, a line each."""
    lines = [what]
    if where is not None:
        note = f" ({where.note})" if where.note else ""
        lines.append(f"  where: {where}{note}" + (f"    {where.text}" if where.text else ""))
    if why:
        lines.append(f"  why:   {why}")
    if write:
        lines.append(f"  write: {write}")
    return "\n".join(lines)


# What the last of our errors said; and how errors begin with which their callers replaced it, without naming it.
_latest: ContextVar[tuple[Any, ...] | None] = ContextVar("wengert_latest_error", default=None)
_SWALLOW = ("Error setting single item of array", "required argument is not a float", "expected a sequence of integers")


def clearer(error: BaseException) -> WengertError | None:
    """Our error where NumPy or Python put one of theirs in its place, or speak of a class Tracer; else None.

    `a[0] = t` on a plain array calls float(t), which raises our error; NumPy makes "setting an array element with a
    sequence" of it. So it does in np.fromiter; and a.flat[0] = t, np.zeros(t), struct.pack do not even name ours.
    """
    if type(error).__module__ not in ("builtins", "struct"):
        return None
    if isinstance(error, KeyError) and error.args and str(error).startswith("Tracer<"):
        return looked_up(error)
    line = last_line(error.__traceback__)
    cause, said = error.__cause__, _latest.get()
    if isinstance(cause, WengertError) and cause.where is not None and line == (cause.where.file, cause.where.line):
        return cause
    if said is not None and str(error).startswith(_SWALLOW) and line == (said[-1].file, said[-1].line):
        kind, what, why, write, where = said
        return kind(what, why=why, write=write, where=where)
    if type(error) in (TypeError, ValueError) and "Tracer" in str(error):
        return UnsupportedFunctionError(
            f"traced values are not known here: {error}",
            why="while a function is differentiated its arrays are traced values, of the class Tracer; they go where "
            "arrays go: into operators, indices and NumPy's functions, but not into other programs",
            write="keep the operation out of the differentiated function (has_aux=True returns extra results), or give "
            "it wg.stop_gradient(t) where its derivative is not wanted",
            where=Source(*line, "") if line is not None else None,
        )
    return None


def looked_up(error: KeyError) -> WengertError:
    """The error for a traced value as the key of a dict, in which it was not found."""
    line = last_line(error.__traceback__)
    return ControlFlowError(
        "a traced value was looked up in a dict",
        why="traced values are found by what they are, not by what they are equal to",
        write="an array and an index: values[i]; or a plain key, known before the function is traced",
        where=Source(*line, "") if line is not None else None,
    )


def last_line(traceback: TracebackType | None) -> tuple[str, int] | None:
    """The user's innermost line of a traceback."""
    found = None
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if not is_ours(filename):
            found = filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return found


class NonDifferentiableInputError(WengertError, TypeError):
    """An argument to differentiate is of a type that has no derivative: integer, boolean, text, object."""


class NonScalarOutputError(WengertError, TypeError):
    """grad was asked of a function whose result is not one real number."""


class TangentMismatchError(WengertError, TypeError, ValueError):
    """A tangent (or adjoint) has another shape, dtype or structure than the value it belongs to."""


class StructureError(WengertError, TypeError, ValueError):
    """Two structures (pytrees) that must be alike are not."""


class ConcretizationError(WengertError, TypeError):
    """A traced value was turned into a plain number or array, which would lose its derivative."""


class AbstractValueError(ConcretizationError):
    """A decision (`if`, `while`, an index) needs the value of an array of which only the type is known."""


class LeakedTracerError(WengertError, RuntimeError):
    """A traced value was kept after the transformation that made it had ended."""


class ClosureError(WengertError, TypeError):
    """A function with a derivative rule of its own closes over a value that is being differentiated."""


class UnsupportedFunctionError(WengertError, NotImplementedError, TypeError):
    """A NumPy function, or an argument of one, for which we have no derivative."""


class NoExpressionError(WengertError, NotImplementedError, TypeError):
    """A program cannot be written as a mathematical expression: it has a loop, or one without a closed form."""


class MissingPackageError(WengertError, ImportError):
    """An optional package is needed that is not installed."""


class BranchChangedError(WengertError, RuntimeError):
    """A recorded program was evaluated where its Python control flow would have gone another way."""


class ControlFlowError(WengertError, TypeError):
    """Python's control flow on traced values that cannot become part of a program: what it does, and what to write."""


class UndefinedVariableError(WengertError, NameError):
    """A variable is read that has no value in every run: it was set in one branch only, or in a loop."""


class MissingAttributeError(WengertError, AttributeError):
    """A traced array has no such attribute: arrays have none, or it belongs to their memory."""


class AssertionFailedError(WengertError, AssertionError):
    """An `assert` on traced values failed when the program ran."""


class ProgramError(WengertError, AssertionError):
    """A program breaks the grammar of programs."""


class NonLinearError(WengertError, TypeError):
    """A derivative rule is not linear in its tangents."""


class ShapeError(WengertError, TypeError, ValueError):
    """Shapes or dtypes of operands do not fit together."""


class ArgumentError(WengertError, TypeError, ValueError):
    """An option has a value that it cannot have, or one that does not go with the others."""


class SingularPointError(WengertError, ArithmeticError):
    """A derivative was asked where the function is not differentiable and no convention gives a value."""


class NotASolutionError(WengertError, ArithmeticError):
    """What a solver returned does not solve its equations, or it found nothing."""


class NonFiniteError(WengertError, FloatingPointError):
    """A NaN or an infinity was found by wg.debug.nans().

    primitive: what it came out of (None where it was given); direction: "forward", "tangent" or "backward"; indices: of
    the elements that are not finite.
    """

    primitive: Any = None
    direction: str = ""
    indices: Sequence[tuple[int, ...]] = ()


class MemoryLimitError(WengertError, MemoryError):
    """A compiled program would need more memory than it may take."""


class GradientCheckError(WengertError, AssertionError):
    """check_grads found a derivative that does not agree with differences of the function."""


# warnings --------------------------------------------------------------------------------------------------------
class WengertWarning(UserWarning):
    """Base of all our warnings: results that are right for what was asked, and perhaps not what was meant."""


class InaccurateSolutionWarning(WengertWarning):
    """What a solver returned solves its equations only roughly; derivatives are as rough."""


class IllConditionedWarning(WengertWarning):
    """A linear system is so near to a singular one that half of the digits of its solution are lost, or more."""


class DegenerateSolutionWarning(WengertWarning):
    """A constraint is met at a minimum without being needed there: the derivative exists to one side only."""


_shown: dict[Any, Any] = {}  # what was said at which line, for Python's filters that say it once


def warn(kind: type[WengertWarning], what: str, *, why: str, write: str) -> None:
    """Warn, at the user's line: filters of `warnings` see its file and number."""
    where = user_source(2)
    file, number = ("<unknown>", 0) if where is None else (where.file, where.line)
    warnings.warn_explicit(told(what, where, why, write), kind, file, number, registry=_shown)
