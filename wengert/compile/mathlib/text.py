"""Functions as LLVM text: one algorithm, written with operators, for numbers and for vectors of any width."""

from __future__ import annotations

import contextlib
import functools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """What the machine has: fused multiply-add (without it llvm.fma is a slow call), and AVX-512 at every width."""

    fma: bool = True
    avx512: bool = False


class Type:
    """A type of LLVM: a number (lanes = 0) or a vector."""

    __slots__ = ("base", "bits", "bool", "int", "lanes", "real", "suffix", "text", "wide")

    def __init__(self, base: str, lanes: int) -> None:
        self.base, self.lanes = base, lanes
        self.real = base in ("double", "float")
        self.bits = {"double": 64, "float": 32}.get(base) or int(base[1:])
        self.text = f"<{lanes} x {base}>" if lanes else base
        element = f"f{self.bits}" if self.real else base
        self.suffix = f"v{lanes}{element}" if lanes else element
        if self.real:
            self.int, self.bool = type_of(f"i{self.bits}", lanes), type_of("i1", lanes)
            self.wide = self if self.bits == 64 else type_of("double", lanes)

    def literal(self, x: float) -> str:
        """A constant; reals as the bits of the double of that value, which is LLVM's way to write them exactly."""
        if not self.real:
            text = str(int(x))
        else:
            rounded = x if self.bits == 64 or x - x != 0 else struct.unpack("f", struct.pack("f", x))[0]
            text = "0x" + struct.pack(">d", rounded).hex().upper()
        return f"splat ({self.base} {text})" if self.lanes else text


@functools.cache
def type_of(base: str, lanes: int) -> Type:
    return Type(base, lanes)


