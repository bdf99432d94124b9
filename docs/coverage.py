"""Writes docs/reference/coverage.md: which functions of NumPy and SciPy are differentiated, and which are not.

    python docs/coverage.py

The examples stand in coverage_examples.py and coverage_scipy.py; tests/test_coverage.py runs each of them, and compares
the page.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy
import scipy.special

sys.path.insert(0, str(Path(__file__).parent))

import coverage_examples as ex
import coverage_scipy as ex_scipy

import wengert.numpy as wnp
import wengert.scipy.special as special
from wengert.core.primitive import Constant, Custom, Unknown
from wengert.numpy import dispatch
from wengert.numpy.ufuncs import ON_TRACERS
from wengert.primitives.special import REFUSED, every
from wengert.primitives.special.table import PARAMETER

TABLE = every()
PAGE = Path(__file__).parent / "reference" / "coverage.md"


@dataclass
class Row:
    """A function: its status, and an example or the reason."""

    name: str
    status: str  # differentiated, structural, passthrough, refused, gap
    note: str = ""
    example: str = ""
    intercepted: bool = True  # does NumPy's own name find us?


# examples as functions --------------------------------------------------------------------------------------------
def used(example: str) -> list[str]:
    """The floating-point values that an example uses, in order."""
    found = {node.id for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Name)}
    return [name for name in ex.VALUES if name in found]


def function(example: str, np_: Any) -> Callable[..., Any]:
    """An example as a function of the values it uses."""
    *statements, last = ast.parse(example).body
    body = compile(ast.Module(statements, []), "<example>", "exec")
    result = compile(ast.Expression(last.value), "<example>", "eval")  # type: ignore[attr-defined]

    def f(*values: Any) -> Any:
        names = {"np": np_, "sp": special, **ex.PLAIN, **dict(zip(used(example), values, strict=True))}
        names |= {short: scipys(module, np_ is wnp) for module, short in ex_scipy.SHORT.items()}
        exec(body, names)
        return eval(result, names)

    return f


def scipys(module: str, ours: bool) -> ModuleType:
    """A module of SciPy, or of ours."""
    return importlib.import_module(f"{'wengert.' if ours else ''}scipy.{module}")


# numpy ------------------------------------------------------------------------------------------------------------
def functions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The public functions of a NumPy module."""
    for name in sorted(dir(module)):
        f = getattr(module, name)
        if not name.startswith("_") and callable(f) and not isinstance(f, type):
            yield name, f


def intercepted(f: Any) -> bool:
    """Does NumPy ask its arguments' types when this function is called?"""
    return isinstance(f, np.ufunc) or hasattr(f, "_implementation") or f.__name__ in ex.AS_THEY_ARE


def numpy_rows() -> Iterator[Row]:
    """The main namespace."""
    passed = {name: why for why, some in ex.PASSTHROUGH.items() for name in some}
    for name, f in functions(np):
        if name in ex.DIFFERENTIATED:
            yield Row(name, "differentiated", example=ex.DIFFERENTIATED[name], intercepted=intercepted(f))
        elif name in ex.STRUCTURAL or name in ex.STEPS:
            example = ex.STRUCTURAL.get(name) or ufunc_example(name, f)
            yield Row(name, "structural", example=example, intercepted=intercepted(f))
        elif name in passed:
            yield Row(name, "passthrough", passed[name])
        elif f in dispatch.REFUSED:
            yield Row(name, "refused", dispatch.REFUSED[f])
        elif name in ex.GAPS:
            yield Row(name, "gap", ex.GAPS[name])
        elif isinstance(f, np.ufunc) and f in ON_TRACERS:
            yield Row(name, "differentiated", example=ufunc_example(name, f))
        else:
            yield Row(name, "unexplained")


def ufunc_example(name: str, f: np.ufunc) -> str:
    """f(x) or f(x, y)."""
    return f"np.{name}({', '.join('xy'[: f.nin])})"


def submodule_rows(module: ModuleType, examples: dict[str, str], structural: dict[str, str]) -> Iterator[Row]:
    """numpy.linalg and numpy.fft."""
    for name, f in functions(module):
        if name in examples:
            yield Row(name, "differentiated", example=examples[name], intercepted=intercepted(f))
        elif name in structural:
            yield Row(name, "structural", example=structural[name])
        elif name == "test":
            yield Row(name, "passthrough", "settings and information")
        else:
            yield Row(name, "unexplained")


# scipy.special ----------------------------------------------------------------------------------------------------
def special_rows() -> Iterator[Row]:
    """scipy.special: ufuncs by the table of primitives."""
    for name in sorted(scipy.special.__all__):
        f = getattr(scipy.special, name)
        if isinstance(f, type) or name in ("geterr", "seterr"):
            continue
        primitive = TABLE.get(f.__name__) if isinstance(f, np.ufunc) else None
        if name in ex.SPECIAL:
            yield Row(name, "differentiated", example=ex.SPECIAL[name], intercepted=name in special.WORKING)
        elif primitive is not None and isinstance(primitive.kind, Constant):
            yield Row(name, "structural")
        elif primitive is not None:
            known, unknown = arguments(f, primitive)
            status = "differentiated" if known else "refused"
            why = f"not in {listed(unknown)}: {reasons(primitive)}" if unknown else ""
            yield Row(name, status, why if known else reasons(primitive), example=signature(name, f, known))
        elif name in REFUSED:
            yield Row(name, "refused", REFUSED[name])
        else:
            yield Row(name, "unexplained")


