"""Structure through control flow: loops round by round while they are short, else to a fixed point; branches united.

A rule takes the walk (dependence.Flow), the sets and values of the arguments, and the parameters; it returns the sets
and values of the results. Values: UNKNOWN for what depends on data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Program
from ...core.types import ArrayType
from ...primitives.bodies import Sizes
from .rules import UNKNOWN
from .sets import Sets, elements, moved, stacked, summed, union

Found = tuple[list[Sets], list[Any]]


def work(program: Program) -> int:
    """Equations of a program, with those of the programs that it runs once each."""
    return 1 + sum(1 + sum(map(work, eq.programs)) for eq in program.equations)


def called(flow: Any, sets: Sequence[Sets], values: Sequence[Any], params: dict[str, Any]) -> Found:
    """jit, checkpoint, planned: the program itself."""
    return flow.program(params["program"], sets, values)


def branches(flow: Any, sets: Sequence[Sets], values: Sequence[Any], params: dict[str, Any]) -> Found:
    """cond: the branch that is known to be taken, or the union of all."""
    index, *operands = values
    taken = params["branches"]
    if index is not UNKNOWN:
        return flow.program(taken[int(index)], sets[1:], operands)
    found = [flow.program(branch, sets[1:], operands) for branch in taken]
    outs = [union(each) for each in zip(*(f[0] for f in found), strict=True)]
    return outs, [UNKNOWN] * len(outs)


# scan ------------------------------------------------------------------------------------------------------------
def scan(flow: Any, sets: Sequence[Sets], values: Sequence[Any], params: dict[str, Any]) -> Found:
    """scan, linear_scan: round by round, or all rounds as lanes where none depends on another, or to a fixed point."""
    body, sizes = params["body"], Sizes(params["n_consts"], params["n_carry"])
    count, length = values[0], params["length"]
    rounds = int(count) if count is not UNKNOWN else int(length)
    if rounds >= 0 and rounds * work(body) <= flow.budget and rounds == length:
        flow.budget -= rounds * work(body)
        return unrolled(flow, body, sizes, sets[1:], values[1:], rounds, params["reverse"])
    if not sizes.carry and length >= 0:
        lanes = (*(False,) * sizes.consts, *(True,) * (len(sets) - 1 - sizes.consts))
        batched = body.transform("batch", int(length), lanes, (True,) * len(body.outputs))
        return flow.program(batched, sets[1:], values[1:])
    consts, carry, xs = sizes.split(sets[1:])
    rows = [row_union(s, v.type) for s, v in zip(xs, body.inputs[sizes.consts + sizes.carry :], strict=True)]
    fixed = sizes.split(values[1:])[0]
    outs = settled(flow, body, [*consts, *carry, *rows], fixed, sizes)
    ys = [repeated(s, elements(v.type), length) for s, v in zip(outs[sizes.carry :], body.outputs[sizes.carry :],
                                                                strict=True)]  # fmt: skip
    return [*outs[: sizes.carry], *ys], [UNKNOWN] * len(outs)


def unrolled(
    flow: Any, body: Program, sizes: Sizes, sets: Sequence[Sets], values: Sequence[Any], rounds: int, reverse: bool
) -> Found:
    """Round by round; what is known of the carry and of the rows stays known."""
    consts, carry, xs = sizes.split(sets)
    fixed, kept, rows = sizes.split(values)
    types = [v.type for v in body.inputs[sizes.consts + sizes.carry :]]
    outs = body.out_types[sizes.carry :]
    ys: list[list[Sets]] = [[None] * rounds for _ in outs]
    y_values: list[list[Any]] = [[UNKNOWN] * rounds for _ in outs]
    for k in range(rounds - 1, -1, -1) if reverse else range(rounds):
        row_sets = [row(s, t, k) for s, t in zip(xs, types, strict=True)]
        row_values = [UNKNOWN if x is UNKNOWN else np.asarray(x)[k] for x in rows]
        found, known = flow.program(body, [*consts, *carry, *row_sets], [*fixed, *kept, *row_values])
        carry, kept = found[: sizes.carry], known[: sizes.carry]
        for i, (s, v) in enumerate(zip(found[sizes.carry :], known[sizes.carry :], strict=True)):
            ys[i][k], y_values[i][k] = s, v
    stacks = [stacked(parts, [t.size] * rounds, flow.columns) if rounds else None
              for parts, t in zip(ys, outs, strict=True)]  # fmt: skip
    return [*carry, *stacks], [*kept, *(whole(vs, t) for vs, t in zip(y_values, outs, strict=True))]


def row(s: Sets, t: ArrayType, k: int) -> Sets:
    """The sets of one row of a stacked variable."""
    return None if s is None else s[k * t.size : (k + 1) * t.size]


def whole(values: list[Any], t: ArrayType) -> Any:
    """Rows as one array, if all are known."""
    if any(v is UNKNOWN for v in values):
        return UNKNOWN
    return np.array(values, t.dtype).reshape(len(values), *t.shape)


def row_union(s: Sets, t: ArrayType) -> Sets:
    """The union of all rows of a stacked variable, as one; a variable of unknown length has one set for all."""
    if s is None:
        return None
    if s.shape[0] == 1 and t.size != 1:
        return moved(s, np.zeros(t.size, int))
    return summed(s, np.arange(s.shape[0]) % max(t.size, 1), t.size)


def repeated(s: Sets, size: int, length: int) -> Sets:
    """One round's sets for every round; of a variable of unknown length, one set for all."""
    if s is None:
        return None
    if length < 0:
        return summed(s, np.zeros(s.shape[0], int), 1)
    return moved(s, np.tile(np.arange(size), length))


