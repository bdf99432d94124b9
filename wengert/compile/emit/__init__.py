"""Emission: blocks as LLVM's text."""

from . import complex_ops, floats, integers, ops  # they fill the tables of operations

__all__ = ["complex_ops", "floats", "integers", "ops"]