# other modules of SciPy -------------------------------------------------------------------------------------------
def scipy_rows(module: str) -> Iterator[Row]:
    """A module in which every function has an example, or a reason, or is not covered."""
    theirs, ours = scipys(module, False), scipys(module, True)
    for name in sorted(theirs.__all__):
        f, examples = getattr(theirs, name), ex_scipy.DIFFERENTIATED[module]
        if name in examples:
            by_numpy = name in ex_scipy.THROUGH_NUMPY
            yield Row(name, "differentiated", example=examples[name], intercepted=by_numpy)
        elif name in ours.REFUSED:
            yield Row(name, "refused", f"{ours.REFUSED[name][0]}. Write {ours.REFUSED[name][1]}")
        elif name in ex_scipy.PLAIN[module]:
            yield Row(name, "passthrough")
        elif callable(f) and not isinstance(f, type):
            yield Row(name, "gap")


def argument_names(f: np.ufunc) -> list[str]:
    """The names of a ufunc's arguments, from the first line of its documentation."""
    found = re.match(r"\w+\((.*?)(?:\[|, /|, out|\))", f.__doc__ or "")
    names = [n.strip() for n in found[1].split(",")] if found else []
    return names if len(names) >= f.nin else [f"x{i + 1}" for i in range(f.nin)]


def arguments(f: np.ufunc, primitive: Any) -> tuple[list[str], list[str]]:
    """The arguments in which a primitive is differentiated, and those that are refused."""
    names = argument_names(f)[: f.nin]
    if isinstance(primitive.kind, Custom):
        sample = next(iter(primitive.samples(np.random.default_rng(0))))
        known = [names[i] for i in sample.differentiable]
        return known, [n for n in names if n not in known]
    pairs = list(zip(names, primitive.kind.partials, strict=False))
    known = [n for n, p in pairs if p is not None and not isinstance(p, Unknown)]
    return known, [n for n, p in pairs if isinstance(p, Unknown)]


def reasons(primitive: Any) -> str:
    """Why a primitive has no derivatives in some of its arguments."""
    if isinstance(primitive.kind, Custom):
        return PARAMETER
    return "; ".join(dict.fromkeys(p.why for p in primitive.kind.partials if isinstance(p, Unknown)))


def signature(name: str, f: np.ufunc, known: list[str]) -> str:
    """f(a, b, x) for the page."""
    return f"{name}({', '.join(argument_names(f)[: f.nin])})"


def listed(names: list[str]) -> str:
    """`a`, `b`."""
    return ", ".join(f"`{n}`" for n in names)


# the page ---------------------------------------------------------------------------------------------------------
INTRODUCTION = """# Coverage of NumPy and SciPy

Each function of these modules, and what becomes of it where an argument is differentiated. Every example is
run by the tests, in forward and in reverse mode, against differences of NumPy's own results. `python docs/coverage.py`
writes this page; it speaks of NumPy {numpy} and SciPy {scipy}.

- *Differentiated*: in every argument that the example varies, in both modes and to any order.
- *Without derivative*: works, and gives what NumPy gives: shapes, places, truth values; or steps, of which the
  derivative is zero.
- *NumPy's own*: takes nothing that could be traced.
- *Refused*: raises `UnsupportedFunctionError`, which says why.
- *Not covered*: could be wished for.

A function marked † cannot be intercepted under NumPy's or SciPy's own name: call it from `wengert.numpy` or
`wengert.scipy`. Under their own names they raise an error, except in compiled functions, which find ours for functions
of both names; no derivative is lost in silence. `scipy.stats` has a part here too.
"""


def page() -> str:
    """The text of the page."""
    sections = {
        "numpy": list(numpy_rows()),
        "numpy.linalg": list(submodule_rows(np.linalg, ex.LINALG, ex.LINALG_STRUCTURAL)),
        "numpy.fft": list(submodule_rows(np.fft, ex.FFT, {})),
        **{f"scipy.{module}": list(scipy_rows(module)) for module in ex_scipy.SHORT},
        "scipy.special": list(special_rows()),
    }
    text = [INTRODUCTION.format(numpy=minor(np.__version__), scipy=minor(scipy.__version__))]
    statuses = ["differentiated", "structural", "passthrough", "refused", "gap"]
    titles = ["Differentiated", "Without derivative", "NumPy's own", "Refused", "Not covered"]
    text.append(f"| module | {' | '.join(titles)} |\n|---{'|---:' * len(titles)}|")
    for module, rows in sections.items():
        counts = [str(sum(row.status == s for row in rows)) for s in statuses]
        text[-1] += f"\n| `{module}` | {' | '.join(counts)} |"
    for module, rows in sections.items():
        text.append(f"\n## {module}\n")
        for status, title in zip(statuses, titles, strict=True):
            some = [row for row in rows if row.status == status]
            if some:
                text.append(f"### {title if not module.startswith('scipy') else title.replace('NumPy', 'SciPy')}\n")
                text.append(table(some) if status == "differentiated" else by_reason(some))
    return "\n".join(text).rstrip() + "\n"


def table(rows: list[Row]) -> str:
    """One line for each function, with its example."""
    lines = ["| function | example | |", "|---|---|---|"]
    for row in rows:
        mark = "" if row.intercepted else " †"
        example = row.example.replace("|", "\\|")
        lines.append(f"| `{row.name}`{mark} | `{example}` | {row.note} |")
    return "\n".join(lines) + "\n"


def by_reason(rows: list[Row]) -> str:
    """The functions that share a reason, together."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.note, []).append(row)
    lines = []
    for note, some in groups.items():
        shown = ", ".join(f"`{row.name}`" + ("" if row.intercepted else " †") for row in some)
        lines.append(f"- {shown}: {note}" if note else shown)
    return "\n".join(lines) + "\n"


def minor(version: str) -> str:
    """2.4.6 -> 2.4."""
    return ".".join(version.split(".")[:2])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
