"""A program under construction: each equation is simplified when it is added, and nothing is computed twice.

Equations arrive in order, so that what an equation reads has its final form: one pass is enough. `RULES` holds the
rules by primitive; a rule answers with an atom that has the same value, or with None. It makes new equations by
`builder.make`, which applies the rules to them in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.record import assume
from ..core.types import DYNAMIC, ArrayType, Shape
from ..errors import Source
from ..primitives import contract, index, join, reduce, shape
from ..primitives import discrete as dc
from ..primitives import elementwise as ew
from ..primitives.program_call import checkpoint
from ..primitives.shape import broadcast_to

SMALL = 16  # elements up to which an array is computed here rather than by the program
_SHORT = 4096  # bytes up to which constants of equal content are found to be equal

_REAL = (float, np.float64, np.float32)

Rule = Callable[..., Any]


class Claim:
    """What a rewrite promises of the new value beside the old one."""

    EXACT = "the same bits (of a NaN: a NaN)"
    EQUAL = "the same number: a zero may have the other sign"
    ROUNDED = "the same up to rounding, in a different order of operations"


class Rewrite:
    """One line of the table: a rule, for which primitives, what it promises, and why that holds."""

    __slots__ = ("claim", "name", "primitives", "rule", "why")

    def __init__(self, primitives: tuple[Primitive, ...], claim: str, why: str, rule: Rule) -> None:
        self.primitives, self.claim, self.why, self.rule, self.name = primitives, claim, why, rule, rule.__name__


TABLE: list[Rewrite] = []
RULES: dict[Primitive, list[Rule]] = {}


def rewrite(*primitives: Primitive, claim: str, why: str) -> Callable[[Rule], Rule]:
    """Add a rule to the table: `rule(builder, y, *inputs, **params) -> atom or None`, where y is the result's type."""

    def add(rule: Rule) -> Rule:
        TABLE.append(Rewrite(primitives, claim, why, rule))
        for p in primitives:
            RULES.setdefault(p, []).append(rule)
        return rule

    return add


COMMUTATIVE = frozenset(
    (ew.add, ew.mul, dc.equal, dc.not_equal, dc.logical_and, dc.logical_or, dc.logical_xor, dc.bitwise_and)
    + (dc.bitwise_or, dc.bitwise_xor)
)


# What is computed here where its operands are known: what NumPy computes at once, and loads nothing for.
FOLDED = frozenset(
    p
    for module in (ew, dc, shape, index, join, reduce, contract)
    for p in vars(module).values()
    if type(p) is Primitive
) - {shape.broadcast_to, ew.bessel_i, ew.i0}


