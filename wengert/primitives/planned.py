"""A program whose reverse mode follows a plan of what is kept and what is computed again, within a budget of bytes.

    planned[program, limits]   x -> y                              the program
    planned_linear[...]        x, kept, x_dot -> y_dot             its derivative; its transpose is the plan's way back
    again[n]                   after, x -> x                       x, to be computed with once more, behind n others

The plan (derivatives/checkpointing) turns a program into two: `first`, x -> y and what is kept, and `back`, x, kept,
y_bar -> x_bar, which computes again what was not kept. Both are ordinary programs, compiled and differentiated like any
other. Without a compiler a value is given up as soon as it is not needed any more: what was kept as well, while it is
reversed. A second run of the same way back then begins with the program again.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.primitive import Custom, Primitive, Sample, TangentOf
from ..core.program import Equation, Literal, Program, Var
from ..core.provided import provided
from ..core.record import record
from ..core.trace import Tracer, concrete, located, observer
from ..core.types import ArrayType, zeros
from . import elementwise as ew
from .bodies import Values, check_types, is_value
from .program_call import checkpoint, program_call


class Limits(NamedTuple):
    """What was asked for: bytes, or those of kept values, a number of segments, a rule for which results are kept.

    strict: a budget that cannot be met is an error; else (derivatives of the derivative) the smallest plan is used.
    """

    budget: int | None = None
    kept: int | None = None
    segments: int | None = None
    policy: Any = None
    strict: bool = True


class Halves(NamedTuple):
    """A planned program in two. outs: the results that have a derivative. careful: back, with products that keep zeros.

    tangents: x, kept, x_dot -> y_dot.
    """

    outs: tuple[bool, ...]
    first: Program
    back: Program
    careful: Program
    tangents: Program


class Kept:
    """What the way back was left: given up when it is taken, and made again where it is asked for once more."""

    def __init__(self, first: Program, n: int, values: list[Any]) -> None:
        self.first, self.n, self.values = first, n, values

    def taken(self, args: Sequence[Any]) -> list[Any]:
        """The values, which nobody else holds."""
        found, self.values = self.values or self.made(args), []
        return found

    def shared(self, args: Sequence[Any]) -> list[Any]:
        """The values, which stay."""
        if not self.values:
            self.values = self.made(args)
        return list(self.values)

    def made(self, args: Sequence[Any]) -> list[Any]:
        """The program, run again."""
        return run_owned(self.first, list(args))[self.n :]


def run_owned(program: Program, args: list[Any]) -> list[Any]:
    """Evaluate on plain arrays that are given away: the list is emptied, each array let go after its last use."""
    env: dict[Any, Any] = dict(zip(program.inputs, args, strict=True))
    args.clear()
    if observer.get() is not None:
        return program.evaluate([env.pop(v) for v in program.inputs])
    env.update(program.constants)
    used = {a for eq in program.equations for a in eq.inputs} | set(program.outputs)
    for v in program.inputs:
        if v not in used:
            del env[v]
    with np.errstate(all="ignore" if program.quiet else None), located(program.equations) as equations:
        for eq, dead in zip(equations, program.last_uses(), strict=True):
            place = written_over(eq, dead, env) if eq.primitive in IN_PLACE else None
            values = [a.value if isinstance(a, Literal) else env[a] for a in eq.inputs]
            if place is None:
                outs = eq.primitive.impl(*values, **eq.params)
            else:
                outs = IN_PLACE[eq.primitive](*values, out=env[place])
            del values
            if eq.primitive.multiple:
                env.update(zip(eq.outputs, outs, strict=True))
            else:
                env[eq.outputs[0]] = outs
            del outs
            for var in dead:
                del env[var]
    return [a.value if isinstance(a, Literal) else env[a] for a in program.outputs]


def written_over(eq: Equation, dead: Sequence[Var], env: dict[Any, Any]) -> Var | None:
    """The operand whose memory the result may take: nobody needs it any more, and nobody else holds it."""
    for a in eq.inputs:
        if type(a) is Var and a in dead and a.type == eq.outputs[0].type and type(env[a]) is np.ndarray:
            alone = sys.getrefcount(env[a]) == HELD_ONCE
            if alone and env[a].flags.owndata and env[a].flags.writeable:
                return a
    return None


_one = {0: np.empty(1)}
HELD_ONCE = sys.getrefcount(_one[0])
IN_PLACE: dict[Primitive, Any] = {
    **{ew.add: np.add, ew.sub: np.subtract, ew.mul: np.multiply, ew.div: np.true_divide, ew.neg: np.negative},
    **{ew.exp: np.exp, ew.sin: np.sin, ew.cos: np.cos, ew.tanh: np.tanh, ew.sqrt: np.sqrt},
}


def beyond_types(args: Sequence[Any], active: Sequence[bool]) -> int:
    """Bytes that arguments take beyond what their types say.

    Arrays without derivative have been copied, as their owner might assign to them; what is spread out takes less.
    """
    total = 0
    for x, on in zip(args, active, strict=True):
        if type(x) is np.ndarray:
            there = x.itemsize * math.prod(n for n, step in zip(x.shape, x.strides, strict=True) if step)
            total += there * (1 + (not on and x.flags.writeable and plain(args))) - x.nbytes
    return total


def plain(values: Sequence[Any]) -> bool:
    """Are these arrays and numbers, none of them traced?"""
    return not any(isinstance(x, Tracer) for x in values)


# the program -----------------------------------------------------------------------------------------------------
def _planned(*args: Any, program: Program, limits: Limits) -> list[Any]:
    check_types(program.in_types, args)
    return run_owned(program, list(args))


def _linearize(primals: Values, active: Sequence[bool], *, program: Program, limits: Limits) -> Any:
    """The first half, and the derivative, which is given what that keeps."""
    halves: Halves = provided("planned_halves")(
        program, tuple(active), limits, beyond_types(primals, active), not plain(primals)
    )
    n, relaxed = len(program.outputs), limits._replace(strict=False)
    dots = [TangentOf(i) for i, on in enumerate(active) if on]
    params = {
        "program": halves.tangents,
        "back": halves.back,
        "careful": halves.careful,
        "n": len(primals),
        "limits": relaxed,
    }
    if plain(primals):
        results = run_owned(halves.first, list(primals))
        kept = Kept(halves.first, n, results[n:])
        return results[:n], halves.outs, planned_linear, [*primals, *dots], {**params, "kept": kept}
    results = planned(*primals, program=halves.first, limits=relaxed)
    args = [*primals, *results[n:], *dots]
    return results[:n], halves.outs, planned_linear, args, {**params, "kept": None}


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    t = ArrayType((3,), np.float64)

    def waves(x: Any, a: Any) -> list[Any]:
        for _ in range(4):
            x = ew.sin(x * a)
        return [x, ew.exp(x)]

    yield Sample((rng.normal(size=3), rng.normal(size=3)), {"program": record(waves, [t] * 2), "limits": Limits()})


planned = program_call(
    "planned", _planned, _linearize, _samples, lambda params: {"limits": params["limits"]._replace(strict=False)}
)


# its derivative --------------------------------------------------------------------------------------------------
class PlannedLinear(Primitive):
    """The derivative of a planned program. Where it is applied to tangents, what was kept is among its arguments."""

    def __call__(self, *args: Any, kept: Kept | None = None, n: int, **params: Any) -> Any:
        """Apply it forwards."""
        if kept is not None:
            args = (*args[:n], *kept.shared(args[:n]), *args[n:])
        return super().__call__(*args, kept=None, n=n, **params)


RULES = checkpoint.kind
assert isinstance(RULES, Custom) and RULES.linearize and RULES.together and checkpoint.batch
JVP, LINEARIZE, TOGETHER, BATCH = RULES.jvp, RULES.linearize, RULES.together, checkpoint.batch


def _transpose(y_bars: Values, *args: Any, program: Program, **params: Any) -> list[Any]:
    """By the plan, where the arguments are what reverse mode gives: all values known, all tangents wanted."""
    back, n, kept, limits = (params[k] for k in ("back", "n", "kept", "limits"))
    known = [a for a in args if is_value(a)]
    given = args[:n] if kept is not None else args[: len(back.inputs) - len(y_bars)]
    if len(known) != len(given) or not all(map(is_value, given)):
        held = [] if kept is None else kept.shared(args[:n])
        return TOGETHER(y_bars, *args[:n], *held, *args[n:], program=program)
    bars = [zeros(v.type) if b is None else b for b, v in zip(y_bars, back.inputs[-len(y_bars) :], strict=True)]

    def run(back: Program) -> list[Any]:
        if kept is not None and plain(bars):
            return run_owned(back, [*known, *kept.taken(known), *bars])
        held = [] if kept is None else kept.shared(known)
        return planned(*known, *held, *bars, program=back, limits=limits)

    x_bars = run(back)
    if any(map(has_nan, x_bars)):
        x_bars = run(params["careful"])
    return [*[None] * len(given), *x_bars]


def has_nan(value: Any) -> bool:
    """Is there a NaN among the elements? Not where only a type is known."""
    found = concrete(value)
    return not isinstance(found, ArrayType) and bool(np.isnan(np.vdot(found, found)))


def _linear_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _samples(rng):
        *_, params = _linearize(sample.args, (True, True), **sample.params)
        held = params["kept"].shared(sample.args)
        yield Sample((*sample.args, *held, *rng.normal(size=(2, 3))), {**params, "kept": None}, order=1)


def _planned_linear(*args: Any, program: Program, **params: Any) -> list[Any]:
    check_types(program.in_types, args)
    return run_owned(program, list(args))


planned_linear = PlannedLinear(
    "planned_linear",
    _planned_linear,
    Custom(
        lambda primals, tangents, *, program, **params: JVP(primals, tangents, program=program),
        lambda primals, active, *, program, **params: LINEARIZE(primals, active, program=program),
        together=_transpose,
    ),
    type_rule=lambda *types, program, **params: [ArrayType(t.shape, t.dtype) for t in program.out_types],
    batch=lambda size, batched, *args, program, **params: BATCH(size, batched, *args, program=program),
    samples=_linear_samples,
    multiple=True,
)


# what is computed again ------------------------------------------------------------------------------------------
def _again_samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((rng.normal(size=2), rng.normal(size=(2, 3)), rng.normal(size=3)), {"n": 1})


again = Primitive(
    "again",
    lambda *args, n: list(args[n:]),
    Custom(lambda primals, tangents, n: (again(*primals, n=n), list(tangents[n:]))),
    type_rule=lambda *types, n: list(types[n:]),
    batch=lambda size, batched, *args, n: (again(*args, n=n), list(batched[n:])),
    samples=_again_samples,
    multiple=True,
)
