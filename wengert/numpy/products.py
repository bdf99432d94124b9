"""Products of arrays: matmul, dot, tensordot, einsum and their kin, all by two primitives, matmul and einsum."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import shape_of
from ..errors import ShapeError
from ..primitives.contract import diag_part
from ..primitives.contract import einsum as einsum_pair
from ..primitives.contract import matmul as matmul_pair
from ..primitives.elementwise import conj
from ..primitives.shape import reshape, sum_, transpose
from .dispatch import implements
from .ufuncs import ON_TRACERS, deliver, operand, to_dtype

__all__ = [
    "dot", "einsum", "einsum_path", "inner", "kron", "matmul", "matvec", "outer", "tensordot", "vdot", "vecdot",
    "vecmat",
]  # fmt: skip

Axes = tuple[int, ...]


# operands --------------------------------------------------------------------------------------------------------
def as_array(x: Any) -> Any:
    """An operand as an array or a tracer."""
    x = operand(x)
    return x if isinstance(x, Tracer | np.ndarray) else np.asarray(x)


def arrays(*xs: Any, dtype: Any = None) -> list[Any]:
    """Operands as arrays (or tracers) of one dtype."""
    found = [as_array(x) for x in xs]
    common = np.dtype(dtype) if dtype is not None else np.result_type(*(x.dtype for x in found))
    return [to_dtype(x, common) for x in found]


def conjugated(x: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return conj(x) if x.dtype.kind == "c" else x


def labels_for(n: int, start: int = 0) -> str:
    """n distinct labels."""
    return "".join(chr(ord("a") + start + i) if start + i < 26 else chr(0xE0 + start + i) for i in range(n))


def misfit(name: str, why: str, *shapes: Any) -> ShapeError:
    """The error for operands whose shapes do not fit."""
    write = "reshape the operands, or np.einsum, which says which axes belong together"
    return ShapeError(f"{name} got operands of shapes {' and '.join(map(str, shapes))}", why=why, write=write)


# the contraction of two labelled operands ------------------------------------------------------------------------
def pair(name: str, a: Any, b: Any, la: str, lb: str, lo: str) -> Any:
    """sum a[la] b[lb] over the labels that are not in lo; axes of length one stretch, as in broadcasting."""
    product = _direct(la, lb, lo, a.shape, b.shape)
    if product is not None:
        return product(a, b)
    sizes: dict[str, int] = {}
    for labels, x in ((la, a), (lb, b)):
        for c, n in zip(labels, x.shape, strict=True):
            if sizes.setdefault(c, n) != n:
                if 1 not in (n, sizes[c]):
                    raise misfit(name, f"the axes that are paired have lengths {sizes[c]} and {n}", a.shape, b.shape)
                sizes[c] = max(n, sizes[c]) if n * sizes[c] else 0
    a, la = _without_stretched(a, la, sizes)
    b, lb = _without_stretched(b, lb, sizes)
    a, la = _summed_out(a, la, lb + lo)
    b, lb = _summed_out(b, lb, la + lo)
    return _product(la, lb, lo)(a, b)


@functools.lru_cache(maxsize=4096)
def _direct(la: str, lb: str, lo: str, a: tuple[int, ...], b: tuple[int, ...]) -> Callable[[Any, Any], Any] | None:
    """The product of operands of these shapes, if nothing has to be done to them before."""
    once, twice = set(la), set(lb)
    if len(once) < len(la) or len(twice) < len(lb) or not once ^ twice <= set(lo):
        return None
    sizes = dict(zip(la, a, strict=True))
    return _product(la, lb, lo) if all(sizes.get(c, n) == n for c, n in zip(lb, b, strict=True)) else None


@functools.lru_cache(maxsize=4096)
def _product(la: str, lb: str, lo: str) -> Callable[[Any, Any], Any]:
    """The primitive for these labels, each of which stands in two of operand, operand, result."""
    if len(lo) > 1 and la[:-1] == lo[:-1] and lb == lo[:-2] + la[-1] + lo[-1]:
        return matmul_pair
    return functools.partial(einsum_pair, subscripts=f"{la},{lb}->{lo}")


def _without_stretched(x: Any, labels: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """The axes of length one that broadcasting would stretch are dropped."""
    kept = [(c, n) for c, n in zip(labels, x.shape, strict=True) if n == sizes[c]]
    if len(kept) == len(labels):
        return x, labels
    return reshape(x, shape=tuple(n for _, n in kept)), "".join(c for c, _ in kept)


def _summed_out(x: Any, labels: str, needed: str) -> tuple[Any, str]:
    axis = tuple(i for i, c in enumerate(labels) if c not in needed)
    if not axis:
        return x, labels
    return sum_(x, axis=axis), "".join(c for c in labels if c in needed)


# matrix products -------------------------------------------------------------------------------------------------
def _fast_product(x: Any, y: Any) -> Any:
    """x @ y for vectors and matrices of one floating dtype that fit; None otherwise."""
    if isinstance(x, Tracer | np.ndarray) and isinstance(y, Tracer | np.ndarray):
        dtype, a, b = x.dtype, x.shape, y.shape
        if dtype is y.dtype and dtype.kind in "fc" and 0 < len(a) < 3 and 0 < len(b) < 3 and a[-1] == b[0]:
            return matmul_pair(x, y)
    return None


def _matmul(x1: Any, x2: Any) -> Any:
    """y_ik = sum_j a_ij b_jk."""
    y = _fast_product(x1, x2)
    if y is not None:
        return y
    if not isinstance(x2, Tracer) and not hasattr(x2, "__array__") and not isinstance(x2, list | tuple):
        return NotImplemented
    a, b = arrays(x1, x2)
    if not a.shape or not b.shape:
        raise misfit("matmul", "scalars are not matrices: use `*`", a.shape, b.shape)
    if a.shape[-1] != b.shape[-2 if len(b.shape) > 1 else 0]:
        raise misfit("matmul", "the last axis of the first and the last but one of the second differ", a.shape, b.shape)
    rows, columns = "i" * (len(a.shape) > 1), "k" * (len(b.shape) > 1)
    stack = labels_for(max(len(a.shape), len(b.shape), 2) - 2, 11)
    la = stack[len(stack) - max(len(a.shape) - 2, 0) :] + rows + "j"
    lb = stack[len(stack) - max(len(b.shape) - 2, 0) :] + "j" + columns
    return pair("matmul", a, b, la, lb, stack + rows + columns)


def moved(x: Any, source: Sequence[int], destination: Sequence[int]) -> Any:
    """The axes of x, these ones at these places."""
    n = len(x.shape)
    source, destination = ([operator.index(i) % n for i in axes] for axes in (source, destination))
    order = [i for i in range(n) if i not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return x if order == list(range(n)) else transpose(x, axes=tuple(order))


def _as_tuple(axes: Any) -> tuple[int, ...]:
    return (axes,) if isinstance(axes, int) else tuple(axes)


def _core_last(x: Any, axes: Any) -> Any:
    """The axes named by `axes=` moved to the end."""
    axes = _as_tuple(axes)
    return moved(as_array(x), axes, range(-len(axes), 0))


def _generalized(product: Any, core: tuple[int, int, int]) -> Any:
    """A product of stacks with the keyword arguments of NumPy's generalized ufuncs. core: numbers of core axes."""

    def op(
        x1: Any,
        x2: Any,
        /,
        out: Any = None,
        *,
        axes: Any = None,
        axis: int | None = None,
        keepdims: bool = False,
        dtype: Any = None,
        casting: str = "same_kind",
        order: str = "K",
        subok: bool = True,
    ) -> Any:
        if dtype is not None:
            x1, x2 = arrays(x1, x2, dtype=dtype)
        if axis is not None:
            axes = [axis, axis, ()]
        if axes is not None:
            x1, x2 = _core_last(x1, axes[0]), _core_last(x2, axes[1])
        y = product(x1, x2)
        if axes is not None and len(axes) > 2 and core[2]:
            target = _as_tuple(axes[2])
            y = moved(y, range(-len(target), 0), target)
        if keepdims:
            place = (-1 if axis is None else axis) % (len(y.shape) + 1)
            y = reshape(y, shape=(*y.shape[:place], 1, *y.shape[place:]))
        return deliver(y, True, out[0] if isinstance(out, tuple) else out, casting)

    op.__doc__ = product.__doc__
    return op