class Builder:
    """The equations so far, and what is known of their variables."""

    __slots__ = ("checkpointed", "constants", "equations", "facts", "known", "literals", "made", "source", "values")

    def __init__(self) -> None:
        self.equations: list[Equation] = []
        self.made: dict[Atom, Equation] = {}  # variable -> the equation that assigns it
        self.known: dict[Any, Any] = {}  # (primitive, inputs, params) -> what was assigned
        self.literals: dict[Any, Literal] = {}
        self.values: dict[Atom, Any] = {}  # literals and small constants
        self.constants: dict[Var, Any] = {}
        self.facts: dict[Atom, int] = {}  # see facts.py
        self.checkpointed: Counter[Atom] = Counter()  # how many checkpoints read a variable, in the program it is from
        self.source: Source | None = None

    # atoms -------------------------------------------------------------------------------------------------------
    def literal(self, value: Any) -> Literal:
        """The one literal of this value; +0 and -0, 1 and 1.0 and True are different ones."""
        kind = value.__class__
        key = (
            (kind, value) if kind is int or (value and value == value and kind is not complex) else (kind, repr(value))
        )
        try:
            return self.literals[key]
        except KeyError:
            made = self.literals[key] = Literal(value)
            self.values[made] = value
            return made

    def constant(self, value: Any) -> Atom:
        """The atom for a value that is known now: a literal, an array filled with one number, or a constant."""
        if not isinstance(value, np.ndarray):
            return self.literal(value)
        if not value.ndim:
            return self.literal(value[()])
        return self.new_constant(Var(ArrayType(value.shape, value.dtype)), value)

    def new_constant(self, var: Var, value: Any) -> Atom:
        """The atom for a constant of a program, which may be known under another name."""
        if value.size and is_uniform(value):
            return self.make(broadcast_to, self.literal(value.flat[0]), shape=value.shape)
        if value.nbytes <= _SHORT:
            key = (value.shape, value.dtype.str, value.tobytes())
            if key in self.known:
                return self.known[key]
            self.known[key] = var
        self.constants[var] = value
        if value.size <= SMALL:
            self.values[var] = value
        return var

    def splat(self, x: Atom) -> Literal | None:
        """The number that an array is filled with."""
        eq = self.made.get(x)
        if eq is None or eq.primitive is not broadcast_to or type(eq.inputs[0]) is not Literal:
            return None
        return eq.inputs[0]

    def filled(self, number: Atom, shape: Shape) -> Atom | None:
        """An array of this shape filled with a number; None where its length is known only when the program runs."""
        if DYNAMIC in shape:
            return None
        return self.make(broadcast_to, number, shape=shape) if shape else number

    def maker(self, atom: Atom, primitive: Primitive) -> Equation | None:
        """The equation that made this atom, if it applies this primitive."""
        eq = self.made.get(atom)
        return eq if eq is not None and eq.primitive is primitive else None

    # equations ---------------------------------------------------------------------------------------------------
    def make(self, primitive: Primitive, *inputs: Atom, **params: Any) -> Atom:
        """The atom for primitive(*inputs) with one result: known, simplified, or by a new equation."""
        y = primitive.type_rule(*[a.type for a in inputs], **params)
        return self.add(primitive, inputs, params, y, None)

    def add(
        self, primitive: Primitive, inputs: tuple[Atom, ...], params: dict[str, Any], y: ArrayType, eq: Equation | None
    ) -> Atom:
        """The same. eq: an equation that may be used as it is where nothing has changed, and whose variable may be."""
        for a in inputs:
            if a not in self.values:
                break
        else:
            if inputs and primitive in FOLDED and (found := self.folded(primitive, inputs, params, y)):
                return found
        if primitive.pointwise and (found := POINTWISE[0](self, primitive, y, inputs, params)) is not None:
            return found
        for rule in RULES.get(primitive, ()):
            found = rule(self, y, *inputs, **params)
            if found is not None and found.type.weak == y.weak and found.type == y:
                return found
        key = key_of(primitive, inputs, params)
        try:
            return self.known[key]
        except KeyError:
            pass
        except TypeError:  # a param that is not hashable
            key = None
        if eq is None or eq.primitive is not primitive or eq.inputs != inputs or eq.params is not params:
            outputs = (Var(y),) if eq is None else eq.outputs
            eq = Equation(primitive, inputs, params, outputs, self.source)
        var = eq.outputs[0]
        self.equations.append(eq)
        self.made[var] = eq
        if key is not None:
            self.known[key] = var
        fact = FACTS.get(primitive)
        if fact is not None and (bits := fact(self, *inputs, **params)):
            self.facts[var] = bits
        return var

    def folded(self, primitive: Primitive, inputs: Sequence[Atom], params: dict[str, Any], y: ArrayType) -> Atom | None:
        """The value of an equation of known values, where it is small and can be computed."""
        if y.size > SMALL or DYNAMIC in y.shape:
            return None
        try:
            with np.errstate(all="ignore"):
                value = primitive.impl(*[self.values[a] for a in inputs], **params)
        except Exception:
            return None  # what goes wrong goes wrong when the program runs, at its own line
        if not isinstance(value, np.ndarray | np.generic | int | float | complex):
            return None
        if isinstance(value, np.ndarray) and value.ndim:
            value = np.array(value)
            value.flags.writeable = False
        atom = self.constant(value)
        return atom if atom.type == y and atom.type.weak == y.weak else None

    def append(self, eq: Equation) -> None:
        """Add an equation as it is: one with several results, or none."""
        self.equations.append(eq)
        for v in eq.outputs:
            self.made[v] = eq

    # programs ----------------------------------------------------------------------------------------------------
    def add_program(self, program: Program, env: dict[Atom, Atom], again: bool = False) -> list[Atom]:
        """Add a program's equations; returns the atoms of its results. env: those of its inputs. again: renamed."""
        for var, value in program.constants:
            env[var] = self.new_constant(Var(var.type) if again else var, value)
        source = self.source
        for eq in program.equations:
            if eq.primitive is checkpoint:
                self.checkpointed.update({a for a in eq.inputs if type(a) is Var})
        for eq in program.equations:
            inputs = tuple([self.literal(a.value) if type(a) is Literal else env[a] for a in eq.inputs])
            self.source = eq.source
            if len(eq.outputs) == 1 and not eq.primitive.multiple:
                out = eq.outputs[0]
                env[out] = self.add(eq.primitive, inputs, eq.params, out.type, None if again else eq)
            else:
                names = eq.outputs
                if again:
                    eq = Equation(eq.primitive, eq.inputs, eq.params, [Var(v.type) for v in names], eq.source)
                env.update(zip(names, self.add_multiple(eq, inputs), strict=True))
        self.source = source
        return [self.literal(a.value) if type(a) is Literal else env[a] for a in program.outputs]

    def add_multiple(self, eq: Equation, inputs: tuple[Atom, ...]) -> Sequence[Atom]:
        """Add an equation with any number of results: a loop, a branch, a call, a factorisation, an effect."""
        rule = CALLS.get(eq.primitive)
        if rule is not None and (found := rule(self, eq, inputs)) is not None:
            return found
        if inputs != eq.inputs:
            eq = Equation(eq.primitive, inputs, eq.params, eq.outputs, eq.source)
        return self.once(eq)

    def once(self, eq: Equation) -> Sequence[Atom]:
        """Add an equation, unless there is one like it; effects are kept, and what a checkpoint computes again."""
        if eq.primitive is checkpoint or (has_effect(eq) and eq.primitive is not assume):
            self.append(eq)
            return eq.outputs
        key = key_of(eq.primitive, eq.inputs, eq.params)
        try:
            if key in self.known:
                return self.known[key]
            self.known[key] = eq.outputs
        except TypeError:  # a param that is not hashable
            pass
        self.append(eq)
        return eq.outputs


