"""A compiled program as a built-in function of Python: arguments and results in, a number out.

    entry(argument_0, ..., result_0, ...) -> 0, or what went wrong; what a signal handler raises is raised

One native function serves all programs. It compares what it is given with a table of what it expects, finds where the
data are, borrows the working memory, lets other threads run while a long program does, and calls the program's
`wengert_main`. Nothing of this touches a Python object but through its first words, whose places are checked once.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import UnsupportedFunctionError
from . import cache, llvm
from .guards import INTERRUPTED

OTHER = -3  # what an entry returns when it is given other types than it expects
NOT_IN_ORDER = -2  # ... an array that is not contiguous or not aligned
NO_MEMORY = -4  # ... when there is not enough for the program's working memory

HEAD = object.__basicsize__  # bytes before the first field of an object
WORDS = 8  # of the table, before its rows
ROW = 4  # words for each argument and result
OBJECT, ARRAY, INTEGER, RESULT = range(4)  # where the data are: in the object, behind it, converted, behind it

FUNCTIONS = (
    "PyLong_FromLong",
    "PyLong_AsLongLongAndOverflow",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyMem_RawMalloc",
    "PyMem_RawFree",
)

TEXT = f"""
; rows, wengert_main, its context, bytes of working memory, where that waits, is it kept, is the lock released, -
%Table = type {{ i64, ptr, ptr, i64, ptr, i64, i64, i64 }}
%Row = type {{ ptr, i64, ptr, i64 }} ; type, kind, dtype, where in the table its shape is

declare ptr @PyLong_FromLong(i64)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyMem_RawMalloc(i64)
declare void @PyMem_RawFree(ptr)

