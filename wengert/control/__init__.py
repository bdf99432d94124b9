"""Loops and branches that stay so: scan, while_loop, fori_loop, map, cond, switch. Signatures are JAX's.

Python's own `for`, `while` and `if` are differentiated as they stand; these functions make one program of a loop, whose
derivative costs memory and time by the round, not by the operation. Outside of transformations they are plain Python.
"""

from .branches import cond, switch
from .counted import fori_loop
from .scans import map, scan
from .whiles import while_loop

__all__ = ["cond", "fori_loop", "map", "scan", "switch", "while_loop"]
