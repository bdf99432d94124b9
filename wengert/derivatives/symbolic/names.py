"""Symbols under the user's own names: `x`, `x_0`, `params_w_0_1`."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...core.call import Call, Function
from ...core.tree import LEAF, leaf_path
from ...core.types import ArrayType, dtype_of, is_inexact, shape_of
from .package import load, objects


def given(x: Any) -> bool:
    """Is this argument SymPy's own: an expression, a matrix or an array of expressions?"""
    return hasattr(x, "free_symbols") or (isinstance(x, np.ndarray) and x.dtype == object)


def as_objects(x: Any) -> np.ndarray:
    """An argument that is SymPy's as an array of expressions."""
    return objects(np.array(x.tolist(), object) if hasattr(x, "tolist") else x)


def leaf_names(call: Call) -> list[str]:
    """A name for each leaf of the arguments: the parameter's, and the path to the leaf in it."""
    parameters = parameter_names(call.fun, len(call.args))
    found = []
    for i, tree, n in call.trees:
        paths = [""] if tree == LEAF else [leaf_path(tree, k) for k in range(n)]
        found += [f"{parameters[i]}_{word}" if (word := _word(path)) else parameters[i] for path in paths]
    return found


def parameter_names(fun: Function, count: int) -> list[str]:
    """The names of the positional parameters; x, or x1, x2, ..., where a function does not tell."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    rest = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), None)
    if rest is None:
        rest = "x"
    missing = count - len(names)
    return names + ([rest] if missing == 1 and not names else [f"{rest}{k + 1}" for k in range(missing)])


def _word(path: str) -> str:
    """A path such as ['w'][0] as part of a name: w_0."""
    return "_".join(re.findall(r"\w+", path))


def symbols_for(names: Sequence[str], leaves: Sequence[Any]) -> list[np.ndarray]:
    """Arrays of symbols, real or complex as the leaves are: one name, or name_0, name_1, ... for an array."""
    taken: set[str] = set()

    def fresh(name: str, real: bool) -> Any:
        while name in taken:
            name += "_"
        taken.add(name)
        return symbol(name, real)

    made = []
    for name, leaf in zip(names, leaves, strict=True):
        if given(leaf):
            made.append(as_objects(leaf))
            continue
        shape, real = shape_of(leaf), dtype_of(leaf).kind == "f"
        array = np.empty(shape, object)
        for index in np.ndindex(shape):
            array[index] = fresh("_".join([name, *map(str, index)]), real)
        made.append(array)
    return made


def symbol(name: str, real: bool) -> Any:
    """A symbol for a real or a complex number."""
    return load().Symbol(name, **{"real" if real else "complex": True})


def intermediate_names(taken: Any) -> Iterator[str]:
    """v1, v2, ...: for intermediate values, save for names that are in use."""
    used = {s.name for s in taken}
    for k in itertools.count(1):
        if f"v{k}" not in used:
            yield f"v{k}"


def variable_type(x: Any) -> ArrayType | None:
    """The type under which a leaf is followed; None where it stays what it is (an integer, a truth value)."""
    if given(x):
        return ArrayType(as_objects(x).shape, float)
    if not is_inexact(dtype_of(x)):
        return None
    return ArrayType(shape_of(x), dtype_of(x))
