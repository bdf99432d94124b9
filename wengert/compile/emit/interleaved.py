"""Records of a few numbers each, such as points or complex numbers: their parts are read and written as whole vectors.

Where a round takes every part of a record, x[3 i], x[3 i + 1], x[3 i + 2], the records of all lanes are neighbours in
memory: they are read together, and each part is picked out by a shuffle; they are written the same way.
"""

from __future__ import annotations

from typing import Any

LARGEST = 4  # parts of a record


class Group:
    """A record: how many parts, each of which type, and the parts' places from its first one on."""

    def __init__(self, parts: int, type: str, first: int) -> None:
        self.parts, self.type, self.first = parts, type, first

    def read(self, copy: Any, address: str, part: int, size: int) -> str:
        """The records of all lanes, from the address of one part of the first."""
        if part:
            address = copy.emit(f"getelementptr i8, ptr {address}, i64 {-part * size}")
        return str(copy.emit(f"load <{self.parts * copy.lanes} x {self.type}>, ptr {address}, align {size}"))

    def part(self, copy: Any, records: str, part: int) -> str:
        """The text of one part of all records."""
        wide, n = f"<{self.parts * copy.lanes} x {self.type}>", copy.lanes
        places = ", ".join(f"i32 {part + self.parts * k}" for k in range(n))
        return f"shufflevector {wide} {records}, {wide} poison, <{n} x i32> <{places}>"

    def write(self, copy: Any, address: str, part: int, size: int, values: list[str]) -> None:
        """All parts of all records, to the address of one part of the first."""
        if part:
            address = copy.emit(f"getelementptr i8, ptr {address}, i64 {-part * size}")
        n, t = copy.lanes, self.type
        ab = joined(copy, t, n, values[0], values[1])
        if self.parts == 2:
            both, length = ab, 2 * n
        else:
            cd = joined(copy, t, n, values[2], values[3] if self.parts == 4 else "poison")
            both, length = joined(copy, t, 2 * n, ab, cd), 4 * n
        places = ", ".join(f"i32 {p * n + k}" for k in range(n) for p in range(self.parts))
        wide, all_ = f"<{length} x {t}>", self.parts * n
        records = copy.emit(f"shufflevector {wide} {both}, {wide} poison, <{all_} x i32> <{places}>")
        copy.out.append(f"  store <{all_} x {t}> {records}, ptr {address}, align {size}")


def joined(copy: Any, type: str, n: int, a: str, b: str) -> str:
    """Two vectors as one."""
    places = ", ".join(f"i32 {k}" for k in range(2 * n))
    return str(copy.emit(f"shufflevector <{n} x {type}> {a}, <{n} x {type}> {b}, <{2 * n} x i32> <{places}>"))


class Access:
    """One place that a round reads or writes: the number of its line, the element's type and size, where."""

    def __init__(self, line: int, written: bool, type: str, size: int, root: str, form: dict[str, int]) -> None:
        self.line, self.written, self.type, self.size, self.root = line, written, type, size, root
        self.offset = form.get("", 0)
        self.others = tuple(sorted((name, c) for name, c in form.items() if name))


def groups(accesses: list[Access], variable: str) -> dict[int, tuple[Group, int]]:
    """line -> the record that it takes a part of, and which part. Reads and writes are grouped apart."""
    alike: dict[Any, list[Access]] = {}
    for a in accesses:
        step = dict(a.others).get(variable, 0)
        if step > a.size and step % a.size == 0 and step // a.size <= LARGEST:
            alike.setdefault((a.root, a.others, a.type, a.written, step), []).append(a)
    found: dict[int, tuple[Group, int]] = {}
    for (*_, written, step), members in alike.items():
        least = min(a.offset for a in members)
        records: dict[int, list[Access]] = {}
        for a in members:
            records.setdefault((a.offset - least) // step, []).append(a)
        for k, record in records.items():
            first, size = least + k * step, members[0].size
            parts = [(a.offset - first) // size for a in record]
            if sorted(parts) != list(range(step // size)) or not (written or unwritten(record, accesses)):
                continue
            group = Group(step // size, members[0].type, first)
            found.update((a.line, (group, part)) for a, part in zip(record, parts, strict=True))
    return found


def unwritten(record: list[Access], accesses: list[Access]) -> bool:
    """Is no part written before it is read?"""
    for a in record:
        for b in accesses:
            if b.written and b.line < a.line and (b.root, b.others, b.offset) == (a.root, a.others, a.offset):
                return False
    return True
