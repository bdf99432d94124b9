"""Rewrites that pay where a value is used once: sums of parts of an array, transposed products, sums of products.

All are ROUNDED: sums are taken in another order. The adjoint of what was cut into parts is a sum of the parts'
adjoints, each among zeros; put together they are one array, and the zeros are never added.
"""

from __future__ import annotations

import functools
import itertools
import string
from collections import Counter
from collections.abc import Callable, Sequence

from ..core.primitive import Primitive
from ..core.program import Atom, Equation, Literal, Program
from ..core.types import DYNAMIC, ArrayType, Shape
from ..primitives import elementwise as ew
from ..primitives.contract import einsum, split_subscripts
from ..primitives.index import Index, place
from ..primitives.join import concatenate, stack
from ..primitives.shape import broadcast_to, reduced, sum_, transpose
from .builder import Builder
from .contractions import joined
from .parts import Entry, entries, is_full, ranges
from .unused import without_unused
from .views import aligned, viewed


class Uses:
    """Who makes each variable of a program, and how often it is used."""

    def __init__(self, program: Program) -> None:
        self.made: dict[Atom, Equation] = {v: eq for eq in program.equations for v in eq.outputs}
        self.count = Counter(a for eq in program.equations for a in eq.inputs)
        self.count.update(program.outputs)
        summed = [eq.inputs[: 1 if eq.primitive is ew.sub else 2] for eq in program.equations if eq.primitive in SUMS]
        self.terms = {a for inputs in summed for a in inputs}

    def only(self, a: Atom, *primitives: object) -> Equation | None:
        """The equation of a variable that is used once, if it applies one of these primitives."""
        eq = self.made.get(a)
        return eq if eq is not None and eq.primitive in primitives and self.count[a] == 1 else None


SUMS = (ew.add, ew.sub)
Rule = Callable[[Builder, Uses, Equation], "Atom | None"]


def used_once(program: Program) -> Program:
    """The program with these rewrites; itself where none applies."""
    if not any(eq.primitive in (place, einsum, sum_) for eq in program.equations):
        return program
    uses, b = Uses(program), Builder()
    b.made = uses.made
    b.constants.update(program.constants)
    renamed: dict[Atom, Atom] = {}
    for eq in program.equations:
        if renamed and not renamed.keys().isdisjoint(eq.inputs):
            inputs = [renamed.get(a, a) for a in eq.inputs]
            eq = Equation(eq.primitive, inputs, eq.params, eq.outputs, eq.source)
            b.made.update(dict.fromkeys(eq.outputs, eq))
        b.source = eq.source
        rule = RULES.get(eq.primitive)
        found = None if rule is None else rule(b, uses, eq)
        if found is None or found.type != eq.outputs[0].type:
            b.equations.append(eq)
        else:
            renamed[eq.outputs[0]] = found
            uses.count[found] += uses.count[eq.outputs[0]]
    return without_unused(program, b, [renamed.get(a, a) for a in program.outputs]) if renamed else program


# sums of parts ---------------------------------------------------------------------------------------------------
Place = tuple[Entry, ...]


def sum_of_parts(b: Builder, uses: Uses, eq: Equation) -> Atom | None:
    """A sum of places: those of one place are one, and those that lie side by side are joined."""
    (v,) = eq.outputs
    y = v.type
    if DYNAMIC in y.shape or not y.shape or (v in uses.terms and uses.count[v] == 1):
        return None
    parts: dict[Place, list[Atom]] = {}
    others: list[tuple[bool, Atom]] = []
    for plus, a in terms(uses, eq):
        found = uses.only(a, place) if plus else None
        if found is None or 0 in found.inputs[0].type.shape:
            others.append((plus, a))
        else:
            parts.setdefault(tuple(ranges(entries(found.params["index"], y.shape))), []).append(found.inputs[0])
    axis, placed = side_by_side(list(parts), y.shape), sum(map(len, parts.values()))
    if placed < 2 or (axis is None and placed == len(parts)):
        return None
    whole = {at: total(b, [(True, viewed(b, x, tuple(n for _, n, _ in at))) for x in xs]) for at, xs in parts.items()}
    if axis is None:
        found_parts = [b.make(place, x, index=Index(at), shape=y.shape) for at, x in whole.items()]
    else:
        found_parts = [side_by_side_joined(b, whole, axis, y)]
    return total(b, sorted([*others, *((True, a) for a in found_parts)], key=lambda term: not term[0]))


