"""The table of rewrites: each line fires on a program of its own, and keeps what it promises, at special values too."""

import numpy
import pytest

from transforms.agreement import agree
from wengert.core.record import record
from wengert.core.types import ArrayType
from wengert.primitives import discrete as dc
from wengert.primitives import elementwise as ew
from wengert.primitives import reduce as rd
from wengert.primitives.call import stop_gradient
from wengert.primitives.contract import einsum, matmul
from wengert.primitives.index import Index, place, set_slice, slice_
from wengert.primitives.join import concatenate, stack
from wengert.primitives.shape import broadcast_to, reshape, sum_, transpose
from wengert.transforms import builder
from wengert.transforms.builder import RULES, TABLE, Claim

SPECIAL = numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1.5, -2.0, 1e308, 5e-324, -1e-310, 1.0, -1.0])
PAIRS = [numpy.repeat(SPECIAL, len(SPECIAL)), numpy.tile(SPECIAL, len(SPECIAL))]
with numpy.errstate(all="ignore"):
    SINGLE = [p.astype(numpy.float32) for p in PAIRS]
PLAIN = [numpy.array([0.0, -0.0, 1.5, -2.25, numpy.inf, -numpy.inf, numpy.nan, 3e-5, 17.0, -1.0])] * 2
MATRIX = numpy.arange(6.0).reshape(2, 3) - 2.5
TENSOR = numpy.arange(24.0).reshape(2, 3, 4) - 7.0
ROW = numpy.array([1.0, -0.0, numpy.nan])