class Value:
    """A value of the function that is being written."""

    __slots__ = ("code", "name", "type")

    def __init__(self, code: Code, name: str, type: Type) -> None:
        self.code, self.name, self.type = code, name, type

    def _with(self, op: str, other: Any, *, swap: bool = False) -> Value:
        a, b = self.name, self.code.name(other, self.type)
        if swap:
            a, b = b, a
        return self.code.put(self.type, f"{op} {self.type.text} {a}, {b}")

    def _is(self, real: str, integer: str, other: Any) -> Value:
        op = f"fcmp {real}" if self.type.real else f"icmp {integer}"
        kind = type_of("i1", self.type.lanes)
        return self.code.put(kind, f"{op} {self.type.text} {self.name}, {self.code.name(other, self.type)}")

    def __add__(self, other: Any) -> Value:
        return self._with("fadd" if self.type.real else "add", other)

    def __sub__(self, other: Any) -> Value:
        return self._with("fsub" if self.type.real else "sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._with("fsub" if self.type.real else "sub", other, swap=True)

    def __mul__(self, other: Any) -> Value:
        return self._with("fmul" if self.type.real else "mul", other)

    def __truediv__(self, other: Any) -> Value:
        return self._with("fdiv", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._with("fdiv", other, swap=True)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Value:
        return self.code.put(self.type, f"fneg {self.type.text} {self.name}")

    def __abs__(self) -> Value:
        return self.code.intrinsic("fabs", self)

    def __and__(self, other: Any) -> Value:
        return self._with("and", other)

    def __or__(self, other: Any) -> Value:
        return self._with("or", other)

    def __xor__(self, other: Any) -> Value:
        return self._with("xor", other)

    def __invert__(self) -> Value:
        return self._with("xor", -1 if self.type.bits > 1 else 1)

    def __lshift__(self, other: Any) -> Value:
        return self._with("shl", other)

    def __rshift__(self, other: Any) -> Value:
        return self._with("lshr", other)

    # comparisons of reals are false where an operand is NaN, except `differs`; those of integers have signs
    def __lt__(self, other: Any) -> Value:
        return self._is("olt", "slt", other)

    def __le__(self, other: Any) -> Value:
        return self._is("ole", "sle", other)

    def __gt__(self, other: Any) -> Value:
        return self._is("ogt", "sgt", other)

    def __ge__(self, other: Any) -> Value:
        return self._is("oge", "sge", other)

    def equals(self, other: Any) -> Value:
        return self._is("oeq", "eq", other)

    def differs(self, other: Any) -> Value:
        return self._is("une", "ne", other)

    def is_nan(self) -> Value:
        return self._is("uno", "", 0.0)

    def bitcast(self, type: Type) -> Value:
        return self.code.put(type, f"bitcast {self.type.text} {self.name} to {type.text}")

    def as_int(self) -> Value:
        return self.bitcast(self.type.int)

    def as_real(self) -> Value:
        return self.bitcast(type_of("double" if self.type.bits == 64 else "float", self.type.lanes))

    def wide(self) -> Value:
        """In double precision."""
        return self if self.type.bits == 64 else self.cast("fpext", "double")

    def narrow(self, bits: int) -> Value:
        return self if bits == 64 else self.cast("fptrunc", "float")

    def cast(self, op: str, base: str) -> Value:
        type = type_of(base, self.type.lanes)
        return self.code.put(type, f"{op} {self.type.text} {self.name} to {type.text}")


class Code:
    """One function while it is written. `real` is the type of its arguments and its result."""

    def __init__(self, name: str, bits: int, lanes: int, target: Target) -> None:
        self.function, self.bits, self.lanes, self.target = name, bits, lanes, target
        self.real = type_of("double" if bits == 64 else "float", lanes)
        self.lines: list[str] = []
        self.allocas: list[str] = []
        self.external: dict[str, str] = {}  # declarations of rare functions
        self.count, self.blocks, self.block = 0, 0, "entry"

    # instructions ------------------------------------------------------------------------------------------------
    def put(self, type: Type, text: str) -> Value:
        name = f"%{self.count}"
        self.count += 1
        self.lines.append(f"  {name} = {text}")
        return Value(self, name, type)

    def name(self, x: Any, type: Type) -> str:
        return x.name if isinstance(x, Value) else type.literal(x)

    def typed(self, x: Any, type: Type) -> str:
        return f"{type.text} {self.name(x, type)}"

    def constant(self, x: float, type: Type | None = None) -> Value:
        type = type or self.real
        return Value(self, type.literal(x), type)

    def intrinsic(self, op: str, a: Value, *others: Any) -> Value:
        args = ", ".join([f"{a.type.text} {a.name}"] + [self.typed(x, a.type) for x in others])
        return self.put(a.type, f"call {a.type.text} @llvm.{op}.{a.type.suffix}({args})")

    def fma(self, a: Value, b: Any, c: Any) -> Value:
        """a b + c, rounded once where the machine can."""
        return self.intrinsic("fma", a, b, c) if self.target.fma else a * b + c

    def where(self, condition: Value, a: Any, b: Any) -> Value:
        type = a.type if isinstance(a, Value) else b.type if isinstance(b, Value) else self.real
        c = condition
        return self.put(type, f"select {c.type.text} {c.name}, {self.typed(a, type)}, {self.typed(b, type)}")

    def sqrt(self, x: Value) -> Value:
        return self.intrinsic("sqrt", x)

    def copysign(self, x: Value, sign: Any) -> Value:
        return self.intrinsic("copysign", x, sign)

    def at_most(self, x: Value, bound: Any) -> Value:
        """min(x, bound); NaN stays."""
        return self.where(x > bound, bound, x)

    def at_least(self, x: Value, bound: Any) -> Value:
        """max(x, bound); NaN stays."""
        return self.where(x < bound, bound, x)

    def polynomial(self, x: Value, coefficients: tuple[float, ...]) -> Value:
        """c0 + c1 x + c2 x^2 + ... by Estrin's scheme: half the latency of Horner's, one product more a level."""
        terms: list[Any] = list(coefficients)
        while len(terms) > 1:
            pairs = [self._pair(terms[i + 1], x, terms[i]) for i in range(0, len(terms) - 1, 2)]
            terms = pairs + terms[2 * len(pairs) :]
            if len(terms) > 1:
                x = x * x
        return terms[0]

    def _pair(self, a: Any, x: Value, b: Any) -> Value:
        return self.fma(x, a, b)

    def product(self, a: Value, b: Value) -> tuple[Value, Value]:
        """a b exactly, as a sum: the rounded product and its error (Dekker 1971 where there is no fma)."""
        high = a * b
        if self.target.fma:
            return high, self.fma(a, b, -high)
        (a1, a2), (b1, b2) = self._halves(a), self._halves(b)
        return high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2)

    def _halves(self, a: Value) -> tuple[Value, Value]:
        c = a * (2.0**27 + 1 if a.type.bits == 64 else 2.0**12 + 1)
        high = c - (c - a)
        return high, a - high

    @contextlib.contextmanager
    def in_double(self) -> Iterator[None]:
        """Here the algorithm is that of double precision, whatever the type of the arguments."""
        bits, real = self.bits, self.real
        self.bits, self.real = 64, real.wide
        yield
        self.bits, self.real = bits, real

    # branches ----------------------------------------------------------------------------------------------------
    def rarely(self, condition: Value, usual: Value, exception: Callable[[], Value]) -> Value:
        """usual; where the condition holds in any lane, exception() for all lanes, which runs only then."""
        some = condition
        if self.lanes:
            kind = condition.type
            sure = self.put(kind, f"freeze {kind.text} {some.name}")  # lanes beyond an array's end may be undefined
            some = self.put(type_of("i1", 0), f"call i1 @llvm.vector.reduce.or.{kind.suffix}({kind.text} {sure.name})")
        self.blocks += 1
        rare, join, before = f"rare{self.blocks}", f"join{self.blocks}", self.block
        self.lines.append(f"  br i1 {some.name}, label %{rare}, label %{join}, !prof !1000\n{rare}:")
        self.block = rare
        other = exception()
        self.lines.append(f"  br label %{join}\n{join}:")
        ends = f"[ {usual.name}, %{before} ], [ {other.name}, %{self.block} ]"
        self.block = join
        return self.put(usual.type, f"phi {usual.type.text} {ends}")

    def elsewhere(self, name: str, *args: Value) -> Value:
        """A function that is too rare to be in the kernel (`rare.py`), of all lanes, in double precision."""
        wide, lanes = args[0].type.wide, max(self.lanes, 1)
        places = []
        for x in args:
            self.allocas.append(f"  %place{len(self.allocas)} = alloca {wide.text}")
            places.append(f"ptr %place{len(self.allocas) - 1}")
            self.lines.append(f"  store {wide.text} {x.wide().name}, {places[-1]}")
        self.external[name] = declaration(name, len(args))
        self.lines.append(f"  call void @math.{name}({', '.join([*places, places[0]])}, i64 {lanes}) #1001")
        return self.put(wide, f"load {wide.text}, {places[0]}").narrow(args[0].type.bits)

    # the whole ---------------------------------------------------------------------------------------------------
    def definition(self, parameters: int, result: Value) -> str:
        args = ", ".join(f"{self.real.text} %x{i}" for i in range(parameters))
        head = f"define linkonce_odr hidden {result.type.text} @{self.function}({args}) #1000 {{\nentry:"
        return "\n".join([head, *self.allocas, *self.lines, f"  ret {result.type.text} {result.name}", "}\n"])

    def arguments(self, count: int) -> list[Value]:
        return [Value(self, f"%x{i}", self.real) for i in range(count)]


def declaration(name: str, count: int) -> str:
    """That of a rare function: arrays of arguments, the array of results, the length."""
    return f"declare void @math.{name}({', '.join(['ptr'] * (count + 1))}, i64)"
