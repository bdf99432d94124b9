"""Primitives: what programs are made of. Each declares its derivative once, in exactly one of five kinds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from ..errors import UnsupportedFunctionError
from .trace import Tracer, leaked, recording
from .types import ArrayType, type_of

Rule = Callable[..., Any]

OUTPUT = "y"  # the name by which a partial derivative refers to the primitive's own result


class Partial:
    """One partial derivative, `dy/dx_i`, as an expression in the inputs and the output `y` it names.

    Written as a number (1, -1) or as a function whose parameter names say which values it needs: `y` is the output,
    any other name stands for the input at its place in `names`. Only these values are kept for the backward pass.
    """

    __slots__ = ("constant", "law", "uses")

    def __init__(self, law: Any, names: Sequence[str]) -> None:
        self.law = law
        if callable(law):
            order = (*names, OUTPUT)
            uses = tuple(order.index(p) for p in inspect.signature(law).parameters)
            self.constant = False
            self.uses: Callable[[Sequence[Any]], tuple[Any, ...]] = _picker(uses)
        else:
            self.constant = True
            self.uses = _nothing

    def __call__(self, residuals: tuple[Any, ...]) -> Any:
        return self.law if self.constant else self.law(*residuals)


class Unknown(Partial):
    """A partial derivative for which there is no expression: where it is needed, the reason is raised."""

    __slots__ = ("what", "why")

    def __init__(self, what: str, why: str) -> None:
        self.law, self.constant, self.what, self.why = None, False, what, why
        self.uses = self.refuse

    def refuse(self, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """Raise UnsupportedFunctionError."""
        raise UnsupportedFunctionError(
            self.what,
            why=self.why,
            write="pass wg.stop_gradient(argument) where this derivative is not wanted, or give the function a "
            "derivative with wg.custom_jvp or wg.custom_vjp",
        )


def _nothing(values: Sequence[Any]) -> tuple[Any, ...]:
    return ()


def _picker(uses: tuple[int, ...]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if not uses:
        return _nothing
    if len(uses) == 1:
        i = uses[0]
        return lambda values: (values[i],)
    return itemgetter(*uses)


class Elementwise:
    """y_dot = sum_i (dy/dx_i) x_i_dot, element by element.

    linear_in: the inputs in which the primitive is linear while the others are fixed (`mul`: both); `jointly` where
    it is linear in all of those together (`add`). `singular`: a partial may be infinite at finite inputs.
    """

    __slots__ = ("jointly", "linear_in", "partials", "singular")

    def __init__(
        self,
        *partials: Any,
        names: str = "a b c",
        linear_in: tuple[int, ...] = (),
        jointly: bool = False,
        singular: bool = False,
    ) -> None:
        order = ["x"] if len(partials) == 1 else names.split()[: len(partials)]
        self.partials: tuple[Any, ...] = tuple(
            p if p is None or isinstance(p, Partial) else Partial(p, order) for p in partials
        )
        self.linear_in, self.jointly, self.singular = linear_in, jointly, singular


class Linear:
    """y_dot = p(x_dot): jointly linear in the arguments that have a transpose.

    transposes: one function per argument, `T(y_bar, *args, **params) -> x_bar` or None for an argument that is not
    differentiated (a mask, an index); or one function for all arguments that returns a tuple of their adjoints.
    Differentiated arguments are passed to it as their types (with `.shape` and `.dtype`), the others as values.
    """

    __slots__ = ("together", "transposes")

    def __init__(self, *transposes: Rule | None, together: Rule | None = None) -> None:
        self.transposes, self.together = transposes, together

    def differentiable(self, i: int) -> bool:
        """Does argument i have a transpose?"""
        return self.together is not None or self.transposes[i] is not None


class Multilinear:
    """y_dot = sum_i p(x_1, ..., x_i_dot, ..., x_n): linear in each argument while the others are fixed."""

    __slots__ = ("transposes",)

    def __init__(self, *transposes: Rule | None) -> None:
        self.transposes = transposes


class Constant:
    """The derivative is zero, or there is none: comparisons, argmax, floor, shapes."""

    __slots__ = ()


class TangentOf:
    """In what `Custom.linearize` returns: the tangent of one of the arguments."""

    __slots__ = ("argument",)

    def __init__(self, argument: int) -> None:
        self.argument = argument


class Custom:
    """A jvp built of other primitives: `jvp(primals, tangents, **params) -> (y, y_dot)`.

    A tangent that is None is a symbolic zero, in the arguments and in the result. `linearize(primals, active,
    **params) -> (y, active_y, primitive, args, params)` may be given where reverse mode has a better way than
    linearizing the jvp: then the tangents of active results are primitive(*args, **params), where TangentOf(i) among
    args stands for the tangent of argument i, and an ArrayType for a zero tangent.

    transposes: for a primitive that is linear in some of its arguments while the others are fixed (solve in its right
    side), their transposes as in `Multilinear`, None for the others: then rules may apply it to tangents. together: the
    same for a primitive that is linear in several of them at once, as in `Linear`. linear_jvp: what reverse mode
    linearizes where the jvp itself is not linear in the tangents (directional derivatives). undirected: for a primitive
    that is given a tangent only to choose among results of equal right (a basis of an eigenspace): its results in
    reverse mode, which has no direction to look at.
    """

    __slots__ = ("jvp", "linear_jvp", "linearize", "together", "transposes", "undirected")

    def __init__(
        self,
        jvp: Rule,
        linearize: Rule | None = None,
        *,
        transposes: tuple[Rule | None, ...] = (),
        together: Rule | None = None,
        linear_jvp: Rule | None = None,
        undirected: Rule | None = None,
    ) -> None:
        self.jvp, self.linearize, self.transposes, self.together = jvp, linearize, transposes, together
        self.linear_jvp = jvp if linear_jvp is None else linear_jvp
        self.undirected = undirected


Kind = Elementwise | Linear | Multilinear | Constant | Custom


@dataclass
class Sample:
    """Arguments and parameters with which the generated tests call a primitive.

    differentiable: the arguments to differentiate (all floating-point ones unless given). wrap: makes input valid again
    after a perturbation (a symmetric matrix stays symmetric). tolerance: relative error allowed to the tests.
    """

    args: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    differentiable: tuple[int, ...] | None = None
    wrap: Callable[..., tuple[Any, ...]] | None = None
    tolerance: float = 1e-6
    order: int = 2


REGISTRY: dict[str, Primitive] = {}


PROVIDERS: list[Callable[[], Any]] = []  # what declares further primitives, when one is asked for that is not there


def named(name: str) -> Primitive:
    """The primitive of this name."""
    if name not in REGISTRY:
        for declare in PROVIDERS:
            declare()
    return REGISTRY[name]


class Primitive:
    """One operation of the program language.

    name:      as it is printed in programs
    impl:      the NumPy implementation
    type_rule: types of the arguments (and params) -> type of the result (list of types if `multiple`)
    kind:      the derivative
    batch:     `batch(size, batched, *args, **params) -> (y, batched_y)`: batched arguments have the batch axis first
    samples:   `samples(rng) -> iterable of Sample`, from which the tests are generated
    pointwise: applies element by element to operands of one shape (scalar constants excepted): type_rule and batch
               follow by themselves
    accumulate: optional, `accumulate(total, y_bar, *args, **params)` adds the transpose into an array in place
    overwrite: optional, `overwrite(y_bar, *args, **params)` gives all adjoints, writing over y_bar, which is an array
    into:      optional, `into(total, *args, **params)` adds the result to an array in place
    flows:     optional, for primitives that run programs: `flows(differentiable, *sets, **params)` gives, for each
               result, the union of the sets (bits of an int) of the arguments that it depends on
    narrow:    optional, for the same: `narrow(used, **params) -> (params, args, results)` is the application without
               unused results, and masks of what it keeps
    effect:    it is applied for what it does (print, check): never dropped, doubled, or moved past another; while a
               program is recorded it is written down, also where its arguments are plain
    """

    def __init__(
        self,
        name: str,
        impl: Rule,
        kind: Kind,
        *,
        type_rule: Rule | None = None,
        batch: Rule | None = None,
        samples: Callable[[np.random.Generator], Iterable[Sample]] | None = None,
        pointwise: bool = False,
        multiple: bool = False,
        accumulate: Rule | None = None,
        overwrite: Rule | None = None,
        into: Rule | None = None,
        flows: Rule | None = None,
        narrow: Rule | None = None,
        effect: bool = False,
    ) -> None:
        if not isinstance(kind, Elementwise | Linear | Multilinear | Constant | Custom):
            raise TypeError(f"primitive {name}: its derivative must be one of the five kinds, not {kind!r}")
        if name in REGISTRY:
            raise ValueError(f"primitive {name} is declared twice")
        if type_rule is None:
            if not pointwise:
                raise TypeError(f"primitive {name} has no type rule")
            type_rule = pointwise_type(name, impl)
        if batch is None and not pointwise:
            raise TypeError(f"primitive {name} has no batching rule")
        self.name, self.impl, self.kind, self.type_rule, self.batch = name, impl, kind, type_rule, batch
        self.samples, self.pointwise, self.multiple = samples, pointwise, multiple
        self.accumulate, self.overwrite, self.into = accumulate, overwrite, into
        self.flows, self.narrow, self.effect = flows, narrow, effect
        REGISTRY[name] = self

    def __reduce__(self) -> Any:
        return named, (self.name,)  # there is one of each name, also after copying and pickling programs

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply to arrays (computes) or to tracers (the highest trace among them processes the application)."""
        top = None
        level = -1
        constants = False
        for a in args:
            if isinstance(a, Tracer):
                if a.alias is not None:
                    a.alias.refresh(a)
                trace = a.traced_by
                if not trace.alive:
                    raise leaked(a)
                if trace.level > level:
                    top, level = trace, trace.level
                if not trace.level:
                    constants = True
        if top is None:
            program = recording.get() if self.effect else None
            return self.impl(*args, **params) if program is None else program.process(self, args, params)
        if level > 0:
            program = recording.get()
            if program is not None and program.captor is not None and program.captor.level > level:
                top = program.captor  # in a branch: what it computes of values from outside belongs to it
        if constants and level:
            args = tuple(a.value if isinstance(a, Tracer) and not a.traced_by.level else a for a in args)
        return top.process(self, args, params)

    def __repr__(self) -> str:
        return self.name


_POINTWISE: dict[Any, tuple[np.dtype[Any], bool]] = {}


def pointwise_type(name: str, impl: Rule) -> Rule:
    """The type rule of a primitive that applies element by element: one shape, NumPy's dtype, as weak as there."""

    def rule(*types: ArrayType, **params: Any) -> ArrayType:
        shape: tuple[int, ...] = ()
        for t in types:
            if t.shape:
                if shape and t.shape != shape:
                    raise TypeError(f"{name} needs operands of one shape, found {', '.join(map(str, types))}")
                shape = t.shape
        key = (name, tuple((t.dtype, t.weak) for t in types), tuple(sorted(params.items(), key=str)))
        found = _POINTWISE.get(key)
        if found is None:
            ones = [t.dtype.type(1).item() if t.weak else np.ones((), t.dtype) for t in types]
            with np.errstate(all="ignore"):
                one = type_of(impl(*ones, **params))
            found = _POINTWISE[key] = one.dtype, one.weak
        return ArrayType(shape, *found)

    return rule
