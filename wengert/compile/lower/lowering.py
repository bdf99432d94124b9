"""A program becomes a block: each equation in turn, by the function that its primitive has in this folder."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from ...core.program import Atom, Equation, Literal, Program, Var
from ...core.types import DYNAMIC, Shape
from ...errors import UnsupportedFunctionError
from ..loops.ir import (
    UNROLL,
    Axis,
    Block,
    Buffer,
    Const,
    Nest,
    Operand,
    Ref,
    Splat,
    Stmt,
    Value,
    View,
    row_major,
    size_of,
)

Rule = Callable[["Lowering", Equation], None]
Into = Callable[["Lowering", Equation, View], None]

RULES: dict[str, Rule] = {}
ADDING: dict[str, Into] = {}  # primitives whose result can be added to an array in place


def lowers(*names: str) -> Callable[[Rule], Rule]:
    """Declare the lowering of primitives: it assigns a value to each of the equation's outputs."""

    def declare(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = rule
        return rule

    return declare


def adds(*names: str) -> Callable[[Into], Into]:
    """Declare how the results of primitives are added to an array; alone, they are added to zeros."""

    def declare(rule: Into) -> Into:
        for name in names:
            ADDING[name] = rule
            RULES[name] = lambda low, eq: rule(low, eq, low.zeros(eq.outputs[0]))
        return rule

    return declare


OVERWRITING = {"set_slice", "clear_slice", "scatter_set", "scatter_clear"}  # write over their first operand


class Constants:
    """The arrays that a program closed over, and those that lowering made: buffers with their values, each once."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self.known: dict[int, Buffer] = {}
        self.kept: list[Any] = []  # so that the ids of arrays stay their own
        self.calls: list[Equation] = []  # what calls back into Python

    def buffer(self, array: Any) -> Buffer:
        """The buffer of an array."""
        found = self.known.get(id(array))
        if found is None:
            whole = np.ascontiguousarray(array)
            found = self.known[id(array)] = Buffer(whole.dtype, whole.size, "constant", len(self.arrays))
            self.arrays.append(whole)
            self.kept.append(array)
        return found

    def call_back(self, eq: Equation) -> int:
        """The number under which native code asks for this equation."""
        self.calls.append(eq)
        return len(self.calls) - 1


class Lowering:
    """The state of one program's lowering: where each variable is, and the nodes so far.

    owned: buffers that this program may write over when nobody needs their values any more.
    """

    def __init__(self, program: Program, constants: Constants) -> None:
        self.program, self.constants = program, constants
        self.nodes: list[Any] = []
        self.values: dict[Var, Value] = {}
        self.owned: set[Buffer] = set()
        self.users: dict[Buffer, set[Var]] = {}
        self.destinations: dict[Var, View] = {}
        self.deferred: dict[Var, Equation] = {}
        self.dead: Sequence[Var] = ()
        self.uses = Counter(a for eq in program.equations for a in eq.inputs if isinstance(a, Var))
        self.uses.update(a for a in program.outputs if isinstance(a, Var))
        self.equation: Equation | None = None
        self.memo: dict[Any, Any] = {}  # what rules remember, such as the factors of a matrix

    def run(self, inputs: Sequence[Value], destinations: Sequence[View | None] = ()) -> list[Value]:
        """Lower all equations. destinations: where results should be made if they can be, one for each output."""
        for var, value in zip(self.program.inputs, inputs, strict=True):
            self.assign(var, value)
        for var, array in self.program.constants:
            self.assign(var, self.constant(array))
        for atom, place in zip(self.program.outputs, destinations, strict=False):
            if isinstance(atom, Var) and place is not None:
                self.destinations.setdefault(atom, place)
        self.summed = summed_once(self.program, self.uses)
        self.pass_down_destinations()
        for eq, dead in zip(self.program.equations, self.program.last_uses(), strict=True):
            self.equation, self.dead = eq, dead
            if eq.outputs and eq.outputs[0] in self.summed and eq.primitive.name in ADDING:
                self.deferred[eq.outputs[0]] = eq
                continue
            self.lower(eq)
            for var in dead:
                self.forget(var)
        return [self.value(a) for a in self.program.outputs]

    def pass_down_destinations(self) -> None:
        """An array that is written over to make a result should itself be made where the result belongs."""
        for eq in reversed(self.program.equations):
            if not eq.outputs or eq.outputs[0] not in self.destinations:
                continue
            below = self.written_over(eq)
            if below is not None and self.uses[below] == 1 and below.type == eq.outputs[0].type:
                self.destinations.setdefault(below, self.destinations.pop(eq.outputs[0]))

    def written_over(self, eq: Equation) -> Var | None:
        """The operand whose memory becomes that of the result: of an assignment to elements, or of a sum in place."""
        below: Atom | None = eq.inputs[0] if eq.primitive.name in OVERWRITING else None
        if eq.primitive.name == "add":
            terms = [k for k, a in enumerate(eq.inputs) if a in self.summed and self.made_by(a) in ADDING]
            below = eq.inputs[1 - terms[-1]] if terms else None
        return below if isinstance(below, Var) and self.made_by(below) else None

    def made_by(self, atom: Atom) -> str | None:
        """The primitive that makes a variable; None for arguments and constants."""
        if self.makers is None:
            self.makers = {v: eq.primitive.name for eq in self.program.equations for v in eq.outputs}
        return self.makers.get(atom) if isinstance(atom, Var) else None

    makers: dict[Var, str] | None = None

    def lower(self, eq: Equation) -> None:
        """One equation, by its rule; what nobody has a rule for is a call back into NumPy."""
        usual = "elementwise" if eq.primitive.pointwise else "callback"
        rule = RULES.get(eq.primitive.name, RULES[usual]) if supported(eq) else RULES["callback"]
        try:
            rule(self, eq)
        except UnknownRows:
            raise rows_outside(eq) from None

    # values
    def value(self, atom: Atom) -> Value:
        """Where a variable or literal is."""
        if isinstance(atom, Literal):
            return Splat(atom.value, (), atom.type.dtype)
        if atom in self.deferred:
            eq, dead = self.deferred.pop(atom), self.dead
            self.dead = ()
            self.lower(eq)
            self.dead = dead
        return self.values[atom]

    def view(self, atom: Atom) -> View:
        """The same in memory."""
        found = self.value(atom)
        return found if isinstance(found, View) else self.filled(found.shape, found.dtype, found.value)

    def whole(self, atom: Atom) -> View:
        """The same as contiguous memory: what BLAS, LAPACK and NumPy take."""
        found = self.view(atom)
        return found if found.contiguous else self.copy(found)

    def assign(self, var: Var, value: Value) -> None:
        """This is where a variable is from now on."""
        self.values[var] = value
        if isinstance(value, View):
            self.users.setdefault(value.buffer, set()).add(var)

    def forget(self, var: Var) -> None:
        """Nobody needs a variable any more."""
        value = self.values.get(var)
        if isinstance(value, View):
            self.users[value.buffer].discard(var)

    def constant(self, array: Any) -> Value:
        """An array that is known now."""
        array = np.asarray(array)
        if array.ndim == 0:
            return Splat(array[()], (), array.dtype)
        if array.size and not any(array.strides):
            return Splat(array[(0,) * array.ndim], array.shape, array.dtype)
        return View(self.constants.buffer(array), array.shape, 0, row_major(array.shape))

    # memory
    def new(self, shape: Shape, dtype: Any) -> View:
        """Memory for an array."""
        buffer = Buffer(dtype, size_of(shape))
        buffer.shape = shape
        self.owned.add(buffer)
        return View(buffer, shape, 0, row_major(shape))

    def result(self, var: Var) -> View:
        """Memory for a variable: its place in the result, or new."""
        view = self.destinations.pop(var, None) or self.new(var.type.shape, var.type.dtype)
        self.owned.add(view.buffer)
        self.assign(var, view)
        return view

    def zeros(self, var: Var) -> View:
        """Memory for a variable, filled with zeros."""
        view = self.result(var)
        self.fill(view, view.dtype.type(0))
        return view

    def filled(self, shape: Shape, dtype: Any, value: Any) -> View:
        """New memory that holds one number."""
        view = self.new(shape, dtype)
        self.fill(view, value)
        return view

    def fill(self, view: View, value: Any) -> None:
        """Every element of a view becomes this number."""
        index = axes_of(view.shape)
        self.nest(index, view.ref(index), "copy", [Const(value)])

    def copy(self, value: Value, target: View | None = None) -> View:
        """A copy, in new memory or in this."""
        result = view = self.new(value.shape, value.dtype) if target is None else target
        if isinstance(value, View) and value.whole and view.contiguous and value.buffer.shape is not None:
            shape = value.buffer.shape  # in the order in which it was made: then one loop may do both
            value, view = (View(x.buffer, shape, x.const, row_major(shape), x.terms) for x in (value, view))
        index = axes_of(view.shape)
        self.nest(index, view.ref(index), "copy", [value.ref(index)])
        return result

    def reusable(self, atom: Atom) -> View | None:
        """The memory of an operand that may be written over: nobody but this equation needs its value."""
        if not isinstance(atom, Var) or atom not in self.dead:
            return None
        value = self.value(atom)
        if isinstance(value, View) and value.buffer in self.owned and self.users[value.buffer] <= {atom}:
            self.read_now(value.buffer)
            return value if value.whole or value.contiguous else None
        return None

    def read_now(self, buffer: Buffer) -> None:
        """What waits for the sum that it is added to, and reads a buffer that is written over now, waits no longer."""
        for var, eq in list(self.deferred.items()):
            places = [self.values.get(a) for a in eq.inputs if isinstance(a, Var)]
            if any(isinstance(x, View) and x.buffer is buffer for x in places):
                self.value(var)

    def share(self, a: Atom, b: Atom) -> bool:
        """Are two operands in the same memory?"""
        x, y = self.value(a), self.value(b)
        return isinstance(x, View) and isinstance(y, View) and x.buffer is y.buffer

    def overwritten(self, atom: Atom, var: Var, beside: Sequence[Atom] = ()) -> View:
        """The values of an operand in memory that may be written to, as the memory of a result.

        beside: what is read while it is written.
        """
        view = None if any(self.share(atom, a) for a in beside) else self.reusable(atom)
        if view is None:
            view = self.result(var)
            self.copy(self.value(atom), view)
        else:
            self.assign(var, view)
        return view

    # nodes
    def nest(
        self,
        index: Sequence[Axis | int],
        target: Ref,
        op: str,
        operands: Sequence[Operand],
        params: dict[str, Any] | None = None,
        accumulate: str | None = None,
    ) -> None:
        """One statement for all elements; nothing where there are none."""
        axes = [a for a in index if isinstance(a, Axis)]
        if any(type(a.extent) is int and a.extent == 0 for a in axes):
            return
        stmt = Stmt(target, op, operands, params=params, accumulate=accumulate, eq=self.equation)
        self.nodes.append(Nest(ordered(axes, stmt), stmt))


COPIES = 8  # of a statement that is written out around a vectorised axis
FAR = 2**16  # bytes from one element of a short axis to the next, beyond which it may stay outside
lanes_outside: ContextVar[bool] = ContextVar("wengert_lanes_outside", default=False)


def is_far(axis: Axis, stmt: Stmt) -> bool:
    """Does a short axis go from one large array, of those that a batch is made of, to the next?"""
    step = abs(stmt.target.coefficient(axis)) * stmt.target.buffer.dtype.itemsize
    return axis.small and type(axis.extent) is int and step >= FAR


def ordered(axes: Sequence[Axis], stmt: Stmt) -> list[Axis]:
    """Axes with the largest steps through memory first; short ones last, so that a longer one is vectorised.

    Short axes stay outside of a last axis that fills a vector if they are many, and would make many copies; and where
    `lanes_outside` says that those of large arrays do.
    """
    if lanes_outside.get():
        for a in axes:
            a.small = a.small and not is_far(a, stmt)
    refs = [stmt.target, *(x for x in stmt.operands if type(x) is Ref)]
    weight = {a: sum(abs(r.coefficient(a)) for r in refs) for a in axes}
    natural = sorted(axes, key=lambda a: -weight[a])
    if natural and type(natural[-1].extent) is int and natural[-1].extent >= UNROLL:
        copies = math.prod(a.extent for a in natural[:-1] if a.small and stmt.target.coefficient(a))
        if natural[-1].small or copies > COPIES:
            natural[-1].small = False
            return sorted(natural, key=lambda a: a.small and not stmt.target.coefficient(a))
    return sorted(natural, key=lambda a: a.small)


def axes_of(shape: Sequence[int]) -> list[Axis | int]:
    """An index over all elements: an axis for each length but 1."""
    if DYNAMIC in shape:
        raise UnknownRows
    return [0 if n == 1 else Axis(n) for n in shape]


def summed_once(program: Program, uses: Counter[Var]) -> set[Var]:
    """The variables that are used once, as a term of a sum of arrays of one type."""
    found: set[Var] = set()
    for eq in program.equations:
        if eq.primitive.name == "add" and eq.inputs[0].type == eq.inputs[1].type:
            found.update(a for a in eq.inputs if isinstance(a, Var) and uses[a] == 1)
    return found


class UnknownRows(Exception):
    """Elements are asked for of an array whose number of rows is known only when the program runs."""


def rows_outside(eq: Equation) -> UnsupportedFunctionError:
    """Rows of a loop of unknown length are read by loops alone."""
    return UnsupportedFunctionError(
        f"{eq.primitive.name} of what a loop of unknown length has kept for its derivative",
        why="several derivatives in reverse mode, one of another, share it; compiled, only loops read such rows",
        write="wg.hvp, or forward mode (wg.jacfwd), for one of the derivatives; a bounded loop; or no wg.jit",
        where=eq.source,
    )


def lower_program(
    program: Program,
    constants: Constants,
    inputs: Sequence[Value],
    destinations: Sequence[View | None] = (),
    owned: Sequence[Buffer] = (),
) -> tuple[Block, list[Value]]:
    """The block that computes a program, and where its results are."""
    low = Lowering(program, constants)
    low.owned.update(owned)
    results = low.run(inputs, destinations)
    return Block(low.nodes), results


NATIVE = {"float64", "float32", "complex128", "complex64", "bool"}


@functools.cache
def native(dtype: np.dtype[Any]) -> bool:
    """Has this dtype native arithmetic?"""
    return dtype.kind in "iu" or dtype.name in NATIVE


def supported(eq: Equation) -> bool:
    """Have all operands and results dtypes that are computed with natively?"""
    return all(native(a.type.dtype) for a in (*eq.inputs, *eq.outputs))
