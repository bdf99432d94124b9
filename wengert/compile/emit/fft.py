"""Passes of Fourier transforms (Stockham 1966): butterflies of small radix over vectors of real and imaginary parts.

A transform of n = r m s elements, of which s butterflies have been made together, becomes by one pass

    y[u + s (r p + j)] = w^(p j) sum_k x[u + s (p + m k)] exp(-2 pi i j k / r),    w = exp(-2 pi i / (r m)),

one of r s. So the result is in order when m = 1, with no permutation of bits. Lanes of a vector are neighbouring u; in
the first pass, where s = 1, they are neighbouring p, and what they make is interleaved; or they are columns of a
matrix, each of which is transformed. The last block of lanes ends with the data, and repeats some of the work.

An inverse transform exchanges real and imaginary parts when it reads and when it writes.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .writer import Writer, llvm_type, number

Pair = tuple[str, str]  # vectors of real and of imaginary parts
PARAMETERS = "ptr noalias %xr, ptr noalias %xi, ptr noalias %yr, ptr noalias %yi, ptr noalias %table"


class Kernel(NamedTuple):
    """One pass, as a function of the module.

    source, target: "split" (two arrays), "complex" (pairs), or "swapped" (pairs, exchanged when read or written).
    first: lanes are p. turned: are results multiplied by powers of w? In a last pass they are not; it scales instead.
    """

    radix: int
    lanes: int
    first: bool
    turned: bool
    source: str
    target: str
    dtype: np.dtype[Any]  # real

    @property
    def name(self) -> str:
        """Its name in the module."""
        form = ("first" if self.first else "next") if self.turned else ("only" if self.first else "last")
        return f"fft.{self.dtype.name}.{self.radix}x{self.lanes}.{form}.{self.source}.{self.target}"

    def text(self) -> str:
        """The function (xr, xi, yr, yi, table, m, s, step, x_pitch, y_pitch, scale): element u of x is at u x_pitch.

        Of pairs there is one array, xr or yr. step: between blocks of u, which is 1 where lanes are columns.
        """
        return _text(self)


@functools.lru_cache(1024)
def _text(kernel: Kernel) -> str:
    w = Lanes(kernel.dtype, kernel.lanes)
    (first_pass if kernel.first else next_pass)(w, kernel)
    w.do("ret void")
    numbers = "i64 %m, i64 %s, i64 %step, i64 %x_pitch, i64 %y_pitch"
    parameters = f"({PARAMETERS}, {numbers}, {w.real} %scale)"
    return f"define internal void @{kernel.name}{parameters} noinline #0 {{\n{w.text()}\n}}"


class Lanes(Writer):
    """A writer with the arithmetic of vectors of one length."""

    def __init__(self, dtype: np.dtype[Any], lanes: int) -> None:
        super().__init__()
        self.dtype, self.lanes = dtype, lanes
        self.real = llvm_type(dtype)
        self.t = f"<{lanes} x {self.real}>"

    # arithmetic
    def do2(self, how: str, a: str, b: str) -> str:
        """One operation on vectors."""
        return self.emit(f"f{how} contract {self.t} {a}, {b}")

    def add(self, a: Pair, b: Pair) -> Pair:
        """a + b."""
        return self.do2("add", a[0], b[0]), self.do2("add", a[1], b[1])

    def sub(self, a: Pair, b: Pair) -> Pair:
        """a - b."""
        return self.do2("sub", a[0], b[0]), self.do2("sub", a[1], b[1])

    def mul(self, a: Pair, b: Pair) -> Pair:
        """a b."""
        ac, bd, ad, bc = (self.do2("mul", a[i], b[j]) for i, j in ((0, 0), (1, 1), (0, 1), (1, 0)))
        return self.do2("sub", ac, bd), self.do2("add", ad, bc)

    def times(self, a: Pair, x: str) -> Pair:
        """x a, for a real x."""
        return self.do2("mul", a[0], x), self.do2("mul", a[1], x)

    def constant(self, x: float) -> str:
        """A number in every lane."""
        return f"splat ({self.real} {number(x, self.dtype)})"

    def everywhere(self, x: str) -> str:
        """A value in every lane."""
        one = self.emit(f"insertelement {self.t} poison, {self.real} {x}, i64 0")
        return self.emit(f"shufflevector {self.t} {one}, {self.t} poison, <{self.lanes} x i32> zeroinitializer")

    # integers and loops
    def whole(self, how: str, a: Any, b: Any) -> str:
        """One operation on integers; numbers are folded."""
        if how == "mul" and 1 in (a, b):
            return str(b if a == 1 else a)
        if how == "add" and 0 in (a, b):
            return str(b if a == 0 else a)
        return self.emit(f"{how} i64 {a}, {b}")

    def loop(self, rounds: Any, body: Callable[[str], None]) -> None:
        """for k in range(rounds): body(k); there is at least one round."""
        head, done = self.new_label("loop"), self.new_label("done")
        before = self.label
        self.jump(head)
        self.begin(head)
        k, place = self.fresh(), len(self.lines)
        self.lines.append("")
        body(k)
        after = self.whole("add", k, 1)
        self.lines[place] = f"  {k} = phi i64 [ 0, %{before} ], [ {after}, %{self.label} ]"
        self.branch(self.emit(f"icmp slt i64 {after}, {rounds}"), head, done)
        self.begin(done)

    # memory
    def at(self, p: str, *index: Any) -> str:
        """The address of a number, index numbers further."""
        for i in index:
            if i != 0:
                p = self.emit(f"getelementptr inbounds {self.real}, ptr {p}, i64 {i}")
        return p

    def load(self, p: str, lanes: int = 0) -> str:
        """Neighbouring numbers."""
        return self.emit(f"load <{lanes or self.lanes} x {self.real}>, ptr {p}, align {self.dtype.itemsize}")

    def store(self, x: str, p: str, lanes: int = 0) -> None:
        """Write neighbouring numbers."""
        self.do(f"store <{lanes or self.lanes} x {self.real}> {x}, ptr {p}, align {self.dtype.itemsize}")

    def shuffled(self, a: str, b: str, lanes: Sequence[int], n: int) -> str:
        """Lanes of two vectors of n."""
        t = f"<{n} x {self.real}>"
        return self.emit(
            f"shufflevector {t} {a}, {t} {b}, <{len(lanes)} x i32> <{', '.join(f'i32 {k}' for k in lanes)}>"
        )

    def pair(self, source: str, re: str, im: str, index: Sequence[Any]) -> Pair:
        """The elements at an index and after it."""
        if source == "split":
            return self.load(self.at(re, *index)), self.load(self.at(im, *index))
        n = 2 * self.lanes
        both = self.load(self.at(re, *(self.whole("mul", i, 2) if type(i) is str else 2 * i for i in index)), n)
        x, y = (self.shuffled(both, "poison", range(k, n, 2), n) for k in (0, 1))
        return (y, x) if source == "swapped" else (x, y)

    def put(self, target: str, re: str, im: str, index: Sequence[Any], z: Pair) -> None:
        """Write elements to an index and after it."""
        if target == "split":
            self.store(z[0], self.at(re, *index))
            self.store(z[1], self.at(im, *index))
            return
        both = self.interleaved(z if target == "complex" else z[::-1])
        p = self.at(re, *(self.whole("mul", i, 2) if type(i) is str else 2 * i for i in index))
        self.store(both, p, 2 * self.lanes)

    def interleaved(self, xs: Sequence[str]) -> str:
        """The first lanes of all vectors, then the second ones, and so on."""
        n, k = self.lanes, len(xs)
        if k == 1:
            return xs[0]
        if k == 2:
            return self.shuffled(xs[0], xs[1], [i + n * j for i in range(n) for j in (0, 1)], n)
        if k % 2 == 0:  # of those of even and of odd number apart
            halves = [self.interleaved(xs[j::2]) for j in (0, 1)]
            half = n * k // 2
            return self.shuffled(halves[0], halves[1], [i + half * j for i in range(half) for j in (0, 1)], half)
        joined, size = list(xs), n
        while len(joined) > 1:
            joined += ["poison"] * (len(joined) % 2)
            joined = [
                self.shuffled(a, b, range(2 * size), size) for a, b in zip(joined[::2], joined[1::2], strict=True)
            ]
            size *= 2
        return self.shuffled(joined[0], "poison", [i + n * j for i in range(n) for j in range(k)], size)


# butterflies -------------------------------------------------------------------------------------------------------
def turned_back(z: Pair, w: Lanes) -> Pair:
    """-i z."""
    return z[1], w.emit(f"fneg {w.t} {z[0]}")


def butterfly(w: Lanes, a: Sequence[Pair]) -> list[Pair]:
    """The transform of a few elements: sum_k a_k exp(-2 pi i j k / r) for each j."""
    r = len(a)
    if r == 1:
        return list(a)
    if r == 2:
        return [w.add(*a), w.sub(*a)]
    if r % 2:
        return odd_butterfly(w, a)
    even, odd = butterfly(w, a[::2]), butterfly(w, a[1::2])
    odd = [times_root(w, z, k, r) for k, z in enumerate(odd)]
    pairs = list(zip(even, odd, strict=True))
    return [w.add(x, y) for x, y in pairs] + [w.sub(x, y) for x, y in pairs]


def times_root(w: Lanes, z: Pair, k: int, r: int) -> Pair:
    """z exp(-2 pi i k / r)."""
    if k == 0:
        return z
    if 4 * k == r:
        return turned_back(z, w)
    if 8 * k == r:  # (1 - i) / sqrt 2
        return w.times((w.do2("add", *z), w.do2("sub", z[1], z[0])), w.constant(math.sqrt(0.5)))
    if 8 * k == 3 * r:
        back = w.do2("add", *z)
        return w.times((w.do2("sub", z[1], z[0]), w.emit(f"fneg {w.t} {back}")), w.constant(math.sqrt(0.5)))
    root = cmath.exp(-2j * cmath.pi * k / r)
    return w.mul(z, (w.constant(root.real), w.constant(root.imag)))


def odd_butterfly(w: Lanes, a: Sequence[Pair]) -> list[Pair]:
    """The same for odd r: cosines of the sums a_k + a_(r-k), sines of the differences."""
    r = len(a)
    half = range(1, (r + 1) // 2)
    sums, differences = [w.add(a[k], a[r - k]) for k in half], [w.sub(a[k], a[r - k]) for k in half]
    total = a[0]
    for z in sums:
        total = w.add(total, z)
    found: list[Any] = [total] + [None] * (r - 1)
    for j in half:
        even, odd = a[0], None
        for k, s, d in zip(half, sums, differences, strict=True):
            angle = 2 * math.pi * (j * k % r) / r
            even = w.add(even, w.times(s, w.constant(math.cos(angle))))
            term = w.times(d, w.constant(math.sin(angle)))
            odd = term if odd is None else w.add(odd, term)
        assert odd is not None
        turned = odd[1], odd[0]  # -i odd = (im, -re)
        found[j] = w.do2("add", even[0], turned[0]), w.do2("sub", even[1], turned[1])
        found[r - j] = w.do2("sub", even[0], turned[0]), w.do2("add", even[1], turned[1])
    return found


# passes ------------------------------------------------------------------------------------------------------------
def scaled(w: Lanes, kernel: Kernel, found: list[Pair]) -> list[Pair]:
    """The results of a last pass times %scale, where they leave us."""
    if kernel.target == "split":
        return found
    scale = w.everywhere("%scale")
    return [w.times(z, scale) for z in found]


def last_block(w: Lanes, k: str, length: str, step: Any) -> str:
    """Where block k of lanes begins: in its place, or so that it ends with the data."""
    end = w.whole("sub", length, step)
    start = w.whole("mul", k, step)
    return w.emit(f"select i1 {w.emit(f'icmp slt i64 {start}, {end}')}, i64 {start}, i64 {end}")


def blocks(w: Lanes, length: str, step: Any) -> str:
    """How many blocks there are."""
    return w.whole("udiv", w.whole("sub", w.whole("add", length, step), 1), step)


def first_pass(w: Lanes, kernel: Kernel) -> None:
    """s = 1: lanes are p, and powers of w stand in the table as vectors, block by block."""
    r, lanes = kernel.radix, kernel.lanes

    def block(k: str) -> None:
        p = last_block(w, k, "%m", lanes)
        a = [w.pair(kernel.source, "%xr", "%xi", [p, w.whole("mul", "%m", j) if j else 0]) for j in range(r)]
        found = butterfly(w, a)
        if kernel.turned:
            place = w.at("%table", w.whole("mul", k, 2 * (r - 1) * lanes))
            roots = [
                (w.load(w.at(place, 2 * j * lanes)), w.load(w.at(place, (2 * j + 1) * lanes))) for j in range(r - 1)
            ]
            found = [found[0], *(w.mul(z, root) for z, root in zip(found[1:], roots, strict=True))]
        else:
            found = scaled(w, kernel, found)
        interleaved_store(w, kernel, found, w.whole("mul", p, r))

    w.loop(blocks(w, "%m", lanes), block)


def interleaved_store(w: Lanes, kernel: Kernel, found: Sequence[Pair], place: str) -> None:
    """Element j of lane p goes to r p + j."""
    wide = Lanes(w.dtype, w.lanes * len(found))
    wide.lines, wide.count = w.lines, w.count
    z = tuple(w.interleaved([f[part] for f in found]) for part in (0, 1))
    wide.count = w.count
    wide.put(kernel.target, "%yr", "%yi", [place], z)  # type: ignore[arg-type]
    w.count = wide.count


def next_pass(w: Lanes, kernel: Kernel) -> None:
    """s > 1: lanes are u, or columns, and powers of w are the same in all of them."""
    r = kernel.radix

    def row(p: str) -> None:
        roots = []
        if kernel.turned:
            place = w.at("%table", w.whole("mul", p, 2 * (r - 1)))
            values = [w.emit(f"load {w.real}, ptr {w.at(place, j)}") for j in range(2 * (r - 1))]
            wide = [w.everywhere(x) for x in values]
            roots = list(zip(wide[::2], wide[1::2], strict=True))
        from_, to = w.whole("mul", "%s", p), w.whole("mul", "%s", w.whole("mul", p, r))
        ms = w.whole("mul", "%m", "%s")

        def block(k: str) -> None:
            u = last_block(w, k, "%s", "%step")
            x, y = (w.whole("mul", w.whole("add", u, start), f"%{a}_pitch") for a, start in (("x", from_), ("y", to)))
            x_step, y_step = w.whole("mul", ms, "%x_pitch"), w.whole("mul", "%s", "%y_pitch")
            a = [w.pair(kernel.source, "%xr", "%xi", [x, w.whole("mul", x_step, j) if j else 0]) for j in range(r)]
            found = butterfly(w, a)
            if kernel.turned:
                found = [found[0], *(w.mul(z, root) for z, root in zip(found[1:], roots, strict=True))]
            else:
                found = scaled(w, kernel, found)
            for j, z in enumerate(found):
                w.put(kernel.target, "%yr", "%yi", [y, w.whole("mul", y_step, j) if j else 0], z)

        w.loop(blocks(w, "%s", "%step"), block)

    w.loop("%m", row)
