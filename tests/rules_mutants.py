"""Wrong rules: each way in which the rule of a primitive may be broken, for tests that it would be caught."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.primitive import Custom, Elementwise, Linear, Multilinear, Partial, Primitive
from wengert.core.trace import Tracer
from wengert.core.types import ArrayType, dtype_of

SLIGHTLY = 1.0005  # a rule wrong by 0.05% must be caught


@dataclass
class Mutant:
    """A wrong value for an attribute of a primitive, in words."""

    text: str
    attribute: str
    value: Any


def mutants(p: Primitive, active: set[int], factor: float = SLIGHTLY) -> Iterator[Mutant]:
    """Every way to break the derivative of a primitive that is differentiated in these arguments."""
    for text, by in (("slightly too large", factor), ("of the wrong sign", -1)):
        for name, kind in broken_kinds(p, active, lambda v, by=by: times(v, by)):
            yield Mutant(f"{name} {text}", "kind", kind)
    if p.accumulate is not None:
        yield Mutant("in-place transpose too large", "accumulate", scaled_accumulate(p.accumulate))


def batch_mutants(p: Primitive) -> Iterator[Mutant]:
    """Ways to break the batching rule."""
    if p.batch is not None:
        yield Mutant("lanes in another order", "batch", shifted_lanes(p.batch))


def type_mutants(p: Primitive) -> Iterator[Mutant]:
    """Ways to break the type rule."""
    yield Mutant("one axis too many", "type_rule", changed_types(p, lambda t: ArrayType((*t.shape, 1), t.dtype)))
    wider = np.dtype(np.longdouble)
    yield Mutant("another dtype", "type_rule", changed_types(p, lambda t: ArrayType(t.shape, wider)))


def times(v: Any, factor: float) -> Any:
    """A value times a number, in the value's dtype where it is a floating one."""
    return v * dtype_of(v).type(factor) if dtype_of(v).kind in "fc" else v * factor


def broken_kinds(p: Primitive, active: set[int], change: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """The primitive's kind with one part changed."""
    kind = p.kind
    if isinstance(kind, Elementwise):
        for i in sorted(active):
            yield f"partial {i}", with_partial(kind, i, change)
    elif isinstance(kind, Linear) and kind.together is not None:
        T = kind.together
        yield "transpose", Linear(together=lambda *a, **k: [v if v is None else change(v) for v in T(*a, **k)])
    elif isinstance(kind, Linear | Multilinear):
        for i in sorted(active):
            transposes = list(kind.transposes)
            transposes[i] = lambda *a, T=transposes[i], **k: change(T(*a, **k))
            yield f"transpose {i}", type(kind)(*transposes)
    elif isinstance(kind, Custom):
        yield "jvp", Custom(changed_jvp(p, kind.jvp, change))


def with_partial(kind: Elementwise, i: int, change: Callable[[Any], Any]) -> Elementwise:
    """The kind with its i-th partial derivative changed."""
    wrong = object.__new__(Elementwise)
    for slot in Elementwise.__slots__:
        setattr(wrong, slot, getattr(kind, slot))
    partials = list(kind.partials)
    partials[i] = changed_partial(partials[i], change)
    wrong.partials = tuple(partials)
    return wrong


def changed_partial(partial: Partial, change: Callable[[Any], Any]) -> Partial:
    """A partial derivative, changed."""
    wrong, law = object.__new__(Partial), partial.law
    wrong.constant, wrong.uses = partial.constant, partial.uses
    wrong.law = (lambda *values: change(law(*values))) if callable(law) else change(law)
    return wrong


def changed_jvp(p: Primitive, jvp: Any, change: Callable[[Any], Any]) -> Any:
    """The jvp with every tangent changed."""

    def wrong(primals: Any, tangents: Any, **params: Any) -> Any:
        y, y_dot = jvp(primals, tangents, **params)
        if p.multiple:
            return y, None if y_dot is None else [d if d is None else change(d) for d in y_dot]
        return y, y_dot if y_dot is None else change(y_dot)

    return wrong


def scaled_accumulate(accumulate: Any) -> Any:
    """The in-place transpose, 0.05% too large."""
    return lambda total, y_bar, *args, **params: accumulate(total, y_bar * SLIGHTLY, *args, **params)


def shifted_lanes(batch: Any) -> Any:
    """The batching rule, its lanes shifted by one."""

    def shift(y: Any, on: bool) -> Any:
        if not on or isinstance(y, Tracer):
            return y
        return np.roll(y, 1, axis=0)

    def wrong(size: int, batched: Any, *args: Any, **params: Any) -> Any:
        y, on = batch(size, batched, *args, **params)
        if isinstance(on, list | tuple):
            return [shift(v, o) for v, o in zip(y, on, strict=True)], on
        return shift(y, on), on

    return wrong


def changed_types(p: Primitive, change: Callable[[ArrayType], ArrayType]) -> Any:
    """The type rule with its results changed."""
    rule = p.type_rule

    def wrong(*types: Any, **params: Any) -> Any:
        found = rule(*types, **params)
        return [change(t) for t in found] if p.multiple else change(found)

    return wrong