def _stacks(name: str, x1: Any, x2: Any, core: tuple[str, str, str]) -> Any:
    a, b = arrays(x1, x2)
    na, nb = len(a.shape) - len(core[0]), len(b.shape) - len(core[1])
    law = f"({','.join(core[0])}),({','.join(core[1])})->({','.join(core[2])})"
    if min(na, nb) < 0:
        raise misfit(name, f"an operand has fewer axes than {law} needs", a.shape, b.shape)
    for c, n in zip(core[0], a.shape[na:], strict=True):
        if c in core[1] and b.shape[nb + core[1].index(c)] != n:
            raise misfit(name, f"the lengths of an axis in {law} differ", a.shape, b.shape)
    stack = labels_for(max(na, nb), 15)
    la, lb = stack[len(stack) - na :] + core[0], stack[len(stack) - nb :] + core[1]
    return pair(name, a, b, la, lb, stack + core[2])


def _vecdot(x1: Any, x2: Any) -> Any:
    """y = sum_i conj(a_i) b_i."""
    return _stacks("vecdot", conjugated(as_array(x1)), x2, ("i", "i", ""))


def _matvec(x1: Any, x2: Any) -> Any:
    """y_i = sum_j a_ij b_j."""
    return _stacks("matvec", x1, x2, ("ij", "j", "i"))


