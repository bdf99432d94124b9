"""Between machine code and the Python functions that it calls: an interrupt stops the program wherever it comes.

Python delivers a signal before the first instruction of the next Python function, where nothing can catch what its
handler raises: ctypes would print it, and return whatever is in memory. So the functions here, which are native,
look for signals first. What a handler raises is left set for the entry, which returns to Python with it. And Python's
functions say that all went well by writing so; of what never reached that line nothing is believed.
"""

from __future__ import annotations

import ctypes

from . import cache, llvm

RAISED = -1  # what native code returns after a Python function that raised, which has kept the exception
INTERRUPTED = -5  # ... when there was a signal, and an exception is set
NAMES = ("patience", "call_back", "grow")
PYTHON = ("PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals")

TEXT = f"""
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()
declare void @python.call_back(i64, i64, ptr, ptr)
declare void @python.grow(i64, i64, ptr, i64, i64, ptr)

@wengert_guards = constant [3 x ptr] [ptr @patience, ptr @call_back, ptr @grow]

define internal i32 @patience() {{
  %lock = call i32 @PyGILState_Ensure()
  %signal = call i32 @PyErr_CheckSignals()
  call void @PyGILState_Release(i32 %lock)
  %none = icmp eq i32 %signal, 0
  %code = select i1 %none, i32 0, i32 {INTERRUPTED}
  ret i32 %code
}}

define internal i32 @call_back(i64 %program, i64 %number, ptr %table) {{
entry:
  %done = alloca i32
  store i32 {RAISED}, ptr %done
  %signal = call i32 @patience()
  %none = icmp eq i32 %signal, 0
  br i1 %none, label %on, label %stop
on:
  call void @python.call_back(i64 %program, i64 %number, ptr %table, ptr %done)
  %code = load i32, ptr %done
  ret i32 %code
stop:
  ret i32 %signal
}}

define internal i32 @grow(i64 %program, i64 %code, ptr %home, i64 %bytes, i64 %rows) {{
entry:
  %done = alloca i32
  store i32 {RAISED}, ptr %done
  %signal = call i32 @patience()
  %none = icmp eq i32 %signal, 0
  br i1 %none, label %on, label %stop
on:
  call void @python.grow(i64 %program, i64 %code, ptr %home, i64 %bytes, i64 %rows, ptr %done)
  %result = load i32, ptr %done
  ret i32 %result
stop:
  ret i32 %signal
}}
"""


def address_of(function: object) -> int:
    """The address of a function of ctypes."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def guards(call_back: object, grow: object) -> dict[str, int]:
    """The addresses of the native functions that call these, by name. Made once: they are kept."""
    symbols = {name: address_of(getattr(ctypes.pythonapi, name)) for name in PYTHON}
    symbols |= {"python.call_back": address_of(call_back), "python.grow": address_of(grow)}
    code, _ = cache.found_or_made(TEXT, lambda: llvm.quick_code(TEXT))
    address, library = llvm.loaded(code, symbols, "wengert_guards")
    _kept.append(library)
    found = (ctypes.c_void_p * len(NAMES)).from_address(address)
    return {name: at or 0 for name, at in zip(NAMES, found, strict=True)}


_kept: list[object] = []
