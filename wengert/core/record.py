"""Recording: a Python function, run on tracers, becomes a Program; beside real values, or on types alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..errors import AbstractValueError, BranchChangedError, user_source
from .check import check
from .primitive import Constant, Primitive
from .program import Atom, Equation, Literal, Program, Var
from .trace import CONSTANT, Trace, Tracer, concrete, keep_sources, recording, setting
from .types import ArrayType, type_of

# Is every recorded program checked against the grammar? Set by wg.debug.checks().
checking: ContextVar[bool] = ContextVar("wengert_checking", default=False)


LARGE = 1000  # elements: where a program is recorded on types, more are not computed, even if they could be


class ProgramTrace(Trace):
    """Writes down each primitive as an equation.

    A tracer's value is the real value beside which the function runs, or an ArrayType where only the type is
    known; its data is the variable.
    """

    __slots__ = ("abstract", "captor", "concretely", "constants", "equations", "kept", "outer", "quiet")
    name = "trace"

    def __init__(self, concretely: bool = False, abstract: bool = False) -> None:
        super().__init__()
        self.concretely, self.abstract = concretely, abstract
        self.outer = recording.get()
        # What also records operations on nothing but values from outside: a branch, which may not be taken.
        self.captor: ProgramTrace | None = self.outer.captor if self.outer is not None else None
        self.quiet = False
        self.equations: list[Equation] = []
        self.constants: dict[Any, tuple[Var, Any]] = {}
        self.kept: list[Any] = []

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute the value (or only the type) below, and write the equation."""
        atoms = [self.atom(a) for a in args]
        values = [a.value if isinstance(a, Tracer) and a.traced_by is self else a for a in args]
        if self.concretely:
            values = [concrete(v) for v in values]
        typed = any(isinstance(v, ArrayType) for v in values)
        if self.abstract and not typed:
            typed = primitive.effect or self.captor is self or is_large(primitive, values, params)
        if typed:
            outs = primitive.type_rule(*map(full_type, values), **params)
        elif primitive.effect:
            with setting(recording, self.outer):
                outs = primitive(*values, **params)
        else:
            outs = primitive(*values, **params)
        results = outs if primitive.multiple else [outs]
        tracers = [Tracer(self, y, Var(type_of(y))) for y in results]
        self.equations.append(Equation(primitive, atoms, params, [t.data for t in tracers], user_source()))
        return tracers if primitive.multiple else tracers[0]

    def atom(self, value: Any) -> Atom:
        """The variable or literal for an argument; arrays from outside become constants of the program."""
        if isinstance(value, Tracer):
            if value.alias is not None:
                value.alias.refresh(value)
            if value.traced_by is self:
                return value.data  # type: ignore[no-any-return]
            if value.traced_by is not CONSTANT:
                return self.foreign((id(value), id(value.value), id(value.data)), value, value.snapshot)
            value = value.value
        if isinstance(value, np.ndarray) and value.ndim:
            return self.foreign(id(value), value, lambda: frozen(value))
        return Literal(value[()] if isinstance(value, np.ndarray) else value)

    def foreign(self, key: Any, value: Any, hold: Callable[[], Any]) -> Var:
        """The constant for a value from outside: one variable, as long as the value stays what it was."""
        known = self.constants.get(key)
        if known is not None and (isinstance(value, Tracer) or unchanged(known[1], value)):
            return known[0]
        if known is not None:
            key = object()
        self.kept.append(value)  # so that its id stays its own
        self.constants[key] = (Var(full_type(value)), hold())
        return self.constants[key][0]

    def concretize(self, tracer: Tracer, convert: Callable[[Any], Any]) -> Any:
        """A Python decision on a traced value: taken on the real value, and written down as an assumption."""
        if isinstance(tracer.value, ArrayType):
            raise abstract_value(tracer)
        decided = convert(tracer.value)
        self.equations.append(Equation(assume, [tracer.data], {"value": decided}, [], user_source()))
        return decided

    def follows(self, tracer: Tracer) -> bool:
        """All but the results of primitives without derivative (floor, stop_gradient): those are decisions."""
        made = next((eq for eq in reversed(self.equations) if tracer.data in eq.outputs), None)
        return made is None or not isinstance(made.primitive.kind, Constant)

    def literal(self, value: Any) -> Tracer:
        """A number that the derivative brings in, as a literal, so that arrays made of it are equations."""
        return Tracer(self, value, Literal(value))


def is_large(primitive: Primitive, values: list[Any], params: dict[str, Any]) -> bool:
    """Are the results of numbers that a derivative brings in so large that only their types should be known?"""
    outs = primitive.type_rule(*map(full_type, values), **params)
    return any(t.size > LARGE for t in (outs if primitive.multiple else [outs]))