def _vecmat(x1: Any, x2: Any) -> Any:
    """y_j = sum_i conj(a_i) b_ij."""
    return _stacks("vecmat", conjugated(as_array(x1)), x2, ("i", "ij", "j"))


_matmul_op = _generalized(_matmul, (2, 2, 2))
ON_TRACERS[np.matmul] = _matmul_op
matmul = implements(np.matmul)(_matmul_op)
ON_TRACERS[np.vecdot] = _generalized(_vecdot, (1, 1, 0))
vecdot = implements(np.vecdot)(ON_TRACERS[np.vecdot])
if hasattr(np, "matvec"):  # NumPy 2.2
    ON_TRACERS[np.matvec] = _generalized(_matvec, (2, 1, 1))
    ON_TRACERS[np.vecmat] = _generalized(_vecmat, (1, 2, 1))
    matvec, vecmat = implements(np.matvec)(ON_TRACERS[np.matvec]), implements(np.vecmat)(ON_TRACERS[np.vecmat])
else:
    matvec, vecmat = _generalized(_matvec, (2, 1, 1)), _generalized(_vecmat, (1, 2, 1))

setattr(Tracer, "__matmul__", _matmul)  # noqa: B010
setattr(Tracer, "__rmatmul__", lambda self, other: _matmul(other, self))  # noqa: B010


# products over chosen axes ---------------------------------------------------------------------------------------
@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """y = sum_j a_(..., j) b_(..., j, k): over the last axis of a and the last but one of b."""
    y = _fast_product(a, b) if out is None else None
    if y is not None:
        return y
    a, b = arrays(a, b)
    if not a.shape or not b.shape:
        return deliver(a * b, True, out)
    la = labels_for(len(a.shape))
    lb = labels_for(len(b.shape), len(la))
    k = -2 if len(lb) > 1 else -1
    if a.shape[-1] != b.shape[k]:
        raise misfit("dot", "the last axis of the first and the last but one of the second differ", a.shape, b.shape)
    lo = la[:-1] + lb.replace(lb[k], "")
    return deliver(pair("dot", a, b, la, lb.replace(lb[k], la[-1]), lo), True, out)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """y = sum_i conj(a_i) b_i over all elements."""
    a, b = (reshape(x, shape=(int(np.prod(x.shape)),)) for x in arrays(a, b))
    if a.shape != b.shape:
        raise misfit("vdot", "they have different numbers of elements", a.shape, b.shape)
    return matmul_pair(conjugated(a), b)


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """y = sum_j a_(..., j) b_(..., j): over the last axes."""
    a, b = arrays(a, b)
    if not a.shape or not b.shape:
        return a * b
    if a.shape[-1] != b.shape[-1]:
        raise misfit("inner", "their last axes differ in length", a.shape, b.shape)
    la = labels_for(len(a.shape))
    lb = labels_for(len(b.shape) - 1, len(la)) + la[-1]
    return pair("inner", a, b, la, lb, la[:-1] + lb[:-1])


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """y_ij = a_i b_j, both flattened."""
    a, b = (reshape(x, shape=(int(np.prod(x.shape)),)) for x in arrays(a, b))
    return deliver(einsum_pair(a, b, subscripts="i,j->ij"), True, out)


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """y = sum over pairs of axes of a and b; the others stay, a's first."""
    a, b = arrays(a, b)
    na, nb = len(a.shape), len(b.shape)
    if hasattr(axes, "__len__") or hasattr(axes, "__iter__"):
        axes_a, axes_b = ([x] if isinstance(x, int | np.integer) else list(x) for x in axes)
    else:
        axes_a, axes_b = list(range(na - operator.index(axes), na)), list(range(operator.index(axes)))
    if any(not -n <= i < n for n, found in ((na, axes_a), (nb, axes_b)) for i in found):
        raise IndexError(f"tensordot: axes {axes} of operands of shapes {a.shape} and {b.shape}")
    pairs = [(i % na, j % nb) for i, j in zip(axes_a, axes_b, strict=False)]
    if len(axes_a) != len(axes_b) or any(a.shape[i] != b.shape[j] for i, j in pairs):
        raise misfit("tensordot", f"shape-mismatch for sum over axes {axes}", a.shape, b.shape)
    if len(set(axes_a)) < len(axes_a) or len(set(axes_b)) < len(axes_b):
        raise ValueError(f"tensordot: an axis is summed twice in axes={axes}")
    la, lb = labels_for(na), list(labels_for(nb, na))
    for i, j in pairs:
        lb[j] = la[i]
    free_b = "".join(c for c in lb if c not in la)
    return pair("tensordot", a, b, la, "".join(lb), "".join(c for c in la if c not in lb) + free_b)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """y = the blocks a_ij B."""
    a, b = arrays(a, b)
    n = max(len(a.shape), len(b.shape))
    a, b = (reshape(x, shape=(1,) * (n - len(x.shape)) + tuple(x.shape)) for x in (a, b))
    la, lb = labels_for(n), labels_for(n, n)
    blocks = einsum_pair(a, b, subscripts=f"{la},{lb}->{''.join(map(''.join, zip(la, lb, strict=True)))}")
    return reshape(blocks, shape=tuple(i * j for i, j in zip(a.shape, b.shape, strict=True)))


