"""Spectra of real signals of even length n = 2 h, by transforms of h pairs z_j = x_2j + i x_(2j+1).

With w = exp(-2 pi i / n), S = Z_k + conj Z_(h-k) and D = Z_k - conj Z_(h-k),

    2 X_k = S - i w^k D,    2 X_(h-k) = conj(S + i w^k D);

the same, solved for Z with S and D made of X, leads back. Lanes are neighbouring k.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .fft import Lanes, Pair, blocks, last_block

PARAMETERS = "ptr noalias %x, ptr noalias %zr, ptr noalias %zi, ptr noalias %table, i64 %h, i64 %pairs"


def conj(w: Lanes, z: Pair) -> Pair:
    """The complex conjugate."""
    return z[0], w.emit(f"fneg {w.t} {z[1]}")


def backwards(w: Lanes, z: Pair) -> Pair:
    """The lanes in the opposite order."""
    order = range(w.lanes - 1, -1, -1)
    return w.shuffled(z[0], "poison", order, w.lanes), w.shuffled(z[1], "poison", order, w.lanes)


@functools.lru_cache(64)
def unfold(dtype: np.dtype[Any], lanes: int) -> tuple[str, str]:
    """The name and the text of the function from Z (split) to X (pairs), times %scale, which holds the half."""
    name = f"fft.{dtype.name}.unfold.x{lanes}"
    w, one = Lanes(dtype, lanes), Lanes(dtype, 1)

    def ends() -> None:
        re, im = one.pair("split", "%zr", "%zi", [0])
        twice = one.everywhere(one.emit("fadd " + f"{one.real} %scale, %scale"))
        zero = "zeroinitializer"
        one.put("complex", "%x", "", [0], one.times((one.do2("add", re, im), zero), twice))
        one.put("complex", "%x", "", ["%h"], one.times((one.do2("sub", re, im), zero), twice))

    def block(k: str, far: str, root: Pair) -> None:
        a, b = w.pair("split", "%zr", "%zi", [k]), backwards(w, w.pair("split", "%zr", "%zi", [far]))
        total, turned = w.add(a, conj(w, b)), w.mul(w.sub(a, conj(w, b)), root)
        i_turned = w.emit(f"fneg {w.t} {turned[1]}"), turned[0]
        scale = w.everywhere("%scale")
        w.put("complex", "%x", "", [k], w.times(w.sub(total, i_turned), scale))
        w.put("complex", "%x", "", [far], backwards(w, conj(w, w.times(w.add(total, i_turned), scale))))

    return name, function(name, w, one, ends, block, f", {w.real} %scale")


@functools.lru_cache(64)
def fold(dtype: np.dtype[Any], lanes: int) -> tuple[str, str]:
    """The name and the text of the function from X (pairs) to Z (split), twice what it is."""
    name = f"fft.{dtype.name}.fold.x{lanes}"
    w, one = Lanes(dtype, lanes), Lanes(dtype, 1)

    def ends() -> None:
        first, _ = one.pair("complex", "%x", "", [0])  # whose imaginary parts count as zero
        last, _ = one.pair("complex", "%x", "", ["%h"])
        one.put("split", "%zr", "%zi", [0], (one.do2("add", first, last), one.do2("sub", first, last)))

    def block(k: str, far: str, root: Pair) -> None:
        a, b = w.pair("complex", "%x", "", [k]), backwards(w, w.pair("complex", "%x", "", [far]))
        total, turned = w.add(a, conj(w, b)), w.mul(w.sub(a, conj(w, b)), conj(w, root))
        i_turned = w.emit(f"fneg {w.t} {turned[1]}"), turned[0]
        w.put("split", "%zr", "%zi", [k], w.add(total, i_turned))
        w.put("split", "%zr", "%zi", [far], backwards(w, conj(w, w.sub(total, i_turned))))

    return name, function(name, w, one, ends, block, "")


def function(
    name: str, w: Lanes, one: Lanes, ends: Callable[[], None], block: Callable[[str, str, Pair], None], more: str
) -> str:
    """Elements 0 and h first, then all k from 1 to h / 2 with h - k, block by block. table: cosines, then sines."""
    one.lines, one.slots = w.lines, w.slots
    ends()
    w.count = one.count
    some, done = w.new_label("some"), w.new_label("none")
    w.branch(w.emit("icmp sgt i64 %pairs, 0"), some, done)
    w.begin(some)

    def at(b: str) -> None:
        start = last_block(w, b, "%pairs", w.lanes)
        root = w.load(w.at("%table", start)), w.load(w.at("%table", "%pairs", start))
        k = w.whole("add", start, 1)
        block(k, w.whole("sub", "%h", w.whole("add", k, w.lanes - 1)), root)

    w.loop(blocks(w, "%pairs", w.lanes), at)
    w.jump(done)
    w.begin(done)
    w.do("ret void")
    return f"define internal void @{name}({PARAMETERS}{more}) noinline #0 {{\n{w.text()}\n}}"
