"""Vectors: the scalar text of one round of a loop, widened to several neighbouring rounds.

What does not depend on the loop variable is done once, before the loop; addresses stay scalar, those of the first of
the rounds; every other value becomes a vector with a lane for each round. Elements that are neighbours are read and
written together, the parts of records by shuffles (`interleaved.py`), others one by one; sums get a lane each. A mask
names the lanes that take part where the rounds are fewer.

We do this ourselves, and not LLVM's vectoriser, because we know what it has to find out: that rounds are independent,
how many there are, what is worth it, and where there is room behind the last element. To find it out costs LLVM more
than all else that it does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .. import mathlib
from .grammar import (
    ADDRESS,
    ARGUMENT,
    BINARY,
    CALL,
    CAST,
    IMMEDIATE,
    INSTRUCTION,
    LOAD,
    NAMES,
    SELECT,
    STORE,
    UNARY,
    short,
    size_of,
)
from .interleaved import Group
from .rounds import NotWidened, Round, neutral


class Copy:
    """The text of a round for `lanes` neighbouring rounds from `first` on.

    mask: a vector of i1 of those that take part; all if empty. active: their number, if it is known. suffix: of its
    names. sums: which sums it adds to. shared: what it has in common with other copies.
    """

    def __init__(
        self,
        round: Round,
        lanes: int,
        first: str,
        mask: str,
        active: int | None,
        suffix: str,
        sums: str,
        shared: Shared,
    ) -> None:
        self.round, self.lanes, self.mask, self.active, self.shared = round, lanes, mask, active, shared
        self.singles: dict[str, list[str]] = {}
        self.suffix, self.sums = suffix, sums
        self.names = {round.variable: first}
        self.vectors: dict[str, str] = {}
        self.out: list[str] = []
        self.records: dict[Group, str] = {}
        self.parts: dict[Group, dict[int, str]] = {}
        for k, (name, text) in enumerate(round.lines):
            if name not in round.once:
                self.group = None if mask else round.groups.get(k)
                self.instruction(name, text)

    group: tuple[Group, int] | None = None  # the record that the instruction at hand takes a part of

    def emit(self, text: str) -> str:
        """An instruction with a result of a new name."""
        name = self.shared.fresh()
        self.out.append(f"  {name} = {text}")
        return name

    def wide(self, type: str) -> str:
        """The type of a vector."""
        return f"<{self.lanes} x {type}>"

    def scalar(self, x: str) -> str:
        """The name of a scalar."""
        return self.names.get(x, x)

    def vector(self, type: str, x: str) -> str:
        """A value as a vector."""
        if not x.startswith("%"):
            return f"splat ({type} {x})"
        if x in self.round.varying:
            return self.names[x]
        step = self.round.step(x)
        if not step:
            return self.shared.splat(type, x, self.lanes)
        found = self.vectors.get(x)
        if found is None:
            base = self.spread(type, self.scalar(x))
            steps = ", ".join(f"i64 {k * step}" for k in range(self.lanes))
            found = self.vectors[x] = self.emit(f"add {self.wide('i64')} {base}, <{steps}>")
        return found

    def spread(self, type: str, x: str) -> str:
        """A scalar in every lane."""
        one = self.emit(f"insertelement {self.wide(type)} poison, {type} {x}, i64 0")
        return self.emit(
            f"shufflevector {self.wide(type)} {one}, {self.wide(type)} poison, <{self.lanes} x i32> zeroinitializer"
        )

    def named(self, name: str) -> str:
        """The name of a result."""
        self.names[name] = found = name + self.suffix
        return found

    def instruction(self, name: str, text: str) -> None:
        """Widen one instruction."""
        r = self.round
        if not name:
            m = STORE.match(text)
            assert m is not None
            self.store(m[1], m[2], m[3])
        elif m := LOAD.match(text):
            self.load(name, m[1], m[2])
        elif name in r.places or (name in r.forms and name not in r.varying):
            self.names[name] = self.kept(name, text)
        elif ADDRESS.match(text) is None:  # addresses of single elements are made where they are used
            self.out.append(f"  {self.named(name)} = {self.widened(text)}")

    def kept(self, name: str, text: str) -> str:
        """A scalar instruction: an address, or part of one; on the stack each element has all lanes."""
        found = name + self.suffix
        new = NAMES.sub(lambda m: self.scalar(m[0]), text)
        if name in self.round.places and self.round.places[name].root in self.round.slots:
            m = ADDRESS.match(text)
            assert m is not None
            new = f"getelementptr inbounds {self.wide(m[1])}, ptr {self.slot(m[2])}, i64 {m[3]}"
        self.out.append(f"  {found} = {new}")
        return found

    def slot(self, x: str) -> str:
        """A place on the stack."""
        if x in self.round.slots:
            return self.shared.slot(x, self.sums if x in self.round.sums else "", self.lanes)
        return self.scalar(x)

    def widened(self, text: str) -> str:
        """An instruction on vectors."""
        w, v = self.wide, self.vector
        if m := BINARY.match(text):
            return f"{m[1]} {w(m[2])} {v(m[2], m[3])}, {v(m[2], m[4])}"
        if m := SELECT.match(text):
            a, b = v(m[3], m[4]), v(m[5], m[6])
            return f"select {m[1]}{w('i1')} {v('i1', m[2])}, {w(m[3])} {a}, {w(m[5])} {b}"
        if m := CAST.match(text):
            return f"{m[1]} {w(m[2])} {v(m[2], m[3])} to {w(m[4])}"
        if m := UNARY.match(text):
            return f"{m[1]} {w(m[2])} {v(m[2], m[3])}"
        if m := CALL.match(text):
            return self.call(m)
        raise NotWidened(text)

    def call(self, m: re.Match[str]) -> str:
        """A call of one of LLVM's functions or of the math library."""
        name, arguments = m[3], ARGUMENT.findall(m[4])
        if name.startswith("llvm."):
            _, function, *types = name.split(".")
            fixed = 1 if function in IMMEDIATE else 0
            types = [t if fixed and function == "powi" and k else f"v{self.lanes}{t}" for k, t in enumerate(types)]
            new = ".".join(["llvm", function, *types])
        elif name.startswith("wg_") and mathlib.is_form(name):
            fixed, new = 0, f"{name}_v{self.lanes}"
        else:
            raise NotWidened(f"a call of {name}")
        wide = [f"{self.wide(t)} {self.vector(t, x)}" for t, x in arguments[: len(arguments) - fixed]]
        rest = [f"{t} {x}" for t, x in arguments[len(arguments) - fixed :]]
        return f"call {m[1]}{self.wide(m[2])} @{new}({', '.join(wide + rest)}){m[5] or ''}"

    def load(self, name: str, type: str, address: str) -> None:
        """Read elements that are neighbours, or far apart."""
        r, w = self.round, self.wide(type)
        place = r.place(address)
        found = self.named(name)
        if place.root in r.slots:
            self.out.append(f"  {found} = load {w}, ptr {self.slot(address)}")
        elif self.group is not None:
            group, part = self.group
            if group not in self.records:
                self.records[group] = group.read(self, self.scalar(address), part, size_of(type))
            self.out.append(f"  {found} = {group.part(self, self.records[group], part)}")
        elif place.form.get(r.variable) == size_of(type):
            where = f"ptr align {size_of(type)} {self.scalar(address)}"
            if self.mask and not r.roomy(place, self.lanes, False):
                call = f"@llvm.masked.load.v{self.lanes}{short(type)}.p0"
                self.out.append(
                    f"  {found} = call {w} {call}({where}, {self.wide('i1')} {self.mask}, {w} zeroinitializer)"
                )
            else:
                self.out.append(f"  {found} = load {w}, ptr {self.scalar(address)}, align {size_of(type)}")
        else:
            self.gather(found, type, address)

    @property
    def taking_part(self) -> range:
        """The lanes whose elements are read and written one by one."""
        return range(self.lanes if self.active is None else self.active)

    def single(self, address: str) -> list[str]:
        """The address in each lane, where elements are no neighbours."""
        found = self.singles.get(address)
        if found is None:
            r = self.round
            if address not in r.varying:
                step, base = r.step(address), self.scalar(address)
                text = [f"getelementptr i8, ptr {base}, i64 {k * step}" for k in self.taking_part]
            else:
                m = ADDRESS.match(r.texts[address])
                assert m is not None
                bases = self.single(m[2]) if m[2] in r.varying else [self.scalar(m[2])] * len(self.taking_part)
                indices = self.each("i64", m[3])
                text = [f"getelementptr inbounds {m[1]}, ptr {p}, i64 {i}" for p, i in zip(bases, indices, strict=True)]
            found = self.singles[address] = [self.emit(t) for t in text]
        return found

    def each(self, type: str, x: str) -> list[str]:
        """A value in each lane."""
        if not x.startswith("%") or not self.round.depends(x):
            return [self.scalar(x)] * len(self.taking_part)
        v = self.vector(type, x)
        return [self.emit(f"extractelement {self.wide(type)} {v}, i64 {k}") for k in self.taking_part]

    def gather(self, found: str, type: str, address: str) -> None:
        """Read elements one by one."""
        w, so_far = self.wide(type), "zeroinitializer"
        for k, p in zip(self.taking_part, self.single(address), strict=True):
            x = self.emit(f"load {type}, ptr {p}, align {size_of(type)}")
            name = found if k == self.taking_part[-1] else self.shared.fresh()
            self.out.append(f"  {name} = insertelement {w} {so_far}, {type} {x}, i64 {k}")
            so_far = name

    def scatter(self, type: str, x: str, address: str) -> None:
        """Write elements one by one."""
        for k, p in zip(self.taking_part, self.single(address), strict=True):
            lane = self.emit(f"extractelement {self.wide(type)} {x}, i64 {k}")
            self.out.append(f"  store {type} {lane}, ptr {p}, align {size_of(type)}")

    def store(self, type: str, value: str, address: str) -> None:
        """Write elements that are neighbours, or far apart."""
        r, w = self.round, self.wide(type)
        place, x = r.place(address), self.vector(type, value)
        if place.root in r.slots:
            if self.mask and place.root in r.sums:
                old = self.emit(f"load {w}, ptr {self.slot(address)}")
                x = self.emit(f"select {self.wide('i1')} {self.mask}, {w} {x}, {w} {old}")
            self.out.append(f"  store {w} {x}, ptr {self.slot(address)}")
        elif self.group is not None:
            group, part = self.group
            parts = self.parts.setdefault(group, {})
            parts[part] = x
            if len(parts) == group.parts:
                group.write(self, self.scalar(address), part, size_of(type), [parts[k] for k in range(group.parts)])
        elif place.form[r.variable] == size_of(type):
            where = f"ptr align {size_of(type)} {self.scalar(address)}"
            if self.mask and not r.roomy(place, self.lanes, True):
                call = f"@llvm.masked.store.v{self.lanes}{short(type)}.p0"
                self.out.append(f"  call void {call}({w} {x}, {where}, {self.wide('i1')} {self.mask})")
            else:
                self.out.append(f"  store {w} {x}, ptr {self.scalar(address)}, align {size_of(type)}")
        else:
            self.scatter(type, x, address)


