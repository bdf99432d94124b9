"""What each primitive is compiled and compared on: its samples in two precisions, every dtype it takes, special values,
arrays of several shapes, views in front of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import wengert as wg
from wengert.compile import mathlib
from wengert.core.primitive import Primitive
from wengert.core.types import type_of

LONG = 41  # elements: no multiple of a vector's
REAL = ("float64", "float32")
COMPLEX = ("complex128", "complex64")
WHOLE = ("int64", "int32", "int8", "uint8", "uint64", "bool")
SPECIAL = [
    *(
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        -0.5,
        1.5,
        2,
        -2,
        2.5,
        3,
        -3,
        np.nan,
        np.inf,
        -np.inf,
        1e-300,
        -1e-300,
        1e300,
        -1e300,
        5e-324,
    ),
    *(1e-40, 1e-45, 1e10, -1e10, 123.456, -7.7, 1e18, -1e19, np.pi, 0.99999999999, -0.3, 3e38),
]

# parameters for the primitives that take them
PARAMS: dict[str, list[dict[str, Any]]] = {
    "round": [{"decimals": d} for d in (0, 1, 3, -1, -2)],
    "cast": [{"dtype": np.dtype(d)} for d in ("int64", "int32", "int8", "uint8", "uint64", "bool")],
    "convert": [
        {"dtype": np.dtype(d)} for d in ("float64", "float32", "complex128", "int64", "int8", "uint64", "bool")
    ],
}


@dataclass
class Case:
    """Arguments and parameters, and a view that is put in front of each array."""

    args: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    view: str = ""

    @property
    def traced(self) -> list[int]:
        """The places of the arguments that are arrays; Python numbers are written in place."""
        return [k for k, a in enumerate(self.args) if isinstance(a, np.ndarray)]

    def results(self, p: Primitive, xs: Any) -> list[Any]:
        """The results for these arrays."""
        args = list(self.args)
        for k, x in zip(self.traced, xs, strict=True):
            args[k] = VIEWS[self.view](x)
        y = p(*args, **self.params)
        return list(y) if p.multiple else [y]

    def __str__(self) -> str:
        kinds = ", ".join(f"{a.dtype}{list(a.shape)}" if isinstance(a, np.ndarray) else repr(a) for a in self.args)
        return f"{kinds} {self.params} {self.view}"


VIEWS: dict[str, Any] = {
    "": lambda x: x,
    "transposed": lambda x: wg.numpy.transpose(x),
    "backwards": lambda x: x[..., ::-2],
    "repeated": lambda x: wg.numpy.broadcast_to(x[:1], x.shape),
    "reshaped": lambda x: wg.numpy.reshape(x[:, 1:], (-1, 3)),
}


def rng_of(p: Primitive) -> np.random.Generator:
    """Random numbers of a primitive, the same in every run."""
    return np.random.default_rng(zlib.crc32(p.name.encode()))


def values(dtype: str, rng: np.random.Generator, k: int) -> Any:
    """Special and random values; those of the first operand in order, those of others shuffled."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return rng.integers(0, 2, LONG).astype(bool)
    if d.kind in "iu":
        info = np.iinfo(d)
        ends = np.array([0, 1, 2, 3, 5, 7, info.max, info.max - 1, info.min, info.min + 1], d)
        some = rng.integers(0, 9, LONG - len(ends)).astype(d)
        wide = rng.integers(info.min, info.max, LONG - len(ends), d, endpoint=True)
        x = np.concatenate([ends, np.where(rng.random(len(wide)) < 0.5, wide, some)])
        if d.kind == "i":
            x[3:5] = -1, -3
        return x if not k else rng.permutation(x)
    x = np.concatenate([SPECIAL, rng.normal(size=LONG - len(SPECIAL))])
    if d.kind == "c":
        z = np.empty(LONG, complex)
        z.real, z.imag = x, rng.permutation(x)
        x = z
    with np.errstate(all="ignore"):
        return (x if not k else rng.permutation(x)).astype(d)


