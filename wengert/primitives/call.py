"""Calls: functions with a derivative of their own.

custom_jvp[rule]        x -> y       forward mode by the user's rule, reverse mode by its transpose
custom_vjp[rule]        x -> y       reverse mode by the user's rule, forward mode by its transpose
custom_linear[rule]     r, x_dot -> y_dot       the tangent map of a custom_vjp: the transpose of its bwd
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Primitive, Sample, TangentOf
from ..core.provided import provided
from ..core.record import record
from ..core.types import ArrayType, dtype_of, is_inexact, type_of, zeros
from . import elementwise as ew
from .bodies import Values, check_types, in_lanes, is_value, placed, strong
from .shape import sum_

Flat = Callable[..., Any]

stop_gradient = Primitive(
    "stop_gradient", lambda x: x, Constant(), type_rule=lambda x: x, pointwise=True, samples=ew.sampler(ew.REAL)
)


# custom_jvp ------------------------------------------------------------------------------------------------------
class JVPRule:
    """fun(*xs) -> ys and jvp(xs, x_dots) -> (ys, y_dots), flat; y_dots of discrete results are None.

    key: rules of equal keys are alike; without one a rule is like none other.
    """

    def __init__(self, fun: Flat, jvp: Flat, name: str = "", key: Any = None) -> None:
        self.fun, self.jvp, self.__name__, self.key = fun, jvp, name, key
        self.types: dict[Any, list[ArrayType]] = {}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return self is other or (self.key is not None and self.key == other.key)

    def __hash__(self) -> int:
        return id(self) if self.key is None else hash(self.key)

    def out_types(self, types: Sequence[ArrayType]) -> list[ArrayType]:
        """Types of the results, by running the function on types."""
        key = tuple(types)
        if key not in self.types:
            self.types[key] = strong(record(self.fun, types, self.__name__).out_types)
        return self.types[key]

    def in_lanes(self, size: int, batched: Sequence[bool]) -> JVPRule:
        """The rule for all lanes at once; all results have the batch axis."""

        def jvp(primals: Values, tangents: Values) -> tuple[list[Any], list[Any]]:
            missing: list[bool] = []

            def both(*args: Any) -> list[Any]:
                ys, y_dots = self.jvp(args[: len(primals)], args[len(primals) :])
                missing[:] = [d is None for d in y_dots]
                return [*ys, *(d for d in y_dots if d is not None)]

            results = lanes(both, size, [*primals, *tangents], [*batched, *batched])
            n = len(missing)
            return results[:n], placed(results[n:], [not none for none in missing])

        return JVPRule(lambda *xs: lanes(self.fun, size, xs, batched), jvp, self.__name__)


def lanes(f: Flat, size: int, args: Values, batched: Sequence[bool]) -> list[Any]:
    """A flat function in all lanes; every result with the batch axis."""
    values, own = provided("batch_flat")(f, size, args, batched)
    return in_lanes(size, values, own, [True] * len(own))


def tangents_of(primals: Values, tangents: Values, zero: Callable[[ArrayType], Any]) -> list[Any]:
    """Tangents as users see them: zeros in the place of symbolic ones."""
    return [zero(type_of(x)) if t is None else t for x, t in zip(primals, tangents, strict=True)]


def _custom_jvp(primals: Values, tangents: Values, *, rule: JVPRule) -> Any:
    return rule.jvp(primals, tangents_of(primals, tangents, zeros))


def _custom_linear_jvp(primals: Values, tangents: Values, *, rule: JVPRule) -> Any:
    """In reverse mode zeros are tangents too, so that whatever the rule makes of them is linear in tangents."""
    trace = next(t.traced_by for t in tangents if t is not None)
    return rule.jvp(primals, tangents_of(primals, tangents, trace.zero))


def _custom_jvp_T(y_bars: Values, *args: Any, rule: JVPRule) -> list[Any]:
    """Applied to tangents, in which it is linear, a function is its own derivative."""
    types = [a for a in args if not is_value(a)]

    def f(*xs: Any) -> Any:
        it = iter(xs)
        return rule.fun(*(a if is_value(a) else next(it) for a in args))

    return placed(provided("transpose_flat")(f, types, y_bars), [not is_value(a) for a in args])


def _batch_custom_jvp(size: int, batched: list[bool], *args: Any, rule: JVPRule) -> tuple[list[Any], list[bool]]:
    ys = custom_jvp(*args, rule=rule.in_lanes(size, batched))
    return ys, [True] * len(ys)


def _custom_jvp_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """sin(x) y with the rule cos(x) y x_dot + sin(x) y_dot."""

    def jvp(primals: Values, tangents: Values) -> tuple[list[Any], list[Any]]:
        (x, y), (x_dot, y_dot) = primals, tangents
        return [ew.mul(ew.sin(x), y)], [ew.add(ew.mul(ew.mul(ew.cos(x), y), x_dot), ew.mul(ew.sin(x), y_dot))]

    rule = JVPRule(lambda x, y: [ew.mul(ew.sin(x), y)], jvp, "product")
    yield Sample((rng.normal(size=2), rng.normal(size=2)), {"rule": rule}, order=3)


custom_jvp = Primitive(
    "custom_jvp",
    lambda *args, rule: rule.fun(*args),
    Custom(_custom_jvp, together=_custom_jvp_T, linear_jvp=_custom_linear_jvp),
    type_rule=lambda *types, rule: rule.out_types(types),
    batch=_batch_custom_jvp,
    samples=_custom_jvp_samples,
    multiple=True,
)


# custom_vjp ------------------------------------------------------------------------------------------------------
class VJPRule:
    """fun(*xs) -> ys; fwd(*xs) -> (ys, residuals, static); bwd(static, residuals, y_bars) -> x_bars, flat.

    y_bars are given for all results. An x_bar that is None is a zero.
    """

    def __init__(self, fun: Flat, fwd: Flat, bwd: Flat, name: str = "", key: Any = None) -> None:
        self.fun, self.fwd, self.bwd, self.__name__, self.key = fun, fwd, bwd, name, key
        self.types: dict[Any, list[ArrayType]] = {}

    out_types, __eq__, __hash__ = JVPRule.out_types, JVPRule.__eq__, JVPRule.__hash__

    def in_lanes(self, size: int, batched: Sequence[bool]) -> VJPRule:
        """The rule for all lanes at once; adjoints of what all lanes share are summed over the lanes."""

        def fwd(*xs: Any) -> tuple[list[Any], list[Any], Any]:
            n, static = 0, None

            def f(*xs: Any) -> list[Any]:
                nonlocal n, static
                ys, residuals, static = self.fwd(*xs)
                n = len(ys)
                return [*ys, *residuals]

            values, own = provided("batch_flat")(f, size, xs, batched)
            return in_lanes(size, values[:n], own[:n], [True] * n), values[n:], (static, tuple(own[n:]))

        def bwd(static: Any, residuals: Values, y_bars: Values) -> list[Any]:
            static, own = static
            given: list[bool] = []

            def f(*args: Any) -> list[Any]:
                x_bars = self.bwd(static, args[: len(own)], args[len(own) :])
                given[:] = [b is not None for b in x_bars]
                return [b for b in x_bars if b is not None]

            x_bars = placed(lanes(f, size, [*residuals, *y_bars], [*own, *(True for _ in y_bars)]), given)
            return [b if b is None or on else sum_(b, axis=(0,)) for b, on in zip(x_bars, batched, strict=True)]

        return VJPRule(lambda *xs: lanes(self.fun, size, xs, batched), fwd, bwd, self.__name__)


def _custom_vjp_jvp(primals: Values, tangents: Values, *, rule: VJPRule) -> tuple[list[Any], list[Any]]:
    ys, active, _, args, params = _custom_vjp_linearize(primals, [t is not None for t in tangents], rule=rule)
    args = [tangents[a.argument] if type(a) is TangentOf else a for a in args]
    return ys, placed(_custom_linear(*args, **params), active)


def _custom_vjp_linearize(primals: Values, active: Sequence[bool], *, rule: VJPRule) -> Any:
    ys, residuals, static = rule.fwd(*primals)
    outs = tuple(is_inexact(dtype_of(y)) for y in ys)
    dots = [TangentOf(i) if on else type_of(x) for i, (x, on) in enumerate(zip(primals, active, strict=True))]
    params = {"rule": rule, "static": static, "saved": len(residuals), "types": tuple(map(type_of, ys))}
    return ys, outs, custom_linear, [*residuals, *dots], params


def _adjoints(rule: VJPRule, static: Any, residuals: Values, types: Sequence[ArrayType], *y_bars: Any) -> list[Any]:
    """bwd, as users see it: with zeros for discrete results, and in the place of symbolic zeros."""
    full = placed(y_bars, [is_inexact(t.dtype) for t in types])
    return rule.bwd(static, residuals, [zeros(t) if b is None else b for b, t in zip(full, types, strict=True)])


def _custom_linear(*args: Any, rule: VJPRule, static: Any, saved: int, types: Sequence[ArrayType]) -> list[Any]:
    """The transpose of bwd, which is linear in the adjoints: tangents of the results that have any."""
    f = functools.partial(_adjoints, rule, static, args[:saved], types)
    x_dots = [None if isinstance(d, ArrayType) else d for d in args[saved:]]
    types = [t for t in types if is_inexact(t.dtype)]
    y_dots = provided("transpose_flat")(f, types, x_dots)
    y_dots = [zeros(t) if d is None else d for d, t in zip(y_dots, types, strict=True)]
    check_types(types, y_dots)
    return y_dots


def _custom_linear_jvp_rule(primals: Values, tangents: Values, **params: Any) -> Any:
    return provided("jvp_flat")(lambda *args: _custom_linear(*args, **params), primals, tangents)


def _custom_linear_T(y_bars: Values, *args: Any, rule: VJPRule, static: Any, saved: int, types: Any) -> list[Any]:
    return [*(None for _ in range(saved)), *_adjoints(rule, static, args[:saved], types, *y_bars)]


def _batch_custom_vjp(size: int, batched: list[bool], *args: Any, rule: VJPRule) -> tuple[list[Any], list[bool]]:
    ys = custom_vjp(*args, rule=rule.in_lanes(size, batched))
    return ys, [True] * len(ys)


def _product_rule() -> VJPRule:
    """sin(x) y with its adjoints cos(x) y z_bar and sin(x) z_bar."""

    def fwd(x: Any, y: Any) -> Any:
        return [ew.mul(ew.sin(x), y)], [x, y], None

    def bwd(static: Any, residuals: Values, y_bars: Values) -> list[Any]:
        (x, y), (z_bar,) = residuals, y_bars
        return [ew.mul(ew.mul(ew.cos(x), y), z_bar), ew.mul(ew.sin(x), z_bar)]

    return VJPRule(lambda x, y: [ew.mul(ew.sin(x), y)], fwd, bwd, "product")


def _custom_vjp_samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((rng.normal(size=2), rng.normal(size=2)), {"rule": _product_rule()}, order=3)


def _custom_linear_samples(rng: np.random.Generator) -> Iterator[Sample]:
    params = {"rule": _product_rule(), "static": None, "saved": 2, "types": (ArrayType((2,), np.float64),)}
    yield Sample(tuple(rng.normal(size=2) for _ in range(4)), params)


custom_vjp = Primitive(
    "custom_vjp",
    lambda *args, rule: rule.fun(*args),
    Custom(_custom_vjp_jvp, _custom_vjp_linearize),
    type_rule=lambda *types, rule: rule.out_types(types),
    batch=_batch_custom_vjp,
    samples=_custom_vjp_samples,
    multiple=True,
)

custom_linear = Primitive(
    "custom_linear",
    _custom_linear,
    Custom(_custom_linear_jvp_rule, together=_custom_linear_T),
    type_rule=lambda *args, types, **params: [t for t in types if is_inexact(t.dtype)],
    batch=lambda size, batched, *args, **params: provided("batch_flat")(
        lambda *xs: _custom_linear(*xs, **params), size, args, batched
    ),
    samples=_custom_linear_samples,
    multiple=True,
)
