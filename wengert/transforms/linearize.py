"""linearize: values of a function, and its derivative at that point as a linear program (the tape).

A tracer's value is the primal; its data is the tape's variable for its tangent, or None where the tangent is a
symbolic zero. Partial derivatives are not computed here: the tape (`tape.py`) keeps what their expressions need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Elementwise, Linear, Multilinear, Primitive, TangentOf
from ..core.trace import (
    Trace,
    Tracer,
    concrete,
    deriving,
    handed_out,
    settled,
    unaliased,
)
from ..core.types import ArrayType, dtype_of, type_of
from ..errors import NonLinearError
from .tape import LinearEquation, LinearVar, Tape, Term, zeros


def protect(value: Any) -> Any:
    """A residual from outside that its owner may still assign to: keep a copy of what it is now."""
    if type(value) is np.ndarray and value.flags.writeable:
        return value.copy()
    return value


class LinearizeTrace(Trace):
    """Runs a function on primal values and writes its linear program on a tape."""

    __slots__ = ("tangents", "tape")
    name = "reverse-mode derivative"

    def __init__(self) -> None:
        super().__init__()
        self.tape = Tape()
        self.tangents: TangentTrace | None = None  # opened by the first custom rule

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute the primal; write the linear equation if an argument is active."""
        kind = primitive.kind
        if len(args) == 1:
            if type(kind) is Elementwise:
                return self.unary(primitive, kind, args[0], params)
            if type(kind) is Linear and not primitive.multiple:
                return self.linear(primitive, args[0], params)
        elif len(args) == 2 and type(kind) is Elementwise:
            return self.binary(primitive, kind, args[0], args[1], params)
        primals: list[Any] = []
        nodes: list[LinearVar | None] = []
        active = foreign = nested = False
        for a in args:
            node = None
            if isinstance(a, Tracer):
                if a.traced_by is self:
                    node = a.data
                    a = a.value
                    if node is not None:
                        active = True
                else:
                    a = a.snapshot()
                if isinstance(a, Tracer):
                    nested = True
            elif type(a) is np.ndarray:
                foreign = True
            primals.append(a)
            nodes.append(node)
        if nested:
            self.tape.nested = True
        if not active or type(kind) is Constant:
            return self.inactive(primitive, primitive(*primals, **params))
        if type(kind) is not Elementwise:
            if foreign:
                primals = self.guarded(primals, args)
            return _LINEARIZE[type(kind)](self, primitive, primals, nodes, params)
        y = primitive(*primals, **params) if nested else primitive.impl(*primals, **params)
        if foreign:
            primals = self.guarded(primals, args)
        primals.append(y)
        terms = [
            (partial, partial.uses(primals), node)
            for partial, node in zip(kind.partials, nodes, strict=False)
            if node is not None and partial is not None
        ]
        return Tracer(self, y, self.tape.scaled(y, primitive, terms))

    def unary(self, primitive: Primitive, kind: Elementwise, a: Tracer, params: dict[str, Any]) -> Any:
        """The elementwise case with one argument, which is the most frequent."""
        x = a.value
        node = a.data
        if isinstance(x, Tracer):
            self.tape.nested = True
            y = primitive(x, **params)
        else:
            y = primitive.impl(x, **params)
        if node is None:
            return self.lift(y)
        partial = kind.partials[0]
        return Tracer(self, y, self.tape.scaled(y, primitive, [(partial, partial.uses((x, y)), node)]))

    def binary(self, primitive: Primitive, kind: Elementwise, a: Any, b: Any, params: dict[str, Any]) -> Any:
        """The elementwise case with two arguments."""
        x, m = self.operand(a)
        z, n = self.operand(b)
        if isinstance(x, Tracer) or isinstance(z, Tracer):
            self.tape.nested = True
            y = primitive(x, z, **params)
        else:
            y = primitive.impl(x, z, **params)
        p, q = kind.partials
        terms = []
        if m is not None and p is not None:
            terms.append((p, () if p.constant else p.uses((x, protect(z) if z is b else z, y)), m))
        if n is not None and q is not None:
            terms.append((q, () if q.constant else q.uses((protect(x) if x is a else x, z, y)), n))
        if not terms:
            return self.lift(y)
        return Tracer(self, y, self.tape.scaled(y, primitive, terms))

    def operand(self, a: Any) -> tuple[Any, LinearVar | None]:
        """The primal of an argument, and the variable of its tangent."""
        if isinstance(a, Tracer):
            return (a.value, a.data) if a.traced_by is self else (a.snapshot(), None)
        return a, None

    def linear(self, primitive: Primitive, a: Tracer, params: dict[str, Any]) -> Any:
        """The linear case with one argument and one result."""
        x = a.value
        node = a.data
        if isinstance(x, Tracer):
            self.tape.nested = True
            y = primitive(x, **params)
        else:
            y = primitive.impl(x, **params)
        if node is None:
            return self.lift(y)
        out = self.tape.like(y)
        self.tape.append(LinearEquation(primitive, (node,), params, (out,)))
        return Tracer(self, y, out)

    def guarded(self, primals: list[Any], args: tuple[Any, ...]) -> list[Any]:
        """The primals, with plain arrays from outside copied: the user may assign to them before the tape is run."""
        return [protect(p) if p is a else p for p, a in zip(primals, args, strict=True)]

    def inactive(self, primitive: Primitive, outs: Any) -> Any:
        """Floating-point results stay traced, with a symbolic zero as tangent, so that they can be assigned to."""
        if primitive.multiple:
            return [self.lift(y) for y in outs]
        return self.lift(outs)

    def lift(self, y: Any) -> Any:
        """A value with zero tangent."""
        return Tracer(self, y, None) if dtype_of(y).kind in "fc" else y

    def active_out(self, y: Any) -> Tracer:
        """A value with a fresh variable for its tangent."""
        return Tracer(self, y, self.tape.like(y))