def terms(uses: Uses, eq: Equation) -> list[tuple[bool, Atom]]:
    """The terms of a sum with their signs; sums that are used in it alone are taken apart."""
    found: list[tuple[bool, Atom]] = []
    left: list[tuple[bool, Atom]] = [(eq.primitive is ew.add, eq.inputs[1]), (True, eq.inputs[0])]
    while left:
        plus, a = left.pop()
        inner = uses.only(a, *SUMS) if plus and a.type == eq.outputs[0].type else None
        if inner is None:
            found.append((plus, a))
        else:
            left += [(inner.primitive is ew.add, inner.inputs[1]), (True, inner.inputs[0])]
    return found


def total(b: Builder, signed: Sequence[tuple[bool, Atom]]) -> Atom:
    """The sum of terms, of which the first is positive."""
    result = signed[0][1]
    for plus, a in signed[1:]:
        result = b.make(ew.add if plus else ew.sub, result, a)
    return result


def side_by_side(places: Sequence[Place], shape: Shape) -> int | None:
    """The axis along which several places lie one behind the other, and together fill at least half of the array."""
    if len(places) < 2:
        return None
    apart = [k for k, n in enumerate(shape) if not all(is_full(at[k], n) for at in places)]
    if len(apart) != 1:
        return None
    (k,) = apart
    ends = sorted((at[k][0], at[k][0] + at[k][1]) for at in places)
    if any(at[k][2] != 1 for at in places) or any(a[1] > c[0] for a, c in itertools.pairwise(ends)):
        return None
    return k if 2 * sum(at[k][1] for at in places) >= shape[k] else None


def side_by_side_joined(b: Builder, whole: dict[Place, Atom], axis: int, y: ArrayType) -> Atom:
    """The array of these parts, with zeros between them."""
    pieces: list[Atom] = []
    end = 0
    for at in sorted(whole, key=lambda at: at[axis][0]):
        pieces += gap(b, y, axis, at[axis][0] - end)
        pieces.append(whole[at])
        end = at[axis][0] + at[axis][1]
    pieces += gap(b, y, axis, y.shape[axis] - end)
    if len(pieces) == y.shape[axis]:
        rest = reduced(y.shape, (axis,))
        return b.make(stack, *(viewed(b, x, rest) for x in pieces), axis=axis)
    return b.make(concatenate, *pieces, axis=axis)


def gap(b: Builder, y: ArrayType, axis: int, n: int) -> list[Atom]:
    """n rows of zeros, if any."""
    shape = (*y.shape[:axis], n, *y.shape[axis + 1 :])
    return [b.make(broadcast_to, b.literal(y.dtype.type(0)), shape=shape)] if n else []


# products --------------------------------------------------------------------------------------------------------
def transposed_product(b: Builder, uses: Uses, eq: Equation) -> Atom | None:
    """The transpose of a product, by the order of its labels."""
    product = uses.only(eq.inputs[0], einsum)
    if product is None:
        return None
    la, lb, lo = split_subscripts(product.params["subscripts"])
    out = "".join(lo[a] for a in eq.params["axes"])
    return b.make(einsum, *product.inputs, subscripts=joined(la, lb, out))


def sum_of_product(b: Builder, uses: Uses, eq: Equation) -> Atom | None:
    """A sum of products, without the array of all products where there would be one."""
    axis = eq.params["axis"]
    if (made := uses.only(eq.inputs[0], einsum)) is not None:
        return sum_of_einsum(b, made, axis)
    made = uses.only(eq.inputs[0], ew.mul)
    if made is None or made.outputs[0].type.dtype.kind not in "fc":
        return None
    labels = string.ascii_letters[: made.outputs[0].type.ndim]
    (p, la), (q, lb) = (unrepeated(b, x, labels) for x in made.inputs)
    summed = {labels[a] for a in axis}
    both = set(la) & set(lb)
    if not summed or not summed <= both or not set(la) - both or not set(lb) - both or set(la + lb) != set(labels):
        return None
    return b.make(einsum, p, q, subscripts=joined(la, lb, "".join(c for c in labels if c not in summed)))