class Shared:
    """What the copies of a round share: vectors with the same value in all lanes, memory on the stack."""

    def __init__(self, round: Round, writer: Any) -> None:
        self.round, self.writer = round, writer
        self.before = [f"  {name} = {text}" for name, text in round.lines if name in round.once]
        self.splats: dict[tuple[str, str, int], str] = {}
        self.wide: dict[tuple[str, str, int], str] = {}

    def fresh(self) -> str:
        """A new name."""
        return str(self.writer.fresh())

    def splat(self, type: str, x: str, lanes: int) -> str:
        """A scalar in all lanes, made before the loop."""
        found = self.splats.get((type, x, lanes))
        if found is None:
            one, found = self.fresh(), self.fresh()
            w = f"<{lanes} x {type}>"
            self.before.append(f"  {one} = insertelement {w} poison, {type} {x}, i64 0")
            self.before.append(f"  {found} = shufflevector {w} {one}, {w} poison, <{lanes} x i32> zeroinitializer")
            self.splats[type, x, lanes] = found
        return found

    def slot(self, x: str, suffix: str, lanes: int) -> str:
        """The wide form of memory on the stack."""
        found = self.wide.get((x, suffix, lanes))
        if found is None:
            type, n = self.round.slots[x]
            wide = f"<{lanes} x {type}>"
            found = self.wide[x, suffix, lanes] = self.writer.slot(wide, n)
            if x in self.round.sums:
                how = self.round.sums[x].how
                self.before.append(f"  store {wide} splat ({type} {neutral(how, type)}), ptr {found}")
        return found


def renamed(lines: Sequence[str], variable: str, value: str, suffix: str) -> list[str]:
    """The lines of a round for one value of the loop variable, with names of their own."""
    inside = {m[1] for x in lines if (m := INSTRUCTION.match(x)) and m[1]}

    def new(m: re.Match[str]) -> str:
        return value if m[0] == variable else m[0] + suffix if m[0] in inside else m[0]

    return [NAMES.sub(new, x) for x in lines]
