"""Transformations of programs: one interpreter a file, each reading the derivative that primitives declare."""
