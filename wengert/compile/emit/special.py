"""Calls of C functions of numbers: SciPy's special functions, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..loops.ir import Stmt
from .table import Dtype
from .values import compare, converted
from .writer import Writer

DTYPES = {"d": np.dtype(float), "D": np.dtype(complex), "l": np.dtype(np.int64)}
_TYPES = {"d": "double", "D": "{ double, double }", "l": "i64"}


def passed(kinds: str, values: Sequence[Any]) -> list[str]:
    """Values as C takes them: a complex number is two real ones."""
    found = []
    for kind, x in zip(kinds, values, strict=True):
        found += [f"double {p}" for p in x] if kind == "D" else [f"{_TYPES[kind]} {x}"]
    return found


def call(w: Writer, function: str, kinds: str, values: Sequence[Any]) -> list[Any]:
    """The results of `special.<function>.<kinds>` of values of its kinds."""
    arguments, results = kinds.split("_")
    given = passed(arguments, values)
    name = f"special.{function}.{kinds}"
    if len(results) > 1:
        return through_memory(w, name, given, results)
    types = [x.rsplit(" ", 1)[0] for x in given]
    w.declare(f"declare {_TYPES[results]} @{name}({', '.join([*types, 'i32'])}) nounwind memory(none)")
    y = w.emit(f"call {_TYPES[results]} @{name}({', '.join([*given, 'i32 0'])})")
    return [unpacked(w, y) if results == "D" else y]


def unpacked(w: Writer, y: str) -> Any:
    """The parts of a complex result."""
    return tuple(w.emit(f"extractvalue {{ double, double }} {y}, {k}") for k in range(2))


def through_memory(w: Writer, name: str, given: list[str], results: str) -> list[Any]:
    """Several results, which the function writes to the stack."""
    slots = [w.slot(_TYPES[kind]) for kind in results]
    types = [x.rsplit(" ", 1)[0] for x in given]
    w.declare(f"declare void @{name}({', '.join([*types, *['ptr'] * len(slots)])}) nounwind")
    w.do(f"call void @{name}({', '.join([*given, *(f'ptr {s}' for s in slots)])})")
    loaded = [w.emit(f"load {_TYPES[kind]}, ptr {s}") for kind, s in zip(results, slots, strict=True)]
    return [unpacked(w, y) if kind == "D" else y for kind, y in zip(results, loaded, strict=True)]


def function(e: Any, stmt: Stmt, out: Dtype) -> Any:
    """A special function of a statement's operands; where it has a form for integers, that one for whole numbers."""
    usual, whole = stmt.params["usual"], stmt.params["whole"]
    name, kinds = stmt.params["function"], usual or whole
    made = DTYPES[kinds[-1]]
    reals = [DTYPES["d" if kind == "l" else kind] for kind in kinds.split("_")[0]]
    values = [e.operand(x, dtype) for x, dtype in zip(stmt.operands, reals, strict=True)]
    if whole is None:
        return converted(e, call(e, name, kinds, values)[0], made, out)
    places = [i for i, kind in enumerate(whole) if kind == "l"]
    integers = list(values)
    for i in places:
        integers[i] = converted(e, values[i], DTYPES["d"], DTYPES["l"])
    if usual is None:
        return converted(e, call(e, name, whole, integers)[0], made, out)
    exact = [same(e, values[i], integers[i]) for i in places]
    test = exact[0] if len(exact) == 1 else e.emit(f"and i1 {exact[0]}, {exact[1]}")
    y = either(e, test, lambda: call(e, name, whole, integers)[0], lambda: call(e, name, usual, values)[0])
    return converted(e, y, made, out)


def same(w: Writer, x: str, n: str) -> str:
    """Is a number this integer?"""
    return compare(w, "equal", DTYPES["d"], x, converted(w, n, DTYPES["l"], DTYPES["d"]))


def either(w: Any, whole: str, first: Any, second: Any) -> Any:
    """The value of one of two pieces of code, only one of which runs."""
    yes, no, done = (w.new_label(x) for x in ("whole", "broken", "done"))
    w.branch(whole, yes, no)
    ends = []
    for label, make in ((yes, first), (no, second)):
        w.begin(label)
        y = make()
        ends.append((y, w.label))
        w.jump(done)
    w.begin(done)
    if isinstance(ends[0][0], tuple):
        return tuple(merged(w, [(y[k], label) for y, label in ends]) for k in range(2))
    return merged(w, ends)


def merged(w: Writer, ends: Sequence[tuple[str, str]]) -> str:
    """The value of the branch that ran."""
    return w.emit(f"phi double {', '.join(f'[ {y}, %{label} ]' for y, label in ends)}")
