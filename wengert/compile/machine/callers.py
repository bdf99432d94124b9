"""Python functions written for one combination of classes and structures: arguments in, results made, native code run.

    def call(a0, a1):                                 of f(params, x) with params a dict
        if type(a0) is not dict or len(a0) != 2: return OTHER_TYPES
        x0 = a0["b"]
        x1 = a0["w"]
        y0 = float64()
        code = entry(x0, x1, a1, y0)
        if code: ...
        return y0

What they are given may be anything: they find out whether it is theirs, and say OTHER_TYPES where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.tree import Structure, flatten, unflatten
from ...core.types import ArrayType
from .callbacks import hold, release
from .entry import Given, entry

OTHER_TYPES = object()  # what a caller returns when it is given other types than its own
SCALARS = "fciu"  # kinds of results without axes that are made as NumPy scalars
_SAFE = (str, int, bytes, bool, type(None))  # static values that are equal where == says so


class NotPlain(Exception):
    """A structure with other containers than dict, list and tuple."""


class Caller:
    """The text of a function in the making, and what it refers to."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.space: dict[str, Any] = {"OTHER_TYPES": OTHER_TYPES, "empty": np.empty, "stopped": native.stopped}
        self.lines: list[str] = []
        self.leaves: dict[int, str] = {}  # number of a leaf -> its name
        self.wrapped = False  # are static arguments among the leaves wrapped?

    def do(self, line: str) -> None:
        """A line of the function."""
        self.lines.append(f"    {line}")

    def known(self, value: Any) -> str:
        """A name for a value."""
        if type(value) is str or type(value) is int:
            return repr(value)
        name = f"c{len(self.space)}"
        self.space[name] = value
        return name

    def only_if(self, condition: str) -> None:
        """The function is for arguments of which this holds."""
        self.do(f"if not ({condition}): return OTHER_TYPES")

    # arguments
    def take(self, name: str, part: Any) -> None:
        """Find the leaves in an argument. part: its structure, with the numbers of leaves at its leaves."""
        kind = type(part)
        if kind is int:
            self.leaves[part] = name
        elif part is None:
            self.only_if(f"{name} is None")
        elif kind in (tuple, list, dict):
            names = [f"{name}_{k}" for k in range(len(part))]
            self.only_if(f"type({name}) is {kind.__name__} and len({name}) == {len(part)}")
            if kind is dict:
                self.take_items(name, names, part)
            elif part:
                self.do(f"{', '.join(names)}, = {name}")
            for inner, value in zip(names, part.values() if kind is dict else part, strict=True):
                self.take(inner, value)
        else:
            raise NotPlain

    def take_items(self, name: str, names: Sequence[str], part: dict[Any, Any]) -> None:
        """The values of a dict."""
        self.do("try:")
        for inner, key in zip(names, part, strict=True):
            self.do(f"    {inner} = {name}[{self.known(key)}]")
        self.do("    pass")
        self.do("except KeyError: return OTHER_TYPES")

    def take_any(self, parameters: str, tree: Structure) -> None:
        """Find the leaves of a structure of any containers: `parameters` is (args, kwargs) as text."""
        self.do(f"leaves, tree = {self.known(flatten)}({parameters})")
        self.only_if(f"tree == {self.known(tree)}")
        self.leaves = {k: f"x{k}" for k in range(tree.num_leaves)}
        if self.leaves:
            self.do(f"{', '.join(self.leaves.values())}, = leaves")

    def static(self, k: int, value: Any) -> None:
        """Leaf k must have this value."""
        name, c = self.leaves[k], self.known(value)
        if type(value) in (bool, type(None)):
            self.only_if(f"{name} is {c}")
        elif type(value) in _SAFE:
            self.only_if(f"type({name}) is {type(value).__name__} and {name} == {c}")
        else:
            self.only_if(f"{name} is {c} or {self.known(same_value)}({name}, {c})")

    # the call
    def run(self, given: Sequence[Given], leaves: Sequence[str], types: Sequence[ArrayType]) -> list[str]:
        """Make the results and call native code: expressions of the results."""
        classes = [scalar_class(t) for t in types]
        ys = [f"y{k}" for k in range(len(types))]
        for y, t, cls in zip(ys, types, classes, strict=True):
            self.do(f"{y} = {self.known(cls)}()" if cls else f"{y} = empty({t.shape}, {self.known(t.dtype)})")
        self.space["entry"] = entry(self.native, given, classes)
        call = f"code = entry({', '.join([*leaves, *ys])})"
        if self.native.stages.stacks:
            self.do(f"before = {self.known(hold)}()")
            self.do(f"try: {call}")
            self.do(f"finally: {self.known(release)}(before)")
        else:
            self.do(call)
        self.do("if code:")
        self.do(f"    results = stopped(code, [{', '.join(leaves)}])")
        self.do("    if results is OTHER_TYPES: return OTHER_TYPES")
        self.do(f"    return finish({'*results' if ys else ''})")
        return [y if t.shape or cls else f"{y}[()]" for y, t, cls in zip(ys, types, classes, strict=True)]

    def finish(self, ys: Sequence[str], build: Callable[[Sequence[str]], str]) -> None:
        """Return the results in their structure."""
        self.do(f"return {build(ys)}")
        names = [f"y{k}" for k in range(len(ys))]
        self.space["finish"] = eval(f"lambda {', '.join(names)}: {build(names)}", self.space)

    def function(self, parameters: Sequence[str]) -> Callable[..., Any]:
        """The function."""
        exec("\n".join([f"def call({', '.join(parameters)}):", *self.lines]), self.space)
        return self.space["call"]