# einsum ----------------------------------------------------------------------------------------------------------
_SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
einsum_path = implements(np.einsum_path)(
    lambda *operands, **kwargs: np.einsum_path(*map(_stand_in, operands), **kwargs)
)


def _stand_in(x: Any) -> Any:
    """An array of the same shape that takes no memory: for choosing the order of contraction."""
    if isinstance(x, str | list | tuple):
        return x
    return np.broadcast_to(np.zeros((), np.float64), shape_of(x))


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    """y_o = sum of the products of the operands over all labels that are not in o."""
    dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", "safe")
    kwargs.pop("order", None)
    if kwargs:
        raise TypeError(f"einsum got unexpected keyword arguments {sorted(kwargs)}")
    found, terms, result = _parse(operands)
    xs = arrays(*found, dtype=dtype)
    if dtype is not None and not all(np.can_cast(as_array(x).dtype, xs[0].dtype, casting) for x in found):
        raise TypeError(f"einsum cannot cast its operands to {dtype} according to the rule {casting!r}")
    terms, result = _labels(terms, result, tuple(shape_of(x) for x in xs))
    if len(xs) == 2:
        product = _direct(*terms, result, xs[0].shape, xs[1].shape)
        if product is not None:
            return deliver(product(*xs), True, out)
    labelled = [_diagonals(x, labels) for x, labels in zip(xs, terms, strict=True)]
    for picked in _path(labelled, result, optimize):
        several = [labelled[i] for i in picked]
        labelled = [x for i, x in enumerate(labelled) if i not in picked]
        needed = "".join(labels for _, labels in labelled) + result
        labelled.append(_contracted(several, needed, result if not labelled else None))
    return deliver(_ordered(*labelled[0], result), True, out)


def _parse(operands: Sequence[Any]) -> tuple[list[Any], tuple[str, ...], str | None]:
    """Operands, their terms, and the term of the result if there is one."""
    if not operands:
        raise ValueError("must specify the einstein sum subscripts string and at least one operand, or a list of lists")
    if isinstance(operands[0], str):
        inputs, arrow, result = operands[0].replace(" ", "").partition("->")
        return list(operands[1:]), tuple(inputs.split(",")), result if arrow else None
    n = len(operands) // 2
    terms = tuple(_sublist(labels) for labels in operands[1 : 2 * n : 2])
    return list(operands[: 2 * n : 2]), terms, _sublist(operands[-1]) if len(operands) % 2 else None


