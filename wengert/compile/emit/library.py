"""Calls of BLAS and LAPACK, which take everything by reference: numbers and letters become constants of the module."""

from __future__ import annotations

from typing import Any

import numpy as np

from .writer import Writer, llvm_type, number

PREFIX = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


def call(f: Writer, name: str, *args: Any) -> None:
    """A subroutine by its full name, such as blas.dgemm. Arguments: integers, letters, NumPy numbers, pointers (%x)."""
    f.declare(f"declare void @{name}({', '.join(['ptr'] * len(args))}) nounwind")
    f.do(f"call void @{name}({', '.join(f'ptr {reference(f, x)}' for x in args)})")


def reference(f: Writer, x: Any) -> str:
    """The address of an argument."""
    if isinstance(x, str) and x.startswith("%"):
        return x
    if isinstance(x, str):
        return constant(f, f"letter.{x}", f"i8 {ord(x)}")
    if isinstance(x, int):
        return constant(f, f"int.{x}", f"i32 {x}")
    t, value = llvm_type(x.dtype), number(x, x.dtype)
    if x.dtype.kind != "c":
        return constant(f, f"{x.dtype}.{value}", f"{t} {value}")
    return constant(f, f"{x.dtype}.{'.'.join(value)}", f"{{ {t}, {t} }} {{ {t} {value[0]}, {t} {value[1]} }}")


def constant(f: Writer, name: str, text: str) -> str:
    """A constant of the module, each once."""
    f.declare(f"@{name} = private unnamed_addr constant {text}")
    return f"@{name}"


def scalar(dtype: np.dtype[Any], value: complex) -> Any:
    """A number of a dtype, for `call`."""
    return dtype.type(value)