def scalar_class(t: ArrayType) -> type | None:
    """The class of a result that is made as a NumPy scalar, which native code fills in; None for an array."""
    return t.dtype.type if not t.shape and t.dtype.kind in SCALARS and t.dtype.alignment <= 8 else None


def same_value(x: Any, y: Any) -> bool:
    """Are two static values of one type and equal, down to signs of zeros?"""
    if type(x) is not type(y):
        return False
    if isinstance(x, tuple):
        return len(x) == len(y) and all(map(same_value, x, y))
    return bool(x == y) and (type(x) not in (float, complex) or repr(x) == repr(y))


def built(caller: Caller, tree: Structure, n: int) -> Callable[[Sequence[str]], str]:
    """What writes a structure of results as an expression of them."""
    template = unflatten(tree, range(n))

    def plain(part: Any, ys: Sequence[str]) -> str:
        kind = type(part)
        if kind is int:
            return ys[part]
        if part is None:
            return "None"
        if kind is tuple:
            return f"({' '.join(f'{plain(p, ys)},' for p in part)})"
        if kind is list:
            return f"[{', '.join(plain(p, ys) for p in part)}]"
        if kind is dict:
            return f"{{{', '.join(f'{caller.known(k)}: {plain(p, ys)}' for k, p in part.items())}}}"
        raise NotPlain

    try:
        plain(template, [""] * n)
    except NotPlain:
        put, structure = caller.known(unflatten), caller.known(tree)
        return lambda ys: f"{put}({structure}, [{', '.join(ys)}])"
    return lambda ys: plain(template, ys)


def flat_caller(native: Any, types: Sequence[ArrayType]) -> Callable[..., list[Any]]:
    """`run(*args)` of arrays and floats of a program's types: the list of results."""
    caller = Caller(native)
    xs = [f"x{k}" for k in range(len(types))]
    given = [Given(float if t.weak and t.dtype.kind == "f" else np.ndarray, t.dtype, t.shape) for t in types]
    ys = caller.run(given, xs, native.stages.program.out_types)
    caller.finish(ys, lambda names: f"[{', '.join(names)}]")
    return caller.function(xs)


def given_as(leaf: Any, t: ArrayType) -> Given | None:
    """How native code recognises arguments like this one; None where it cannot."""
    cls = type(leaf)
    if isinstance(leaf, np.ndarray):
        return Given(cls, t.dtype, t.shape) if leaf.dtype is np.dtype(leaf.dtype.type) else None
    if cls in (float, int, complex) or (isinstance(leaf, np.generic) and cls is t.dtype.type):
        return Given(cls, t.dtype)
    return None


class Static:
    """An argument that is not data: a leaf that is compared by value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and same_value(self.value, other.value)

    def __hash__(self) -> int:
        return hash(self.value)


class Call(NamedTuple):
    """How a function was called: its arguments, those that are static wrapped, their leaves and their structure."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    leaves: list[Any]
    tree: Structure


def caller_like(native: Any, call: Call, traced: Sequence[bool], out_tree: Structure) -> Callable[..., Any] | None:
    """A function of (*args, *kwargs.values()) for calls like this one; None where it is not recognised quickly."""
    given = []
    values = [x for x, on in zip(call.leaves, traced, strict=True) if on]
    for x, t in zip(values, native.stages.program.in_types, strict=True):
        found = given_as(x, t)
        if found is None:
            return None
        given.append(found)
    names = {name: f"k{k}" for k, name in enumerate(call.kwargs)}
    parameters = [*(f"a{k}" for k in range(len(call.args))), *names.values()]
    caller = plain_caller(native, call, parameters) or any_caller(native, call, names)
    for k, on in enumerate(traced):
        if not on:
            x = call.leaves[k]
            caller.static(k, x.value if isinstance(x, Static) and not caller.wrapped else x)
    xs = [caller.leaves[k] for k, on in enumerate(traced) if on]
    types = native.stages.program.out_types
    caller.finish(caller.run(given, xs, types), built(caller, out_tree, len(types)))
    return caller.function(parameters)


def plain_caller(native: Any, call: Call, parameters: Sequence[str]) -> Caller | None:
    """Arguments taken apart by Python code, where they are dicts, lists and tuples."""
    caller = Caller(native)
    args, kwargs = unflatten(call.tree, range(call.tree.num_leaves))
    try:
        for name, part in zip(parameters, (*args, *(kwargs[k] for k in call.kwargs)), strict=True):
            caller.take(name, part)
    except NotPlain:
        return None
    return caller


def any_caller(native: Any, call: Call, names: dict[str, str]) -> Caller:
    """Arguments taken apart by the structure library."""
    caller = Caller(native)
    caller.wrapped = True
    wrap = caller.known(Static)
    texts = [f"{wrap}(a{k})" if isinstance(x, Static) else f"a{k}" for k, x in enumerate(call.args)]
    items = [
        f"{name!r}: " + (f"{wrap}({k})" if isinstance(call.kwargs[name], Static) else k) for name, k in names.items()
    ]
    caller.take_any(f"(({' '.join(f'{t},' for t in texts)}), {{{', '.join(items)}}})", call.tree)
    return caller
