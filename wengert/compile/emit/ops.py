"""The arithmetic of statements: a table from the names of elementwise primitives to LLVM's instructions.

Each entry gets the writer, the dtype in which to compute and the operands in that dtype. Comparisons, NaN and signed
zeros mean what they mean in NumPy: no fast-math.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Equation, Literal
from .. import mathlib
from . import complex_ops
from .values import COMPARISONS, compare, intrinsic, predicate, select
from .writer import Writer, llvm_type, number

BOOL = np.dtype(bool)
Op = Callable[..., Any]

REAL: dict[str, Op] = {}  # for float and integer dtypes
LOGIC = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor"}
FLOAT_ONLY: set[str] = set()
MASKED = {"where"}  # the first operand is a mask


def op(*names: str, floats: bool = False) -> Callable[[Op], Op]:
    """Declare the instructions of an elementwise primitive; floats: it has no form for integers."""

    def declare(f: Op) -> Op:
        for name in names:
            REAL[name] = f
            if floats:
                FLOAT_ONLY.add(name)
        return f

    return declare


def native_op(eq: Equation) -> bool:
    """Is there native arithmetic for this equation?"""
    name, out = eq.primitive.name, eq.outputs[0].type.dtype
    dtype = computed_in(eq)
    if "c" in (dtype.kind, out.kind) or any(a.type.dtype.kind == "c" for a in eq.inputs):
        return complex_ops.supported(name, eq)
    if name in COMPARISONS or name in LOGIC or name in CASTS:
        return True
    if name == "power" and dtype.kind != "f":
        return isinstance(eq.inputs[1], Literal) and 0 <= int(eq.inputs[1].value) <= 64
    if name in mathlib.NAMES and dtype.kind == "f":
        return True
    if name not in REAL or (dtype.kind != "f" and name in FLOAT_ONLY):
        return False
    return dtype.kind != "b" or name in BOOLEAN


CASTS = {"convert", "cast", "copy", "nonzero", "logical_not"}
BOOLEAN = {"add", "mul", "maximum", "minimum", "where", "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "same", "zero_safe_mul"}


def computed_in(eq: Equation) -> np.dtype[Any]:
    """The dtype in which an elementwise primitive computes: of its operands, Python numbers adapting."""
    operands = eq.inputs[1:] if eq.primitive.name in MASKED else eq.inputs
    return common_dtype([a.value if isinstance(a, Literal) else a.type.dtype for a in operands])


def common_dtype(operands: Sequence[Any]) -> np.dtype[Any]:
    """NumPy's promotion, of dtypes and numbers."""
    return np.result_type(*operands)