def full_type(x: Any) -> ArrayType:
    """The type of a value, weak for a Python number, traced or not."""
    value = concrete(x)
    if isinstance(x, Tracer) and isinstance(value, ArrayType) and value.weak:
        return ArrayType(x.shape, x.dtype, weak=True)
    return type_of(x)


def hush(values: Sequence[Any]) -> None:
    """What is recorded of these values also computes what nobody asked for: its program shall run without warnings."""
    for value in values:
        while isinstance(value, Tracer):
            if isinstance(value.traced_by, ProgramTrace):
                value.traced_by.quiet = True
            value = value.value


def frozen(array: Any) -> Any:
    """A copy that nobody can assign to, in this machine's order of bytes; what is both already is kept as it is."""
    if array.flags.writeable or not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
        array.flags.writeable = False
    return array


def unchanged(held: Any, array: Any) -> bool:
    """Does an array still hold what it held when it was first used?"""
    return held is array or bool((held == array).all())


def abstract_value(tracer: Tracer) -> AbstractValueError:
    """The error for a decision on a value of which only the type is known."""
    return AbstractValueError(
        f"a Python decision (if, while, and, range, an index) needs the value of an array known only as {tracer.type}",
        why="the function is run on types alone here, so that one program serves all values",
        write="use wg.cond, wg.while_loop, wg.fori_loop or wg.numpy.where, or run beside real values "
        "(wg.trace(f)(*arrays), wg.grad(f)), where Python control flow on data just works; a number that a shape needs "
        "(np.zeros(n), x[:n]) is a static argument: wg.jit(f, static_argnums=0)",
    )


def record(
    f: Callable[..., Sequence[Any]],
    args: Sequence[Any],
    name: str = "program",
    owner: Any = None,
    concretely: bool = False,
) -> Program:
    """Run a flat function on tracers and return its program. ArrayTypes among args stand for unknown values.

    concretely: tracers that the function closes over are seen as the arrays beneath them, so that nothing is followed
    but by this trace.
    """
    trace = ProgramTrace(concretely, abstract=any(isinstance(a, ArrayType) for a in args))
    trace.owner = owner
    with trace, setting(keep_sources, True), setting(recording, trace):
        tracers = [Tracer(trace, a, Var(type_of(a))) for a in args]
        inputs = [t.data for t in tracers]
        outs = [trace.atom(y) for y in f(*tracers)]
    constants = list(trace.constants.values())
    program = prune(Program(inputs, constants, trace.equations, outs, name=name, quiet=trace.quiet))
    return check(program) if checking.get() else program


def prune(program: Program) -> Program:
    """Drop the equations (and constants) whose results nobody uses; effects stay."""
    needed = {a for a in program.outputs if isinstance(a, Var)}
    kept = []
    for eq in reversed(program.equations):
        if eq.effect or any(v in needed for v in eq.outputs):
            if eq.primitive.narrow is not None and not all(v in needed for v in eq.outputs):
                eq = narrowed(eq, [v in needed for v in eq.outputs])
            kept.append(eq)
            needed.update(a for a in eq.inputs if isinstance(a, Var))
    constants = [(v, x) for v, x in program.constants if v in needed]
    return Program(
        program.inputs,
        constants,
        kept[::-1],
        program.outputs,
        program.in_tree,
        program.out_tree,
        program.name,
        program.quiet,
    )


def narrowed(eq: Equation, used: Sequence[bool]) -> Equation:
    """An equation that runs a program, without the results that nobody uses and what only they need."""
    assert eq.primitive.narrow is not None
    params, ins, outs = eq.primitive.narrow(used, **eq.params)
    inputs, outputs = (
        [a for a, on in zip(atoms, mask, strict=True) if on] for atoms, mask in ((eq.inputs, ins), (eq.outputs, outs))
    )
    return Equation(eq.primitive, inputs, params, outputs, eq.source)  # type: ignore[arg-type]


def _assume(x: Any, *, value: Any) -> list[Any]:
    found = type(value)(x) if np.ndim(x) == 0 else None
    if found != value:
        raise BranchChangedError(
            f"this program was recorded where a Python decision saw {value!r}; here it sees {found!r}",
            why="Python's own `if`, `while` and `range` are decided while a program is recorded, so it holds only the "
            "branch that was taken",
            write="record it again at this point with wg.trace(f)(*args), or write the decision with wg.cond or "
            "wg.while_loop, which keep both branches",
        )
    return []


def _batch_assume(size: int, batched: list[bool], x: Any, *, value: Any) -> tuple[list[Any], list[bool]]:
    for lane in range(size):
        assume(x[lane], value=value)
    return [], []


assume = Primitive(
    "assume",
    _assume,
    Constant(),
    type_rule=lambda x, value: [],
    batch=_batch_assume,
    multiple=True,
    effect=True,
)
