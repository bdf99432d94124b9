"""Integers as NumPy has them: results wrap around, x/0 is 0, shifts beyond the width leave nothing."""

from __future__ import annotations

from .floats import floor_divide as floor_divide_floats
from .table import Dtype, do, op, real
from .values import intrinsic
from .writer import Writer, llvm_type

for _name in ("and", "or", "xor"):
    op(f"bitwise_{_name}")(lambda w, dtype, a, b, how=_name: do(w, how, dtype, a, b))
op("invert")(lambda w, dtype, x: do(w, "xor", dtype, x, "-1"))
op("bitwise_count")(lambda w, dtype, x: intrinsic(w, "ctpop", dtype, real(w, "abs", dtype, x)))


def choose(w: Writer, dtype: Dtype, condition: str, a: str, b: str) -> str:
    """a where the condition holds, else b."""
    t = llvm_type(dtype)
    return w.emit(f"select i1 {condition}, {t} {a}, {t} {b}")


# division ----------------------------------------------------------------------------------------------------------
def divided(w: Writer, dtype: Dtype, a: str, b: str) -> tuple[str, str]:
    """Quotient and remainder towards zero; those of a and 1 where the divisor is 0 or -1."""
    sign = "s" if dtype.kind == "i" else "u"
    bad = do(w, "icmp eq", dtype, b, "0")
    if dtype.kind == "i":
        bad = w.emit(f"or i1 {bad}, {do(w, 'icmp eq', dtype, b, '-1')}")
    safe = choose(w, dtype, bad, "1", b)
    return do(w, f"{sign}div", dtype, a, safe), do(w, f"{sign}rem", dtype, a, safe)


def signs_differ(w: Writer, dtype: Dtype, r: str, b: str) -> str:
    """Is the remainder r not zero, and of another sign than b?"""
    differ = do(w, "icmp slt", dtype, do(w, "xor", dtype, r, b), "0")
    return w.emit(f"and i1 {differ}, {do(w, 'icmp ne', dtype, r, '0')}")


def or_zero(w: Writer, dtype: Dtype, b: str, y: str) -> str:
    """y, and 0 where the divisor is 0."""
    return choose(w, dtype, do(w, "icmp eq", dtype, b, "0"), "0", y)


@op("floor_divide")
def floor_divide(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """floor(a / b), and 0 where b = 0."""
    if dtype.kind == "f":
        return floor_divide_floats(w, dtype, a, b)
    q, r = divided(w, dtype, a, b)
    if dtype.kind == "i":
        q = choose(w, dtype, signs_differ(w, dtype, r, b), do(w, "sub", dtype, q, "1"), q)
        q = choose(w, dtype, do(w, "icmp eq", dtype, b, "-1"), do(w, "sub", dtype, "0", a), q)
    return or_zero(w, dtype, b, q)


@op("remainder")
def remainder(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """a mod b with the sign of b, and 0 where b = 0."""
    _, r = divided(w, dtype, a, b)
    if dtype.kind == "i":
        r = choose(w, dtype, signs_differ(w, dtype, r, b), do(w, "add", dtype, r, b), r)
    return or_zero(w, dtype, b, r)


@op("fmod")
def fmod(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """a mod b with the sign of a, and 0 where b = 0."""
    return or_zero(w, dtype, b, divided(w, dtype, a, b)[1])


# shifts ------------------------------------------------------------------------------------------------------------
def shifted(w: Writer, instruction: str, dtype: Dtype, a: str, n: str, beyond: str) -> str:
    """a shifted by n bits; `beyond` where n is negative or at least the width."""
    fits = do(w, "icmp ult", dtype, n, str(8 * dtype.itemsize))
    y = do(w, instruction, dtype, a, choose(w, dtype, fits, n, "0"))
    return choose(w, dtype, fits, y, beyond)


@op("left_shift")
def left_shift(w: Writer, dtype: Dtype, a: str, n: str) -> str:
    return shifted(w, "shl", dtype, a, n, "0")


@op("right_shift")
def right_shift(w: Writer, dtype: Dtype, a: str, n: str) -> str:
    if dtype.kind == "u":
        return shifted(w, "lshr", dtype, a, n, "0")
    return shifted(w, "ashr", dtype, a, n, do(w, "ashr", dtype, a, str(8 * dtype.itemsize - 1)))


# divisors ----------------------------------------------------------------------------------------------------------
GCD = """define internal {t} @wg_gcd_{t}({t} %a, {t} %b) nounwind memory(none) {{
entry:
  br label %loop
loop:
  %x = phi {t} [ %a, %entry ], [ %y, %next ]
  %y = phi {t} [ %b, %entry ], [ %r, %next ]
  %end = icmp eq {t} %y, 0
  br i1 %end, label %done, label %next
next:
  %r = urem {t} %x, %y
  br label %loop
done:
  ret {t} %x
}}"""


@op("gcd")
def gcd(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """Euclid's algorithm on the absolute values."""
    t = llvm_type(dtype)
    a, b = (real(w, "abs", dtype, x) for x in (a, b))
    w.declare(GCD.format(t=t))
    return w.emit(f"call {t} @wg_gcd_{t}({t} {a}, {t} {b})")


@op("lcm")
def lcm(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """|a| / gcd |b|, and 0 where both are 0."""
    a, b = (real(w, "abs", dtype, x) for x in (a, b))
    divisor = gcd(w, dtype, a, b)
    zero = do(w, "icmp eq", dtype, divisor, "0")
    part = do(w, "udiv", dtype, a, choose(w, dtype, zero, "1", divisor))
    return do(w, "mul", dtype, part, b)