# tables ------------------------------------------------------------------------------------------------------------
def _two(name: str, of_floats: str, of_integers: str) -> None:
    def f(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
        return w.emit(f"{of_floats if dtype.kind == 'f' else of_integers} {llvm_type(dtype)} {a}, {b}")

    REAL[name] = f


for _name, _float, _int in (("add", "fadd", "add"), ("sub", "fsub", "sub"), ("mul", "fmul", "mul")):
    _two(_name, _float, _int)


def _intrinsic(name: str, function: str) -> None:
    def f(w: Writer, dtype: np.dtype[Any], *xs: str) -> str:
        return intrinsic(w, function, dtype, *xs)

    op(name, floats=True)(f)


for _name, _function in (
    ("sqrt", "sqrt"), ("root_of_squares", "sqrt"), ("fabs", "fabs"), ("floor", "floor"), ("ceil", "ceil"),
    ("trunc", "trunc"), ("rint", "rint"), ("copysign", "copysign"),
):  # fmt: skip
    _intrinsic(_name, _function)


@op("neg")
def _neg(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return w.emit(f"fneg {llvm_type(dtype)} {x}" if dtype.kind == "f" else f"sub {llvm_type(dtype)} 0, {x}")


@op("abs")
def _abs(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    if dtype.kind == "f":
        return intrinsic(w, "fabs", dtype, x)
    t = llvm_type(dtype)
    return x if dtype.kind == "u" else w.emit(f"call {t} @llvm.abs.{t}({t} {x}, i1 false)")


@op("zero_safe_mul")
def _zero_safe_mul(w: Writer, dtype: np.dtype[Any], d: str, t: str) -> str:
    y = REAL["mul"](w, dtype, d, t)
    if dtype.kind != "f":
        return y  # type: ignore[no-any-return]
    return select(w, dtype, compare(w, "equal", dtype, t, number(0, dtype)), number(0, dtype), y)  # type: ignore[no-any-return]


@op("div", floats=True)
def _div(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    return w.emit(f"fdiv {llvm_type(dtype)} {a}, {b}")


@op("square")
def _square(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return REAL["mul"](w, dtype, x, x)  # type: ignore[no-any-return]


@op("reciprocal", floats=True)
def _reciprocal(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return _div(w, dtype, number(1, dtype), x)


@op("deg2rad", floats=True)
def _deg2rad(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return REAL["mul"](w, dtype, x, number(np.pi / 180, dtype))  # type: ignore[no-any-return]


@op("rad2deg", floats=True)
def _rad2deg(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return REAL["mul"](w, dtype, x, number(180 / np.pi, dtype))  # type: ignore[no-any-return]


@op("fraction", floats=True)
def _fraction(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    """modf's first result: x - trunc(x) with the sign of x, and 0 for infinite x."""
    y = w.emit(f"fsub {llvm_type(dtype)} {x}, {intrinsic(w, 'trunc', dtype, x)}")
    infinite = compare(w, "equal", dtype, intrinsic(w, "fabs", dtype, x), number(np.inf, dtype))
    return intrinsic(w, "copysign", dtype, select(w, dtype, infinite, number(0, dtype), y), x)


def extremum(w: Writer, name: str, dtype: np.dtype[Any], a: str, b: str) -> str:
    """The larger (smaller) of two; NaN where one is NaN."""
    if dtype.kind == "b":
        return w.emit(f"{'or' if name == 'max' else 'and'} i1 {a}, {b}")
    if dtype.kind != "f":
        return intrinsic(w, ("s" if dtype.kind == "i" else "u") + name, dtype, a, b)
    relation = "ugt" if name == "max" else "ult"  # true where a is NaN; then b's turn
    t = llvm_type(dtype)
    first = w.emit(f"fcmp {relation} {t} {a}, {b}")
    nan = w.emit(f"fcmp uno {t} {b}, {b}")
    y = select(w, dtype, first, a, b)
    return select(w, dtype, nan, b, y)  # type: ignore[no-any-return]


@op("maximum")
def _maximum(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    return extremum(w, "max", dtype, a, b)


@op("minimum")
def _minimum(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    return extremum(w, "min", dtype, a, b)


@op("fmax")
def _fmax(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    return _numbers_first(w, "greater_equal", dtype, a, b)


@op("fmin")
def _fmin(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    return _numbers_first(w, "less_equal", dtype, a, b)


def _numbers_first(w: Writer, relation: str, dtype: np.dtype[Any], a: str, b: str) -> str:
    y = select(w, dtype, compare(w, relation, dtype, a, b), a, b)
    if dtype.kind != "f":
        return y  # type: ignore[no-any-return]
    return select(w, dtype, w.emit(f"fcmp uno {llvm_type(dtype)} {b}, {b}"), a, y)  # type: ignore[no-any-return]


@op("where")
def _where(w: Writer, dtype: np.dtype[Any], mask: str, a: Any, b: Any) -> Any:
    return select(w, dtype, mask, a, b)


@op("sign")
def _sign(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    zero, one = number(0, dtype), number(1, dtype)
    up = select(w, dtype, compare(w, "greater", dtype, x, zero), one, x if dtype.kind == "f" else zero)
    if dtype.kind == "u":
        return up  # type: ignore[no-any-return]
    y = select(w, dtype, compare(w, "less", dtype, x, zero), number(-1, dtype), up)
    return select(w, dtype, compare(w, "equal", dtype, x, zero), zero, y) if dtype.kind == "f" else y  # type: ignore[no-any-return]


@op("wins", floats=True)
def _wins(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    """1 where a > b, 1/2 at a tie, 0 elsewhere."""
    tie = select(w, dtype, compare(w, "equal", dtype, a, b), number(0.5, dtype), number(0, dtype))
    return select(w, dtype, compare(w, "greater", dtype, a, b), number(1, dtype), tie)  # type: ignore[no-any-return]


@op("share", floats=True)
def _share(w: Writer, dtype: np.dtype[Any], a: str, b: str, y: str) -> str:
    """1 where a = y, 1/2 where also b = y, 0 elsewhere."""
    both = select(w, dtype, compare(w, "equal", dtype, b, y), number(0.5, dtype), number(1, dtype))
    return select(w, dtype, compare(w, "equal", dtype, a, y), both, number(0, dtype))  # type: ignore[no-any-return]


@op("heaviside", floats=True)
def _heaviside(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    y = select(w, dtype, compare(w, "less", dtype, a, number(0, dtype)), number(0, dtype), number(1, dtype))
    y = select(w, dtype, compare(w, "equal", dtype, a, number(0, dtype)), b, y)
    return select(w, dtype, w.emit(f"fcmp uno {llvm_type(dtype)} {a}, {a}"), a, y)  # type: ignore[no-any-return]


# integers ----------------------------------------------------------------------------------------------------------
def _bits(name: str, instruction: str) -> None:
    REAL[name] = lambda w, dtype, a, b: w.emit(f"{instruction} {llvm_type(dtype)} {a}, {b}")


for _name in ("and", "or", "xor"):
    _bits(f"bitwise_{_name}", _name)


@op("invert")
def _invert(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return w.emit(f"xor {llvm_type(dtype)} {x}, {'true' if dtype.kind == 'b' else -1}")


def _divided(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> tuple[str, str, str]:
    """Quotient and remainder towards zero, for a divisor that is neither 0 nor -1; and that divisor."""
    t, sign = llvm_type(dtype), "s" if dtype.kind == "i" else "u"
    bad = w.emit(f"icmp eq {t} {b}, 0")
    if dtype.kind == "i":
        bad = w.emit(f"or i1 {bad}, {w.emit(f'icmp eq {t} {b}, -1')}")
    safe = w.emit(f"select i1 {bad}, {t} 1, {t} {b}")
    return w.emit(f"{sign}div {t} {a}, {safe}"), w.emit(f"{sign}rem {t} {a}, {safe}"), safe


@op("floor_divide")
def _floor_divide(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    """floor(a / b) as NumPy has it: integers give 0 where b = 0; floats from the exact remainder."""
    t = llvm_type(dtype)
    if dtype.kind == "f":
        return _float_floor_divide(w, dtype, a, b)
    q, r, _ = _divided(w, dtype, a, b)
    if dtype.kind == "i":
        differ = w.emit(f"icmp slt {t} {w.emit(f'xor {t} {r}, {b}')}, 0")
        down = w.emit(f"and i1 {differ}, {w.emit(f'icmp ne {t} {r}, 0')}")
        q = w.emit(f"select i1 {down}, {t} {w.emit(f'sub {t} {q}, 1')}, {t} {q}")
        minus = w.emit(f"icmp eq {t} {b}, -1")
        q = w.emit(f"select i1 {minus}, {t} {w.emit(f'sub {t} 0, {a}')}, {t} {q}")
    return w.emit(f"select i1 {w.emit(f'icmp eq {t} {b}, 0')}, {t} 0, {t} {q}")


def _float_floor_divide(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    """npy_floor_divide: from the remainder, rounded to the nearest integer below."""
    t, zero = llvm_type(dtype), number(0, dtype)
    mod = _fmod(w, dtype, a, b)
    div = w.emit(f"fdiv {t} {w.emit(f'fsub {t} {a}, {mod}')}, {b}")
    inexact = compare(w, "not_equal", dtype, mod, zero)
    differ = w.emit(f"xor i1 {compare(w, 'less', dtype, b, zero)}, {compare(w, 'less', dtype, mod, zero)}")
    down = w.emit(f"and i1 {inexact}, {differ}")
    div = select(w, dtype, down, w.emit(f"fsub {t} {div}, {number(1, dtype)}"), div)
    whole = intrinsic(w, "floor", dtype, div)
    more = compare(w, "greater", dtype, w.emit(f"fsub {t} {div}, {whole}"), number(0.5, dtype))
    whole = select(w, dtype, more, w.emit(f"fadd {t} {whole}, {number(1, dtype)}"), whole)
    quotient = w.emit(f"fdiv {t} {a}, {b}")
    signed = intrinsic(w, "copysign", dtype, zero, quotient)
    y = select(w, dtype, compare(w, "not_equal", dtype, div, zero), whole, signed)
    return select(w, dtype, compare(w, "equal", dtype, b, zero), quotient, y)  # type: ignore[no-any-return]


@op("remainder")
def _remainder(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    """a mod b with the sign of b; integers give 0 where b = 0."""
    t = llvm_type(dtype)
    if dtype.kind == "f":
        r, zero = _fmod(w, dtype, a, b), number(0, dtype)
        exact = compare(w, "equal", dtype, r, zero)
        differ = w.emit(f"xor i1 {compare(w, 'less', dtype, b, zero)}, {compare(w, 'less', dtype, r, zero)}")
        y = select(w, dtype, differ, w.emit(f"fadd {t} {r}, {b}"), r)
        return select(w, dtype, exact, intrinsic(w, "copysign", dtype, zero, b), y)  # type: ignore[no-any-return]
    _, r, _ = _divided(w, dtype, a, b)
    if dtype.kind == "i":
        differ = w.emit(f"icmp slt {t} {w.emit(f'xor {t} {r}, {b}')}, 0")
        fix = w.emit(f"and i1 {differ}, {w.emit(f'icmp ne {t} {r}, 0')}")
        r = w.emit(f"select i1 {fix}, {t} {w.emit(f'add {t} {r}, {b}')}, {t} {r}")
    return w.emit(f"select i1 {w.emit(f'icmp eq {t} {b}, 0')}, {t} 0, {t} {r}")


@op("fmod")
def _fmod(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
    if dtype.kind == "f":
        return w.emit(f"frem {llvm_type(dtype)} {a}, {b}")
    _, r, _ = _divided(w, dtype, a, b)
    t = llvm_type(dtype)
    return w.emit(f"select i1 {w.emit(f'icmp eq {t} {b}, 0')}, {t} 0, {t} {r}")


def _shift(name: str, instruction: str, beyond: str) -> None:
    def f(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> str:
        """As NumPy: shifting by the width or more leaves nothing (or the sign)."""
        t, bits = llvm_type(dtype), 8 * dtype.itemsize
        fits = w.emit(f"icmp ult {t} {b}, {bits}")
        n = w.emit(f"select i1 {fits}, {t} {b}, {t} 0")
        how = instruction if dtype.kind == "i" or instruction == "shl" else "lshr"
        y = w.emit(f"{how} {t} {a}, {n}")
        far = "0" if beyond == "0" or dtype.kind == "u" else w.emit(f"ashr {t} {a}, {bits - 1}")
        return w.emit(f"select i1 {fits}, {t} {y}, {t} {far}")

    REAL[name] = f


_shift("left_shift", "shl", "0")
_shift("right_shift", "ashr", "sign")


@op("bitwise_count")
def _bitwise_count(w: Writer, dtype: np.dtype[Any], x: str) -> str:
    return intrinsic(w, "ctpop", dtype, _abs(w, dtype, x))


# predicates --------------------------------------------------------------------------------------------------------
PREDICATES = ("isnan", "isinf", "isfinite", "signbit")
for _name in PREDICATES:
    REAL[_name] = lambda w, dtype, x, name=_name: predicate(w, name, dtype, x)


@op("same")
def _same(w: Writer, dtype: np.dtype[Any], a: Any, b: Any) -> str:
    """Equal, or both NaN."""
    if dtype.kind == "c":
        return complex_ops.same(w, dtype, a, b)
    if dtype.kind != "f":
        return compare(w, "equal", dtype, a, b)
    t = llvm_type(dtype)
    nan = w.emit(f"and i1 {w.emit(f'fcmp uno {t} {a}, {a}')}, {w.emit(f'fcmp uno {t} {b}, {b}')}")
    return w.emit(f"or i1 {w.emit(f'fcmp oeq {t} {a}, {b}')}, {nan}")


BOOLEAN_RESULT = {*COMPARISONS, *LOGIC, *PREDICATES, "logical_not", "nonzero", "same"}
