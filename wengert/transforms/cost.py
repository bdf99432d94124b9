"""Cost of programs and tapes: operations and bytes, counted before they run.

An operation is one application of an arithmetic or elementary function to one element; a matrix product of (m, k) and
(k, n) has 2 m k n. Moving elements (a slice, a transposition, a conversion) is no operation, but bytes: those of all
arrays that an equation reads and writes. A loop counts as often as it runs; one whose rounds are data counts one round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..core.primitive import Primitive
from ..core.program import Program
from ..core.types import DYNAMIC, ArrayType, Shape
from ..primitives.contract import split_subscripts


class Cost(NamedTuple):
    """operations on elements, and bytes read and written."""

    operations: int = 0
    bytes: int = 0

    @property
    def weight(self) -> float:
        """What is compared: about the nanoseconds of one core, where arrays are large."""
        return 0.1 * self.operations + 0.1 * self.bytes

    def __add__(self, other: Any) -> Cost:
        return Cost(self.operations + other.operations, self.bytes + other.bytes)

    def times(self, n: int) -> Cost:
        """The cost of n of these."""
        return Cost(n * self.operations, n * self.bytes)


Rule = Callable[[Sequence[ArrayType], Sequence[ArrayType], Mapping[str, Any]], int]

# fmt: off
MOVES = frozenset((
    "broadcast_to", "reshape", "transpose", "slice", "place", "set_slice", "clear_slice", "gather", "scatter_set",
    "scatter_clear", "crop_or_pad", "concatenate", "stack", "diag_part", "diag_matrix", "convert", "cast", "real",
    "imag", "conj", "where", "rearrange", "delay", "stop_gradient", "last_assigned", "refused", "directed", "print",
    "check", "assume", "windows", "banded_transpose",
))
# fmt: on
PARTS = frozenset(("slice", "gather", "diag_part"))  # read only the elements that they return
WHOLES = frozenset(("place", "scatter_add", "diag_matrix"))  # their transposes


def nbytes(t: ArrayType) -> int:
    """Bytes of a value; an axis whose length is data counts as one."""
    return elements(t.shape) * t.dtype.itemsize


def elements(shape: Shape) -> int:
    """Elements of an array; an axis whose length is data counts as one."""
    return math.prod(shape) if DYNAMIC not in shape else math.prod(1 if n == DYNAMIC else n for n in shape)


# operations of one application -----------------------------------------------------------------------------------
def _first(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    """One for each element of the operand: reductions and accumulations."""
    return elements(ins[0].shape)


def _last(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    return elements(ins[-1].shape)


def _matmul(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    return 2 * elements(outs[0].shape) * ins[0].shape[-1]


def _einsum(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    a, b, out = split_subscripts(params["subscripts"])
    sizes = dict(zip(a + b, (*ins[0].shape, *ins[1].shape), strict=True))
    return (2 if set(a + b) - set(out) else 1) * math.prod(sizes.values())


def _fft(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    n = max(elements(ins[0].shape), elements(outs[0].shape))
    return round(5 * n * math.log2(max(n, 2)))


def _convolve(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    return 2 * elements(ins[0].shape) * ins[1].shape[-1]


def _banded(factor: int) -> Rule:
    """For each diagonal a product and a sum with every element of the columns; solving goes through them twice."""

    def rule(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
        diagonals = params["lower"] + params["upper"] + 1
        factored = diagonals * elements(ins[0].shape) if factor > 2 else 0
        return factored + factor * diagonals * elements(ins[1].shape)

    return rule


def _matrix(factor: float) -> Rule:
    """factor n^3 for each matrix (m, n) of a stack, where n^3 stands for max(m, n) min(m, n)^2."""

    def rule(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
        m, n = ins[0].shape[-2:]
        return round(factor * elements(ins[0].shape[:-2]) * m * n * min(m, n))

    return rule


def _solve(factor: float) -> Rule:
    """A factorisation, and 2 n^2 for each right-hand side."""

    def rule(ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
        return _matrix(factor)(ins, outs, params) + 2 * ins[0].shape[-1] * elements(outs[0].shape)

    return rule


RULES: dict[str, Rule] = {
    **dict.fromkeys(("sum", "max", "min", "prod", "all", "any", "argmax", "argmin", "count", "norm", "roots"), _first),
    **dict.fromkeys(("logsumexp", "softmax", "log_softmax"), lambda *a: 3 * _first(*a)),
    "scatter_add": _last,
    "matmul": _matmul,
    "einsum": _einsum,
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft"), _fft),
    **dict.fromkeys(("convolve", "correlate"), _convolve),
    **dict.fromkeys(("det", "slogdet", "cofactors"), _matrix(2 / 3)),
    "cholesky": _matrix(1 / 3),
    "inv": _matrix(2),
    "qr": _matrix(4 / 3),
    **dict.fromkeys(("eigvalsh", "svdvals"), _matrix(4 / 3)),
    **dict.fromkeys(("eigh", "adapted_eigh"), _matrix(9)),
    **dict.fromkeys(("svd", "adapted_svd", "pinv", "matrix_rank"), _matrix(22)),
    **dict.fromkeys(("eig", "eigvals"), _matrix(25)),
    "solve": _solve(2 / 3),
    "solve_triangular": _solve(0),
    "lstsq": _solve(4),
    **dict.fromkeys(("banded_product", "banded_outer"), _banded(2)),
    "solve_banded": _banded(4),
    "overlap_add": _first,
}


def operations(p: Primitive, ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]) -> int:
    """Operations of one application of a primitive that runs no program: one for each element, unless a rule says."""
    if p.name in MOVES:
        return 0
    rule = RULES.get(p.name)
    n = sum(elements(t.shape) for t in outs) if rule is None else rule(ins, outs, params)
    return n * (4 if any(t.dtype.kind == "c" for t in outs) else 1)  # a complex product is four real ones


def application_cost(
    p: Primitive, ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]
) -> Cost:
    """Cost of one application of a primitive to operands of these types."""
    programs = inner_programs(params)
    if programs:
        return _calls(p, programs, params)
    read = [*outs, *ins[1:]] if p.name in PARTS else ins
    return Cost(operations(p, ins, outs, params), sum(map(nbytes, (*read, *outs))))


def transposed_cost(
    p: Primitive, ins: Sequence[ArrayType], outs: Sequence[ArrayType], params: Mapping[str, Any]
) -> Cost:
    """Cost of the transpose of a linear primitive: as many products; what was read in part is written as a whole."""
    if inner_programs(params):
        return application_cost(p, ins, outs, params)
    written = outs if p.name not in WHOLES else ins
    return Cost(operations(p, ins, outs, params), sum(map(nbytes, (*ins, *written))))


def inner_programs(params: Mapping[str, Any]) -> list[Program]:
    """The programs among the params of an equation: bodies of loops, branches, calls."""
    found = []
    for param in params.values():
        found += [p for p in (param if isinstance(param, tuple) else (param,)) if isinstance(p, Program)]
    return found


def _calls(p: Primitive, programs: Sequence[Program], params: Mapping[str, Any]) -> Cost:
    """Of branches the dearest; of a loop every round."""
    costs = [program_cost(program) for program in programs]
    if p.name == "cond":
        return max(costs, key=lambda c: c.weight)
    rounds = params.get("length", 1)
    return sum(costs, Cost()).times(max(int(rounds), 1) if rounds else 0)


def program_cost(program: Program) -> Cost:
    """Cost of one evaluation of a program: the sum over its equations.

    >>> import numpy as np
    >>> import wengert as wg
    >>> from wengert.transforms.cost import program_cost
    >>> program_cost(wg.trace(lambda A, x: np.exp(A @ x))(np.ones((3, 4)), np.ones(4)))
    Cost(operations=27, bytes=200)
    """
    return program.remember(_program_cost)


def _program_cost(program: Program) -> Cost:
    total = Cost()
    for eq in program.equations:
        total += application_cost(eq.primitive, [a.type for a in eq.inputs], [v.type for v in eq.outputs], eq.params)
    return total
