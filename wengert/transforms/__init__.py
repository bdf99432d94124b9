"""Transformations of programs: one interpreter a file, each reading the derivative that primitives declare."""

from . import program as program  # provides what the rules of loops and calls ask for