# Rule: functions on which it fires, with their arguments; the result is one number or array.
CASES = {
    "neg_neg": [(lambda x: ew.neg(ew.neg(x)), SPECIAL), (lambda x: ew.neg(ew.neg(x)), numpy.arange(3))],
    "neg_of_scaled": [
        (lambda x: ew.neg(ew.mul(2.5, x)), SPECIAL),
        (lambda x: ew.neg(ew.div(x, 3.0)), SPECIAL),
        (lambda x: ew.neg(ew.div(-0.0, x)), SPECIAL),
        (lambda x: ew.neg(ew.mul(x, 3)), numpy.arange(3)),
    ],
    "mul_signs": [
        (lambda x, y: ew.mul(ew.neg(x), y), *PAIRS),
        (lambda x, y: ew.mul(ew.neg(x), ew.neg(y)), *PAIRS),
        (lambda x: ew.mul(3.0, ew.neg(x)), SPECIAL),
        (lambda x, y: ew.mul(ew.neg(x), y), *SINGLE),
    ],
    "div_signs": [
        (lambda x, y: ew.div(ew.neg(x), y), *PAIRS),
        (lambda x, y: ew.div(x, ew.neg(y)), *PAIRS),
        (lambda x: ew.div(1.0, ew.neg(x)), SPECIAL),
    ],
    "zero_safe_mul_signs": [(lambda x, y: ew.zero_safe_mul(ew.neg(x), y), *PAIRS)],
    "abs_of_neg": [(lambda x: ew.absolute(ew.neg(x)), SPECIAL)],
    "add_zero": [(lambda x: ew.add(x, -0.0), SPECIAL), (lambda x: ew.add(0, x), numpy.arange(3))],
    "add_neg": [
        (lambda x, y: ew.add(x, ew.neg(y)), *PAIRS),
        (lambda x, y: ew.add(ew.neg(x), y), *PAIRS),
        (lambda x, y: ew.add(x, broadcast_to(reshape(ew.neg(y), shape=(2, 1)), shape=(2, 3))), MATRIX, MATRIX[:, 0]),
    ],
    "add_itself": [(lambda x: ew.add(x, x), SPECIAL), (lambda x: ew.add(x, x), numpy.arange(3))],
    "sub_zero": [(lambda x: ew.sub(x, 0.0), SPECIAL), (lambda x: ew.sub(x, 0), SPECIAL)],
    "sub_neg": [(lambda x, y: ew.sub(x, ew.neg(y)), *PAIRS), (lambda x: ew.sub(-0.0, x), SPECIAL)],
    "mul_one": [(lambda x: ew.mul(1.0, x), SPECIAL), (lambda x: ew.mul(x, -1), SPECIAL)],
    "mul_scaled": [(lambda x: ew.mul(0.5, ew.mul(x, 6.0)), PLAIN[0]), (lambda x: ew.mul(0.3, ew.mul(2, x)), PLAIN[0])],
    "div_one": [(lambda x: ew.div(x, 1), SPECIAL)],
    "div_power_of_two": [(lambda x: ew.div(x, 32), SPECIAL), (lambda x: ew.div(x, -0.25), SPECIAL)],
    "reciprocal_is_div": [(ew.reciprocal, SPECIAL)],
    "square_is_mul": [(ew.square, SPECIAL)],
    "zero_safe_mul_zero": [(lambda x: ew.zero_safe_mul(x, filled(x, 0.0, x.shape)), SPECIAL)],
    "zero_safe_mul_is_mul": [
        (lambda x: ew.zero_safe_mul(x, -2.0), SPECIAL),
        (lambda x: ew.zero_safe_mul(-2.0, x), SPECIAL),
        (lambda x, y: ew.zero_safe_mul(ew.convert(dc.greater(x, 0), dtype=numpy.dtype(float)), y), *PAIRS),
        (lambda x: ew.zero_safe_mul(ew.div(1.0, ew.convert(count_of_max(x), dtype=numpy.dtype(float))), x[0]), SPECIAL),
        (lambda x, y: ew.zero_safe_mul(x, ew.where(dc.equal(y, 0), 1.0, y)), *PAIRS),
    ],
    "power_trivial": [(lambda x: ew.power(x, 1), SPECIAL), (lambda x: ew.power(x, 0), SPECIAL)],
    "power_is_product": [
        *((lambda x, n=n: ew.power(x, n), numpy.array([0.0, -0.0, 1.5, -2.25, numpy.inf, 1e30, -1e-30]))
          for n in (2, 3, 4, 5, 6, -1, -2, -3, 2.0)),
        (lambda x: ew.power(x, 2), numpy.array([1 + 2j, -0.5j])),
        (lambda x: ew.power(x, 3), numpy.arange(-2, 3)),
    ],
    "where_known": [
        (lambda x, y: ew.where(dc.greater(x, 0), y, y), *PAIRS),
        (lambda x, y: ew.where(True, x, y), *PAIRS),
        (lambda x: ew.where(False, x, 2.0), SPECIAL),
    ],
    "where_not": [(lambda x, y: ew.where(dc.logical_not(dc.less(x, y)), x, y), *PAIRS)],
    "not_not": [(lambda x, y: dc.logical_not(dc.logical_not(dc.less(x, y))), *PAIRS)],
    "extremum_of_itself": [(lambda x: ew.maximum(x, x), SPECIAL), (lambda x: ew.fmin(x, x), SPECIAL)],
    "convert_nothing": [(lambda x: ew.convert(x, dtype=numpy.dtype(float)), SPECIAL)],
    "convert_twice": [
        (lambda x: ew.convert(ew.convert(x, dtype=numpy.dtype(float)), dtype=x.dtype), SINGLE[0]),
        (lambda x: ew.convert(ew.convert(x, dtype=numpy.dtype(int)), dtype=numpy.dtype(float)), SPECIAL > 0),
    ],
    "conj_conj": [(lambda x: ew.conj(ew.conj(x)), numpy.array([1 + 2j, -0.5j]))],
    "real_part": [
        (lambda x: ew.real(ew.conj(x)), numpy.array([1 + 2j, -0.5j])),
        (lambda x: ew.real(ew.convert(x, dtype=numpy.dtype(complex))), SPECIAL),
    ],
    "stop_gradient_is_identity": [(stop_gradient, SPECIAL)],
    "reshape_twice": [
        (lambda x: reshape(reshape(x, shape=(6,)), shape=(3, 2)), MATRIX),
        (lambda x: reshape(x, shape=(2, 3)), MATRIX),
    ],
    "reshape_of_broadcast": [
        (lambda x: ew.add(x, reshape(filled(x, 2.0, (6,)), shape=(2, 3))), MATRIX),
        (lambda x: reshape(broadcast_to(x, shape=(2, 3)), shape=(2, 1, 3)), ROW),
        (lambda x: reshape(broadcast_to(x, shape=(1, 4, 3)), shape=(4, 3, 1)), ROW),
    ],
    "transpose_twice": [
        (lambda x: transpose(transpose(x, axes=(2, 0, 1)), axes=(1, 0, 2)), TENSOR),
        (lambda x: transpose(x, axes=(0, 2, 1)), TENSOR[:, :1]),
        (lambda x: transpose(x, axes=(0, 1)), MATRIX),
    ],
    "transpose_of_broadcast": [
        (lambda x: transpose(broadcast_to(x, shape=(2, 4, 3)), axes=(2, 0, 1)), ROW),
        (lambda x: ew.mul(transpose(filled(x, 3.0, (3, 2)), axes=(1, 0)), x), MATRIX),
    ],
    "broadcast_twice": [
        (lambda x: broadcast_to(broadcast_to(x, shape=(2, 3)), shape=(4, 2, 3)), ROW),
        (lambda x: broadcast_to(reshape(x, shape=(1, 3)), shape=(4, 3)), ROW),
        (lambda x: broadcast_to(x, shape=(1, 3)), ROW),
    ],
    "sum_of_one": [
        (lambda x: sum_(x, axis=()), SPECIAL),
        (lambda x: sum_(x, axis=(0,)), SPECIAL[None]),
        (lambda x: sum_(x, axis=(0, 2)), TENSOR[:1]),
    ],
    "prod reduction_of_one": [
        (lambda x: rd.prod(x, axis=(0, 2)), TENSOR[:1]),
        (lambda x: rd.prod(x, axis=()), SPECIAL),
    ],
    "max reduction_of_one": [(lambda x: rd.max_(x, axis=(0,)), SPECIAL[None]), (lambda x: rd.max_(x, axis=()), ROW)],
    "min reduction_of_one": [(lambda x: rd.min_(x, axis=(0,)), SPECIAL[None])],
    "all reduction_of_one": [(lambda x: rd.all_(x, axis=(0,)), ROW[None] > 0)],
    "any reduction_of_one": [(lambda x: rd.any_(x, axis=(0,)), ROW[None] > 0)],
    "sum_twice": [(lambda x: sum_(sum_(x, axis=(1,)), axis=(0,)), TENSOR)],
    "sum_of_broadcast": [
        (lambda x: sum_(broadcast_to(x, shape=(4, 3)), axis=(0, 1)), ROW),
        (lambda x: sum_(broadcast_to(x, shape=(4, 3)), axis=(0,)), ROW),
        (lambda x: ew.mul(x, sum_(filled(x, 0.1, (7, 3)), axis=(0,))), ROW),
    ],
    "sum_of_reshape": [
        (lambda x: sum_(reshape(x, shape=(2, 1, 3)), axis=(0, 1)), MATRIX),
        (lambda x: sum_(reshape(x, shape=(2, 1, 3)), axis=(0,)), MATRIX),
    ],
    "sum_of_transpose": [(lambda x: sum_(transpose(x, axes=(2, 0, 1)), axis=(1,)), TENSOR)],
    "cumsum_of_one": [(lambda x: rd.cumsum(x, axis=0, reverse=True), ROW[None])],
    "sum_of_neg": [(lambda x: sum_(ew.neg(x), axis=(0,)), MATRIX), (lambda x: sum_(ew.neg(x), axis=(0,)), SPECIAL)],
    "einsum_of_neg": [
        (lambda x: einsum(ew.neg(x), x, subscripts="ij,kj->ik"), MATRIX),
        (lambda x: einsum(ew.neg(x), ew.neg(x), subscripts="ij,kj->ik"), MATRIX),
    ],
    "matmul_is_einsum": [
        (lambda x: matmul(x, x[0]), MATRIX),
        (lambda x: matmul(x[:, 0], x), MATRIX),
        (lambda x: matmul(x, transpose(x, axes=(0, 2, 1))), TENSOR),
        (lambda x: matmul(x, x), MATRIX[0]),
    ],
    "einsum_of_transpose": [
        (lambda x: einsum(transpose(x, axes=(1, 0)), x, subscripts="ij,jk->ik"), MATRIX),
        (lambda x: einsum(x, transpose(x, axes=(2, 0, 1)), subscripts="ijk,kia->aj"), TENSOR),
    ],
    "einsum_of_ones": [
        (lambda x: einsum(x, x, subscripts="ij,kj->ik"), MATRIX[:, :1]),
        (lambda x: einsum(x, x, subscripts="ij,ij->"), numpy.array([[-2.5]])),
    ],
    "einsum_of_number": [
        (lambda x: einsum(sum_(x, axis=(0, 1)), x, subscripts=",ij->ji"), MATRIX),
        (lambda x: einsum(x, 2.5, subscripts="ij,->ij"), MATRIX),
    ],
    "einsum_of_broadcast": [
        (lambda x, y: einsum(broadcast_to(x, shape=(4, 3)), y, subscripts="ij,kj->ik"), ROW[:2].repeat(2)[:3], MATRIX),
        (lambda x, y: einsum(broadcast_to(reshape(x, shape=(2, 1)), shape=(2, 3)), y, subscripts="ij,kj->ik"),
         MATRIX[:, 0], MATRIX),
        (lambda x, y: einsum(x, broadcast_to(y, shape=(2, 3)), subscripts="ij,ij->i"), MATRIX, MATRIX[0]),
    ],
    "slice_is_reshape": [
        (lambda x: slice_(x, index=Index(((0, 2, 1), None, (0, 3, 1)))), MATRIX),
        (lambda x: slice_(x, index=Index((0,))), ROW[None]),
        (lambda x: slice_(x, index=Index(((1, 1, 1), None))), MATRIX),
    ],
    "slice_of_broadcast": [
        (lambda x: slice_(broadcast_to(x, shape=(5, 2, 3)), index=Index(((4, 2, -2), 1, (0, 2, 2)))), ROW),
        (lambda x: ew.add(x, slice_(filled(x, 2.0, (6,)), index=Index(((0, 3, 1),)))), ROW),
    ],
    "slice_twice": [
        (lambda x: slice_(slice_(x, index=Index(((2, 3, -1), (0, 2, 2)))), index=Index(((0, 2, 2), 1))),
         TENSOR.reshape(6, 4)),
        (lambda x: slice_(slice_(x, index=Index((1,))), index=Index(((1, 2, 1),))), TENSOR),
    ],
    "slice_of_joined": [
        (lambda x, y: slice_(concatenate(x, y, axis=1), index=Index((1, (3, 3, 1)))), MATRIX, MATRIX + 9),
        (lambda x, y: slice_(concatenate(x, y, axis=1), index=Index(((0, 2, 1), (5, 2, -1)))), MATRIX, MATRIX + 9),
        (lambda x, y: slice_(stack(x, y, axis=1), index=Index(((0, 2, 1), 1))), MATRIX, MATRIX + 9),
        (lambda x, y: slice_(stack(x, y, axis=1), index=Index((1, 1, 2))), MATRIX, MATRIX + 9),
    ],
    "slice_of_assigned": [
        (lambda x: slice_(place(x, index=Index(((1, 3, 1),)), shape=(5,)), index=Index(((1, 3, 1),))), ROW),
        (lambda x: slice_(place(x, index=Index((1,)), shape=(4, 3)), index=Index(((1, 1, 1),))), ROW),
        (lambda x: slice_(place(x, index=Index(((1, 3, 1),)), shape=(9,)), index=Index(((5, 3, 1),))), ROW),
        (lambda x, y: slice_(set_slice(x, y, index=Index((0,))), index=Index((1, (0, 2, 1)))), MATRIX, ROW),
    ],
    "place_is_reshape": [
        (lambda x: place(x, index=Index((0,)), shape=(1, 3)), ROW),
        (lambda x: place(reshape(x, shape=(1, 3)), index=Index((None, (1, 3, 1))), shape=(5,)), ROW),
    ],
    "place_twice": [
        (lambda x: place(place(x, index=Index(((1, 3, 1),)), shape=(5,)), index=Index((2, (6, 5, -1))), shape=(4, 8)),
         ROW),
        (lambda x: ew.add(x, place(filled(x, 0.0, (2,)), index=Index(((0, 2, 1),)), shape=(3,))), ROW),
    ],
    "set_slice_again": [
        (lambda x, y: set_slice(x, y, index=Index(((0, 3, 1),))), ROW, ROW + 1),
        (lambda x, y: set_slice(set_slice(x, y, index=Index((0,))), y, index=Index((0,))), MATRIX, ROW),
        (lambda x: set_slice(x, slice_(x, index=Index((1,))), index=Index((1,))), MATRIX),
    ],
    "concatenate_whole": [
        (lambda x: concatenate(x, axis=0), ROW),
        (lambda x: concatenate(slice_(x, index=Index(((0, 2, 1), (0, 1, 1)))),
                               slice_(x, index=Index(((0, 2, 1), (1, 2, 1)))), axis=1), MATRIX),
        (lambda x, y: concatenate(x, y, x, axis=0), ROW, ROW[:0]),
        (lambda x: ew.add(x, concatenate(*[filled(x, 1.0, (n,)) for n in (1, 2)], axis=0)), ROW),
    ],
    "stack_whole": [
        (lambda x: stack(*[slice_(x, index=Index(((0, 2, 1), k))) for k in range(3)], axis=1), MATRIX),
        (lambda x: stack(x, axis=1), ROW),
    ],
}  # fmt: skip


