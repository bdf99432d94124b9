"""Which passes make a Fourier transform of length n, the tables of roots of unity that they need, and their calls.

Each length is one function of the module, which all equations with that length call.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from ..emit.fft import Kernel
from ..emit.writer import llvm_type
from ..machine.llvm import width

LARGEST_RADIX = 13  # what has larger prime factors is made of other lengths (fft_chirp.py)


class Pass(NamedTuple):
    """A kernel with its numbers; table: where its roots begin."""

    kernel: Kernel
    m: int
    s: int
    step: int
    table: int


class Plan(NamedTuple):
    """The passes of one transform, and all their roots."""

    passes: tuple[Pass, ...]
    table: Any


@functools.lru_cache(4096)
def radices(n: int) -> tuple[int, ...] | None:
    """The factors of n that passes take at a time, large ones first; None where a prime is too large."""
    found = []
    for r in (13, 11, 7, 5, 3):
        while n % r == 0:
            found.append(r)
            n //= r
    eights, twos = divmod(n.bit_length() - 1, 3)
    if twos == 1 and eights:  # 16 = 4 x 4
        found += [8] * (eights - 1) + [4, 4]
    else:
        found += [8] * eights + [2**twos] * (twos > 0)
    return tuple(sorted(found, reverse=True)) if n & (n - 1) == 0 else None


def power_of_two(n: int) -> int:
    """The largest power of two that is at most n."""
    return 1 << max(n.bit_length() - 1, 0)


def lanes_of(dtype: np.dtype[Any]) -> int:
    """How many numbers a vector register holds."""
    return width() * 8 // dtype.itemsize


def roots(n: int, k: Any) -> Any:
    """exp(-2 pi i k / n), to rounding: from angles of at most 45 degrees."""
    quarters, rest = np.divmod(4 * np.asarray(k) + n // 2, n)
    angle = (np.pi / 2) * (rest - n // 2) / n
    return np.exp(-1j * angle) * np.array([1, -1j, -1, 1j])[quarters % 4]


def split(z: Any, dtype: np.dtype[Any]) -> Any:
    """Real and imaginary parts along a new axis before the last, as numbers in order."""
    return np.stack([z.real, z.imag], -2).astype(dtype).reshape(-1)


@functools.lru_cache(256)
def plan(n: int, dtype: np.dtype[Any], source: str, target: str, columns: bool) -> Plan:
    """The plan for rows, or for as many columns together as a vector has lanes."""
    most = lanes_of(dtype)
    factors = radices(n) or (1,)
    passes: list[Pass] = []
    tables: list[Any] = []
    s, m, place = 1, n, 0
    for k, r in enumerate(factors):
        m //= r
        last = k == len(factors) - 1
        first = s == 1 and not columns
        lanes = most if columns else min(most, power_of_two(m if first else s))
        table = np.zeros(0) if m == 1 else first_table(r, m, lanes, dtype) if first else next_table(r, m, dtype)
        of, to = source if k == 0 else "split", target if last else "split"
        kernel = Kernel(r, lanes, first, m > 1, of, to, dtype)
        passes.append(Pass(kernel, m, s, 1 if columns else lanes, place))
        tables.append(table)
        place += table.size
        s *= r
    return Plan(tuple(passes), np.concatenate([*tables, np.zeros(1)]).astype(dtype))


def first_table(r: int, m: int, lanes: int, dtype: np.dtype[Any]) -> Any:
    """w^(p j) for blocks of p, then j, as vectors."""
    starts = np.minimum(np.arange(0, m, lanes), m - lanes)
    p = starts[:, None, None] + np.arange(lanes)
    return split(roots(r * m, p * np.arange(1, r)[:, None]), dtype)


def next_table(r: int, m: int, dtype: np.dtype[Any]) -> Any:
    """w^(p j) for p, then j."""
    return split(roots(r * m, np.arange(m)[:, None] * np.arange(1, r))[..., None], dtype)


@functools.lru_cache(256)
def pairs_table(h: int, dtype: np.dtype[Any]) -> Any:
    """Roots for the pairs k, h - k of a real signal of length 2 h."""
    k = np.arange(1, h // 2 + 1)
    return np.append(split(roots(2 * h, k), dtype), dtype.type(0))


# text --------------------------------------------------------------------------------------------------------------
SIGNATURE = "ptr noalias %x, ptr %xi, ptr noalias %y, ptr %yi, ptr noalias %work, ptr noalias %table, i64 %xp, i64 %yp"


def work_size(n: int, dtype: np.dtype[Any], columns: bool) -> int:
    """Numbers of working memory: two times real and imaginary parts."""
    return 4 * n * (lanes_of(dtype) if columns else 1)


def transform(n: int, dtype: np.dtype[Any], source: str, target: str, columns: bool) -> tuple[str, list[str]]:
    """The name of the function of one transform, or of one block of columns, and the texts that define it."""
    found = plan(n, dtype, source, target, columns)
    name = f"fft.{dtype.name}.{n}.{'columns' if columns else 'rows'}.{source}.{target}"
    t = llvm_type(dtype)
    pitch = lanes_of(dtype) if columns else 1
    lines, count = [], len(found.passes)
    for k, p in enumerate(found.passes):
        at = [*places("x" if k == 0 else k - 1, n * pitch), *places("y" if k == count - 1 else k, n * pitch)]
        pointers = []
        for j, (base, offset) in enumerate([*at, ("%table", p.table)]):
            pointers.append(f"%p{k}.{j}")
            lines.append(f"  {pointers[-1]} = getelementptr {t}, ptr {base}, i64 {offset}")
        numbers = [p.m, p.s, p.step, "%xp" if k == 0 else pitch, "%yp" if k == count - 1 else pitch]
        arguments = ", ".join([*(f"ptr {x}" for x in pointers), *(f"i64 {x}" for x in numbers), f"{t} %scale"])
        lines.append(f"  call void @{p.kernel.name}({arguments})")
    text = (
        f"define internal void @{name}({SIGNATURE}, {t} %scale) noinline #0 {{\n" + "\n".join(lines) + "\n  ret void\n}"
    )
    return name, [text, *dict.fromkeys(p.kernel.text() for p in found.passes)]


def places(where: Any, size: int) -> list[tuple[str, int]]:
    """Real and imaginary parts of the arguments, or of the halves of working memory that passes take in turn."""
    if type(where) is str:
        return [(f"%{where}", 0), (f"%{where}i", 0)]
    half = 2 * size * (where % 2)
    return [("%work", half), ("%work", half + size)]
