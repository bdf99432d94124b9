"""Branches: `cond[branches](index, operands)` runs one of several programs of the same types.

Only the branch that is taken runs, forwards and backwards. Under vmap, where lanes may take different ones, every
branch runs on all lanes and each lane takes its own results: tangents and adjoints of the others are zeros, which stay
zero.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core.dataflow import Mask, narrowed_inputs, reach, reached, rewired, through, used_inputs
from ..core.execute import run
from ..core.primitive import Custom, Primitive, Sample, TangentOf
from ..core.program import Literal, Program, Var
from ..core.record import hush, record
from ..core.types import ArrayType, zeros
from . import elementwise as ew
from .bodies import Values, check_types, chosen, held, is_value, live_evaluated, placed, strong, wary
from .reduce import any_

Branches = tuple[Program, ...]


def _cond(index: Any, *operands: Any, branches: Branches) -> list[Any]:
    check_types(branches[0].in_types, operands)
    return run(branches[int(index)], operands)


def either(masks: Sequence[Sequence[bool]]) -> Mask:
    """Where any of the branches has it, all must."""
    return tuple(map(any, zip(*masks, strict=True)))


def _cond_jvp(primals: Values, tangents: Values, *, branches: Branches) -> tuple[list[Any], list[Any]]:
    active = tuple(t is not None for t in tangents[1:])
    outs = either([reached(b, active, differentiable=True) for b in branches])
    made = tuple(b.transform("jvp", active, outs) for b in branches)
    results = cond(*primals, *(t for t in tangents[1:] if t is not None), branches=made)
    m = len(outs)
    return results[:m], placed(results[m:], outs)


# reverse mode ----------------------------------------------------------------------------------------------------
def _cond_linearize(primals: Values, active: Sequence[bool], *, branches: Branches) -> Any:
    """The branch that is taken also returns its residuals, and zeros in the place of the others' residuals."""
    index, *operands = primals
    on = tuple(active[1:])
    outs = either([reached(b, on, differentiable=True) for b in branches])
    split = [Saved(b.transform("linearize", on, outs), len(outs)) for b in branches]
    places: list[ArrayType] = []
    for saved in split:
        saved.take_places(places)
    results = cond(index, *operands, branches=tuple(saved.forward(places) for saved in split))
    needed = either([[v in saved.names for v in saved.first.inputs] for saved in split])
    args = [index, *chosen(operands, needed), *results[len(outs) :]]
    args += [TangentOf(1 + i) for i, a in enumerate(on) if a]
    return results[: len(outs)], outs, cond, args, {"branches": tuple(s.linear(places, needed) for s in split)}


class Saved:
    """The residuals of one branch. Branches share the places of residuals of one type; operands need none."""

    def __init__(self, split: tuple[Program, Program], results: int) -> None:
        self.first, self.second = split
        self.results = results
        self.names = dict(zip(self.first.outputs[results:], self.second.inputs, strict=False))
        self.at: dict[int, Var] = {}

    def take_places(self, places: list[ArrayType]) -> None:
        """Choose a place for each residual, adding to the list where there is none of its type left."""
        free = list(range(len(places)))
        for v in self.names:
            if v in self.first.inputs:
                continue
            shared = v.type.dtype.kind not in "iu"  # another branch's number of rounds would be no number of ours
            place = next((k for k in free if shared and places[k] == v.type), len(places))
            if place == len(places):
                places.append(v.type)
            else:
                free.remove(place)
            self.at[place] = v  # type: ignore[assignment]

    def forward(self, places: list[ArrayType]) -> Program:
        """The branch with its residuals at their places, zeros at the others."""
        first = self.first
        fill = {k: Var(t) if t.shape else Literal(zeros(t)) for k, t in enumerate(places) if k not in self.at}
        constants = [*first.constants, *((v, zeros(v.type)) for v in fill.values() if isinstance(v, Var))]
        outputs = [*first.outputs[: self.results], *(self.at.get(k) or fill[k] for k in range(len(places)))]
        return Program(first.inputs, constants, first.equations, outputs, name=first.name, quiet=first.quiet)

    def linear(self, places: list[ArrayType], needed: Mask) -> Program:
        """The linear program of the branch: operands, places, tangents -> tangents."""
        operands = [self.names.get(v) or Var(v.type) for v in chosen(self.first.inputs, needed)]
        saved = [self.names[self.at[k]] if k in self.at else Var(t) for k, t in enumerate(places)]
        inputs = [*operands, *saved, *self.second.inputs[len(self.names) :]]
        return rewired(self.second, inputs, self.second.outputs)