Nodes = list[LinearVar | None]


def _linear(trace: LinearizeTrace, p: Primitive, primals: list[Any], nodes: Nodes, params: dict[str, Any]) -> Any:
    y = p(*primals, **params)
    kind: Linear = p.kind  # type: ignore[assignment]
    args = [
        node if node is not None else (type_of(x) if kind.differentiable(i) else x)
        for i, (x, node) in enumerate(zip(primals, nodes, strict=True))
    ]
    outs = [trace.active_out(v) for v in y] if p.multiple else [trace.active_out(y)]
    trace.tape.append(LinearEquation(p, args, params, [t.data for t in outs]))
    return outs if p.multiple else outs[0]


def _multilinear(trace: LinearizeTrace, p: Primitive, primals: list[Any], nodes: Nodes, params: Any) -> Any:
    out = trace.active_out(p(*primals, **params))
    for i, node in enumerate(nodes):
        if node is not None:
            trace.tape.append(LinearEquation(p, [*primals[:i], node, *primals[i + 1 :]], params, [out.data]))
    return out


def _custom(trace: LinearizeTrace, p: Primitive, primals: list[Any], nodes: Nodes, params: dict[str, Any]) -> Any:
    kind: Custom = p.kind  # type: ignore[assignment]
    if kind.linearize is not None:
        return _custom_linearize(trace, p, primals, nodes, params)
    inner = trace.tangents
    if inner is None:
        inner = trace.tangents = TangentTrace(trace.tape, trace.level)
    tangents = [None if node is None else Tracer(inner, node, node) for node in nodes]
    if trace.tape.keep_sources:
        with deriving(f"rule of {p}"):
            y, y_dot = kind.linear_jvp(primals, tangents, **params)
    else:
        y, y_dot = kind.linear_jvp(primals, tangents, **params)
    if p.multiple:
        return [Tracer(trace, v, inner.node(d)) for v, d in zip(y, y_dot, strict=True)]
    return Tracer(trace, y, inner.node(y_dot))


def _custom_linearize(trace: LinearizeTrace, p: Primitive, primals: list[Any], nodes: Nodes, params: Any) -> Any:
    kind: Custom = p.kind  # type: ignore[assignment]
    assert kind.linearize is not None
    y, active_y, linear, args, lparams = kind.linearize(primals, [n is not None for n in nodes], **params)
    outs = [trace.active_out(v) if on else trace.lift(v) for v, on in zip(y, active_y, strict=True)]
    results = [t.data for t, on in zip(outs, active_y, strict=True) if on]
    if results:
        args = [nodes[a.argument] if type(a) is TangentOf else a for a in args]
        trace.tape.append(LinearEquation(linear, args, lparams, results))
    return outs if p.multiple else outs[0]


_LINEARIZE: dict[type, Callable[..., Any]] = {Linear: _linear, Multilinear: _multilinear, Custom: _custom}