@functools.lru_cache(maxsize=4096)
def _labels(
    terms: tuple[str, ...], result: str | None, shapes: tuple[tuple[int, ...], ...]
) -> tuple[tuple[str, ...], str]:
    """The labels of operands and result, in which an ellipsis has become labels of its own."""
    if len(terms) != len(shapes):
        raise ValueError(f"einsum has {len(terms)} terms in its subscripts, but {len(shapes)} operands")
    extra = [len(shape) - len(t.replace("...", "")) for shape, t in zip(shapes, terms, strict=True)]
    for n, t, shape in zip(extra, terms, shapes, strict=True):
        if n < 0 or (n > 0 and "..." not in t):
            raise ValueError(f"einsum: the term {t!r} does not fit an operand with {len(shape)} axes")
    hidden = max((n for n, t in zip(extra, terms, strict=True) if "..." in t), default=0)
    dots = "".join(chr(0x100 + i) for i in range(hidden))
    full = tuple(t.replace("...", dots[hidden - n :]) for n, t in zip(extra, terms, strict=True))
    every = "".join(full)
    if not every.isalpha() and every:
        raise ValueError(f"einsum: subscripts must be letters, found {every!r}")
    if result is None:
        return full, dots + "".join(sorted(c for c in set(every) if every.count(c) == 1 and c not in dots))
    result = result.replace("...", dots)
    if len(set(result)) < len(result) or not set(dots) <= set(result) <= set(every):
        raise ValueError(f"einsum: the labels of the result, {result!r}, must be distinct labels of the operands")
    return full, result


def _sublist(labels: Any) -> str:
    """[0, 1, Ellipsis] as a term."""
    return "".join("..." if c is Ellipsis else _SYMBOLS[operator.index(c)] for c in labels)


def _diagonals(x: Any, labels: str) -> tuple[Any, str]:
    """A repeated label means the diagonal of these axes."""
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            i, j = labels.index(c), labels.rindex(c)
            if x.shape[i] != x.shape[j]:
                raise misfit("einsum", f"the label {c} is repeated over axes of different lengths", x.shape)
            rest = [k for k in range(len(labels)) if k not in (i, j)]
            x = diag_part(transpose(x, axes=(*rest, i, j)))
            labels = "".join(labels[k] for k in rest) + c
    return x, labels


def _path(labelled: Sequence[tuple[Any, str]], result: str, optimize: Any) -> list[Axes]:
    """In which order operands are contracted: cheapest first, or as `optimize` says."""
    if len(labelled) < 3:
        return [(0, 1)] * (len(labelled) - 1)
    terms = tuple(labels for _, labels in labelled)
    shapes = tuple(shape_of(x) for x, _ in labelled)
    how = "greedy" if optimize is False or optimize is True else optimize
    return _chosen_path(terms, result, shapes, how if isinstance(how, str) else tuple(map(_hashable, how)))


def _hashable(step: Any) -> Any:
    return tuple(step) if isinstance(step, list) else step


@functools.lru_cache(maxsize=1024)
def _chosen_path(terms: tuple[str, ...], result: str, shapes: tuple[tuple[int, ...], ...], how: Any) -> list[Axes]:
    used = sorted(set("".join(terms)))
    if len(used) > len(_SYMBOLS):
        return [(0, 1)] * (len(terms) - 1)
    names = str.maketrans(dict(zip(used, _SYMBOLS, strict=False)))
    subscripts = f"{','.join(terms)}->{result}".translate(names)
    how = list(how) if isinstance(how, tuple) and how and how[0] == "einsum_path" else how
    stand_ins = [np.broadcast_to(0.0, shape) for shape in shapes]
    return [tuple(picked) for picked in np.einsum_path(subscripts, *stand_ins, optimize=how)[0][1:]]


def _contracted(several: list[tuple[Any, str]], needed: str, last: str | None) -> tuple[Any, str]:
    """The product of some operands, summed over the labels that nothing else needs."""
    a, la = several[0]
    for k, (b, lb) in enumerate(several[1:], 2):
        rest = "".join(labels for _, labels in several[k:]) + needed
        kept = "".join(dict.fromkeys(c for c in la + lb if c in rest))
        lo = last if last is not None and k == len(several) else kept
        a, la = pair("einsum", a, b, la, lb, lo), lo
    return a, la


def _ordered(x: Any, labels: str, result: str) -> Any:
    x, labels = _summed_out(x, labels, result)
    if labels == result:
        return x
    return transpose(x, axes=tuple(labels.index(c) for c in result))
