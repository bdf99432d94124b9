"""The grammar of the instructions that we write, as far as loops are widened."""

from __future__ import annotations

import re

TYPE = r"double|float|half|ptr|i\d+"
VALUE = r"[-%\w.]+"
INSTRUCTION = re.compile(r"  (?:(%[\w.]+) = )?(.*)$")
BINARY = re.compile(rf"([a-z]\w*(?: \w+)*) ({TYPE}) ({VALUE}), ({VALUE})$")
UNARY = re.compile(rf"((?:fneg|freeze)(?: \w+)*) ({TYPE}) ({VALUE})$")
CAST = re.compile(rf"([a-z]\w*(?: \w+)*) ({TYPE}) ({VALUE}) to ({TYPE})$")
SELECT = re.compile(rf"select ((?:\w+ )*)i1 ({VALUE}), ({TYPE}) ({VALUE}), ({TYPE}) ({VALUE})$")
CALL = re.compile(rf"call ((?:\w+ )*)({TYPE}) @([\w.]+)\((.*)\)( #\d+)?$")
LOAD = re.compile(rf"load ({TYPE}), ptr ({VALUE})$")
STORE = re.compile(rf"store ({TYPE}) ({VALUE}), ptr ({VALUE})$")
ADDRESS = re.compile(rf"getelementptr inbounds ({TYPE}), ptr ({VALUE}), i64 ({VALUE})$")
NAMES = re.compile(r"%[\w.]+")
ARGUMENT = re.compile(rf"({TYPE}) ({VALUE})")
IMMEDIATE = {"abs", "ctlz", "cttz", "powi", "is.fpclass"}  # LLVM's functions whose last argument stays a number


def size_of(type: str) -> int:
    """Bytes of an element."""
    return {"double": 8, "float": 4, "half": 2, "ptr": 8, "i1": 1}.get(type) or int(type[1:]) // 8


def short(type: str) -> str:
    """A type in the name of one of LLVM's functions."""
    return {"double": "f64", "float": "f32", "half": "f16"}.get(type, type)
