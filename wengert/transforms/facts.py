"""What is known of values whatever the arguments are: finite, never zero, at least one in size.

Arguments may be NaN, so little that is computed from them is finite: masks, counts, shares of extrema. It is enough for
the products of derivatives with those, where `zero_safe_mul` then is `mul`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.program import Atom, Literal
from ..primitives import discrete, elementwise, gather, index, join, reduce, shape
from .builder import FACTS, Builder

FINITE, NONZERO, ONE_OR_MORE = 1, 2, 4  # of every element; the last: |x| >= 1
_LARGE = 1 << 16  # elements up to which a constant is looked at


def facts_of(b: Builder, atom: Atom) -> int:
    """The facts that hold of every element."""
    found = b.facts.get(atom)
    if found is None:
        if isinstance(atom, Literal):
            found = b.facts[atom] = _of_value(atom.value)
        elif atom in b.constants and atom.type.size <= _LARGE:
            found = b.facts[atom] = _of_value(b.constants[atom])
        else:
            found = 0
    return found | FINITE if atom.type.dtype.kind in "biu" else found


def _of_value(x: Any) -> int:
    with np.errstate(all="ignore"):
        sizes = np.abs(np.asarray(x))
        bits = FINITE if np.isfinite(sizes).all() else 0
        bits |= NONZERO if (sizes > 0).all() else 0  # a NaN is not
        return bits | ONE_OR_MORE if (sizes >= 1).all() else bits


def _first(b: Builder, x: Atom, *others: Atom, **params: Any) -> int:
    """Elements of the first operand, in another order or as often as one likes."""
    return facts_of(b, x)


def _all(b: Builder, *xs: Atom, **params: Any) -> int:
    bits = FINITE | NONZERO | ONE_OR_MORE
    for x in xs:
        bits &= facts_of(b, x)
    return bits


def _convert(b: Builder, x: Atom, *, dtype: Any) -> int:
    """float16 does not hold all integers; other conversions to less precision may be infinite, or zero."""
    before, after = x.type.dtype, np.dtype(dtype)
    if before.kind in "biu" and (after.kind in "fc" and after.itemsize >= 4):
        return facts_of(b, x) | FINITE
    return facts_of(b, x) if np.can_cast(before, after) else 0


def _count(b: Builder, hit: Atom, *, axis: Any) -> int:
    """An extremum is attained at least once."""
    eq = b.maker(hit, reduce.attained)
    if eq is None or eq.params["axis"] != axis:
        return 0
    x, y = eq.inputs
    made = b.made.get(y)
    if made is None or made.primitive not in (reduce.max_, reduce.min_):
        return 0
    return FINITE | NONZERO | ONE_OR_MORE if made.inputs[0] is x and made.params["axis"] == axis else 0


def _div(b: Builder, x: Atom, y: Atom) -> int:
    """x / y is no larger than x where |y| is at least 1."""
    return facts_of(b, x) & FINITE if facts_of(b, y) & ONE_OR_MORE else 0


def _where(b: Builder, mask: Atom, x: Atom, y: Atom) -> int:
    """Those of both; and x = 0 ? c : x is not zero."""
    bits = facts_of(b, x) & facts_of(b, y)
    eq = b.maker(mask, discrete.equal)
    if eq is not None and y in eq.inputs and facts_of(b, x) & NONZERO:
        zero = eq.inputs[0] if eq.inputs[1] is y else eq.inputs[1]
        if isinstance(zero, Literal) and zero.value == 0:
            bits |= NONZERO
    return bits


def _share(b: Builder, *xs: Atom, **params: Any) -> int:
    """1, 1/2 or 0."""
    return FINITE


for _p in (shape.reshape, shape.transpose, shape.broadcast_to, index.slice_, gather.gather, reduce.max_, reduce.min_):
    FACTS[_p] = _first
for _p in (elementwise.neg, elementwise.absolute, elementwise.fabs):
    FACTS[_p] = _first
for _p in (join.concatenate, join.stack):
    FACTS[_p] = _all
for _p in (discrete.wins, discrete.share):
    FACTS[_p] = _share
FACTS[elementwise.convert] = _convert
FACTS[reduce.count] = _count
FACTS[elementwise.div] = _div
FACTS[elementwise.where] = _where
