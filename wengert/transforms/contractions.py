"""Contractions in one form: a product of matrices is an `einsum`, whose labels say what is transposed or repeated."""

from __future__ import annotations

import string

from ..core.program import Atom, Literal
from ..core.types import ArrayType
from ..primitives import elementwise as ew
from ..primitives.contract import einsum, matmul, split_subscripts
from ..primitives.shape import broadcast_to, sum_, transpose
from .builder import Builder, Claim, rewrite
from .views import aligned, spread, viewed


def joined(la: str, lb: str, lo: str) -> str:
    """The subscripts of an einsum."""
    return f"{la},{lb}->{lo}"


@rewrite(matmul, claim=Claim.ROUNDED, why="the same sums of products")
def matmul_is_einsum(b: Builder, y: ArrayType, p: Atom, q: Atom) -> Atom | None:
    na, nb = p.type.ndim, q.type.ndim
    lead = string.ascii_lowercase[3 : max(na, nb, 2) + 1]
    la, lb = ("b" if na == 1 else f"{lead}ab"), ("b" if nb == 1 else f"{lead}bc")
    return b.make(einsum, p, q, subscripts=joined(la, lb, lead + "a" * (na > 1) + "c" * (nb > 1)))


@rewrite(einsum, claim=Claim.ROUNDED, why="labels name axes in any order; the sums may be taken in another")
def einsum_of_transpose(b: Builder, y: ArrayType, p: Atom, q: Atom, subscripts: str) -> Atom | None:
    la, lb, lo = split_subscripts(subscripts)
    p, la, changed = before_transpose(b, p, la)
    q, lb, also = before_transpose(b, q, lb)
    return b.make(einsum, p, q, subscripts=joined(la, lb, lo)) if changed or also else None


def before_transpose(b: Builder, x: Atom, labels: str) -> tuple[Atom, str, bool]:
    """An operand before it was transposed, and its labels."""
    eq = b.maker(x, transpose)
    if eq is None:
        return x, labels, False
    axes = eq.params["axes"]
    return eq.inputs[0], "".join(labels[axes.index(i)] for i in range(len(axes))), True


@rewrite(einsum, claim=Claim.EXACT, why="a label of length one repeats nothing and sums nothing")
def einsum_of_ones(b: Builder, y: ArrayType, p: Atom, q: Atom, subscripts: str) -> Atom | None:
    if 1 not in p.type.shape and 1 not in q.type.shape:
        return None
    la, lb, lo = split_subscripts(subscripts)
    sizes = dict(zip(la + lb, p.type.shape + q.type.shape, strict=True))
    la, lb, short = ("".join(c for c in labels if sizes[c] != 1) for labels in (la, lb, lo))
    p, q = (viewed(b, x, tuple(sizes[c] for c in labels)) for x, labels in ((p, la), (q, lb)))
    return viewed(b, b.make(einsum, p, q, subscripts=joined(la, lb, short)), y.shape)


@rewrite(einsum, claim=Claim.EXACT, why="a product with a number is a product")
def einsum_of_number(b: Builder, y: ArrayType, p: Atom, q: Atom, subscripts: str) -> Atom | None:
    la, lb, lo = split_subscripts(subscripts)
    if la and lb:
        return None
    number, x, labels = (p, q, lb) if not la else (q, p, la)
    if labels != lo:
        x = b.make(transpose, x, axes=tuple(labels.index(c) for c in lo))
    return b.make(ew.mul, number if type(number) is Literal else spread(b, number, x.type.shape), x)


@rewrite(einsum, claim=Claim.ROUNDED, why="what is constant along a summed axis is a factor of the sum")
def einsum_of_broadcast(b: Builder, y: ArrayType, p: Atom, q: Atom, subscripts: str) -> Atom | None:
    la, lb, lo = split_subscripts(subscripts)
    if b.maker(p, broadcast_to) is not None:
        return without_repeats(b, y, p, q, la, lb, lo)
    return without_repeats(b, y, q, p, lb, la, lo) if b.maker(q, broadcast_to) is not None else None


def without_repeats(b: Builder, y: ArrayType, p: Atom, q: Atom, la: str, lb: str, lo: str) -> Atom | None:
    """The einsum with the first operand as it was before it was repeated along some axes."""
    source = b.made[p].inputs[0]
    small = aligned(source.type.shape, len(la))
    repeated = {c for c, m, n in zip(la, small, p.type.shape, strict=True) if m == 1 and n != 1}
    if not repeated:
        return None
    kept = "".join(c for c in la if c not in repeated)
    source = viewed(b, source, tuple(m for c, m in zip(la, small, strict=True) if c not in repeated))
    summed = [c for c in repeated if c in lb and c not in lo]
    if summed:
        q = b.make(sum_, q, axis=tuple(sorted(lb.index(c) for c in summed)))
        lb = "".join(c for c in lb if c not in summed)
    short = "".join(c for c in lo if c in kept or c in lb)
    result = b.make(einsum, source, q, subscripts=joined(kept, lb, short))
    sizes = dict(zip(lo, y.shape, strict=True))
    return spread(b, viewed(b, result, tuple(sizes[c] if c in short else 1 for c in lo)), y.shape)
