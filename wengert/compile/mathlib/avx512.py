"""Instructions of AVX-512 that take a number apart and scale it, at zeros, infinities and subnormals too.

They exist for numbers and for vectors that fill a register (`available`).
"""

from __future__ import annotations

from collections.abc import Sequence

from .text import Code, Type, Value, type_of

ONE_TO_TWO = "i32 8"  # the mantissa's interval [1, 2), and NaN for negative numbers


def available(m: Code, type: Type) -> bool:
    return m.target.avx512 and (not type.lanes or type.bits * type.lanes in (128, 256, 512))


def scaled(m: Code, x: Value, n: Value) -> Value:
    """x 2^n for an integer n."""
    return instruction(m, "scalef", [x, n])


def taken_apart(m: Code, x: Value) -> tuple[Value, Value]:
    """k and the mantissa in [1, 2) of x = 2^k mantissa; k is infinite where x or 1/x is."""
    return instruction(m, "getexp", [x]), instruction(m, "getmant", [x], ONE_TO_TWO)


def instruction(m: Code, name: str, values: Sequence[Value], immediate: str = "") -> Value:
    type = values[0].type
    letter, width = {64: "d", 32: "s"}[type.bits], type.bits * type.lanes
    if type.lanes:
        mask = [f"i{max(8, type.lanes)} -1"] + ["i32 4"] * (width == 512)  # all lanes; the current rounding mode
        return called(m, f"{name}.p{letter}.{width}", type, [v.name for v in values], immediate, mask)
    full = type_of(type.base, 128 // type.bits)  # of a number the first lane, with two operands
    pair = [values[0], values[-1]]
    first = [m.put(full, f"insertelement {full.text} poison, {type.text} {v.name}, i64 0").name for v in pair]
    y = called(m, f"{name}.s{letter}", full, first, immediate, ["i8 -1", "i32 4"])
    return m.put(type, f"extractelement {full.text} {y.name}, i64 0")


def called(m: Code, form: str, type: Type, operands: Sequence[str], immediate: str, mask: Sequence[str]) -> Value:
    args = [f"{type.text} {x}" for x in operands] + [immediate] * bool(immediate)
    args += [f"{type.text} zeroinitializer", *mask]
    return m.put(type, f"call {type.text} @llvm.x86.avx512.mask.{form}({', '.join(args)})")