def cases(p: Primitive) -> Iterator[Case]:
    """All cases that the primitive takes."""
    rng = rng_of(p)
    samples = [Case(s.args, s.params) for s in p.samples(rng)] if p.samples else []
    yield from samples
    special = p.samples is not None and p.samples.__module__.startswith("wengert.primitives.special")
    if p.pointwise and not special:
        yield from pointwise_cases(p, samples[0], rng)
        return
    only_floats = special or linear_algebra(p)
    for dtype in ("float32",) if only_floats else ("float32", "complex128", "int64", "bool"):
        for case in samples:
            args = tuple(converted(a, dtype) for a in case.args)
            other = Case(args, case.params)
            if any(x is not y for x, y in zip(args, case.args, strict=True)) and taken(p, other):
                yield other


def linear_algebra(p: Primitive) -> bool:
    """Is it of the files on linear algebra, whose native forms have tests of their own?"""
    return "linalg" in getattr(p.impl, "__module__", "") or "linalg" in p.samples.__module__  # type: ignore[union-attr]


def converted(a: Any, dtype: str) -> Any:
    """An array of floats in another dtype."""
    if not isinstance(a, np.ndarray) or a.dtype.kind not in "fc":
        return a
    if a.dtype.kind == "c":
        return a.astype("complex64") if dtype == "float32" else a
    if dtype == "complex128":
        return a + 0.5j * a
    return (3 * a).astype(dtype) if dtype in ("int64", "bool") else a.astype(dtype)


def pointwise_cases(p: Primitive, first: Case, rng: np.random.Generator) -> Iterator[Case]:
    """Each dtype with special values; other shapes; views."""
    for dtype in (*REAL, "complex128", "int64") if p.name in mathlib.NAMES else (*REAL, *COMPLEX, *WHOLE):
        for params in PARAMS.get(p.name, [first.params]):
            case = Case(tuple(like(a, dtype, rng, p, k) for k, a in enumerate(first.args)), params)
            if case.traced and taken(p, case):
                yield case
    for shape, view in FORMS[:2] if p.name in mathlib.NAMES else FORMS:
        args = tuple(spread_over(a, shape, rng) for a in first.args)
        yield Case(args, PARAMS.get(p.name, [first.params])[0], view)


FORMS = [
    *(((1,), ""), ((3, 17), "transposed"), ((3, 19), "backwards"), ((13, 4), "repeated"), ((5, 13), "reshaped")),
]  # fmt: skip


def like(a: Any, dtype: str, rng: np.random.Generator, p: Primitive, k: int) -> Any:
    """Values in the place of a sample's argument: masks stay masks, exponents small integers, numbers what they are."""
    if not isinstance(a, np.ndarray):
        return a
    if p.name == "where" and k == 0:
        return rng.integers(0, 2, LONG).astype(bool)
    if p.name == "ldexp" and k == 1:
        return rng.integers(-1100, 1100, LONG)
    x = values(dtype, rng, k)
    if x.dtype.kind == "c":  # what overflows on the way depends on the order of operations
        for part in (x.real, x.imag):
            part[np.isfinite(part) & (np.abs(part) > 50)] = 1.25
            part[(np.abs(part) < 1e-9) & (part != 0)] = 0.25
    return x


def spread_over(a: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Elements like a sample's, in another shape."""
    if not isinstance(a, np.ndarray):
        return a
    x = rng.choice(a.reshape(-1), shape) if a.size else np.ones(shape, a.dtype)
    return x * rng.uniform(0.9, 1.0, shape) if a.dtype.kind == "f" else x


def taken(p: Primitive, case: Case) -> bool:
    """Does NumPy take these arguments?"""
    try:
        with np.errstate(all="ignore"):
            found = p.impl(*case.args, **case.params)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return False
    types = p.type_rule(*map(type_of, case.args), **case.params)
    pairs = zip(found, types, strict=True) if p.multiple else [(found, types)]
    return all((np.shape(y), np.asarray(y).dtype) == (t.shape, t.dtype) for y, t in pairs)
