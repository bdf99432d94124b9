"""Loops: scan (a known number of rounds) and while (until a condition fails). Each derivative is again a loop.

    scan[body, length, reverse]    count, consts, carry, xs -> carry, ys    each round reads a row, writes a row
    while[cond, body]              consts, carry -> count, carry, ys        as many rows as there were rounds

The body is a Program; what it closes over are explicit constants. Forward mode is the loop of the body's jvp. Reverse
mode is the loop that also stacks the residuals of its body, and a `linear_scan` over them, whose carry holds tangents
only and whose transpose is the reversed scan of the transposed body. See docs/design/loops.md.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core.dataflow import Mask, around, fixpoint, narrowed_inputs, reached, rewired, through, used_inputs
from ..core.execute import SOON, Swap, python_function, quietly, step_function
from ..core.inplace import Sums, read_only
from ..core.primitive import Constant, Custom, Primitive, Sample
from ..core.program import Program, Var
from ..core.record import record
from ..core.types import DYNAMIC, ArrayType
from . import elementwise as ew
from .bodies import (
    Dual,
    Linearized,
    Sizes,
    Transposed,
    Values,
    check_types,
    held,
    holding,
    in_lanes,
    is_value,
    live_evaluated,
    narrowed_body,
    needed_carry,
    placed,
    rows_first,
    strong,
)


# lanes that run for different numbers of rounds ------------------------------------------------------------------
def _lane_samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((np.array([2, 0, 3]),))
    yield Sample((np.array([0, 0]),))


def _rounds(counts: Any) -> Any:
    return np.arange(np.max(counts, initial=0))[:, None] < counts[..., None, :]


any_lane = Primitive(
    "any_lane",
    lambda live: np.any(live, axis=-1),
    Constant(),
    type_rule=lambda live: ArrayType(live.shape[:-1], bool),
    batch=lambda size, batched, live: (any_lane(live), True),
    samples=_lane_samples,
)
longest = Primitive(
    "longest",
    lambda counts: np.max(counts, axis=-1, initial=0),
    Constant(),
    type_rule=lambda counts: ArrayType(counts.shape[:-1], counts.dtype),
    batch=lambda size, batched, counts: (longest(counts), True),
    samples=_lane_samples,
)
rounds = Primitive(  # the lanes that run in each round: (rounds, lanes)
    "rounds",
    _rounds,
    Constant(),
    type_rule=lambda counts: ArrayType((*counts.shape[:-1], DYNAMIC, counts.shape[-1]), bool),
    batch=lambda size, batched, counts: (rounds(counts), True),
)


# scan ------------------------------------------------------------------------------------------------------------
def _scan(count: Any, *args: Any, body: Program, **params: Any) -> list[Any]:
    return _in_rounds({}, int(count), args, body, **params)


def _linear_scan(count: Any, *args: Any, body: Program, **params: Any) -> list[Any]:
    """At full speed first, and with products that keep zeros if a NaN came out; a linear loop loses none on the way."""
    n = int(count)
    results = _in_rounds({ew.zero_safe_mul: operator.mul}, n, args, body, **params)
    if any(map(has_nan, results)):
        results = _in_rounds({}, n, args, body, **params)
    return results


def carried_sums(body: Program, n_consts: int, n_carry: int) -> Sums:
    """What a loop only adds to: written over instead of made anew in each round."""
    return Sums(body, list(zip(body.inputs[n_consts:], body.outputs[:n_carry], strict=False)))


def has_nan(x: Any) -> bool:
    """Does an array or number contain a NaN? A sum of squares is NaN exactly where a term is."""
    with np.errstate(all="ignore"):
        size = np.vdot(x, x) if type(x) is np.ndarray else x
    return bool(size != size)


def _in_rounds(
    swap: Swap, n: int, args: Values, body: Program, length: int, reverse: bool, n_consts: int, n_carry: int
) -> list[Any]:
    check_types(body.in_types, args)
    consts, carry, xs = Sizes(n_consts, n_carry).split(args)
    sums = body.remember(carried_sums, n_consts, n_carry)
    step = step_function(body, n, swap, sums)
    carry = [read_only(c) if k in sums.carried else c for k, c in enumerate(carry)]
    order = range(n - 1, -1, -1) if reverse else range(n)
    rows = zip(*(x[::-1] if reverse else x for x in xs), strict=True) if xs else itertools.repeat((), n)
    ys = [np.empty((n, *t.shape), t.dtype) for t in body.out_types[n_carry:]]
    with quietly(body):
        for k, row in zip(order, rows, strict=True):
            outs = step(*consts, *carry, *row)
            carry = outs[:n_carry]
            for y, v in zip(ys, outs[n_carry:], strict=True):
                y[k] = v
    return [*carry, *ys]


def scan_type(count: Any, *types: Any, body: Program, length: int, n_carry: int, **params: Any) -> list[ArrayType]:
    outs = strong(body.out_types)
    return [*outs[:n_carry], *(ArrayType((length, *t.shape), t.dtype) for t in outs[n_carry:])]


def _scan_jvp(primals: Values, tangents: Values, *, body: Program, n_consts: int, n_carry: int, **params: Any) -> Any:
    active = tuple(t is not None for t in tangents[1:])
    dual = body.remember(Dual, Sizes(n_consts, n_carry), active)
    args = dual.arguments(primals[1:], tangents[1:])
    sizes = {"n_consts": dual.n_consts, "n_carry": dual.n_carry}
    return dual.results(scan(primals[0], *args, body=dual.body, **sizes, **params))


def _scan_linearize(
    primals: Values, active: Sequence[bool], *, body: Program, n_consts: int, n_carry: int, **params: Any
) -> Any:
    count, *xs = primals
    split = body.remember(Linearized, Sizes(n_consts, n_carry), tuple(active[1:]))
    results = scan(*primals, body=split.body, n_consts=n_consts, n_carry=n_carry, **params)
    m = len(split.outs)
    return results[:m], split.outs, linear_scan, *split.linear_scan(1, count, xs, results[m:], **params)


def _linear_scan_T(
    y_bars: Values, count: Any, *args: Any, body: Program, length: int, reverse: bool, n_consts: int, n_carry: int
) -> list[Any]:
    sizes = Sizes(n_consts, n_carry)
    linear = tuple(k in range(n_consts, sum(sizes)) or not is_value(a) for k, a in enumerate(args))
    back = body.remember(Transposed, sizes, linear, tuple(b is not None for b in y_bars))
    x_bars = linear_scan(
        count,
        *back.arguments(args, y_bars),
        body=back.body,
        length=length,
        reverse=not reverse,
        n_consts=back.n_consts,
        n_carry=back.n_carry,
    )
    return [None, *placed(x_bars, back.outs)]


def batch_scan(primitive: Any, size: int, batched: Sequence[bool], count: Any, *xs: Any, **params: Any) -> Any:
    """The scan of the batched body. Where lanes need different numbers of rounds, the finished ones stand still."""
    sizes = Sizes(params["n_consts"], params["n_carry"])
    on = list(batched[1:])
    if batched[0]:
        on[sizes.consts : sum(sizes)] = [True] * sizes.carry
    ins, outs = fixpoint(params["body"], on, *sizes)
    consts, carry, rows = sizes.split(in_lanes(size, xs, batched[1:], ins))
    rows = [rows_first(x) if b else x for x, b in zip(rows, sizes.split(ins)[2], strict=True)]
    body = params["body"].transform("batch", size, ins, outs)
    if batched[0]:
        body, rows, count = body.remember(holding, sizes, size, tuple(ins)), [*rows, rounds(count)], longest(count)
    results = primitive()(count, *consts, *carry, *rows, **(params | {"body": body}))
    ys = [rows_first(y) if b else y for y, b in zip(results[sizes.carry :], outs[sizes.carry :], strict=True)]
    return [*results[: sizes.carry], *ys], list(outs)


def _scan_flows(differentiable: bool, count: int, *sets: int, body: Program, **params: Any) -> list[int]:
    found = around(body, sets, params["n_consts"], params["n_carry"], differentiable)
    return found if differentiable else [bits | count for bits in found]


def _scan_narrow(used: Mask, *, body: Program, n_consts: int, n_carry: int, **params: Any) -> Any:
    sizes = Sizes(n_consts, n_carry)
    carry = needed_carry(body, sizes, used)
    made, ins, carry = narrowed_body(body, sizes, carry, used[n_carry:])
    kept = sizes.chosen(ins)
    params |= {"body": made, "n_consts": kept.consts, "n_carry": kept.carry}
    return params, (True, *ins), (*carry, *used[n_carry:])


def _scan_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """c, y = sin(w c + x), c x; and a body with matrices, in reverse; and no rounds."""

    def body(w: Any, c: Any, x: Any) -> list[Any]:
        return [ew.sin(w * c + x), c * x]

    for shape, n, reverse in [((), 3, False), ((2,), 3, True), ((2,), 0, False)]:
        row = ArrayType(shape, np.float64)
        params = {"body": record(body, [row] * 3), "length": n, "reverse": reverse, "n_consts": 1, "n_carry": 1}
        values = (np.asarray(rng.normal(size=s)) for s in (shape, shape, (n, *shape)))
        yield Sample((n, *values), params, order=3 if n and not shape else 2)


def _linear_scan_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """c, y = w c + x, w c: linear in c and x."""

    def body(w: Any, c: Any, x: Any) -> list[Any]:
        return [w * c + x, w * c]

    row = ArrayType((2,), np.float64)
    params = {"body": record(body, [row] * 3), "length": 3, "reverse": False, "n_consts": 1, "n_carry": 1}
    yield Sample((3, *(rng.normal(size=s) for s in ((2,), (2,), (3, 2)))), params)


scan = Primitive(
    "scan",
    _scan,
    Custom(_scan_jvp, _scan_linearize),
    type_rule=scan_type,
    batch=lambda *args, **params: batch_scan(lambda: scan, *args, **params),
    samples=_scan_samples,
    flows=_scan_flows,
    narrow=_scan_narrow,
    multiple=True,
)
linear_scan = Primitive(
    "linear_scan",
    _linear_scan,
    Custom(_scan_jvp, _scan_linearize, together=_linear_scan_T),
    type_rule=scan_type,
    batch=lambda *args, **params: batch_scan(lambda: linear_scan, *args, **params),
    samples=_linear_scan_samples,
    flows=_scan_flows,
    narrow=_scan_narrow,
    multiple=True,
)


# while -----------------------------------------------------------------------------------------------------------
def _while(*args: Any, cond: Program, body: Program, n_cond: int, n_consts: int) -> list[Any]:
    check_types(body.in_types, args[n_cond:])
    constants, consts, carry = Sizes(n_cond, n_consts).split(args)
    n_carry = len(carry)
    test, step = step_function(cond, 1), step_function(body, 1)
    stacks: list[list[Any]] = [[] for _ in body.outputs[n_carry:]]
    count = 0
    with quietly(body):
        while test(*constants, *carry)[0]:
            outs = step(*consts, *carry)
            carry = outs[:n_carry]
            for stack, v in zip(stacks, outs[n_carry:], strict=True):
                stack.append(v)
            count += 1
            if count == SOON:
                test, step = python_function(cond), python_function(body)
    rows = zip(stacks, body.out_types[n_carry:], strict=True)
    return [np.int64(count), *carry, *(np.array(stack, t.dtype).reshape(count, *t.shape) for stack, t in rows)]


def while_type(*types: Any, body: Program, n_cond: int, n_consts: int, **params: Any) -> list[ArrayType]:
    """The number of rounds, the carry, and stacks of rows."""
    n_carry = len(types) - n_cond - n_consts
    outs = strong(body.out_types)
    stacks = [ArrayType((DYNAMIC, *t.shape), t.dtype) for t in outs[n_carry:]]
    return [ArrayType((), np.int64), *outs[:n_carry], *stacks]


def while_jvp(
    primals: Values, tangents: Values, *, cond: Program, body: Program, n_cond: int, n_consts: int, loop: Any = None
) -> tuple[list[Any], list[Any]]:
    """loop: what runs the rounds, `while` itself unless it is given."""
    xs, x_dots = primals[n_cond:], tangents[n_cond:]
    dual = body.remember(Dual, Sizes(n_consts, len(xs) - n_consts), tuple(t is not None for t in x_dots))
    test = cond.remember(blind_to, tuple(dual.carry_dots))
    args = [*primals[:n_cond], *dual.arguments(xs, x_dots)]
    loop = loop or while_
    count, *results = loop(*args, cond=test, body=dual.body, n_cond=n_cond, n_consts=dual.n_consts)
    y, y_dot = dual.results(results)
    return [count, *y], [None, *y_dot]


def blind_to(cond: Program, types: Sequence[ArrayType]) -> Program:
    """A condition with more inputs, which it does not look at."""
    return rewired(cond, [*cond.inputs, *map(Var, types)], cond.outputs)


def _while_linearize(
    primals: Values, active: Sequence[bool], *, cond: Program, body: Program, n_cond: int, n_consts: int
) -> Any:
    xs = primals[n_cond:]
    split = body.remember(Linearized, Sizes(n_consts, len(xs) - n_consts), tuple(active[n_cond:]))
    count, *results = while_(*primals, cond=cond, body=split.body, n_cond=n_cond, n_consts=n_consts)
    m = len(split.outs)
    linear = split.linear_scan(n_cond, count, xs, results[m:], DYNAMIC, False)
    return [count, *results[:m]], [False, *split.outs], linear_scan, *linear


def batch_while(
    size: int,
    batched: Sequence[bool],
    *args: Any,
    cond: Program,
    body: Program,
    n_cond: int,
    n_consts: int,
    loop: Any = None,
) -> Any:
    """Run until no lane goes on. Where the condition differs between lanes, the finished ones stand still.

    loop: what runs the rounds, `while` itself unless it is given.
    """
    loop = loop or while_
    sizes = Sizes(n_consts, len(args) - n_cond - n_consts)
    on = batched[n_cond:]
    ins, outs = fixpoint(body, on, *sizes)
    (differs,) = reached(cond, (*batched[:n_cond], *sizes.split(ins)[1]))
    if differs:
        ins, outs = fixpoint(body, (*on[:n_consts], *(True,) * sizes.carry), *sizes)
    consts, carry, _ = sizes.split(in_lanes(size, args[n_cond:], on, ins))
    test = cond.transform("batch", size, (*batched[:n_cond], *sizes.split(ins)[1]), (differs,))
    body = body.transform("batch", size, ins, outs)
    if differs:
        count, *results = _differing_lanes(loop, size, args[:n_cond], consts, carry, test, body, tuple(ins))
    else:
        args = (*args[:n_cond], *consts, *carry)
        count, *results = loop(*args, cond=test, body=body, n_cond=n_cond, n_consts=len(consts))
    ys = [rows_first(y) if b else y for y, b in zip(results[sizes.carry :], outs[sizes.carry :], strict=True)]
    return [count, *results[: sizes.carry], *ys], [differs, *outs]


def _differing_lanes(
    loop: Any, size: int, constants: Values, consts: Values, carry: Values, test: Program, body: Program, batched: Mask
) -> Any:
    """Carries also which lanes are live, and how many rounds each has run."""
    going, made = body.remember(_until_the_last, test, size, Sizes(len(constants), len(consts)), batched)
    with np.errstate(all="ignore"):
        (live,) = test.evaluate([*constants, *carry])
    args = [*constants, *consts, live, np.zeros(size, np.int64), *carry]
    _, _, counts, *results = loop(*args, cond=going, body=made, n_cond=0, n_consts=len(constants) + len(consts))
    return [counts, *results]


def _until_the_last(body: Program, test: Program, size: int, shared: Sizes, batched: Mask) -> tuple[Program, Program]:
    """Condition and body of a loop that runs while any lane does, and leaves the finished ones as they are."""
    n_cond, n_consts = shared
    n_carry = len(body.inputs) - n_consts

    def step(*args: Any) -> list[Any]:
        constants, consts, (live, counts, *old) = shared.split(args)
        outs = live_evaluated(body, [*consts, *old], batched, live)
        new = held(live, outs[:n_carry], old)
        (still,) = test.evaluate([*constants, *new])
        return [still, counts + ew.convert(live, dtype=np.dtype(np.int64)), *new, *outs[n_carry:]]

    lanes = [ArrayType((size,), bool), ArrayType((size,), np.int64)]
    state = [*lanes, *body.in_types[n_consts:]]
    made = record(step, [*test.in_types[:n_cond], *body.in_types[:n_consts], *state], name=body.name)
    made.quiet = True  # what finished lanes compute is not used
    return record(lambda live, *rest: [any_lane(live)], state, name=test.name), made


def while_flows(
    differentiable: bool, *sets: int, cond: Program, body: Program, n_cond: int, n_consts: int
) -> list[int]:
    """Every result depends on the condition, which decides how many rounds there are; derivatives do not see it."""
    n_carry = len(sets) - n_cond - n_consts
    found = around(body, sets[n_cond:], n_consts, n_carry, differentiable)
    (count,) = through(cond, (*sets[:n_cond], *found[:n_carry]), differentiable)
    return [0, *found] if differentiable else [count, *(bits | count for bits in found)]


def while_narrow(used: Mask, *, cond: Program, body: Program, n_cond: int, n_consts: int) -> Any:
    """Without the carries that neither the used results nor the condition need."""
    n_carry = len(cond.inputs) - n_cond
    sizes = Sizes(n_consts, n_carry)
    results, rows = used[1 : 1 + n_carry], used[1 + n_carry :]
    deciding = used_inputs([cond])[n_cond:]
    carry = needed_carry(body, sizes, [*map(operator.or_, results, deciding), *rows])
    made, ins, carry = narrowed_body(body, sizes, carry, rows)
    constants = (True,) * n_cond
    test = narrowed_inputs(cond, (*constants, *carry))
    params = {"cond": test, "body": made, "n_cond": n_cond, "n_consts": sizes.chosen(ins).consts}
    return params, (*constants, *ins), (True, *carry, *rows)


def _while_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """c = c + exp(a) + sin(c) / 5 while c < b; and c = sin(a c) for k rounds."""
    number, whole = ArrayType((), np.float64), ArrayType((), np.int64)
    cond = record(lambda b, c: [ew.less(c, b)], [number] * 2)
    body = record(lambda a, c: [c + ew.exp(a) + 0.2 * ew.sin(c)], [number] * 2)
    for bound in (4.0, 0.1):
        args = (np.asarray(bound), np.asarray(0.1), np.asarray(rng.uniform(0.3, 0.4)))
        yield Sample(args, {"cond": cond, "body": body, "n_cond": 1, "n_consts": 1}, order=1)
    cond = record(lambda k, c: [ew.greater(k, 0)], [whole, number])
    body = record(lambda a, k, c: [k - 1, ew.sin(a * c)], [number, whole, number])
    args = (np.asarray(rng.normal()), np.asarray(3), np.asarray(rng.normal()))
    yield Sample(args, {"cond": cond, "body": body, "n_cond": 0, "n_consts": 1}, order=3)


while_ = Primitive(
    "while",
    _while,
    Custom(while_jvp, _while_linearize),
    type_rule=while_type,
    batch=batch_while,
    samples=_while_samples,
    flows=while_flows,
    narrow=while_narrow,
    multiple=True,
)