def filled(x, number, shape):
    """An array filled with a number, as an equation: x^0 is 1."""
    return broadcast_to(ew.mul(number, ew.power(slice_(x, index=Index((0,) * len(x.shape))), 0)), shape=shape)


def count_of_max(x):
    """How many elements are the largest."""
    return rd.count(rd.attained(x, rd.max_(x, axis=(0,)), axis=(0,)), axis=(0,))


def program_of(f, args):
    return record(lambda *xs: [f(*xs)], [ArrayType(numpy.shape(a), numpy.asarray(a).dtype) for a in args])


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line.primitives[0]}-{line.name}")
def test_rewrite(line, monkeypatch):
    """It fires on each of its cases, and the results agree as closely as it promises."""
    fired = []

    def watched(rule):
        def watching(b, y, *inputs, **params):
            found = rule(b, y, *inputs, **params)
            if found is not None and found.type == y and rule.__name__ == line.name:
                fired.append(rule)
            return found

        return watching

    monkeypatch.setattr(builder, "RULES", {p: list(map(watched, rules)) for p, rules in RULES.items()})
    for f, *args in CASES.get(line.name) or CASES[f"{line.primitives[0]} {line.name}"]:
        fired.clear()
        agree(program_of(f, args), args, line.claim)
        assert fired, f"{line.name} did not fire"