class TangentTrace(Trace):
    """Follows the tangents inside a custom jvp rule: whatever is linear in them is written on the tape."""

    __slots__ = ("tape",)
    name = "custom derivative rule"

    def __init__(self, tape: Tape, level: int) -> None:
        self.tape = tape
        self.level = level
        self.alive = True
        self.owner = None

    def node(self, tangent: Any) -> LinearVar | None:
        """The tape's variable for a tangent that a rule returned."""
        if tangent is None:
            return None
        if isinstance(tangent, Tracer) and tangent.traced_by is self:
            return tangent.data
        value = concrete(tangent)
        if not isinstance(value, ArrayType) and not np.any(value):
            return None
        raise NonLinearError(
            "a derivative rule returned a tangent that does not depend on the tangents it was given",
            why="y_dot must be linear in x_dot; a constant other than zero is not",
            write="return None (a symbolic zero) for an output that does not depend on the input",
        )

    def zero(self, type: ArrayType) -> Tracer:
        """A zero tangent that rules written by users can compute with."""
        var = self.tape.var(type.shape, type.dtype)
        return Tracer(self, var, var)

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Write the application on the tape if it is linear in the tangents among its arguments."""
        if isinstance(primitive.kind, Custom) and primitive.kind.undirected is not None:
            return primitive.kind.undirected(*args, **params)
        tape = self.tape
        nodes = [a.data if isinstance(a, Tracer) and a.traced_by is self else None for a in args]
        values = [protect(a) for a in args]
        tape.nested |= any(isinstance(a, Tracer) and a.traced_by is not self for a in args)
        active = [i for i, node in enumerate(nodes) if node is not None]
        kind = primitive.kind
        runs_programs = isinstance(kind, Custom) and kind.linearize is not None
        if runs_programs and (kind.together is None or self.mixed(primitive, nodes, params)):  # type: ignore[union-attr]
            return self.at_zero(primitive, values, nodes, params)
        types = primitive.type_rule(*(type_of(a) for a in args), **params)
        if isinstance(kind, Elementwise) and _is_linear_in(kind, active):
            terms: list[Term] = []
            for i in active:
                partial = kind.partials[i]
                if partial is not None:
                    terms.append((partial, partial.uses((*values, None)), args[i].data))
            out = tape.scaled(types, primitive, terms)
            return Tracer(self, out, out)
        together = isinstance(kind, Linear) or (isinstance(kind, Custom) and kind.together is not None)
        if together or (len(active) == 1 and _is_linear_alone(kind, active[0])):
            outs = [tape.var(t.shape, t.dtype) for t in (types if primitive.multiple else [types])]
            linear_args = [n if n is not None else v for n, v in zip(nodes, values, strict=True)]
            if isinstance(kind, Linear):
                linear_args = [self.zero_type(kind, i, a) for i, a in enumerate(linear_args)]
            tape.append(LinearEquation(primitive, linear_args, params, outs))
            tracers = [Tracer(self, out, out) for out in outs]
            return tracers if primitive.multiple else tracers[0]
        raise NonLinearError(
            f"a derivative rule applies {primitive} to a tangent, which is not linear",
            why="y_dot must be linear in x_dot",
            write="build y_dot of sums, products with primal values, and linear functions of x_dot",
        )

    def mixed(self, primitive: Primitive, nodes: Nodes, params: dict[str, Any]) -> bool:
        """Are there results which do not depend on the tangents, and are values?"""
        if primitive.flows is None:
            return False
        return not all(primitive.flows(False, *(int(n is not None) for n in nodes), **params))

    def concretize(self, tracer: Tracer, convert: Callable[[Any], Any]) -> Any:
        """A Python decision on a tangent would not be linear in it."""
        raise NonLinearError(
            "a derivative rule takes a Python decision (if, while, and, or) on a tangent",
            why="y_dot must be linear in x_dot; a decision on x_dot is not",
            write="decide on primal values only",
        )

    def at_zero(self, primitive: Primitive, values: list[Any], nodes: Nodes, params: dict[str, Any]) -> Any:
        """A function that is linear in the tangents (a loop) is its own derivative where they are zero."""
        trace = LinearizeTrace()
        trace.tape, trace.level, trace.tangents = self.tape, self.level, self
        primals = [v if n is None else zeros(n) for v, n in zip(values, nodes, strict=True)]
        with np.errstate(all="ignore"):
            outs = _custom(trace, primitive, primals, nodes, params)
        results = [self.tangent(y, trace) for y in (outs if primitive.multiple else [outs])]
        return results if primitive.multiple else results[0]

    def tangent(self, y: Any, trace: LinearizeTrace) -> Any:
        """A result of the primal trace as a tangent; what does not depend on the tangents is a value."""
        if not isinstance(y, Tracer) or y.traced_by is not trace:
            return y
        return y.value if y.data is None else Tracer(self, y.data, y.data)

    def zero_type(self, kind: Linear, i: int, arg: Any) -> Any:
        """A constant among jointly linear arguments must be zero: it is kept as its type."""
        if isinstance(arg, LinearVar) or not kind.differentiable(i):
            return arg
        self.node(arg)  # raises unless it is zero
        return type_of(arg)


def _is_linear_in(kind: Elementwise, active: list[int]) -> bool:
    return all(i in kind.linear_in for i in active) and (len(active) == 1 or kind.jointly)


def _is_linear_alone(kind: Any, i: int) -> bool:
    """Is a primitive of this kind linear in argument i while the others are fixed?"""
    return isinstance(kind, Multilinear | Custom) and i < len(kind.transposes) and kind.transposes[i] is not None


def linearize_flat(
    f: Callable[..., Sequence[Any]], primals: Sequence[Any], owner: Any = None
) -> tuple[list[Any], Tape, list[LinearVar], list[LinearVar | None]]:
    """Values of a flat function, its tape, the tape's inputs and its outputs (None: a zero derivative)."""
    trace = LinearizeTrace()
    trace.owner = owner
    ins = [trace.tape.like(x) for x in primals]
    args = []
    for x, node in zip(primals, ins, strict=True):
        x = unaliased(x)
        args.append(Tracer(trace, x, node) if node.dtype.kind in "fc" else x)  # discrete ones stay plain
    values: list[Any] = []
    nodes: list[LinearVar | None] = []
    with trace:
        for y in f(*args):
            y = settled(y)
            own = isinstance(y, Tracer) and y.traced_by is trace
            values.append(y.value if own else y)
            nodes.append(y.data if own else None)
    if trace.tangents is not None:
        trace.tangents.alive = False
    return [handed_out(v) for v in values], trace.tape, ins, nodes
