"""Elements of arrays: their addresses, loads that are known already, stores, indices that are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..loops.ir import Axis, Buffer, Const, Indirect, Operand, Position, Ref
from ..loops.plan import padded
from .known import Known
from .rounds import Place
from .statement import converted_constant
from .values import converted
from .writer import Writer, memory_type

INDEX = np.dtype(np.int64)


class Elements(Writer):
    """One function: its arrays are parameters that do not overlap, in the order of their first use."""

    equation: Any = None
    stops = False  # may it return before its end?

    def __init__(self, code_of: Any) -> None:
        super().__init__()
        self.code_of = code_of  # (what went wrong, equation) -> the number that the function returns
        self.pointers: dict[Buffer, str] = {}
        self.parameters: list[Buffer] = []
        self.origins: dict[str, Buffer] = {}  # addresses -> the buffers that they point into
        self.axes: dict[Axis, Any] = {}  # names of loop variables; integers where a loop is written out
        self.known = Known()  # loads and addresses that hold here
        self.failures: dict[int, str] = {}  # code -> slot of a flag
        self.furthest: dict[int, tuple[str, int]] = {}  # code -> slot of the furthest place, and the length of the axis

    # addresses
    def pointer(self, buffer: Buffer) -> str:
        """Where a buffer begins."""
        if buffer.home is not None:
            found = self.known.get(("stack", buffer))
            if found is None:
                found = self.known["stack", buffer] = self.emit(f"load ptr, ptr {self.pointer(buffer.home)}")
                self.origins[found] = buffer
            return found
        found = self.pointers.get(buffer)
        if found is None:
            if buffer.kind == "local":
                part = buffer.dtype.itemsize // (2 if buffer.dtype.kind == "c" else 1)
                n = padded(buffer.nbytes) // part if buffer.size > 1 else buffer.nbytes // part
                found = self.slot(memory_type(buffer.dtype), n)
            else:
                found = f"%b{len(self.parameters)}"
                self.parameters.append(buffer)
            self.pointers[buffer] = found
            self.origins[found] = buffer
        return found

    def resolved(self, ref: Ref) -> tuple[int, tuple[tuple[str, int], ...]]:
        """The index as a number and named terms, for the current values of axes that are written out."""
        const, terms = ref.const, []
        for axis, c in ref.terms:
            value = self.axes[axis]
            if type(value) is int:
                const += c * value
            else:
                terms.append((value, c))
        return const, tuple(terms)

    def sum_of(self, terms: tuple[tuple[str, int], ...]) -> str | None:
        """The sum of coefficient * variable."""
        if not terms:
            return None
        found = self.known.get(terms)
        if found is None:
            *rest, (name, c) = terms
            found = name if c == 1 else self.emit(f"mul nsw i64 {name}, {c}")
            before = self.sum_of(tuple(rest))
            if before is not None:
                found = self.emit(f"add nsw i64 {before}, {found}")
            self.known[terms] = found
        return found

    def address(self, ref: Ref, part: int = 0) -> str:
        """The address of an element; part: 1 for the imaginary part."""
        const, terms = self.resolved(ref)
        index = self.sum_of(terms)
        for i in ref.indirect:
            step = self.index(i)
            if i.stride != 1:
                step = self.emit(f"mul nsw i64 {step}, {i.stride}")
            index = step if index is None else self.emit(f"add nsw i64 {index}, {step}")
        t = memory_type(ref.buffer.dtype)
        p = self.pointer(ref.buffer)
        if ref.buffer.dtype.kind == "c":
            index = None if index is None else self.emit(f"mul nsw i64 {index}, 2")
            const = 2 * const + part
        if index is not None:
            p = self.emit(f"getelementptr inbounds {t}, ptr {p}, i64 {index}")
        if const:
            p = self.emit(f"getelementptr inbounds {t}, ptr {p}, i64 {const}")
        self.origins.setdefault(p, ref.buffer)
        return p

    def index(self, i: Indirect) -> str:
        """An index that is read from memory, counted from the front, in range; a flag is set if it was not."""
        x = self.operand(i.index, INDEX)
        key = ("index", x, i.extent, i.slice)
        found = self.known.get(key)
        if found is not None:
            return found
        y = x
        if i.slice is None:
            negative = self.emit(f"icmp slt i64 {x}, 0")
            y = self.emit(f"select i1 {negative}, i64 {self.emit(f'add i64 {x}, {i.extent}')}, i64 {x}")
        if i.checked:
            bad = self.emit(f"icmp uge i64 {y}, {i.extent}")
            self.fails_beyond(y, i)
            y = self.emit(f"select i1 {bad}, i64 0, i64 {y}")
        self.known[key] = y
        return y

    def fails_beyond(self, place: str, i: Indirect) -> None:
        """The function fails if one of the places, unsigned numbers, is beyond the axis: the largest tells."""
        what = ("index", i.extent, i.axis) if i.slice is None else ("slice", *i.slice)
        code = self.code_of(what, self.equation)
        if code not in self.furthest:
            self.furthest[code] = self.slot("i64"), i.extent
            self.slots.append(f"  store i64 0, ptr {self.furthest[code][0]}")
        slot = self.furthest[code][0]
        further = self.emit(f"call i64 @llvm.umax.i64(i64 {self.emit(f'load i64, ptr {slot}')}, i64 {place})")
        self.do(f"store i64 {further}, ptr {slot}")

    def fails(self, condition: str, what: Any) -> None:
        """If the condition holds, the function returns the code of what went wrong."""
        code = self.code_of(what, self.equation)
        if code not in self.failures:
            self.failures[code] = self.slot("i1")
            self.slots.append(f"  store i1 false, ptr {self.failures[code]}")
        old = self.emit(f"load i1, ptr {self.failures[code]}")
        self.do(f"store i1 {self.emit(f'or i1 {old}, {condition}')}, ptr {self.failures[code]}")

    def stop(self, what: Any, eq: Any) -> None:
        """Return the code of what has gone wrong."""
        self.stop_unless_zero(f"{self.code_of(what, eq)}")

    def stop_unless_zero(self, code: str) -> None:
        """Return this code, if it is one."""
        bad, on = self.new_label("stopped"), self.new_label("on")
        self.branch(self.emit(f"icmp ne i32 {code}, 0"), bad, on)
        self.begin(bad)
        self.do(f"ret i32 {code}")
        self.begin(on)
        self.stops = True

    def key(self, ref: Ref) -> Any:
        """What tells elements apart."""
        return (ref.buffer, *self.resolved(ref), tuple(self.index_key(i) for i in ref.indirect))

    def index_key(self, i: Indirect) -> Any:
        return (self.key(i.index) if isinstance(i.index, Ref) else i.index, i.stride)

    def load(self, ref: Ref) -> Any:
        """An element; a pair where it is complex. Booleans are tested."""
        key = self.key(ref)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.load_from(ref.buffer, [self.address(ref, k) for k in parts(ref.buffer)])
        return found

    def load_from(self, buffer: Buffer, addresses: Sequence[str]) -> Any:
        """The value at these addresses of its parts."""
        t = memory_type(buffer.dtype)
        values = [self.emit(f"load {t}, ptr {p}") for p in addresses]
        if buffer.dtype.kind == "b":
            return self.emit(f"icmp ne i8 {values[0]}, 0")
        return tuple(values) if len(values) == 2 else values[0]

    def store(self, ref: Ref, value: Any) -> None:
        """Write an element, and remember what it holds."""
        for k in parts(ref.buffer):
            self.store_at(self.address(ref, k), ref.buffer, value[k] if ref.buffer.dtype.kind == "c" else value)
        self.forget(ref)
        self.known[self.key(ref)] = value

    def store_at(self, address: str, buffer: Buffer, value: str) -> None:
        """Write one part of an element."""
        t = memory_type(buffer.dtype)
        if buffer.dtype.kind == "b":
            value = self.emit(f"zext i1 {value} to i8") if value not in ("true", "false") else str(int(value == "true"))
        self.do(f"store {t} {value}, ptr {address}")

    def forget(self, ref: Ref) -> None:
        """What was known of elements that a write to this one may change is not known any more."""
        const, terms = self.resolved(ref)
        for key in self.known.elements(ref.buffer):
            if ref.indirect or key[3] or key[2] != terms or key[1] == const:
                self.known.forget(key)

    def forget_all(self, buffers: set[Buffer]) -> None:
        """Nothing is known of these buffers any more."""
        self.known.forget_all(buffers)

    def place_of(self, pointer: str) -> Place:
        """Where an address points that was computed before a loop. Arrays that share memory have the same root."""
        buffer = self.origins.get(pointer)
        if buffer is None:
            return Place(pointer, {})
        if buffer.home is not None:  # its address is read again wherever it may have changed
            return Place(f"what {self.pointers.get(buffer.home)} points to", {pointer: 1})
        root, form = self.pointers.get(buffer, pointer), {}
        if root != pointer:
            form[pointer] = 1
        if any(share_memory(buffer, other) for other in self.pointers if other is not buffer):
            root, form[""] = "%arena", buffer.offset
        return Place(root, form)

    def room(self, pointer: str) -> tuple[int, int]:
        """The bytes of an array, and those up to the end of its last cache line, which are its own too.

        None of an array that others share memory with, or that is the caller's.
        """
        buffer = self.origins.get(pointer)
        if buffer is None or buffer.home is not None or buffer.kind not in ("temp", "local") or buffer.size == 1:
            return 0, 0
        return buffer.nbytes, padded(buffer.nbytes)

    def operand(self, x: Operand, dtype: np.dtype[Any] | None = None) -> Any:
        """The value of an operand, in this dtype if one is given."""
        if type(x) is Const:
            return converted_constant(x.value, dtype)
        if type(x) is Position:
            value = self.axes[x.axis]
            if type(value) is int:
                return str(x.offset + x.step * value)
            y = value if x.step == 1 else self.emit(f"mul nsw i64 {value}, {x.step}")
            return y if not x.offset else self.emit(f"add nsw i64 {y}, {x.offset}")
        value = self.load(x)  # type: ignore[arg-type]
        if dtype is None or x.buffer.dtype == dtype:  # type: ignore[union-attr]
            return value
        return converted(self, value, x.buffer.dtype, dtype)  # type: ignore[union-attr]


def share_memory(a: Buffer, b: Buffer) -> bool:
    """Do two arrays share memory?"""
    if a.kind != "temp" or b.kind != "temp" or min(a.offset, b.offset) < 0:
        return False
    return a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes


def parts(buffer: Buffer) -> range:
    """The parts of an element: a complex one has two."""
    return range(2 if buffer.dtype.kind == "c" else 1)