def test_table_is_explained():
    """Each line says what it promises, and why."""
    claims = {Claim.EXACT, Claim.EQUAL, Claim.ROUNDED}
    assert all(line.claim in claims and len(line.why) >= 8 for line in TABLE)


def test_power_is_accurate():
    """Products in the place of powers err by at most four units in the last place."""
    rng = numpy.random.default_rng(3)
    x = rng.uniform(0.3, 30.0, 2000)
    exact = x.astype(numpy.longdouble)
    for n in (2, 3, 4, 5, 6, -1, -2, -3):
        (y,) = agree(program_of(lambda x, n=n: ew.power(x, n), [x]), [x]).evaluate([x])
        error = numpy.abs(y - exact**n) / numpy.spacing(y)
        assert error.max() < 4, n


@pytest.mark.parametrize("n", [7, -4, 0.5, 2.5])
def test_power_stays(n):
    """Other powers stay: a product would be less accurate."""
    program = agree(program_of(lambda x: ew.power(x, n), [PLAIN[0]]), [PLAIN[0]])
    assert [eq.primitive for eq in program.equations] == [ew.power]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ew.add(x, 0.0),  # of -0 it is 0
        lambda x: ew.mul(x, 0.0),  # of NaN and infinity it is NaN
        lambda x: ew.sub(x, x),
        lambda x: ew.div(x, x),
        lambda x: ew.sub(0.0, x),
        lambda x: ew.mul(ew.sqrt(x), ew.sqrt(ew.add(x, 1.0))),
        lambda x: ew.neg(ew.sub(x, 1.0)),
        lambda x: ew.zero_safe_mul(x, x),
        lambda x: ew.zero_safe_mul(ew.tanh(x), x),  # tanh(NaN) is NaN
        lambda x: ew.convert(ew.convert(x, dtype=numpy.dtype(numpy.float32)), dtype=numpy.dtype(float)),
    ],
)
def test_what_is_not_exact_stays(f):
    program = program_of(f, [SPECIAL])
    short = agree(program, [SPECIAL], Claim.EXACT)
    assert sorted(str(eq.primitive) for eq in short.equations) == sorted(str(eq.primitive) for eq in program.equations)


def test_integers_of_64_bits_are_rounded_twice():
    """int64 -> float64 -> float32 is not int64 -> float32."""
    x = numpy.array([2**60 + 2**36 + 1, 3])
    f = lambda x: ew.convert(ew.convert(x, dtype=numpy.dtype(float)), dtype=numpy.dtype(numpy.float32))
    agree(program_of(f, [x]), [x], Claim.EXACT)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.complex128, numpy.int64])
def test_dtypes(dtype):
    """The same program in other dtypes."""
    x = numpy.array([[1, -2, 3], [0, 5, -6]]).astype(dtype)

    def f(x):
        y = ew.add(ew.mul(2, ew.neg(x)), ew.mul(x, x))
        y = ew.sub(y, broadcast_to(slice_(x, index=Index((0,))), shape=(2, 3)))
        return matmul(transpose(ew.add(y, y), axes=(1, 0)), x)

    agree(program_of(f, [x]), [x])
