"""Contractions: matrix products and einsum of two operands, linear in each of them; BLAS does the work."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Linear, Multilinear, Primitive, Sample
from ..core.types import ArrayType, shape_of
from .shape import transpose


def mT(x: Any) -> Any:
    """Matrices transposed: a view with the last two axes swapped."""
    if type(x) is np.ndarray:
        return x.swapaxes(-1, -2)
    n = len(x.shape)
    return transpose(x, axes=(*range(n - 2), n - 1, n - 2))


def _for_blas(x: Any) -> Any:
    """An array whose matrices BLAS can read: one of the last two axes has unit stride."""
    strides = x.strides
    if 0 in strides[-2:] or x.itemsize not in strides[-2:]:
        return np.ascontiguousarray(x)
    return x


# matmul ----------------------------------------------------------------------------------------------------------
def _matmul(a: Any, b: Any) -> Any:
    if a.ndim <= 2 and b.ndim <= 2:
        return a.dot(b)
    return np.matmul(_for_blas(a), _for_blas(b))


def _matmul_type(a: ArrayType, b: ArrayType) -> ArrayType:
    stacked = max(a.ndim, b.ndim) > 2
    fits = a.shape and b.shape and a.shape[-1] == b.shape[-2 if b.ndim > 1 else 0]
    if not fits or (stacked and a.shape[:-2] != b.shape[:-2]) or a.dtype != b.dtype:
        raise TypeError(f"matmul needs matrices (or vectors) that fit and stacks of one shape, found {a} and {b}")
    return ArrayType(a.shape[:-1] + (b.shape[-1:] if b.ndim > 1 else ()), a.dtype)


def _matmul_Ta(y_bar: Any, a: Any, b: Any) -> Any:
    """A_bar = Y_bar B^T."""
    if b.ndim > 1:
        return matmul(y_bar, mT(b)) if a.ndim > 1 else matmul(b, y_bar)
    return einsum(y_bar, b, subscripts="i,j->ij" if a.ndim > 1 else ",i->i")


def _matmul_Tb(y_bar: Any, a: Any, b: Any) -> Any:
    """B_bar = A^T Y_bar."""
    if a.ndim > 1:
        return matmul(mT(a), y_bar)
    return einsum(a, y_bar, subscripts="i,j->ij" if b.ndim > 1 else "i,->i")


def _matmul_batch(size: int, batched: list[bool], a: Any, b: Any) -> tuple[Any, bool]:
    on_a, on_b = batched
    na, nb = len(shape_of(a)) - on_a, len(shape_of(b)) - on_b  # axes of one lane
    if on_a and on_b and min(na, nb) > 1:
        return matmul(a, b), True
    if not on_b and na == 1 and nb <= 2:
        return matmul(a, b), True
    if not on_a and nb == 1 and na <= 2:
        return matmul(b, mT(a) if na > 1 else a), True
    lead = "".join(chr(ord("a") + 11 + n) for n in range(max(na, nb, 2) - 2))  # l, m, ...
    terms = {1: "j", 2: "ij"}.get(na, lead + "ij"), {1: "j", 2: "jk"}.get(nb, lead + "jk")
    out = lead + "i" * (na > 1) + "k" * (nb > 1)
    return _einsum_batch(size, batched, a, b, subscripts=f"{terms[0]},{terms[1]}->{out}")


def _matmul_samples(rng: np.random.Generator) -> Iterator[Sample]:
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 2)), ((3,), (3,)), ((2, 2, 3), (2, 3, 1)), ((2, 0), (0, 3)),
    ]  # fmt: skip
    for a, b in shapes:
        yield Sample((rng.normal(size=a), rng.normal(size=b)))


matmul = Primitive(
    "matmul",
    _matmul,
    Multilinear(_matmul_Ta, _matmul_Tb),
    type_rule=_matmul_type,
    batch=_matmul_batch,
    samples=_matmul_samples,
)


# einsum ----------------------------------------------------------------------------------------------------------
def split_subscripts(subscripts: str) -> tuple[str, str, str]:
    """The labels of the two operands and of the result: "ij,jk->ik" is (ij, jk, ik)."""
    operands, out = subscripts.split("->")
    a, b = operands.split(",")
    return a, b, out


def _arranger(labels: str, order: str, groups: tuple[int, ...]) -> Callable[[Any], Any]:
    """Brings the axes into this order, then merges groups of so many of them."""
    axes = tuple(labels.index(c) for c in order)
    if all(n == 1 for n in groups):
        if labels == order:
            return lambda x: x
        return lambda x: x.transpose(axes)
    ends = list(itertools.accumulate(groups, initial=0))

    def arrange(x: Any) -> Any:
        shape = [x.shape[i] for i in axes]
        return x.transpose(axes).reshape([math.prod(shape[i:j]) for i, j in itertools.pairwise(ends)])

    return arrange


@functools.lru_cache(maxsize=4096)
def contraction(subscripts: str) -> Callable[[Any, Any], Any]:
    """How to compute an einsum: as a product by broadcasting, or as a matrix product of rearranged operands."""
    la, lb, lo = split_subscripts(subscripts)
    summed = "".join(c for c in la if c in lb and c not in lo)
    shared = "".join(c for c in lo if c in la and c in lb)
    free_a = "".join(c for c in lo if c not in lb)
    free_b = "".join(c for c in lo if c not in la)
    if not summed:
        return _by_broadcasting(la, lb, lo)
    if len(summed) == 1 and len(lo) > 2 and (lb[:-2], set(la)) == (lo[:-2], {lo[-2], summed}):
        return _matrix_by_stack(la[0] == summed, lb[-1] == summed)
    result = shared + free_a + free_b
    if lo != result and lo == shared + free_b + free_a:
        swapped = contraction(f"{lb},{la}->{lo}")
        return lambda a, b: swapped(b, a)
    back = None if result == lo else tuple(result.index(c) for c in lo)
    each = (1,) * len(shared)
    ga = (*each, len(free_a), len(summed)) if free_a else (*each, len(summed))
    gb = (*each, len(summed), len(free_b)) if free_b else (*each, len(summed))
    order_a, order_b = shared + free_a + summed, shared + summed + free_b
    matrix_product = _stacked(bool(free_a), bool(free_b)) if shared else _dot
    merged = len(free_a) > 1 or len(free_b) > 1

    arrange_a, arrange_b = _arranger(la, order_a, ga), _arranger(lb, order_b, gb)

    def contract(a: Any, b: Any) -> Any:
        y = matrix_product(arrange_a(a), arrange_b(b))
        if merged:
            sizes = dict(zip(la + lb, a.shape + b.shape, strict=True))
            y = y.reshape([sizes[c] for c in result])
        return y if back is None else y.transpose(back)

    return contract


def _matrix_by_stack(swap_a: bool, swap_b: bool) -> Callable[[Any, Any], Any]:
    """One matrix times each matrix of a stack, either of them transposed."""

    def product(a: Any, b: Any) -> Any:
        return np.matmul(_for_blas(mT(a) if swap_a else a), _for_blas(mT(b) if swap_b else b))

    return product


def _dot(a: Any, b: Any) -> Any:
    return a.dot(b)


def _stacked(rows: bool, columns: bool) -> Callable[[Any, Any], Any]:
    """The product of stacks of matrices, or of vectors where there are no rows (columns)."""
    if rows and columns:
        return lambda a, b: np.matmul(_for_blas(a), _for_blas(b))
    if rows:
        return lambda a, b: np.matmul(_for_blas(a), b[..., None])[..., 0]
    if columns:
        return lambda a, b: np.matmul(a[..., None, :], _for_blas(b))[..., 0, :]
    return lambda a, b: np.einsum("...k,...k->...", a, b)[()]


def _by_broadcasting(la: str, lb: str, lo: str) -> Callable[[Any, Any], Any]:
    """y_o = a_o b_o, each operand with axes of length one where it lacks a label."""

    def aligned(labels: str) -> tuple[tuple[int, ...] | None, Any]:
        order = tuple(labels.index(c) for c in lo if c in labels)
        index = tuple(slice(None) if c in labels else None for c in lo)
        return (order if order != tuple(range(len(labels))) else None), (index if None in index and labels else None)

    (order_a, index_a), (order_b, index_b) = aligned(la), aligned(lb)

    def multiply(a: Any, b: Any) -> Any:
        if order_a is not None:
            a = a.transpose(order_a)
        if order_b is not None:
            b = b.transpose(order_b)
        return (a if index_a is None else a[index_a]) * (b if index_b is None else b[index_b])

    return multiply


def _einsum(a: Any, b: Any, *, subscripts: str) -> Any:
    return contraction(subscripts)(a, b)


def _einsum_type(a: ArrayType, b: ArrayType, *, subscripts: str) -> ArrayType:
    la, lb, lo = split_subscripts(subscripts)
    sizes = dict(zip(la, a.shape, strict=True))
    for c, n in zip(lb, b.shape, strict=True):
        if sizes.setdefault(c, n) != n:
            raise TypeError(f"einsum {subscripts}: the label {c} has lengths {sizes[c]} and {n}")
    return ArrayType(tuple(sizes[c] for c in lo), a.dtype)


def _einsum_Ta(y_bar: Any, a: Any, b: Any, *, subscripts: str) -> Any:
    la, lb, lo = split_subscripts(subscripts)
    return einsum(y_bar, b, subscripts=f"{lo},{lb}->{la}")


def _einsum_Tb(y_bar: Any, a: Any, b: Any, *, subscripts: str) -> Any:
    la, lb, lo = split_subscripts(subscripts)
    return einsum(a, y_bar, subscripts=f"{la},{lo}->{lb}")


def _einsum_batch(size: int, batched: list[bool], a: Any, b: Any, *, subscripts: str) -> tuple[Any, bool]:
    la, lb, lo = split_subscripts(subscripts)
    new = next(chr(c) for c in range(ord("A"), 0x10FFFF) if chr(c).isalpha() and chr(c) not in subscripts)
    la, lb = (new + labels if on else labels for labels, on in zip((la, lb), batched, strict=True))
    return einsum(a, b, subscripts=f"{la},{lb}->{new}{lo}"), True


def _einsum_samples(rng: np.random.Generator) -> Iterator[Sample]:
    sizes = {"i": 2, "j": 3, "k": 4, "l": 2, "z": 0}
    for subscripts in (
        "ij,jk->ik", "ij,jk->ki", "ijl,jk->kil", "ijk,ijl->ilk", "ij,kj->ijk", "i,i->", "i,j->ji", ",ij->ij",
        "ij,kjl->kil", "ji,kjl->kil", "ij,klj->kil", "ij,ij->i", "ij,i->ij", "ij,ij->ji", "ij,kji->k", "iz,zj->ij",
        "ij,ijk->ik", "ijk,ij->ik",
    ):  # fmt: skip
        la, lb, _ = split_subscripts(subscripts)
        shapes = [tuple(sizes[c] for c in labels) for labels in (la, lb)]
        yield Sample(tuple(np.asarray(rng.normal(size=s)) for s in shapes), {"subscripts": subscripts})


# Labels are distinct within an operand, and each label stands in at least two of: operand, operand, result.
einsum = Primitive(
    "einsum",
    _einsum,
    Multilinear(_einsum_Ta, _einsum_Tb),
    type_rule=_einsum_type,
    batch=_einsum_batch,
    samples=_einsum_samples,
)


# diagonals of matrices -------------------------------------------------------------------------------------------
def _diag_matrix(v: Any) -> Any:
    n = v.shape[-1]
    y = np.zeros((*v.shape[:-1], n * n), v.dtype)
    y[..., :: n + 1] = v
    return y.reshape(*v.shape, n)


def _diag_samples(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Iterator[Sample]]:
    return lambda rng: (Sample((rng.normal(size=shape),)) for shape in shapes)


diag_part = Primitive(
    "diag_part",  # the diagonals of square matrices
    lambda x: x.diagonal(axis1=-2, axis2=-1),
    Linear(lambda y_bar, x: diag_matrix(y_bar)),
    type_rule=lambda x: ArrayType(x.shape[:-1], x.dtype),
    batch=lambda size, batched, x: (diag_part(x), True),
    samples=_diag_samples((3, 3), (2, 2, 2), (0, 0)),
)
diag_matrix = Primitive(
    "diag_matrix",  # matrices with these diagonals
    _diag_matrix,
    Linear(lambda y_bar, v: diag_part(y_bar)),
    type_rule=lambda v: ArrayType((*v.shape, v.shape[-1]), v.dtype),
    batch=lambda size, batched, v: (diag_matrix(v), True),
    samples=_diag_samples((3,), (2, 2), (0,)),
)