CALLS: dict[Primitive, Rule] = {}  # for what runs programs, `rule(builder, equation, inputs)`
POINTWISE: list[Rule] = []  # the rule for all elementwise primitives, from views.py
FACTS: dict[Primitive, Callable[..., int]] = {}  # filled by facts.py


def has_effect(eq: Equation) -> bool:
    """Is an equation there for what it does, or a program that it runs?"""
    return eq.primitive.effect or (eq.primitive.flows is not None and eq.effect)


def key_of(primitive: Primitive, inputs: tuple[Atom, ...], params: dict[str, Any]) -> Any:
    """Equal for equations that compute the same."""
    if primitive in COMMUTATIVE and id(inputs[0]) > id(inputs[1]):
        inputs = inputs[::-1]
    return (primitive, inputs, *params.items()) if params else (primitive, inputs)


def is_uniform(x: Any) -> bool:
    """Are all elements the same bits?"""
    if not any(x.strides):
        return True
    flat = x.reshape(-1) if x.flags.c_contiguous else None
    if flat is None:
        first = x[(0,) * x.ndim]
        return bool(x[(-1,) * x.ndim] == first) and same_bits(x, first)
    first = flat[0]
    return bool(flat[-1] == first and flat[flat.size // 2] == first) and same_bits(flat, first)


def same_bits(x: Any, first: Any) -> bool:
    """Does every element equal the first, zeros also in their sign?"""
    if not (x == first).all():
        return False
    if x.dtype.kind not in "fc" or (first and x.dtype.kind == "f"):
        return True
    parts = (x.real, x.imag) if x.dtype.kind == "c" else (x,)
    return all(np.signbit(p).all() or not np.signbit(p).any() for p in parts)
