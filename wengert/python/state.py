"""What a piece of user code can change: variables, entries of containers, attributes, elements of arrays.

A `Place` holds one value. A `Snapshot` knows all that a function can reach, through its variables, the containers
and objects in them, and the functions that it calls; `changes` tells which of them hold something else now.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.trace import CONSTANT, Tracer
from ..core.types import ArrayType
from ..errors import ControlFlowError, is_ours
from ..numpy.alias import Memory, View


class Undefined:
    """Stands for the value of a variable that has none."""

    def __repr__(self) -> str:
        return "no value"


UNDEFINED = Undefined()


class Cell:
    """A variable."""

    def __init__(self, cell: types.CellType, name: str) -> None:
        self.cell, self.name, self.key = cell, name, (id(cell), None)

    def get(self) -> Any:
        """Its value, or UNDEFINED."""
        try:
            return self.cell.cell_contents
        except ValueError:
            return UNDEFINED

    def set(self, value: Any) -> None:
        """Give it a value, or none."""
        if value is not UNDEFINED:
            self.cell.cell_contents = value
        elif self.get() is not UNDEFINED:
            del self.cell.cell_contents

    def show(self) -> str:
        """As the user knows it."""
        return f"the variable {self.name!r}"


class Entry:
    """An entry of a list or a dict, or an attribute of an object."""

    def __init__(self, container: Any, index: Any, name: str) -> None:
        self.container, self.index, self.name, self.key = container, index, name, (id(container), index)

    def get(self) -> Any:
        """What stands there, or UNDEFINED."""
        missing = isinstance(self.container, dict) and self.index not in self.container
        return UNDEFINED if missing else self.container[self.index]

    def set(self, value: Any) -> None:
        """Put something there, or take it away."""
        if value is not UNDEFINED:
            self.container[self.index] = value
        elif self.get() is not UNDEFINED:
            del self.container[self.index]

    def show(self) -> str:
        """As the user knows it."""
        return f"{self.name}{self.index}" if self.name.endswith(".") else f"{self.name}[{self.index!r}]"


class Handle:
    """An array that can be assigned to: its elements."""

    def __init__(self, tracer: Tracer, name: str) -> None:
        self.tracer, self.name, self.key = tracer, name, (id(tracer), None)

    def get(self) -> Tracer:
        """The elements as they are now, as an array of their own."""
        return self.tracer.snapshot()

    def set(self, value: Any) -> None:
        """Make it hold other elements; its views follow."""
        self.tracer.become(value if isinstance(value, Tracer) else Tracer(CONSTANT, value))
        if type(self.tracer.alias) is Memory:
            self.tracer.alias.version += 1

    def show(self) -> str:
        """As the user knows it."""
        return f"the array {self.name!r}"


Place = Cell | Entry | Handle
Change = tuple[Place, Any, Any]  # a place, what was there, what is there now

_ATOMS = (int, float, complex, bool, str, bytes, type(None), type, np.generic, np.dtype, types.ModuleType, ArrayType,
          types.BuiltinFunctionType, types.CodeType, np.ufunc, range, slice, type(Ellipsis))  # fmt: skip


class Snapshot:
    """All that these functions can reach, as it is now."""

    def __init__(self, functions: Sequence[Callable[..., Any] | None]) -> None:
        self.cells: list[tuple[Cell, Any]] = []
        self.containers: list[tuple[Any, str, Any]] = []
        self.handles: list[tuple[Handle, tuple[Any, ...], Any]] = []
        self.seen: dict[int, Any] = {}
        self.todo: list[tuple[Any, str]] = []
        self.globals: list[tuple[Any, str]] = []
        self.outside: set[int] = set()  # the containers that are reached through global variables alone
        for f in functions:
            if f is not None:
                self.function(f)
        self.reach()
        inside = len(self.containers)
        while self.globals:
            self.add(*self.globals.pop())
            self.reach()
        self.outside = {id(c) for c, _, _ in self.containers[inside:]}

    def reach(self) -> None:
        """Visit all that is known to be reached."""
        while self.todo:
            self.visit(*self.todo.pop())

    def add(self, value: Any, name: str) -> None:
        """Something that can be reached."""
        if not isinstance(value, _ATOMS) and id(value) not in self.seen:
            self.seen[id(value)] = value
            self.todo.append((value, name))

    def visit(self, value: Any, name: str) -> None:
        """Note what it holds, and what can be reached through it."""
        if isinstance(value, Tracer):
            self.array(value, name)
        elif isinstance(value, list | dict | set | bytearray):
            self.containers.append((value, name, value.copy()))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for k, item in items:
                if not isinstance(item, _ATOMS):
                    self.add(item, f"{name}[{k!r}]")
        elif isinstance(value, tuple | frozenset):
            for k, item in enumerate(value):
                self.add(item, f"{name}[{k}]")
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.MethodType):
            self.add(value.__self__, name)
            self.add(value.__func__, name)
        elif isinstance(value, functools.partial):
            self.add((value.func, value.args, value.keywords), name)
        elif isinstance(value, Cell):
            self.cell(value)
        elif isinstance(value, Entry):
            self.add(value.container, value.name)
        elif not isinstance(value, np.ndarray):
            self.object(value, name)

    def cell(self, place: Cell) -> None:
        """A variable."""
        if id(place.cell) not in self.seen:
            self.seen[id(place.cell)] = place.cell
            self.cells.append((place, place.get()))
            self.add(place.get(), place.name)

    def array(self, tracer: Tracer, name: str) -> None:
        """An array, or a view, and what it is a view of."""
        alias = tracer.alias
        self.handles.append((Handle(tracer, name), _fields(tracer), alias))
        if type(alias) is View:
            self.add(alias.parent, name)

    def function(self, f: Any) -> None:
        """The variables of a function, and the global ones of the user's modules that it names."""
        self.seen[id(f)] = f
        if not isinstance(f, types.FunctionType):
            self.add(f, getattr(f, "__name__", "it"))
            return
        code = f.__code__
        for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
            if name != "_wg_":
                self.cell(Cell(cell, name))
        for value in f.__defaults__ or ():
            self.add(value, f.__name__)
        if not is_ours(code.co_filename):
            for name in _global_names(code):
                if name in f.__globals__:
                    self.globals.append((f.__globals__[name], name))

    def object(self, value: Any, name: str) -> None:
        """The attributes of an object of a class of the user's."""
        held = getattr(value, "__dict__", None)
        cls: Any = type(value)
        if type(held) is dict and not _of_library(cls):
            self.seen[id(held)] = held
            self.containers.append((held, f"{name}.", held.copy()))
            for k, item in held.items():
                self.add(item, f"{name}.{k}")

    # afterwards ----------------------------------------------------------------------------------------------------
    def changes(self) -> Iterator[Change]:
        """What is not what it was; ControlFlowError where a container has other entries than before."""
        for cell, old in self.cells:
            new = cell.get()
            if new is not old:
                yield cell, old, new
        for container, name, held in self.containers:
            for change in self.entries(container, name, held):
                if id(container) in self.outside:
                    raise changed_outside(change[0])
                yield change
        for handle, fields, alias in self.handles:
            if type(alias) is not View and _fields(handle.tracer) != fields:
                yield handle, _tracer_of(fields), handle.get()

    def entries(self, container: Any, name: str, held: Any) -> Iterator[Change]:
        """Entries of a container that hold something else."""
        if isinstance(held, dict):
            for k in {**held, **container}:
                old, new = held.get(k, UNDEFINED), container.get(k, UNDEFINED)
                if old is not new:
                    yield Entry(container, k, name), old, new
        elif isinstance(held, list) and len(container) == len(held):
            for k, (old, new) in enumerate(zip(held, container, strict=True)):
                if old is not new:
                    yield Entry(container, k, name), old, new
        elif container != held:
            raise mutated(name)

    def restore(self) -> None:
        """Put everything back."""
        for cell, old in self.cells:
            if cell.get() is not old:
                cell.set(old)
        for container, _, held in self.containers:
            if isinstance(container, dict):
                for k in [k for k in container if k not in held]:
                    del container[k]
                container.update(held)
            elif isinstance(container, set):
                container &= held
                container |= held
            else:
                container[:] = held
        for handle, fields, alias in self.handles:
            tracer = handle.tracer
            if _fields(tracer) != fields:
                handle.set(_tracer_of(fields))
                if type(alias) is View:
                    alias.version = -1  # it is taken again when it is next read
            tracer.alias = tracer.alias if alias is None else alias