def _cond_T(y_bars: Values, index: Any, *operands: Any, branches: Branches) -> list[Any]:
    linear = tuple(not is_value(a) for a in operands)
    bars = tuple(b is not None for b in y_bars)
    outs = either([transposed_reach(b, linear, bars) for b in branches])
    made = tuple(b.transform("transpose", linear, bars, tuple(chosen(outs, linear))) for b in branches)
    x_bars = cond(index, *filter(is_value, operands), *(b for b in y_bars if b is not None), branches=made)
    return [None, *placed(x_bars, outs)]


def transposed_reach(program: Program, linear: Mask, bars: Mask) -> Mask:
    """The linear inputs that get an adjoint from those of these outputs."""
    touched = 0
    for bits, on in zip(reach(program), bars, strict=True):
        touched |= bits if on else 0
    return tuple(on and bool(touched >> i & 1) for i, on in enumerate(linear))


# vmap ------------------------------------------------------------------------------------------------------------
def _batch_cond(size: int, batched: Sequence[bool], index: Any, *operands: Any, branches: Branches) -> Any:
    differs, *on = batched
    outs = either([reached(b, on) for b in branches])
    if differs:
        outs = (True,) * len(outs)
    made = tuple(b.transform("batch", size, tuple(on), outs) for b in branches)
    if not differs:
        return cond(index, *operands, branches=made), list(outs)
    hush(operands)  # what a lane does not take is no news
    with np.errstate(all="ignore"):
        results = _for_lanes(made[0], size, operands, on, ew.equal(index, 0))
        for k, branch in enumerate(made[1:], 1):
            live = ew.equal(index, k)
            results = held(live, _for_lanes(branch, size, operands, on, live), results)
    return results, list(outs)


def _for_lanes(branch: Program, size: int, operands: Values, batched: Sequence[bool], live: Any) -> list[Any]:
    """A batched branch, for the lanes that take it; where it may go wrong for others, only if there are any."""
    if not branch.remember(wary):
        return live_evaluated(branch, operands, batched, live)
    taken = ew.convert(any_(live, axis=(0,)), dtype=np.dtype(np.int64))
    return cond(taken, *operands, live, branches=branch.remember(_where_live, size, tuple(batched)))


def _where_live(branch: Program, size: int, batched: Mask) -> Branches:
    """Nothing, and the branch, with the lanes that take it as one operand more."""

    def f(*args: Any) -> list[Any]:
        *operands, live = args
        return live_evaluated(branch, operands, batched, live)

    made = record(f, [*branch.in_types, ArrayType((size,), bool)], name=branch.name)
    made.quiet = True
    results = [Var(t) for t in branch.out_types]
    constants = [(v, zeros(v.type)) for v in results]
    return Program([Var(t) for t in made.in_types], constants, [], results, name=branch.name, quiet=True), made


# as part of a program --------------------------------------------------------------------------------------------
def _cond_flows(differentiable: bool, index: int, *sets: int, branches: Branches) -> list[int]:
    found = zip(*(through(b, sets, differentiable) for b in branches), strict=True)
    return [functools.reduce(operator.or_, bits, 0 if differentiable else index) for bits in found]


def _cond_narrow(used: Mask, *, branches: Branches) -> tuple[dict[str, Any], Mask, Mask]:
    made = [rewired(b, b.inputs, chosen(b.outputs, used)) for b in branches]
    keep = used_inputs(made)
    return {"branches": tuple(narrowed_inputs(b, keep) for b in made)}, (True, *keep), used


def _cond_type(index: Any, *operands: Any, branches: Branches) -> list[ArrayType]:
    return strong(branches[0].out_types)


def _cond_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """sin(a) b, a;  b, a exp(b);  -b, a."""
    for shape in [(), (2,)]:
        t = ArrayType(shape, np.float64)
        branches = (
            record(lambda a, b: [ew.sin(a) * b, a], [t] * 2),
            record(lambda a, b: [b, a * ew.exp(b)], [t] * 2),
            record(lambda a, b: [ew.neg(b), a], [t] * 2),
        )
        for k in range(3) if not shape else (1,):
            args = (np.asarray(k), *(np.asarray(rng.normal(size=shape)) for _ in range(2)))
            yield Sample(args, {"branches": branches}, order=3)


cond = Primitive(
    "cond",
    _cond,
    Custom(_cond_jvp, _cond_linearize, together=_cond_T),
    type_rule=_cond_type,
    batch=_batch_cond,
    samples=_cond_samples,
    flows=_cond_flows,
    narrow=_cond_narrow,
    multiple=True,
)