def unrepeated(b: Builder, x: Atom, labels: str) -> tuple[Atom, str]:
    """An operand as it was before it was repeated along some axes, and the labels of the others."""
    eq = b.maker(x, broadcast_to)
    if eq is None or x.type.ndim != len(labels):
        return x, labels if x.type.shape else ""
    source = eq.inputs[0]
    small = aligned(source.type.shape, len(labels))
    kept = [k for k, (m, n) in enumerate(zip(small, x.type.shape, strict=True)) if m != 1 or n == 1]
    return viewed(b, source, tuple(small[k] for k in kept)), "".join(labels[k] for k in kept)


def sum_of_einsum(b: Builder, product: Equation, axis: tuple[int, ...]) -> Atom | None:
    """A sum over labels of an einsum: over those of both operands in it, over those of one before it."""
    la, lb, lo = split_subscripts(product.params["subscripts"])
    summed = {lo[a] for a in axis}
    operands = []
    for x, labels, other in zip(product.inputs, (la, lb), (lb, la), strict=True):
        alone = [c for c in labels if c in summed and c not in other]
        if alone:
            x = b.make(sum_, x, axis=tuple(labels.index(c) for c in alone))
        operands.append((x, "".join(c for c in labels if c not in alone)))
    (p, la), (q, lb) = operands
    return b.make(einsum, p, q, subscripts=joined(la, lb, "".join(c for c in lo if c not in summed)))


LARGE = 4096  # elements from which a pass over a product costs more than one over an operand


def scaled_product(b: Builder, uses: Uses, eq: Equation) -> Atom | None:
    """c (A B) = (c A) B, where A is smaller than the product by half: that is what is scaled."""
    for number, x in (eq.inputs, eq.inputs[::-1]):
        product = uses.only(x, einsum)
        value = number if type(number) is Literal else b.splat(number)
        if product is not None and value is not None and x.type == eq.outputs[0].type:
            return with_smaller(b, product, functools.partial(b.make, ew.mul, value))
    return None


def subtracted_product(b: Builder, uses: Uses, eq: Equation) -> Atom | None:
    """X - A B = X + (-A) B, where A is smaller than the product by half: products are added in place."""
    x, y = eq.inputs
    product = uses.only(y, einsum)
    if product is None or x.type != y.type:
        return None
    made = with_smaller(b, product, lambda a: negative(b, a))
    return None if made is None else b.make(ew.add, x, made)


def with_smaller(b: Builder, product: Equation, f: Callable[[Atom], Atom]) -> Atom | None:
    """A product in which f is applied to the smaller operand; None where neither is small."""
    p, q = product.inputs
    if product.outputs[0].type.size < LARGE or 2 * min(p.type.size, q.type.size) > product.outputs[0].type.size:
        return None
    p, q = (f(p), q) if p.type.size <= q.type.size else (p, f(q))
    return b.make(einsum, p, q, **product.params)


def negative(b: Builder, a: Atom) -> Atom:
    """-a; of a multiple, the opposite multiple."""
    eq = b.maker(a, ew.mul)
    for number, x in () if eq is None else (eq.inputs, eq.inputs[::-1]):
        value = number if type(number) is Literal else b.splat(number)
        if value is not None and value.type.dtype.kind == "f":
            return b.make(ew.mul, b.literal(-value.value), x)
    return b.make(ew.neg, a)


def difference(b: Builder, uses: Uses, eq: Equation) -> Atom | None:
    """The rules for a difference, one after the other."""
    return sum_of_parts(b, uses, eq) or subtracted_product(b, uses, eq)


RULES: dict[Primitive, Rule] = {
    ew.add: sum_of_parts,
    ew.sub: difference,
    ew.mul: scaled_product,
    transpose: transposed_product,
    sum_: sum_of_product,
}
