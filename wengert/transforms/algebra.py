"""Algebra on numbers: the table of rewrites of elementwise primitives. Each says what it promises, and why.

Complex numbers are left alone where a rule speaks of signs or factors: 1 * (inf + 0j) is NaN in its imaginary part.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.program import Atom, Literal, Var
from ..core.types import ArrayType
from ..primitives import discrete as dc
from ..primitives import elementwise as ew
from ..primitives.call import stop_gradient
from ..primitives.contract import einsum
from ..primitives.shape import sum_
from .builder import Builder, Claim, rewrite
from .facts import FINITE, NONZERO, facts_of
from .views import VIEWS

MOST_FACTORS = 6  # of a power written as a product: 3.3 units in the last place; of 1/x half as many, 3.4


def is_value(a: Atom, value: float) -> bool:
    """Is this the literal of a number? Zero stands for both zeros."""
    return type(a) is Literal and bool(a.value == value)


def is_zero(a: Atom, negative: bool) -> bool:
    """Is this the literal of the zero of this sign? Integers have only one, which serves as both."""
    if type(a) is not Literal or a.value != 0 or a.type.dtype.kind == "c":
        return False
    return a.type.dtype.kind != "f" or (math.copysign(1.0, a.value) < 0) == negative


def is_real(y: ArrayType) -> bool:
    """Signed integers and real floating point."""
    return y.dtype.kind in "fi"


def negated(b: Builder, a: Atom) -> Atom | None:
    """x where a is -x, or a view of -x."""
    eq = b.made.get(a)
    if eq is None:
        return None
    if eq.primitive is ew.neg:
        return eq.inputs[0]
    if eq.primitive not in VIEWS or (x := negated(b, eq.inputs[0])) is None:
        return None
    return b.make(eq.primitive, x, **eq.params)


def minus(b: Builder, a: Atom) -> Atom | None:
    """-c for a literal c: exact."""
    return b.literal(-a.value) if type(a) is Literal and a.type.dtype.kind in "fi" else None


# signs -----------------------------------------------------------------------------------------------------------
@rewrite(ew.neg, claim=Claim.EXACT, why="the sign changes twice")
def neg_neg(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    return negated(b, x)


@rewrite(sum_, claim=Claim.EQUAL, why="rounding knows no sign; only a zero sum keeps its own")
def sum_of_neg(b: Builder, y: ArrayType, x: Atom, axis: tuple[int, ...]) -> Atom | None:
    n = negated(b, x) if is_real(y) else None
    return None if n is None else b.make(ew.neg, b.make(sum_, n, axis=axis))


@rewrite(einsum, claim=Claim.EQUAL, why="rounding knows no sign; only a zero sum keeps its own")
def einsum_of_neg(b: Builder, y: ArrayType, p: Atom, q: Atom, subscripts: str) -> Atom | None:
    if not is_real(y):
        return None
    m, n = negated(b, p), negated(b, q)
    if m is None and n is None:
        return None
    product = b.make(einsum, p if m is None else m, q if n is None else n, subscripts=subscripts)
    return product if m is not None and n is not None else b.make(ew.neg, product)


@rewrite(ew.neg, claim=Claim.EXACT, why="the sign of a product is the product of the signs, and -c is exact")
def neg_of_scaled(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    eq = b.made.get(x)
    if eq is None or not is_real(y) or eq.primitive not in (ew.mul, ew.div):
        return None
    a, c = eq.inputs
    if any(v.type.dtype != y.dtype for v in eq.inputs if type(v) is Var):
        return None
    if (n := minus(b, a)) is not None:
        return b.make(eq.primitive, n, c)
    return b.make(eq.primitive, a, n) if (n := minus(b, c)) is not None else None


def signs_outward(p: Primitive, b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    """p(-a, c) = -p(a, c), until the signs meet another or a sum; a number takes the sign in."""
    m, n = negated(b, a), negated(b, c)
    if (m is None and n is None) or not is_real(y) or any(x.type.dtype != y.dtype for x in (a, c) if type(x) is Var):
        return None
    if m is not None and n is not None:
        return b.make(p, m, n)
    if m is not None:
        return b.make(ew.neg, b.make(p, m, c)) if (k := minus(b, c)) is None else b.make(p, m, k)
    if n is not None:
        return b.make(ew.neg, b.make(p, a, n)) if (k := minus(b, a)) is None else b.make(p, k, n)
    return None


@rewrite(ew.mul, claim=Claim.EXACT, why="the sign of a product is the product of the signs")
def mul_signs(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return signs_outward(ew.mul, b, y, a, c)


@rewrite(ew.div, claim=Claim.EXACT, why="the sign of a quotient is the product of the signs")
def div_signs(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return signs_outward(ew.div, b, y, a, c)


@rewrite(ew.zero_safe_mul, claim=Claim.EQUAL, why="the sign of a product is the product of the signs; zeros stay zeros")
def zero_safe_mul_signs(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return signs_outward(ew.zero_safe_mul, b, y, a, c)


@rewrite(ew.absolute, ew.fabs, claim=Claim.EXACT, why="the sign is dropped")
def abs_of_neg(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    inner = negated(b, x)
    return b.make(ew.absolute, inner) if inner is not None and y.dtype.kind == "f" else None


# sums ------------------------------------------------------------------------------------------------------------
@rewrite(ew.add, claim=Claim.EXACT, why="x + (-0) is x, also where x is -0; 0 + 0 is not -0, so +0 is left alone")
def add_zero(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    if is_zero(c, negative=True):
        return a
    return c if is_zero(a, negative=True) else None


@rewrite(ew.add, claim=Claim.EXACT, why="a - b is defined as a + (-b)")
def add_neg(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    if (n := negated(b, c)) is not None:
        return b.make(ew.sub, a, n)
    return b.make(ew.sub, c, n) if (n := negated(b, a)) is not None else None


@rewrite(ew.add, claim=Claim.EXACT, why="doubling changes the exponent only, and overflows where the sum does")
def add_itself(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return b.make(ew.mul, b.literal(2), a) if a is c and y.dtype.kind in "fi" else None


@rewrite(ew.sub, claim=Claim.EXACT, why="x - 0 is x, also where x is -0")
def sub_zero(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return a if is_zero(c, negative=False) else None


@rewrite(ew.sub, claim=Claim.EXACT, why="a - (-b) is a + b; -0 - x is -x, also where x is 0")
def sub_neg(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    if (n := negated(b, c)) is not None:
        return b.make(ew.add, a, n)
    return b.make(ew.neg, c) if is_zero(a, negative=True) and is_real(y) else None


# products --------------------------------------------------------------------------------------------------------
@rewrite(ew.mul, claim=Claim.EXACT, why="1 x is x, and -1 x has the other sign")
def mul_one(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    if type(a) is not Literal:
        a, c = c, a
    if type(a) is not Literal or not is_real(y):
        return None
    if a.value == 1:
        return c
    return b.make(ew.neg, c) if a.value == -1 else None


@rewrite(ew.mul, claim=Claim.ROUNDED, why="2^k x is exact, save where it overflows, or is a subnormal number")
def mul_scaled(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    if type(a) is not Literal:
        a, c = c, a
    eq = b.maker(c, ew.mul)
    if type(a) is not Literal or eq is None or y.dtype.kind != "f" or y.dtype.itemsize < 4:
        return None
    inner, x = eq.inputs if type(eq.inputs[0]) is Literal else eq.inputs[::-1]
    if type(inner) is not Literal or not (is_power_of_two(inner.value, 10) or is_power_of_two(a.value, 10)):
        return None
    product = inner.value * a.value
    return b.make(ew.mul, b.literal(product), x) if 1e-30 < abs(product) < 1e30 else None


def is_power_of_two(c: Any, most: int) -> bool:
    """Is this +-2^k with |k| <= most?"""
    return 2.0**-most <= abs(c) <= 2.0**most and abs(math.frexp(c)[0]) == 0.5


@rewrite(ew.div, claim=Claim.EXACT, why="x / 1 is x")
def div_one(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return a if is_value(c, 1) and y.dtype.kind == "f" else None


@rewrite(ew.div, claim=Claim.EXACT, why="1 / 2^k is a number, and both round the same real one")
def div_power_of_two(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    if type(c) is not Literal or y.dtype.kind != "f" or y.dtype.itemsize < 4:
        return None
    if a.type.dtype != y.dtype or not is_power_of_two(c.value, 60):
        return None
    factor = 1.0 / c.value
    return b.make(ew.mul, b.literal(factor if c.type.weak else c.type.dtype.type(factor)), a)


@rewrite(ew.reciprocal, claim=Claim.EXACT, why="it is defined as 1 / x")
def reciprocal_is_div(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    return b.make(ew.div, b.literal(1.0), x) if y.dtype.kind == "f" else None


@rewrite(ew.square, claim=Claim.EXACT, why="it is defined as x x")
def square_is_mul(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    return b.make(ew.mul, x, x) if is_real(y) else None


# products that keep zeros ----------------------------------------------------------------------------------------
@rewrite(ew.zero_safe_mul, claim=Claim.EQUAL, why="d 0 is 0 for every d: that is what it is for")
def zero_safe_mul_zero(b: Builder, y: ArrayType, d: Atom, t: Atom) -> Atom | None:
    if not is_value(t, 0) or y.weak:
        return None
    return b.filled(b.literal(y.dtype.type(0)), y.shape)


@rewrite(ew.zero_safe_mul, claim=Claim.EQUAL, why="it differs from a product only where t is 0 and d is not finite")
def zero_safe_mul_is_mul(b: Builder, y: ArrayType, d: Atom, t: Atom) -> Atom | None:
    if facts_of(b, t) & NONZERO or is_nan(t) or facts_of(b, d) & FINITE:
        return b.make(ew.mul, d, t)
    return None


def is_nan(a: Atom) -> bool:
    """The literal NaN, which is not zero either."""
    return type(a) is Literal and bool(a.value != a.value)


# powers ----------------------------------------------------------------------------------------------------------
@rewrite(ew.power, claim=Claim.EXACT, why="x^1 is x, and x^0 is 1, also of NaN")
def power_trivial(b: Builder, y: ArrayType, x: Atom, n: Atom) -> Atom | None:
    if is_value(n, 1):
        return x
    if not is_value(n, 0) or y.dtype.kind not in "fi":
        return None
    return b.filled(b.literal(y.dtype.type(1)), y.shape)


@rewrite(ew.power, claim=Claim.ROUNDED, why="n - 1 products err by fewer than 4 units in the last place")
def power_is_product(b: Builder, y: ArrayType, x: Atom, n: Atom) -> Atom | None:
    """x^n for small integers n. A negative one multiplies 1/x, which neither over- nor underflows before x^n does."""
    if type(n) is not Literal or n.type.dtype.kind not in "fi" or n.value != n.value // 1 or x.type.dtype != y.dtype:
        return None
    times, kind = abs(int(n.value)) if abs(n.value) <= MOST_FACTORS else 0, y.dtype.kind
    if not times or kind not in "fic" or (kind == "c" and n.value != 2) or (kind == "i" and n.value < 0):
        return None
    if n.value < 0:
        if times > MOST_FACTORS // 2:
            return None
        x = b.make(ew.div, b.literal(1.0), x)
    return product_of(b, x, times)


def product_of(b: Builder, x: Atom, n: int) -> Atom:
    """x^n by squaring."""
    if n == 1:
        return x
    half = product_of(b, x, n // 2)
    y = b.make(ew.mul, half, half)
    return b.make(ew.mul, y, x) if n % 2 else y


# choice and conversion -------------------------------------------------------------------------------------------
@rewrite(ew.where, claim=Claim.EXACT, why="both choices are the same, or the choice is known")
def where_known(b: Builder, y: ArrayType, mask: Atom, a: Atom, c: Atom) -> Atom | None:
    chosen = a if a is c else None
    if type(mask) is Literal:
        chosen = a if mask.value else c
    if chosen is None or chosen.type.shape == y.shape:
        return chosen
    if type(chosen) is Literal:
        chosen = b.literal(y.dtype.type(chosen.value))
    return b.filled(chosen, y.shape)


@rewrite(ew.where, claim=Claim.EXACT, why="the choices change places")
def where_not(b: Builder, y: ArrayType, mask: Atom, a: Atom, c: Atom) -> Atom | None:
    eq = b.maker(mask, dc.logical_not)
    return b.make(ew.where, eq.inputs[0], c, a) if eq is not None and eq.inputs[0].type.dtype == np.bool_ else None


@rewrite(dc.logical_not, claim=Claim.EXACT, why="not not x is x")
def not_not(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    eq = b.maker(x, dc.logical_not)
    return None if eq is None else eq.inputs[0]


@rewrite(ew.maximum, ew.minimum, ew.fmax, ew.fmin, claim=Claim.EXACT, why="of two equal numbers either is the larger")
def extremum_of_itself(b: Builder, y: ArrayType, a: Atom, c: Atom) -> Atom | None:
    return a if a is c else None


@rewrite(ew.convert, dc.cast, claim=Claim.EXACT, why="the dtype is that already")
def convert_nothing(b: Builder, y: ArrayType, x: Atom, dtype: Any) -> Atom | None:
    return x if x.type.dtype == dtype else None


@rewrite(ew.convert, claim=Claim.EXACT, why="the first conversion keeps every value")
def convert_twice(b: Builder, y: ArrayType, x: Atom, dtype: Any) -> Atom | None:
    eq = b.maker(x, ew.convert)
    if eq is None:
        return None
    before, between = eq.inputs[0], x.type.dtype
    if not keeps_values(before.type.dtype, between) or (between.kind == "c" and np.dtype(dtype).kind != "c"):
        return None
    return before if before.type.dtype == dtype else b.make(ew.convert, before, dtype=dtype)


def keeps_values(before: Any, after: Any) -> bool:
    """Is every value of the one dtype a value of the other? NumPy also calls it safe to round 64-bit integers."""
    if before.kind in "iu" and after.kind in "fc" and before.itemsize >= 8:
        return False
    return bool(np.can_cast(before, after, "safe"))


@rewrite(ew.conj, claim=Claim.EXACT, why="the sign of the imaginary part changes twice")
def conj_conj(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    eq = b.maker(x, ew.conj)
    return None if eq is None else eq.inputs[0]


@rewrite(ew.real, claim=Claim.EXACT, why="the real part of what was real, and conjugation leaves the real part alone")
def real_part(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    eq = b.made.get(x)
    if eq is not None and eq.primitive is ew.conj:
        return b.make(ew.real, eq.inputs[0])
    return eq.inputs[0] if eq is not None and eq.primitive is ew.convert else None


@rewrite(stop_gradient, claim=Claim.EXACT, why="it is x: what is simplified is computed, not differentiated")
def stop_gradient_is_identity(b: Builder, y: ArrayType, x: Atom) -> Atom | None:
    return x