define ptr @wengert_entry(ptr %self, ptr %given, i64 %n) {{
entry:
  %at = getelementptr i8, ptr %self, i64 {HEAD}
  %table = load ptr, ptr %at
  %expected = load i64, ptr %table
  %data = alloca ptr, i64 %expected
  %integers = alloca i64, i64 %expected
  %overflow = alloca i32
  %fits = icmp eq i64 %n, %expected
  br i1 %fits, label %begin, label %other

begin:
  %nothing = icmp eq i64 %n, 0
  br i1 %nothing, label %memory, label %next

next:
  %k = phi i64 [ 0, %begin ], [ %k.next, %found ]
  %row = getelementptr i64, ptr %table, i64 {WORDS}
  %r = getelementptr %Row, ptr %row, i64 %k
  %x.at = getelementptr ptr, ptr %given, i64 %k
  %x = load ptr, ptr %x.at
  %r.kind = getelementptr %Row, ptr %r, i64 0, i32 1
  %kind = load i64, ptr %r.kind
  %value = getelementptr i8, ptr %x, i64 {HEAD}
  %is.result = icmp eq i64 %kind, {RESULT}
  br i1 %is.result, label %behind, label %check

check:
  %type.at = getelementptr i8, ptr %x, i64 {HEAD - 8}
  %type = load ptr, ptr %type.at
  %type.wanted = load ptr, ptr %r
  %same.type = icmp eq ptr %type, %type.wanted
  br i1 %same.type, label %by.kind, label %other

by.kind:
  switch i64 %kind, label %found [ i64 {ARRAY}, label %array i64 {INTEGER}, label %integer ]

integer:
  %i = call i64 @PyLong_AsLongLongAndOverflow(ptr %x, ptr %overflow)
  %over = load i32, ptr %overflow
  %i.at = getelementptr i64, ptr %integers, i64 %k
  store i64 %i, ptr %i.at
  %i.fits = icmp eq i32 %over, 0
  br i1 %i.fits, label %found, label %other

array:
  %dtype.at = getelementptr i8, ptr %x, i64 {HEAD + 40}
  %dtype = load ptr, ptr %dtype.at
  %r.dtype = getelementptr %Row, ptr %r, i64 0, i32 2
  %dtype.wanted = load ptr, ptr %r.dtype
  %same.dtype = icmp eq ptr %dtype, %dtype.wanted
  br i1 %same.dtype, label %axes, label %other

axes:
  %ndim.at = getelementptr i8, ptr %x, i64 {HEAD + 8}
  %ndim = load i32, ptr %ndim.at
  %ndim.64 = sext i32 %ndim to i64
  %r.shape = getelementptr %Row, ptr %r, i64 0, i32 3
  %shape.k = load i64, ptr %r.shape
  %shape.wanted = getelementptr i64, ptr %table, i64 %shape.k
  %ndim.wanted = load i64, ptr %shape.wanted
  %shape.at = getelementptr i8, ptr %x, i64 {HEAD + 16}
  %shape = load ptr, ptr %shape.at
  %same.ndim = icmp eq i64 %ndim.64, %ndim.wanted
  br i1 %same.ndim, label %axis, label %other

axis:
  %a = phi i64 [ 0, %axes ], [ %a.next, %same ]
  %a.done = icmp eq i64 %a, %ndim.64
  br i1 %a.done, label %order, label %length

length:
  %d.at = getelementptr i64, ptr %shape, i64 %a
  %d = load i64, ptr %d.at
  %a.next = add i64 %a, 1
  %d.wanted.at = getelementptr i64, ptr %shape.wanted, i64 %a.next
  %d.wanted = load i64, ptr %d.wanted.at
  %same.d = icmp eq i64 %d, %d.wanted
  br i1 %same.d, label %same, label %other

same:
  br label %axis

order:
  %flags.at = getelementptr i8, ptr %x, i64 {HEAD + 48}
  %flags = load i32, ptr %flags.at
  %flags.order = and i32 %flags, 257 ; NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED
  %in.order = icmp eq i32 %flags.order, 257
  br i1 %in.order, label %behind, label %not.in.order

behind:
  %pointer = load ptr, ptr %value
  br label %found

found:
  %where = phi ptr [ %value, %by.kind ], [ %i.at, %integer ], [ %pointer, %behind ]
  %data.at = getelementptr ptr, ptr %data, i64 %k
  store ptr %where, ptr %data.at
  %k.next = add i64 %k, 1
  %all = icmp eq i64 %k.next, %expected
  br i1 %all, label %memory, label %next

memory:
  %bytes.at = getelementptr %Table, ptr %table, i64 0, i32 3
  %bytes = load i64, ptr %bytes.at
  %needs = icmp ne i64 %bytes, 0
  %cell.at = getelementptr %Table, ptr %table, i64 0, i32 4
  %cell = load ptr, ptr %cell.at
  br i1 %needs, label %borrow, label %ready

borrow:
  %free = atomicrmw xchg ptr %cell, ptr null acq_rel
  %none = icmp eq ptr %free, null
  br i1 %none, label %allocate, label %align

allocate:
  %room = add i64 %bytes, 64
  %new = call ptr @PyMem_RawMalloc(i64 %room)
  %exhausted = icmp eq ptr %new, null
  br i1 %exhausted, label %no.memory, label %align

align:
  %block = phi ptr [ %free, %borrow ], [ %new, %allocate ]
  %past = getelementptr i8, ptr %block, i64 63
  %arena.aligned = call ptr @llvm.ptrmask.p0.i64(ptr %past, i64 -64)
  br label %ready

ready:
  %mine = phi ptr [ null, %memory ], [ %block, %align ]
  %arena = phi ptr [ null, %memory ], [ %arena.aligned, %align ]
  %main.at = getelementptr %Table, ptr %table, i64 0, i32 1
  %main = load ptr, ptr %main.at
  %context.at = getelementptr %Table, ptr %table, i64 0, i32 2
  %context = load ptr, ptr %context.at
  %releases.at = getelementptr %Table, ptr %table, i64 0, i32 6
  %releases = load i64, ptr %releases.at
  %long = icmp ne i64 %releases, 0
  br i1 %long, label %run.released, label %run

run.released:
  %thread = call ptr @PyEval_SaveThread()
  %code.1 = call i32 %main(ptr %context, ptr %arena, ptr %data)
  call void @PyEval_RestoreThread(ptr %thread)
  br label %ran

run:
  %code.2 = call i32 %main(ptr %context, ptr %arena, ptr %data)
  br label %ran

ran:
  %code = phi i32 [ %code.1, %run.released ], [ %code.2, %run ]
  %code.64 = sext i32 %code to i64
  br i1 %needs, label %give.back, label %end

give.back:
  %keeps.at = getelementptr %Table, ptr %table, i64 0, i32 5
  %keeps = load i64, ptr %keeps.at
  %kept = icmp ne i64 %keeps, 0
  br i1 %kept, label %keep, label %drop

keep:
  %swapped = cmpxchg ptr %cell, ptr null, ptr %mine acq_rel monotonic
  %was.empty = extractvalue {{ ptr, i1 }} %swapped, 1
  br i1 %was.empty, label %end, label %drop

drop:
  call void @PyMem_RawFree(ptr %mine)
  br label %end

no.memory:
  br label %end

not.in.order:
  br label %end

other:
  br label %end

end:
  %result = phi i64 [ %code.64, %ran ], [ %code.64, %keep ], [ %code.64, %drop ], [ {NO_MEMORY}, %no.memory ],
    [ {NOT_IN_ORDER}, %not.in.order ], [ {OTHER}, %other ]
  %interrupted = icmp eq i64 %result, {INTERRUPTED}
  br i1 %interrupted, label %exception, label %return

exception:
  ret ptr null

return:
  %number = call ptr @PyLong_FromLong(i64 %result)
  ret ptr %number
}}

declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
"""


class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


FASTCALL = 0x80  # METH_FASTCALL: arguments as an array of objects


class Given(NamedTuple):
    """What an argument is given as: an object of this Python class, whose data have this dtype and shape."""

    cls: type
    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()


def table(native: Any, given: Sequence[Given], results: Sequence[type | None]) -> Any:
    """The table of what a program expects. results: the class of each result that is a NumPy scalar; None: an array."""
    rows: list[int] = []
    shapes: list[int] = []
    n = len(given) + len(results)
    for x in given:
        kind = ARRAY if issubclass(x.cls, np.ndarray) else INTEGER if x.cls is int else OBJECT
        rows += [id(x.cls), kind, id(np.dtype(x.dtype.type)), WORDS + ROW * n + len(shapes)]
        shapes += [len(x.shape), *x.shape]
    for cls in results:
        rows += [0, RESULT, 0, 0] if cls is None else [id(cls), OBJECT, 0, 0]
    found = np.array([n, *[0] * (WORDS - 1), *rows, *shapes], np.int64)
    run_instead(found, native)
    native.tables.append(found)
    return found


def run_instead(table: Any, native: Any) -> None:
    """Another program for the same arguments."""
    memory = [native.stages.arena, native.cell.ctypes.data, native.keeps]
    table[1:WORDS] = [native.address, native.context.ctypes.data, *memory, native.releases, 0]


def entry(native: Any, given: Sequence[Given], results: Sequence[type | None]) -> Callable[..., int]:
    """The built-in function that runs a program on arguments of these classes. It does not keep the program alive."""
    definition, new = builtin()
    return new(ctypes.byref(definition), table(native, given, results), None)


def builtin() -> tuple[MethodDef, Any]:
    """What makes built-in functions of the native one."""
    with llvm.lock:
        return _builtin()


@functools.cache
def _builtin() -> tuple[MethodDef, Any]:
    check_places()
    symbols = {name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0 for name in FUNCTIONS}
    code, _ = cache.found_or_made(TEXT, lambda: llvm.object_code(llvm.optimised(TEXT)))
    address, library = llvm.loaded(code, symbols, "wengert_entry")
    definition = MethodDef(b"compiled", address, FASTCALL, None)
    definition.library = library
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.argtypes, new.restype = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p], ctypes.py_object
    return definition, new


def check_places() -> None:
    """Are the first words of objects where we think they are?"""

    def word(x: Any, offset: int, type: Any = ctypes.c_ssize_t) -> Any:
        return type.from_address(id(x) + offset).value

    a, x, z = np.ones((3, 5)), 1.25, np.float32(2.5)
    found = (
        *(word(a, HEAD), word(a, HEAD + 8, ctypes.c_int), word(a, HEAD + 40), word(a, HEAD + 48, ctypes.c_int)),
        *((ctypes.c_ssize_t * 2).from_address(word(a, HEAD + 16))[:],),
        *(word(x, HEAD, ctypes.c_double), word(z, HEAD, ctypes.c_float), word(x, HEAD - 8), word(a, HEAD - 8)),
    )
    expected = (a.ctypes.data, 2, id(a.dtype), a.flags.num, [3, 5], 1.25, 2.5, id(float), id(np.ndarray))
    if found != expected:
        raise UnsupportedFunctionError(
            "wg.jit does not know this Python: its objects are laid out in another way than CPython's",
            why="compiled programs read the data of arrays and numbers in place",
            write="CPython with NumPy 2 on a 64-bit machine; or call the function without wg.jit",
        )