def _fields(tracer: Tracer) -> tuple[Any, ...]:
    return _Same(tracer.traced_by), _Same(tracer.value), _Same(tracer.data), type(tracer)


class _Same:
    """Compares by identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    __hash__ = None  # type: ignore[assignment]


def _tracer_of(fields: tuple[Any, ...]) -> Tracer:
    """The array that had these fields."""
    trace, value, data, kind = fields
    made = object.__new__(kind)
    made.traced_by, made.value, made.data, made.alias = trace.value, value.value, data.value, None
    return made


def changed_outside(place: Place) -> ControlFlowError:
    """The error for a global object that a branch or a loop changes."""
    return ControlFlowError(
        f"{place.show()}, of a global variable, is assigned to in a branch or loop that depends on traced values",
        why="the function is run once, to record its program; what it does besides is not part of that",
        write="return the value, or keep it in an object that is made in the function",
    )


def mutated(name: str) -> ControlFlowError:
    """The error for a container that grows or shrinks in a branch or a loop."""
    return ControlFlowError(
        f"{name} gets more, fewer or other entries in a branch or loop that depends on traced values",
        why="the branch or the body of the loop is recorded once, and runs as often as the values say",
        write="an array made before with np.zeros(n), in which y[i] = v; or the new entry in every branch, after it",
    )


@functools.lru_cache(1024)
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """The names that code, and the functions in it, may look up as global ones."""
    names = dict.fromkeys(code.co_names)
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            names.update(dict.fromkeys(_global_names(c)))
    return tuple(names)


@functools.lru_cache(1024)
def _of_library(cls: type) -> bool:
    """Is this a class of a library, whose objects are its own business?"""
    if cls.__module__ == "__main__":
        return False
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file is None or is_ours(file)