def settled(flow: Any, body: Program, sets: list[Sets], fixed: Sequence[Any], sizes: Sizes) -> list[Sets]:
    """The results of a body after any number of rounds (none as well): the carry grows until it stays as it is."""
    values = [*fixed, *[UNKNOWN] * (len(sets) - len(fixed))]
    flow.silent += 1
    while True:
        found, _ = flow.program(body, sets, values)
        first, last = sizes.consts, sizes.consts + sizes.carry
        grown = [union(pair) for pair in zip(sets[first:last], found[: sizes.carry], strict=True)]
        same = all(entries(a) == entries(b) for a, b in zip(grown, sets[first:last], strict=True))
        sets[first:last] = grown
        if same:
            break
    flow.silent -= 1
    if flow.second and not flow.silent:
        found, _ = flow.program(body, sets, values)
    return [*sets[first:last], *found[sizes.carry :]]


def entries(s: Sets) -> int:
    """How many: sets only grow, so equal numbers are equal sets."""
    if s is None:
        return 0
    s.sum_duplicates()
    return int(s.nnz)


# while -----------------------------------------------------------------------------------------------------------
def while_(flow: Any, sets: Sequence[Sets], values: Sequence[Any], params: dict[str, Any]) -> Found:
    """Round by round as long as the condition is known, then to a fixed point."""
    cond, body, n_cond = params["cond"], params["body"], params["n_cond"]
    sizes = Sizes(params["n_consts"], len(sets) - n_cond - params["n_consts"])
    consts, carry, _ = sizes.split(list(sets[n_cond:]))
    fixed, kept, _ = sizes.split(list(values[n_cond:]))
    stacks = len(body.outputs) - sizes.carry
    rounds = 0
    while stacks == 0 and flow.budget > 0:
        (going,) = flow.program(cond, [None] * len(cond.inputs), [*values[:n_cond], *kept])[1]
        if going is UNKNOWN:
            break
        if not going:
            return [None, *carry], [np.int64(rounds), *kept]
        carry, kept = flow.program(body, [*consts, *carry], [*fixed, *kept])
        flow.budget -= work(body)
        rounds += 1
    outs = settled(flow, body, [*consts, *carry], fixed, sizes)
    ys = [repeated(s, 0, -1) for s in outs[sizes.carry :]]
    return [None, *outs[: sizes.carry], *ys], [UNKNOWN] * (1 + len(outs))


RULES: dict[str, Callable[..., Found]] = {
    "jit": called,
    "checkpoint": called,
    "planned": called,
    "cond": branches,
    "scan": scan,
    "linear_scan": scan,
    "while": while_,
}
