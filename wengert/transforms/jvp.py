"""jvp: forward mode. A tracer's value is the primal, its data the tangent; None is a symbolic zero tangent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Elementwise, Linear, Multilinear, Primitive
from ..core.trace import Trace, Tracer, deriving, handed_out, keep_sources, observer, settled, unaliased
from ..core.types import dtype_of, type_of
from .tape import add, scale, zeros


class JVPTrace(Trace):
    """Computes each value together with its tangent."""

    __slots__ = ()
    name = "forward-mode derivative"

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Apply the primitive to the primals, and its derivative to the tangents."""
        primals: list[Any] = []
        tangents: list[Any] = []
        for a in args:
            own = isinstance(a, Tracer) and a.traced_by is self
            primals.append(a.value if own else a)
            tangents.append(a.data if own else None)
        kind = primitive.kind
        if isinstance(kind, Constant) or all(t is None for t in tangents):
            y, y_dot = primitive(*primals, **params), None
        else:
            y, y_dot = self.derivative(primitive, primals, tangents, params)
        if not primitive.multiple:
            return self.lift(y, y_dot)
        y_dots = [None] * len(y) if y_dot is None else y_dot
        return [self.lift(v, d) for v, d in zip(y, y_dots, strict=True)]

    def derivative(self, p: Primitive, primals: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        """The value and its tangent, of which one at least of the given ones is not zero."""
        if type(p.kind) is Custom:
            return p.kind.jvp(primals, tangents, **params)
        y = p(*primals, **params)
        return y, _TANGENT[type(p.kind)](p, primals, tangents, params, y)

    def lift(self, y: Any, y_dot: Any) -> Any:
        """A value with its tangent; what has no derivative stays plain."""
        if y_dot is None and dtype_of(y).kind not in "fc":
            return y
        return Tracer(self, y, y_dot)


class LocatedJVPTrace(JVPTrace):
    """The same while sources are kept: equations of tangents say that they are."""

    __slots__ = ()

    def derivative(self, p: Primitive, primals: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        """The value and its tangent."""
        if type(p.kind) is Custom:
            with deriving(f"rule of {p}"):
                return p.kind.jvp(primals, tangents, **params)
        y = p(*primals, **params)
        with deriving(f"tangent of {p}"):
            return y, _TANGENT[type(p.kind)](p, primals, tangents, params, y)


def _elementwise(p: Primitive, primals: list[Any], tangents: list[Any], params: dict[str, Any], y: Any) -> Any:
    kind: Elementwise = p.kind  # type: ignore[assignment]
    total = None
    with np.errstate(all="ignore"):
        for partial, x_dot in zip(kind.partials, tangents, strict=False):
            if x_dot is not None and partial is not None:
                total = add(total, scale(partial(partial.uses((*primals, y))), x_dot, p))
    return total


def _linear(p: Primitive, primals: list[Any], tangents: list[Any], params: dict[str, Any], y: Any) -> Any:
    kind: Linear = p.kind  # type: ignore[assignment]
    x_dots = [
        t if t is not None else (zeros(type_of(x)) if kind.differentiable(i) else x)
        for i, (x, t) in enumerate(zip(primals, tangents, strict=True))
    ]
    return p(*x_dots, **params)


def _multilinear(p: Primitive, primals: list[Any], tangents: list[Any], params: dict[str, Any], y: Any) -> Any:
    total = None
    for i, t in enumerate(tangents):
        if t is not None:
            total = add(total, p(*primals[:i], t, *primals[i + 1 :], **params))
    return total


_TANGENT: dict[type, Callable[..., Any]] = {Elementwise: _elementwise, Linear: _linear, Multilinear: _multilinear}


def jvp_flat(
    f: Callable[..., Sequence[Any]],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    owner: Any = None,
) -> tuple[list[Any], list[Any]]:
    """Values and tangents of a flat function. None stands for a zero tangent, in and out."""
    trace = LocatedJVPTrace() if keep_sources.get() else JVPTrace()
    trace.owner = owner
    with trace:
        outs = f(*[Tracer(trace, unaliased(x), t) for x, t in zip(primals, tangents, strict=True)])
        values: list[Any] = []
        y_dots: list[Any] = []
        for y in map(settled, outs):
            own = isinstance(y, Tracer) and y.traced_by is trace
            values.append(y.value if own else y)
            y_dots.append(y.data if own else None)
    watch = observer.get()
    if watch is not None:
        watch.jvp(y_dots)
    return [handed_out(y) for y in values], [handed_out(d) for d in y_dots]
