"""Emission: blocks as LLVM's text."""

from . import complex_ops, composed, floats, integers, ops, search  # they fill the tables of operations

__all__ = ["complex_ops", "composed", "floats", "integers", "ops", "search"]
